import { describe, expect, test } from 'vitest';
import { estStatusOf, ocppAnswerOf } from '../../src/services/error-answers.ts';
import { errorRows } from '../../src/services/error-tables.ts';
import { type ErrorCode, errorCodes } from '../../src/services/errors.ts';

const codes = Object.keys(errorCodes) as ErrorCode[];

describe('the table of errors', () => {
  test.each(codes)('%s means something at each door', (code) => {
    const { http, exit, cause, remedy } = errorCodes[code];
    expect(http).toBeGreaterThanOrEqual(400);
    expect(http).toBeLessThan(600);
    expect(exit).toBeGreaterThan(0);
    for (const sentence of [cause, remedy]) expect(sentence).toMatch(/^[A-Z].*\.$/);
    // RFC 7030 knows the statuses of RFC 2616.
    expect([400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503]).toContain(estStatusOf(code));
    // Whose fault it is does not depend on the door; what has no rank in EST is looked for again.
    if (http >= 500) expect(estStatusOf(code)).toBe(http);
  });

  test('A02 a station is told Rejected only of a request that no decision could make good', () => {
    expect(codes.filter((code) => ocppAnswerOf(code) === 'Rejected')).toEqual(['csr-unreadable']);
  });

  test('W12 who calls, and how, is never said to a station', () => {
    for (const code of ['request-malformed', 'not-authenticated', 'not-permitted', 'internal']) {
      expect(ocppAnswerOf(code as ErrorCode)).toBeUndefined();
    }
  });

  test('rows show what the code uses', () => {
    expect(errorRows.map(({ code }) => code)).toEqual(codes);
    for (const { code, http, est, ocpp, exit } of errorRows) {
      expect({ http, exit }).toEqual({ http: errorCodes[code].http, exit: errorCodes[code].exit });
      expect([est, ocpp]).toEqual([estStatusOf(code), ocppAnswerOf(code) ?? 'problem']);
    }
  });
});
