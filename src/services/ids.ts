/** Ids of rows: unguessable, prefixed with what they name, safe in URLs and file names. */

import type { RandomBytes } from './serial-numbers.ts';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** 26 or fewer characters of Crockford's base32 alphabet from the given random octets. */
function base32(octets: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const octet of octets) {
    held = (held << 8) | octet;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return text;
}

/** An id such as `crt_4x1v...`, with 120 random bits. */
export const newId = (
  prefix: 'crt' | 'req' | 'key' | 'cli' | 'anc' | 'pcp' | 'con' | 'bdl' | 'whk' | 'ens' | 'prp',
  random: RandomBytes,
): string => `${prefix}_${base32(random(15))}`;

/** An issuer's id: short, since it stands in every certificate; 50 random bits. */
export const newIssuerId = (random: RandomBytes): string => base32(random(7)).slice(0, 10);
