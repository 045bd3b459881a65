/**
 * Elements that are needed twice, in the message and in the fragment that its signature covers. An
 * element is written in the same bits wherever it stands, as the profile of ISO 15118 has no string
 * table ([V2G2-099]): where it is written for the second time, the bits of the first are copied.
 */

/** Where the bits of an element are, from behind its start to its end. */
export interface KeptElement {
  readonly value: object;
  /** The `ElementType` that it was written by: by another one it has other bits. */
  readonly type: object;
  readonly octets: Uint8Array;
  /** Bits of `octets`; what comes behind the last may be anything. */
  readonly from: number;
  readonly to: number;
}

export class KeptElements {
  readonly #wanted: readonly object[];
  readonly #kept: KeptElement[] = [];

  /** @param values of the elements that are to be kept; nobody changes them meanwhile */
  constructor(values: readonly object[]) {
    this.#wanted = values;
  }

  find(type: object, value: unknown): KeptElement | undefined {
    for (const kept of this.#kept) if (kept.value === value && kept.type === type) return kept;
    return undefined;
  }

  wants(value: unknown): value is object {
    return this.#wanted.includes(value as object);
  }

  keep(element: KeptElement): void {
    this.#kept.push(element);
  }
}
