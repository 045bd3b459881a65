import { describe, expect, test } from 'vitest';
import {
  type AcceptedReason,
  decideRelease,
  decideRevocation,
  type Status,
} from '../../src/pki/lifecycle.ts';
import type { RevocationReason } from '../../src/pki/revocation-reasons.ts';

const now = new Date('2026-11-22T12:00:00Z');
const before = new Date('2026-11-01T00:00:00Z');
const issued: Status = { state: 'issued' };
const held: Status = { state: 'held', reason: 'certificateHold', revokedAt: before };
const revoked = (reason: AcceptedReason): Status => ({
  state: 'revoked',
  reason,
  revokedAt: before,
});

describe('revoking', () => {
  test.each<[string, Status, RevocationReason, Status, boolean]>([
    ['a good one', issued, 'superseded', { ...revoked('superseded'), revokedAt: now }, false],
    [
      'without a reason',
      issued,
      'unspecified',
      { ...revoked('unspecified'), revokedAt: now },
      false,
    ],
    [
      'a compromised one',
      issued,
      'keyCompromise',
      { ...revoked('keyCompromise'), revokedAt: now },
      true,
    ],
    ['a good one, for a while', issued, 'certificateHold', { ...held, revokedAt: now }, false],
    ['a held one keeps the date', held, 'superseded', revoked('superseded'), false],
    ['a held one as compromised', held, 'keyCompromise', revoked('keyCompromise'), true],
    [
      'an upgrade to compromise',
      revoked('superseded'),
      'keyCompromise',
      revoked('keyCompromise'),
      true,
    ],
  ])('%s', (_name, current, reason, to, blocksKey) => {
    const decision = decideRevocation(current, reason, false, now);
    expect(decision).toEqual({ kind: 'change', to, blocksKey });
  });

  test.each<[Status, RevocationReason]>([
    [revoked('superseded'), 'superseded'],
    [revoked('keyCompromise'), 'keyCompromise'],
    [held, 'certificateHold'],
  ])('the same way again changes nothing (%o)', (current, reason) => {
    expect(decideRevocation(current, reason, false, now)).toEqual({ kind: 'unchanged' });
  });

  test.each<[Status, RevocationReason]>([
    [revoked('superseded'), 'cessationOfOperation'],
    [revoked('superseded'), 'certificateHold'],
    [revoked('keyCompromise'), 'superseded'],
  ])('any other change of a revocation is a conflict (%o to %s)', (current, reason) => {
    expect(decideRevocation(current, reason, false, now).kind).toBe('conflict');
  });

  test.each<[RevocationReason, boolean]>([
    ['removeFromCRL', false],
    ['aACompromise', false],
    ['cACompromise', false],
    ['removeFromCRL', true],
    ['certificateHold', true],
  ])('%s is refused (authority: %s)', (reason, isAuthority) => {
    expect(decideRevocation(issued, reason, isAuthority, now).kind).toBe('reason-refused');
  });

  test('an authority may be compromised as an authority, which blocks its key', () => {
    const to = { ...revoked('cACompromise'), revokedAt: now };
    expect(decideRevocation(issued, 'cACompromise', true, now)).toEqual({
      kind: 'change',
      to,
      blocksKey: true,
    });
    const upgrade = decideRevocation(revoked('keyCompromise'), 'cACompromise', true, now);
    expect(upgrade.kind).toBe('conflict');
  });
});

describe('releasing', () => {
  test('a held certificate is good again', () => {
    expect(decideRelease(held)).toEqual({ kind: 'change', to: issued, blocksKey: false });
  });
  test('one that is not held stays as it is', () => {
    expect(decideRelease(issued)).toEqual({ kind: 'unchanged' });
  });
  test('a revocation cannot be lifted', () => {
    expect(decideRelease(revoked('superseded')).kind).toBe('conflict');
  });
});
