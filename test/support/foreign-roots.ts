/** Roots of others, made with our own builder so that anything can be wrong with them. */

import type { Certificate } from '../../src/pki/certificate.ts';
import { type DistinguishedName, writeName } from '../../src/pki/names.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { CertificateTemplate } from '../../src/pki/template.ts';
import { authorityExtensions, generateKey, issue, type TestKey, templateFor } from './issuing.ts';

export interface ForeignRoot {
  readonly key: TestKey;
  readonly certificate: Certificate;
  readonly pem: string;
}

/** A name in another order than evpki would give it, with an attribute of its own. */
export const foreignName: DistinguishedName = {
  attributes: [
    { type: 'DC', value: 'V2G' },
    { type: 'O', value: 'Other Operator' },
    { type: 'OU', value: 'PKI' },
    { type: 'CN', value: 'Other V2G Root' },
  ],
};

/** A root that has signed itself; `changes` may spoil it, `signer` be somebody else. */
export function foreignRoot(
  changes: Partial<CertificateTemplate> = {},
  { key = generateKey(), signer = key }: { key?: TestKey; signer?: TestKey } = {},
): ForeignRoot {
  const subject = changes.subject ?? foreignName;
  const template = templateFor(key, signer, {
    subject,
    issuerName: writeName(subject),
    extensions: authorityExtensions(key, key),
    ...changes,
  });
  const certificate = issue(template, signer);
  return { key, certificate, pem: toPem('CERTIFICATE', certificate.der) };
}
