import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ChainedEntry,
  emptyStream,
  entryHash,
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
