import { describe, expect, test } from 'vitest';
import { settings } from '../../../src/config/settings.ts';
import { createRateLimits, purposeOf, RateLimited } from '../../../src/http/api/rate-limits.ts';

/** How many calls of 1,000 got through. */
function through(call: () => void): number {
  let count = 0;
  for (let asked = 0; asked < 1000; asked++) {
    try {
      call();
      count += 1;
    } catch (error) {
      if (!(error instanceof RateLimited)) throw error;
    }
  }
  return count;
}

describe('W10 limits', () => {
  const limits = () => createRateLimits({ perClient: 2, perAddress: 1 }, () => 0);

  test('a client has a minute of its rate at once, for each purpose', () => {
    const some = limits();
    expect(through(() => some.takeFromClient('client:a', 'enrolment'))).toBe(120);
    for (const purpose of ['revocation', 'status', 'other'] as const) {
      expect(through(() => some.takeFromClient('client:a', purpose))).toBe(120);
    }
    expect(through(() => some.takeFromClient('client:b', 'enrolment'))).toBe(120);
    expect(through(() => some.takeFromAddress('192.0.2.1'))).toBe(60);
  });

  test('by default a CSMS of 10,000 stations restarts without being refused', () => {
    const some = createRateLimits(
      {
        perClient: Number(settings.clientRate.default),
        perAddress: Number(settings.addressRate.default),
      },
      () => 0,
    );
    for (let station = 0; station < 10_000; station++) {
      // Certificate and status for each station, from a dozen processes with a token each.
      some.takeFromClient('client:csms', 'enrolment');
      some.takeFromClient('client:csms', 'enrolment');
      some.takeFromClient('client:csms', 'status');
      some.takeFromClient('client:csms', 'status');
      if (station < 12) some.takeFromAddress('192.0.2.1');
    }
  });

  test('0 is no limit', () => {
    const none = createRateLimits({ perClient: 0, perAddress: 0 }, () => 0);
    expect(through(() => none.takeFromClient('client:a', 'enrolment'))).toBe(1000);
    expect(through(() => none.takeFromAddress(undefined))).toBe(1000);
  });

  test('the wait is told in whole seconds, at least one', () => {
    const some = createRateLimits({ perClient: 1, perAddress: 1 }, () => 0);
    through(() => some.takeFromClient('client:a', 'other'));
    expect(() => some.takeFromClient('client:a', 'other')).toThrow(
      expect.objectContaining({ code: 'too-many-requests', retryAfterSeconds: 1 }),
    );
    expect(new RateLimited(1001).retryAfterSeconds).toBe(2);
    expect(new RateLimited(3).retryAfterSeconds).toBe(1);
  });

  test.each([
    ['certificates:issue', 'enrolment'],
    ['ocpp:sign', 'enrolment'],
    ['certificates:revoke', 'revocation'],
    ['ocpp:status', 'status'],
    ['certificates:read', 'other'],
    ['constructor', 'other'],
    [undefined, 'other'],
  ])('%s counts as %s', (action, purpose) => {
    expect(purposeOf(action)).toBe(purpose);
  });
});
