import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { integer, octetString, oid, sequence } from '../../../src/pki/der-writer.ts';
import { writeCertId } from '../../../src/pki/ocsp/cert-id.ts';
import {
  hashOctets,
  hashOfOid,
  hashOids,
  issuerHashes,
  ocspHashes,
} from '../../../src/pki/ocsp/hashes.ts';
import { hex } from '../../support/ocsp.ts';

describe('issuerHashes', () => {
  const subject = sequence();
  const keyBits = new Uint8Array([4, 1, 2, 3]);

  test('RFC 6960 4.1.1: hashes of the name and of the key bits, by all four functions', () => {
    const all = issuerHashes(subject, keyBits);
    expect(Object.keys(all)).toEqual(['sha1', 'sha256', 'sha384', 'sha512']);
    for (const hash of ocspHashes) {
      expect(all[hash].keyHash).toBe(
        createHash(hash).update(Buffer.from('04010203', 'hex')).digest('hex'),
      );
      expect(all[hash].nameHash).toBe(
        createHash(hash).update(Buffer.from('3000', 'hex')).digest('hex'),
      );
      expect(all[hash].nameHash).toHaveLength(2 * hashOctets[hash]);
    }
  });
});

test('every hash function is found by its OID, others are not', () => {
  for (const hash of ocspHashes) expect(hashOfOid(hashOids[hash])).toBe(hash);
  expect(hashOfOid('1.2.840.113549.2.5')).toBeUndefined();
});

describe('writeCertId', () => {
  const value = (octets: number) => ({
    issuerNameHash: new Uint8Array(octets).fill(0xaa),
    issuerKeyHash: new Uint8Array(octets).fill(0xbb),
    serialNumber: new Uint8Array([0x00, 0x81]),
  });

  test('parameters are NULL, the serial number is positive', () => {
    expect(hex(writeCertId({ hashAlgorithm: 'sha1', ...value(20) }))).toBe(
      `303b300906052b0e03021a05000414${'aa'.repeat(20)}0414${'bb'.repeat(20)}02020081`,
    );
  });

  test('a hash of another length is refused', () => {
    expect(() => writeCertId({ hashAlgorithm: 'sha256', ...value(20) })).toThrow(RangeError);
  });

  test('nothing else is in it', () => {
    const { issuerNameHash, issuerKeyHash } = value(64);
    const der = writeCertId({ hashAlgorithm: 'sha512', ...value(64) });
    expect(hex(der)).toBe(
      hex(
        sequence(
          sequence(oid('2.16.840.1.101.3.4.2.3'), new Uint8Array([5, 0])),
          octetString(issuerNameHash),
          octetString(issuerKeyHash),
          integer(0x81),
        ),
      ),
    );
  });
});
