/** The passphrase that evpki makes up for hierarchies marked `demo: true`. */

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KeystoreError } from './keystore-error.ts';

const PASSPHRASE_OCTETS = 32;
/** What base64url makes of 32 octets. */
const PASSPHRASE_FORM = /^[A-Za-z0-9_-]{43}$/;
const OTHERS = 0o077;

/**
 * The demo passphrase in this file; a missing file is created, readable by its owner only, with
 * 32 random octets in base64url. On return the file is on the disk: keys may be sealed with it.
 * @throws KeystoreError `passphrase-file-unsafe` if others may read or write the file, or if it
 *   does not hold such a passphrase
 */
export async function demoPassphrase(file: string): Promise<string> {
  await createOnce(file);
  // What counts is what the next start will read, not what this one meant to write.
  return readBack(file);
}

async function createOnce(file: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  });
  if (handle === undefined) return;
  try {
    await handle.writeFile(`${randomBytes(PASSPHRASE_OCTETS).toString('base64url')}\n`);
    await handle.sync();
  } catch (error) {
    // Nothing was sealed with it yet; half a passphrase would stop the next start.
    await unlink(file).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
  await syncDirectory(dirname(file));
}

// The file's name is in the directory: without this a power cut could lose it, and all keys.
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readBack(file: string): Promise<string> {
  // Permissions are asked of the opened file, so that nobody can exchange it in between.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { mode } = await handle.stat();
    if ((mode & OTHERS) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw unsafe(`${file} has the mode ${shown}; make it 0600 and consider its keys known`);
    }
    const passphrase = (await handle.readFile('utf8')).replace(/\n$/, '');
    if (!PASSPHRASE_FORM.test(passphrase)) {
      throw unsafe(
        `${file} does not hold a passphrase that evpki made; restore it, or remove it if no keys exist`,
      );
    }
    return passphrase;
  } finally {
    await handle.close();
  }
}

const unsafe = (message: string): KeystoreError =>
  new KeystoreError('passphrase-file-unsafe', `${message}.`);
