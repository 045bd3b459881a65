/** Files in the data directory that evpki writes and others read. */

import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Puts a text in place of what the file held, if it was there. Whoever reads it meanwhile, or after
 * a start that was killed, finds the one or the other, never half of it; durable on return.
 */
export async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const draft = `${file}.new`;
  // What an earlier process left; one at a time uses the directory.
  await rm(draft, { force: true });
  const handle = await open(draft, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  // The new name is in the directory: without this a power cut could take it back.
  const directory = await open(dirname(file), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
