import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lintCrlEntries } from '../../../src/pki/crl/lint-entries.ts';
import type { LintFinding } from '../../../src/pki/lint/rule.ts';
import type { RevocationReason } from '../../../src/pki/revocation-reasons.ts';
import { encodeCrlEntries, encodeCrlEntry } from '../../support/crls.ts';

const revokedAt = new Date('2026-02-03T04:05:06Z');
const entry = (...serialNumber: number[]) => ({
  serialNumber: new Uint8Array(serialNumber),
  revokedAt,
});

function lint(segments: readonly Uint8Array[]): {
  readonly counts: readonly number[];
  readonly findings: readonly LintFinding[];
} {
  const counts: number[] = [];
  const checking = lintCrlEntries(segments);
  let step = checking.next();
  for (; !step.done; step = checking.next()) counts.push(step.value);
  return { counts, findings: step.value };
}
const rulesOf = (segments: readonly Uint8Array[]) =>
  lint(segments).findings.map(({ rule }) => rule);

test('counts the entries segment by segment', () => {
  const segments = [[entry(3), entry(1)], [], [entry(2)]].map(encodeCrlEntries);
  expect(lint(segments)).toEqual({ counts: [0, 2, 2, 3], findings: [] });
  expect(lint([])).toEqual({ counts: [0], findings: [] });
});

test.each([
  '1950-01-01T00:00:00Z',
  '2028-02-29T23:59:59Z',
  '2049-12-31T23:59:59Z',
  '2050-01-01T00:00:00Z',
  '2400-02-29T00:00:00Z',
  '9999-12-31T23:59:59Z',
])('takes an entry of %s', (at) => {
  const { serialNumber } = entry(1);
  expect(rulesOf([encodeCrlEntry({ serialNumber, revokedAt: new Date(at) })])).toEqual([]);
});

test('takes every entry that the encoder makes', () => {
  const reasons: readonly (RevocationReason | undefined)[] = [
    ...([undefined, 'unspecified', 'keyCompromise', 'cACompromise', 'superseded'] as const),
    ...(['cessationOfOperation', 'certificateHold', 'privilegeWithdrawn', 'aACompromise'] as const),
  ];
  const entries = fc.record({
    rest: fc.uint8Array({ maxLength: 19 }),
    seconds: fc.integer({ min: Date.UTC(1950, 0) / 1000, max: Date.UTC(10_000, 0) / 1000 - 1 }),
    reason: fc.constantFrom(...reasons),
  });
  const list = fc.uniqueArray(entries, {
    selector: ({ rest }) => Buffer.from(rest).toString('hex'),
  });
  fc.assert(
    fc.property(list, (found) => {
      const encoded = found.map(({ rest, seconds, reason }) =>
        encodeCrlEntry({
          serialNumber: new Uint8Array([0x11, ...rest]),
          revokedAt: new Date(1000 * seconds),
          ...(reason && { reason }),
        }),
      );
      expect(rulesOf(encoded)).toEqual([]);
      expect(rulesOf([Buffer.concat(encoded)])).toEqual([]);
    }),
  );
});

describe('RFC 5280 5.1.2.6: no certificate is listed twice', () => {
  test.each([
    ['next to each other', [[entry(1), entry(1)]]],
    ['in different segments', [[entry(1), entry(2)], [], [entry(3), entry(1)]]],
    ['with another reason', [[entry(1)], [{ ...entry(1), reason: 'superseded' as const }]]],
  ])('%s', (_, segments) => {
    const { findings } = lint(segments.map(encodeCrlEntries));
    expect(findings).toEqual([
      {
        rule: 'crl-entries-unique',
        clause: 'RFC 5280 5.1.2.6',
        severity: 'error',
        message: 'The serial number 01 is listed twice.',
      },
    ]);
  });

  test('a serial number that starts like another is another', () => {
    expect(rulesOf([encodeCrlEntries([entry(1), entry(1, 0), entry(1, 0, 0)])])).toEqual([]);
  });

  // Enough of them for the table to be crowded, and one repetition to be found among them.
  test('among 50,000 serial numbers in order', () => {
    const entries = Array.from({ length: 50_000 }, (_, i) =>
      entry(0x11, i >> 16, (i >> 8) & 0xff, i & 0xff),
    );
    const segments: Uint8Array[] = [];
    for (let i = 0; i < entries.length; i += 4096) {
      segments.push(encodeCrlEntries(entries.slice(i, i + 4096)));
    }
    expect(lint(segments).counts.at(-1)).toBe(50_000);
    expect(lint(segments).findings).toEqual([]);
    expect(rulesOf([...segments, encodeCrlEntries(entries.slice(-1))])).toEqual([
      'crl-entries-unique',
    ]);
    expect(rulesOf([...segments, encodeCrlEntries(entries.slice(0, 1))])).toEqual([
      'crl-entries-unique',
    ]);
  });
});

describe('RFC 5280 5.1.2.6, 5.3.1: only the encodings of our own', () => {
  const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');
  const time = '170d 323630323033303430353036 5a';
  const timeOf = (text: string) =>
    (text.length === 13 ? '170d' : '180f') + Buffer.from(text, 'latin1').toString('hex');
  const reason = '300c 300a 0603 551d15 0403 0a01';

  test('the entries that the cases are variations of are taken', () => {
    expect(rulesOf([hex(`3012 0201 11 ${time}`)])).toEqual([]);
    expect(rulesOf([hex(`3020 0201 11 ${time} ${reason} 01`)])).toEqual([]);
  });

  test.each([
    ['another tag', `3112 0201 11 ${time}`],
    ['a length in its long form', `308112 0201 11 ${time}`],
    ['a length past the end', `3013 0201 11 ${time}`],
    ['a length too short', `3011 0201 11 ${time}`],
    ['half an entry', '3012 0201'],
    ['one octet', '30'],
    ['a serial number of another type', `3012 0a01 11 ${time}`],
    ['an empty serial number', `3011 0200 ${time}`],
    ['a negative serial number', `3012 0201 80 ${time}`],
    ['a serial number of zero', `3012 0201 00 ${time}`],
    ['a padded serial number', `3013 0202 0011 ${time}`],
    ['S1: a serial number of 21 octets', `3026 0215 11${'00'.repeat(20)} ${time}`],
    ['no time', '3003 0201 11'],
    ['a time of another type', `3012 0201 11 ${time.replace('17', '16')}`],
    ['a GeneralizedTime before 2050', `3014 0201 11 ${timeOf('20260203040506Z')}`],
    ['a month 0', `3012 0201 11 ${timeOf('260003040506Z')}`],
    ['a month 13', `3012 0201 11 ${timeOf('261303040506Z')}`],
    ['a day 0', `3012 0201 11 ${timeOf('260200040506Z')}`],
    ['29 February of no leap year', `3012 0201 11 ${timeOf('260229040506Z')}`],
    ['29 February 2100', `3014 0201 11 ${timeOf('21000229040506Z')}`],
    ['31 April', `3012 0201 11 ${timeOf('260431040506Z')}`],
    ['32 January', `3012 0201 11 ${timeOf('260132040506Z')}`],
    ['an hour 24', `3012 0201 11 ${timeOf('260203240506Z')}`],
    ['a minute 60', `3012 0201 11 ${timeOf('260203046006Z')}`],
    ['a second 60', `3012 0201 11 ${timeOf('260203040560Z')}`],
    ['a time without Z', `3012 0201 11 ${timeOf('2602030405060')}`],
    ['a time with a sign', `3012 0201 11 ${timeOf('26-203040506Z')}`],
    ['reason 0, which is left out', `3020 0201 11 ${time} ${reason} 00`],
    ['reason 7', `3020 0201 11 ${time} ${reason} 07`],
    ['R4: removeFromCRL', `3020 0201 11 ${time} ${reason} 08`],
    ['reason 11', `3020 0201 11 ${time} ${reason} 0b`],
    ['another extension', `3020 0201 11 ${time} ${reason.replace('15', '18')} 01`],
    ['something after its time', `3014 0201 11 ${time} 0500`],
    ['something after its reason', `3022 0201 11 ${time} ${reason} 01 0500`],
  ])('%s', (_, text) => {
    const bad = hex(text);
    expect(rulesOf([bad])).toEqual(['crl-entries']);
    const good = encodeCrlEntry(entry(0x22));
    expect(lint([good, Buffer.concat([good.map((o) => (o === 0x22 ? 0x23 : o)), bad])])).toEqual({
      counts: [0, 1],
      findings: [
        expect.objectContaining({
          rule: 'crl-entries',
          message: `Segment 1 is not a row of entries of ours (at byte ${good.length}).`,
        }),
      ],
    });
  });
});
