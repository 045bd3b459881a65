import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePcid } from '../../src/identifiers/pcid.ts';
import { accepted, expectHostileTextRefused, refusal } from './hostile-text.ts';

describe('PCID', () => {
  test.each([
    ['18 characters, VDE-AR-E 2802-100-1', 'HUBOpenProvCert001', 'HUB', 'OPENPROVCERT001'],
    ['17 characters, VDE-AR-E 2802-100-1', 'WBAOpenProvCert01', 'WBA', 'OPENPROVCERT01'],
    ['17 characters of ISO 15118-20', 'TSTP1234567890123', 'TST', 'P1234567890123'],
    ['18 characters of ISO 15118-20', 'TSTP12345678901234', 'TST', 'P12345678901234'],
    ['a long one of ISO 15118-20', `1g6p${'7'.repeat(251)}`, '1G6', `P${'7'.repeat(251)}`],
  ])('%s', (_name, text, wmi, vehicle) => {
    expect(accepted(parsePcid(text))).toEqual({ wmi, vehicle, normal: wmi + vehicle });
  });

  test.each([
    ['an empty text', '', /empty/],
    ['16 characters', 'TSTP123456789012', /at least 17/],
    ['19 characters without P behind the WMI', 'HUBOpenProvCert0012', /'P' behind its WMI/],
    ['256 characters', `TSTP${'7'.repeat(252)}`, /at most 255/],
    ['a hyphen', 'TST-P1234567890123', /character 4 is '-'/],
    ['a space', 'HUBOpen ProvCert01', /character 8 is ' '/],
  ])('C5: %s is refused', (_name, text, reason) => {
    expect(refusal(parsePcid(text))).toMatch(reason);
  });

  test('C5: no look-alikes, control, bidirectional or zero-width characters', () => {
    expectHostileTextRefused(parsePcid, 'HUBOpenProvCert001');
  });

  test('the normal form of a normal form is itself', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9]{3}P[A-Za-z0-9]{13,60}$/), (text) => {
        const pcid = accepted(parsePcid(text));
        expect(accepted(parsePcid(pcid.normal))).toEqual(pcid);
        expect(accepted(parsePcid(text.toLowerCase()))).toEqual(pcid);
      }),
    );
  });
});
