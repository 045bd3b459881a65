/**
 * Root certificates that somebody brings: read, and held against what makes a root. Whether it is
 * the right one no program can know; that is for whoever brings it to make sure.
 */

import {
  type Certificate,
  isSelfIssued,
  readCertificate,
  verifyIssuedBy,
} from '../pki/certificate.ts';
import { DerError } from '../pki/der-element.ts';
import { understoodExtensions } from '../pki/extensions/read.ts';
import { PemError, readPemBlocks } from '../pki/pem.ts';
import type { Violation } from '../pki/violations.ts';
import { keyWeaknesses } from '../pki/weak-keys.ts';
import { missingUsages } from './activation.ts';
import { type FieldViolation, ServiceError } from './errors.ts';

/**
 * The one certificate in a text.
 * @param pem nothing but one block, a certificate
 * @throws ServiceError `root-refused` with `root-unreadable`
 */
export function readRootCertificate(pem: string): Certificate {
  try {
    const blocks = readPemBlocks(pem);
    const [block] = blocks;
    if (!block || blocks.length > 1) throw unreadable(`there are ${blocks.length} PEM blocks`);
    if (block.label !== 'CERTIFICATE') throw unreadable(`${block.label} is no certificate`);
    return readCertificate(block.der);
  } catch (error) {
    if (!(error instanceof PemError || error instanceof DerError)) throw error;
    throw unreadable(error.message);
  }
}

const unreadable = (why: string): ServiceError =>
  rootRefused('this is not a root certificate', [
    ...rootFault(true, 'root-unreadable', `one certificate is wanted: ${why}`),
  ]);

/**
 * Everything for which a certificate is not that of a root that can be relied on: a key of an
 * accepted kind that is not weak, a signature by that key in an accepted algorithm, an authority
 * (RFC 5280 4.2.1.9) that may sign certificates (4.2.1.3), nothing critical that is unknown (4.2),
 * and valid at `now`.
 */
export function rootFaults(root: Certificate, now: Date): (FieldViolation | Violation)[] {
  const { publicKey, signatureAlgorithm, extensions } = root;
  const missing = missingUsages(root, ['keyCertSign']);
  const unknown = root.rawExtensions.filter(
    ({ oid, critical }) => critical && !understoodExtensions.has(oid),
  );
  return [
    ...rootFault(
      publicKey === undefined,
      'root-key',
      'its public key is not one of the exact encodings that evpki accepts',
    ),
    ...(publicKey ? keyWeaknesses(publicKey) : []),
    ...rootFault(!isSelfIssued(root), 'root-not-self-signed', 'its issuer is not its subject'),
    ...rootFault(
      publicKey !== undefined && signatureAlgorithm === undefined,
      'root-signature-algorithm',
      'its signature algorithm is none that evpki accepts',
    ),
    ...rootFault(
      publicKey !== undefined &&
        signatureAlgorithm !== undefined &&
        !verifyIssuedBy(root, publicKey),
      'root-not-self-signed',
      'its signature does not verify with its own key',
    ),
    ...rootFault(
      extensions.basicConstraints?.ca !== true,
      'root-not-ca',
      'basic constraints do not make it an authority (RFC 5280 4.2.1.9)',
    ),
    ...rootFault(
      missing.length > 0,
      'root-key-usage',
      `key usage lacks ${missing.join(' and ')} (RFC 5280 4.2.1.3)`,
    ),
    ...unknown.flatMap(({ oid }) =>
      rootFault(true, 'root-critical-extension', `its critical extension ${oid} is unknown`),
    ),
    ...rootFault(
      root.notBefore > now || root.notAfter < now,
      'root-validity',
      `it holds from ${root.notBefore.toISOString()} to ${root.notAfter.toISOString()}`,
    ),
  ];
}

export const rootRefused = (
  message: string,
  violations: readonly (FieldViolation | Violation)[],
): ServiceError => new ServiceError('root-refused', message, violations);

export const rootFault = (wrong: boolean, code: string, message: string): FieldViolation[] =>
  wrong ? [{ code, message, field: 'certificate' }] : [];
