/** Which contract of a car comes first: of any number of decisions at once one is the last. */

import type { Contract } from '../services/contract-records.ts';
import type { WriteTransaction } from './database.ts';
import type { ContractRow } from './rows/plug-and-charge.ts';

/**
 * Makes a contract the default of its car, in place of the one that is.
 * @returns the organization of the former default, where there was one
 */
export async function makeDefault(
  tx: WriteTransaction,
  { id, pcid, standard }: Pick<Contract, 'id' | 'pcid' | 'standard'>,
): Promise<string | undefined> {
  await lockCar(tx, { pcid, standard });
  const [former] = await tx
    .knex<ContractRow>('contracts')
    .where({ pcid, standard, is_default: true })
    .whereNot({ state: 'ended' })
    .whereNot({ id })
    .update({ is_default: false })
    .returning('organization_id');
  await tx.knex<ContractRow>('contracts').where({ id }).update({ is_default: true });
  return former?.organization_id;
}

/** A row that is written, not only locked: see `claims.ts`. */
async function lockCar(
  tx: WriteTransaction,
  car: Pick<Contract, 'pcid' | 'standard'>,
): Promise<void> {
  if (tx.dialect === 'sqlite') return;
  await tx.knex('contract_cars').insert(car).onConflict(['pcid', 'standard']).merge();
}
