/**
 * OCSP in ASCII hex: what some back ends send where DER belongs, and expect back. It cannot be
 * taken for DER: a request begins with the octet 0x30, its hex with the character `3` (0x33).
 */

const FIRST = '3'.charCodeAt(0);
const HEX = /^(?:[0-9a-f]{2})+$/i;

/**
 * The octets that the body of a POST spells in hex, a line break at its end or not.
 * @returns undefined for whatever is no hex or begins like DER
 */
export function fromHex(body: Uint8Array): Uint8Array | undefined {
  // Everybody's request comes by here: most go after one look.
  if (body[0] !== FIRST) return undefined;
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1');
  const digits = text.replace(/\r?\n$/, '');
  return HEX.test(digits) ? Buffer.from(digits, 'hex') : undefined;
}

/** The same the other way: lower case, nothing else. */
export const toHex = (der: Uint8Array): Uint8Array =>
  Buffer.from(Buffer.from(der.buffer, der.byteOffset, der.length).toString('hex'), 'latin1');
