/** How far the clock has come, as all processes have noted it. */

import type { ClockMarkStore } from '../services/signing-time.ts';
import type { Database } from './database.ts';
import type { ClockMarkRow } from './rows/upkeep.ts';
import { timeOf, timeText } from './values.ts';

export function clockMarkStore(database: Database): ClockMarkStore {
  return {
    findMark: async () => {
      const row = await database.reader<ClockMarkRow>('clock_mark').where({ id: 1 }).first();
      return row && timeOf(row.latest);
    },

    note: (time) =>
      database.write(async ({ knex }) => {
        const latest = timeText(time);
        const inserted = await knex<ClockMarkRow>('clock_mark')
          .insert({ id: 1, latest })
          .onConflict('id')
          .ignore()
          .returning('id');
        if (inserted.length > 0) return time;
        await knex<ClockMarkRow>('clock_mark').where('latest', '<', latest).update({ latest });
        const row = await knex<ClockMarkRow>('clock_mark').where({ id: 1 }).first();
        return row ? timeOf(row.latest) : time;
      }),

    putBack: ({ from, to, audit }) =>
      database.write(async (tx) => {
        const updated = await tx
          .knex<ClockMarkRow>('clock_mark')
          .where({ id: 1, latest: timeText(from) })
          .update({ latest: timeText(to) });
        if (updated === 0) return false;
        tx.appendAudit(audit);
        return true;
      }),
  };
}
