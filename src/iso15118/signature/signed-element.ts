import type { LenientReading } from './lenient-readings.ts';

/** An element that a signature covers, as far as the signature is concerned. */
export interface SignedElement {
  /** Its local name, for people. */
  readonly name: string;
  /** What references call it, without `#`; empty if it has none. */
  readonly id: string;
  /**
   * Its EXI fragment, EXI header included: what is hashed. Made only once a reference names it.
   * @throws ExiError if the element cannot be encoded
   */
  fragment(): Uint8Array;
  /** The fragments that other software hashes instead, each with the reading that allows it. */
  readonly otherFragments?: readonly OtherFragment[];
}

export interface OtherFragment {
  readonly reading: LenientReading;
  fragment(): Uint8Array;
}
