/** Trust anchors in the database. */

import { afterEnd, ROOT_ENDS_JOB } from '../services/root-ends.ts';
import type {
  AnchorPurpose,
  TrustAnchor,
  TrustAnchorStore,
} from '../services/trust-anchor-records.ts';
import { byTime, pageOf } from './cursor.ts';
import type { Database } from './database.ts';
import { scheduleJob } from './jobs.ts';
import { lockWaiting, recordApproved } from './proposals.ts';
import { rawRows } from './raw-rows.ts';
import type { OrganizationRow, TrustAnchorRow } from './rows.ts';
import { blob, bytesOf, optional, timeOf, timeText } from './values.ts';

export function trustAnchorStore(database: Database): TrustAnchorStore {
  const { reader } = database;
  const anchors = () => reader<TrustAnchorRow>('trust_anchors').whereNull('removed_at');
  return {
    importAnchor: ({ anchor, nameKey, limit, audit }) =>
      database.write(async (tx) => {
        const organization_id = anchor.organizationId;
        // Anchors of one organization are added one after the other.
        await tx
          .knex<OrganizationRow>('organizations')
          .where({ id: organization_id })
          .forUpdate()
          .first('id');
        const shas: string[] = await tx
          .knex<TrustAnchorRow>('trust_anchors')
          .whereNull('removed_at')
          .where({ organization_id })
          .pluck('sha256');
        if (shas.includes(anchor.sha256)) return 'exists';
        if (shas.length >= limit) return 'too-many';
        await tx.knex<TrustAnchorRow>('trust_anchors').insert(anchorRow(anchor, nameKey));
        // Its end may be nearer than the next look at those that were there.
        await scheduleJob(tx, ROOT_ENDS_JOB, afterEnd(anchor));
        tx.appendAudit(audit);
        return 'imported';
      }),

    changePurposes: ({ id, from, to, audit, approval }) =>
      database.write(async (tx) => {
        if (approval && !(await lockWaiting(tx, approval))) return 'not-waiting';
        const changed = await tx
          .knex<TrustAnchorRow>('trust_anchors')
          .whereNull('removed_at')
          .where({ id, purposes: JSON.stringify(from) })
          .update({ purposes: JSON.stringify(to) });
        if (changed === 0) return 'stale';
        if (approval) await recordApproved(tx, approval);
        tx.appendAudit(audit);
        return 'changed';
      }),

    changeRootType: ({ id, from = null, to, audit }) =>
      database.write(async (tx) => {
        const changed = await tx
          .knex<TrustAnchorRow>('trust_anchors')
          .whereNull('removed_at')
          .where({ id, root_type: from })
          .update({ root_type: to });
        if (changed === 0) return 'stale';
        tx.appendAudit(audit);
        return 'changed';
      }),

    removeAnchor: ({ id, audit }) =>
      database.write(async (tx) => {
        const removed = await tx
          .knex<TrustAnchorRow>('trust_anchors')
          .whereNull('removed_at')
          .where({ id })
          .update({ removed_at: timeText(audit.at) });
        if (removed === 0) return 'missing';
        tx.appendAudit(audit);
        return 'removed';
      }),

    findAnchor: async (id) => {
      const row = await anchors().where({ id }).first();
      return row && anchorOf(row);
    },

    findAnchorOf: async (organizationId, sha256) => {
      const row = await anchors().where({ organization_id: organizationId, sha256 }).first();
      return row && anchorOf(row);
    },

    listAnchors: async ({ organizationId, purpose }, wanted) => {
      const query = anchors();
      if (organizationId !== undefined) query.where({ organization_id: organizationId });
      if (purpose !== undefined) query.whereLike('purposes', withPurpose(purpose));
      const page = await pageOf<TrustAnchorRow>(query, wanted, byTime('added_at'));
      return { ...page, items: page.items.map(anchorOf) };
    },

    anchorsNamed: async (organizationId, purpose, nameKeys) => {
      if (nameKeys.length === 0) return [];
      const at = { knex: database.reader, dialect: database.dialect };
      const bindings = [organizationId, ...nameKeys, withPurpose(purpose)];
      const rows = await rawRows<Pick<TrustAnchorRow, 'certificate'>>(
        ...([at, namedQuery(nameKeys.length), bindings] as const),
      );
      return rows.map(({ certificate }) => bytesOf(certificate));
    },
  };
}

// Asked for each chain, as text: the query builder would cost as much as the query.
const namedQuery = (names: number): string => `
  SELECT certificate FROM trust_anchors
  WHERE removed_at IS NULL AND organization_id = ?
    AND name_key IN (${Array(names).fill('?').join(', ')}) AND purposes LIKE ?
  ORDER BY id`;

/** The names of purposes have no quotes: one in quotes is that of no other. */
const withPurpose = (purpose: AnchorPurpose): string => `%"${purpose}"%`;

const anchorRow = (anchor: TrustAnchor, nameKey: string): TrustAnchorRow => ({
  id: anchor.id,
  organization_id: anchor.organizationId,
  sha256: anchor.sha256,
  certificate: blob(anchor.certificate),
  subject: anchor.subject,
  name_key: nameKey,
  not_before: timeText(anchor.notBefore),
  not_after: timeText(anchor.notAfter),
  purposes: JSON.stringify(anchor.purposes),
  root_type: anchor.rootType ?? null,
  added_at: timeText(anchor.addedAt),
  removed_at: null,
});

const anchorOf = (row: TrustAnchorRow): TrustAnchor => ({
  id: row.id,
  organizationId: row.organization_id,
  sha256: row.sha256,
  certificate: bytesOf(row.certificate),
  subject: row.subject,
  notBefore: timeOf(row.not_before),
  notAfter: timeOf(row.not_after),
  purposes: JSON.parse(row.purposes) as AnchorPurpose[],
  ...optional('rootType', row.root_type),
  addedAt: timeOf(row.added_at),
});
