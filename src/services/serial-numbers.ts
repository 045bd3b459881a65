/** Serial numbers: 127 random bits, so that nobody can guess or repeat one (RFC 5280 4.1.2.2). */

/** Draws `count` random octets. Passed in, so that tests can force collisions. */
export type RandomBytes = (count: number) => Uint8Array;

/** 16 octets, positive, the first between 0x01 and 0x7f so that the length never varies. */
export function drawSerialNumber(random: RandomBytes): Uint8Array {
  for (;;) {
    const serial = Uint8Array.from(random(16));
    serial[0] = (serial[0] as number) & 0x7f;
    if (serial[0] !== 0) return serial;
  }
}
