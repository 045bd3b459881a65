import { describe, expect, test } from 'vitest';
import { parseEstDeclarations } from '../../src/services/est-declarations.ts';
import { demoDeclarations } from '../support/declarations.ts';

const { profiles, est: shipped } = demoDeclarations();

const parse = (document: unknown) => parseEstDeclarations(document, 'est.yaml', profiles);
const errorsOf = (document: unknown) => {
  const result = parse(document);
  return result.ok ? [] : result.errors.map(({ path, message }) => `${path} ${message}`);
};
const organization = 'cpo-north';

describe('est.yaml', () => {
  test('is not needed: labels of roles refuse to wait, and take every proof', () => {
    const result = parse({});
    if (!result.ok) throw new Error(JSON.stringify(result.errors));
    expect(result.est.labels.size).toBe(0);
    for (const role of ['cpo', 'mo', 'oem', 'veh', 'cps', 'cso'] as const) {
      expect(result.est.roles[role]).toEqual({
        ...{ base64: 'auto', reenrolment: 'profile-values', pending: 'refuse' },
        authentication: [
          'api-client',
          'enrolment-secret',
          'factory-certificate',
          'current-certificate',
        ],
      });
    }
  });

  test('says what each label is, and nothing changes it afterwards', () => {
    const result = parse({
      labels: {
        north: {
          organization,
          certificates: { unnamed: { profile: 'ocpp-station', authority: 'north-ca' } },
          ...{ base64: 'single', reenrolment: 'identical-names', pending: 'answer-202' },
          authentication: ['factory-certificate'],
          factoryRoots: [`AA:${'bb:'.repeat(30)}CC`, 'de'.repeat(32)],
        },
      },
      roles: { cso: { pending: 'answer-202' } },
      anonymous: { label: 'north', organizations: { mo: 'mo-west' } },
    });
    if (!result.ok) throw new Error(JSON.stringify(result.errors));
    expect(result.est.labels.get('north')).toEqual({
      ...{ name: 'north', organizationId: organization, base64: 'single' },
      certificates: { unnamed: { profile: 'ocpp-station', authority: 'north-ca' } },
      ...{ reenrolment: 'identical-names', pending: 'answer-202' },
      authentication: ['factory-certificate'],
      factoryRoots: [`aa${'bb'.repeat(30)}cc`, 'de'.repeat(32)],
    });
    expect(result.est.roles.cso.pending).toBe('answer-202');
    expect(result.est.roles.cpo.pending).toBe('refuse');
    expect(result.est.anonymous).toEqual({ label: 'north', organizations: { mo: 'mo-west' } });
    for (const part of [result.est, result.est.roles, result.est.anonymous]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test('as shipped declares the organizations of the demo', () => {
    expect([...shipped.labels.keys()]).toEqual(['demo-cpo', 'demo-cso']);
    expect(shipped.anonymous.label).toBe('cpo');
  });

  test.each<[string, unknown, RegExp]>([
    ['an unknown key', { label: {} }, /^label is not a known key; did you mean "labels"\? Allowed/],
    [
      'an unknown option',
      { labels: { north: { organization, role: 'cpo', base65: 'auto' } } },
      /^labels\.north\.base65 is not a known key; did you mean "base64"/,
    ],
    [
      'a wrong value',
      { roles: { cpo: { pending: 'accept' } } },
      /^roles\.cpo\.pending must be one of refuse, answer-202; found "accept"/,
    ],
    ['an unknown role', { roles: { csos: {} } }, /^roles\.csos is not a known key/],
    [
      'nobody who may',
      { labels: { north: { organization, role: 'cpo', authentication: [] } } },
      /^labels\.north\.authentication must not be an empty list/,
    ],
    [
      'a root that is none',
      { labels: { north: { organization, role: 'cpo', factoryRoots: ['maker-root.pem'] } } },
      /^labels\.north\.factoryRoots\[0\] must be the SHA-256 of a certificate/,
    ],
    [
      'roots for nothing',
      { roles: { cpo: { factoryRoots: ['ab'.repeat(32)], authentication: ['api-client'] } } },
      /^roles\.cpo\.factoryRoots is of no use/,
    ],
    [
      'the name of a role',
      { labels: { cpo: { organization, role: 'cpo' } } },
      /^labels\.cpo is the label of a role/,
    ],
    [
      'RFC 7030 3.2.2 the name of an operation',
      { labels: { cacerts: { organization, role: 'cpo' } } },
      /^labels\.cacerts is an operation/,
    ],
    [
      'nothing certified',
      { labels: { north: { organization } } },
      /^labels\.north must have either/,
    ],
    [
      'two things certified',
      {
        labels: {
          north: {
            ...{ organization, role: 'cpo' },
            certificates: { unnamed: { profile: 'ocpp-station' } },
          },
        },
      },
      /^labels\.north must have either/,
    ],
    [
      'an unknown profile',
      { labels: { north: { organization, certificates: { unnamed: { profile: 'x' } } } } },
      /^labels\.north\.certificates\.unnamed\.profile x is no end-entity profile/,
    ],
    [
      'the profile of an authority',
      { labels: { north: { organization, certificates: { unnamed: { profile: 'ocpp-root' } } } } },
      /ocpp-root is no end-entity profile/,
    ],
    [
      'an unknown label for everybody',
      { anonymous: { label: 'south' } },
      /^anonymous\.label south is none of cpo, mo, oem, veh, cps, cso$/,
    ],
  ])('with %s is refused', (_what, document, expected) => {
    const errors = errorsOf(document);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(expected);
  });

  test('lists every error', () => {
    const wrong = { labels: { cpo: { organization }, cps: { organization, role: 'cps' } } };
    expect(errorsOf(wrong)).toHaveLength(3);
  });
});
