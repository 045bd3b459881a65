/** Verifying who signed whom, each pair of certificate and key at most once. */

import { sameBytes } from '../byte-order.ts';
import { verifyIssuedBy } from '../certificate.ts';
import { type Spending, spend } from './limits.ts';
import type { PathNode } from './node.ts';

export type SignatureState =
  | 'good'
  | 'bad'
  /** By its own findings one of the two has no signature, or no key, that anybody could verify. */
  | 'unverifiable'
  /** There are no checks left. */
  | 'unchecked';

/** Whether the holder of a key signed a certificate, as `verifyIssuedBy` says. */
export type VerifySignature = typeof verifyIssuedBy;

export type CheckSignature = (child: PathNode, issuer: PathNode) => SignatureState;

/** A function that verifies and remembers. */
export function signatureChecker(
  spending: Spending,
  verify: VerifySignature = verifyIssuedBy,
): CheckSignature {
  const known = new Map<PathNode, Map<string, boolean>>();
  return (child, issuer) => {
    const { publicKey } = issuer.certificate;
    const { signatureAlgorithm, signatureAlgorithmDer, outerSignatureAlgorithmDer } =
      child.certificate;
    if (publicKey === undefined || signatureAlgorithm === undefined) return 'unverifiable';
    if (!sameBytes(signatureAlgorithmDer, outerSignatureAlgorithmDer)) return 'unverifiable';
    const byKey = known.get(child) ?? new Map<string, boolean>();
    known.set(child, byKey);
    const key = keyText(issuer);
    const before = byKey.get(key);
    if (before !== undefined) return before ? 'good' : 'bad';
    if (!spend(spending, 'signatureChecks')) return 'unchecked';
    const good = verify(child.certificate, publicKey);
    byKey.set(key, good);
    return good ? 'good' : 'bad';
  };
}

/** The key of a certificate, as text that is the same for the same key. */
export const keyText = ({ certificate }: PathNode): string =>
  Buffer.from(certificate.spki).toString('latin1');
