/**
 * Long lists of keys that are known to be bad: those of Debian's OpenSSL (CVE-2008-0166), of
 * firmware images, of leaks. Keys are named by the SHA-256 of their SubjectPublicKeyInfo.
 */

const HASH_BYTES = 32;
/** Enough to show a pattern; a wrong file has an error on every line. */
const MAX_ERRORS = 10;

export interface KeyList {
  readonly size: number;
  /** @param spkiSha256 hex, as `spkiFingerprint` makes it */
  has(spkiSha256: string): boolean;
}

export const emptyKeyList: KeyList = { size: 0, has: () => false };

export type KeyListResult =
  | { readonly ok: true; readonly list: KeyList }
  /** The first lines that are none, counted from 1. */
  | { readonly ok: false; readonly lines: readonly number[] };

/**
 * Reads a list: 64 hexadecimal digits to a line; empty lines and those that begin with `#` are
 * skipped. Millions of keys cost 64 bytes each.
 */
export function readKeyList(text: string): KeyListResult {
  const hashes: string[] = [];
  const wrong: number[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    if (/^[0-9a-f]{64}$/i.test(entry)) hashes.push(entry);
    else if (wrong.length < MAX_ERRORS) wrong.push(index + 1);
  }
  return wrong.length > 0 ? { ok: false, lines: wrong } : { ok: true, list: listOf(hashes) };
}

/**
 * Open addressing: a hash is its own random place in the table, and the table is at most half full.
 * A place of zeros is free; no key has that hash.
 */
function listOf(hashes: readonly string[]): KeyList {
  const places = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * hashes.length)));
  const table = Buffer.alloc(places * HASH_BYTES);
  const free = Buffer.alloc(HASH_BYTES);
  /** Where the hash is, or where it would go. */
  const find = (hash: Buffer): { at: number; found: boolean } => {
    for (let place = hash.readUInt32BE(0) % places; ; place = (place + 1) % places) {
      const at = place * HASH_BYTES;
      const held = table.subarray(at, at + HASH_BYTES);
      if (held.equals(hash)) return { at, found: true };
      if (held.equals(free)) return { at, found: false };
    }
  };
  let size = 0;
  for (const text of hashes) {
    const hash = Buffer.from(text, 'hex');
    const { at, found } = find(hash);
    if (found) continue;
    hash.copy(table, at);
    size += 1;
  }
  return {
    size,
    has: (spkiSha256) => {
      const hash = Buffer.from(spkiSha256, 'hex');
      return hash.length === HASH_BYTES && find(hash).found;
    },
  };
}
