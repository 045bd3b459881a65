/** CRLs for tests: our own builder with a key of node:crypto. */

import { assembleCrl, type CrlTemplate, crlBytesToSign, crlTbs } from '../../src/pki/crl/build.ts';
import { type CrlEntry, encodeCrlEntries } from '../../src/pki/crl/entries.ts';
import { writeName } from '../../src/pki/names.ts';
import { signatureAlgorithmFor } from '../../src/pki/signature-algorithm.ts';
import { commonName, keyId, signWith, type TestKey } from './issuing.ts';

/** A template with sensible values for what a test does not care about. */
export const crlTemplateFor = (
  key: TestKey,
  entries: readonly CrlEntry[],
  changes: Partial<CrlTemplate> = {},
): CrlTemplate => ({
  issuerName: writeName(commonName('Root')),
  signatureAlgorithm: signatureAlgorithmFor(key.publicKey.algorithm),
  thisUpdate: new Date('2026-06-01T00:00:00Z'),
  nextUpdate: new Date('2036-06-08T00:00:00Z'),
  crlNumber: 7n,
  authorityKeyIdentifier: keyId(key),
  segments: [encodeCrlEntries(entries)],
  ...changes,
});

/** Signs a template with `key`: the CRL in one buffer. */
export function issueCrl(template: CrlTemplate, key: TestKey): Uint8Array {
  const pieces = crlTbs(template);
  const signature = signWith(key, crlBytesToSign(pieces));
  return Buffer.concat(assembleCrl(pieces, template.signatureAlgorithm, signature).chunks);
}
