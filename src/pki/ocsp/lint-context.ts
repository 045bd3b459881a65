/** What lint is told of the question and of who answers it. */

/** What the answers must agree with. */
export interface OcspLintContext {
  readonly now: Date;
  /** The CertIDs of the request, byte for byte and in its order. */
  readonly certIds: readonly Uint8Array[];
  /** That of the request, if it is to be repeated. */
  readonly nonce?: Uint8Array;
  /** SHA-1 of the key that will sign. */
  readonly responderKeyHash: Uint8Array;
}
