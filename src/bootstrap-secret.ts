/** The file that the bootstrap secret is left in for whoever administers this machine. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from './replaced-file.ts';

export const bootstrapSecretFile = (dataDir: string): string => join(dataDir, 'bootstrap-secret');

/** Writes the secret, readable by the owner only, in place of an earlier one; durable on return. */
export const keepBootstrapSecret = (dataDir: string, secret: string): Promise<void> =>
  replaceFile(bootstrapSecretFile(dataDir), `${secret}\n`, 0o600);

/** Removes the file of a secret that is used up. */
export const removeBootstrapSecret = (dataDir: string): Promise<void> =>
  rm(bootstrapSecretFile(dataDir), { force: true });
