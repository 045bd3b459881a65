/** OpenSSL as chargers and auditors use it: another implementation, run as a process. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Workbench {
  readonly folder: string;
  /** Runs openssl in the folder; its standard output. Throws with its standard error. */
  openssl(...args: string[]): string;
  write(name: string, content: string | Uint8Array): string;
  read(name: string): string;
  remove(): void;
}

/** A temporary folder to run openssl in. */
export function workbench(): Workbench {
  const folder = mkdtempSync(join(tmpdir(), 'evpki-openssl-'));
  return {
    folder,
    openssl: (...args) =>
      execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }),
    write(name, content) {
      writeFileSync(join(folder, name), content);
      return name;
    },
    read: (name) => readFileSync(join(folder, name), 'utf8'),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

const keyOptions: Readonly<Record<string, readonly string[]>> = {
  'P-256': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'P-521': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  secp256k1: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
  Ed25519: ['-newkey', 'ed25519'],
  Ed448: ['-newkey', 'ed448'],
  'RSA-2048': ['-newkey', 'rsa:2048'],
  'RSA-3072': ['-newkey', 'rsa:3072'],
};

/** The options that make a new key. */
export function opensslNewKey(algorithm: string): readonly string[] {
  const options = keyOptions[algorithm];
  if (!options) throw new Error(`no openssl options for ${algorithm}`);
  return options;
}

/** A certification request as a charger makes it with openssl, in PEM; its key stays beside it. */
export function opensslRequest(
  bench: Workbench,
  subject: string,
  { key = 'P-256', name = 'request', extra = [] as readonly string[] } = {},
): string {
  const options = opensslNewKey(key);
  const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
  bench.openssl('req', '-new', ...options, '-nodes', '-subj', subject, ...files, ...extra);
  return bench.read(`${name}.csr`);
}
