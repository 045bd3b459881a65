import type { Signer } from '../../pki/signer.ts';

/** The certificate provisioning service that vouches for an answer. */
export interface CpsSigner {
  readonly signer: Signer;
  /** The signer's, with DC=CPS [V2G2-891]. */
  readonly certificate: Uint8Array;
  /** The issuer of the certificate first, without the root. */
  readonly subCertificates: readonly Uint8Array[];
}
