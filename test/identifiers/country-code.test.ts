import { describe, expect, test } from 'vitest';
import { parseCountryCode } from '../../src/identifiers/country-code.ts';
import { accepted, hostileCharacters, refusal } from './hostile-text.ts';

describe('country code', () => {
  test.each(['DE', 'NL', 'XX'])('%s', (text) => {
    expect(accepted(parseCountryCode(text))).toBe(text);
  });

  test.each(['', 'D', 'DEU', 'de', 'De', 'D1', 'DE ', 'DE\n', ' DE'])(
    'C5: "%s" is refused',
    (text) => {
      expect(refusal(parseCountryCode(text))).toContain('two upper-case');
    },
  );

  test('C5: no look-alikes, control, bidirectional or zero-width characters', () => {
    for (const [name, character] of hostileCharacters) {
      expect(parseCountryCode(`D${character}`).ok, name).toBe(false);
      expect(parseCountryCode(`DE${character}`).ok, name).toBe(false);
    }
  });
});
