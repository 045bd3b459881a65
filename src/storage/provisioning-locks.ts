/** Holding on to what is registered of a vehicle while something is written that depends on it. */

import type { WriteTransaction } from './database.ts';
import type { PcidClaimRow, ProvisioningRow } from './rows/plug-and-charge.ts';

/**
 * Makes everybody else who changes what is registered of this vehicle, or who makes a contract for
 * it, wait until the transaction ends; as `claims.ts` says, by a row that is written. In SQLite
 * nobody else writes.
 */
export async function lockPcid(tx: WriteTransaction, pcid: string): Promise<void> {
  if (tx.dialect === 'sqlite') return;
  await tx.knex<PcidClaimRow>('pcid_claims').insert({ pcid }).onConflict('pcid').merge();
}

/** Whether a registration is neither replaced nor deleted; if so, until the transaction ends. */
export async function isStillRegistered(tx: WriteTransaction, id: string): Promise<boolean> {
  const rows = () => tx.knex<ProvisioningRow>('provisioning_certificates').where({ id });
  const found = await rows().first('pcid');
  if (found === undefined) return false;
  await lockPcid(tx, found.pcid);
  return (await rows().where({ state: 'registered' }).first('id')) !== undefined;
}
