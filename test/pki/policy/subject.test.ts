import { describe, expect, test } from 'vitest';
import { buildSubject, type Facts } from '../../../src/pki/policy/subject.ts';
import type { RegisteredFact, SubjectRule, ValueForm } from '../../../src/pki/profile.ts';
import { nameOf } from '../../support/policy.ts';

const fromRequest = (
  attribute: SubjectRule['attribute'],
  form: ValueForm,
  equals?: RegisteredFact,
): SubjectRule => ({
  attribute,
  source: equals ? { from: 'request', form, equals } : { from: 'request', form },
  optional: false,
});

const registered = (fact: RegisteredFact, form: ValueForm, optional = false): SubjectRule => ({
  attribute: 'CN',
  source: { from: 'registered', fact, form },
  optional,
});

const build = (rule: SubjectRule, requested: readonly string[] = [], facts: Facts = {}) => {
  const { subject, violations } = buildSubject([rule], nameOf(...requested), facts);
  return {
    value: subject.attributes[0]?.value,
    codes: violations.map(({ code }) => code),
    fields: violations.map(({ field }) => field),
    messages: violations.map(({ message }) => message),
  };
};

const SECC = `DEABCS${'1'.repeat(33)}`;
const EVCC = `WBAV${'1'.repeat(15)}`;

describe('a value from the request in each form, written in normal form', () => {
  test.each<[ValueForm, string, string]>([
    ['common-name', 'Root of Örtli 株式会社', 'Root of Örtli 株式会社'],
    ['organization-name', 'Example Charging GmbH & Co. KG', 'Example Charging GmbH & Co. KG'],
    ['country', 'DE', 'DE'],
    ['station-serial-number', 'S/N0123456789', 'S/N0123456789'],
    ['secc-id', SECC, SECC],
    ['evcc-id', EVCC.toLowerCase(), EVCC],
    ['emaid', 'de-8aa-001234567', 'DE8AA001234567'],
    ['emaid', 'DE8AA0012345670', 'DE8AA0012345670'],
    ['pcid', 'wbap1234567890123', 'WBAP1234567890123'],
    ['dns-name', 'CSMS.Example.COM', 'csms.example.com'],
  ])('%s %s', (form, text, expected) => {
    expect(build(fromRequest('CN', form), [`CN=${text}`])).toMatchObject({
      value: expected,
      codes: [],
    });
  });
});

describe('C5 a value that is not in its form is a violation, and never written', () => {
  test.each<[string, ValueForm, string]>([
    ['empty', 'common-name', ''],
    ['65 characters', 'common-name', 'x'.repeat(65)],
    ['NUL', 'common-name', 'a\u0000b'],
    ['C1 control', 'common-name', 'a\u0085b'],
    ['right-to-left override', 'organization-name', 'a\u202eb'],
    ['zero-width space', 'organization-name', 'a\u200bb'],
    ['zero-width joiner', 'organization-name', 'a\u200db'],
    ['soft hyphen', 'organization-name', 'a\u00adb'],
    ['Hangul filler', 'common-name', 'a\u3164b'],
    ['Braille blank', 'common-name', 'a\u2800b'],
    ['lone surrogate', 'common-name', 'a\ud800b'],
    ['no-break space', 'common-name', 'a\u00a0b'],
    ['line separator', 'common-name', 'a\u2028b'],
    ['not NFC', 'organization-name', 'O\u0308rtli'],
    ['trailing space', 'common-name', 'Foo '],
    ['two spaces', 'common-name', 'Foo  Bar'],
    ['lower-case country', 'country', 'de'],
    ['three-letter country', 'country', 'DEU'],
    ['one-letter country', 'country', 'D'],
    ['serial number like a host', 'station-serial-number', 'csms.example.com'],
    ['SECC name with a space', 'secc-id', 'DE ABC'],
    ['EVCCID too short', 'evcc-id', 'WBAV1'],
    ['EVCCID too long for a name', 'evcc-id', `WBAV${'1'.repeat(61)}`],
    ['EMAID with a wrong check digit', 'emaid', 'DE8AA0012345671'],
    ['EMAID of Cyrillic letters', 'emaid', 'DE8\u0410A001234567'],
    ['PCID too short', 'pcid', 'WBA1'],
    ['address instead of a host name', 'dns-name', '192.0.2.1'],
    ['wildcard', 'dns-name', '*.example.com'],
  ])('%s', (_, form, text) => {
    expect(build(fromRequest('CN', form), [`CN=${text}`])).toMatchObject({
      value: undefined,
      codes: ['subject-attribute-invalid'],
      fields: ['subject.CN'],
    });
  });

  test('64 characters outside the basic plane are 64 characters', () => {
    const text = '𠮷'.repeat(64);
    expect(build(fromRequest('CN', 'common-name'), [`CN=${text}`]).value).toBe(text);
  });

  test('an attribute that the request has twice', () => {
    const built = build(fromRequest('CN', 'common-name'), ['CN=a', 'O=x', 'CN=b']);
    expect(built.codes).toEqual(['subject-attribute-invalid']);
  });

  test('a message shows hostile text only escaped', () => {
    const [message] = build(fromRequest('CN', 'common-name'), ['CN=a\u202e"\n\u200b']).messages;
    expect(message).toContain('"a\\u{202e}\\"\\n\\u{200b}"');
  });
});

describe('C7 a value that must equal what is registered', () => {
  const emaid = fromRequest('CN', 'emaid', 'contract.emaid');
  const name = fromRequest('O', 'organization-name', 'organization.name');

  test.each<[string, SubjectRule, string, Facts, string]>([
    ['equal', emaid, 'CN=DE8AA001234567', { 'contract.emaid': 'DE8AA001234567' }, 'DE8AA001234567'],
    ...[
      ['DE*ICE*E1', 'deicee1'],
      ['deicee1', 'DE*ICE*E1'],
      [`DEICES${'A'.repeat(33)}`, `de-ice-s-${'a'.repeat(32)}-a`],
    ].map(([registered = '', requested]): [string, SubjectRule, string, Facts, string] => [
      `${registered} in another spelling`,
      fromRequest('CN', 'secc-id', 'station.seccId'),
      `CN=${requested}`,
      { 'station.seccId': registered },
      registered,
    ]),
    [
      'other spelling',
      emaid,
      'CN=de-8aa-001234567',
      { 'contract.emaid': 'DE8AA001234567' },
      'DE8AA001234567',
    ],
    [
      'check digit here only',
      emaid,
      'CN=DE8AA0012345670',
      { 'contract.emaid': 'DE8AA001234567' },
      'DE8AA001234567',
    ],
    [
      'check digit there only',
      emaid,
      'CN=DE8AA001234567',
      { 'contract.emaid': 'DE-8AA-001234567-0' },
      'DE8AA0012345670',
    ],
    [
      'other case of free text',
      name,
      'O=ACME gmbh',
      { 'organization.name': 'Acme GmbH' },
      'Acme GmbH',
    ],
    ['nothing registered', name, 'O=Anything', {}, 'Anything'],
  ])('%s: the registered spelling is written', (_, rule, requested, facts, expected) => {
    expect(build(rule, [requested], facts)).toMatchObject({ value: expected, codes: [] });
  });

  test.each<[string, SubjectRule, string, Facts, string]>([
    [
      'another contract',
      emaid,
      'CN=DE8AA001234568',
      { 'contract.emaid': 'DE8AA001234567' },
      'subject-attribute-mismatch',
    ],
    [
      'another name',
      name,
      'O=Other',
      { 'organization.name': 'Acme' },
      'subject-attribute-mismatch',
    ],
    [
      'serial numbers keep their case',
      fromRequest('CN', 'station-serial-number', 'station.serialNumber'),
      'CN=abc1',
      { 'station.serialNumber': 'ABC1' },
      'subject-attribute-mismatch',
    ],
    ...[
      ['DE*ICE*E1', 'DE*ICX*E1'],
      ['DE*ICE*E1', 'DE*ICE*E11'],
      ['Depot-1', 'DEPOT-1'],
    ].map(([registered = '', requested]): [string, SubjectRule, string, Facts, string] => [
      `${requested} where ${registered} is registered`,
      fromRequest('CN', 'secc-id', 'station.seccId'),
      `CN=${requested}`,
      { 'station.seccId': registered },
      'subject-attribute-mismatch',
    ]),
    [
      'a registered value out of form',
      emaid,
      'CN=DE8AA001234567',
      { 'contract.emaid': 'x' },
      'subject-attribute-invalid',
    ],
  ])('refused: %s', (_, rule, requested, facts, code) => {
    expect(build(rule, [requested], facts)).toMatchObject({ value: undefined, codes: [code] });
  });
});

describe('registered, fixed and missing values', () => {
  test('what the request says about a registered or fixed attribute is ignored', () => {
    const rules: SubjectRule[] = [
      registered('station.serialNumber', 'station-serial-number'),
      { attribute: 'DC', source: { from: 'fixed', value: 'CPO' }, optional: false },
    ];
    const requested = nameOf('DC=V2G', 'CN=evil', 'ST=x', 'L=y', 'OU=z', 'emailAddress=a@b');
    const built = buildSubject(rules, requested, { 'station.serialNumber': 'S1' });
    expect(built).toEqual({ subject: nameOf('CN=S1', 'DC=CPO'), violations: [] });
  });

  test('a registered value out of form is a violation', () => {
    const built = build(registered('organization.country', 'country'), [], {
      'organization.country': 'Germany',
    });
    expect(built.codes).toEqual(['subject-attribute-invalid']);
  });

  test.each<[string, SubjectRule]>([
    ['request', fromRequest('CN', 'common-name')],
    ['registration', registered('station.identity', 'common-name')],
  ])('missing in the %s: a violation, or left out when optional', (_, rule) => {
    expect(build(rule).codes).toEqual(['subject-attribute-missing']);
    expect(build({ ...rule, optional: true })).toMatchObject({ value: undefined, codes: [] });
  });

  test('optional does not excuse a malformed value', () => {
    const rule = { ...fromRequest('C', 'country'), optional: true };
    expect(build(rule, ['C=de']).codes).toEqual(['subject-attribute-invalid']);
  });
});
