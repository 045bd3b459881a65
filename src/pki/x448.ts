/** Public keys of X448 (RFC 7748 5), which are 56 octets and nothing more. */

import { littleEndian } from './curves.ts';

const X448_OCTETS = 56;

const PRIME = 2n ** 448n - 2n ** 224n - 1n;

/**
 * What speaks against encrypting to this key, as `it …`; undefined if nothing does. Every string of
 * 56 octets is a key, but with those of small order all agree on zero, whatever they keep secret
 * (RFC 7748 6.2): u is then 0, 1 or -1, on the curve or its twist.
 */
export function x448Problem(octets: Uint8Array): string | undefined {
  if (octets.length !== X448_OCTETS) return `it has ${octets.length} octets, not ${X448_OCTETS}`;
  const u = littleEndian(octets) % PRIME;
  return u === 0n || u === 1n || u === PRIME - 1n ? 'it is a point of small order' : undefined;
}
