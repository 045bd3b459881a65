/**
 * The contracts of a car beside each other: how many there are, and which comes first: of any number
 * of decisions at once one is the last.
 */

import { type Contract, contractLimits } from '../services/contract-records.ts';
import { accountOf } from './contract-rows.ts';
import type { WriteTransaction } from './database.ts';
import type { ContractRow } from './rows/plug-and-charge.ts';

/**
 * Whether a car has no room for one more contract, those that are being made included. One that it
 * has already is none more: that is said where it is written. Whoever asks has locked the car.
 */
export async function isCarFull(
  tx: WriteTransaction,
  { organizationId, emaid, pcid, standard }: Contract,
): Promise<boolean> {
  const present = await tx
    .knex<ContractRow>('contracts')
    .where({ pcid, standard })
    .whereNot({ state: 'ended' })
    .select('organization_id', 'account');
  if (present.some(({ account }) => account === accountOf(emaid))) return false;
  const own = present.filter((row) => row.organization_id === organizationId);
  return present.length >= contractLimits.ofCar || own.length >= contractLimits.ofOperator;
}

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
