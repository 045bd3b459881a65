/**
 * Copies of octets that do not start at an octet, which nearly all octets of a bit-packed document
 * are: the certificates in it are most of what a message has. Of these four octets go at a time.
 */

/** From as many octets on the views that this needs cost less than they save. */
const WORTH_VIEWS = 100;

/**
 * Copies octets out of a bit stream.
 * @param shift how many bits of `source[from]` come before them, 1 to 7
 */
export function copyFromBits(
  source: Uint8Array,
  from: number,
  shift: number,
  target: Uint8Array,
): void {
  const { length } = target;
  const rest = 8 - shift;
  let i = 0;
  if (length >= WORTH_VIEWS) {
    const input = new DataView(source.buffer, source.byteOffset + from, length + 1);
    const output = new DataView(target.buffer, target.byteOffset, length);
    for (; i + 4 <= length; i += 4) {
      output.setUint32(i, (input.getUint32(i) << shift) | (input.getUint8(i + 4) >>> rest));
    }
  }
  for (; i < length; i++) {
    const next = source[from + i + 1] as number;
    target[i] = ((source[from + i] as number) << shift) | (next >>> rest);
  }
}

/**
 * Copies octets into a bit stream, which has room for them and one more.
 * @param shift how many bits of `target[to]` are written already, 1 to 7; the others are zero
 */
export function copyToBits(
  source: Uint8Array,
  target: Uint8Array,
  to: number,
  shift: number,
): void {
  const { length } = source;
  const rest = 8 - shift;
  /** The bits that the octet at `i` has so far. */
  let begun = target[to] as number;
  let i = 0;
  if (length >= WORTH_VIEWS) {
    const input = new DataView(source.buffer, source.byteOffset, length);
    const output = new DataView(target.buffer, target.byteOffset + to, length + 1);
    for (; i + 4 <= length; i += 4) {
      const octets = input.getUint32(i);
      output.setUint32(i, (begun << 24) | (octets >>> shift));
      begun = (octets << rest) & 0xff;
    }
  }
  for (; i < length; i++) {
    const octet = source[i] as number;
    target[to + i] = begun | (octet >>> shift);
    begun = (octet << rest) & 0xff;
  }
  target[to + i] = begun;
}
