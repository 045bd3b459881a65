/** Byte strings compared: for equality, in the order of DER, and as keys. */

/** Orders byte strings as DER does: octet by octet, a prefix first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Most that is compared is short, and then a loop is faster than a call out of JavaScript. */
const MAX_LOOPED = 64;

/** Whether two byte strings are equal. Not for secrets: it takes as long as they agree. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  return a.length > MAX_LOOPED ? Buffer.compare(a, b) === 0 : hasBytesAt(a, 0, b);
}

/** Whether `part` stands in `bytes` from `at` on. */
export function hasBytesAt(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  for (let i = 0; i < part.length; i++) if (bytes[at + i] !== part[i]) return false;
  return true;
}

/** A text that is the same for equal byte strings only, for maps and sets. */
export const bytesKey = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
