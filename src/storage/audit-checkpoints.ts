/** Checkpoints of the audit log, and the keys that sign them. */

import type { CheckpointHead, SignedStatement } from '../pki/checkpoint.ts';
import type { AuditKey, CheckpointStore } from '../services/audit-records.ts';
import type { Database, WriteTransaction } from './database.ts';
import { StorageError } from './errors.ts';
import type { AuditCheckpointHeadRow, AuditCheckpointRow, AuditKeyRow } from './rows/audit.ts';
import { blob, bytesOf, timeOf, timeText } from './values.ts';

/** Rows per INSERT: far below the limits on bound values of either database. */
const ROWS_PER_INSERT = 200;

export function checkpointStore(database: Database): CheckpointStore {
  const { reader } = database;
  const checkpoints = () => reader<AuditCheckpointRow>('audit_checkpoints');
  const heads = () => reader<AuditCheckpointHeadRow>('audit_checkpoint_heads');
  return {
    listKeys: async () =>
      (await reader<AuditKeyRow>('audit_keys').orderBy('generation', 'desc')).map(keyOf),

    createKey: ({ key, audit }) =>
      database.write(async (tx) => {
        const added = await tx
          .knex<AuditKeyRow>('audit_keys')
          .insert({
            generation: 1,
            key_id: key.keyId,
            spki: blob(key.spki),
            envelope: blob(key.envelope),
            created_at: timeText(key.createdAt),
          })
          .onConflict('generation')
          .ignore()
          .returning('generation');
        if (added.length === 1) tx.appendAudit(audit);
        const row = await tx.knex<AuditKeyRow>('audit_keys').orderBy('generation', 'desc').first();
        // Only an isolation level that hides the winner's row leads here; a new run sees it.
        if (row === undefined) throw new StorageError('run-again', 'a key is being created');
        return keyOf(row);
      }),

    latestCheckpoint: async () => {
      const row = await checkpoints().orderBy('number', 'desc').first();
      return row && statementOf(row);
    },

    findCheckpoint: async (number) => {
      const row = await checkpoints().where({ number }).first();
      return row && statementOf(row);
    },

    headsAt: async (number) => {
      const rows = await heads()
        .where('number', '<=', number)
        .where((still) => still.whereNull('next_number').orWhere('next_number', '>', number))
        .orderBy('stream');
      return rows.map(headOf);
    },

    recordCheckpoint: ({ changed, ...statement }) =>
      database.write(async (tx) => {
        const added = await tx
          .knex<AuditCheckpointRow>('audit_checkpoints')
          .insert(checkpointRow(statement))
          .onConflict('number')
          .ignore()
          .returning('number');
        if (added.length !== 1) return 'superseded';
        await recordHeads(tx, statement.number, changed);
        return 'recorded';
      }),

    readCheckpoints: async (after, limit) => {
      const rows = await checkpoints().where('number', '>', after).orderBy('number').limit(limit);
      const numbers = rows.map(({ number }) => Number(number));
      const changed = await heads().whereIn('number', numbers).orderBy(['number', 'stream']);
      return rows.map((row) => ({
        ...statementOf(row),
        changed: changed.filter(({ number }) => number === row.number).map(headOf),
      }));
    },

    readHeads: async (stream, after, upTo, limit) => {
      const rows = await heads()
        .where({ stream })
        .where('sequence', '>', after)
        .where('sequence', '<=', upTo)
        .orderBy('sequence')
        .limit(limit);
      return rows.map(headOf);
    },
  };
}

async function recordHeads(
  { knex }: WriteTransaction,
  number: number,
  changed: readonly CheckpointHead[],
): Promise<void> {
  for (let next = 0; next < changed.length; next += ROWS_PER_INSERT) {
    const some = changed.slice(next, next + ROWS_PER_INSERT);
    await knex<AuditCheckpointHeadRow>('audit_checkpoint_heads')
      .whereIn(
        'stream',
        some.map(({ stream }) => stream),
      )
      .whereNull('next_number')
      .update({ next_number: number });
    await knex<AuditCheckpointHeadRow>('audit_checkpoint_heads').insert(
      some.map(({ stream, sequence, hash }) => ({
        stream,
        sequence,
        hash: blob(hash),
        number,
        next_number: null,
      })),
    );
  }
}

const keyOf = (row: AuditKeyRow): AuditKey => ({
  keyId: row.key_id,
  spki: bytesOf(row.spki),
  envelope: bytesOf(row.envelope),
  createdAt: timeOf(row.created_at),
});

const checkpointRow = (statement: SignedStatement): AuditCheckpointRow => ({
  number: statement.number,
  at: statement.at,
  previous: blob(statement.previous),
  heads_hash: blob(statement.headsHash),
  key_sha256: blob(statement.keySha256),
  signature: blob(statement.signature),
});

const statementOf = (row: AuditCheckpointRow): SignedStatement => ({
  number: Number(row.number),
  at: row.at,
  previous: bytesOf(row.previous),
  headsHash: bytesOf(row.heads_hash),
  keySha256: bytesOf(row.key_sha256),
  signature: bytesOf(row.signature),
});

const headOf = (row: AuditCheckpointHeadRow): CheckpointHead => ({
  stream: row.stream,
  sequence: Number(row.sequence),
  hash: bytesOf(row.hash),
});
