/**
 * The token between lint and signer: only bytes that passed lint can be signed, and only once
 * (S3, S4). A `LintedTbs` holds nothing itself. What it stands for is in a table of this module
 * that nobody else can reach, so an object made by a cast, a copy or `Object.create` is worth
 * nothing, and a token that was used is worth nothing again.
 */

import { createHash } from 'node:crypto';
import { sameBytes } from './der.ts';
import type { LintContext, LintFinding } from './lint/rule.ts';
import { lintTbs } from './lint.ts';

interface Sealed {
  readonly tbs: Uint8Array;
  /** SHA-256 of the bytes at the time when they passed lint. */
  readonly digest: Uint8Array;
}

export type { LintIssuer } from './lint/rule.ts';

const sealed = new WeakMap<LintedTbs, Sealed>();
let newToken: () => LintedTbs;

/** Stands for one TBSCertificate that passed lint and has not been signed yet. */
export class LintedTbs {
  // Private, so that the type has no look-alikes; the table is what counts at run time.
  private constructor() {}

  static {
    newToken = () => new LintedTbs();
  }
}

/** A token that is none, has been used, or whose bytes have changed since lint. */
export class LintedTbsError extends Error {
  override readonly name = 'LintedTbsError';
}

export type LintResult =
  | { readonly ok: true; readonly linted: LintedTbs }
  | { readonly ok: false; readonly findings: readonly LintFinding[] };

/**
 * Lints a TBSCertificate and, if no rule is broken, gives out the token that it is signed by.
 * @param tbs DER; must not change until the token is consumed, or the token is void
 */
export function lintAndSeal(tbs: Uint8Array, context: LintContext): LintResult {
  // Hashed before lint reads them: bytes that change during or after it (they may be shared with
  // another thread) are not those that the hash is of.
  const digest = sha256(tbs);
  const findings = lintTbs(tbs, context);
  if (findings.length > 0) return { ok: false, findings };
  const linted = newToken();
  sealed.set(linted, { tbs, digest });
  return { ok: true, linted };
}

/**
 * The bytes behind a token, which is used up by that, whatever comes of it. They are the caller's
 * own copy.
 * @throws LintedTbsError if the token is none, has been used, or the bytes have changed
 */
export function consume(linted: LintedTbs): Uint8Array {
  const found = sealed.get(linted);
  if (!found) throw new LintedTbsError('this was not linted, or has been signed already');
  const { tbs, digest } = found;
  sealed.delete(linted);
  const copy = new Uint8Array(tbs);
  if (!sameBytes(sha256(copy), digest)) {
    throw new LintedTbsError('the bytes to be signed have changed since they were linted');
  }
  return copy;
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
