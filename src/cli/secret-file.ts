/** Where a secret goes that is shown only once: a file for its owner alone, or standard output. */

import { open, rm } from 'node:fs/promises';
import { usageFailure } from './failure.ts';
import { unwritable } from './file-failure.ts';
import type { Io } from './io.ts';

export interface SecretPlace {
  /** Undefined for standard output. */
  readonly file: string | undefined;
  /** Durable on return. */
  keep(secret: string): Promise<void>;
  /** Ends it; leaves nothing behind where nothing was kept. */
  end(): Promise<void>;
}

/**
 * Makes the place before the secret is asked for, so that it cannot be lost on the way.
 * @param option the one that names it
 * @throws Failure for a file that is there or cannot be written: it may hold another secret
 */
export async function secretPlace(
  io: Io,
  named: string | undefined,
  option = '--secret-file',
): Promise<SecretPlace> {
  if (named === undefined || named === '-') {
    return {
      file: undefined,
      keep: async (secret) => {
        io.stdout.write(`${secret}\n`);
      },
      end: async () => undefined,
    };
  }
  const handle = await open(named, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST'
      ? usageFailure(`${named} exists and is left alone`, `Name another ${option}.`)
      : unwritable(named, error);
  });
  let isKept = false;
  return {
    file: named,
    async keep(secret) {
      await handle.writeFile(`${secret}\n`);
      await handle.sync();
      isKept = true;
    },
    async end() {
      await handle.close();
      if (!isKept) await rm(named, { force: true });
    },
  };
}
