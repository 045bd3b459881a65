import { createECDH } from 'node:crypto';
import { sameBytes } from '../../pki/byte-order.ts';
import { curves } from '../../pki/curves.ts';
import { type PublicKey, readPublicKey } from '../../pki/public-key.ts';
import { requireScalar, type TransportCurve } from './agreement.ts';
import { KeyTransportError } from './key-transport-error.ts';

/**
 * That a private key is the one of a contract certificate: 0 < d < n, and d times the base point
 * is the certificate's public key ([V2G2-823], [V2G20-2507]). The car checks it, and so does the
 * sender, before anybody relies on it.
 * @param spki of the contract certificate, DER
 * @throws KeyTransportError `scalar-out-of-range`, `contract-key`, `key-mismatch`
 */
export function requireContractKey(
  curve: TransportCurve,
  scalar: Uint8Array,
  spki: Uint8Array,
): void {
  const { bits } = contractPublicKey(curve, spki);
  requireScalar(curves[curve], scalar);
  const pair = createECDH(curves[curve].nodeName);
  pair.setPrivateKey(scalar);
  if (!sameBytes(pair.getPublicKey(), bits)) throw keyMismatch();
}

/** @throws KeyTransportError `contract-key` unless it is a public key of this kind */
export function contractPublicKey(kind: TransportCurve | 'Ed448', spki: Uint8Array): PublicKey {
  const key = readPublicKey(spki);
  if (key.ok && key.value.algorithm === kind) return key.value;
  throw new KeyTransportError(
    'contract-key',
    `The key of the contract certificate is not a public key of type ${kind}.`,
  );
}

export const keyMismatch = (): KeyTransportError =>
  new KeyTransportError(
    'key-mismatch',
    'The private key does not belong to the public key of the contract certificate.',
  );
