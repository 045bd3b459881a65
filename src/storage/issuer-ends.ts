/** When the certificates of active issuers end. */

import type { IssuerEndStore } from '../services/issuer-ends.ts';
import type { Database } from './database.ts';
import { timeOf, timeText } from './values.ts';

interface IssuerEndRow {
  issuer_id: string;
  authority_id: string;
  organization_id: string;
  profile: string;
  not_after: string;
}

export const issuerEndStore = ({ reader }: Database): IssuerEndStore => ({
  listEndsBefore: async (moment) => {
    const rows: IssuerEndRow[] = await reader('issuers')
      .join('certificates', 'certificates.id', 'issuers.certificate_id')
      .join('authorities', 'authorities.id', 'issuers.authority_id')
      .where('issuers.state', 'active')
      .where('certificates.not_after', '<', timeText(moment))
      .orderBy(['certificates.not_after', 'issuers.id'])
      .select(
        'issuers.id as issuer_id',
        'issuers.authority_id',
        'authorities.organization_id',
        'authorities.profile',
        'certificates.not_after',
      );
    return rows.map((row) => ({
      issuerId: row.issuer_id,
      authorityId: row.authority_id,
      organizationId: row.organization_id,
      profile: row.profile,
      notAfter: timeOf(row.not_after),
    }));
  },
});
