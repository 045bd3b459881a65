import { describe, expect, test } from 'vitest';
import { MAX_CERT_IDS, readOcspRequest } from '../../../src/pki/ocsp/request.ts';
import { writeOcspRequest } from '../../../src/pki/ocsp/write-request.ts';
import { certIdOf, requestFor } from '../../support/ocsp.ts';

describe('RFC 6960 4.1.1 requests as a client writes them', () => {
  test.each([1, 2, MAX_CERT_IDS])('for %i certificates: read back as they were', (count) => {
    const certIds = Array.from({ length: count }, (_, serial) => certIdOf(serial, 'sha256'));
    const written = writeOcspRequest(certIds);
    expect(written).toEqual(requestFor(certIds));
    const read = readOcspRequest(written);
    if ('fault' in read) throw new Error(read.message);
    expect(read.certIds.map(({ certIdDer }) => certIdDer)).toEqual(certIds);
    expect(read.nonce).toBeUndefined();
  });

  test.each([0, MAX_CERT_IDS + 1])('for %i certificates: none is written', (count) => {
    const certIds = Array.from({ length: count }, (_, serial) => certIdOf(serial));
    expect(() => writeOcspRequest(certIds)).toThrow(RangeError);
  });
});
