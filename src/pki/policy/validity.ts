/**
 * From when until when a certificate holds. Both ends are inside the period (RFC 5280 4.1.2.5),
 * so one that starts at 12:00:00 and holds for a minute ends at 12:00:59. Everything is in whole
 * seconds, because DER has no others.
 */

import type { Profile } from '../profile.ts';
import { type Violation, violation } from '../violations.ts';

export interface Period {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface ValidityInput {
  readonly rules: Profile['validity'];
  readonly now: Date;
  /** The issuer's own period; undefined for a self-signed certificate. */
  readonly issuer: Period | undefined;
  /** The end that was asked for; undefined for the profile's default. */
  readonly requestedEnd: Date | undefined;
}

const SECOND = 1000;
/** The last moment that X.509 can write, and its way to say "no end" (RFC 5280 4.1.2.5). */
const END_OF_TIME = Date.UTC(9999, 11, 31, 23, 59, 59);

const floor = (milliseconds: number): number => Math.floor(milliseconds / SECOND) * SECOND;
const ceiling = (milliseconds: number): number => Math.ceil(milliseconds / SECOND) * SECOND;

/** Milliseconds from one second to another, both of them counted. */
export const inclusiveDuration = ({ notBefore, notAfter }: Period): number =>
  notAfter.getTime() - notBefore.getTime() + SECOND;

/**
 * The period, and what is wrong with it. notBefore is back-dated by the profile but never before
 * the issuer's. An end that was asked for and is out of bounds is an error, never shortened: the
 * caller would not notice. The profile's default is clamped to the issuer's end, and refused when
 * less than the profile's minimum is left from now on.
 */
export function decideValidity(input: ValidityInput): {
  readonly period: Period;
  readonly violations: readonly Violation[];
} {
  const { rules, now, issuer, requestedEnd } = input;
  const backdated = floor(now.getTime() - rules.backdate);
  const start = issuer ? Math.max(backdated, ceiling(issuer.notBefore.getTime())) : backdated;
  const issuerEnd = issuer ? floor(issuer.notAfter.getTime()) : END_OF_TIME;
  const { end, violations } = requestedEnd
    ? checkedEnd(floor(requestedEnd.getTime()), start, issuerEnd, input)
    : defaultEnd(start, issuerEnd, input);
  return { period: { notBefore: new Date(start), notAfter: new Date(end) }, violations };
}

interface End {
  readonly end: number;
  readonly violations: readonly Violation[];
}

function checkedEnd(end: number, start: number, issuerEnd: number, input: ValidityInput): End {
  const { rules, now, issuer } = input;
  const field = 'notAfter';
  if (Number.isNaN(end)) {
    return { end, violations: [violation('validity-order', 'The end is not a date.', field)] };
  }
  const violations: Violation[] = [];
  const said = new Date(end).toISOString();
  // Back-dating puts the start before now, so comparing with the start alone would let a
  // certificate be born expired.
  if (end <= Math.max(start, now.getTime())) {
    violations.push(violation('validity-order', `The end ${said} is not in the future.`, field));
  }
  if (issuer && end > issuerEnd) {
    const limit = new Date(issuerEnd).toISOString();
    const message = `The end ${said} is after that of the issuer, ${limit}.`;
    violations.push(violation('validity-beyond-issuer', message, field));
  }
  if (end - start + SECOND > rules.maximum || end > END_OF_TIME) {
    const limit = new Date(Math.min(start + rules.maximum - SECOND, END_OF_TIME)).toISOString();
    const message = `The end ${said} is after the last that the profile allows, ${limit}.`;
    violations.push(violation('validity-too-long', message, field));
  }
  return { end, violations };
}

function defaultEnd(start: number, issuerEnd: number, { rules, now }: ValidityInput): End {
  const wanted = start + Math.min(rules.default, rules.maximum) - SECOND;
  const end = floor(Math.min(wanted, issuerEnd));
  const left = end - floor(now.getTime()) + SECOND;
  if (end === wanted || left >= rules.minimum) return { end, violations: [] };
  const message = `The issuer ends at ${new Date(issuerEnd).toISOString()}, which leaves less than the profile's minimum of ${rules.minimum / SECOND} seconds.`;
  return { end, violations: [violation('validity-too-short', message, 'notAfter')] };
}
