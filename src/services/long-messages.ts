/**
 * Messages of some megabytes, in pieces: hashed, verified and gathered so that the event loop gets
 * a turn after each piece. Given in one piece, 50 MB hold it for longer than anybody should wait,
 * if only because they are copied for the thread pool.
 */

import { createVerify, type KeyObject, verify } from 'node:crypto';

/** Ends when everything that was ready to run has had its turn. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs through a generator's steps, giving the event loop a turn after each. */
export async function stepwise<T>(steps: Generator<unknown, T, undefined>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await nextTurn();
  }
}

/** Passes the pieces to a hash of node:crypto, or what hashes within; returns it. */
export async function updateByPieces<T extends { update(piece: Uint8Array): unknown }>(
  hash: T,
  pieces: readonly Uint8Array[],
): Promise<T> {
  for (const piece of pieces) {
    hash.update(piece);
    await nextTurn();
  }
  return hash;
}

/** The pieces in one buffer. */
export async function gatherPieces(pieces: readonly Uint8Array[]): Promise<Uint8Array> {
  const octets = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const out = Buffer.allocUnsafeSlow(octets);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
    await nextTurn();
  }
  return out;
}

const verifyOnThreadPool = (
  message: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): Promise<boolean> =>
  new Promise((resolve, reject) => {
    verify(undefined, message, key, signature, (error, holds) => {
      if (error) reject(error);
      else resolve(holds);
    });
  });

/**
 * Whether the signature over the pieces holds.
 * @param digest the hash of the signature algorithm; undefined for EdDSA, which reads its message
 *   twice
 */
export async function verifyPieces(
  digest: string | undefined,
  pieces: readonly Uint8Array[],
  key: KeyObject,
  signature: Uint8Array,
): Promise<boolean> {
  if (digest === undefined) {
    return verifyOnThreadPool(await gatherPieces(pieces), key, signature);
  }
  return (await updateByPieces(createVerify(digest), pieces)).verify(key, signature);
}
