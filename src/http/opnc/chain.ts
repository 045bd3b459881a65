import { base64 } from '../pnc/base64.ts';
import { subCasOf } from '../pnc/chains.ts';
import type { OpncCertificateChain } from './types.ts';

/** @param subCertificates DER, the issuer of the certificate first, without the root */
export function chainOf(
  certificate: Uint8Array,
  subCertificates: readonly Uint8Array[],
): OpncCertificateChain {
  const { subCa1, subCa2 } = subCasOf(subCertificates);
  return {
    certificate: base64(certificate),
    ...(subCa1 ? { subCa1Certificate: subCa1 } : {}),
    ...(subCa2 ? { subCa2Certificate: subCa2 } : {}),
  };
}
