import type { Decoded } from '../exi/document.ts';

/** How a message was encoded, as far as it is not the one way that we encode it. */
export type Decoding = Omit<Decoded<unknown>, 'message' | 'kept'>;

export const decodingOf = ({
  stringTableHits,
  trailingZeros,
  reencodes,
}: Decoded<unknown>): Decoding => ({ stringTableHits, trailingZeros, reencodes });
