/** The moment an issuer gets its certificate, whoever signed it. */

import { CPS_SIGNERS_JOB } from '../services/cps-records.ts';
import type { WriteTransaction } from './database.ts';
import { StorageError } from './errors.ts';
import { scheduleJob } from './jobs.ts';
import type { AuthorityRow, IssuerRow } from './rows.ts';

const lockedColumns = [
  'id',
  'authority_id',
  'generation',
  'state',
  'certificate_id',
  'status_sequence',
] as const;

/** The issuer, kept from changing until the transaction ends. */
export async function lockIssuer(
  tx: WriteTransaction,
  issuerId: string,
): Promise<Pick<IssuerRow, (typeof lockedColumns)[number]> | undefined> {
  return tx
    .knex<IssuerRow>('issuers')
    .where({ id: issuerId })
    .forUpdate()
    .first(...lockedColumns);
}

/**
 * Makes a locked, awaiting issuer active with its certificate, and its authority too; earlier
 * active generations are retired. Its first CRL and its OCSP responder are due at once, and so is
 * a look at the CPS signers, of which it may have to certify one.
 */
export async function activate(
  tx: WriteTransaction,
  issuer: Pick<IssuerRow, 'id' | 'authority_id' | 'generation'>,
  certificateId: string,
  at: Date,
): Promise<void> {
  tx.issuerChains.clear();
  const activated = await tx
    .knex<IssuerRow>('issuers')
    .where({ id: issuer.id, state: 'awaiting-certificate' })
    .update({ state: 'active', certificate_id: certificateId });
  if (activated !== 1) {
    throw new StorageError('inconsistent', `issuer ${issuer.id} does not await a certificate`);
  }
  await tx
    .knex<IssuerRow>('issuers')
    .where({ authority_id: issuer.authority_id, state: 'active' })
    .where('generation', '<', issuer.generation)
    .update({ state: 'retired' });
  await tx
    .knex<AuthorityRow>('authorities')
    .where({ id: issuer.authority_id })
    .update({ state: 'active' });
  await scheduleJob(tx, `crl:${issuer.id}`, at);
  await scheduleJob(tx, `ocsp-signer:${issuer.id}`, at);
  await scheduleJob(tx, CPS_SIGNERS_JOB, at);
}
