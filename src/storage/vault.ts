/** The parameters of the key-encryption key in the database. */

import type { VaultRecord, VaultStore } from '../services/vault-records.ts';
import type { Database } from './database.ts';
import { StorageError } from './errors.ts';
import type { VaultRow } from './rows/upkeep.ts';
import { blob, bytesOf } from './values.ts';

export function vaultStore(database: Database): VaultStore {
  return {
    findVault: async () => {
      const row = await database.reader<VaultRow>('vault').where({ id: 1 }).first();
      return row && vaultOf(row);
    },

    createVault: (record, audit) =>
      database.write(async (tx) => {
        const { knex } = tx;
        const added = await knex<VaultRow>('vault')
          .insert(vaultRow(record))
          .onConflict('id')
          .ignore()
          .returning('id');
        if (added.length === 1) tx.appendAudit(audit);
        const row = await knex<VaultRow>('vault').where({ id: 1 }).first();
        // Only an isolation level that hides the winner's row leads here; a new run sees it.
        if (row === undefined) throw new StorageError('run-again', 'the vault is being created');
        return vaultOf(row);
      }),
  };
}

const vaultRow = (record: VaultRecord): VaultRow => ({
  id: 1,
  salt: blob(record.salt),
  cost_n: record.costN,
  block_size: record.blockSize,
  parallelization: record.parallelization,
  check_value: blob(record.check),
});

const vaultOf = (row: VaultRow): VaultRecord => ({
  salt: bytesOf(row.salt),
  costN: Number(row.cost_n),
  blockSize: Number(row.block_size),
  parallelization: Number(row.parallelization),
  check: bytesOf(row.check_value),
});
