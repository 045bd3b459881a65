/** Reading certificates and enrolment requests. */

import type { Knex } from 'knex';
import { folded } from '../pki/names.ts';
import type {
  CertificateFilter,
  CertificateRecord,
  CertificateStore,
} from '../services/certificate-records.ts';
import { blockedOf, hasOther, subjectsOf } from './claims.ts';
import { byTime, pageOf } from './cursor.ts';
import type { Database } from './database.ts';
import { requestOf } from './enrolment-requests.ts';
import type { CertificateRow, EnrolmentRequestRow } from './rows.ts';
import { sharedRead } from './shared-reads.ts';
import { bytesOf, optional, timeOf, timeText } from './values.ts';

export function certificateStore(database: Database): CertificateStore {
  const { reader } = database;
  // A certificate with the id of the request that it answers: the request knows the certificate.
  const certificates = () =>
    reader('certificates as c')
      .leftJoin('enrolment_requests as r', 'r.certificate_id', 'c.id')
      .select<CertificateWithRequest[]>(
        'c.*',
        'r.id as request_id',
        'r.renews',
        reader('enrolment_requests as n')
          .whereRaw('n.renews = c.id')
          .where('n.state', 'issued')
          .orderBy('n.created_at', 'desc')
          .orderBy('n.id', 'desc')
          .limit(1)
          .select('n.certificate_id')
          .as('renewed_by'),
      );

  const certifiedSubjects = sharedRead((spkis) => subjectsOf(reader, spkis));

  return {
    findCertificate: async (id) => {
      const [row] = await certificates().where('c.id', id);
      return row && certificateOf(row);
    },

    findBySerial: async (issuerId, serial) => {
      const [row] = await certificates().where({ 'c.issuer_id': issuerId, 'c.serial': serial });
      return row && certificateOf(row);
    },

    listCertificates: async (filter, wanted) => {
      const query = certificates();
      narrow(query, filter);
      const page = await pageOf<CertificateWithRequest>(query, wanted, byTime('created_at', 'c'));
      return { ...page, items: page.items.map(certificateOf) };
    },

    findRequest: async (id) => {
      const row = await reader<EnrolmentRequestRow>('enrolment_requests').where({ id }).first();
      return row && requestOf(row);
    },

    isBlockedKey: sharedRead((spkis) => blockedOf(reader, spkis)),

    isCertifiedForOther: (spkiSha256, subject, now) =>
      certifiedSubjects(spkiSha256).then((subjects) => hasOther(subjects, subject, now)),
  };
}

type CertificateWithRequest = CertificateRow & {
  request_id: string | null;
  renews: string | null;
  renewed_by: string | null;
};

function narrow(query: Knex.QueryBuilder, filter: CertificateFilter): void {
  const equal = {
    'c.organization_id': filter.organizationId,
    'c.state': filter.state,
    'c.profile': filter.profile,
    'c.serial': filter.serial,
    'c.common_name': filter.commonName === undefined ? undefined : folded(filter.commonName),
  };
  for (const [column, value] of Object.entries(equal)) {
    if (value !== undefined) query.where(column, value);
  }
  if (filter.issuerIds !== undefined) query.whereIn('c.issuer_id', filter.issuerIds);
  if (filter.expiresBefore !== undefined) {
    query.where('c.not_after', '<', timeText(filter.expiresBefore));
  }
  if (filter.isRequested) query.whereNotNull('r.id');
}

const certificateOf = (row: CertificateWithRequest): CertificateRecord => ({
  id: row.id,
  organizationId: row.organization_id,
  ...optional('issuerId', row.issuer_id),
  serial: row.serial,
  state: row.state,
  subject: row.subject,
  profile: row.profile,
  profileHash: row.profile_hash,
  spkiSha256: row.spki_sha256,
  notBefore: timeOf(row.not_before),
  notAfter: timeOf(row.not_after),
  createdAt: timeOf(row.created_at),
  // Revoked by its serial number alone: nobody has seen it.
  ...optional('der', row.der && row.der.length > 0 ? bytesOf(row.der) : null),
  ...optional('requestId', row.request_id),
  ...optional('renews', row.renews),
  ...optional('renewedBy', row.renewed_by),
  ...optional('stationId', row.station_id),
  ...optional('revokedAt', row.revoked_at === null ? null : timeOf(row.revoked_at)),
  ...optional('revocationReason', row.revocation_reason),
});
