/** How values are written into columns and read from them, alike on both databases. */

import { createHash } from 'node:crypto';

/**
 * Fixed-width RFC 3339 text in UTC with milliseconds, so that times sort as text everywhere.
 * @throws RangeError outside the years 0 to 9999, where the width would change
 */
export function timeText(time: Date): string {
  const text = time.toISOString();
  if (text.length !== 24) throw new RangeError(`a time cannot be stored: ${text}`);
  return text;
}

export const timeOf = (text: string): Date => new Date(text);

/** Both drivers bind Buffers; the bytes are shared, not copied. */
export const blob = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A copy, so that no result shares memory with a driver's read buffer. */
export const bytesOf = (stored: Buffer): Uint8Array => new Uint8Array(stored);

export const sha256Hex = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** An optional property from a nullable column: present only when it has a value. */
export function optional<K extends string, V>(key: K, value: V | null | undefined) {
  return (value === null || value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
