/** The set of declarations that is in force, in the database. */

import type { ActiveDeclarationsStore } from '../services/active-declarations.ts';
import type { Database } from './database.ts';
import type { ActiveDeclarationsRow } from './rows/upkeep.ts';
import { timeText } from './values.ts';

export function activeDeclarationsStore(database: Database): ActiveDeclarationsStore {
  const { reader } = database;
  return {
    activate: ({ sha256, processId, audit }) =>
      database.write(async (tx) => {
        const rows = () => tx.knex<ActiveDeclarationsRow>('active_declarations');
        const row = { sha256, process_id: processId, activated_at: timeText(audit.at) };
        // There from the first start on: whoever comes second waits for the row.
        const inserted = await rows()
          .insert({ id: 1, ...row })
          .onConflict('id')
          .ignore()
          .returning('id');
        if (inserted.length === 1) {
          tx.appendAudit(audit);
          return undefined;
        }
        const active = await rows().where({ id: 1 }).forUpdate().first('sha256');
        await rows().where({ id: 1 }).update(row);
        if (active?.sha256 === sha256) return undefined;
        tx.appendAudit(audit);
        return active?.sha256;
      }),

    readActive: async () => {
      const row = await reader<ActiveDeclarationsRow>('active_declarations')
        .where({ id: 1 })
        .first('sha256');
      return row?.sha256;
    },
  };
}
