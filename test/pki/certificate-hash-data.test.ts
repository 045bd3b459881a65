import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import {
  type CertificateHashData,
  certificateHashData,
  type HashAlgorithm,
  parseHashData,
  sameHashData,
} from '../../src/pki/certificate-hash-data.ts';

interface Vector extends CertificateHashData {
  readonly certificateDerHex: string;
  readonly issuerDerHex: string;
}

const file = new URL('../vectors/ocpp-certificate-hash-data.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: readonly Vector[] };
const base64url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
const dataOf = ({ hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }: Vector) => ({
  hashAlgorithm,
  issuerNameHash,
  issuerKeyHash,
  serialNumber,
});
const vector = (algorithm: HashAlgorithm, serial: string): CertificateHashData => {
  const found = vectors.find(
    ({ hashAlgorithm, serialNumber }) => hashAlgorithm === algorithm && serialNumber === serial,
  );
  if (found === undefined) throw new Error('no such vector');
  return dataOf(found);
};

describe('OCPP 2.0.1 CertificateHashDataType', () => {
  test('there are twelve vectors', () => {
    expect(vectors).toHaveLength(12);
  });

  test.each(vectors.map((v) => [v.hashAlgorithm, v.serialNumber, v] as const))(
    'vector: %s, serial number %s',
    (_hash, _serial, v) => {
      const issuer = readCertificate(Buffer.from(v.issuerDerHex, 'hex'));
      const certificate = readCertificate(Buffer.from(v.certificateDerHex, 'hex'));
      if (issuer.publicKey === undefined) throw new Error('the issuer key is not accepted');
      const hashed = { subjectDer: issuer.subjectDer, publicKeyBits: issuer.publicKey.bits };
      expect(certificateHashData(certificate, hashed, v.hashAlgorithm)).toEqual(dataOf(v));
    },
  );

  test('refuses an issuer of another name, and serial numbers that OCPP has no form for', () => {
    const [v] = vectors;
    if (v === undefined) throw new Error('no vectors');
    const certificate = readCertificate(Buffer.from(v.certificateDerHex, 'hex'));
    const other = { subjectDer: new Uint8Array([0x30, 0]), publicKeyBits: new Uint8Array(65) };
    expect(() => certificateHashData(certificate, other, 'SHA256')).toThrow('this is another');
    const issuer = { ...other, subjectDer: certificate.issuerDer };
    for (const octets of [[0xff], new Array<number>(21).fill(1)]) {
      const odd = { ...certificate, serialNumber: new Uint8Array(octets) };
      expect(() => certificateHashData(odd, issuer, 'SHA256')).toThrow('OCPP cannot express');
    }
  });
});

describe('comparing hash data', () => {
  const data = vector('SHA256', 'abcdef');
  test.each([
    ['itself', data, true],
    [
      'upper case',
      { ...data, serialNumber: 'ABCDEF', issuerKeyHash: data.issuerKeyHash.toUpperCase() },
      true,
    ],
    ['leading zeros', { ...data, serialNumber: '00ABCDEF' }, true],
    ['another serial number', { ...data, serialNumber: 'abcdee' }, false],
    ['a trailing zero', { ...data, serialNumber: 'abcdef0' }, false],
    ['another hash function', { ...data, hashAlgorithm: 'SHA384' as const }, false],
    ['another name', { ...data, issuerNameHash: data.issuerKeyHash }, false],
    ['another key', { ...data, issuerKeyHash: data.issuerNameHash }, false],
  ])('with %s', (_name, other, same) => {
    expect(sameHashData(data, other)).toBe(same);
    expect(sameHashData(other, data)).toBe(same);
  });

  test('serial number zero', () => {
    const zero = { ...data, serialNumber: '0' };
    expect(sameHashData(zero, { ...data, serialNumber: '00' })).toBe(true);
    expect(sameHashData(zero, { ...data, serialNumber: '' })).toBe(false);
  });
});

describe('reading hash data from stations', () => {
  const long = '40000000000000000000000000000000000000ff';
  const decimal = BigInt(`0x${long}`).toString();
  const inBase64 = (data: CertificateHashData, encode: (hex: string) => string) => ({
    ...data,
    issuerNameHash: encode(data.issuerNameHash),
    issuerKeyHash: encode(data.issuerKeyHash),
  });

  test.each(vectors.map((v) => [v.hashAlgorithm, v.serialNumber, dataOf(v)] as const))(
    'as OCPP says: %s, serial number %s',
    (_hash, _serial, data) => {
      expect(parseHashData(data)).toEqual({
        ok: true,
        value: { hashData: data, nonconforming: false },
      });
    },
  );

  test('upper case conforms, other members are ignored', () => {
    const data = vector('SHA256', 'abcdef');
    const upper = {
      ...data,
      issuerNameHash: data.issuerNameHash.toUpperCase(),
      issuerKeyHash: data.issuerKeyHash.toUpperCase(),
      serialNumber: 'ABCDEF',
      responderURL: 'http://example/',
      customData: { vendorId: 'x' },
    };
    expect(parseHashData(upper)).toEqual({
      ok: true,
      value: { hashData: data, nonconforming: false },
    });
  });

  const data = vector('SHA256', 'abcdef');
  const longData = vector('SHA256', long);
  const tolerated: readonly [string, object, CertificateHashData][] = [
    ['leading zeros', { ...data, serialNumber: '00abcdef' }, data],
    ['0x', { ...data, serialNumber: '0xABCDEF' }, data],
    [
      'base64url hashes and a decimal serial number',
      { ...inBase64(longData, base64url), serialNumber: decimal },
      longData,
    ],
    [
      'padded base64 hashes and a short decimal serial number',
      { ...inBase64(data, base64), serialNumber: String(0xabcdef) },
      data,
    ],
    ['base64url hashes and a hex serial number', inBase64(data, base64url), data],
    ['a decimal serial number too long for hex', { ...longData, serialNumber: decimal }, longData],
    [
      'SHA-384 in base64',
      inBase64(vector('SHA384', 'abcdef'), base64url),
      vector('SHA384', 'abcdef'),
    ],
    ['SHA-512 in base64', inBase64(vector('SHA512', 'abcdef'), base64), vector('SHA512', 'abcdef')],
  ];
  test.each(tolerated)('tolerated and reported: %s', (_name, input, expected) => {
    expect(parseHashData(input)).toEqual({
      ok: true,
      value: { hashData: expected, nonconforming: true },
    });
  });

  test('digits are hex wherever they may be', () => {
    const digits = { ...data, serialNumber: '1234567890' };
    expect(parseHashData(digits)).toEqual({
      ok: true,
      value: { hashData: digits, nonconforming: false },
    });
    // One hash in base64 does not make it the software that writes decimals.
    const mixed = { ...digits, issuerKeyHash: base64url(data.issuerKeyHash) };
    expect(parseHashData(mixed)).toMatchObject({ value: { hashData: digits } });
    // A leading zero is not how anybody writes decimals.
    const padded = { ...inBase64(data, base64url), serialNumber: '010' };
    expect(parseHashData(padded)).toMatchObject({ value: { hashData: { serialNumber: '10' } } });
  });

  const refused: readonly [string, unknown, string][] = [
    ['no object', 'abc', 'object'],
    ['null', null, 'object'],
    ['no hash algorithm', { ...data, hashAlgorithm: undefined }, 'hashAlgorithm'],
    ['SHA-1', { ...data, hashAlgorithm: 'SHA1' }, 'hashAlgorithm'],
    ['a property of every object', { ...data, hashAlgorithm: 'toString' }, 'hashAlgorithm'],
    ['a hash of another length', { ...data, hashAlgorithm: 'SHA384' }, 'issuerNameHash'],
    [
      'a hash with a character too many',
      { ...data, issuerKeyHash: `${data.issuerKeyHash}0` },
      'issuerKeyHash',
    ],
    [
      'a hash with a strange character',
      { ...data, issuerKeyHash: `${data.issuerKeyHash.slice(1)}~` },
      'issuerKeyHash',
    ],
    [
      'base64 of another length',
      { ...data, issuerNameHash: base64url('00'.repeat(31)) },
      'issuerNameHash',
    ],
    // 43 characters hold 258 bits: the last two must be zero.
    [
      'base64 with bits left over',
      { ...data, issuerNameHash: `_${'A'.repeat(41)}B` },
      'issuerNameHash',
    ],
    ['an empty hash', { ...data, issuerNameHash: '' }, 'issuerNameHash'],
    ['a hash that is no text', { ...data, issuerNameHash: 5 }, 'issuerNameHash'],
    ['an empty serial number', { ...data, serialNumber: '' }, 'serialNumber'],
    ['a serial number that is no text', { ...data, serialNumber: 5 }, 'serialNumber'],
    ['a negative serial number', { ...data, serialNumber: '-5' }, 'serialNumber'],
    ['a serial number with colons', { ...data, serialNumber: 'ab:cd' }, 'serialNumber'],
    ['21 octets in hex', { ...data, serialNumber: `a${'0'.repeat(40)}` }, 'serialNumber'],
    ['21 octets in decimal', { ...data, serialNumber: '9'.repeat(50) }, 'serialNumber'],
    ['a serial number without end', { ...data, serialNumber: '0'.repeat(1e6) }, 'serialNumber'],
  ];
  test.each(refused)('refuses %s', (_name, input, why) => {
    const read = parseHashData(input);
    expect(read.ok).toBe(false);
    expect(read.ok ? '' : read.reason).toContain(why);
  });
});
