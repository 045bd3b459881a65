/** Folders for the files of what is played: `evpki quickstart`, `evpki vehicle install`. */

import { mkdir } from 'node:fs/promises';
import { usageFailure } from './failure.ts';

const MOST_FOLDERS = 1_000;

/**
 * Makes a folder of our own, for nobody else: nothing that is there is written over.
 * @param wanted as `--out` names it; without, it is the usual one or that with a number
 * @returns its path
 */
export async function makeFolder(wanted: string | undefined, usual: string): Promise<string> {
  for (let count = 1; count <= MOST_FOLDERS; count++) {
    const folder = wanted ?? (count === 1 ? usual : `${usual}-${count}`);
    try {
      await mkdir(folder, { mode: 0o700 });
      return folder;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST' && wanted === undefined) continue;
      throw usageFailure(
        code === 'EEXIST' ? `${folder} is there already` : `${folder} cannot be made (${code})`,
        'Name a new folder in --out.',
      );
    }
  }
  throw usageFailure(`there are ${MOST_FOLDERS} folders already`, 'Name a new folder in --out.');
}
