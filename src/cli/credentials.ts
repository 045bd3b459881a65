/**
 * The one file that the command line remembers: where the service is, which CA it is trusted by,
 * and the API client's id and secret. Tokens are never stored.
 */

import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { errorCodes } from '../services/errors.ts';
import type { Service } from './client.ts';
import { Failure, usageFailure } from './failure.ts';
import { unreadable, unwritable } from './file-failure.ts';
import { type Io, note } from './io.ts';

export interface Credentials extends Service {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Where the credentials are: EVPKI_CLIENT_CONFIG, or by the XDG base directory specification. */
export function credentialsFile({ env }: Pick<Io, 'env'>): string {
  if (env.EVPKI_CLIENT_CONFIG) return env.EVPKI_CLIENT_CONFIG;
  const { XDG_CONFIG_HOME: xdg = '' } = env;
  const base = isAbsolute(xdg) ? xdg : join(env.HOME || homedir(), '.config');
  return join(base, 'evpki', 'credentials.json');
}

/**
 * The stored credentials, undefined if there are none. Warns when others can read the file:
 * refusing would not make the secret a secret again.
 * @throws Failure when the file cannot be read or is not what was stored
 */
export async function readCredentials(io: Io): Promise<Credentials | undefined> {
  const file = credentialsFile(io);
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(file, error);
  }
  try {
    const { mode } = await handle.stat();
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      note(io, `evpki: warning: others may use ${file}, which holds a secret: chmod 600 ${file}`);
    }
    const credentials = parseCredentials(await handle.readFile('utf8'));
    if (credentials) return credentials;
  } finally {
    await handle.close();
  }
  throw usageFailure(`${file} is damaged`, 'Remove it and log in again: `evpki login`.');
}

/** As readCredentials, for commands that cannot do without. */
export async function requireCredentials(io: Io): Promise<Credentials> {
  const credentials = await readCredentials(io);
  if (credentials) return credentials;
  throw new Failure(errorCodes['not-authenticated'].exit, 'you are not logged in', {
    remedy:
      'Beside a new service: `evpki login --bootstrap`; otherwise: `evpki login --url URL --ca FILE --client-id ID --client-secret-file FILE`.',
  });
}

export interface CredentialsDraft {
  /**
   * Puts the credentials in place of those before; durable on return.
   * @returns the file that another client's credentials were moved to, if there were any
   */
  keep(credentials: Credentials): Promise<string | undefined>;
  /** Ends the draft, whether it was kept or not. */
  end(): Promise<void>;
}

/**
 * Makes the place for credentials, so that it is known to be writable before a secret is asked
 * for that is shown only once.
 */
export async function draftCredentials(io: Io): Promise<CredentialsDraft> {
  const file = credentialsFile(io);
  const draft = `${file}.new`;
  let handle: FileHandle;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await rm(draft, { force: true });
    handle = await open(draft, 'wx', 0o600);
  } catch (error) {
    throw unwritable(file, error, 'Name another file in EVPKI_CLIENT_CONFIG.');
  }
  return {
    async keep(credentials) {
      await handle.writeFile(`${JSON.stringify(credentials, null, 2)}\n`);
      await handle.sync();
      const moved = await moveAway(file, credentials);
      await rename(draft, file);
      return moved;
    },
    async end() {
      await handle.close();
      await rm(draft, { force: true });
    },
  };
}

/** A secret is stored nowhere else: another client's is kept beside instead of overwritten. */
async function moveAway(file: string, successor: Credentials): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (parseCredentials(text)?.clientId === successor.clientId) return undefined;
  await rename(file, `${file}.old`);
  return `${file}.old`;
}

function parseCredentials(text: string): Credentials | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { url, ca, clientId, clientSecret } = value as Readonly<Record<string, unknown>>;
  return isText(url) &&
    url.startsWith('https://') &&
    isText(ca) &&
    isText(clientId) &&
    isText(clientSecret)
    ? { url, ca, clientId, clientSecret }
    : undefined;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
