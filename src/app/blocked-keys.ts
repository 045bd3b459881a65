/** The operator's list of keys that are never certified. */

import { readFile } from 'node:fs/promises';
import { emptyKeyList, type KeyList, readKeyList } from '../pki/key-list.ts';
import { StartError } from './start-error.ts';

/** @throws StartError when the file cannot be read, or has lines that are no keys */
export async function loadBlockedKeys(file: string | undefined): Promise<KeyList> {
  if (file === undefined) return emptyKeyList;
  let text: string;
  try {
    text = await readFile(file, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(`EVPKI_BLOCKED_KEYS: ${file} cannot be read (${code})`);
  }
  const result = readKeyList(text);
  if (result.ok) return result.list;
  const lines = result.lines.join(', ');
  throw new StartError(
    `EVPKI_BLOCKED_KEYS: ${file} has lines that are no SHA-256 in hexadecimal: ${lines}`,
  );
}
