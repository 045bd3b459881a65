import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeGetPath, ocspCacheHeaders, ocspEtag } from '../../../src/pki/ocsp/http.ts';
import { certIdOf, hex, requestFor } from '../../support/ocsp.ts';

/** Bytes whose base64 needs every character that paths have trouble with: `MPv//8/++P8=`. */
const awkward = Buffer.from('30fbffffcffef8ff', 'hex');
const base64 = awkward.toString('base64');

describe('decodeGetPath (RFC 6960 A.1, RFC5019-5-4, RFC5019-5-6)', () => {
  test('the awkward bytes are awkward', () => {
    expect(base64).toBe('MPv//8/++P8=');
  });

  test.each([
    ['URL-encoded', 'MPv%2F%2F8%2F%2B%2BP8%3D'],
    ['URL-encoded in lower case', 'MPv%2f%2f8%2f%2b%2bP8%3d'],
    ['not encoded', 'MPv//8/++P8='],
    ['only the slashes encoded', 'MPv%2F%2F8%2F++P8='],
    ['only the padding encoded', 'MPv//8/++P8%3D'],
    ['without padding', 'MPv//8/++P8'],
    ['with too much padding', 'MPv//8/++P8=='],
    ['URL-safe alphabet', 'MPv__8_--P8='],
    ['URL-safe alphabet without padding', 'MPv__8_--P8'],
    ['both alphabets', 'MPv/_8_-+P8='],
    ['plus signs become spaces', 'MPv//8/%20%20P8='],
    ['letters encoded too', '%4DPv//8/++P8='],
    ['a slash before', '/MPv//8/++P8='],
    ['two slashes before', '//MPv//8/++P8='],
    ['an encoded slash before', '%2FMPv//8/++P8='],
  ])('%s', (_, path) => {
    expect(hex(decodeGetPath(path) ?? new Uint8Array(0))).toBe(hex(awkward));
  });

  test.each([
    ['nothing', ''],
    ['only slashes', '//'],
    ['only padding', '=='],
    ['an incomplete escape', 'MPv%2'],
    ['an escape that is no UTF-8', 'MPv%FF'],
    ['a letter beyond ASCII', 'MPv%C3%A4'],
    ['encoded twice', 'MPv%252F%252F8%252F%252B%252BP8%253D'],
    ['RFC5019-5-5: a line break', 'MPv//8/+%0A+P8='],
    ['RFC5019-5-5: a carriage return', 'MPv//8/+%0D%0A+P8='],
    ['a query', 'MPv//8/++P8=?x=1'],
    ['padding inside', 'MPv=//8/++P8='],
    ['three padding characters', 'MPv//8/++P8==='],
    ['a slash behind', 'MPv//8/++P8=/'],
    ['a slash lost on its way', 'MPv/8/++P8='],
    ['one character too many', 'MPv//8/++P8AA'],
    ['stray bits at the end', 'MPv//8/++P9='],
    ['a NUL', 'MPv%00'],
  ])('refused: %s', (_, path) => {
    expect(decodeGetPath(path)).toBeUndefined();
  });

  test('O1: 2 KiB encoded are decoded, one character more is not', () => {
    expect(decodeGetPath('A'.repeat(2048))).toHaveLength(1536);
    expect(decodeGetPath(`/${'A'.repeat(2048)}`)).toBeUndefined();
  });

  test('any request comes back from any of the usual encodings', () => {
    const encodings: ((text: string) => string)[] = [
      (text) => text,
      encodeURIComponent,
      (text) => text.replace(/=+$/, ''),
      (text) => `//${text}`,
      (text) => text.replaceAll('+', '-').replaceAll('/', '_'),
    ];
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(...encodings),
        (tail, encode) => {
          const der = Buffer.concat([new Uint8Array([0x30]), tail]);
          const path = encode(der.toString('base64'));
          expect(hex(decodeGetPath(path) ?? new Uint8Array(0))).toBe(hex(der));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (path) => {
        const der = decodeGetPath(path);
        expect(der === undefined || der.length > 0).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('headers (O8, RFC 5019 6.2)', () => {
  const thisUpdate = new Date('2026-03-01T08:00:00Z');
  const nextUpdate = new Date('2026-03-09T08:00:00Z');
  const etag = ocspEtag(requestFor([certIdOf(1)]));
  const at = (now: string) => ocspCacheHeaders({ etag, thisUpdate, nextUpdate }, new Date(now));

  test('say when the answer was right and until when', () => {
    expect(at('2026-03-01T09:00:00.123Z')).toEqual({
      'Last-Modified': 'Sun, 01 Mar 2026 08:00:00 GMT',
      Expires: 'Mon, 09 Mar 2026 08:00:00 GMT',
      ETag: etag,
      'Cache-Control': 'max-age=60, public, no-transform, must-revalidate',
    });
  });

  test.each([
    ['2026-03-09T07:58:59.999Z', 60],
    ['2026-03-09T07:59:00Z', 60],
    ['2026-03-09T07:59:00.001Z', 59],
    ['2026-03-09T07:59:59.500Z', 0],
    ['2026-03-09T08:00:00Z', 0],
    ['2026-03-10T00:00:00Z', 0],
  ])('RFC5019-6.1-2: at %s max-age is %i, never beyond nextUpdate', (now, maxAge) => {
    expect(at(now)['Cache-Control']).toMatch(new RegExp(`^max-age=${maxAge},`));
  });

  test('RFC5019-6.2-1: nothing forbids to cache', () => {
    expect(at('2026-03-01T09:00:00Z')['Cache-Control']).not.toMatch(/no-cache|no-store/);
  });

  test('RFC 5019 6.2: the ETag is the SHA-256 of the response in hex, quoted', () => {
    expect(ocspEtag(new Uint8Array(0))).toBe(
      '"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"',
    );
  });
});
