/** What the transport of a contract key refuses. No message carries key material. */

export type KeyTransportErrorCode =
  /** The key that a contract key is to be encrypted for is not one of the curve in question. */
  | 'recipient-key'
  /** The ephemeral public key is not one of the curve: length, form, point, small order. */
  | 'dh-public-key'
  /** The two keys agree on zero, as only a public key of small order makes them (RFC 7748 6.2). */
  | 'shared-secret-zero'
  /** The field with the encrypted key, or the IV for it, does not have the octets that it must have. */
  | 'field-length'
  /** A private key does not have the octets of its curve, or is not between 1 and the order - 1. */
  | 'scalar-out-of-range'
  /** The public key of the contract is of another kind than the transport carries. */
  | 'contract-key'
  /** The private key does not belong to the public key of the contract certificate. */
  | 'key-mismatch'
  /** The field was altered, or was made for another car or certificate ([V2G20-2504]). */
  | 'not-authentic'
  /** A PCID with other characters than letters and digits, or a key identifier of other than 8 octets. */
  | 'additional-data';

export class KeyTransportError extends Error {
  override readonly name = 'KeyTransportError';
  readonly code: KeyTransportErrorCode;

  constructor(code: KeyTransportErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
