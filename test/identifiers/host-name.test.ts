import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHostName } from '../../src/identifiers/host-name.ts';
import { accepted, expectHostileTextRefused, refusal } from './hostile-text.ts';

const label63 = 'a'.repeat(63);

describe('host name (RFC 5280 4.2.1.6, RFC 1123 2.1)', () => {
  test('in lower case and by labels', () => {
    expect(accepted(parseHostName('CSMS.Example.com'))).toEqual({
      normal: 'csms.example.com',
      labels: ['csms', 'example', 'com'],
      wildcard: false,
    });
  });

  test.each([
    ['one label', 'localhost'],
    ['labels that begin with digits', '1.2.3.4a'],
    ['an A-label', 'xn--bcher-kva.example'],
    ['hyphens within', 'r3---sn.example'],
    ['a label of 63 characters', `${label63}.example`],
    ['253 characters', `${label63}.${label63}.${label63}.${'a'.repeat(61)}`],
  ])('%s', (_name, text) => {
    expect(accepted(parseHostName(text)).normal).toBe(text);
  });

  test('a wildcard, where it is allowed', () => {
    expect(accepted(parseHostName('*.Example.com', { allowWildcard: true }))).toEqual({
      normal: '*.example.com',
      labels: ['example', 'com'],
      wildcard: true,
    });
    expect(accepted(parseHostName('example.com', { allowWildcard: true })).wildcard).toBe(false);
  });

  test.each([
    ['an empty text', '', /empty/],
    ['one space, the empty name of RFC 5280', ' ', /' '/],
    ['254 characters', `${label63}.${label63}.${label63}.${'a'.repeat(62)}`, /at most 253/],
    ['a label of 64 characters', `${label63}a.example`, /at most 63/],
    ['a dot at the end', 'example.com.', /no dot at its end/],
    ['a dot in front', '.example.com', /empty labels/],
    ['a double dot', 'a..b', /empty labels/],
    ['a label that begins with a hyphen', 'a.-b.c', /'-': -b/],
    ['a label that ends with a hyphen', 'a.b-.c', /'-': b-/],
    ['an underscore', 'a_b.example', /'_'/],
    ['an IPv4 address', '192.0.2.1', /IP address/],
    ['a short IPv4 address', '127.1', /IP address/],
    ['a hexadecimal IPv4 address', '0x7f000001', /IP address/],
    ['a number', '2130706433', /IP address/],
    ['an IPv6 address', '::1', /':'/],
    ['a port', 'example.com:443', /':'/],
    ['a URL', 'https://example.com', /':'/],
  ])('C6: %s is refused', (_name, text, reason) => {
    expect(refusal(parseHostName(text))).toMatch(reason);
    expect(parseHostName(text, { allowWildcard: true }).ok).toBe(false);
  });

  test.each([
    ['where it is not allowed', '*.example.com', false, /not allowed here/],
    ['alone', '*', true, /whole left-most label/],
    ['above a top-level domain', '*.com', true, /two labels/],
    ['twice', '*.*.example.com', true, /whole left-most label/],
    ['as a part of a label', 'a*.example.com', true, /whole left-most label/],
    ['not left-most', 'a.*.example.com', true, /whole left-most label/],
    ['above an IPv4 address', '*.0.2.1', true, /IP address/],
  ])('C6: a wildcard %s is refused', (_name, text, allowWildcard, reason) => {
    expect(refusal(parseHostName(text, { allowWildcard }))).toMatch(reason);
  });

  test('C6: no look-alikes, control, bidirectional or zero-width characters', () => {
    expectHostileTextRefused(parseHostName, 'csms.example.com');
  });

  test('second opinion: URL software keeps every accepted name as it is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9.-]{1,24}$/), (text) => {
        const result = parseHostName(text);
        fc.pre(result.ok && !text.includes('xn--'));
        expect(new URL(`https://${text}`).hostname).toBe(accepted(result).normal);
      }),
    );
  });
});
