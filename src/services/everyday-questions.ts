/**
 * What the bytes of everyday OCSP requests ask for. Stations send the same bytes again and again,
 * and to know them costs a fraction of reading them. Remembered is only what the bytes mean, which
 * never changes; what is answered, and whether from memory, is decided each time.
 */

export interface EverydayQuestion {
  readonly issuerId: string;
  readonly serial: string;
  /** The exact CertID, as the cache of answers keys it. */
  readonly certId: string;
}

/** One takes some 300 bytes. */
const MAX_QUESTIONS = 50_000;
/** Nobody needs more for one CertID, and nobody is to fill memory with padding. */
const MAX_OCTETS = 256;

export class EverydayQuestions {
  /** By the bytes of the request; first remembered first. */
  readonly #questions = new Map<string, EverydayQuestion>();

  find(request: Uint8Array): EverydayQuestion | undefined {
    return request.length > MAX_OCTETS ? undefined : this.#questions.get(keyOf(request));
  }

  remember(request: Uint8Array, question: EverydayQuestion): void {
    if (request.length > MAX_OCTETS) return;
    this.#questions.set(keyOf(request), question);
    if (this.#questions.size <= MAX_QUESTIONS) return;
    const [oldest] = this.#questions.keys();
    if (oldest !== undefined) this.#questions.delete(oldest);
  }
}

const keyOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
