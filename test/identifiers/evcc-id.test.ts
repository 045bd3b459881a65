import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEvccId } from '../../src/identifiers/evcc-id.ts';
import { accepted, expectHostileTextRefused, refusal } from './hostile-text.ts';

describe('EVCCID of ISO 15118-20', () => {
  test('without hyphens', () => {
    expect(accepted(parseEvccId('tstv123456789abcdef'))).toEqual({
      wmi: 'TST',
      vehicle: '123456789ABCDEF',
      normal: 'TSTV123456789ABCDEF',
    });
  });

  test('with hyphens and check digit', () => {
    expect(accepted(parseEvccId('TST-V-123456789ABCDEF-7'))).toEqual({
      wmi: 'TST',
      vehicle: '123456789ABCDEF',
      checkDigit: '7',
      normal: 'TSTV123456789ABCDEF7',
    });
  });

  test.each([
    ['the longest', `TSTV${'7'.repeat(251)}`],
    ['the longest with hyphens', `TST-V-${'7'.repeat(250)}-7`],
  ])('%s', (_name, text) => {
    expect(accepted(parseEvccId(text)).normal).toHaveLength(255);
  });

  test.each([
    ['14 characters behind the V', 'TSTV123456789ABCDE', /at least 19/],
    ['14 characters behind the V, hyphens', 'TST-V-123456789ABCDE', /15 to 250/],
    ['too long', `TSTV${'7'.repeat(252)}`, /15 to 250/],
    ['too long with hyphens', `TST-V-${'7'.repeat(251)}-7`, /at most 258/],
    ['P in the place of V', 'TSTP123456789ABCDEF', /'V'/],
    ['only some hyphens', 'TST-V123456789ABCDEF', /hyphens between all of them or none/],
    ['a hyphen behind the V only', 'TSTV-123456789ABCDEF', /hyphens between all of them or none/],
    ['a two-character check digit', 'TST-V-123456789ABCDEF-77', /check digit/],
    ['the MAC address of ISO 15118-2', '00:11:22:33:44:55:66', /':'/],
  ])('C5: %s is refused', (_name, text, reason) => {
    expect(refusal(parseEvccId(text))).toMatch(reason);
  });

  test('C5: no look-alikes, control, bidirectional or zero-width characters', () => {
    expectHostileTextRefused(parseEvccId, 'TST-V-123456789ABCDEF-7');
  });

  test('the normal form of a normal form is itself', () => {
    const shape = /^[A-Za-z0-9]{3}-[Vv]-[A-Za-z0-9]{15,40}(?:-[A-Za-z0-9])?$/;
    fc.assert(
      fc.property(fc.stringMatching(shape), (text) => {
        const { normal } = accepted(parseEvccId(text));
        expect(accepted(parseEvccId(normal)).normal).toBe(normal);
      }),
    );
  });
});
