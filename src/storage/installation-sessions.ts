/** What cars with several contracts have got so far, as all processes see it. */

import type {
  InstallationSession,
  InstallationSessionStore,
} from '../services/installation-sessions.ts';
import type { Database } from './database.ts';
import type { InstallationSessionRow } from './rows/plug-and-charge.ts';
import { timeOf, timeText } from './values.ts';

export function installationSessionStore(database: Database): InstallationSessionStore {
  const rows = 'installation_sessions';
  return {
    findSession: async (key) => {
      const row = await database.reader<InstallationSessionRow>(rows).where({ key }).first();
      return row && sessionOf(row);
    },

    keepSession: (session, forgetBefore) =>
      database.write(async ({ knex }) => {
        await knex<InstallationSessionRow>(rows)
          .where('updated_at', '<', timeText(forgetBefore))
          .delete();
        await knex<InstallationSessionRow>(rows).insert(rowOf(session)).onConflict('key').merge();
      }),
  };
}

const sessionOf = (row: InstallationSessionRow): InstallationSession => ({
  key: row.key,
  requestSha256: row.request_sha256,
  delivered: JSON.parse(row.delivered) as string[],
  updatedAt: timeOf(row.updated_at),
});

const rowOf = (session: InstallationSession): InstallationSessionRow => ({
  key: session.key,
  request_sha256: session.requestSha256,
  delivered: JSON.stringify(session.delivered),
  updated_at: timeText(session.updatedAt),
});
