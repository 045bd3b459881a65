/**
 * Copies of octets that do not start at an octet, which nearly all octets of a bit-packed document
 * are: the certificates in it are most of what a message has. Four octets go at a time.
 */

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
  const input = new DataView(source.buffer, source.byteOffset + from, length + 1);
  const output = new DataView(target.buffer, target.byteOffset, length);
  const rest = 8 - shift;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    output.setUint32(i, (input.getUint32(i) << shift) | (input.getUint8(i + 4) >>> rest));
  }
  for (; i < length; i++) {
    output.setUint8(i, (input.getUint8(i) << shift) | (input.getUint8(i + 1) >>> rest));
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
  const input = new DataView(source.buffer, source.byteOffset, length);
  const output = new DataView(target.buffer, target.byteOffset + to, length + 1);
  const rest = 8 - shift;
  /** The bits that the octet at `i` has so far. */
  let begun = output.getUint8(0);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const octets = input.getUint32(i);
    output.setUint32(i, (begun << 24) | (octets >>> shift));
    begun = (octets << rest) & 0xff;
  }
  for (; i < length; i++) {
    const octet = input.getUint8(i);
    output.setUint8(i, begun | (octet >>> shift));
    begun = (octet << rest) & 0xff;
  }
  output.setUint8(i, begun);
}
