/** Rows for the conformance suites; every call makes new ones, so that tests do not meet. */

import type { Status } from '../../src/pki/lifecycle.ts';
import type { AuditEvent } from '../../src/services/audit.ts';
import type { Authority, Issuer, KeyEnvelope } from '../../src/services/authority-records.ts';
import type {
  CertificateRecord,
  EnrolmentRequest,
  PendingCertificate,
} from '../../src/services/certificate-records.ts';
import type {
  OperatorsEvent,
  ProvisioningCertificate,
} from '../../src/services/provisioning-records.ts';
import type { RevocationStore } from '../../src/services/revocation-records.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import type { Database } from '../../src/storage/database.ts';
import { issuanceStore } from '../../src/storage/issuance.ts';
import { revocationStore } from '../../src/storage/revocations.ts';
import { testTime } from '../support/databases.ts';

let count = 0;
/** Ids sort in the order of their making. */
/** A provisioning certificate that its maker is about to register. */
export function newRegistration(
  organizationId: string,
  change: Partial<ProvisioningCertificate> = {},
): ProvisioningCertificate {
  const id = newId('pcp');
  return {
    ...{ id, organizationId, pcid: newId('PCID'), standard: 'iso15118-2' },
    certificate: bytes(`certificate ${id}`),
    subCertificates: [bytes(`sub 2 of ${id}`), bytes(`sub 1 of ${id}`)],
    spki: bytes(`spki of ${id}`),
    sha256: `sha256 of ${id}`,
    ...{ notBefore: testTime, notAfter: seconds(3600), registeredAt: testTime },
    ...change,
  };
}

export const newId = (noun: string): string => `${noun}-${String(++count).padStart(6, '0')}`;

export const seconds = (offset: number): Date => new Date(testTime.getTime() + offset * 1000);

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export const audit = (organizationId: string, action: string, subject: string): AuditEvent => ({
  at: testTime,
  organizationId,
  actor: 'client:test',
  action,
  subject,
  details: { note: 'ä "quoted"', list: ['a', 'b'], nothing: null, count: 1, yes: true },
});

/** For the operators of a vehicle's contracts. */
export const toOperators = (pcid: string, action = 'vehicle.reregistered'): OperatorsEvent => ({
  ...{ at: testTime, actor: 'client:test', action, subject: pcid, details: { pcid } },
});

export async function newOrganization(database: Database): Promise<string> {
  const id = newId('org');
  const at = testTime.toISOString();
  // Not through the port: suites count the entries of their own.
  await database.write(({ knex }) =>
    knex('organizations').insert({
      ...{ id, name: `Name of ${id}`, roles: '["cpo"]', created_at: at, updated_at: at },
    }),
  );
  return id;
}

export interface AuthorityRecords {
  readonly authority: Authority;
  readonly issuer: Issuer;
  readonly key: KeyEnvelope;
  readonly audit: AuditEvent;
}

export function authorityRecords(organizationId: string): AuthorityRecords {
  const id = newId('ca');
  return {
    authority: {
      id,
      title: `Title of ${id}`,
      organizationId,
      profile: 'root',
      external: false,
      keyAlgorithm: 'P-256',
      state: 'awaiting-certificate',
    },
    ...generation(id, 1),
    audit: audit(organizationId, 'authority.created', id),
  };
}

export function generation(authorityId: string, number: number) {
  const id = newId('issuer');
  const issuer: Issuer = {
    id,
    authorityId,
    generation: number,
    state: 'awaiting-certificate',
    keyId: `key-of-${id}`,
    keyAlgorithm: 'P-256',
    spki: bytes(`spki of ${id}`),
    subject: bytes(`subject of ${id}`),
    publicUrl: 'http://pki.example',
  };
  const key: KeyEnvelope = {
    keyId: issuer.keyId,
    authorityId,
    envelope: bytes(`envelope of ${id}`),
  };
  return { issuer, key };
}

export const pending = (
  organizationId: string,
  issuerId: string,
  change: Partial<PendingCertificate> = {},
): PendingCertificate => {
  const id = newId('cert');
  return {
    id,
    organizationId,
    issuerId,
    serial: id,
    subject: `CN=${id}`,
    commonName: /(?:^|,)CN=([^,]+)/i.exec(change.subject ?? `CN=${id}`)?.[1],
    profile: 'leaf',
    profileHash: 'hash',
    spkiSha256: `spki of ${id}`,
    tbsSha256: 'tbs',
    notBefore: testTime,
    notAfter: seconds(3600),
    createdAt: testTime,
    lease: { owner: 'process-1', until: seconds(60) },
    ...change,
  };
};

export const request = (
  organizationId: string,
  authorityId: string,
  change: Partial<EnrolmentRequest> = {},
): EnrolmentRequest => ({
  id: newId('request'),
  organizationId,
  authorityId,
  profile: 'leaf',
  requester: 'client:test',
  channel: 'rest',
  csr: bytes('csr'),
  state: 'issuing',
  createdAt: testTime,
  ...change,
});

/** An organization with a self-signed, active authority. */
export async function activeAuthority(database: Database) {
  const organizationId = await newOrganization(database);
  const records = authorityRecords(organizationId);
  await authorityStore(database).createAuthority(records);
  const certificate = await issue(database, organizationId, records.issuer.id, {
    subjectIssuerId: records.issuer.id,
  });
  return {
    organizationId,
    authorityId: records.authority.id,
    issuerId: records.issuer.id,
    certificateId: certificate.id,
  };
}

/** An authority of an organization of its own, certified by this issuer. */
export async function authorityBelow(database: Database, signedById: string) {
  const organizationId = await newOrganization(database);
  const records = authorityRecords(organizationId);
  const authority = { ...records.authority, profile: 'sub-ca' };
  await authorityStore(database).createAuthority({ ...records, authority });
  // Of the organization above, which needs no grant in these rows.
  const { id } = records.issuer;
  await database.write(({ knex }) =>
    knex('authority_grants')
      .insert({
        authority_id: knex('issuers').where({ id: signedById }).select('authority_id'),
        organization_id: organizationId,
        created_at: testTime.toISOString(),
      })
      .onConflict()
      .ignore(),
  );
  const certificate = await issue(database, organizationId, signedById, { subjectIssuerId: id });
  return { organizationId, authorityId: authority.id, issuerId: id, certificate };
}

/** A certificate through both steps. */
export async function issue(
  database: Database,
  organizationId: string,
  issuerId: string,
  options: {
    readonly certificate?: Partial<PendingCertificate>;
    readonly request?: EnrolmentRequest;
    readonly subjectIssuerId?: string;
  } = {},
): Promise<PendingCertificate> {
  const store = issuanceStore(database);
  const certificate = pending(organizationId, issuerId, options.certificate);
  const subject =
    options.subjectIssuerId === undefined ? {} : { subjectIssuerId: options.subjectIssuerId };
  const recorded = await store.recordPending({
    certificate,
    ...(options.request === undefined ? {} : { request: options.request }),
    ...subject,
  });
  if (recorded.outcome !== 'recorded') throw new Error(recorded.outcome);
  const outcome = await store.recordIssued({
    certificateId: certificate.id,
    leaseOwner: certificate.lease.owner,
    der: bytes(`der of ${certificate.id}`),
    ...(options.request === undefined ? {} : { requestId: options.request.id }),
    ...subject,
    audit: audit(organizationId, 'certificate.issued', certificate.id),
  });
  if (outcome !== 'issued') throw new Error(outcome);
  return certificate;
}

/** Changes a certificate's status through the port. */
export async function changeStatus(
  database: Database,
  certificateId: string,
  to: Status,
  change: Partial<StatusChange> = {},
) {
  const record = await certificateStore(database).findCertificate(certificateId);
  if (record === undefined) throw new Error(`no certificate ${certificateId}`);
  return revocationStore(database).recordStatusChange({
    certificateId,
    from: statusOf(record),
    to,
    blockKey: false,
    crlDue: seconds(5),
    audit: audit(record.organizationId, 'certificate.revoked', certificateId),
    ...change,
  });
}

type StatusChange = Parameters<RevocationStore['recordStatusChange']>[0];

const statusOf = ({ state, revocationReason, revokedAt }: CertificateRecord): Status => ({
  state: state as Status['state'],
  ...(revocationReason === undefined ? {} : { reason: revocationReason }),
  ...(revokedAt === undefined ? {} : { revokedAt }),
});

export const good: Status = { state: 'issued' };
export const held: Status = { state: 'held', reason: 'certificateHold', revokedAt: testTime };
export const revoked: Status = { state: 'revoked', reason: 'superseded', revokedAt: testTime };
export const compromised: Status = { ...revoked, reason: 'keyCompromise' };

export const setState = async (database: Database, id: string, state: 'held' | 'revoked') => {
  const result = await changeStatus(database, id, state === 'held' ? held : revoked);
  if (result.outcome !== 'changed') throw new Error(result.outcome);
};
