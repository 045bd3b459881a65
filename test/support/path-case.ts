/** Chains with the verdict that RFC 5280 gives them: what test/vectors/paths holds is made of them. */

import type { Certificate } from '../../src/pki/certificate.ts';
import type { PathProblemCode } from '../../src/pki/path/problems.ts';
import type { PathRules } from '../../src/pki/path/rules.ts';
import { authority, leaf, root } from './path-certificates.ts';

export interface PathCase {
  /** Category and name, as `nc/dns-outside`. */
  readonly id: string;
  /** What it shows, with the clause. */
  readonly about: string;
  readonly certificate: Certificate;
  readonly candidates?: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  readonly rules?: Omit<PathRules, 'at' | 'statusOf'> & { readonly at?: string };
  /** Whose status is `revoked`. */
  readonly revoked?: readonly Certificate[];
  /** The codes of the problems in order; empty if the path holds. */
  readonly problems: readonly PathProblemCode[];
}

export const anchors: readonly Certificate[] = [root('Root')];
export const sub1 = authority('Sub 1', 'Root');
export const sub2 = authority('Sub 2', 'Sub 1');
export const ordinary = leaf('Sub 2');
export const chain = { anchors, candidates: [sub1, sub2], certificate: ordinary };

/** A leaf below an authority called `Sub`. */
export const under = (issuer: Certificate, more: Parameters<typeof leaf>[1] = {}) => ({
  anchors,
  candidates: [issuer],
  certificate: leaf('Sub', more),
});
