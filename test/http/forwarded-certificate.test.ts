import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forwardedCertificate, headerNames } from '../../src/http/forwarded-certificate.ts';
import { bounded } from '../../src/http/peer-certificates.ts';
import { ServiceError } from '../../src/services/errors.ts';
import { seed } from '../support/chance.ts';
import { loginCertificate } from '../support/client-certificates.ts';

const leaf = loginCertificate();
const above = loginCertificate();
const base64 = (der: Uint8Array) => Buffer.from(der).toString('base64');
const sequence = (der: Uint8Array) => `:${base64(der)}:`;
const bodyOf = (pem: string) => pem.replaceAll(/-----[A-Z ]+-----|\n/g, '');

const names = headerNames('X-SSL-Client-Cert');
const read = (...headers: string[]) => forwardedCertificate(names, headers);
const ofLeaf = (value: string) => read('x-ssl-client-cert', value);
const ofBoth = (value: string, chain: string) =>
  read('X-SSL-Client-Cert', value, 'Host', 'a', 'X-SSL-Client-Cert-Chain', chain);

describe('certificates in headers', () => {
  test.each([
    ['RFC 9440', sequence(leaf.der)],
    ['nginx: all but letters and digits escaped', encodeURIComponent(leaf.cert)],
    ['nginx, as it writes it', leaf.cert.replaceAll('\n', '%0A').replaceAll(' ', '%20')],
    ['an AWS load balancer: plus signs stay', encodeURI(leaf.cert)],
    ['Apache: blanks for line breaks', leaf.cert.trim().replaceAll('\n', ' ')],
    ['HAProxy and Caddy: base64 DER', base64(leaf.der)],
    ['Traefik: PEM without armour', bodyOf(leaf.cert)],
    ['Traefik, escaped', encodeURIComponent(bodyOf(leaf.cert))],
  ])('as %s', (_name, value) => {
    expect(ofLeaf(value)).toEqual([leaf.der]);
  });

  test.each([
    ['RFC 9440', ofBoth(sequence(leaf.der), `${sequence(above.der)}, ${sequence(leaf.der)}`), 3],
    ['an AWS load balancer', ofLeaf(encodeURIComponent(leaf.cert + above.cert)), 2],
    ['Traefik', ofLeaf(`${bodyOf(leaf.cert)},${bodyOf(above.cert)}`), 2],
  ])('with those above, as %s', (_name, chain, count) => {
    expect(chain).toEqual([leaf.der, above.der, leaf.der].slice(0, count));
  });

  test.each(['', ' ', '::', '(null)', '-'])('%j is none', (value) => {
    expect(ofLeaf(value)).toBeUndefined();
    expect(ofBoth(value, '')).toBeUndefined();
  });

  test('of anybody else’s header is none', () => {
    expect(read('Client-Cert', sequence(leaf.der))).toBeUndefined();
  });

  const pem = encodeURIComponent(leaf.cert);
  const truncated = leaf.der.subarray(0, -1);
  test.each([
    ['junk', 'junk'],
    ['half an escape', '%2'],
    ['no UTF-8', '%ff%fe'],
    ['base64 of junk', base64(Buffer.from('junk'))],
    ['bytes that are cut off', sequence(truncated)],
    ['a byte too many', sequence(Uint8Array.of(...leaf.der, 0))],
    ['an open byte sequence', `:${base64(leaf.der)}`],
    ['a byte sequence with parameters', `${sequence(leaf.der)};a=1`],
    ['a comma too many', `${sequence(leaf.der)},`],
    ['base64 that is not canonical', base64(leaf.der).replace(/=*$/, '====')],
    ['base64url', base64(leaf.der).replaceAll('+', '-').replaceAll('/', '_')],
    ['PEM and something else', `${pem}x`],
    ['something else and PEM', `Subject: x ${leaf.cert}`],
    ['a key in PEM', encodeURIComponent(leaf.key)],
    ['a certificate and a key', encodeURIComponent(leaf.cert + leaf.key)],
    ['PEM in PEM', encodeURIComponent(leaf.cert.replace('\n', `\n${leaf.cert}`))],
    ['armour without an end', encodeURIComponent(leaf.cert.slice(0, -20))],
    ['an element of Envoy’s header', `Hash=1;Cert="${pem}"`],
    ['a distinguished name', 'CN=csms-1.example'],
  ])('%s is refused', (_name, value) => {
    expect(() => ofLeaf(value)).toThrow(expect.objectContaining(refusal));
    expect(() => ofBoth(sequence(leaf.der), value)).toThrow(expect.objectContaining(refusal));
  });

  const refusal = { name: 'ServiceError', code: 'client-certificate-unreadable' };

  test.each([
    ['leaf', ['X-SSL-Client-Cert', '', 'x-ssl-client-cert', sequence(leaf.der)]],
    [
      'the same leaf',
      Array(2)
        .fill(['x-ssl-client-cert', sequence(leaf.der)])
        .flat(),
    ],
    [
      'chain',
      [
        ...['x-ssl-client-cert', sequence(leaf.der)],
        ...Array(2)
          .fill(['x-ssl-client-cert-chain', sequence(above.der)])
          .flat(),
      ],
    ],
  ])('a second %s is refused: one may be the client’s own', (_name, headers) => {
    expect(() => read(...headers)).toThrow(expect.objectContaining(refusal));
  });

  test('a chain without a leaf is refused', () => {
    expect(() => ofBoth('', sequence(above.der))).toThrow(expect.objectContaining(refusal));
  });

  test('ten certificates are read, eleven refused', () => {
    const list = (count: number) => Array(count).fill(sequence(above.der)).join(', ');
    expect(ofBoth(sequence(leaf.der), list(9))).toHaveLength(10);
    expect(() => ofBoth(sequence(leaf.der), list(10))).toThrow(expect.objectContaining(refusal));
  });

  test('a certificate of more than 16 KiB is refused, whoever presents it', () => {
    expect(bounded([leaf.der, new Uint8Array(16 * 1024)])).toHaveLength(2);
    const large = new Uint8Array(16 * 1024 + 1);
    expect(() => bounded([leaf.der, large])).toThrow(expect.objectContaining(refusal));
  });

  test('whatever stands there, it ends in certificates or in that refusal', () => {
    const piece = fc.constantFrom(
      ...[':', ',', ' ', '%', '%0A', '=', '-----', '-----BEGIN CERTIFICATE-----', '(null)'],
      ...['-----END CERTIFICATE-----', base64(leaf.der), pem, 'A'],
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 8 }), (pieces) => {
        try {
          const found = ofLeaf(pieces.join(''));
          for (const der of found ?? []) expect([leaf.der]).toContainEqual(der);
        } catch (error) {
          expect(error).toBeInstanceOf(ServiceError);
          expect(error).toMatchObject(refusal);
        }
      }),
      { seed: Number(seed), numRuns: 300 },
    );
  });
});
