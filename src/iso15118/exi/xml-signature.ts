/**
 * The XML signature of a V2G message as a value (W3C XML Signature 1.1, as profiled by
 * ISO 15118-2 7.9.2.4.3 and ISO 15118-20 7.9.2.4). What the profile forbids but cars are known to
 * send ([V2G2-771]: an Id on SignedInfo or Reference, a Type) can be read, so that the reader of the
 * message decides; KeyInfo, Object, HMACOutputLength, XPath and foreign elements cannot.
 */
export interface XmlSignature {
  readonly id?: string;
  readonly signedInfo: SignedInfo;
  readonly signatureValueId?: string;
  /** ECDSA: r followed by s in fixed length; Ed448: 114 octets. */
  readonly signatureValue: Uint8Array;
}

export interface SignedInfo {
  readonly id?: string;
  /** URI of the canonicalization algorithm. */
  readonly canonicalizationMethod: string;
  /** URI of the signature algorithm. */
  readonly signatureMethod: string;
  /** At least one. */
  readonly references: readonly SignatureReference[];
}

export interface SignatureReference {
  readonly id?: string;
  readonly type?: string;
  /** `#` and the Id of an element of the same message. */
  readonly uri?: string;
  /** URIs of the transforms, at least one; undefined where Transforms is missing. */
  readonly transforms?: readonly string[];
  /** URI of the digest algorithm. */
  readonly digestMethod: string;
  readonly digestValue: Uint8Array;
}
