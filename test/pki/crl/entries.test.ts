import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeCrlLines } from '../../../src/pki/crl/entries.ts';
import { tags } from '../../../src/pki/der-element.ts';
import {
  integer,
  octetString,
  oid,
  sequence,
  time,
  unsignedInteger,
} from '../../../src/pki/der-writer.ts';
import { type RevocationReason, revocationReasons } from '../../../src/pki/revocation-reasons.ts';
import { type CrlEntry, encodeCrlEntries, encodeCrlEntry } from '../../support/crls.ts';

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const encode = (lines: string): Uint8Array => encodeCrlLines(Buffer.from(lines, 'latin1'));
const line = (serial: string): string => `${serial} 2026-02-03T04:05:06.000Z superseded`;

const serialNumber = hex('11aa');
const revokedAt = new Date('2026-02-03T04:05:06Z');
const timeHex = '170d 323630323033303430353036 5a';

/** The entry as the general writer of DER puts it together. */
const nested = ({ serialNumber: serial, revokedAt: at, reason }: CrlEntry): Uint8Array =>
  sequence(
    unsignedInteger(serial),
    time(at),
    ...(reason === undefined || reason === 'unspecified'
      ? []
      : [
          sequence(
            sequence(
              oid('2.5.29.21'),
              octetString(integer(revocationReasons[reason], tags.enumerated)),
            ),
          ),
        ]),
  );

describe('RFC 5280 5.3: entries', () => {
  test('without a reason there are no entry extensions', () => {
    expect(toHex(encodeCrlEntry({ serialNumber, revokedAt }))).toBe(
      toHex(hex(`3013 0202 11aa ${timeHex}`)),
    );
  });

  test.each([
    ['keyCompromise', 1],
    ['cACompromise', 2],
    ['affiliationChanged', 3],
    ['superseded', 4],
    ['cessationOfOperation', 5],
    ['certificateHold', 6],
    ['privilegeWithdrawn', 9],
    ['aACompromise', 10],
  ] as const)('RFC 5280 5.3.1: %s is the non-critical reason code %i', (reason, number) => {
    const code = number.toString(16).padStart(2, '0');
    expect(toHex(encodeCrlEntry({ serialNumber, revokedAt, reason }))).toBe(
      toHex(hex(`3021 0202 11aa ${timeHex} 300c 300a 0603 551d15 0403 0a01 ${code}`)),
    );
  });

  test('RFC 5280 5.3.1: unspecified is left out', () => {
    expect(encodeCrlEntry({ serialNumber, revokedAt, reason: 'unspecified' })).toEqual(
      encodeCrlEntry({ serialNumber, revokedAt }),
    );
  });

  test('RFC 5280 5.3.1, R4: removeFromCRL is refused in a full CRL', () => {
    const entry: CrlEntry = { serialNumber, revokedAt, reason: 'removeFromCRL' };
    expect(() => encodeCrlEntry(entry)).toThrow(RangeError);
  });

  test.each([
    ['1950-01-01T00:00:00Z', '170d', '500101000000Z'],
    ['2049-12-31T23:59:59Z', '170d', '491231235959Z'],
    ['2050-01-01T00:00:00Z', '180f', '20500101000000Z'],
    ['9999-12-31T23:59:59Z', '180f', '99991231235959Z'],
  ])('RFC 5280 5.1.2.6, 5.1.2.4: %s', (at, header, text) => {
    const der = encodeCrlEntry({ serialNumber, revokedAt: new Date(at) });
    expect(toHex(der.subarray(6))).toBe(header + toHex(Buffer.from(text, 'latin1')));
  });

  test('a fraction of a second is dropped', () => {
    expect(
      encodeCrlEntry({ serialNumber, revokedAt: new Date('2026-02-03T04:05:06.999Z') }),
    ).toEqual(encodeCrlEntry({ serialNumber, revokedAt }));
  });

  test.each([
    ['before 1950', '1949-12-31T23:59:59.000Z'],
    ['before the year 0', '-000001-12-31T23:59:59.000Z'],
    ['after 9999', '+010000-01-01T00:00:00.000Z'],
    ['without a fraction', '2026-02-03T04:05:06Z'],
    ['with a finer fraction', '2026-02-03T04:05:06.000000Z'],
    ['of another zone', '2026-02-03T04:05:06.000+'],
    ['with a letter', '2026-02-03T04:05:0o.000Z'],
    ['with a space', '2026-02-03 04:05:06.000Z'],
    ['that is none', ''],
  ])('a time %s is refused', (_, at) => {
    expect(() => encode(`11aa ${at} superseded`)).toThrow(RangeError);
  });

  test.each([
    ['an empty line', '\n'],
    ['a serial number alone', '11aa'],
    ['no reason', '11aa 2026-02-03T04:05:06.000Z'],
    ['an empty reason', '11aa 2026-02-03T04:05:06.000Z '],
    ['another reason', '11aa 2026-02-03T04:05:06.000Z stolen'],
    ['a reason of the same length and letter', '11aa 2026-02-03T04:05:06.000Z keyCompromisf'],
    ['the number of a reason', '11aa 2026-02-03T04:05:06.000Z 4'],
    ['a word more', '11aa 2026-02-03T04:05:06.000Z superseded again'],
    ['a carriage return', '11aa 2026-02-03T04:05:06.000Z superseded\r'],
    ['a space before', ' 11aa 2026-02-03T04:05:06.000Z superseded'],
    ['two spaces', '11aa  2026-02-03T04:05:06.000Z superseded'],
    ['half a line after it', '11aa 2026-02-03T04:05:06.000Z superseded\n11'],
  ])('%s is refused', (_, lines) => {
    expect(() => encode(lines)).toThrow(RangeError);
  });

  test.each([
    ['no', ''],
    ['a negative', '80'],
    ['a padded', '007f'],
    ['a doubly padded', '000080'],
    ['21 octets of', `7f${'00'.repeat(20)}`],
  ])('S1: %s serial number is refused', (_, serial) => {
    expect(() => encodeCrlEntry({ serialNumber: hex(serial), revokedAt })).toThrow(RangeError);
  });

  test('zero is no serial number', () => {
    expect(() => encodeCrlEntry({ serialNumber: hex('00'), revokedAt })).toThrow(RangeError);
  });

  test.each([['01'], ['0080'], ['7f00112233445566778899aabbccddeeff001122']])(
    'the serial number %s is written as it stands in the certificate',
    (serial) => {
      const der = encodeCrlEntry({ serialNumber: hex(serial), revokedAt });
      expect(toHex(der.subarray(4, 4 + serial.length / 2))).toBe(serial);
    },
  );
});

test('no entries are no octets', () => {
  expect(encode('')).toEqual(new Uint8Array(0));
});

const reasons = (Object.keys(revocationReasons) as RevocationReason[]).filter(
  (reason) => reason !== 'removeFromCRL',
);
const entries: fc.Arbitrary<CrlEntry> = fc
  .record({
    first: fc.integer({ min: 1, max: 0x7f }),
    rest: fc.uint8Array({ maxLength: 19 }),
    seconds: fc.integer({ min: Date.UTC(1950, 0) / 1000, max: Date.UTC(10_000, 0) / 1000 - 1 }),
    reason: fc.option(fc.constantFrom(...reasons), { nil: undefined }),
  })
  .map(({ first, rest, seconds, reason }) => ({
    serialNumber: new Uint8Array([first, ...rest]),
    revokedAt: new Date(1000 * seconds),
    ...(reason && { reason }),
  }));

test('the flat encoding is that of the general writer, entry after entry', () => {
  fc.assert(
    fc.property(fc.array(entries, { maxLength: 20 }), (list) => {
      expect(toHex(encodeCrlEntries(list))).toBe(toHex(Buffer.concat(list.map(nested))));
    }),
  );
});

describe('serial numbers in hex', () => {
  test.each(['1', '7f', '0080', '80f', '7f00112233445566778899aabbccddeeff001122'])(
    '%s is the same entry as its octets',
    (serial) => {
      const octets = hex(serial.length % 2 ? `0${serial}` : serial);
      const entry = { serialNumber: octets, revokedAt, reason: 'superseded' } as const;
      expect(toHex(encode(line(serial)))).toBe(toHex(encodeCrlEntry(entry)));
    },
  );

  test.each(['', '0', '00', '80', '007f', 'fg', 'AB', '1 ', `7f${'00'.repeat(20)}`])(
    '%j is refused',
    (serial) => {
      expect(() => encode(line(serial))).toThrow(RangeError);
    },
  );
});
