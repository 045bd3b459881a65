/** The passphrase that evpki makes up for hierarchies marked `demo: true`. */

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, unlink } from 'node:fs/promises';
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
  if (await exists(file)) return;
  // It gets its name only when it is whole: half a passphrase, left by a start that was killed,
  // would stop the next one. Unlike a renaming, a link never takes the place of another's file.
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(PASSPHRASE_OCTETS).toString('base64url')}\n`);
    await handle.sync();
    await link(draft, file).catch(unlessThere);
  } finally {
    await handle.close();
    await unlink(draft);
  }
  await syncDirectory(dirname(file));
}

const exists = (file: string): Promise<boolean> =>
  lstat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );

/** Somebody else was faster; their passphrase counts. */
function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
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
