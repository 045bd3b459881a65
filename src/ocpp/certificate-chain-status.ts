/** GetCertificateChainStatus of OCPP 2.1: its questions and answers, without who knows them. */

import type { HashAlgorithm } from '../pki/certificate-hash-data.ts';

/** CertificateHashDataType as the station wrote it, which knows by it what is meant. */
export interface WrittenHashData {
  readonly hashAlgorithm: HashAlgorithm;
  readonly issuerNameHash: string;
  readonly issuerKeyHash: string;
  readonly serialNumber: string;
}

/** CertificateStatusSourceEnumType. */
export type CertificateStatusSource = 'CRL' | 'OCSP';

/** CertificateStatusRequestInfoType. Its `urls` are not looked at: nothing of a station's is fetched. */
export interface ChainStatusQuestion {
  readonly certificateHashData: WrittenHashData;
  readonly source: CertificateStatusSource;
}

/** CertificateStatusEnumType. */
export type ChainStatusName = 'Good' | 'Revoked' | 'Unknown' | 'Failed';

/** CertificateStatusType. */
export interface ChainStatus {
  readonly certificateHashData: WrittenHashData;
  readonly source: CertificateStatusSource;
  readonly status: ChainStatusName;
  readonly nextUpdate: Date;
}

const names = {
  good: 'Good',
  revoked: 'Revoked',
  unknown: 'Unknown',
  failed: 'Failed',
} as const;

/** The answer to one question. */
export function chainStatusOf(
  { certificateHashData, source }: ChainStatusQuestion,
  says: keyof typeof names,
  nextUpdate: Date,
): ChainStatus {
  // Without what else it may hold: the answer has the members that OCPP has, and no others.
  const { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber } = certificateHashData;
  return {
    certificateHashData: { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber },
    ...{ source, status: names[says], nextUpdate },
  };
}
