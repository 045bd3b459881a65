/** Byte strings compared: for equality, in the order of DER, and as keys. */

/** Orders byte strings as DER does: octet by octet, a prefix first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Octets that are compared in less time than it takes to go into native code. */
const FEW = 32;

/** Whether two byte strings are equal. Not for secrets: it takes as long as they agree. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  if (a.length > FEW) return Buffer.compare(a, b) === 0;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** A text that is the same for equal byte strings only, for maps and sets. */
export const bytesKey = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
