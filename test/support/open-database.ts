/** A process of its own that opens a database, says so, and holds it until it is killed. */

import { openDatabase } from '../../src/storage/database.ts';
import { StorageError } from '../../src/storage/errors.ts';

const [, , url = '', processId = ''] = process.argv;
try {
  await openDatabase(url, { clock: () => new Date(), processId });
  process.stdout.write('open\n');
} catch (error) {
  process.stdout.write(`${error instanceof StorageError ? error.code : String(error)}\n`);
  process.exit(1);
}
setInterval(() => undefined, 1000);
