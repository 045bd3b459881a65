/** Roots of this evpki in the database. */

import type { OwnRoot, RootPoolStore } from '../services/root-pool-records.ts';
import type { Database } from './database.ts';
import type { IssuerRow } from './rows.ts';
import { bytesOf, timeText } from './values.ts';

export function rootPoolStore({ reader }: Database): RootPoolStore {
  return {
    rootsAt: async (profiles, at) => {
      const now = timeText(at);
      const rows = await reader('issuers as i')
        .join('authorities as a', 'a.id', 'i.authority_id')
        // By itself: a cross-certificate is no root.
        .join('certificates as c', { 'c.id': 'i.certificate_id', 'c.issuer_id': 'i.id' })
        .whereIn('a.profile', [...profiles])
        .whereIn('i.state', ['active', 'retired'])
        // An authority that has stopped has no roots; one that was rolled over has the old ones, too.
        .whereExists(
          reader('issuers as current')
            .whereRaw('current.authority_id = i.authority_id')
            .where('current.state', 'active'),
        )
        .where('c.state', 'issued')
        .where('c.not_before', '<=', now)
        .where('c.not_after', '>=', now)
        .orderBy('i.id')
        .select<OwnRootRow[]>('i.id', 'i.public_url', 'a.organization_id', 'a.profile', 'c.der');
      return rows.map(rootOf);
    },

    revokedKeys: async (spkiSha256) =>
      reader<IssuerRow>('issuers')
        .whereIn('spki_sha256', [...spkiSha256])
        .where({ state: 'revoked' })
        .distinct()
        .pluck('spki_sha256'),
  };
}

interface OwnRootRow {
  readonly id: string;
  readonly public_url: string;
  readonly organization_id: string;
  readonly profile: string;
  readonly der: Buffer;
}

const rootOf = (row: OwnRootRow): OwnRoot => ({
  issuerId: row.id,
  organizationId: row.organization_id,
  profile: row.profile,
  publicUrl: row.public_url,
  certificate: bytesOf(row.der),
});
