import { describe, expect, test } from 'vitest';
import {
  isRevocationReason,
  revocationReasonOf,
  revocationReasons,
} from '../../src/pki/revocation-reasons.ts';

describe('RFC 5280 5.3.1: reasons', () => {
  test.each([
    ['unspecified', 0],
    ['keyCompromise', 1],
    ['cACompromise', 2],
    ['affiliationChanged', 3],
    ['superseded', 4],
    ['cessationOfOperation', 5],
    ['certificateHold', 6],
    ['removeFromCRL', 8],
    ['privilegeWithdrawn', 9],
    ['aACompromise', 10],
  ] as const)('%s is %i', (reason, number) => {
    expect(revocationReasons[reason]).toBe(number);
    expect(revocationReasonOf(number)).toBe(reason);
    expect(isRevocationReason(reason)).toBe(true);
  });

  test('there are ten', () => {
    expect(Object.keys(revocationReasons)).toHaveLength(10);
  });

  test.each([7, 11, -1, 1.5, Number.NaN])('%d is none', (number) => {
    expect(revocationReasonOf(number)).toBeUndefined();
  });

  test.each(['', 'KeyCompromise', 'caCompromise', 'toString', '__proto__'])(
    '%j is none',
    (text) => {
      expect(isRevocationReason(text)).toBe(false);
    },
  );
});
