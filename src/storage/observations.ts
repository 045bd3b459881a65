/** What operators watch, each by an index or over as many rows as there are issuers. */

import type { ObservationStore } from '../services/observations.ts';
import type { Database } from './database.ts';
import type { CrlRow } from './rows/crls.ts';
import type { StoredInteger } from './rows.ts';
import { optional, timeOf } from './values.ts';

export function observationStore({ reader }: Database): ObservationStore {
  return {
    observe: async (maxCrls) => {
      const [pending, crls, first] = await Promise.all([
        reader('certificates')
          .where({ state: 'pending' })
          .count<{ count: StoredInteger }[]>({ count: '*' }),
        reader<CrlRow>('crls')
          .orderBy(['next_update', 'issuer_id'])
          .limit(maxCrls)
          .select('issuer_id', 'number', 'this_update', 'next_update'),
        reader('issuers as i')
          .join('certificates as c', 'c.id', 'i.certificate_id')
          .where('i.state', 'active')
          .min<{ not_after: string | null }[]>({ not_after: 'c.not_after' }),
      ]);
      const end = first[0]?.not_after ?? null;
      return {
        pendingCertificates: Number(pending[0]?.count ?? 0),
        crls: crls.map((row) => ({
          issuerId: row.issuer_id,
          number: Number(row.number),
          thisUpdate: timeOf(row.this_update),
          nextUpdate: timeOf(row.next_update),
        })),
        ...optional('firstIssuerEnd', end === null ? null : timeOf(end)),
      };
    },
  };
}
