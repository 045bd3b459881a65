/** CRLs for tests: our own builder with a key of node:crypto. */

import { assembleCrl, type CrlTemplate, crlMessage, crlTbs } from '../../src/pki/crl/build.ts';
import { encodeCrlLines } from '../../src/pki/crl/entries.ts';
import type { CrlPieces } from '../../src/pki/crl/frame.ts';
import { writeName } from '../../src/pki/names.ts';
import type { RevocationReason } from '../../src/pki/revocation-reasons.ts';
import { signatureAlgorithmFor } from '../../src/pki/signature-algorithm.ts';
import { commonName, keyId, signWith, type TestKey } from './issuing.ts';

export interface CrlEntry {
  readonly serialNumber: Uint8Array;
  readonly revokedAt: Date;
  readonly reason?: RevocationReason;
}

/** The line that a database would make of an entry. */
const lineOf = ({ serialNumber, revokedAt, reason = 'unspecified' }: CrlEntry): string =>
  `${Buffer.from(serialNumber).toString('hex')} ${revokedAt.toISOString()} ${reason}`;

export const encodeCrlEntries = (entries: readonly CrlEntry[]): Uint8Array =>
  encodeCrlLines(Buffer.from(entries.map(lineOf).join('\n'), 'latin1'));

export const encodeCrlEntry = (entry: CrlEntry): Uint8Array => encodeCrlEntries([entry]);

/** The TBSCertList in one buffer. */
export const crlBytesToSign = (pieces: CrlPieces): Uint8Array => Buffer.concat(crlMessage(pieces));

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
