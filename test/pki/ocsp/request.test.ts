import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  bitString,
  element,
  explicit,
  implicit,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  set,
  utf8String,
} from '../../../src/pki/der-writer.ts';
import { hashOids, ocspHashes } from '../../../src/pki/ocsp/hashes.ts';
import {
  MAX_CERT_IDS,
  MAX_OCSP_REQUEST_BYTES,
  type OcspRequest,
  readOcspRequest,
} from '../../../src/pki/ocsp/request.ts';
import { ocsp } from '../../../src/pki/oids.ts';
import { writeRawExtension } from '../../../src/pki/raw-extensions.ts';
import {
  certIdOf,
  extensionsField,
  hex,
  mutated,
  nonceExtension,
  randomNumbers,
  requestFor,
  requestOf,
  single,
} from '../../support/ocsp.ts';

function read(der: Uint8Array): OcspRequest {
  const request = readOcspRequest(der);
  if ('fault' in request) throw new Error(request.message);
  return request;
}

function faultOf(der: Uint8Array): string {
  const request = readOcspRequest(der);
  if (!('fault' in request)) throw new Error('was accepted');
  expect(request.fault).toBe('malformedRequest');
  return request.message;
}

const certId = certIdOf(1);
const list = sequence(single(certId));
const nonce = new Uint8Array(32).fill(7);
const unknownOid = '1.3.6.1.4.1.99999.1';
const unknown = (critical: boolean) => writeRawExtension(unknownOid, critical, nullValue());

/** A CertID with any algorithm and hashes. */
const certIdWith = (algorithm: Uint8Array, octets: number, keyOctets = octets): Uint8Array =>
  sequence(
    algorithm,
    octetString(new Uint8Array(octets)),
    octetString(new Uint8Array(keyOctets)),
    integer(5),
  );

describe('what a request asks', () => {
  test.each(ocspHashes)('RFC 6960 4.1.1: a CertID with %s', (hash) => {
    const der = certIdOf(3, hash);
    const { certIds } = read(requestFor([der]));
    expect(certIds).toHaveLength(1);
    const [asked] = certIds;
    expect(asked?.hashAlgorithm).toBe(hash);
    expect(hex(asked?.issuerNameHash ?? nonce)).toBe(
      createHash(hash).update('issuer name').digest('hex'),
    );
    expect(hex(asked?.issuerKeyHash ?? nonce)).toBe(
      createHash(hash).update('issuer key').digest('hex'),
    );
    expect(hex(asked?.serialNumber ?? nonce)).toBe('1103');
    expect(hex(asked?.certIdDer ?? nonce)).toBe(hex(der));
  });

  test('parameters NULL and absent are both kept as they are', () => {
    const withNull = certIdWith(sequence(oid(hashOids.sha256), nullValue()), 32);
    const without = certIdWith(sequence(oid(hashOids.sha256)), 32);
    const { certIds } = read(requestFor([withNull, without]));
    expect(certIds.map((id) => id.hashAlgorithm)).toEqual(['sha256', 'sha256']);
    expect(certIds.map((id) => hex(id.certIdDer))).toEqual([hex(withNull), hex(without)]);
  });

  test('a hash function that nobody knows is no fault of the request', () => {
    const md5 = certIdWith(sequence(oid('1.2.840.113549.2.5'), nullValue()), 16);
    const odd = certIdWith(sequence(oid('1.2.3'), sequence(integer(1))), 7, 0);
    const { certIds } = read(requestFor([md5, odd, certId]));
    expect(certIds.map((id) => id.hashAlgorithm)).toEqual([undefined, undefined, 'sha1']);
    expect(certIds.map((id) => hex(id.certIdDer))).toEqual([hex(md5), hex(odd), hex(certId)]);
  });

  test('RFC 6960 4.2.2.3: five CertIDs in order, one of them twice', () => {
    const asked = [certIdOf(1), certIdOf(2), certIdOf(1), certIdOf(4, 'sha512', 'foreign'), certId];
    expect(read(requestFor(asked)).certIds.map((id) => hex(id.certIdDer))).toEqual(asked.map(hex));
  });

  test.each([
    ['zero', '00', '020100'],
    ['negative', 'ff7f', '0202ff7f'],
    ['of 20 octets', `7f${'ab'.repeat(19)}`, `02147f${'ab'.repeat(19)}`],
    ['of 30 octets', `7f${'ab'.repeat(29)}`, `021e7f${'ab'.repeat(29)}`],
  ])('a serial number %s is just one that was never issued', (_, expected, der) => {
    const hash = octetString(new Uint8Array(20));
    const id = sequence(sequence(oid(hashOids.sha1)), hash, hash, Buffer.from(der, 'hex'));
    expect(hex(read(requestFor([id])).certIds[0]?.serialNumber ?? nonce)).toBe(expected);
  });

  test('O1: 32 CertIDs with the longest hashes are read, 33 are not', () => {
    const many = (count: number, hash: 'sha1' | 'sha512') =>
      requestFor(Array.from({ length: count }, (_, i) => certIdOf(i, hash)));
    expect(read(many(MAX_CERT_IDS, 'sha512')).certIds).toHaveLength(32);
    expect(faultOf(many(33, 'sha1'))).toContain('more than 32');
  });

  test('O1: 8 KiB are read, one byte more is not', () => {
    const padded = (octets: number) =>
      requestFor([certId], writeRawExtension(unknownOid, false, new Uint8Array(octets)));
    const overhead = padded(8000).length - 8000;
    const largest = padded(MAX_OCSP_REQUEST_BYTES - overhead);
    expect(largest).toHaveLength(8192);
    expect(read(largest).certIds).toHaveLength(1);
    expect(faultOf(padded(MAX_OCSP_REQUEST_BYTES - overhead + 1))).toContain('8192');
  });
});

describe('nonce (O4, RFC 9654 2.1, RFC8954-2.1-2, RFC8954-2.1-5)', () => {
  test.each([1, 15, 16, 32, 33, 127, 128])('RFC 9654 2.1: %i octets are kept', (octets) => {
    const value = new Uint8Array(octets).fill(0xc5);
    expect(read(requestFor([certId], nonceExtension(value))).nonce).toEqual(value);
  });

  test.each([0, 129, 1000])('RFC 9654 2.1: %i octets are refused', (octets) => {
    expect(faultOf(requestFor([certId], nonceExtension(new Uint8Array(octets))))).toContain(
      `a nonce of ${octets} octets`,
    );
  });

  test('none is none; a critical one is one', () => {
    expect(read(requestFor([certId])).nonce).toBeUndefined();
    expect(read(requestFor([certId], nonceExtension(nonce, true))).nonce).toEqual(nonce);
  });

  test.each([
    ['bare', nonce],
    ['empty', new Uint8Array(0)],
    ['followed by something', new Uint8Array([4, 1, 9, 0])],
    ['longer than its wrapping', new Uint8Array([4, 9, 1])],
    ['of another type', integer(5)],
  ])('RFC 9654 2.1: one that is %s is refused', (_, value) => {
    faultOf(requestFor([certId], writeRawExtension(ocsp.nonce, false, value)));
  });

  test('two are refused', () => {
    const two = requestFor([certId], nonceExtension(nonce), nonceExtension(nonce));
    expect(faultOf(two)).toContain('repeated');
  });
});

describe('other extensions', () => {
  test('RFC6960-4.1.2-1: unknown ones are ignored unless critical', () => {
    expect(read(requestFor([certId], unknown(false), nonceExtension(nonce))).nonce).toEqual(nonce);
    expect(faultOf(requestFor([certId], unknown(true), nonceExtension(nonce)))).toContain(
      unknownOid,
    );
  });

  test('RFC6960-4.1.2-1: the same for those of a single request', () => {
    const withSingle = (critical: boolean) =>
      requestOf(sequence(single(certId, unknown(critical)), single(certId)));
    expect(read(withSingle(false)).certIds).toHaveLength(2);
    expect(faultOf(withSingle(true))).toContain(unknownOid);
  });

  test('RFC 6960 4.4.6: a critical service locator is refused, we forward nothing', () => {
    const locator = (critical: boolean) =>
      requestOf(
        sequence(single(certId, writeRawExtension(ocsp.serviceLocator, critical, sequence()))),
      );
    expect(read(locator(false)).certIds).toHaveLength(1);
    faultOf(locator(true));
  });

  test('a repeated one in a single request is refused', () => {
    const twice = requestOf(sequence(single(certId, unknown(false), unknown(false))));
    expect(faultOf(twice)).toContain('repeated');
  });

  const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
  test.each([
    ['one', sequence(sequence(algorithm))],
    ['a key with it', sequence(sequence(algorithm, sequence(oid('1.2.3'), oid('1.2.4'))))],
    ['weak ones', sequence(sequence(sequence(oid('1.2.840.113549.1.1.5'), nullValue())))],
    ['none', sequence()],
  ])('RFC6960-4.4.7.1-1, RFC6960-5.1.2-1: preferred algorithms change nothing: %s', (_, value) => {
    const extension = writeRawExtension(ocsp.preferredSignatureAlgorithms, true, value);
    expect(read(requestFor([certId], extension))).toEqual({
      ...read(requestFor([certId])),
      certIds: expect.anything(),
    });
  });

  test.each([
    ['no sequence', integer(1)],
    ['an OID alone', sequence(oid('1.2.3'))],
    ['an empty preference', sequence(sequence())],
    ['two parameters', sequence(sequence(sequence(oid('1.2.3'), nullValue(), nullValue())))],
    ['a third part', sequence(sequence(algorithm, algorithm, algorithm))],
  ])('preferred algorithms that are %s are refused', (_, value) => {
    faultOf(
      requestFor([certId], writeRawExtension(ocsp.preferredSignatureAlgorithms, false, value)),
    );
  });

  test('RFC6960-4.4.3-1: acceptable responses are checked for their form', () => {
    const acceptable = (value: Uint8Array) =>
      requestFor([certId], writeRawExtension(ocsp.acceptableResponses, true, value));
    expect(read(acceptable(sequence(oid(ocsp.basicResponse)))).certIds).toHaveLength(1);
    faultOf(acceptable(sequence(integer(1))));
    faultOf(acceptable(oid(ocsp.basicResponse)));
  });
});

describe('who asks does not matter', () => {
  const name = sequence(set(sequence(oid('2.5.4.3'), utf8String('Station'))));
  const directory = explicit(1, explicit(4, name));
  const signature = (...certificates: Uint8Array[]) =>
    explicit(
      0,
      sequence(
        sequence(oid('1.2.840.10045.4.3.2')),
        bitString(new Uint8Array(70)),
        ...(certificates.length > 0 ? [explicit(0, sequence(...certificates))] : []),
      ),
    );

  test('RFC5019-2.1.2-2: requestorName without a signature', () => {
    expect(read(requestOf(directory, list)).certIds).toHaveLength(1);
    const uri = explicit(1, implicit(6, Buffer.from('urn:station:1')));
    expect(read(requestOf(uri, list)).certIds).toHaveLength(1);
  });

  test('RFC6960-4.1.2-2: a signature is not verified', () => {
    const tbs = sequence(directory, list);
    expect(read(sequence(tbs, signature())).certIds).toHaveLength(1);
    expect(read(sequence(tbs, signature(sequence(integer(1))))).certIds).toHaveLength(1);
  });

  test.each([
    ['a name without its wrapping', requestOf(implicit(6, Buffer.from('urn:x')), list)],
    [
      'two names',
      requestOf(explicit(1, implicit(6, Buffer.from('urn:x')), explicit(4, name)), list),
    ],
    ['an empty name', requestOf(element(0xa1), list)],
    ['a signature that is none', sequence(sequence(list), explicit(0, integer(1)))],
    [
      'a signature without algorithm',
      sequence(sequence(list), explicit(0, sequence(bitString(nonce)))),
    ],
    ['a certificate that is none', sequence(sequence(list), signature(integer(1)))],
    [
      'a certificate in BER',
      sequence(sequence(list), signature(sequence(new Uint8Array([0x30, 0x80, 0, 0])))),
    ],
    [
      'something behind the certificates of a signature',
      sequence(
        sequence(list),
        explicit(
          0,
          sequence(
            sequence(oid('1.2.840.10045.4.3.2')),
            bitString(nonce),
            explicit(0, sequence()),
            integer(1),
          ),
        ),
      ),
    ],
    ['a second signature', sequence(sequence(list), signature(), signature())],
  ])('but %s is refused', (_, der) => {
    faultOf(der);
  });
});

describe('what is no request', () => {
  const request = requestFor([certId]);
  const hash = octetString(new Uint8Array(20));
  const sha1 = sequence(oid(hashOids.sha1), nullValue());

  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['text', Buffer.from('GET / HTTP/1.1')],
    ['hex of a request', Buffer.from(hex(request))],
    ['trailing bytes', Buffer.concat([request, new Uint8Array([0])])],
    ['a cut request', request.subarray(0, request.length - 1)],
    [
      'an indefinite length',
      Buffer.concat([new Uint8Array([0x30, 0x80]), request.subarray(2), new Uint8Array(2)]),
    ],
    [
      'a length that is not minimal',
      Buffer.concat([new Uint8Array([0x30, 0x81]), request.subarray(1)]),
    ],
    ['no list', requestOf()],
    ['an empty list', requestOf(sequence())],
    ['the default version written out (X.690 11.5)', requestOf(explicit(0, integer(0)), list)],
    ['version 2', requestOf(explicit(0, integer(1)), list)],
    ['empty extensions', requestOf(list, extensionsField())],
    ['extensions before the list', requestOf(extensionsField(unknown(false)), list)],
    [
      'extensions twice',
      requestOf(list, extensionsField(unknown(false)), extensionsField(unknown(false))),
    ],
    [
      'critical FALSE written out',
      requestOf(
        list,
        extensionsField(sequence(oid(unknownOid), new Uint8Array([1, 1, 0]), octetString(nonce))),
      ),
    ],
    ['a short name hash', requestFor([certIdWith(sha1, 19, 20)])],
    ['a long key hash', requestFor([certIdWith(sha1, 20, 21)])],
    ['SHA-1 lengths with SHA-256', requestFor([certIdWith(sequence(oid(hashOids.sha256)), 20)])],
    [
      'parameters that are not NULL',
      requestFor([certIdWith(sequence(oid(hashOids.sha1), integer(0)), 20)]),
    ],
    [
      'parameters twice',
      requestFor([certIdWith(sequence(oid(hashOids.sha1), nullValue(), nullValue()), 20)]),
    ],
    [
      'parameters in BER of an unknown hash',
      requestFor([certIdWith(sequence(oid('1.2.3'), sequence(new Uint8Array([0x24, 0]))), 20)]),
    ],
    [
      'a serial number that is not minimal',
      requestFor([sequence(sha1, hash, hash, new Uint8Array([2, 2, 0, 1]))]),
    ],
    ['an empty serial number', requestFor([sequence(sha1, hash, hash, new Uint8Array([2, 0]))])],
    ['no serial number', requestFor([sequence(sha1, hash, hash)])],
    [
      'something behind the serial number',
      requestFor([sequence(sha1, hash, hash, integer(1), integer(1))]),
    ],
    ['something behind a CertID', requestOf(sequence(sequence(certId, integer(1))))],
  ])('O1: %s', (_, der) => {
    expect(faultOf(der)).toMatch(/^The request is refused: .+\.$/);
  });
});

test('a version is refused as such', () => {
  expect(faultOf(requestOf(explicit(0, integer(0)), list))).toContain('version');
});

test('O1: 20,000 mutated requests are read or refused, and nothing is ever thrown', () => {
  const seeds = [
    requestFor([certId], nonceExtension(nonce)),
    requestFor([certIdOf(1, 'sha256'), certIdOf(2, 'sha512'), certIdOf(1)]),
    requestFor(
      [certId],
      writeRawExtension(
        ocsp.preferredSignatureAlgorithms,
        false,
        sequence(sequence(sequence(oid('1.2.840.10045.4.3.2')))),
      ),
    ),
    sequence(
      sequence(
        explicit(1, implicit(6, Buffer.from('urn:x'))),
        sequence(single(certId, unknown(false))),
      ),
      explicit(
        0,
        sequence(
          sequence(oid('1.2.840.10045.4.3.2')),
          bitString(new Uint8Array(70)),
          explicit(0, sequence(sequence(integer(1)))),
        ),
      ),
    ),
  ];
  const random = randomNumbers(20260101);
  let readable = 0;
  for (let i = 0; i < 20_000; i++) {
    const der = mutated(seeds[i % seeds.length] ?? nonce, random);
    const result = readOcspRequest(der);
    if ('fault' in result) {
      if (result.fault !== 'malformedRequest' || result.message === '') throw new Error(hex(der));
      continue;
    }
    readable++;
    const { certIds } = result;
    if (certIds.length === 0 || certIds.length > 32) throw new Error(hex(der));
    for (const { certIdDer } of certIds) {
      if (!Buffer.from(der).includes(Buffer.from(certIdDer))) throw new Error(hex(der));
    }
  }
  // Mutations of hashes, serial numbers and nonces leave a request; the rest must be refused.
  expect(readable).toBeGreaterThan(500);
  expect(readable).toBeLessThan(15_000);
});
