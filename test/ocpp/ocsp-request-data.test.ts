import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ocspRequestOf } from '../../src/ocpp/ocsp-request-data.ts';
import { readOcspRequest } from '../../src/pki/ocsp/request.ts';

const vectors: readonly Record<string, string>[] = JSON.parse(
  readFileSync(new URL('../vectors/ocpp-certificate-hash-data.json', import.meta.url), 'utf8'),
).vectors;

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

/** What the request for this hash data asks for, in the words of OCPP. */
function asked(input: unknown) {
  const written = ocspRequestOf(input);
  if (!written.ok) throw new Error(written.reason);
  const request = readOcspRequest(written.value.request);
  if ('fault' in request) throw new Error(request.message);
  const [certId, ...others] = request.certIds;
  expect(others).toEqual([]);
  expect(request.nonce).toBeUndefined();
  return {
    hashAlgorithm: certId?.hashAlgorithm?.toUpperCase(),
    issuerNameHash: hex(certId?.issuerNameHash),
    issuerKeyHash: hex(certId?.issuerKeyHash),
    serialNumber: hex(certId?.serialNumber).replace(/^0+(?=.)/, ''),
  };
}

describe('M06.FR.01 the OCSP request of OCSPRequestDataType', () => {
  test('names the certificate of every vector', () => {
    expect(vectors.length).toBeGreaterThan(3);
    for (const vector of vectors) {
      const { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber } = vector;
      const hashData = { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber };
      expect(asked({ ...hashData, responderURL: 'http://127.0.0.1/ocsp' })).toEqual(hashData);
    }
  });

  const sound = {
    hashAlgorithm: 'SHA256',
    issuerNameHash: 'ab'.repeat(32),
    issuerKeyHash: 'cd'.repeat(32),
    serialNumber: 'fff',
  };

  test.each([
    ['upper case', { issuerNameHash: 'AB'.repeat(32), serialNumber: 'FFF' }],
    ['leading zeros', { serialNumber: '000fff' }],
    ['0x', { serialNumber: '0xFFF' }],
    ['a responder address that leads inside', { responderURL: 'http://169.254.169.254/' }],
  ])('is the same with %s', (_, change) => {
    expect(ocspRequestOf({ ...sound, ...change })).toEqual(ocspRequestOf(sound));
  });

  test('a serial number whose first bit is set stays positive (RFC 6960 4.1.1)', () => {
    expect(asked({ ...sound, serialNumber: '80' }).serialNumber).toBe('80');
  });

  test.each([
    ['no object', 'text'],
    ['nothing', undefined],
    ['SHA1', { ...sound, hashAlgorithm: 'SHA1' }],
    ['a hash of another length', { ...sound, issuerNameHash: 'ab'.repeat(48) }],
    ['a serial number that is none', { ...sound, serialNumber: 'xyz' }],
    ['a serial number of 21 octets', { ...sound, serialNumber: '01'.repeat(21) }],
  ])('%s is refused with a reason', (_, input) => {
    const result = ocspRequestOf(input);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.reason).not.toBe('');
  });

  test('any serial number comes through', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 159n) - 1n }), (serial) => {
        const serialNumber = serial.toString(16);
        // Digits only and longer than 40 characters are decimal to the reader; hex never is.
        expect(asked({ ...sound, serialNumber }).serialNumber).toBe(serialNumber);
      }),
    );
  });
});
