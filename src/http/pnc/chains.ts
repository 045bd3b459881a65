/** Chains of certificates as members of JSON: sub-CA 1 is the one below the root. */

import { decodeBase64, toPem } from '../../pki/pem.ts';
import { ServiceError } from '../../services/errors.ts';
import { base64 } from './base64.ts';

export interface SubCas {
  readonly subCa1?: string;
  /** Where there is but one, it is sub-CA 1. */
  readonly subCa2?: string;
}

/** @param subCertificates DER, the issuer of the leaf first, without the root */
export function subCasOf(subCertificates: readonly Uint8Array[]): SubCas {
  const subCa1 = subCertificates.at(-1);
  const subCa2 = subCertificates.length > 1 ? subCertificates[0] : undefined;
  return {
    ...(subCa1 ? { subCa1: base64(subCa1) } : {}),
    ...(subCa2 ? { subCa2: base64(subCa2) } : {}),
  };
}

/** A member of a body, and what stands in it. */
export type NamedText = readonly [field: string, text: string | undefined];

/**
 * PEM of certificates that came as base64, in their order; those that are not there are left out.
 * @throws ServiceError `request-malformed` naming every text that is no base64
 */
export function pemChain(texts: readonly NamedText[]): string {
  const given = texts.flatMap(([field, text]) =>
    text === undefined ? [] : [{ field, der: decodeBase64(text) }],
  );
  const violations = given
    .filter(({ der }) => der === undefined || der.length === 0)
    .map(({ field }) => ({ code: 'invalid', message: 'is no certificate in base64', field }));
  if (violations.length > 0) {
    throw new ServiceError('request-malformed', 'the certificates cannot be read', violations);
  }
  return given.map(({ der }) => toPem('CERTIFICATE', der ?? new Uint8Array())).join('');
}
