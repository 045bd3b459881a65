import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSeccId, parseSeccName } from '../../src/identifiers/secc-id.ts';
import { accepted, expectHostileTextRefused, refusal } from './hostile-text.ts';

const controller = '00003C4D557878675645330967543476';

describe('SECCID of ISO 15118-20', () => {
  test('with hyphens and check digit', () => {
    expect(accepted(parseSeccId(`de-ice-s-${controller}-2`))).toEqual({
      country: 'DE',
      operator: 'ICE',
      controller,
      checkDigit: '2',
      normal: `DEICES${controller}2`,
    });
  });

  test('without hyphens', () => {
    expect(accepted(parseSeccId(`DEICES${controller}2`))).toEqual({
      country: 'DE',
      operator: 'ICE',
      controller: `${controller}2`,
      normal: `DEICES${controller}2`,
    });
  });

  test('up to 64 characters as written', () => {
    expect(accepted(parseSeccId(`DEICES${'7'.repeat(58)}`)).normal).toHaveLength(64);
    expect(accepted(parseSeccId(`DE-ICE-S-${'7'.repeat(53)}-7`)).normal).toHaveLength(60);
  });

  test.each([
    ['38 characters', `DEICES${controller}`, /at least 39/],
    ['38 characters without hyphens', `DE-ICE-S-${controller}`, /at least 39 .* without hyphens/],
    ['65 characters', `DEICES${'7'.repeat(59)}`, /at most 64/],
    ['65 characters as written', `DE-ICE-S-${'7'.repeat(54)}-7`, /at most 64/],
    ['E in the place of S', `DEICEE${controller}2`, /'S'/],
    ['a country with a digit', `D1ICES${controller}2`, /country \(2 letters\)/],
    ['only some hyphens', `DE-ICES${controller}2`, /hyphens between all of them or none/],
    ['a hyphen only before the check digit', `DEICES${controller}-2`, /all of them or none/],
    ['asterisks', `DE*ICE*S*${controller}*2`, /character 3 is '\*'/],
    ['a short controller', 'DE-ICE-S-0123456789-2-3456789012345678901', /32 or more/],
  ])('C5: %s is refused', (_name, text, reason) => {
    expect(refusal(parseSeccId(text))).toMatch(reason);
  });

  test('C5: no look-alikes, control, bidirectional or zero-width characters', () => {
    expectHostileTextRefused(parseSeccId, `DE-ICE-S-${controller}-2`);
  });

  test('a text is valid exactly if its normal form is, which is its own normal form', () => {
    const shape = /^[A-Z]{2}-[A-Z0-9]{3}-S-[A-Z0-9]{30,35}(?:-[A-Z0-9])?$/;
    fc.assert(
      fc.property(fc.stringMatching(shape), (text) => {
        const withoutHyphens = parseSeccId(text.replaceAll('-', ''));
        const result = parseSeccId(text);
        expect(result.ok).toBe(withoutHyphens.ok);
        if (result.ok) expect(accepted(withoutHyphens).normal).toBe(result.value.normal);
      }),
    );
  });
});

describe('SECC name of ISO 15118-2', () => {
  test.each([
    ['an EVSEID', 'DE*ICE*E45B*78C'],
    ['a SECCID', `DE-ICE-S-${controller}-2`],
    ['a word', 'SECCCert'],
    ['a version-like name', 'cp_001.v2'],
    ['64 characters', 'x'.repeat(64)],
    ['one character', 'A'],
  ])('%s', (_name, text) => {
    expect(accepted(parseSeccName(text))).toBe(text);
  });

  test.each([
    ['an empty text', '', /empty/],
    ['65 characters', 'x'.repeat(65), /at most 64/],
    ['a space', 'SECC 1', /character 5 is ' '/],
    ['a slash', 'CP/1', /'\/'/],
    ['a colon', 'CP:1', /':'/],
    ['a percent sign', 'CP%2f1', /'%'/],
    ['a plus', '+49*810*000*438', /'\+'/],
    ['a host name', 'secc.example.com', /host name/],
    ['an IPv4 address', '192.0.2.1', /IP address/],
  ])('C5: %s is refused', (_name, text, reason) => {
    expect(refusal(parseSeccName(text))).toMatch(reason);
  });

  test('C5: no look-alikes, control, bidirectional or zero-width characters', () => {
    expectHostileTextRefused(parseSeccName, 'SECCCert');
  });
});
