import type { Standard } from '../signature/signature-profile.ts';

/** How many bits the event code of the root element has, and which one -2 has. */
const rootBits: Readonly<Record<Standard, number>> = { 'iso15118-2': 7, 'iso15118-20': 6 };
const V2G_MESSAGE = 76;

const EXI_HEADER = 0x80;
const SESSION_ID_OCTETS = 8;

/**
 * The session id to answer with when a message cannot be read: its own if its beginning looks like
 * one, because a car ignores or refuses an answer to another session, and the beginning is what a
 * truncated or otherwise damaged message still has. Else 8 zero octets, which is the session id
 * of a car that has none yet.
 * @param exi anything
 * @returns 8 octets with -20, at most 8 with -2
 */
export function sessionIdToAnswer(standard: Standard, exi: Uint8Array): Uint8Array {
  return sessionIdAtStart(standard, exi) ?? new Uint8Array(SESSION_ID_OCTETS);
}

function sessionIdAtStart(standard: Standard, exi: Uint8Array): Uint8Array | undefined {
  if (exi[0] !== EXI_HEADER) return undefined;
  const codesAt = 8 + rootBits[standard];
  if (standard === 'iso15118-2' && bitsAt(exi, 8, 7) !== V2G_MESSAGE) return undefined;
  // Header, SessionID and its characters: each the only thing that the schema has there.
  if (bitsAt(exi, codesAt, 3) !== 0) return undefined;
  const lengthAt = codesAt + 3;
  const length = bitsAt(exi, lengthAt, 8);
  const fits = standard === 'iso15118-2' ? length <= SESSION_ID_OCTETS : length === SESSION_ID_OCTETS;
  const octetsAt = lengthAt + 8;
  if (!fits || octetsAt + 8 * length > 8 * exi.length) return undefined;
  return Uint8Array.from({ length }, (_, index) => bitsAt(exi, octetsAt + 8 * index, 8));
}

/** At most 8 bits as a number, most significant first; beyond the end there are zeros. */
function bitsAt(octets: Uint8Array, at: number, count: number): number {
  const index = at >> 3;
  const two = ((octets[index] ?? 0) << 8) | (octets[index + 1] ?? 0);
  return (two >> (16 - (at & 7) - count)) & ((1 << count) - 1);
}
