/**
 * The certificates by which API clients are known without a secret. Registering one names it byte for
 * byte; who has issued it vouches for nothing here (docs/adr/0027-client-certificates.md).
 */

import { type Certificate, fingerprint, readCertificate, serialHex } from '../pki/certificate.ts';
import { clientUseFaults } from '../pki/client-use.ts';
import { DerError } from '../pki/der-element.ts';
import { nameText } from '../pki/names.ts';
import { PemError, readPemBlocks } from '../pki/pem.ts';
import type { Violation } from '../pki/violations.ts';
import type { Principal } from './access-policy.ts';
import type { ApiClient, ClientCertificate, ClientCertificateStore } from './access-records.ts';
import { clientAudit } from './api-client-credentials.ts';
import {
  type ApiClientParts,
  findApiClient,
  forNewCredentials,
  manageable,
} from './api-clients.ts';
import type { CertificateStore } from './certificate-records.ts';
import {
  type CertificateFault,
  certificateFault,
  ownIssuerOf,
  type StandingParts,
} from './certificate-standing.ts';
import { type FieldViolation, ServiceError } from './errors.ts';

/** Of one client: for every machine of a cluster one, and one to change over to. */
const MAX_CERTIFICATES = 20;
const FIELD = 'body.certificate';

export interface ClientCertificateParts extends ApiClientParts, StandingParts {
  readonly clientCertificates: ClientCertificateStore;
  readonly certificates: Pick<CertificateStore, 'findBySerial' | 'isBlockedKey'>;
}

/**
 * Lets a client log in with a certificate. One that it has already stays as it is.
 * @param pem one certificate; it may begin to hold later
 * @throws ServiceError `client-certificate-refused` with everything that speaks against it;
 *   `not-found`; `not-permitted` for a client with a role that is not the caller's to give, or that
 *   lasts longer than the caller; `conflict` for a client that has ended or has as many as it may,
 *   or a certificate that another client is known by
 */
export async function addClientCertificate(
  parts: ClientCertificateParts,
  principal: Principal,
  id: string,
  pem: string,
): Promise<{ readonly certificate: ClientCertificate; readonly created: boolean }> {
  const client = await forNewCredentials(parts, principal, id);
  const read = readOne(pem);
  const now = parts.clock();
  const violations = [...ownFaults(read), ...(await standingFaults(parts, client, read, now))];
  if (violations.length > 0) throw refuse(violations);
  const certificate: ClientCertificate = {
    sha256: fingerprint(read.der),
    clientId: id,
    certificate: read.der,
    subject: nameText(read.subject),
    notBefore: read.notBefore,
    notAfter: read.notAfter,
    addedAt: now,
  };
  const outcome = await parts.clientCertificates.addCertificate({
    certificate,
    limit: MAX_CERTIFICATES,
    audit: clientAudit(parts, client, principal.actor, 'certificate-added', named(certificate)),
  });
  if (outcome === 'added') return { certificate, created: true };
  if (outcome !== 'exists') throw new ServiceError('conflict', conflicts[outcome](id));
  const own = await parts.clientCertificates.listCertificates(id);
  const existing = own.find(({ sha256 }) => sha256 === certificate.sha256);
  if (!existing) throw new ServiceError('conflict', 'it was removed at the same moment');
  return { certificate: existing, created: false };
}

/** Whose it is otherwise is not said: that one may be of another organization. */
const conflicts = {
  taken: () => 'an API client is known by this certificate already',
  'too-many': (id: string) => `${id} has ${MAX_CERTIFICATES} certificates`,
  'client-ended': (id: string) => `${id} has ended`,
} as const;

/**
 * All certificates of a client, oldest first.
 * @throws ServiceError `not-found`
 */
export async function listClientCertificates(
  parts: ClientCertificateParts,
  principal: Principal,
  id: string,
): Promise<readonly ClientCertificate[]> {
  await findApiClient(parts, principal, id);
  return parts.clientCertificates.listCertificates(id);
}

/**
 * Ends the login with a certificate; the next call with it is nobody's.
 * @throws ServiceError `not-found`, also for a certificate that is none of the client's;
 *   `not-permitted` for a client with a role that is not the caller's to give
 */
export async function removeClientCertificate(
  parts: ClientCertificateParts,
  principal: Principal,
  id: string,
  sha256: string,
): Promise<void> {
  const client = await manageable(parts, principal, id);
  const own = await parts.clientCertificates.listCertificates(id);
  const certificate = own.find((one) => one.sha256 === sha256);
  const outcome = certificate
    ? await parts.clientCertificates.removeCertificate({
        ...{ clientId: id, sha256 },
        audit: clientAudit(
          parts,
          client,
          principal.actor,
          'certificate-removed',
          named(certificate),
        ),
      })
    : 'missing';
  if (outcome === 'missing') throw new ServiceError('not-found', `${id} has no such certificate`);
}

const named = ({ sha256, subject, notAfter }: ClientCertificate) => ({
  sha256,
  subject,
  notAfter: notAfter.toISOString(),
});

function readOne(pem: string): Certificate {
  try {
    const [block, ...others] = readPemBlocks(pem);
    if (!block || others.length > 0) {
      throw unreadable(`there are ${block ? others.length + 1 : 0} PEM blocks`);
    }
    if (block.label !== 'CERTIFICATE') throw unreadable(`${block.label} is no certificate`);
    return readCertificate(block.der);
  } catch (error) {
    if (!(error instanceof PemError || error instanceof DerError)) throw error;
    throw unreadable(error.message);
  }
}

const unreadable = (why: string): ServiceError =>
  refuse(fault(true, 'certificate-unreadable', `one certificate is wanted: ${why}`));

const ownFaults = (certificate: Certificate): (FieldViolation | Violation)[] =>
  clientUseFaults(certificate).map((found) => ({ field: FIELD, ...found }));

async function standingFaults(
  parts: ClientCertificateParts,
  { organizationId }: ApiClient,
  certificate: Certificate,
  now: Date,
): Promise<FieldViolation[]> {
  // The next one is registered before its time begins.
  const at = certificate.notBefore > now ? certificate.notBefore : now;
  const found = await certificateFault(parts, certificate, at);
  const issuerId = await ownIssuerOf(parts, certificate);
  const record =
    issuerId === undefined
      ? undefined
      : await parts.certificates.findBySerial(issuerId, serialHex(certificate));
  return [
    ...(found ? fault(true, found, faultTexts[found]) : []),
    // Whoever holds it would call in the name of somebody else's client.
    ...fault(
      record !== undefined && record.organizationId !== organizationId,
      'certificate-organization',
      `it is not one of the organization ${organizationId}`,
    ),
  ];
}

const faultTexts: Readonly<Record<CertificateFault, string>> = {
  'certificate-expired': 'its time is over',
  'certificate-revoked': 'it, or an authority above it, is revoked',
  'certificate-held': 'it is on hold',
  'certificate-key-blocked': 'its key is blocked: others may have it',
  'certificate-refused': 'no path leads from it to the authority that has signed it',
};

const refuse = (violations: readonly (FieldViolation | Violation)[]): ServiceError =>
  new ServiceError('client-certificate-refused', 'no client can log in with this', violations);

const fault = (wrong: boolean, code: string, message: string): FieldViolation[] =>
  wrong ? [{ code, message, field: FIELD }] : [];
