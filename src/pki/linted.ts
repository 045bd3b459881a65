/**
 * The token between lint and signer: only bytes that passed lint can be signed, and only once
 * (S3, S4). What a `LintedTbs` stands for is in a private field of it that nobody else can reach,
 * and that an object made by a cast, a copy or `Object.create` does not have, so that such a one is
 * worth nothing; and a token that was used is worth nothing again.
 */

import { sameBytes } from './byte-order.ts';
import type { LintContext, LintFinding } from './lint/rule.ts';
import { lintTbs } from './lint.ts';

interface Sealed {
  /** The caller's. */
  readonly tbs: Uint8Array;
  /** What lint has seen; nobody else ever had it. */
  readonly seen: Uint8Array;
}

export type { LintIssuer } from './lint/rule.ts';

let seal: (sealed: Sealed) => LintedTbs;
let unseal: (linted: LintedTbs) => Sealed | undefined;

/** Stands for one TBSCertificate that passed lint and has not been signed yet. */
export class LintedTbs {
  #sealed: Sealed | undefined;

  // Private, so that the type has no look-alikes; and without arguments, because at run time
  // everybody can call it.
  private constructor() {}

  static {
    seal = (sealed) => {
      const linted = new LintedTbs();
      linted.#sealed = sealed;
      return linted;
    };
    unseal = (linted) => {
      if (typeof linted !== 'object' || linted === null || !(#sealed in linted)) return undefined;
      const sealed = linted.#sealed;
      linted.#sealed = undefined;
      return sealed;
    };
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
  // Lint reads a copy of its own: bytes that change during or after it (they may be shared with
  // another thread) are not those that were linted.
  const seen = new Uint8Array(tbs);
  const findings = lintTbs(seen, context);
  if (findings.length > 0) return { ok: false, findings };
  return { ok: true, linted: seal({ tbs, seen }) };
}

/**
 * The bytes behind a token, which is used up by that, whatever comes of it: those that lint has
 * seen, and the caller's alone from now on.
 * @throws LintedTbsError if the token is none, has been used, or the bytes have changed
 */
export function consume(linted: LintedTbs): Uint8Array {
  const found = unseal(linted);
  if (!found) throw new LintedTbsError('this was not linted, or has been signed already');
  const { tbs, seen } = found;
  if (!sameBytes(tbs, seen)) {
    throw new LintedTbsError('the bytes to be signed have changed since they were linted');
  }
  return seen;
}
