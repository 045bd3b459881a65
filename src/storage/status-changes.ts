/** The step that every change of a certificate's status is: the next number of its issuer. */

import type { Status } from '../pki/lifecycle.ts';
import { segmentOf } from './crl-segments.ts';
import type { WriteTransaction } from './database.ts';
import { scheduleJob } from './jobs.ts';
import type { CertificateRow, IssuerRow } from './rows.ts';
import { timeText } from './values.ts';

/**
 * Changes the status of a certificate whose issuer is locked: whoever holds the issuer's row has
 * the next number, and nobody gets the one after it before this one is committed.
 * @param issuer as it is now
 * @returns the number; undefined, and nothing changed, when the status is not `from` any more
 */
export async function changeStatus(
  tx: WriteTransaction,
  issuer: Pick<IssuerRow, 'id' | 'status_sequence'>,
  change: {
    readonly id: string;
    readonly serial: string;
    readonly from: Status;
    readonly to: Status;
    readonly crlDue: Date;
  },
): Promise<number | undefined> {
  const { id, serial, from, to, crlDue } = change;
  const sequence = Number(issuer.status_sequence) + 1;
  const changed = await tx
    .knex<CertificateRow>('certificates')
    .where({
      id,
      state: from.state,
      revocation_reason: from.reason ?? null,
      revoked_at: from.revokedAt === undefined ? null : timeText(from.revokedAt),
    })
    .update({
      state: to.state,
      revocation_reason: to.reason ?? null,
      revoked_at: to.revokedAt === undefined ? null : timeText(to.revokedAt),
      crl_segment: segmentOf(serial),
      status_sequence: sequence,
    });
  if (changed === 0) return undefined;
  await tx
    .knex<IssuerRow>('issuers')
    .where({ id: issuer.id })
    .update({ status_sequence: sequence });
  await scheduleJob(tx, `crl:${issuer.id}`, crlDue);
  return sequence;
}
