import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEvseId } from '../../src/identifiers/evse-id.ts';
import { accepted, expectHostileTextRefused, refusal } from './hostile-text.ts';

describe('EVSEID', () => {
  test('has parts, a form to compare and a form to show', () => {
    expect(accepted(parseEvseId('de*ice*e45b*78c'))).toEqual({
      country: 'DE',
      operator: 'ICE',
      outlet: '45B*78C',
      normal: 'DEICEE45B78C',
      display: 'DE*ICE*E45B*78C',
    });
  });

  test.each([
    ['no asterisks', 'DEICEE45B78C', 'DE*ICE*E45B78C'],
    ['the first asterisk only', 'DE*ICEE45B78C', 'DE*ICE*E45B78C'],
    ['the second asterisk only', 'DEICE*E45B78C', 'DE*ICE*E45B78C'],
    ['asterisks in the outlet only', 'DEICEE4*5*B78C', 'DE*ICE*E4*5*B78C'],
  ])('with %s is the same outlet', (_name, text, display) => {
    const evseId = accepted(parseEvseId(text));
    expect(evseId.normal).toBe('DEICEE45B78C');
    expect(evseId.display).toBe(display);
  });

  test.each([
    ['the shortest', 'DEICEE1'],
    ['the longest', `DE*ICE*E${'7'.repeat(30)}`],
    ['an operator that ends in E', 'DE*8EE*E1'],
  ])('%s', (_name, text) => {
    expect(accepted(parseEvseId(text)).normal).toBe(text.replaceAll('*', ''));
  });

  test.each([
    ['an empty text', '', /empty/],
    ['no outlet', 'DE*ICE*E', /outlet of 1 to 30/],
    ['an outlet of 31 characters', `DEICEE${'7'.repeat(31)}`, /outlet of 1 to 30/],
    ['39 characters', `DE*ICE*E${'7'.repeat(31)}`, /at most 38/],
    ['another type than E', 'DE*ICE*S45B', /'E'/],
    ['an outlet of asterisks', 'DE*ICE*E**', /single '\*'/],
    ['a double asterisk', 'DE*ICE*E1**2', /single '\*'/],
    ['an asterisk at the end', 'DE*ICE*E1*', /single '\*'/],
    ['an asterisk behind the E', 'DE*ICE*E*1', /single '\*'/],
    ['a misplaced asterisk', 'D*EICE*E45B', /country \(2 letters\)/],
    ['hyphens', 'DE-ICE-E45B', /character 3 is '-'/],
    ['an underscore', 'DE*ICE*E45_B', /'_'/],
    ['the telephone form of DIN SPEC 91286', '+49*810*000*438', /'\+'/],
  ])('C5: %s is refused', (_name, text, reason) => {
    expect(refusal(parseEvseId(text))).toMatch(reason);
  });

  test('C5: no look-alikes, control, bidirectional or zero-width characters', () => {
    expectHostileTextRefused(parseEvseId, 'DE*ICE*E45B*78C');
  });

  test('normal form and display form are their own, and both are the same outlet', () => {
    const shape =
      /^[A-Za-z]{2}\*?[A-Za-z0-9]{3}\*?[Ee][A-Za-z0-9]{1,9}(?:\*[A-Za-z0-9]{1,9}){0,2}$/;
    fc.assert(
      fc.property(fc.stringMatching(shape), (text) => {
        const { normal, display } = accepted(parseEvseId(text));
        expect(accepted(parseEvseId(normal)).normal).toBe(normal);
        expect(accepted(parseEvseId(display))).toMatchObject({ normal, display });
      }),
    );
  });
});
