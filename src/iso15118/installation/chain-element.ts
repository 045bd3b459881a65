interface Chain {
  readonly certificate: Uint8Array;
  readonly subCertificates: readonly Uint8Array[];
}

/** A chain as both standards write it: SubCertificates is missing rather than empty. */
export const chainOf = ({
  certificate,
  subCertificates,
}: Chain): Partial<Chain> & Pick<Chain, 'certificate'> =>
  subCertificates.length === 0 ? { certificate } : { certificate, subCertificates };
