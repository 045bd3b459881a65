/** One-time enrolment secrets in the database. */

import type { Knex } from 'knex';
import type { PendingCertificate } from '../services/certificate-records.ts';
import type {
  EnrolmentSecret,
  EnrolmentSecretStore,
} from '../services/enrolment-secret-records.ts';
import { byTime, pageOf } from './cursor.ts';
import type { Database, WriteTransaction } from './database.ts';
import type { EnrolmentSecretRow } from './rows/access.ts';
import type { CertificateRow } from './rows.ts';
import { optional, timeOf, timeText } from './values.ts';

/** A secret with the state of the certificate that it was used for last. */
type ReadRow = EnrolmentSecretRow & { certificate_state: CertificateRow['state'] | null };

export function enrolmentSecretStore(database: Database): EnrolmentSecretStore {
  const { reader } = database;
  const read = (): Knex.QueryBuilder =>
    reader('enrolment_secrets as secret')
      .leftJoin('certificates as certificate', 'certificate.id', 'secret.certificate_id')
      .select('secret.*', 'certificate.state as certificate_state');
  return {
    createSecret: ({ secret, audit }) =>
      database.write(async (tx) => {
        await tx.knex<EnrolmentSecretRow>('enrolment_secrets').insert(secretRow(secret));
        tx.appendAudit(audit);
      }),

    findSecret: async (id) => {
      const row: ReadRow | undefined = await read().where({ 'secret.id': id }).first();
      return row && secretOf(row);
    },

    findSecretByHash: async (secretSha256) => {
      const row: ReadRow | undefined = await read()
        .where({ 'secret.secret_sha256': secretSha256 })
        .first();
      return row && secretOf(row);
    },

    listSecrets: async ({ organizationId }, wanted) => {
      const query = read();
      if (organizationId !== undefined) query.where({ 'secret.organization_id': organizationId });
      const page = await pageOf<ReadRow>(query, wanted, byTime('created_at', 'secret'));
      return { ...page, items: page.items.map(secretOf) };
    },

    withdrawSecret: ({ id, audit }) =>
      database.write(async (tx) => {
        const updated = await free(tx, id).update({ withdrawn_at: timeText(audit.at) });
        if (updated === 0) return 'unchanged';
        tx.appendAudit(audit);
        return 'withdrawn';
      }),
  };
}

/**
 * Uses a secret up for a certificate that is about to be made: if it is made, for good; if it is
 * abandoned, whether at once or because its process was killed, not at all.
 * @returns why that cannot be, if so
 */
export async function useSecret(
  tx: WriteTransaction,
  secretId: string,
  certificate: PendingCertificate,
): Promise<'secret-spent' | 'secret-in-use' | undefined> {
  const updated = await free(tx, secretId)
    .where('expires_at', '>', timeText(certificate.createdAt))
    .update({ certificate_id: certificate.id });
  if (updated === 1) return undefined;
  const pending = await tx
    .knex('enrolment_secrets as secret')
    .join('certificates as certificate', 'certificate.id', 'secret.certificate_id')
    .where({ 'secret.id': secretId, 'certificate.state': 'pending' })
    .first('secret.id');
  return pending === undefined ? 'secret-spent' : 'secret-in-use';
}

/** A secret that has been neither used nor withdrawn. */
const free = (tx: WriteTransaction, id: string) =>
  tx
    .knex<EnrolmentSecretRow>('enrolment_secrets')
    .where({ id, withdrawn_at: null })
    .where((unused) =>
      unused
        .whereNull('certificate_id')
        .orWhereExists(
          tx
            .knex('certificates')
            .whereRaw('certificates.id = enrolment_secrets.certificate_id')
            .where({ 'certificates.state': 'abandoned' })
            .select('certificates.id'),
        ),
    );

const secretRow = (secret: EnrolmentSecret): EnrolmentSecretRow => ({
  id: secret.id,
  organization_id: secret.organizationId,
  label: secret.label,
  common_name: secret.commonName,
  secret_sha256: secret.secretSha256,
  created_by: secret.createdBy,
  created_at: timeText(secret.createdAt),
  expires_at: timeText(secret.expiresAt),
  withdrawn_at: secret.withdrawnAt === undefined ? null : timeText(secret.withdrawnAt),
  certificate_id: null,
});

function secretOf(row: ReadRow): EnrolmentSecret {
  const { certificate_id: certificateId, certificate_state: state } = row;
  const isUsed = certificateId !== null && state !== null && state !== 'abandoned';
  return {
    id: row.id,
    organizationId: row.organization_id,
    label: row.label,
    commonName: row.common_name,
    secretSha256: row.secret_sha256,
    createdBy: row.created_by,
    createdAt: timeOf(row.created_at),
    expiresAt: timeOf(row.expires_at),
    ...optional('withdrawnAt', row.withdrawn_at === null ? null : timeOf(row.withdrawn_at)),
    ...(isUsed ? { use: { certificateId, isPending: state === 'pending' } } : {}),
  };
}
