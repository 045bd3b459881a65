/** The steps of issuing that must be durable: pending, issued, abandoned, refused. */

import { folded } from '../pki/names.ts';
import type { IssuanceStore, PendingCertificate } from '../services/certificate-records.ts';
import type { AbandonedRow } from './abandonment.ts';
import {
  abandoned,
  abandonedColumns,
  abandonRequests,
  followAbandoned,
  removeBundles,
} from './abandonment.ts';
import { isGranted } from './authority-grants.ts';
import { keyConflict, nameConflict } from './claims.ts';
import { beginBundle, bundleObstacle, insertBundle, revokeFormer } from './contract-bundles.ts';
import type { Database, WriteTransaction } from './database.ts';
import { insertRequest, requestRow } from './enrolment-requests.ts';
import { useSecret } from './enrolment-secrets.ts';
import { StorageError } from './errors.ts';
import { activate, lockIssuer } from './issuer-activation.ts';
import { maySign } from './issuer-chain.ts';
import { lockWaiting, recordApproved, reopenProposals } from './proposals.ts';
import { approveRequest } from './requests.ts';
import { type CertificateRow, type EnrolmentRequestRow, statusUnchanged } from './rows.ts';
import { blob, timeText } from './values.ts';

/** Rows abandoned per transaction: recovery does not hold up those who issue meanwhile. */
const ABANDONED_PER_TRANSACTION = 200;

export function issuanceStore(database: Database): IssuanceStore {
  return {
    recordPending: ({
      certificate,
      request,
      approval,
      stationName,
      bundle,
      secretId,
      proposal,
      ...purpose
    }) =>
      database.write(async (tx) => {
        // Proposals before all else: so does whatever takes effect by one.
        if (proposal && !(await lockWaiting(tx, proposal))) return { outcome: 'not-waiting' };
        // Contracts before issuers: so do those who suspend or end one.
        const obstacle = bundle && (await bundleObstacle(tx, bundle));
        if (obstacle !== undefined) return { outcome: obstacle };
        if (!(await maySign(tx, certificate.issuerId, purpose))) {
          return { outcome: 'issuer-not-active' };
        }
        if (!(await isGranted(tx, certificate, purpose.subjectIssuerId))) {
          return { outcome: 'not-granted' };
        }
        if (request?.renews !== undefined && !(await isIssued(tx, request.renews))) {
          return { outcome: 'not-renewable' };
        }
        const conflict = await keyConflict(tx, certificate);
        if (conflict !== undefined) return { outcome: conflict };
        if (stationName !== undefined && (await nameConflict(tx, certificate, stationName))) {
          return { outcome: 'name-taken' };
        }
        const inserted = await tx
          .knex<CertificateRow>('certificates')
          .insert(pendingRow(certificate))
          .onConflict(['issuer_id', 'serial'])
          .ignore()
          .returning('id');
        if (inserted.length === 0) return { outcome: 'serial-taken' };
        if (proposal) await recordApproved(tx, proposal, certificate.id);
        // Inserted a moment ago in this same transaction: nobody has seen it, no serial is lost.
        const takeBack = () =>
          tx.knex<CertificateRow>('certificates').where({ id: certificate.id }).delete();
        if (bundle !== undefined) {
          const standing = await insertBundle(tx, bundle, certificate);
          if (standing === undefined) return { outcome: 'recorded' };
          await takeBack();
          return { outcome: standing };
        }
        if (request === undefined) return { outcome: 'recorded' };

        if (approval !== undefined) {
          if (await approveRequest(tx, request.id, certificate.id, approval)) {
            return { outcome: 'recorded' };
          }
          await takeBack();
          return { outcome: 'not-waiting' };
        }
        const repeated = await insertRequest(tx, { ...request, certificateId: certificate.id });
        if (repeated !== undefined) {
          await takeBack();
          return { outcome: 'repeat', request: repeated };
        }
        // After the repeat: the same request again is what the secret was used for.
        const spent = secretId && (await useSecret(tx, secretId, certificate));
        if (!spent) return { outcome: 'recorded' };
        await tx.knex<EnrolmentRequestRow>('enrolment_requests').where({ id: request.id }).delete();
        await takeBack();
        return { outcome: spent };
      }),

    recordIssued: ({ certificateId, leaseOwner, der, requestId, subjectIssuerId, bundle, audit }) =>
      database.write(async (tx) => {
        // An issuer that somebody else has activated meanwhile needs no second certificate.
        const subject =
          subjectIssuerId === undefined ? undefined : await lockIssuer(tx, subjectIssuerId);
        if (subjectIssuerId !== undefined && subject?.state !== 'awaiting-certificate') {
          return 'lease-lost';
        }
        // Issuers before certificates, so the lease is looked at once more behind this.
        const revokes = bundle?.revokesFormer !== undefined;
        if (revokes) {
          if (!(await leased(tx, certificateId, leaseOwner).first('id'))) return 'lease-lost';
          await revokeFormer(tx, bundle, audit);
        }
        const updated = await leased(tx, certificateId, leaseOwner).update({
          state: 'issued',
          der: blob(der),
          lease_owner: null,
          lease_until: null,
        });
        if (updated === 0 && revokes) {
          throw new StorageError('run-again', `${certificateId} was abandoned at this moment`);
        }
        if (updated === 0) return 'lease-lost';
        if (requestId !== undefined) await answerRequest(tx, requestId, certificateId);
        if (subject !== undefined) await activate(tx, subject, certificateId, audit.at);
        if (bundle !== undefined) await beginBundle(tx, bundle, certificateId);
        tx.appendAudit(audit);
        return 'issued';
      }),

    recordAbandoned: ({ certificateId, leaseOwner, audit }) =>
      database.write(async (tx) => {
        const updated = await leased(tx, certificateId, leaseOwner).update(abandoned);
        if (updated === 0) return;
        await abandonRequests(tx, [certificateId]);
        await reopenProposals(tx, [certificateId]);
        await removeBundles(tx, [certificateId]);
        tx.appendAudit(audit);
      }),

    recordRefused: ({ request, audit }) =>
      database.write(async (tx) => {
        // A refused request is over from the start: it never holds a repeat key.
        await tx
          .knex<EnrolmentRequestRow>('enrolment_requests')
          .insert({ ...requestRow(request), repeat_key: null });
        tx.appendAudit(audit);
      }),

    abandonExpired: async (now) => {
      let total = 0;
      for (;;) {
        const count = await database.write((tx) => abandonSome(tx, now));
        if (count === 0) return total;
        total += count;
      }
    },
  };
}

async function isIssued(tx: WriteTransaction, certificateId: string): Promise<boolean> {
  const row = await tx
    .knex<CertificateRow>('certificates')
    .where({ id: certificateId, state: 'issued' })
    .first('id');
  return row !== undefined;
}

const leased = (tx: WriteTransaction, certificateId: string, leaseOwner: string) =>
  tx
    .knex<CertificateRow>('certificates')
    .where({ id: certificateId, state: 'pending', lease_owner: leaseOwner });

async function answerRequest(
  tx: WriteTransaction,
  requestId: string,
  certificateId: string,
): Promise<void> {
  const updated = await tx
    .knex<EnrolmentRequestRow>('enrolment_requests')
    .where({ id: requestId, certificate_id: certificateId, state: 'issuing' })
    .update({ state: 'issued' });
  if (updated !== 1) {
    throw new StorageError(
      'inconsistent',
      `request ${requestId} is not the one that certificate ${certificateId} answers`,
    );
  }
}

async function abandonSome(tx: WriteTransaction, now: Date): Promise<number> {
  // The condition stands in the UPDATE too: a row that its owner finished while we waited for it
  // is not expired any more.
  const until = timeText(now);
  const rows: AbandonedRow[] = await tx
    .knex<CertificateRow>('certificates')
    .where({ state: 'pending' })
    .where('lease_until', '<', until)
    .whereIn(
      'id',
      tx
        .knex<CertificateRow>('certificates')
        .where({ state: 'pending' })
        .where('lease_until', '<', until)
        .orderBy('lease_until')
        .limit(ABANDONED_PER_TRANSACTION)
        .select('id'),
    )
    .update(abandoned)
    .returning([...abandonedColumns]);
  await followAbandoned(tx, rows, 'lease-expired', now);
  return rows.length;
}

const pendingRow = (certificate: PendingCertificate): CertificateRow => ({
  id: certificate.id,
  organization_id: certificate.organizationId,
  issuer_id: certificate.issuerId,
  serial: certificate.serial,
  state: 'pending',
  subject: certificate.subject,
  common_name: folded(certificate.commonName ?? ''),
  profile: certificate.profile,
  profile_hash: certificate.profileHash,
  spki_sha256: certificate.spkiSha256,
  tbs_sha256: certificate.tbsSha256,
  not_before: timeText(certificate.notBefore),
  not_after: timeText(certificate.notAfter),
  created_at: timeText(certificate.createdAt),
  der: null,
  station_id: certificate.stationId ?? null,
  lease_owner: certificate.lease.owner,
  lease_until: timeText(certificate.lease.until),
  ...statusUnchanged,
});
