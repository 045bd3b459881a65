/**
 * Keys of contracts: made for one car, never stored and never shown. What leaves this port is the
 * public key and the private key encrypted for the car.
 */

/**
 * P-256 for ISO 15118-2, P-521 for -20. Ed448, whose transport uses the car's X448 key
 * ([V2G20-2319]), is experimental: see `iso15118/key-transport/iso20-x448.ts`.
 */
export type ContractKeyAlgorithm = 'P-256' | 'P-521' | 'Ed448';

/** Port: makes the keys of contracts. */
export interface ContractKeys {
  /** A fresh key. Whoever gets it either seals or discards it. */
  generate(algorithm: ContractKeyAlgorithm): Promise<FreshContractKey>;
}

export interface FreshContractKey {
  readonly algorithm: ContractKeyAlgorithm;
  /** SubjectPublicKeyInfo of the contract certificate, DER. */
  readonly spki: Uint8Array;
  /**
   * Encrypts the private key for a car, after having checked that it belongs to `spki`. Once, and
   * whatever comes of it: the private key is overwritten then.
   * @throws ContractKeyError
   */
  seal(recipient: ContractKeyRecipient): Promise<SealedContractKey>;
  /** Overwrites the private key. Does nothing if that has been done. */
  discard(): void;
}

/** The car, by the key that its private key is to be encrypted for. */
export type ContractKeyRecipient =
  | {
      readonly standard: 'iso15118-2';
      /** P-256, of the provisioning certificate or, for an update, the old contract ([V2G2-821]). */
      readonly spki: Uint8Array;
    }
  | {
      readonly standard: 'iso15118-20';
      /** As in the provisioning certificate; what is authenticated is its upper-case form. */
      readonly pcid: string;
      /** P-521, of the provisioning certificate; not looked at for an Ed448 contract. */
      readonly spki: Uint8Array;
      /** 56 octets (RFC 7748 5), registered with the certificate; for an Ed448 contract only. */
      readonly x448PublicKey?: Uint8Array;
      /** The subject key identifier of the contract certificate, 8 octets. */
      readonly contractKeyIdentifier: Uint8Array;
    };

export interface SealedContractKey {
  /** `DHpublickey` of ISO 15118-2, `DHPublicKey` of -20. */
  readonly dhPublicKey: Uint8Array;
  /** 48 octets for P-256, 94 for SECP521, 84 for X448. */
  readonly encryptedPrivateKey: Uint8Array;
  /** Of the key agreement; in -20 it names the field and `ECDHCurve`. */
  readonly curve: 'P-256' | 'SECP521' | 'X448';
}

/** Stable codes; no message carries key material. */
export type ContractKeyErrorCode =
  /** The key was sealed or discarded before. */
  | 'contract-key-used'
  /** The car's key is not one of the curve that a contract key of this kind needs. */
  | 'contract-key-recipient'
  /** The private key does not belong to the public key: a fault in this process or its library. */
  | 'contract-key-self-check'
  /** PCID or key identifier are not what can be authenticated with the key. */
  | 'contract-key-additional-data';

export class ContractKeyError extends Error {
  override readonly name = 'ContractKeyError';
  readonly code: ContractKeyErrorCode;

  constructor(code: ContractKeyErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
