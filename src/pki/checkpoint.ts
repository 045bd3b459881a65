/**
 * Checkpoints of the audit log: signed statements of where every stream stood. They are numbered,
 * each covers the hash of the one before, and the heads in them only ever advance. Kept outside
 * evpki, one of them proves what a chain of hashes cannot: that no end was cut off, and that the
 * database is not an older copy of itself.
 */

import { createHash, type KeyObject } from 'node:crypto';
import { sameBytes } from './byte-order.ts';
import { integer, octetString, sequence, utf8String } from './der-writer.ts';
import type { StreamHead } from './ledger.ts';
import { signatureAlgorithmFor, verifyWith } from './signature-algorithm.ts';

/** Where one stream stood. */
export interface CheckpointHead extends StreamHead {
  readonly stream: string;
}

/** What is signed; the heads themselves stand behind `headsHash`. */
export interface CheckpointStatement {
  /** Counted from 1 without gaps. */
  readonly number: number;
  /** RFC 3339 text in UTC with milliseconds. */
  readonly at: string;
  /** `checkpointHash` of the one before; zeros for the first. */
  readonly previous: Uint8Array;
  /** See `CheckpointHeads`. */
  readonly headsHash: Uint8Array;
  /** SHA-256 of the SubjectPublicKeyInfo of the key that signs. */
  readonly keySha256: Uint8Array;
}

export interface SignedStatement extends CheckpointStatement {
  readonly signature: Uint8Array;
}

/** The only kind of key that signs checkpoints. */
export const CHECKPOINT_KEY = 'Ed25519';

/** What the first checkpoint has before it. */
export const noCheckpoint = new Uint8Array(32);

/** Tells these signatures from everything else that could be signed, and from later encodings. */
const PURPOSE = 'evpki audit checkpoint';
const ENCODING_VERSION = 1;

/**
 * The DER that is signed: `SEQUENCE { version INTEGER (1), purpose UTF8String, number INTEGER, at
 * UTF8String, previous, headsHash, keySha256 OCTET STRING }`.
 * @throws RangeError unless the three hashes have 32 octets each and the number is a positive one
 */
export function checkpointBytes(statement: CheckpointStatement): Uint8Array {
  const { number, at, previous, headsHash, keySha256 } = statement;
  if (!isCount(number)) throw new RangeError('checkpoints are counted from 1');
  for (const hash of [previous, headsHash, keySha256]) {
    if (hash.length !== 32) throw new RangeError('a hash in a checkpoint is not 32 octets long');
  }
  return sequence(
    integer(ENCODING_VERSION),
    utf8String(PURPOSE),
    integer(number),
    utf8String(at),
    octetString(previous),
    octetString(headsHash),
    octetString(keySha256),
  );
}

/** SHA-256 of what is signed: what the next checkpoint covers. */
export const checkpointHash = (statement: CheckpointStatement): Uint8Array =>
  sha256(checkpointBytes(statement));

/** Whether the signature is one of this statement by this key; never throws. */
export function isSignedCheckpoint(statement: SignedStatement, key: KeyObject): boolean {
  try {
    const message = checkpointBytes(statement);
    return verifyWith(key, signatureAlgorithmFor(CHECKPOINT_KEY), message, statement.signature);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * The heads of all streams, as they advance from checkpoint to checkpoint. A head never goes back
 * and never goes away: what a checkpoint has once said, every later one says as well.
 */
export class CheckpointHeads {
  readonly #heads = new Map<string, { readonly head: CheckpointHead; readonly der: Uint8Array }>();
  /** Ascending; undefined after a stream was added. */
  #order: string[] | undefined;

  constructor(heads: Iterable<CheckpointHead> = []) {
    for (const head of heads) this.advance(head);
  }

  get size(): number {
    return this.#heads.size;
  }

  get(stream: string): CheckpointHead | undefined {
    return this.#heads.get(stream)?.head;
  }

  /** Ascending by the UTF-16 code units of their names. */
  all(): CheckpointHead[] {
    return this.#sorted().map(({ head }) => head);
  }

  /**
   * Takes a later head of a stream.
   * @returns `same` when it stood there before; `gone-back`, and nothing taken, when it stood
   *   further on, or at the same number with another hash
   */
  advance(head: CheckpointHead): 'advanced' | 'same' | 'gone-back' {
    const { stream, sequence: number, hash } = head;
    const known = this.#heads.get(stream)?.head;
    if (known && number === known.sequence && sameBytes(hash, known.hash)) return 'same';
    if (!isCount(number) || hash.length !== 32 || number <= (known?.sequence ?? 0)) {
      return 'gone-back';
    }
    if (!known) this.#order = undefined;
    const der = sequence(utf8String(stream), integer(number), octetString(hash));
    this.#heads.set(stream, { head, der });
    return 'advanced';
  }

  /**
   * SHA-256 over one `SEQUENCE { stream UTF8String, sequence INTEGER, hash OCTET STRING }` after
   * the other, ascending by stream: each says its own length.
   */
  hash(): Uint8Array {
    const hash = createHash('sha256');
    for (const { der } of this.#sorted()) hash.update(der);
    return new Uint8Array(hash.digest());
  }

  #sorted(): { readonly head: CheckpointHead; readonly der: Uint8Array }[] {
    this.#order ??= [...this.#heads.keys()].sort();
    return this.#order.flatMap((stream) => this.#heads.get(stream) ?? []);
  }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1;

export const sha256 = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest());
