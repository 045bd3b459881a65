/** Grants in the database, and what they decide when an authority is certified. */

import type { AuditEvent } from '../services/audit.ts';
import type { AuthorityGrant, AuthorityGrantStore } from '../services/authority-grant-records.ts';
import type { PendingCertificate } from '../services/certificate-records.ts';
import type { Database, WriteTransaction } from './database.ts';
import { lockWaiting, recordApproved } from './proposals.ts';
import type { AuthorityGrantRow, IssuerRow } from './rows.ts';
import { timeOf, timeText } from './values.ts';

export function authorityGrantStore(database: Database): AuthorityGrantStore {
  const { reader } = database;
  return {
    putGrant: ({ authorityId, organizationId, audit, approval }) =>
      database.write(async (tx) => {
        if (approval && !(await lockWaiting(tx, approval))) return 'not-waiting';
        if (!(await insertGrant(tx, authorityId, organizationId, audit))) return 'exists';
        if (approval) await recordApproved(tx, approval);
        return 'granted';
      }),

    deleteGrant: ({ authorityId, organizationId, audit }) =>
      database.write(async (tx) => {
        const deleted = await tx
          .knex<AuthorityGrantRow>('authority_grants')
          .where({ authority_id: authorityId, organization_id: organizationId })
          .delete();
        if (deleted === 0) return 'missing';
        tx.appendAudit(audit);
        return 'withdrawn';
      }),

    findGrant: async (authorityId, organizationId) => {
      const row = await reader<AuthorityGrantRow>('authority_grants')
        .where({ authority_id: authorityId, organization_id: organizationId })
        .first();
      return row && grantOf(row);
    },

    listGrants: async ({ authorityId, organizationId }) => {
      const query = reader<AuthorityGrantRow>('authority_grants').orderBy([
        'authority_id',
        'organization_id',
      ]);
      if (authorityId !== undefined) query.where({ authority_id: authorityId });
      if (organizationId !== undefined) query.where({ organization_id: organizationId });
      return (await query).map(grantOf);
    },
  };
}

/** @returns whether it is new; only then it stands in the audit log */
export async function insertGrant(
  tx: WriteTransaction,
  authorityId: string,
  organizationId: string,
  audit: AuditEvent,
): Promise<boolean> {
  const inserted = await tx
    .knex<AuthorityGrantRow>('authority_grants')
    .insert({
      authority_id: authorityId,
      organization_id: organizationId,
      created_at: timeText(audit.at),
    })
    .onConflict(['authority_id', 'organization_id'])
    .ignore()
    .returning('authority_id');
  if (inserted.length === 0) return false;
  tx.appendAudit(audit);
  return true;
}

/**
 * Whether the issuer may sign the certificate of an authority of this organization. Leaves have no
 * `subjectIssuerId`: whose they may be is for enrolment to say. The grant is locked, so that it is
 * not withdrawn before the transaction ends.
 */
export async function isGranted(
  tx: WriteTransaction,
  { issuerId, organizationId }: PendingCertificate,
  subjectIssuerId: string | undefined,
): Promise<boolean> {
  if (subjectIssuerId === undefined || subjectIssuerId === issuerId) return true;
  const above: { id: string; organization_id: string } | undefined = await tx
    .knex<IssuerRow>('issuers')
    .join('authorities', 'authorities.id', 'issuers.authority_id')
    .where('issuers.id', issuerId)
    .first('authorities.id', 'authorities.organization_id');
  if (above === undefined || above.organization_id === organizationId) return true;
  const grant = await tx
    .knex<AuthorityGrantRow>('authority_grants')
    .where({ authority_id: above.id, organization_id: organizationId })
    .forUpdate()
    .first('authority_id');
  return grant !== undefined;
}

const grantOf = (row: AuthorityGrantRow): AuthorityGrant => ({
  authorityId: row.authority_id,
  organizationId: row.organization_id,
  createdAt: timeOf(row.created_at),
});
