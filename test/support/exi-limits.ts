/** One message at a limit of its schema or beyond one, read and written. */

import { expect } from 'vitest';
import { exiErrorOf } from './exi-samples.ts';

/** Codes of the errors on reading and on writing; undefined for a message that is allowed. */
export type Verdict = undefined | [reading: string, writing: string];

export const limit: Verdict = ['limit', 'limit'];
export const badValue: Verdict = ['bad-value', 'bad-value'];
/** More elements than the grammar has a code for. */
export const noCode: Verdict = ['unexpected-event', 'limit'];

export type Case<M> = [what: string, path: string, message: M, verdict: Verdict];

export function check<M>(
  [, path, message, verdict]: Case<M>,
  decode: (octets: Uint8Array) => { message: M },
  encode: (message: M) => Uint8Array,
  byHand: (message: M) => { octets: Uint8Array },
): void {
  const document = byHand(message).octets;
  if (verdict === undefined) {
    expect(encode(message)).toEqual(document);
    expect(decode(document).message).toEqual(message);
    return;
  }
  const reading = exiErrorOf(() => decode(document));
  const writing = exiErrorOf(() => encode(message));
  expect([reading.code, writing.code]).toEqual(verdict);
  expect(reading.path).toBe(path);
  expect(writing.path).toBe(path);
  expect(reading.message).toContain(`${path}: `);
  // Both say where: the reader where the item starts, the writer how far it has come.
  expect(reading.bit).toBeGreaterThan(8);
  expect(reading.bit).toBeLessThan(document.length * 8);
  expect(writing.bit).toBeGreaterThan(8);
}
