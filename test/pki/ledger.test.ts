import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ChainedEntry,
  emptyStream,
  entryHash,
  examineStream,
  type LedgerEntry,
  verifyStream,
} from '../../src/pki/ledger.ts';

const entry = (sequence: number, change: Partial<LedgerEntry> = {}): LedgerEntry => ({
  stream: 'process-1',
  sequence,
  at: '2026-11-22T10:00:00.000Z',
  organizationId: 'org',
  actor: 'client:a',
  action: 'certificate.issued',
  subject: `cert-${sequence}`,
  details: '{"a":1}',
  ...change,
});

function chain(length: number): ChainedEntry[] {
  const entries: ChainedEntry[] = [];
  let previous = emptyStream.hash;
  for (let sequence = 1; sequence <= length; sequence += 1) {
    const next = entry(sequence);
    previous = entryHash(previous, next);
    entries.push({ ...next, hash: previous });
  }
  return entries;
}

const at = (entries: readonly ChainedEntry[], index: number): ChainedEntry => {
  const found = entries[index];
  if (found === undefined) throw new Error('no such entry');
  return found;
};

describe('entryHash', () => {
  test('is SHA-256 over the DER that its description promises', () => {
    const utf8 = (text: string) => [0x0c, text.length, ...Buffer.from(text)];
    const content = [
      ...[2, 1, 1, 4, 32, ...new Uint8Array(32)],
      ...utf8('process-1'),
      ...[2, 1, 1],
      ...utf8('2026-11-22T10:00:00.000Z'),
      ...utf8('org'),
      ...utf8('client:a'),
      ...utf8('certificate.issued'),
      ...utf8('cert-1'),
      ...utf8('{"a":1}'),
    ];
    expect(content.length).toBeGreaterThan(0x7f);
    const der = Buffer.from([0x30, 0x81, content.length, ...content]);
    const expected = createHash('sha256').update(der).digest('hex');
    expect(Buffer.from(entryHash(emptyStream.hash, entry(1))).toString('hex')).toBe(expected);
  });

  test('K6: text that moves between neighbouring fields changes the hash', () => {
    const text = fc.string({ minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(text, text, fc.nat(20), (left, right, cut) => {
        const joined = left + right;
        const at = cut % joined.length;
        fc.pre(at !== left.length);
        const one = entry(1, { actor: left, action: right });
        const other = entry(1, { actor: joined.slice(0, at), action: joined.slice(at) });
        const zero = emptyStream.hash;
        expect(entryHash(zero, one)).not.toEqual(entryHash(zero, other));
      }),
      { numRuns: 200 },
    );
  });

  test.each(['stream', 'at', 'organizationId', 'actor', 'action', 'subject', 'details'] as const)(
    'K6: half a surrogate pair in %s, which UTF-8 would replace, is refused',
    (field) => {
      for (const half of ['\ud83d', '\udd0c', 'a\udd0c\ud83db']) {
        expect(() => entryHash(emptyStream.hash, entry(1, { [field]: half }))).toThrow(RangeError);
      }
      expect(entryHash(emptyStream.hash, entry(1, { [field]: '\ud83d\udd0c' }))).toHaveLength(32);
    },
  );

  test('a previous hash of another length is refused', () => {
    expect(() => entryHash(new Uint8Array(31), entry(1))).toThrow(RangeError);
  });
});

describe('verifyStream', () => {
  test('an intact stream verifies, also in pages, and an empty one', () => {
    const entries = chain(5);
    const head = { sequence: 5, hash: at(entries, 4).hash };
    expect(verifyStream(entries)).toEqual({ ok: true, head });
    const first = verifyStream(entries.slice(0, 2));
    if (!first.ok) throw new Error('broken');
    expect(verifyStream(entries.slice(2), first.head)).toEqual({ ok: true, head });
    expect(verifyStream([])).toEqual({ ok: true, head: emptyStream });
  });

  const edits: Partial<LedgerEntry>[] = [
    { at: '2026-11-22T10:00:00.001Z' },
    { organizationId: 'other' },
    { actor: 'client:b' },
    { action: 'certificate.revoked' },
    { subject: 'cert-9' },
    { details: '{ }' },
    { stream: 'process-2' },
    { sequence: 4 },
  ];
  test.each(edits)('K6: an entry edited to %j is detected', (change) => {
    const entries = chain(5);
    entries[2] = { ...at(entries, 2), ...change };
    expect(verifyStream(entries)).toEqual({ ok: false, brokenAt: 3 });
  });

  test('K6: an entry edited together with its own hash is detected at the next', () => {
    const entries = chain(5);
    const edited = entry(3, { actor: 'client:b' });
    entries[2] = { ...edited, hash: entryHash(at(entries, 1).hash, edited) };
    expect(verifyStream(entries)).toEqual({ ok: false, brokenAt: 4 });
  });

  test.each([0, 1, 3])('K6: deleting the entry at %i is detected', (index) => {
    const entries = chain(5);
    entries.splice(index, 1);
    expect(verifyStream(entries)).toEqual({ ok: false, brokenAt: index + 1 });
  });

  test('K6: swapping, repeating or inserting entries is detected', () => {
    const entries = chain(5);
    const swapped = [at(entries, 0), at(entries, 2), at(entries, 1), ...entries.slice(3)];
    expect(verifyStream(swapped)).toEqual({ ok: false, brokenAt: 2 });
    const repeated = [at(entries, 0), at(entries, 0), ...entries.slice(1)];
    expect(verifyStream(repeated)).toEqual({ ok: false, brokenAt: 2 });
  });

  test('K6: a stream that was cut short shows in its head', () => {
    const entries = chain(5);
    const verdict = verifyStream(entries.slice(0, 3));
    expect(verdict).toEqual({ ok: true, head: { sequence: 3, hash: at(entries, 2).hash } });
  });
});

describe('examineStream', () => {
  const examine = (entries: readonly ChainedEntry[]) =>
    examineStream('process-1', entries, emptyStream);

  test('finds nothing in what was written, in whatever pages', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 1, max: 5 }),
        (length, size) => {
          const entries = chain(length);
          let head = emptyStream;
          for (let from = 0; from < length; from += size) {
            const page = examineStream('process-1', entries.slice(from, from + size), head);
            expect(page.breaks).toEqual([]);
            head = page.head;
          }
          expect(verifyStream(entries)).toEqual({ ok: true, head });
        },
      ),
    );
  });

  type Tampering = (entries: ChainedEntry[], at: number) => ChainedEntry[];
  const rechained = (entries: readonly ChainedEntry[], from: number): ChainedEntry[] => {
    let previous = from === 0 ? emptyStream.hash : at(entries, from - 1).hash;
    return entries.map((one, index) => {
      if (index < from) return one;
      previous = entryHash(previous, one);
      return { ...one, hash: previous };
    });
  };
  const edited = (entries: ChainedEntry[], index: number): ChainedEntry[] =>
    entries.with(index, { ...at(entries, index), actor: 'client:evil' });

  const tamperings: [string, Tampering][] = [
    ['an edited entry', edited],
    [
      'an entry edited with its hash',
      (all, i) => [...rechained(edited(all, i), i).slice(0, i + 1), ...all.slice(i + 1)],
    ],
    ['a deleted entry', (all, i) => all.toSpliced(i, 1)],
    [
      'a deleted entry, the rest renumbered',
      (all, i) => all.toSpliced(i, 1).map((one, index) => ({ ...one, sequence: index + 1 })),
    ],
    [
      'two entries in each other\u2019s place',
      (all, i) =>
        all
          .with(i, { ...at(all, i + 1), sequence: i + 1 })
          .with(i + 1, { ...at(all, i), sequence: i + 2 }),
    ],
    ['an entry put in front', (all) => [{ ...at(all, 0), sequence: 0 }, ...all]],
    ['an entry repeated', (all, i) => all.toSpliced(i, 0, at(all, i))],
    ['an entry of another stream', (all, i) => all.with(i, { ...at(all, i), stream: 'process-2' })],
    ['a hash that is none', (all, i) => all.with(i, { ...at(all, i), hash: new Uint8Array(3) })],
  ];
  test.each(tamperings)('K6: %s is found, wherever it is', (_what, tamper) => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 10 }), fc.nat(100), (length, where) => {
        // Not the last: what is done to the end shows in the head alone.
        const index = where % (length - 1);
        const { breaks } = examine(tamper(chain(length), index));
        expect(breaks.length).toBeGreaterThan(0);
        const first = Math.min(...breaks.map(({ sequence }) => sequence));
        expect(first).toBeLessThanOrEqual(index + 2);
      }),
    );
  });

  test('K6: a fork and a spliced end are whole in themselves, and have another head', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10 }), fc.nat(100), (length, where) => {
        const index = where % length;
        const forked = rechained(edited(chain(length), index), index);
        const { head, breaks } = examine(forked);
        expect(breaks).toEqual([]);
        expect(head.hash).not.toEqual(at(chain(length), length - 1).hash);
        // Only up to where somebody else has taken the true hash, which is what checkpoints are for.
        const spliced = [...forked.slice(0, index + 1), ...chain(length).slice(index + 1)];
        if (index + 1 < length) expect(examine(spliced).breaks).not.toEqual([]);
      }),
    );
  });

  test('K6: every place is named, not only the first', () => {
    const entries = edited(edited(chain(10), 2), 7).toSpliced(4, 1);
    expect(examine(entries).breaks).toEqual([
      { kind: 'altered', sequence: 3 },
      { kind: 'missing', sequence: 5 },
      { kind: 'altered', sequence: 8 },
    ]);
  });
});
