/** Status changes of certificates in the database, in the order of their sequence numbers. */

import type { RevocationStore } from '../services/revocation-records.ts';
import { abandonPendingFor, abandonPendingOf } from './abandonment.ts';
import { lockKey } from './claims.ts';
import type { Database, WriteTransaction } from './database.ts';
import { StorageError } from './errors.ts';
import { lockIssuer } from './issuer-activation.ts';
import { lockWaiting, recordApproved } from './proposals.ts';
import type { AuthorityRow, BlockedKeyRow, CertificateRow, IssuerRow } from './rows.ts';
import { changeStatus } from './status-changes.ts';
import { timeText } from './values.ts';

export function revocationStore(database: Database): RevocationStore {
  return {
    recordStatusChange: (command) =>
      database.write(async (tx) => {
        const { certificateId, from, to, revokesIssuerId, audit, approval } = command;
        if (approval && !(await lockWaiting(tx, approval))) return { outcome: 'not-waiting' };
        const certificate = await tx
          .knex<CertificateRow>('certificates')
          .where({ id: certificateId })
          .first('issuer_id', 'serial', 'spki_sha256');
        if (certificate === undefined) return { outcome: 'stale' };
        // Issuers before certificates, the upper one first. Whoever holds the issuer's row has the
        // next number, and nobody gets the one after it before this one is committed.
        const issuer =
          certificate.issuer_id === null ? undefined : await lockIssuer(tx, certificate.issuer_id);
        if (issuer === undefined) {
          throw new StorageError('inconsistent', `${certificateId} has no issuer of ours`);
        }
        const ending =
          revokesIssuerId === undefined
            ? undefined
            : await lockIssuerOf(tx, revokesIssuerId, certificateId);
        const sequence = await changeStatus(tx, issuer, {
          ...{ id: certificateId, serial: certificate.serial },
          ...{ from, to, crlDue: command.crlDue },
        });
        if (sequence === undefined) return { outcome: 'stale' };
        if (command.blockKey) {
          await blockKey(tx, certificate.spki_sha256, to.reason ?? 'unspecified', audit.at);
        }
        if (ending !== undefined) await revokeIssuer(tx, ending, audit.at);
        if (approval) await recordApproved(tx, approval);
        tx.appendAudit(audit);
        return { outcome: 'changed', sequence };
      }),

    issuerOfCertificate: async (certificateId) => {
      const row = await database
        .reader<IssuerRow>('issuers')
        .where({ certificate_id: certificateId })
        .first('id');
      return row?.id;
    },
  };
}

type LockedIssuer = NonNullable<Awaited<ReturnType<typeof lockIssuer>>>;

async function lockIssuerOf(
  tx: WriteTransaction,
  issuerId: string,
  certificateId: string,
): Promise<LockedIssuer> {
  const issuer = await lockIssuer(tx, issuerId);
  if (issuer?.certificate_id !== certificateId) {
    throw new StorageError('inconsistent', `${certificateId} is not issuer ${issuerId}'s own`);
  }
  return issuer;
}

/** Blocks a key, and ends what is being certified for it: locked, nothing more comes after that. */
async function blockKey(
  tx: WriteTransaction,
  spkiSha256: string,
  reason: string,
  at: Date,
): Promise<void> {
  // Of what an exported authority has signed: nobody has shown here that the key is its own.
  if (spkiSha256 === '') return;
  await lockKey(tx, spkiSha256);
  await tx
    .knex<BlockedKeyRow>('blocked_keys')
    .insert({ spki_sha256: spkiSha256, reason, created_at: timeText(at) })
    .onConflict('spki_sha256')
    .ignore();
  await abandonPendingFor(tx, spkiSha256, at);
}

/** Ends an issuer and what it is signing; its authority too, unless a newer key has taken over. */
async function revokeIssuer(tx: WriteTransaction, issuer: LockedIssuer, at: Date): Promise<void> {
  tx.issuerChains.clear();
  await tx.knex<IssuerRow>('issuers').where({ id: issuer.id }).update({ state: 'revoked' });
  await abandonPendingOf(tx, issuer.id, at);
  // Locked before the generations are looked at: one that is being activated at this moment locks
  // the authority too, and is either seen here or makes the authority active afterwards.
  await tx
    .knex<AuthorityRow>('authorities')
    .where({ id: issuer.authority_id })
    .forUpdate()
    .first('id');
  const newest = await tx
    .knex<IssuerRow>('issuers')
    .where({ authority_id: issuer.authority_id })
    .whereNotNull('certificate_id')
    .orderBy('generation', 'desc')
    .first('id');
  if (newest?.id !== issuer.id) return;
  await tx
    .knex<AuthorityRow>('authorities')
    .where({ id: issuer.authority_id })
    .update({ state: 'revoked' });
}
