/** When roots end, and whose end has been noted, in the database. */

import type { RootEnd, RootEndStore } from '../services/root-ends.ts';
import type { Database } from './database.ts';
import type { NotedRootEndRow, TrustAnchorRow } from './rows.ts';
import { bytesOf, optional, timeOf, timeText } from './values.ts';

export function rootEndStore(database: Database): RootEndStore {
  const { reader } = database;
  const isNoted = (id: string) =>
    reader<NotedRootEndRow>('noted_root_ends as n').whereRaw('n.root_id = ??', [id]);
  return {
    nextEnds: async (profiles, limit) => {
      const anchors: TrustAnchorRow[] = await reader<TrustAnchorRow>('trust_anchors as t')
        .whereNull('t.removed_at')
        .whereNotExists(isNoted('t.id'))
        .orderBy(['t.not_after', 't.id'])
        .limit(limit);
      const own: OwnRootRow[] = await reader('issuers as i')
        .join('authorities as a', 'a.id', 'i.authority_id')
        // By itself: a cross-certificate is no root.
        .join('certificates as c', { 'c.id': 'i.certificate_id', 'c.issuer_id': 'i.id' })
        .whereIn('a.profile', [...profiles])
        .whereIn('i.state', ['active', 'retired'])
        // What an authority that has stopped has signed is in no pool.
        .whereExists(
          reader('issuers as current')
            .whereRaw('current.authority_id = i.authority_id')
            .where('current.state', 'active'),
        )
        .where('c.state', 'issued')
        .whereNotExists(isNoted('i.id'))
        .orderBy(['c.not_after', 'i.id'])
        .limit(limit)
        .select<OwnRootRow[]>(
          ...['i.id', 'i.authority_id', 'a.organization_id', 'a.profile'],
          ...['c.id as certificate_id', 'c.der', 'c.subject', 'c.not_after'],
        );
      return [...anchors.map(anchorEnd), ...own.map(ownEnd)]
        .sort((a, b) => a.notAfter.getTime() - b.notAfter.getTime())
        .slice(0, limit);
    },

    noteEnd: ({ root: { id, own }, audit }) =>
      database.write(async (tx) => {
        const anchor = own
          ? undefined
          : await tx
              .knex<TrustAnchorRow>('trust_anchors')
              .whereNull('removed_at')
              .where({ id })
              .forUpdate()
              .first('id');
        if (!own && !anchor) return 'known';
        const noted = await tx
          .knex<NotedRootEndRow>('noted_root_ends')
          .insert({ root_id: id, noted_at: timeText(audit.at) })
          .onConflict('root_id')
          .ignore()
          .returning('root_id');
        if (noted.length === 0) return 'known';
        tx.appendAudit(audit);
        return 'noted';
      }),
  };
}

interface OwnRootRow {
  readonly id: string;
  readonly authority_id: string;
  readonly organization_id: string;
  readonly profile: string;
  readonly certificate_id: string;
  readonly der: Buffer;
  readonly subject: string;
  readonly not_after: string;
}

const anchorEnd = (row: TrustAnchorRow): RootEnd => ({
  id: row.id,
  organizationId: row.organization_id,
  ...optional('rootType', row.root_type),
  certificate: bytesOf(row.certificate),
  subject: row.subject,
  notAfter: timeOf(row.not_after),
});

const ownEnd = (row: OwnRootRow): RootEnd => ({
  id: row.id,
  organizationId: row.organization_id,
  own: {
    authorityId: row.authority_id,
    certificateId: row.certificate_id,
    profile: row.profile,
  },
  certificate: bytesOf(row.der),
  subject: row.subject,
  notAfter: timeOf(row.not_after),
});
