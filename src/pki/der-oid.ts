/** OBJECT IDENTIFIERs from DER to dotted form (X.690 8.19). */

import { hasBytesAt } from './byte-order.ts';
import { type DerElement, DerError } from './der-element.ts';

/** The longest object identifier accepted, in content octets: longer ones cost quadratic time. */
export const MAX_OID_OCTETS = 40;

/** Identifiers that were read before, by {@link hashOf} what they were read from. */
const knownOids = new Map<number, { readonly content: Uint8Array; readonly dotted: string }>();
const MAX_KNOWN_OIDS = 512;

/**
 * The identifier in an element, whose tag the caller has seen. Most were read before, and of these
 * not even a view is made.
 */
export function dottedOid(element: DerElement): string {
  const { contentOffset, end, offset } = element;
  if (end - contentOffset > MAX_OID_OCTETS) {
    throw new DerError(`an object identifier of more than ${MAX_OID_OCTETS} octets`, offset);
  }
  const hash = hashOf(element);
  const known = knownOids.get(hash);
  if (known !== undefined && isSameOid(known.content, element)) return known.dotted;

  const { content } = element;
  const arcs: bigint[] = [];
  let arc = 0n;
  let atStart = true;
  for (const octet of content) {
    if (atStart && octet === 0x80) {
      throw new DerError('an object identifier is not in its shortest form', offset);
    }
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    atStart = octet < 0x80;
    if (atStart) {
      arcs.push(arc);
      arc = 0n;
    }
  }
  const first = arcs[0];
  if (first === undefined || !atStart) {
    throw new DerError('an object identifier is cut off', offset);
  }
  const root = first < 40n ? 0n : first < 80n ? 1n : 2n;
  const dotted = [root, first - root * 40n, ...arcs.slice(1)].join('.');
  // Bounded, so that a caller inventing identifiers cannot grow it.
  if (known === undefined && knownOids.size < MAX_KNOWN_OIDS) {
    knownOids.set(hash, { content: Uint8Array.from(content), dotted });
  }
  return dotted;
}

/** FNV-1a. Two identifiers with one hash cost the later one its place and nothing else. */
function hashOf({ input, contentOffset, end }: DerElement): number {
  let hash = 0x811c9dc5;
  for (let i = contentOffset; i < end; i++) {
    hash = Math.imul(hash ^ (input[i] as number), 0x01000193);
  }
  return hash;
}

const isSameOid = (known: Uint8Array, { input, contentOffset, end }: DerElement): boolean =>
  known.length === end - contentOffset && hasBytesAt(input, contentOffset, known);
