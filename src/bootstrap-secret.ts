/** The file that the bootstrap secret is left in for whoever administers this machine. */

import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

export const bootstrapSecretFile = (dataDir: string): string => join(dataDir, 'bootstrap-secret');

/** Writes the secret, readable by the owner only, in place of an earlier one; durable on return. */
export async function keepBootstrapSecret(dataDir: string, secret: string): Promise<void> {
  const file = bootstrapSecretFile(dataDir);
  const draft = `${file}.new`;
  await rm(draft, { force: true });
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${secret}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  // The new name is in the directory: without this a power cut could take it back.
  const directory = await open(dataDir, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Removes the file of a secret that is used up. */
export const removeBootstrapSecret = (dataDir: string): Promise<void> =>
  rm(bootstrapSecretFile(dataDir), { force: true });
