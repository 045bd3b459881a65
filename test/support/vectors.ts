/** The test vectors of `test/vectors/iso15118`; its README says what they are and where from. */

import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../vectors/iso15118/', import.meta.url);

/** Names of the files without `.json`, for one protocol (`iso2`, `iso20`) or all. */
export const vectorNames = (prefix = ''): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json') && name.startsWith(prefix))
    .map((name) => name.slice(0, -'.json'.length))
    .sort();

/** One file, as untyped as it is; octets are hex. */
// biome-ignore lint/suspicious/noExplicitAny: the files differ, and each test knows what it reads.
export const readVector = (name: string): any =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));

export const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
export const toHex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
