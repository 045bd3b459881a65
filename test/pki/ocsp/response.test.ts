import { describe, expect, test } from 'vitest';
import { DerError, tags } from '../../../src/pki/der-element.ts';
import {
  bitString,
  explicit,
  generalizedTime,
  implicit,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
} from '../../../src/pki/der-writer.ts';
import { keyIdentifier } from '../../../src/pki/key-identifier.ts';
import {
  assembleOcspResponse,
  buildOcspResponseData,
  type OcspAnswers,
  ocspError,
  type SingleAnswer,
} from '../../../src/pki/ocsp/build-response.ts';
import type { CertificateStatus } from '../../../src/pki/ocsp/certificate-status.ts';
import {
  MAX_OCSP_RESPONSE_BYTES,
  readOcspResponse,
  readOcspResponseData,
  type SuccessfulOcspResponse,
} from '../../../src/pki/ocsp/read-response.ts';
import { responseStatusOf } from '../../../src/pki/ocsp/response-status.ts';
import { ocsp } from '../../../src/pki/oids.ts';
import { writeRawExtension } from '../../../src/pki/raw-extensions.ts';
import { verifySignature } from '../../../src/pki/signature-algorithm.ts';
import { generateKey, signWith } from '../../support/issuing.ts';
import { bytes, certIdOf, hex, mutated, randomNumbers } from '../../support/ocsp.ts';

const producedAt = new Date('2026-01-02T03:04:05Z');
const thisUpdate = new Date('2026-01-01T00:00:00Z');
const nextUpdate = new Date('2026-01-09T00:00:00Z');
const certId = certIdOf(1);
const responderKeyHash = new Uint8Array(20).fill(0x11);

const answer = (changes: Partial<SingleAnswer> = {}): SingleAnswer => ({
  certIdDer: certId,
  status: { kind: 'good' },
  thisUpdate,
  nextUpdate,
  ...changes,
});
const build = (changes: Partial<OcspAnswers> = {}): Uint8Array =>
  buildOcspResponseData({ responderKeyHash, producedAt, responses: [answer()], ...changes });

const text = (value: string): string => Buffer.from(value).toString('hex');
const good = '8000';
const responderId = `a2160414${'11'.repeat(20)}`;
const produced = `180f${text('20260102030405Z')}`;
const update = `180f${text('20260101000000Z')}a011180f${text('20260109000000Z')}`;

describe('ResponseData, byte for byte', () => {
  test('RFC6960-4.2.2.3-1, RFC6960-4.2.2.3-2: version absent, responder by key', () => {
    const single = `3063${hex(certId)}${good}${update}`;
    expect(certId).toHaveLength(61);
    expect(hex(build())).toBe(`308190${responderId}${produced}3065${single}`);
  });

  test.each<[string, CertificateStatus, string]>([
    ['good is [0] NULL', { kind: 'good' }, '8000'],
    ['unknown is [2] NULL', { kind: 'unknown' }, '8200'],
    [
      'revoked is [1] with a time',
      { kind: 'revoked', at: new Date('2025-12-31T23:59:59Z') },
      `a111180f${text('20251231235959Z')}`,
    ],
    [
      'the reason is [0] EXPLICIT ENUMERATED',
      { kind: 'revoked', at: new Date('2025-12-31T23:59:59Z'), reason: 'keyCompromise' },
      `a116180f${text('20251231235959Z')}a0030a0101`,
    ],
    [
      'RFC 5280 5.3.1: unspecified is left out',
      { kind: 'revoked', at: new Date('2025-12-31T23:59:59Z'), reason: 'unspecified' },
      `a111180f${text('20251231235959Z')}`,
    ],
    [
      'privilegeWithdrawn is 9, and 2050 has the same form',
      { kind: 'revoked', at: new Date('2050-01-01T00:00:00Z'), reason: 'privilegeWithdrawn' },
      `a116180f${text('20500101000000Z')}a0030a0109`,
    ],
  ])('%s', (_, status, expected) => {
    const der = build({ responses: [answer({ status })] });
    expect(hex(der)).toContain(`${hex(certId)}${expected}${update}`);
    const [read] = readOcspResponseData(der).responses;
    const unspecified = status.kind === 'revoked' && status.reason === 'unspecified';
    expect(read?.status).toEqual(unspecified ? { kind: status.kind, at: status.at } : status);
  });

  test('O4: the nonce is repeated byte for byte', () => {
    const nonce = bytes('00ff80');
    const der = build({ nonce });
    // Extensions, Extension, the OID of the nonce, extnValue, and in it an OCTET STRING.
    expect(hex(der)).toMatch(/a1163014301206092b06010505073001020405040300ff80$/);
    expect(readOcspResponseData(der).nonce).toEqual(nonce);
  });

  test('RFC6960-4.4.8-2, RFC6960-4.4.8-3, RFC6960-4.4.8-4: extendedRevoke is NULL, only if asked', () => {
    const extension = '300f06092b060105050730010904020500';
    expect(hex(build({ extendedRevoke: true }))).toMatch(new RegExp(`a1133011${extension}$`));
    expect(hex(build())).not.toContain('2b0601050507300109');
    expect(hex(build({ extendedRevoke: false }))).toBe(hex(build()));
  });

  test('RFC6960-4.4.4-1: the archive cutoff is a GeneralizedTime in singleExtensions', () => {
    const archiveCutoff = new Date('2020-01-01T00:00:00Z');
    const der = build({ responses: [answer({ archiveCutoff })] });
    const extension = `301e06092b06010505073001060411180f${text('20200101000000Z')}`;
    expect(hex(der)).toContain(`${update}a1223020${extension}`);
    expect(readOcspResponseData(der).responses[0]?.archiveCutoff).toEqual(archiveCutoff);
  });

  test('RFC6960-4.2.2.3-3: an answer for each CertID, in order, with its bytes', () => {
    const ids = [certIdOf(1), certIdOf(2, 'sha512'), certIdOf(1), certIdOf(9, 'sha256', 'foreign')];
    const { responses } = readOcspResponseData(
      build({ responses: ids.map((certIdDer) => answer({ certIdDer })) }),
    );
    expect(responses.map((response) => hex(response.certId.certIdDer))).toEqual(ids.map(hex));
  });
});

describe('what is not built', () => {
  test.each<[string, Partial<OcspAnswers>]>([
    ['no answers', { responses: [] }],
    ['a key hash that is not SHA-1', { responderKeyHash: new Uint8Array(32) }],
    ['RFC5019-2.2.4-4: producedAt with a fraction', { producedAt: new Date(1) }],
    ['a producedAt that is no time', { producedAt: new Date(Number.NaN) }],
    ['thisUpdate with a fraction', { responses: [answer({ thisUpdate: new Date(999) })] }],
    ['nextUpdate with a fraction', { responses: [answer({ nextUpdate: new Date(1001) })] }],
    ['an archive cutoff with a fraction', { responses: [answer({ archiveCutoff: new Date(1) })] }],
    [
      'a revocation with a fraction',
      { responses: [answer({ status: { kind: 'revoked', at: new Date(1) } })] },
    ],
    ['O4: an empty nonce', { nonce: new Uint8Array(0) }],
    ['O4: a nonce of 129 octets', { nonce: new Uint8Array(129) }],
    ['a CertID that is none', { responses: [answer({ certIdDer: integer(1) })] }],
    ['two CertIDs', { responses: [answer({ certIdDer: Buffer.concat([certId, certId]) })] }],
  ])('%s', (_, changes) => {
    expect(() => build(changes)).toThrow(RangeError);
  });
});

describe('OCSPResponse', () => {
  test.each([
    ['malformedRequest', '30030a0101'],
    ['internalError', '30030a0102'],
    ['tryLater', '30030a0103'],
    ['sigRequired', '30030a0105'],
    ['unauthorized', '30030a0106'],
  ] as const)('RFC 6960 2.3: %s is a status without a body', (status, expected) => {
    expect(hex(ocspError(status))).toBe(expected);
    expect(readOcspResponse(ocspError(status))).toEqual({ status });
  });

  test.each([4, 7, -1])('%i is no status', (number) => {
    expect(responseStatusOf(number)).toBeUndefined();
  });

  const key = generateKey('P-256');
  const tbs = build({ responderKeyHash: keyIdentifier(key.publicKey, 20) });
  const signature = signWith(key, tbs);
  const read = (der: Uint8Array): SuccessfulOcspResponse => {
    const response = readOcspResponse(der);
    if (response.status !== 'successful') throw new Error(response.status);
    return response;
  };

  test('RFC6960-4.2.1-3, RFC6960-4.2.1-4: what was signed is what is read and verified', () => {
    const response = read(assembleOcspResponse(tbs, 'ecdsa-with-SHA256', signature, []));
    expect(hex(response.tbs)).toBe(hex(tbs));
    expect(response.signatureAlgorithm).toBe('ecdsa-with-SHA256');
    expect(response.certificates).toEqual([]);
    expect(response.data.responderId).toEqual({
      kind: 'key',
      hash: keyIdentifier(key.publicKey, 20),
    });
    expect(response.data.producedAt).toEqual(producedAt);
    expect(response.data.responses[0]).toMatchObject({ thisUpdate, nextUpdate });
    const verifies = (signed: Uint8Array) =>
      verifySignature(key.publicKey, 'ecdsa-with-SHA256', signed, response.signature);
    expect(verifies(response.tbs)).toBe(true);
    expect(verifies(build())).toBe(false);
  });

  test('RFC5019-2.2.2-2: certificates come along in their order; none means no field', () => {
    const certificates = [sequence(integer(1)), sequence(integer(2))];
    const der = assembleOcspResponse(tbs, 'ecdsa-with-SHA256', signature, certificates);
    expect(read(der).certificates.map(hex)).toEqual(['3003020101', '3003020102']);
    expect(hex(der)).toMatch(/a00c300a30030201013003020102$/);
    const bare = assembleOcspResponse(tbs, 'ecdsa-with-SHA256', signature, []);
    expect(hex(bare).endsWith(hex(bitString(signature)))).toBe(true);
  });

  const basic = sequence(tbs, sequence(oid('1.2.840.10045.4.3.2')), bitString(signature));
  const successful = (body: Uint8Array, type: string = ocsp.basicResponse, status = 0) =>
    sequence(integer(status, tags.enumerated), explicit(0, sequence(oid(type), octetString(body))));

  test('an algorithm that evpki does not know leaves the response readable', () => {
    const der = successful(sequence(tbs, sequence(oid('1.2.3')), bitString(signature)));
    expect(read(der).signatureAlgorithm).toBeUndefined();
  });

  test.each<[string, Uint8Array]>([
    ['RFC 6960 4.2.1: success without a body', sequence(integer(0, tags.enumerated))],
    ['RFC 6960 4.2.1: an error with a body', successful(basic, ocsp.basicResponse, 6)],
    ['status 4', sequence(integer(4, tags.enumerated))],
    ['a status that is an INTEGER', sequence(integer(1))],
    ['another type of response', successful(basic, '1.2.3')],
    ['trailing bytes', Buffer.concat([successful(basic), new Uint8Array(1)])],
    ['trailing bytes in the body', successful(Buffer.concat([basic, new Uint8Array(1)]))],
    ['more than 64 KiB', new Uint8Array(MAX_OCSP_RESPONSE_BYTES + 1)],
    [
      '17 certificates',
      assembleOcspResponse(tbs, 'Ed25519', signature, Array(17).fill(sequence(integer(1)))),
    ],
    ['a certificate that is none', assembleOcspResponse(tbs, 'Ed25519', signature, [integer(1)])],
    [
      'unused bits of the signature',
      successful(sequence(tbs, sequence(oid('1.2.3')), bitString(new Uint8Array([0x80]), 7))),
    ],
  ])('refused: %s', (_, der) => {
    expect(() => readOcspResponse(der)).toThrow(DerError);
  });

  test('20,000 mutated responses are read or refused with a DerError', () => {
    const full = assembleOcspResponse(
      build({ nonce: new Uint8Array(16), extendedRevoke: true }),
      'ecdsa-with-SHA256',
      signature,
      [sequence(integer(1))],
    );
    const random = randomNumbers(7);
    for (let i = 0; i < 20_000; i++) {
      const der = mutated(full, random);
      try {
        readOcspResponse(der);
      } catch (error) {
        if (!(error instanceof DerError)) throw error;
      }
    }
  });
});

describe('ResponseData of others', () => {
  const single = (...parts: Uint8Array[]) => sequence(certId, ...parts);
  const time = generalizedTime(thisUpdate);
  const isGood = implicit(0, new Uint8Array(0));
  const byKey = explicit(2, octetString(responderKeyHash));
  const data = (responses: Uint8Array, ...rest: Uint8Array[]) =>
    sequence(byKey, time, sequence(responses), ...rest);

  test('RFC5019-2.2.2-3: a responder may be named by name', () => {
    const name = sequence();
    const read = readOcspResponseData(
      sequence(explicit(1, name), time, sequence(single(isGood, time))),
    );
    expect(read.responderId).toEqual({ kind: 'name', der: name });
    expect(read.responses[0]?.nextUpdate).toBeUndefined();
  });

  test('RFC5019-2.2.1-3: unknown extensions are kept as they are', () => {
    const extension = writeRawExtension('1.2.3', true, nullValue());
    const read = readOcspResponseData(
      data(
        single(isGood, time, explicit(1, sequence(extension))),
        explicit(1, sequence(extension)),
      ),
    );
    const raw = [{ oid: '1.2.3', critical: true, value: nullValue() }];
    expect(read.rawExtensions).toEqual(raw);
    expect(read.responses[0]?.rawExtensions).toEqual(raw);
  });

  const fraction = (value: string) => new Uint8Array([0x18, value.length, ...Buffer.from(value)]);
  const revoked = (...parts: Uint8Array[]) => explicit(1, ...parts);
  const extended = (value: Uint8Array) =>
    explicit(1, sequence(writeRawExtension(ocsp.extendedRevoke, false, value)));
  test.each<[string, Uint8Array]>([
    ['the default version written out', sequence(explicit(0, integer(0)), byKey, time, sequence())],
    ['a responder of another kind', sequence(explicit(3, integer(1)), time, sequence())],
    [
      'a key hash of 32 octets',
      sequence(explicit(2, octetString(new Uint8Array(32))), time, sequence()),
    ],
    ['RFC5019-2.2.4-4: fractions of a second', data(single(isGood, fraction('20260101000000.5Z')))],
    ['RFC5019-2.2.4-3: no seconds', data(single(isGood, fraction('202601010000Z')))],
    ['good with content', data(single(implicit(0, new Uint8Array(1)), time))],
    ['a fourth status', data(single(implicit(3, new Uint8Array(0)), time))],
    ['constructed good', data(single(explicit(0), time))],
    ['revoked without time', data(single(revoked(), time))],
    ['reason 7', data(single(revoked(time, explicit(0, integer(7, tags.enumerated))), time))],
    ['a reason that is an INTEGER', data(single(revoked(time, explicit(0, integer(1))), time))],
    [
      'something behind the reason',
      data(single(revoked(time, explicit(0, integer(1, tags.enumerated)), time), time)),
    ],
    ['extendedRevoke that is not NULL', data(single(isGood, time), extended(integer(1)))],
    [
      'extendedRevoke with more behind it',
      data(single(isGood, time), extended(new Uint8Array([5, 0, 5, 0]))),
    ],
    [
      'O4: an empty nonce',
      data(
        single(isGood, time),
        explicit(1, sequence(writeRawExtension(ocsp.nonce, false, octetString(new Uint8Array(0))))),
      ),
    ],
  ])('refused: %s', (_, der) => {
    expect(() => readOcspResponseData(der)).toThrow(DerError);
  });
});
