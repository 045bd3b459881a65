/** The moment an issuer gets its certificate, whoever signed it. */

import type { WriteTransaction } from './database.ts';
import { StorageError } from './errors.ts';
import type { AuthorityRow, IssuerRow } from './rows.ts';

/** The issuer, kept from changing until the transaction ends. */
export async function lockIssuer(
  tx: WriteTransaction,
  issuerId: string,
): Promise<Pick<IssuerRow, 'id' | 'authority_id' | 'generation' | 'state'> | undefined> {
  return tx
    .knex<IssuerRow>('issuers')
    .where({ id: issuerId })
    .forUpdate()
    .first('id', 'authority_id', 'generation', 'state');
}

/**
 * Makes a locked, awaiting issuer active with its certificate, and its authority too; earlier
 * active generations are retired.
 */
export async function activate(
  tx: WriteTransaction,
  issuer: Pick<IssuerRow, 'id' | 'authority_id' | 'generation'>,
  certificateId: string,
): Promise<void> {
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
}
