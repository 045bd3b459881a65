import { describe, expect, test } from 'vitest';
import { readCertificate } from '../../../src/pki/certificate.ts';
import { assembleCrl, type CrlTemplate, crlMessage, crlTbs } from '../../../src/pki/crl/build.ts';
import { readCrl } from '../../../src/pki/crl/read.ts';
import { sequence } from '../../../src/pki/der-writer.ts';
import { writeName } from '../../../src/pki/names.ts';
import {
  crlBytesToSign,
  crlTemplateFor,
  encodeCrlEntries,
  encodeCrlEntry,
  issueCrl,
} from '../../support/crls.ts';
import {
  commonName,
  generateKey,
  issue,
  leafExtensions,
  signWith,
  templateFor,
} from '../../support/issuing.ts';

const maxBytes = 1 << 26;
const key = generateKey();
const revokedAt = new Date('2026-05-01T00:00:00Z');
const entry = (...serialNumber: number[]) => ({
  serialNumber: new Uint8Array(serialNumber),
  revokedAt,
});
const template = (changes: Partial<CrlTemplate> = {}) =>
  crlTemplateFor(key, [entry(0x11), entry(0x12)], changes);
const rebuilt = (changes: Partial<CrlTemplate>) =>
  readCrl(issueCrl(template(changes), key), { maxBytes });
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the list', () => {
  test('RFC 5280 5, 5.1.2.1, 5.1.2.5, 5.2: v2 with nextUpdate, number and key identifier', () => {
    const crl = rebuilt({});
    expect(crl).toMatchObject({
      version: 1,
      signatureAlgorithm: 'ecdsa-with-SHA256',
      issuer: commonName('Root'),
      thisUpdate: new Date('2026-06-01T00:00:00Z'),
      nextUpdate: new Date('2036-06-08T00:00:00Z'),
      extensions: {
        crlNumber: { critical: false, value: 7n },
        authorityKeyIdentifier: { critical: false },
      },
      unknownCriticalExtensions: [],
    });
    expect(crl.rawExtensions.map(({ oid }) => oid)).toEqual(['2.5.29.35', '2.5.29.20']);
  });

  test('RFC 5280 5.1.1.2: the algorithm inside and outside is the same', () => {
    const crl = rebuilt({});
    expect(crl.outerSignatureAlgorithmDer).toEqual(crl.signatureAlgorithmDer);
    const pieces = crlTbs(template());
    expect(() => assembleCrl(pieces, 'ecdsa-with-SHA384', new Uint8Array(1))).toThrow(RangeError);
  });

  test.each([
    ['2049-12-31T23:59:59Z', '170d'],
    ['2050-01-01T00:00:00Z', '180f'],
  ])('RFC 5280 5.1.2.4, 5.1.2.5: %s as this and next update', (at, header) => {
    const text = Buffer.from(at.replace(/[-:T]/g, '').slice(header === '170d' ? 2 : 0), 'latin1');
    const written = header + toHex(text);
    const thisUpdate = new Date(at);
    const nextUpdate = new Date('2060-01-01T00:00:00Z');
    expect(toHex(crlTbs(template({ thisUpdate, nextUpdate })).head)).toContain(written);
    const before = { thisUpdate: new Date('2026-01-01T00:00:00Z'), nextUpdate: thisUpdate };
    expect(toHex(crlTbs(template(before)).head)).toContain(written);
  });

  test.each([
    ['no segments', []],
    ['empty segments', [encodeCrlEntries([]), encodeCrlEntries([])]],
  ])('RFC 5280 5.1.2.6, R2: revokedCertificates is absent with %s', (_, segments) => {
    const crl = rebuilt({ segments });
    expect(crl.hasEntryList).toBe(false);
    expect([...crl.entries()]).toEqual([]);
  });

  // 127/128, 255/256 and 65535/65536 octets are where DER's lengths grow; entries have 35 or less.
  test.each([1, 3, 4, 6, 7, 8, 1871, 1872, 1873, 1874, 5000])(
    '%i entries are all there',
    (count) => {
      const list = Array.from({ length: count }, (_, i) =>
        entry(0x11, ...new Array(14).fill(0), i >> 8, i & 0xff),
      );
      const half = count >> 1;
      const segments = [encodeCrlEntries(list.slice(0, half)), encodeCrlEntries(list.slice(half))];
      const crl = rebuilt({ segments });
      expect([...crl.entries()].map(({ serialNumber }) => toHex(serialNumber))).toEqual(
        list.map(({ serialNumber }) => toHex(serialNumber)),
      );
    },
  );

  test('a segment of 16 MiB and more gets a length of four octets', () => {
    const one = encodeCrlEntry(entry(0x11));
    const segment = Buffer.alloc(one.length * 1_000_000, one);
    const crl = rebuilt({ segments: [segment] });
    expect(crl.entryList.length).toBe(segment.length);
  });
});

describe('RFC 5280 5.2.3: the CRL number', () => {
  test.each([
    ['0', 0n],
    ['128', 128n],
    ['the largest of 20 octets', (1n << 159n) - 1n],
  ])('%s is written', (_, crlNumber) => {
    expect(rebuilt({ crlNumber }).extensions.crlNumber).toEqual({
      critical: false,
      value: crlNumber,
    });
  });

  test.each([
    ['-1', -1n],
    ['one of 21 octets', 1n << 159n],
  ])('R1: %s is refused', (_, crlNumber) => {
    expect(() => crlTbs(template({ crlNumber }))).toThrow(RangeError);
  });
});

describe('RFC 5280 5.2.5: the issuing distribution point', () => {
  const urls = ['http://a.example/crl/1.crl', 'http://b.example/1.crl'];

  test('R3: is critical, and its name has the bytes of the certificate’s', () => {
    const point = rebuilt({ issuingDistributionPoint: { urls } }).extensions
      .issuingDistributionPoint;
    expect(point).toMatchObject({ critical: true, urls });
    const leaf = issue(
      templateFor(key, key, {
        extensions: {
          ...leafExtensions(key, key),
          crlDistributionPoints: { critical: false, urls },
        },
      }),
      key,
    );
    const value = readCertificate(leaf.der).rawExtensions.find(({ oid }) => oid === '2.5.29.31');
    const name = point?.distributionPointDer ?? new Uint8Array(0);
    expect(value?.value).toEqual(sequence(sequence(name)));
  });

  test.each([
    ['everything', {}, '', { onlyUserCerts: false, onlyCaCerts: false }],
    ['authorities', { onlyCaCerts: true }, '8201ff', { onlyUserCerts: false, onlyCaCerts: true }],
    [
      'end entities',
      { onlyUserCerts: true },
      '8101ff',
      { onlyUserCerts: true, onlyCaCerts: false },
    ],
  ])('covers %s; what is FALSE is not encoded', (_, scope, flags, read) => {
    const crl = rebuilt({ issuingDistributionPoint: { urls, ...scope } });
    const point = crl.extensions.issuingDistributionPoint;
    expect(point).toMatchObject({
      ...read,
      indirectCrl: false,
      onlySomeReasons: false,
      onlyAttributeCerts: false,
    });
    const raw = crl.rawExtensions.find(({ oid }) => oid === '2.5.29.28');
    const name = toHex(point?.distributionPointDer ?? new Uint8Array(0));
    expect(toHex(raw?.value ?? new Uint8Array(0)).slice(4)).toBe(name + flags);
  });

  test.each([
    ['without URLs', { urls: [] }],
    ['with a relative URL', { urls: ['/crl/1.crl'] }],
    ['for nobody', { urls, onlyCaCerts: true, onlyUserCerts: true }],
  ])('one %s is refused', (_, issuingDistributionPoint) => {
    expect(() => crlTbs(template({ issuingDistributionPoint }))).toThrow(RangeError);
  });
});

describe('what is refused', () => {
  const root = writeName(commonName('Root'));
  test.each<[string, Partial<CrlTemplate>]>([
    ['RFC 5280 5.1.2.3: an empty issuer name', { issuerName: sequence() }],
    ['an issuer name that is no SEQUENCE', { issuerName: new Uint8Array([5, 0]) }],
    ['an issuer name with bytes after it', { issuerName: new Uint8Array([...root, 0]) }],
    ['no octets as an issuer name', { issuerName: new Uint8Array(0) }],
    ['an empty key identifier', { authorityKeyIdentifier: new Uint8Array(0) }],
    ['a fraction of a second', { thisUpdate: new Date('2026-06-01T00:00:00.5Z') }],
    ['no time', { nextUpdate: new Date(Number.NaN) }],
    ['a next update at this one', { nextUpdate: new Date('2026-06-01T00:00:00Z') }],
    ['a next update before this one', { nextUpdate: new Date('2026-05-31T00:00:00Z') }],
  ])('%s', (_, changes) => {
    expect(() => crlTbs(template(changes))).toThrow(RangeError);
  });
});

describe('pieces and chunks', () => {
  const segments = [[entry(1), entry(2)], [entry(3)]].map(encodeCrlEntries);
  const pieces = crlTbs(template({ segments }));
  const signature = signWith(key, crlBytesToSign(pieces));
  const signed = assembleCrl(pieces, 'ecdsa-with-SHA256', signature);

  test('segments are passed on by reference, never copied', () => {
    expect(pieces.segments[0]).toBe(segments[0]);
    expect(crlMessage(pieces)[2]).toBe(segments[1]);
    expect(signed.chunks).toHaveLength(4);
    expect(signed.chunks[1]).toBe(segments[0]);
    expect(signed.chunks[2]).toBe(segments[1]);
  });

  test('lengths are those of the bytes', () => {
    expect(Buffer.concat(crlMessage(pieces))).toHaveLength(pieces.length);
    expect(Buffer.concat(signed.chunks)).toHaveLength(signed.length);
  });

  test('what is signed is what is served', () => {
    const { tbs } = readCrl(Buffer.concat(signed.chunks), { maxBytes });
    expect(toHex(tbs)).toBe(toHex(crlBytesToSign(pieces)));
    expect(crlBytesToSign(pieces)).toHaveLength(pieces.length);
  });

  test.each([
    ['a segment is missing', { ...pieces, segments: segments.slice(1) }],
    ['the length is not theirs', { ...pieces, length: pieces.length + 1 }],
    ['the tail is another', { ...pieces, tail: pieces.tail.subarray(1) }],
    [
      'a byte has moved between segments and tail',
      {
        ...pieces,
        segments: [...segments, new Uint8Array(1)],
        tail: pieces.tail.subarray(1),
      },
    ],
  ])('pieces that do not fit together are not assembled: %s', (_, broken) => {
    expect(() => assembleCrl(broken, 'ecdsa-with-SHA256', signature)).toThrow('does not count');
  });
});
