import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Crl, readCrl, verifyCrlSignedBy } from '../../../src/pki/crl/read.ts';
import { contextConstructed, DerError, tags } from '../../../src/pki/der-element.ts';
import {
  bitString,
  boolean,
  element,
  explicit,
  generalizedTime,
  implicit,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  time,
} from '../../../src/pki/der-writer.ts';
import { writeName } from '../../../src/pki/names.ts';
import { writeRawExtension } from '../../../src/pki/raw-extensions.ts';
import { algorithmIdentifier } from '../../../src/pki/signature-algorithm.ts';
import { crlTemplateFor, encodeCrlEntries, issueCrl } from '../../support/crls.ts';
import { commonName, generateKey, signWith } from '../../support/issuing.ts';

const maxBytes = 1 << 20;
const key = generateKey();
const now = new Date('2026-06-01T00:00:00Z');
const later = new Date('2026-06-08T00:00:00Z');
const name = writeName(commonName('Foreign CA'));
const algorithm = algorithmIdentifier('ecdsa-with-SHA256');

interface Parts {
  readonly version?: readonly Uint8Array[];
  readonly updates?: readonly Uint8Array[];
  readonly list?: readonly Uint8Array[];
  readonly extensions?: readonly Uint8Array[];
  readonly rest?: readonly Uint8Array[];
  readonly outer?: Uint8Array;
}

/** A CRL as somebody else may write it, signed. */
function foreign(parts: Parts = {}): Uint8Array {
  const { version = [integer(1)], updates = [time(now), time(later)], list = [] } = parts;
  const { extensions = [], rest = [], outer = algorithm } = parts;
  const wrapped = extensions.length > 0 ? [explicit(0, sequence(...extensions))] : [];
  const tbs = sequence(...version, algorithm, name, ...updates, ...list, ...wrapped, ...rest);
  return sequence(tbs, outer, bitString(signWith(key, tbs)));
}
const read = (parts?: Parts): Crl => readCrl(foreign(parts), { maxBytes });

const entry = (...extensions: readonly Uint8Array[]): Uint8Array =>
  sequence(integer(17), time(now), ...(extensions.length > 0 ? [sequence(...extensions)] : []));
const reason = (number: number, critical = false): Uint8Array =>
  writeRawExtension('2.5.29.21', critical, integer(number, tags.enumerated));
const invalidityDate = writeRawExtension('2.5.29.24', false, generalizedTime(now));
const listOf = (...entries: readonly Uint8Array[]): Parts => ({ list: [sequence(...entries)] });
const entriesOf = (...entries: readonly Uint8Array[]) => [...read(listOf(...entries)).entries()];

describe('the frame', () => {
  test('RFC 5280 5: v1 CRLs are read too, without nextUpdate and extensions', () => {
    const crl = read({ version: [], updates: [time(now)], ...listOf(entry()) });
    expect(crl).toMatchObject({ version: 0, thisUpdate: now, nextUpdate: undefined });
    expect(crl.extensions).toEqual({});
    expect([...crl.entries()]).toHaveLength(1);
  });

  test('RFC 5280 5.1.2.6: an empty list is told from an absent one', () => {
    expect(read().hasEntryList).toBe(false);
    expect(read(listOf()).hasEntryList).toBe(true);
    expect([...read(listOf()).entries()]).toEqual([]);
  });

  test('RFC 5280 5.2: critical extensions that evpki does not know are reported', () => {
    const crl = read({
      extensions: [
        writeRawExtension('2.5.29.20', false, integer(9)),
        writeRawExtension('2.5.29.27', true, integer(8)),
        writeRawExtension('1.2.3', true, nullValue()),
        writeRawExtension('1.2.4', false, nullValue()),
      ],
    });
    expect(crl.unknownCriticalExtensions).toEqual(['2.5.29.27', '1.2.3']);
    expect(crl.extensions).toEqual({ crlNumber: { critical: false, value: 9n } });
  });

  test('a key identifier may be missing from the authority key identifier', () => {
    const named = implicit(0, new Uint8Array([1, 2]));
    const aki = (...fields: readonly Uint8Array[]) =>
      read({ extensions: [writeRawExtension('2.5.29.35', false, sequence(...fields))] }).extensions;
    expect(aki(named).authorityKeyIdentifier?.value).toEqual(new Uint8Array([1, 2]));
    expect(aki().authorityKeyIdentifier).toEqual({ critical: false });
  });

  const number = (value: Uint8Array) => [writeRawExtension('2.5.29.20', false, value)];
  test.each<[string, Parts]>([
    ['a version of v1 that is encoded', { version: [integer(0)] }],
    ['a version of v3', { version: [integer(2)] }],
    ['no thisUpdate', { updates: [] }],
    ['a third time', { updates: [time(now), time(later), time(later)] }],
    ['RFC 5280 5.1.2.4: GeneralizedTime before 2050', { updates: [generalizedTime(now)] }],
    ['extensions in v1', { version: [], extensions: number(integer(1)) }],
    ['an empty list of extensions', { rest: [explicit(0, sequence())] }],
    ['a field after the extensions', { extensions: number(integer(1)), rest: [nullValue()] }],
    ['an extension twice', { extensions: [...number(integer(1)), ...number(integer(2))] }],
    ['a negative CRL number', { extensions: number(new Uint8Array([2, 1, 0xff])) }],
    ['a CRL number of 21 octets', { extensions: number(integer(1n << 160n)) }],
    [
      'a CRL number with something after it',
      {
        extensions: number(new Uint8Array([2, 1, 1, 5, 0])),
      },
    ],
    ['an outer algorithm that is none', { outer: sequence(nullValue()) }],
  ])('%s is refused', (_, parts) => {
    expect(() => read(parts)).toThrow(DerError);
  });

  test.each<[string, (der: Uint8Array) => Uint8Array]>([
    ['bytes after the end', (der) => Buffer.concat([der, new Uint8Array(1)])],
    ['its last byte missing', (der) => der.subarray(0, -1)],
    ['nothing', () => new Uint8Array(0)],
  ])('a CRL with %s is refused', (_, change) => {
    expect(() => readCrl(change(foreign()), { maxBytes })).toThrow(DerError);
  });

  test('a CRL of more than the allowed bytes is refused before it is read', () => {
    const der = foreign();
    expect(readCrl(der, { maxBytes: der.length }).version).toBe(1);
    expect(() => readCrl(der, { maxBytes: der.length - 1 })).toThrow('are more than');
    expect(() => readCrl(new Uint8Array(100), { maxBytes: 99 })).toThrow('are more than');
  });
});

describe('RFC 5280 5.2.5: the issuing distribution point', () => {
  const point = (...fields: readonly Uint8Array[]) =>
    read({ extensions: [writeRawExtension('2.5.29.28', true, sequence(...fields))] }).extensions
      .issuingDistributionPoint;
  const yes = new Uint8Array([0xff]);

  test('all of its fields', () => {
    const uri = implicit(6, Buffer.from('http://a.example/1.crl', 'latin1'));
    const directory = explicit(4, name);
    const distributionPoint = explicit(0, element(contextConstructed(0), directory, uri));
    const someReasons = implicit(3, new Uint8Array([1, 0x06]));
    expect(
      point(
        ...[distributionPoint, implicit(1, yes), implicit(2, yes), someReasons],
        ...[implicit(4, yes), implicit(5, yes)],
      ),
    ).toEqual({
      critical: true,
      distributionPointDer: distributionPoint,
      urls: ['http://a.example/1.crl'],
      onlyUserCerts: true,
      onlyCaCerts: true,
      onlySomeReasons: true,
      indirectCrl: true,
      onlyAttributeCerts: true,
    });
  });

  test.each<[string, readonly Uint8Array[]]>([
    ['empty', []],
    ['with FALSE written out', [implicit(1, new Uint8Array([0]))]],
    ['with a flag of two octets', [implicit(1, new Uint8Array([0xff, 0xff]))]],
    ['with fields out of order', [implicit(2, yes), implicit(1, yes)]],
    ['with reasons of set unused bits', [implicit(3, new Uint8Array([1, 0x07]))]],
    ['with a name of nothing', [explicit(0, element(contextConstructed(0)))]],
  ])('one %s is refused', (_, fields) => {
    expect(() => point(...fields)).toThrow(DerError);
  });
});

describe('entries', () => {
  test('RFC 5280 5.3: serial number, time, reason and what else there is', () => {
    expect(entriesOf(entry(), entry(reason(8)), entry(invalidityDate, reason(0, true)))).toEqual([
      {
        serialNumber: new Uint8Array([17]),
        revokedAt: now,
        rawExtensions: [],
        unknownCriticalExtensions: [],
      },
      expect.objectContaining({ reason: 'removeFromCRL' }),
      expect.objectContaining({ reason: 'unspecified', unknownCriticalExtensions: [] }),
    ]);
  });

  test('RFC 5280 5.3: critical extensions that evpki does not know are reported', () => {
    const issuer = writeRawExtension('2.5.29.29', true, sequence(explicit(4, name)));
    expect(entriesOf(entry(reason(1), issuer))[0]?.unknownCriticalExtensions).toEqual([
      '2.5.29.29',
    ]);
  });

  test.each<[string, Uint8Array]>([
    ['RFC 5280 5.3.1: reason 7', entry(reason(7))],
    ['RFC 5280 5.3.1: reason 11', entry(reason(11))],
    ['a reason that is an INTEGER', entry(writeRawExtension('2.5.29.21', false, integer(1)))],
    ['a reason twice', entry(reason(1), reason(1))],
    [
      'a padded reason',
      entry(writeRawExtension('2.5.29.21', false, new Uint8Array([10, 2, 0, 1]))),
    ],
    [
      'a non-critical flag',
      entry(sequence(oid('1.2.3'), boolean(false), octetString(nullValue()))),
    ],
    ['no time', sequence(integer(17))],
    ['an empty list of extensions', sequence(integer(17), time(now), sequence())],
    [
      'something after its extensions',
      sequence(integer(17), time(now), sequence(reason(1)), nullValue()),
    ],
    ['a padded serial number', sequence(new Uint8Array([2, 2, 0, 17]), time(now))],
    ['another type', nullValue()],
  ])('an entry with %s is refused when it is come to', (_, bad) => {
    const crl = read(listOf(entry(), bad, entry()));
    const entries = crl.entries();
    expect(entries.next().done).toBe(false);
    expect(() => entries.next()).toThrow(DerError);
  });

  test('an entry of a v1 CRL has no extensions', () => {
    const crl = read({ version: [], ...listOf(entry(reason(1))) });
    expect(() => [...crl.entries()]).toThrow(DerError);
  });

  test('they are read as they are asked for, anew by each call', () => {
    const crl = read(listOf(entry(), nullValue()));
    for (let i = 0; i < 2; i++) {
      expect(crl.entries().next().value).toMatchObject({ revokedAt: now });
    }
  });
});

describe('verifyCrlSignedBy', () => {
  test('takes the key that signed, and no other', () => {
    expect(verifyCrlSignedBy(read(), key.publicKey)).toBe(true);
    expect(verifyCrlSignedBy(read(), generateKey().publicKey)).toBe(false);
  });

  test('RFC 5280 5.1.1.2: refuses a CRL with another algorithm outside', () => {
    const crl = read({ outer: algorithmIdentifier('ecdsa-with-SHA384') });
    expect(verifyCrlSignedBy(crl, key.publicKey)).toBe(false);
  });

  test('refuses a CRL with one bit changed', () => {
    const der = foreign(listOf(entry()));
    const at = Buffer.from(der).indexOf(Buffer.from(entry())) + 4;
    der[at] = (der[at] ?? 0) ^ 1;
    expect(verifyCrlSignedBy(readCrl(der, { maxBytes }), key.publicKey)).toBe(false);
  });
});

test('what it reads with one octet changed is again a CRL or a DerError', () => {
  const list = [
    { serialNumber: new Uint8Array([17]), revokedAt: now, reason: 'superseded' },
  ] as const;
  const der = issueCrl(
    crlTemplateFor(key, list, {
      issuingDistributionPoint: { urls: ['http://a.example/1.crl'], onlyUserCerts: true },
      segments: [encodeCrlEntries(list)],
    }),
    key,
  );
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Uint8Array.from(der);
      changed[at] = (changed[at] ?? 0) ^ flip;
      try {
        const crl = readCrl(changed, { maxBytes });
        for (const { serialNumber } of crl.entries())
          expect(serialNumber.length).toBeGreaterThan(0);
        expect(verifyCrlSignedBy(crl, key.publicKey)).toBe(false);
      } catch (error) {
        expect(error).toBeInstanceOf(DerError);
      }
    }),
    { numRuns: 1000 },
  );
});
