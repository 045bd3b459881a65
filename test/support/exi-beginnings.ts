/** Documents written by hand up to a point, and how reading them is refused. */

import type { ExiError } from '../../src/iso15118/exi/exi-error.ts';
import { exiErrorOf, octets } from './exi-samples.ts';
import { HandWriter } from './hand-writer.ts';

export const refusal = (read: () => unknown): Pick<ExiError, 'code' | 'path' | 'message'> => {
  const { code, path, message } = exiErrorOf(read);
  return { code, path, message };
};

/** A document of -2 up to the event that `code` of `width` bits names, in the header. */
export function headerOf(code: number, width: number): HandWriter {
  const w = new HandWriter();
  w.code(0x80, 8);
  w.code(76, 7);
  w.code(0, 3); // Header, SessionID, its content
  w.binary(octets(8));
  w.code(0, 1);
  w.code(code, width);
  return w;
}

/** A document of -2 up to what is in its body. */
export function bodyOf(code: number): HandWriter {
  const w = headerOf(2, 2);
  w.code(0, 1);
  w.code(code, 6);
  return w;
}

/** Enough for whatever follows, so that nothing ends too early. */
export const rest = (w: HandWriter): Uint8Array => {
  for (let i = 0; i < 100; i++) w.code(0, 8);
  return w.finish();
};
