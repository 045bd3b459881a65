import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CheckpointHead,
  CheckpointHeads,
  type CheckpointStatement,
  checkpointBytes,
  checkpointHash,
  isSignedCheckpoint,
  noCheckpoint,
  sha256,
} from '../../src/pki/checkpoint.ts';
import { importPublicKey, readPublicKey } from '../../src/pki/public-key.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const spki = new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));

function publicKey(): KeyObject {
  const key = readPublicKey(spki);
  if (!key.ok) throw new Error('the key is unusable');
  return importPublicKey(key.value);
}

const hash = (text: string): Uint8Array => sha256(Buffer.from(text));

const head = (stream: string, sequence: number): CheckpointHead => ({
  stream,
  sequence,
  hash: hash(`${stream} ${sequence}`),
});

const statement = (change: Partial<CheckpointStatement> = {}): CheckpointStatement => ({
  number: 1,
  at: '2026-11-22T10:00:00.000Z',
  previous: noCheckpoint,
  headsHash: new CheckpointHeads([head('a', 1)]).hash(),
  keySha256: sha256(spki),
  ...change,
});

describe('checkpoints', () => {
  test('are signed over the DER that their description promises', () => {
    const { headsHash, keySha256 } = statement();
    const utf8 = (text: string) => [0x0c, text.length, ...Buffer.from(text)];
    const content = [
      ...[2, 1, 1],
      ...utf8('evpki audit checkpoint'),
      ...[2, 1, 1],
      ...utf8('2026-11-22T10:00:00.000Z'),
      ...[4, 32, ...noCheckpoint],
      ...[4, 32, ...headsHash],
      ...[4, 32, ...keySha256],
    ];
    const der = Buffer.from([0x30, 0x81, content.length, ...content]);
    expect(Buffer.from(checkpointBytes(statement()))).toEqual(der);
    expect(checkpointHash(statement())).toEqual(sha256(der));
  });

  test('K6: a signature holds for what was signed and nothing else', () => {
    const signature = sign(null, checkpointBytes(statement()), privateKey);
    expect(isSignedCheckpoint({ ...statement(), signature }, publicKey())).toBe(true);
    const changes: Partial<CheckpointStatement>[] = [
      { number: 2 },
      { at: '2026-11-22T10:00:00.001Z' },
      { previous: hash('other') },
      { headsHash: new CheckpointHeads([head('a', 2)]).hash() },
      { keySha256: hash('other') },
      // Not even a checkpoint.
      { number: 0 },
      { previous: new Uint8Array(31) },
    ];
    for (const change of changes) {
      const forged = { ...statement(change), signature };
      expect(isSignedCheckpoint(forged, publicKey()), JSON.stringify(change)).toBe(false);
    }
    const flipped = Uint8Array.from(signature);
    flipped[5] = (flipped[5] ?? 0) ^ 1;
    expect(isSignedCheckpoint({ ...statement(), signature: flipped }, publicKey())).toBe(false);
    const empty = { ...statement(), signature: new Uint8Array(0) };
    expect(isSignedCheckpoint(empty, publicKey())).toBe(false);
  });
});

describe('the heads of a checkpoint', () => {
  const heads = fc.uniqueArray(
    fc.record({
      stream: fc.string({ minLength: 1, maxLength: 8 }),
      sequence: fc.integer({ min: 1, max: 9 }),
    }),
    { selector: ({ stream }) => stream, minLength: 1, maxLength: 12 },
  );

  test('are hashed as their description promises', () => {
    const der = ['a', 'b'].flatMap((stream) => [
      ...[0x30, 40, 0x0c, 1, stream.charCodeAt(0), 2, 1, 3, 4, 32],
      ...head(stream, 3).hash,
    ]);
    const expected = createHash('sha256').update(Buffer.from(der)).digest('hex');
    const both = new CheckpointHeads([head('b', 3), head('a', 3)]);
    expect(Buffer.from(both.hash()).toString('hex')).toBe(expected);
  });

  test('give one hash in whatever order and by whatever steps they came', () => {
    fc.assert(
      fc.property(heads, (list) => {
        const expected = new CheckpointHeads(
          list.map(({ stream, sequence }) => head(stream, sequence)),
        );
        const stepwise = new CheckpointHeads();
        for (let step = 1; step <= 9; step++) {
          for (const { stream, sequence } of list.toReversed()) {
            if (step <= sequence) stepwise.advance(head(stream, step));
          }
        }
        expect(stepwise.hash()).toEqual(expected.hash());
        expect(stepwise.all()).toEqual(expected.all());
      }),
      { numRuns: 100 },
    );
  });

  test('K6: any other heads give another hash', () => {
    fc.assert(
      fc.property(heads, heads, (one, other) => {
        const listed = (list: typeof one) =>
          list.map(({ stream, sequence }) => head(stream, sequence));
        const a = new CheckpointHeads(listed(one));
        const b = new CheckpointHeads(listed(other));
        const same = JSON.stringify(a.all()) === JSON.stringify(b.all());
        expect(Buffer.from(a.hash()).equals(b.hash())).toBe(same);
      }),
      { numRuns: 200 },
    );
  });

  test('K6: never go back, nor take another hash for the same number', () => {
    const streams = new CheckpointHeads([head('a', 5)]);
    const before = streams.hash();
    expect(streams.advance(head('a', 5))).toBe('same');
    expect(streams.advance(head('a', 4))).toBe('gone-back');
    expect(streams.advance({ ...head('a', 5), hash: hash('other') })).toBe('gone-back');
    expect(streams.advance({ ...head('b', 0) })).toBe('gone-back');
    expect(streams.advance({ ...head('b', 1), hash: new Uint8Array(31) })).toBe('gone-back');
    expect(streams.hash()).toEqual(before);
    expect(streams.advance(head('a', 6))).toBe('advanced');
    expect(streams.get('a')).toEqual(head('a', 6));
    expect(streams.size).toBe(1);
  });
});
