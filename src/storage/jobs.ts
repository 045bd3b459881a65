/** Leased jobs in the database. */

import type { JobStore } from '../services/revocation-records.ts';
import type { Database, WriteTransaction } from './database.ts';
import type { JobRow } from './rows/upkeep.ts';
import { timeOf, timeText } from './values.ts';

export function jobStore(database: Database): JobStore {
  return {
    schedule: (name, dueAt) => database.write((tx) => scheduleJob(tx, name, dueAt)),

    claim: async (now, lease, limit) => {
      const rows = await database.write((tx) => {
        // One statement takes the rows, so that two processes never take one both. As a common
        // table expression it runs once, whatever plan the database makes; rows that others are
        // about to take are left to them.
        const due = tx
          .knex('jobs')
          .whereRaw('COALESCE(lease_until, due_at) <= ?', [timeText(now)])
          .orderByRaw('COALESCE(lease_until, due_at)')
          .limit(limit)
          .select('name');
        if (tx.dialect === 'postgres') due.forUpdate().skipLocked();
        return tx
          .knex<JobRow>('jobs')
          .with('due', due)
          .whereIn('name', tx.knex('due').select('name'))
          .update({
            lease_owner: lease.owner,
            lease_until: timeText(lease.until),
            // The work begins after this: it covers whatever was asked for until now.
            asked_at: null,
          })
          .returning(['name', 'due_at']);
      });
      return rows
        .map((row) => ({ name: row.name, dueAt: timeOf(row.due_at) }))
        .sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime());
    },

    release: (name, owner, nextDueAt) =>
      database.write(async ({ knex }) => {
        const next = timeText(nextDueAt);
        await knex<JobRow>('jobs')
          .where({ name, lease_owner: owner })
          .update({
            due_at: knex.raw('CASE WHEN asked_at < ? THEN asked_at ELSE ? END', [next, next]),
            lease_owner: null,
            lease_until: null,
            asked_at: null,
          });
      }),
  };
}

/**
 * Adds a job, or brings it forward. While somebody holds it the time is noted beside the lease,
 * and counts when the lease is given back.
 */
export async function scheduleJob(tx: WriteTransaction, name: string, dueAt: Date): Promise<void> {
  const { knex } = tx;
  await knex<JobRow>('jobs')
    .insert({
      name,
      due_at: timeText(dueAt),
      lease_owner: null,
      lease_until: null,
      asked_at: null,
    })
    .onConflict('name')
    .merge({
      due_at: knex.raw(
        `CASE WHEN jobs.lease_owner IS NULL AND excluded.due_at < jobs.due_at
          THEN excluded.due_at ELSE jobs.due_at END`,
      ),
      asked_at: knex.raw(
        `CASE WHEN jobs.lease_owner IS NULL THEN NULL
          WHEN jobs.asked_at < excluded.due_at THEN jobs.asked_at ELSE excluded.due_at END`,
      ),
    });
}
