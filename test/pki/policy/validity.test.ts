import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decideValidity,
  inclusiveDuration,
  type ValidityInput,
} from '../../../src/pki/policy/validity.ts';
import { DAY, HOUR } from '../../support/policy.ts';

const rules = { default: 90 * DAY, maximum: 100 * DAY, minimum: 7 * DAY, backdate: HOUR };
const now = new Date('2026-03-01T12:00:00.750Z');
const issuer = {
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2028-12-31T23:59:59Z'),
};
const base: ValidityInput = { rules, now, issuer, requestedEnd: undefined };

const decide = (changes: Partial<ValidityInput>) => {
  const { period, violations } = decideValidity({ ...base, ...changes });
  return {
    notBefore: period.notBefore.toISOString(),
    notAfter: Number.isNaN(period.notAfter.getTime()) ? '' : period.notAfter.toISOString(),
    codes: violations.map(({ code }) => code),
  };
};

describe('S5 the period', () => {
  test.each<[string, Partial<ValidityInput>, string, string]>([
    [
      'back-dated, whole seconds, both ends included',
      {},
      '2026-03-01T11:00:00',
      '2026-05-30T10:59:59',
    ],
    [
      'never before the issuer',
      { issuer: { ...issuer, notBefore: new Date('2026-03-01T11:30:00Z') } },
      '2026-03-01T11:30:00',
      '2026-05-30T11:29:59',
    ],
    [
      'clamped to the issuer',
      { issuer: { ...issuer, notAfter: new Date('2026-04-01T00:00:00Z') } },
      '2026-03-01T11:00:00',
      '2026-04-01T00:00:00',
    ],
    [
      'the minimum exactly, counted from now',
      { issuer: { ...issuer, notAfter: new Date('2026-03-08T11:59:59Z') } },
      '2026-03-01T11:00:00',
      '2026-03-08T11:59:59',
    ],
    [
      'self-signed: not clamped',
      { issuer: undefined },
      '2026-03-01T11:00:00',
      '2026-05-30T10:59:59',
    ],
    [
      'a requested end is taken, its fraction dropped',
      { requestedEnd: new Date('2026-03-02T00:00:00.999Z') },
      '2026-03-01T11:00:00',
      '2026-03-02T00:00:00',
    ],
    [
      'the longest that can be requested',
      { requestedEnd: new Date('2026-06-09T10:59:59Z') },
      '2026-03-01T11:00:00',
      '2026-06-09T10:59:59',
    ],
    [
      "a requested end at the issuer's",
      {
        issuer: { ...issuer, notAfter: new Date('2026-03-03T00:00:00Z') },
        requestedEnd: new Date('2026-03-03T00:00:00Z'),
      },
      '2026-03-01T11:00:00',
      '2026-03-03T00:00:00',
    ],
  ])('%s', (_, changes, notBefore, notAfter) => {
    expect(decide(changes)).toEqual({
      notBefore: `${notBefore}.000Z`,
      notAfter: `${notAfter}.000Z`,
      codes: [],
    });
  });

  test.each<[string, Partial<ValidityInput>, string[]]>([
    ['not a date', { requestedEnd: new Date(Number.NaN) }, ['validity-order']],
    [
      'an end between the back-dated start and now',
      { requestedEnd: new Date('2026-03-01T11:30:00Z') },
      ['validity-order'],
    ],
    [
      'an end before the start',
      { requestedEnd: new Date('2020-01-01T00:00:00Z') },
      ['validity-order'],
    ],
    [
      'a second longer than the maximum',
      { requestedEnd: new Date('2026-06-09T11:00:00Z') },
      ['validity-too-long'],
    ],
    [
      'a second beyond the issuer is refused and not clamped',
      {
        issuer: { ...issuer, notAfter: new Date('2026-03-03T00:00:00Z') },
        requestedEnd: new Date('2026-03-03T00:00:01Z'),
      },
      ['validity-beyond-issuer'],
    ],
    [
      'beyond issuer and maximum',
      { requestedEnd: new Date('2030-01-01T00:00:00Z') },
      ['validity-beyond-issuer', 'validity-too-long'],
    ],
    [
      'a second less than the minimum is left',
      { issuer: { ...issuer, notAfter: new Date('2026-03-08T11:59:58Z') } },
      ['validity-too-short'],
    ],
    [
      'the issuer has ended',
      { issuer: { ...issuer, notAfter: new Date('2026-02-01T00:00:00Z') } },
      ['validity-too-short'],
    ],
    [
      'beyond the year 9999',
      {
        issuer: undefined,
        rules: { ...rules, maximum: 1e15 },
        requestedEnd: new Date('+010000-01-01T00:00:00Z'),
      },
      ['validity-too-long'],
    ],
  ])('refused: %s', (_, changes, codes) => {
    expect(decide(changes).codes).toEqual(codes);
  });

  test('S5 accepted periods lie within issuer and maximum, in whole seconds, for any clock', () => {
    const start = Date.UTC(2025, 11, 1);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5 * 365 * DAY }),
        fc.option(fc.integer({ min: -DAY, max: 200 * DAY }), { nil: undefined }),
        (offset, end) => {
          const at = new Date(start + offset);
          const requestedEnd = end === undefined ? undefined : new Date(at.getTime() + end);
          const { period, violations } = decideValidity({ ...base, now: at, requestedEnd });
          if (violations.length > 0) return;
          const { notBefore, notAfter } = period;
          expect(notBefore >= issuer.notBefore && notAfter <= issuer.notAfter).toBe(true);
          expect(inclusiveDuration(period)).toBeLessThanOrEqual(rules.maximum);
          expect(notBefore.getMilliseconds() + notAfter.getMilliseconds()).toBe(0);
          expect(notAfter > at).toBe(true);
        },
      ),
    );
  });
});
