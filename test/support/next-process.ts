/** What the process does that comes after one that was killed. */

import type { Clock } from '../../src/services/clock.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { demoDeclarations } from './declarations.ts';
import type { PreparedDatabase } from './prepared-databases.ts';
import { type Services, type ServicesOptions, servicesOver } from './services.ts';

/** Leases of certificates last a minute. */
export const afterTheLeases = () => new Date(Date.now() + 120_000);

let processes = 0;

/**
 * Opens a database as one more process would, and closes it after use.
 * @param change of what it is opened with: the demo's declarations, the known vault, our clock
 */
export async function inside(
  { url, dataDir }: PreparedDatabase,
  change: Partial<ServicesOptions>,
  use: (services: Services) => Promise<void>,
): Promise<void> {
  const options: ServicesOptions & { readonly clock: Clock } = {
    ...{ declarations: demoDeclarations(), dataDir, vault: 'known' },
    ...{ processId: `next-${++processes}`, clock: () => new Date() },
    ...change,
  };
  const database = await openDatabase(url, options);
  try {
    await use(await servicesOver(database, options));
  } finally {
    await database.close();
  }
}

/** Recovers as the next process does when the leases of whoever was killed are over. */
export const recovered = (
  database: PreparedDatabase,
  change: Partial<ServicesOptions>,
  use: (services: Services) => Promise<void>,
): Promise<void> =>
  inside(database, { clock: afterTheLeases, ...change }, async (services) => {
    await services.store.abandonExpired(services.clock());
    await use(services);
  });
