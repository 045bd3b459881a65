/** Chance that can be repeated: `EVPKI_TEST_SEED` is the seed, drawn and shown otherwise. */

import { createHash, randomInt } from 'node:crypto';

export const seed = process.env.EVPKI_TEST_SEED ?? String(randomInt(2 ** 32));

/** How often a process is killed at every fault point; a thorough run sets `EVPKI_KILLS` to 5. */
export const kills = Number(process.env.EVPKI_KILLS ?? '1');

/**
 * How often a process is killed at random moments, for each of issuing, revoking and the first
 * start on each database: 50 times where `EVPKI_KILLS` is 5, a few times in a quick run.
 */
export const killsAtRandom = kills > 1 ? 10 * kills : 4;

/**
 * Of these as many in one history, each in what the one before has left. Everything is looked at
 * again after each, so that a history is not to become too long.
 */
export const killsInARow = Math.min(10, killsAtRandom);
export const historiesAtRandom = Array.from(
  { length: killsAtRandom / killsInARow },
  (_, index) => index + 1,
);

/**
 * Draws whole numbers from 1 to `most`.
 * @param about tells one series of draws from another, whatever runs first
 */
export function drawing(about: string): (most: number) => number {
  let count = 0;
  return (most) => {
    count += 1;
    const digest = createHash('sha256').update(`${seed} ${about} ${count}`).digest();
    return 1 + (digest.readUInt32BE(0) % most);
  };
}
