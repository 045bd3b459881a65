/** What the keystore refuses to do. No message carries key material or a passphrase. */

export type KeystoreErrorCode =
  /** The passphrase is not the one that the vault was created with. */
  | 'wrong-passphrase'
  /** Too short to protect the keys of an authority. */
  | 'passphrase-too-short'
  /** The vault's record has other parameters than evpki writes, or is damaged. */
  | 'vault-record-invalid'
  /** The envelope was altered, belongs to another key, authority or vault, or is of no known version. */
  | 'envelope-rejected'
  /** A private key that is not the one of its public key, or of another kind. */
  | 'key-mismatch'
  /** The file of the demo passphrase is damaged or others may read it. */
  | 'passphrase-file-unsafe';

export class KeystoreError extends Error {
  override readonly name = 'KeystoreError';
  readonly code: KeystoreErrorCode;

  constructor(code: KeystoreErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
