import { BitReader } from '../exi/bit-reader.ts';
import { ExiError } from '../exi/exi-error.ts';
import type { Standard } from '../signature/signature-profile.ts';

const EXI_HEADER = 0x80;
/** The event code of V2G_Message, the only root that -2 has in use. */
const V2G_MESSAGE = 76;
/** Exactly so many in -20, at most in -2. */
const SESSION_ID_OCTETS = 8;

/**
 * The session id to answer with when a message cannot be read: its own if it begins as a message
 * does, because a car refuses an answer to another session, and the beginning is what a truncated
 * or otherwise damaged message still has. Else 8 zero octets, which stand for no session.
 * @param exi anything
 * @returns 8 octets with -20, at most 8 with -2
 */
export function sessionIdToAnswer(standard: Standard, exi: Uint8Array): Uint8Array {
  try {
    return sessionIdAtStart(standard, new BitReader(exi)) ?? noSession();
  } catch (error) {
    if (error instanceof ExiError) return noSession();
    throw error;
  }
}

const noSession = (): Uint8Array => new Uint8Array(SESSION_ID_OCTETS);

/** Undefined if something else is there; throws ExiError at the end of the document. */
function sessionIdAtStart(standard: Standard, bits: BitReader): Uint8Array | undefined {
  if (bits.bits(8) !== EXI_HEADER) return undefined;
  if (standard === 'iso15118-2') {
    if (bits.bits(7) !== V2G_MESSAGE) return undefined;
  } else {
    // Every message is a root of its own, and which one does not matter.
    bits.bits(6);
  }
  // Header, SessionID and its content: each the only thing that can be there.
  if (bits.bits(3) !== 0) return undefined;
  const length = bits.unsignedInteger();
  if (length > SESSION_ID_OCTETS) return undefined;
  if (standard === 'iso15118-20' && length !== SESSION_ID_OCTETS) return undefined;
  return Uint8Array.from({ length }, () => bits.bits(8));
}
