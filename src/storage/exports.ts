/** Authorities whose key was handed out, and what is brought of their certificates, in the database. */

import type { ExportStore } from '../services/export-records.ts';
import { authorityOf, authorityRow, importedCertificateRow, insertIssuer } from './authorities.ts';
import type { Database, WriteTransaction } from './database.ts';
import { StorageError } from './errors.ts';
import { lockIssuer } from './issuer-activation.ts';
import { lockApproved, lockWaiting, recordApproved } from './proposals.ts';
import type { AuthorityRow, CertificateRow } from './rows.ts';
import { changeStatus } from './status-changes.ts';
import { blob } from './values.ts';

export function exportStore(database: Database): ExportStore {
  const { reader } = database;
  return {
    approveExport: (approval) =>
      database.write(async (tx) => {
        if (!(await lockWaiting(tx, approval))) return 'not-waiting';
        await recordApproved(tx, approval);
        return 'approved';
      }),

    findExported: async (proposalId) => {
      const row = await reader<AuthorityRow>('authorities')
        .where({ export_proposal: proposalId })
        .first();
      return row && authorityOf(row);
    },

    createExported: ({ authority, issuer, key, audit }) =>
      database.write(async (tx) => {
        // Whoever holds the proposal's row decides: of any number of collections, one takes place.
        if (!(await lockApproved(tx, authority.exportedBy))) return 'collected';
        const collected = await tx
          .knex<AuthorityRow>('authorities')
          .where({ export_proposal: authority.exportedBy })
          .first('id');
        if (collected !== undefined) return 'collected';
        const created = await tx
          .knex<AuthorityRow>('authorities')
          .insert(authorityRow(authority))
          .onConflict('id')
          .ignore()
          .returning('id');
        if (created.length === 0) return 'exists';
        await insertIssuer(tx, issuer, key);
        tx.appendAudit(audit);
        return 'created';
      }),

    importCertificate: ({ issuerId, certificate, audit }) =>
      database.write(async (tx) => {
        const { serial, stationId, der } = certificate;
        await lockedExported(tx, issuerId);
        const present = await tx
          .knex<CertificateRow>('certificates')
          .where({ issuer_id: issuerId, serial })
          .forUpdate()
          .first('id', 'der');
        const row: CertificateRow = {
          ...importedCertificateRow(certificate, audit.at),
          ...{ issuer_id: issuerId, station_id: stationId ?? null },
        };
        if (present === undefined) {
          await tx.knex<CertificateRow>('certificates').insert(row);
          tx.appendAudit(audit);
          return { outcome: 'imported', id: certificate.id };
        }
        const { id } = present;
        if (present.der === null || present.der.length > 0) {
          const isSame = present.der !== null && blob(der).equals(present.der);
          return isSame ? { outcome: 'known', id } : { outcome: 'serial-taken' };
        }
        const { subject, common_name, spki_sha256, not_before, not_after, station_id } = row;
        await tx
          .knex<CertificateRow>('certificates')
          .where({ id })
          .update({
            ...{
              der: row.der,
              subject,
              common_name,
              spki_sha256,
              not_before,
              not_after,
              station_id,
            },
          });
        tx.appendAudit({ ...audit, subject: id });
        return { outcome: 'imported', id };
      }),

    revokeUnseen: ({ issuerId, record, to, crlDue, audit }) =>
      database.write(async (tx) => {
        const issuer = await lockedExported(tx, issuerId);
        const unseen = { ...record, der: new Uint8Array(), subject: '', spkiSha256: '' };
        const inserted = await tx
          .knex<CertificateRow>('certificates')
          .insert({
            ...importedCertificateRow({ ...unseen, commonName: undefined }, audit.at),
            issuer_id: issuerId,
          })
          .onConflict(['issuer_id', 'serial'])
          .ignore()
          .returning('id');
        if (inserted.length === 0) return { outcome: 'seen' };
        const { id, serial } = record;
        const sequence = await changeStatus(tx, issuer, {
          ...{ id, serial, from: { state: 'issued' }, to, crlDue },
        });
        if (sequence === undefined) throw new StorageError('inconsistent', `${id} has changed`);
        tx.appendAudit(audit);
        return { outcome: 'revoked', sequence };
      }),
  };
}

/** Of no other issuer a certificate comes into being that it has not been asked for here. */
async function lockedExported(tx: WriteTransaction, issuerId: string) {
  const issuer = await lockIssuer(tx, issuerId);
  const authority =
    issuer &&
    (await tx
      .knex<AuthorityRow>('authorities')
      .where({ id: issuer.authority_id })
      .whereNotNull('export_proposal')
      .first('id'));
  if (!issuer || !authority) {
    throw new StorageError('inconsistent', `issuer ${issuerId} was not exported`);
  }
  return issuer;
}
