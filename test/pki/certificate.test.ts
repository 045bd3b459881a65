import { sign, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  fingerprint,
  isSelfIssued,
  readCertificate,
  readTbs,
  serialHex,
  verifyIssuedBy,
} from '../../src/pki/certificate.ts';
import { DerReader } from '../../src/pki/der.ts';
import { DerError } from '../../src/pki/der-element.ts';
import {
  bitString,
  element,
  explicit,
  integer,
  oid,
  sequence,
  set,
  time,
  utf8String,
} from '../../src/pki/der-writer.ts';
import { writeName } from '../../src/pki/names.ts';
import { algorithmIdentifier } from '../../src/pki/signature-algorithm.ts';
import {
  authorityExtensions,
  commonName,
  generateKey,
  issue,
  signWith,
  templateFor,
} from '../support/issuing.ts';

const rootKey = generateKey();
const leafKey = generateKey();
const root = issue(
  templateFor(rootKey, rootKey, {
    subject: commonName('Root'),
    extensions: authorityExtensions(rootKey, rootKey),
  }),
  rootKey,
);
const leaf = issue(templateFor(leafKey, rootKey), rootKey);
const copyOf = (der: Uint8Array) => Buffer.from(der);

/** The fields of a TBSCertificate that tests replace one by one. */
const sound = {
  version: explicit(0, integer(2)),
  serial: integer(5),
  algorithm: algorithmIdentifier('ecdsa-with-SHA256'),
  issuer: writeName(commonName('Root')),
  validity: sequence(time(new Date('2026-01-01')), time(new Date('2027-01-01'))),
  subject: writeName(commonName('Leaf')),
  spki: leafKey.publicKey.spki,
  uniqueIds: new Uint8Array(0),
  extensions: explicit(3, sequence(sequence(oid('1.2.3'), element(0x04)))),
  rest: new Uint8Array(0),
};
const tbsOf = (changes: Partial<typeof sound>): Uint8Array =>
  sequence(...Object.values({ ...sound, ...changes }));
const nothing = new Uint8Array(0);
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));

describe('reading a certificate', () => {
  test('its parts are its bytes', () => {
    const fields = DerReader.over(leaf.der, 16384).sequence();
    expect(copyOf(leaf.tbs)).toEqual(copyOf(fields.read().raw));
    expect(copyOf(leaf.outerSignatureAlgorithmDer)).toEqual(copyOf(fields.read().raw));
    expect(copyOf(leaf.signature)).toEqual(copyOf(fields.bitString().bytes));
    expect(copyOf(leaf.issuerDer)).toEqual(copyOf(root.subjectDer));
    expect(leaf.publicKey?.algorithm).toBe('P-256');
    expect(leaf.subject).toEqual(commonName('Leaf'));
  });

  test('readTbs reads the same from the signed part alone', () => {
    const { der: _der, outerSignatureAlgorithmDer: _outer, signature: _signature, ...tbs } = leaf;
    expect(readTbs(leaf.tbs)).toEqual(tbs);
  });

  test('those of one issuer share what was read of its name, others do not', () => {
    const anotherOf = (issuer: string) =>
      readTbs(tbsOf({ issuer: writeName(commonName(issuer)), serial: integer(7) }));
    const first = readTbs(tbsOf({ issuer: writeName(commonName('Shared')) }));
    expect(anotherOf('Shared').issuer).toBe(first.issuer);
    expect(anotherOf('Shared!').issuer).toEqual(commonName('Shared!'));
    expect(anotherOf('shared').issuer).toEqual(commonName('shared'));
    // A name that takes room is not kept.
    const long = Array.from({ length: 9 }, (_, index) => `${'x'.repeat(60)} ${index}`).map(
      (value) => set(sequence(oid('2.5.4.11'), utf8String(value))),
    );
    const [one, two] = [tbsOf({ issuer: sequence(...long) }), tbsOf({ issuer: sequence(...long) })];
    expect(readTbs(one).issuer).toEqual(readTbs(two).issuer);
    expect(readTbs(one).issuer).not.toBe(readTbs(two).issuer);
  });

  test('one foreign certificate per thing that is allowed there', () => {
    // No version: v1, which has neither unique ids nor extensions.
    const v1 = readTbs(tbsOf({ version: nothing, extensions: nothing }));
    expect([v1.version, v1.rawExtensions, v1.extensions]).toEqual([0, [], {}]);
    const v2 = readTbs(
      tbsOf({
        version: explicit(0, integer(1)),
        uniqueIds: bytes('81020080820200ff'),
        extensions: nothing,
      }),
    );
    expect([v2.version, v2.hasUniqueIds]).toEqual([1, true]);
    // The serial number of a broken CA.
    expect(serialHex(readTbs(tbsOf({ serial: bytes('020180') })))).toBe('-80');
    // SHA-1 with RSA, parameters included.
    const sha1 = readTbs(tbsOf({ algorithm: bytes('300d06092a864886f70d0101050500') }));
    expect(sha1.signatureAlgorithm).toBeUndefined();
    // A DSA key.
    const dsa = sequence(sequence(oid('1.2.840.10040.4.1')), bitString(bytes('020101')));
    expect(readTbs(tbsOf({ spki: dsa })).publicKey).toBeUndefined();
    // A name with a repeated attribute, as no name of ours.
    const rdn = (text: string) => element(0x31, sequence(oid('2.5.4.3'), utf8String(text)));
    const name = readTbs(tbsOf({ subject: sequence(rdn('a'), rdn('b')) })).subject;
    expect(name.attributes.map(({ value }) => value)).toEqual(['a', 'b']);
  });

  const malformed: readonly [string, Uint8Array, string][] = [
    ['RFC 5280 4.1.2.1 v1 written out', tbsOf({ version: explicit(0, integer(0)) }), 'version 0'],
    ['RFC 5280 4.1.2.1 v4', tbsOf({ version: explicit(0, integer(3)) }), 'version 3'],
    ['RFC 5280 4.1.2.9 extensions in v1', tbsOf({ version: nothing }), 'before v3'],
    [
      'RFC 5280 4.1.2.8 unique ids in v1',
      tbsOf({ version: nothing, uniqueIds: bytes('81020080'), extensions: nothing }),
      'unique ids',
    ],
    ['S1 a padded serial number', tbsOf({ serial: bytes('02020001') }), 'shortest form'],
    ['S1 an empty serial number', tbsOf({ serial: bytes('0200') }), 'no content'],
    [
      'RFC 5280 4.1.2.5 a GeneralizedTime before 2050',
      tbsOf({
        validity: sequence(
          time(new Date('2026-01-01')),
          element(0x18, Buffer.from('20491231235959Z', 'latin1')),
        ),
      }),
      'before 2050',
    ],
    ['RFC 5280 4.1.2.5 one time only', tbsOf({ validity: sequence(time(new Date(0))) }), 'missing'],
    ['no extension in the list', tbsOf({ extensions: explicit(3, sequence()) }), 'empty'],
    ['bytes after the extensions', tbsOf({ rest: bytes('0500') }), 'bytes follow'],
    [
      'a second parameter of an algorithm',
      tbsOf({ algorithm: bytes('300906032a030405000500') }),
      'follow',
    ],
    ['a key without algorithm', tbsOf({ spki: sequence(bitString(bytes('00'))) }), '0x30'],
    ['a name that is no name', tbsOf({ subject: sequence(integer(1)) }), '0x31'],
    [
      'a name without end',
      tbsOf({
        issuer: sequence(
          ...new Array<Uint8Array>(65).fill(
            element(0x31, sequence(oid('2.5.4.3'), utf8String('a'))),
          ),
        ),
      }),
      'more than 64',
    ],
    ['a malformed known extension', tbsOf({ extensions: badKeyUsage() }), 'extension keyUsage'],
  ];
  test.each(malformed)('refuses %s', (_name, tbs, why) => {
    expect(() => readTbs(tbs)).toThrow(DerError);
    expect(() => readTbs(tbs)).toThrow(why);
  });

  test('the certificate that the malformed ones vary is sound', () => {
    expect(serialHex(readTbs(tbsOf({})))).toBe('5');
  });

  test('C1 refuses bytes after a certificate, and a certificate cut short anywhere', () => {
    expect(() => readCertificate(Buffer.concat([leaf.der, new Uint8Array(1)]))).toThrow(DerError);
    for (let length = 0; length < leaf.der.length; length++) {
      expect(() => readCertificate(leaf.der.subarray(0, length))).toThrow(DerError);
    }
  });

  test('refuses unused bits in the signature, and a fourth part', () => {
    const algorithm = algorithmIdentifier('ecdsa-with-SHA256');
    const odd = sequence(leaf.tbs, algorithm, bitString(bytes('80'), 1));
    expect(() => readCertificate(odd)).toThrow('unused bits');
    const long = sequence(leaf.tbs, algorithm, bitString(bytes('80')), integer(1));
    expect(() => readCertificate(long)).toThrow('bytes follow');
  });

  test('refuses more than 16 KiB unread', () => {
    expect(() => readCertificate(new Uint8Array(16 * 1024 + 1))).toThrow('more than the 16384');
    expect(() => readTbs(new Uint8Array(16 * 1024 + 1))).toThrow('more than the 16384');
  });

  test('what it reads with one octet changed is again a certificate or a DerError', () => {
    for (let at = 0; at < leaf.der.length; at++) {
      for (const change of [0x01, 0x80, 0xff]) {
        const der = copyOf(leaf.der);
        der[at] = (der[at] ?? 0) ^ change;
        try {
          readCertificate(der);
        } catch (error) {
          expect(error).toBeInstanceOf(DerError);
        }
      }
    }
  });
});

function badKeyUsage(): Uint8Array {
  return explicit(3, sequence(sequence(oid('2.5.29.15'), bytes('0403030100'))));
}

test('names of issuers are their own, however much of them is the same', () => {
  const long = 'x'.repeat(60);
  const named = (values: readonly string[]) => ({
    values,
    der: sequence(...values.map((value) => set(sequence(oid('2.5.4.11'), utf8String(value))))),
  });
  // Of up to 600 octets, which differ in one value each.
  const names = [1, 2, 5, 9].flatMap((count) =>
    Array.from({ length: count }, (_, at) =>
      Array.from('abc', (letter) =>
        named(Array.from({ length: count }, (_, each) => (each === at ? letter : '') + long)),
      ),
    ).flat(),
  );
  for (let round = 0; round < 2; round++) {
    for (const { values, der } of names) {
      const { issuer } = readTbs(tbsOf({ issuer: der }));
      expect(issuer.attributes.map(({ value }) => value)).toEqual(values);
    }
  }
});

describe('serial numbers', () => {
  test.each([
    ['00', '0'],
    ['01', '1'],
    ['0fff', 'fff'],
    ['00abcdef', 'abcdef'],
    ['7f00', '7f00'],
    ['ff', '-1'],
    ['ff00', '-100'],
  ])('content octets %s are %s', (octets, expected) => {
    expect(serialHex(Buffer.from(octets, 'hex'))).toBe(expected);
  });
});

describe('whose certificate', () => {
  test('self-issued is about names', () => {
    expect(isSelfIssued(root)).toBe(true);
    expect(isSelfIssued(leaf)).toBe(false);
  });

  test('the fingerprint is the one that others show', () => {
    const other = new X509Certificate(leaf.der).fingerprint256;
    expect(fingerprint(leaf.der)).toBe(other.replaceAll(':', '').toLowerCase());
  });

  test('a signature verifies with the issuer key and no other', () => {
    expect(verifyIssuedBy(leaf, rootKey.publicKey)).toBe(true);
    expect(verifyIssuedBy(root, rootKey.publicKey)).toBe(true);
    expect(verifyIssuedBy(leaf, leafKey.publicKey)).toBe(false);
    expect(verifyIssuedBy(leaf, generateKey('Ed25519').publicKey)).toBe(false);
  });

  test('a changed certificate does not verify', () => {
    const der = copyOf(leaf.der);
    const at = der.indexOf('Leaf');
    der[at] = 'l'.charCodeAt(0);
    expect(verifyIssuedBy(readCertificate(der), rootKey.publicKey)).toBe(false);
  });

  test('S6 RFC 5280 4.1.1.2 nor does one whose outer algorithm differs from the signed one', () => {
    // Signed as the one or as the other says: either way nothing but the comparison can tell.
    for (const digest of ['sha256', 'sha512']) {
      const tbs = tbsOf({ algorithm: algorithmIdentifier('ecdsa-with-SHA512') });
      const signature = bitString(sign(digest, tbs, rootKey.privateKey));
      const forged = sequence(tbs, algorithmIdentifier('ecdsa-with-SHA256'), signature);
      expect(verifyIssuedBy(readCertificate(forged), rootKey.publicKey)).toBe(false);
    }
    const consistent = tbsOf({});
    const honest = sequence(consistent, sound.algorithm, bitString(signWith(rootKey, consistent)));
    expect(verifyIssuedBy(readCertificate(honest), rootKey.publicKey)).toBe(true);
  });

  test('nor one signed with an algorithm that evpki does not accept', () => {
    const tbs = tbsOf({ algorithm: bytes('300d06092a864886f70d0101050500') });
    const sha1 = bytes('300d06092a864886f70d0101050500');
    const certificate = readCertificate(sequence(tbs, sha1, bitString(new Uint8Array(256))));
    expect(verifyIssuedBy(certificate, rootKey.publicKey)).toBe(false);
  });
});
