import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseStationIdentity,
  parseStationSerialNumber,
} from '../../src/identifiers/station-identity.ts';
import { accepted, expectHostileTextRefused, refusal } from './hostile-text.ts';

describe('station identity', () => {
  test.each(['A', 'CP001', 'cp_001-a.b', 'DE*ABC*E1', 'a=b+c|d@e', '...', 'x'.repeat(48)])(
    '%s',
    (text) => {
      expect(accepted(parseStationIdentity(text))).toBe(text);
    },
  );

  test.each([
    ['an empty text', '', /empty/],
    ['49 characters', 'x'.repeat(49), /at most 48/],
    ['a colon, which ends the Basic user name', 'CP:001', /character 3 is ':'/],
    ['a slash', 'ocpp/CP001', /'\/'/],
    ['a backslash', 'CP\\1', /'\\'/],
    ['an escaped slash', 'CP%2F1', /'%'/],
    ['a query', 'CP001?x', /'\?'/],
    ['a fragment', 'CP001#x', /'#'/],
    ['a space', 'CP 001', /' '/],
    ['a quote', "CP'--", /'''/],
    ['markup', '<b>', /'<'/],
    ['the current directory', '.', /URL path/],
    ['the parent directory', '..', /URL path/],
  ])('C5: %s is refused', (_name, text, reason) => {
    expect(refusal(parseStationIdentity(text))).toMatch(reason);
  });

  test('C5: no look-alikes, control, bidirectional or zero-width characters', () => {
    expectHostileTextRefused(parseStationIdentity, 'CP001-abc');
  });

  test('every accepted identity survives as the last segment of a URL', () => {
    const shape = /^[A-Za-z0-9*_=+|@.-]{1,48}$/;
    fc.assert(
      fc.property(fc.stringMatching(shape), (text) => {
        fc.pre(parseStationIdentity(text).ok);
        const url = new URL(`wss://csms.example/ocpp/${encodeURIComponent(text)}`);
        expect(decodeURIComponent(url.pathname)).toBe(`/ocpp/${text}`);
        expect(new URL(`wss://csms.example/ocpp/${text}`).pathname.split('/')).toHaveLength(3);
      }),
    );
  });
});

describe('station serial number', () => {
  test.each([
    ['a real one with a slash', 'S/N0123456789'],
    ['digits', '0123456789'],
    ['a space within', 'EVB P1640'],
    ['a dot before a version', 'EVB-P1640.V2'],
    ['a colon', 'SN:12'],
    ['a MAC address', '00:11:22:33:44:55'],
    ['a decimal number', '10.1'],
    ['three numbers', '10.1.2'],
    ['a hexadecimal number', '0x7F000001'],
    ['a single word', 'charger'],
    ['64 characters', 'x'.repeat(64)],
  ])('%s', (_name, text) => {
    expect(accepted(parseStationSerialNumber(text))).toBe(text);
  });

  test.each([
    ['an empty text', '', /empty/],
    ['65 characters', 'x'.repeat(65), /at most 64/],
    ['a space in front', ' S1', /begin or end with a space/],
    ['a space at the end', 'S1 ', /begin or end with a space/],
    ['two spaces in a row', 'S1  2', /several spaces/],
  ])('C5: %s is refused', (_name, text, reason) => {
    expect(refusal(parseStationSerialNumber(text))).toMatch(reason);
  });

  test.each([
    ['http://a', 'a URL'],
    ['WSS://csms/CP1', 'a URL'],
    ['x://y', 'a URL'],
    ['//csms/CP1', 'a URL'],
    ['https:csms', 'a URL'],
    ['urn:uuid:1', 'a URL'],
    ['mailto:me', 'a URL'],
    ['192.0.2.1', 'an IP address'],
    ['192.0.2.1:8080', 'an IP address'],
    ['192.0.2.1/24', 'an IP address'],
    ['192.000.002.001', 'an IP address'],
    ['999.1.1.1', 'an IP address'],
    ['::1', 'an IP address'],
    ['2001:db8::1', 'an IP address'],
    ['[2001:db8::1]', 'an IP address'],
    ['[2001:db8::1]:443', 'an IP address'],
    ['fe80::1%eth0', 'an IP address'],
    ['00:11:22:33:44:55:66:77', 'an IP address'],
    ['csms.example.com', 'a host name'],
    ['CSMS.EXAMPLE.COM', 'a host name'],
    ['csms.example.com.', 'a host name'],
    ['csms.example.com:443', 'a host name'],
    ['csms.example.com/ocpp', 'a host name'],
    ['csms.example.com?x', 'a host name'],
    ['user@example.com', 'a host name'],
    ['*.example.com', 'a host name'],
    ['.com', 'a host name'],
    ['_acme.example.com', 'a host name'],
    ['xn--bcher-kva.xn--p1ai', 'a host name'],
    ['localhost', 'a host name'],
    ['LocalHost:80', 'a host name'],
  ])('OCPP 2.0.1 A00.FR.511: %s looks like %s', (text, lookalike) => {
    expect(refusal(parseStationSerialNumber(text))).toContain(`look like ${lookalike}:`);
  });

  test('C5: no look-alikes, control, bidirectional or zero-width characters', () => {
    expectHostileTextRefused(parseStationSerialNumber, 'S/N0123456789');
  });
});
