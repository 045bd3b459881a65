/** Certificates of API clients in the database: registering, removing and finding them. */

import type {
  CertificateLoginStore,
  ClientCertificate,
  ClientCertificateStore,
} from '../services/access-records.ts';
import { clientOf } from './api-clients.ts';
import type { Database, WriteTransaction } from './database.ts';
import type { ApiClientRow, ClientCertificateRow } from './rows/access.ts';
import { blob, bytesOf, timeOf, timeText } from './values.ts';

/** To the minute is enough. */
const LAST_USED_MILLISECONDS = 60_000;

export function clientCertificateStore(database: Database): ClientCertificateStore {
  return {
    addCertificate: ({ certificate, limit, audit }) =>
      database.write(async (tx) => {
        const { sha256, clientId, addedAt } = certificate;
        // Certificates of one client are added one after the other, and none as it ends.
        const client = await tx
          .knex<ApiClientRow>('api_clients')
          .where({ id: clientId })
          .forUpdate()
          .first();
        const at = timeText(addedAt);
        if (client === undefined || hasEnded(client, at)) return 'client-ended';
        const own: string[] = await certificates(tx).where({ client_id: clientId }).pluck('sha256');
        if (own.includes(sha256)) return 'exists';
        if (own.length >= limit) return 'too-many';
        await releaseOfEnded(tx, sha256, at);
        const added = await certificates(tx)
          .insert(certificateRow(certificate))
          .onConflict('sha256')
          .ignore()
          .returning('sha256');
        if (added.length === 0) return 'taken';
        tx.appendAudit(audit);
        return 'added';
      }),

    removeCertificate: ({ clientId, sha256, audit }) =>
      database.write(async (tx) => {
        const removed = await certificates(tx).where({ sha256, client_id: clientId }).delete();
        if (removed === 0) return 'missing';
        tx.appendAudit(audit);
        return 'removed';
      }),

    listCertificates: async (clientId) => {
      const rows = await database
        .reader<ClientCertificateRow>('client_certificates')
        .where({ client_id: clientId })
        .orderBy('added_at')
        .orderBy('sha256');
      return rows.map(certificateOf);
    },
  };
}

/** What every call with a certificate needs. */
export const certificateLoginStore = (database: Database): CertificateLoginStore => ({
  findClientOfCertificate: async (sha256) => {
    const row: ApiClientRow | undefined = await database
      .reader('client_certificates as k')
      .join('api_clients as c', 'c.id', 'k.client_id')
      .where('k.sha256', sha256)
      .first('c.*');
    return row && clientOf(row);
  },

  noteUse: (clientId, at) =>
    database.write(async ({ knex }) => {
      const recently = timeText(new Date(at.getTime() - LAST_USED_MILLISECONDS));
      await knex<ApiClientRow>('api_clients')
        .where({ id: clientId })
        .where((either) => either.whereNull('last_used_at').orWhere('last_used_at', '<=', recently))
        .update({ last_used_at: timeText(at) });
    }),
});

const certificates = ({ knex }: WriteTransaction) =>
  knex<ClientCertificateRow>('client_certificates');

const hasEnded = ({ disabled_at, expires_at }: ApiClientRow, at: string): boolean =>
  disabled_at !== null || (expires_at !== null && expires_at <= at);

/** Whoever has ended is known by nothing any more. */
async function releaseOfEnded(tx: WriteTransaction, sha256: string, at: string): Promise<void> {
  const ended = tx
    .knex<ApiClientRow>('api_clients')
    .whereNotNull('disabled_at')
    .orWhere('expires_at', '<=', at)
    .select('id');
  await certificates(tx).where({ sha256 }).whereIn('client_id', ended).delete();
}

const certificateRow = (record: ClientCertificate): ClientCertificateRow => ({
  sha256: record.sha256,
  client_id: record.clientId,
  certificate: blob(record.certificate),
  subject: record.subject,
  not_before: timeText(record.notBefore),
  not_after: timeText(record.notAfter),
  added_at: timeText(record.addedAt),
});

const certificateOf = (row: ClientCertificateRow): ClientCertificate => ({
  sha256: row.sha256,
  clientId: row.client_id,
  certificate: bytesOf(row.certificate),
  subject: row.subject,
  notBefore: timeOf(row.not_before),
  notAfter: timeOf(row.not_after),
  addedAt: timeOf(row.added_at),
});
