/** Verifying who signed whom, each pair of certificate and key at most once. */

import type { Asking } from '../asking.ts';
import { sameBytes } from '../byte-order.ts';
import { type Certificate, spkiKey } from '../certificate.ts';
import type { PublicKey } from '../public-key.ts';
import { type Spending, spend } from './limits.ts';
import type { PathNode } from './node.ts';

export type SignatureState =
  | 'good'
  | 'bad'
  /** By its own findings one of the two has no signature, or no key, that anybody could verify. */
  | 'unverifiable'
  /** There are no checks left. */
  | 'unchecked';

/** Whether the holder of a key signed a certificate, as `verifyIssuedBy` answers it. */
export interface SignatureQuestion {
  readonly child: Certificate;
  readonly issuerKey: PublicKey;
}

/** Work on the way of which signatures have to be verified; by whom, and when, is not its matter. */
export type Verifying<Result> = Asking<SignatureQuestion, boolean, Result>;

export type CheckSignature = (child: PathNode, issuer: PathNode) => Verifying<SignatureState>;

/** By certificate and the key of its issuer: what was verified. */
type Verified = Map<PathNode, Map<string, boolean>>;

/** A function that has signatures verified and remembers. */
export function signatureChecker(spending: Spending): CheckSignature {
  const known: Verified = new Map();
  return (child, issuer) => check(known, spending, child, issuer);
}

function* check(
  known: Verified,
  spending: Spending,
  child: PathNode,
  issuer: PathNode,
): Verifying<SignatureState> {
  const { publicKey } = issuer.certificate;
  const { signatureAlgorithm, signatureAlgorithmDer, outerSignatureAlgorithmDer } =
    child.certificate;
  if (publicKey === undefined || signatureAlgorithm === undefined) return 'unverifiable';
  if (!sameBytes(signatureAlgorithmDer, outerSignatureAlgorithmDer)) return 'unverifiable';
  const byKey = known.get(child) ?? new Map<string, boolean>();
  known.set(child, byKey);
  const key = spkiKey(issuer.certificate);
  const before = byKey.get(key);
  if (before !== undefined) return before ? 'good' : 'bad';
  if (!spend(spending, 'signatureChecks')) return 'unchecked';
  const good = yield { child: child.certificate, issuerKey: publicKey };
  byKey.set(key, good);
  return good ? 'good' : 'bad';
}
