/** EXI documents and fragments: the header, what is in them, and their end. */

import { sameBytes } from '../../pki/byte-order.ts';
import { BitWriter } from './bit-writer.ts';
import { indexFor, readEvent, readValue, writeValue } from './element.ts';
import { ExiError } from './exi-error.ts';
import { ExiReader } from './exi-reader.ts';
import { isOfValue, type State } from './grammar.ts';
import { KeptElements } from './kept-elements.ts';
import { MAX_DOCUMENT } from './limits.ts';

export interface Decoded<M> {
  readonly message: M;
  /** Strings that were references to earlier ones, which the profile of the standards forbids. */
  readonly stringTableHits: number;
  /** Octets of zero behind the document, which EVerest appends. */
  readonly trailingZeros: number;
  /** Digests are made over what this codec writes: whether that is what was received. */
  readonly reencodes: 'identically' | 'without-table-hits';
  /** The elements that a signature is expected to cover, as this codec writes them. */
  readonly kept: KeptElements;
}

/** The only header of the standards: bit-packed EXI 1.0 without cookie and options. */
const EXI_HEADER = 0x80;

/**
 * Reads a document.
 * @param signedIn the elements of the message that a signature is expected to cover
 * @throws ExiError for whatever is not one, or is none that {@link encodeDocument} would write
 */
export function decodeDocument<M>(
  grammar: State,
  octets: Uint8Array,
  signedIn: (message: M) => readonly object[],
): Decoded<M> {
  if (octets.length > MAX_DOCUMENT) {
    const problem = `${octets.length} octets; ${MAX_DOCUMENT} are allowed`;
    throw new ExiError('limit', problem, MAX_DOCUMENT * 8, '');
  }
  const reader: ExiReader = new ExiReader(octets);
  if (reader.bits(8) !== EXI_HEADER) {
    reader.fail('not-exi', 'an EXI document of ISO 15118 starts with the octet 80', 0);
  }
  const event = readEvent(reader, grammar);
  if (event.event === 'EE') reader.fail('unexpected-event', 'the document is empty');
  const message = readValue(reader, event) as M;
  const trailingZeros = reader.end();
  const { stringTableHits } = reader;
  const kept = new KeptElements(signedIn(message));
  const difference = firstDifference(
    octets.subarray(0, octets.length - trailingZeros),
    encodeDocument(grammar, message, kept),
  );
  // The reader refuses every form but the shortest one, so that nothing but hits should differ. As
  // digests depend on it, this is not left to the reader alone.
  if (difference !== undefined && stringTableHits === 0) {
    reader.fail('not-canonical', 'the document is written otherwise', difference * 8);
  }
  return {
    message,
    stringTableHits,
    trailingZeros,
    reencodes: difference === undefined ? 'identically' : 'without-table-hits',
    kept,
  };
}

/**
 * Writes a document.
 * @param kept elements of it that have been written already, or will be again
 */
export function encodeDocument(grammar: State, message: unknown, kept?: KeptElements): Uint8Array {
  const writer: BitWriter = new BitWriter(kept);
  writer.bits(EXI_HEADER, 8);
  const code = indexFor(grammar, 'value', message);
  const production = grammar.productions[code];
  if (production === undefined || !isOfValue(production)) {
    writer.fail('other-message', 'this is no message about contract certificates');
  }
  writer.bits(code, grammar.width);
  writeValue(writer, production, message);
  const octets = writer.finish();
  if (octets.length > MAX_DOCUMENT) {
    writer.fail('limit', `${octets.length} octets; ${MAX_DOCUMENT} are allowed`);
  }
  return octets;
}

/** The event codes of a fragment's content: how many bits they have, and which is the end. */
export interface FragmentGrammar {
  readonly width: number;
  readonly end: number;
}

/**
 * Writes a fragment that is one element.
 * @param code of the element in fragments of this schema
 * @param write writes what follows the element's start, and its end
 * @param kept elements that have been written already, or will be again
 */
export function encodeFragment(
  { width, end }: FragmentGrammar,
  name: string,
  code: number,
  write: (writer: BitWriter) => void,
  kept?: KeptElements,
): Uint8Array {
  const writer = new BitWriter(kept);
  writer.bits(EXI_HEADER, 8);
  writer.bits(code, width);
  writer.path.push(name);
  write(writer);
  writer.path.pop();
  writer.bits(end, width);
  return writer.finish();
}

/** Index of the first octet that differs, if one does. */
function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  if (sameBytes(a, b)) return undefined;
  const index = a.findIndex((octet, i) => octet !== b[i]);
  return index < 0 ? a.length : index;
}
