/** Chance that can be repeated: `EVPKI_TEST_SEED` is the seed, drawn and shown otherwise. */

import { createHash, randomInt } from 'node:crypto';

export const seed = process.env.EVPKI_TEST_SEED ?? String(randomInt(2 ** 32));

/**
 * How often a process is killed: `EVPKI_KILLS` times at every fault point, and ten times as often
 * at random moments. A quick run has 1 and 10, a thorough one sets it to 5.
 */
export const kills = Number(process.env.EVPKI_KILLS ?? '1');

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
