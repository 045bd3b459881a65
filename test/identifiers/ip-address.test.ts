import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseIpAddress, readIpAddress } from '../../src/identifiers/ip-address.ts';
import { accepted, hostileCharacters, refusal } from './hostile-text.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('IP address (RFC 5280 4.2.1.6, RFC 4291 2.2, RFC 5952)', () => {
  test.each([
    ['0.0.0.0', 4, '00000000', '0.0.0.0'],
    ['192.0.2.255', 4, 'c00002ff', '192.0.2.255'],
    ['::', 6, '00'.repeat(16), '::'],
    ['::1', 6, `${'00'.repeat(15)}01`, '::1'],
    ['1::', 6, `0001${'00'.repeat(14)}`, '1::'],
    ['2001:0DB8::0001', 6, `20010db8${'00'.repeat(11)}01`, '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', 6, '20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['2001:0:0:1:0:0:0:1', 6, '20010000000000010000000000000001', '2001:0:0:1::1'],
    ['2001:db8::1:1:1:1:1', 6, '20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['1:2:3:4:5:6:7::', 6, '00010002000300040005000600070000', '1:2:3:4:5:6:7:0'],
    ['::ffff:192.0.2.1', 6, `${'00'.repeat(10)}ffffc0000201`, '::ffff:192.0.2.1'],
    ['::FFFF:c000:201', 6, `${'00'.repeat(10)}ffffc0000201`, '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', 6, `0064ff9b${'00'.repeat(8)}c0000221`, '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:1.2.3.4', 6, '00010002000300040005000601020304', '1:2:3:4:5:6:102:304'],
  ])('%s', (text, version, octets, normal) => {
    const address = accepted(parseIpAddress(text));
    expect({ ...address, bytes: hex(address.bytes) }).toEqual({ version, bytes: octets, normal });
    expect(isIP(text)).toBe(version);
  });

  test.each([
    '',
    ' ',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.04',
    '1.2.3.-4',
    '1.2.3.4 ',
    '1.2.3.4\n',
    '1.2..4',
    '0x1.2.3.4',
    '1e1.2.3.4',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1::2::3',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '::12345',
    '::g',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '::1.2.3',
    '1:2:3:4:5:6:7:1.2.3.4',
    '[::1]',
    '::1/128',
    `::${'0'.repeat(60)}1`,
  ])('C6: "%s" is refused', (text) => {
    expect(isIP(text)).toBe(0);
    expect(refusal(parseIpAddress(text))).toContain('not the text of an IPv4 or IPv6 address');
  });

  test('C6: a zone is refused, which belongs to one host and not to a certificate', () => {
    refusal(parseIpAddress('fe80::1%eth0'));
  });

  test('C6: no digits of other scripts, control or zero-width characters', () => {
    for (const [name, character] of hostileCharacters) {
      for (const text of [`${character}1.2.3.4`, `1.2.3.${character}`, `::1${character}`]) {
        expect(parseIpAddress(text).ok, name).toBe(false);
      }
    }
  });

  test.each([0, 3, 5, 8, 15, 17, 32])('C6: %i octets are refused', (length) => {
    expect(refusal(readIpAddress(new Uint8Array(length)))).toContain('4 or 16 octets');
  });

  test('second opinion: canonical text as URL software writes it, and back to the same octets', () => {
    const octet = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 }));
    const octets = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.array(octet, { minLength: 16, maxLength: 16 }).map((list) => Uint8Array.from(list)),
    );
    fc.assert(
      fc.property(octets, (bytes) => {
        const { normal, version } = accepted(readIpAddress(bytes));
        expect(hex(accepted(parseIpAddress(normal)).bytes)).toBe(hex(bytes));
        expect(accepted(parseIpAddress(normal)).normal).toBe(normal);
        const host = new URL(`http://${version === 6 ? `[${normal}]` : normal}`).hostname;
        if (!normal.includes(':ffff:')) expect(host.replaceAll(/[[\]]/g, '')).toBe(normal);
      }),
      { numRuns: 300 },
    );
  });

  test('second opinion: accepts what node:net accepts, zones aside', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{2,24}$/)),
        (text) => {
          expect(parseIpAddress(text).ok).toBe(isIP(text) !== 0);
        },
      ),
      { numRuns: 500 },
    );
  });
});
