/** Roots of this evpki as the pool of roots lists them, and the port that finds them. */

/** A generation of an authority of ours that has signed itself. */
export interface OwnRoot {
  readonly issuerId: string;
  readonly organizationId: string;
  /** The profile of its authority, which says as what it is listed. */
  readonly profile: string;
  /** Where its CRL and its certificate are found. */
  readonly publicUrl: string;
  /** DER. */
  readonly certificate: Uint8Array;
}

export interface RootPoolStore {
  /**
   * The roots of these profiles, of every organization, that are active, not revoked, and valid at
   * this moment. Of an authority that was rolled over it is every generation.
   */
  rootsAt(profiles: readonly string[], at: Date): Promise<OwnRoot[]>;

  /** Of these keys (SHA-256 of the SPKI, hex) those of revoked issuers of this evpki. */
  revokedKeys(spkiSha256: readonly string[]): Promise<string[]>;
}
