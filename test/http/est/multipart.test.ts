import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyAndCertificate, multipartType } from '../../../src/http/est/multipart.ts';
import { seed } from '../../support/chance.ts';

const text = (body: Uint8Array): string => Buffer.from(body).toString('latin1');
const octets = fc.uint8Array({ maxLength: 400 });

/** The parts as RFC 2046 5.1.1 tells a receiver to find them. */
function partsOf(body: string, boundary: string): { headers: string[]; content: string }[] {
  const [preamble, ...pieces] = `\r\n${body}`.split(`\r\n--${boundary}`);
  expect(preamble).toBe('');
  expect(pieces.pop()).toBe('--\r\n');
  return pieces.map((piece) => {
    expect(piece.startsWith('\r\n')).toBe(true);
    const end = piece.indexOf('\r\n\r\n');
    return { headers: piece.slice(2, end).split('\r\n'), content: piece.slice(end + 4) };
  });
}

describe('RFC 7030 4.4.2: a key and its certificate', () => {
  test('as a whole', () => {
    const body = keyAndCertificate('estServerBoundary', Buffer.from('key'), Buffer.from('cert'));
    expect(text(body)).toBe(
      [
        '--estServerBoundary',
        'Content-Type: application/pkcs8',
        'Content-Transfer-Encoding: base64',
        '',
        'a2V5',
        '--estServerBoundary',
        'Content-Type: application/pkcs7-mime; smime-type=certs-only',
        'Content-Transfer-Encoding: base64',
        '',
        'Y2VydA==',
        '--estServerBoundary--',
        '',
      ].join('\r\n'),
    );
    expect(multipartType('estServerBoundary')).toBe('multipart/mixed; boundary=estServerBoundary');
  });

  test('both come back, in lines of 64, each with its headers', () => {
    fc.assert(
      fc.property(octets, octets, (key, certificates) => {
        const parts = partsOf(text(keyAndCertificate('b', key, certificates)), 'b');
        expect(parts.map(({ headers }) => headers)).toEqual([
          ['Content-Type: application/pkcs8', 'Content-Transfer-Encoding: base64'],
          [
            'Content-Type: application/pkcs7-mime; smime-type=certs-only',
            'Content-Transfer-Encoding: base64',
          ],
        ]);
        const wrapped = (raw: Uint8Array): string =>
          (
            Buffer.from(raw)
              .toString('base64')
              .match(/.{1,64}/g) ?? []
          ).join('\r\n');
        expect(parts.map(({ content }) => content)).toEqual([wrapped(key), wrapped(certificates)]);
      }),
      { seed: Number(seed) },
    );
  });

  test('K4: the body has memory of its own, which can be overwritten', () => {
    const body = keyAndCertificate('b', new Uint8Array(100).fill(7), new Uint8Array(10));
    expect(body.byteOffset).toBe(0);
    expect(body.buffer.byteLength).toBe(body.length);
    expect(Buffer.isBuffer(body)).toBe(false);
  });

  test.each(['', 'a'.repeat(71), 'with space', 'a"b', 'a\r\nContent-Length: 0', 'a;b', 'ü'])(
    '%j is no boundary',
    (boundary) => {
      const none = new Uint8Array(0);
      expect(() => keyAndCertificate(boundary, none, none)).toThrow(RangeError);
      expect(() => multipartType(boundary)).toThrow(RangeError);
    },
  );
});
