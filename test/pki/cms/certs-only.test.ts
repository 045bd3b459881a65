import fc from 'fast-check';
import * as pkijs from 'pkijs';
import { describe, expect, test } from 'vitest';
import { certsOnly, readCertsOnly } from '../../../src/pki/cms/certs-only.ts';
import { contextConstructed } from '../../../src/pki/der-element.ts';
import { element, explicit, integer, oid, sequence, set } from '../../../src/pki/der-writer.ts';
import { contentTypes } from '../../../src/pki/oids.ts';
import { toPem } from '../../../src/pki/pem.ts';
import { newMaker } from '../../support/makers.ts';
import { mutations } from '../../support/mutations.ts';
import { workbench } from '../../support/openssl.ts';
import { noOpenssl } from '../../support/other-tools.ts';
import { hex } from '../../support/public-keys.ts';

const maker = newMaker();
const leaf = maker.vehicle('WMIVABCDEFG123456').der;
const chain = [leaf, ...maker.subCas.map(({ der }) => der), maker.root.der];

/** The structure with other parts in place of its own. */
function otherwise({
  type = oid(contentTypes.signedData),
  version = integer(1),
  digests = set(),
  content = sequence(oid(contentTypes.data)),
  certificates = element(contextConstructed(0), leaf),
  signers = set(),
  after = new Uint8Array(0) as Uint8Array,
} = {}): Uint8Array {
  return sequence(
    type,
    explicit(0, sequence(version, digests, content, certificates, after, signers)),
  );
}

/** All orders of four certificates. */
const orders = fc.shuffledSubarray(chain, { minLength: 1 });

describe('certs-only CMS (RFC 5652, RFC 7030 4.1.3)', () => {
  test('is SignedData of version 1 that signs nothing', () => {
    const signed = sequence(
      hex('020101'),
      hex('3100'),
      hex('300b06092a864886f70d010701'),
      element(contextConstructed(0), leaf),
      hex('3100'),
    );
    expect(certsOnly([leaf])).toEqual(sequence(hex('06092a864886f70d010702'), explicit(0, signed)));
  });

  test('P3: the order is the one given, whatever it is', () => {
    fc.assert(
      fc.property(orders, (certificates) => {
        expect(readCertsOnly(certsOnly(certificates))).toEqual({ ok: true, value: certificates });
      }),
    );
  });

  test('P3: pkijs reads the same certificates in the same order, and no signers', () => {
    for (const certificates of [chain, chain.toReversed(), [leaf]]) {
      const info = pkijs.ContentInfo.fromBER(new Uint8Array(certsOnly(certificates)));
      expect(info.contentType).toBe('1.2.840.113549.1.7.2');
      const signed = new pkijs.SignedData({ schema: info.content });
      expect(signed).toMatchObject({ version: 1, signerInfos: [], digestAlgorithms: [] });
      expect(signed.encapContentInfo.eContentType).toBe('1.2.840.113549.1.7.1');
      expect(signed.encapContentInfo.eContent).toBeUndefined();
      expect(signed.crls).toBeUndefined();
      const read = (signed.certificates ?? []).map((certificate) =>
        Buffer.from((certificate as pkijs.Certificate).toSchema(false).toBER()).toString('hex'),
      );
      expect(read).toEqual(certificates.map((der) => Buffer.from(der).toString('hex')));
    }
  });

  test.skipIf(noOpenssl)('P3: openssl pkcs7 prints the certificates in the same order', () => {
    const bench = workbench();
    try {
      bench.write('chain.p7', certsOnly(chain));
      const printed = bench.openssl('pkcs7', '-inform', 'DER', '-in', 'chain.p7', '-print_certs');
      const ders = [...printed.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END/g)].map(
        ([, base64 = '']) => new Uint8Array(Buffer.from(base64, 'base64')),
      );
      expect(ders).toEqual(chain);
      const shown = bench.openssl('cms', '-cmsout', '-print', '-inform', 'DER', '-in', 'chain.p7');
      expect(shown).toMatch(/signerInfos:\s+<EMPTY>/);
    } finally {
      bench.remove();
    }
  });

  test.skipIf(noOpenssl)('reads what openssl makes of the same certificates', () => {
    const bench = workbench();
    try {
      for (const [index, der] of chain.entries()) {
        bench.write(`${index}.pem`, toPem('CERTIFICATE', der));
      }
      const files = chain.flatMap((_, index) => ['-certfile', `${index}.pem`]);
      const options = ['crl2pkcs7', '-nocrl', '-outform', 'DER', '-out', 'made.p7'];
      bench.openssl(...options, ...files);
      bench.openssl(
        'pkcs7',
        '-inform',
        'DER',
        '-in',
        'made.p7',
        '-outform',
        'PEM',
        '-out',
        'a.pem',
      );
      const made = new Uint8Array(
        Buffer.from(bench.read('a.pem').replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'),
      );
      expect(readCertsOnly(made)).toEqual({ ok: true, value: chain });
    } finally {
      bench.remove();
    }
  });

  test.each([0, 33])('%i certificates are not written', (count) => {
    expect(() => certsOnly(Array.from({ length: count }, () => leaf))).toThrow(RangeError);
  });
});

describe('what is not certs-only CMS is refused', () => {
  const certificates = (count: number): Uint8Array =>
    element(contextConstructed(0), ...Array.from({ length: count }, () => leaf));

  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /an element is missing/],
    ['a certificate', leaf, /tag 0x30 stands where 0x06 is expected/],
    [
      'another content type',
      otherwise({ type: oid(contentTypes.data) }),
      /not of type signed data/,
    ],
    ['version 3', otherwise({ version: integer(3) }), /version is not 1/],
    [
      'a digest algorithm',
      otherwise({ digests: set(sequence(oid('2.16.840.1.101.3.4.2.1'))) }),
      /bytes follow/,
    ],
    [
      'content',
      otherwise({ content: sequence(oid(contentTypes.data), explicit(0, hex('0400'))) }),
      /bytes follow/,
    ],
    ['content of another type', otherwise({ content: sequence(oid('1.2.3')) }), /not of type data/],
    ['no certificates', otherwise({ certificates: new Uint8Array(0) }), /expected/],
    [
      'an empty set of certificates',
      otherwise({ certificates: certificates(0) }),
      /no certificate/,
    ],
    ['too many', otherwise({ certificates: certificates(33) }), /more than 32 certificates/],
    [
      'an attribute certificate',
      otherwise({ certificates: element(contextConstructed(0), explicit(2, leaf)) }),
      /0xa2 stands where 0x30/,
    ],
    [
      'a certificate that is none',
      otherwise({ certificates: element(contextConstructed(0), leaf, sequence(integer(1))) }),
      /certificate 2 cannot be read/,
    ],
    ['a revocation list', otherwise({ after: explicit(1, sequence()) }), /0xa1 stands where 0x31/],
    ['a signer', otherwise({ signers: set(sequence(integer(1))) }), /bytes follow/],
    ['bytes that follow', new Uint8Array([...certsOnly([leaf]), 0]), /bytes follow/],
    ['an indefinite length', new Uint8Array([0x30, 0x80, 0, 0]), /indefinite length is BER/],
    ['too many bytes', new Uint8Array(256 * 1024 + 1), /are more than the 262144 allowed/],
  ])('%s', (_name, der, message) => {
    const result = readCertsOnly(der);
    expect(result).toMatchObject({ ok: false, violations: [{ code: 'cms-malformed' }] });
    if (!result.ok) expect(result.violations[0]?.message).toMatch(message);
  });

  test('32 certificates are read', () => {
    expect(readCertsOnly(otherwise({ certificates: certificates(32) }))).toMatchObject({
      ok: true,
    });
  });

  test('damage never makes it throw, and what is read is what would be written', () => {
    const whole = certsOnly(chain);
    fc.assert(
      fc.property(mutations, (mutate) => {
        const damaged = mutate(whole);
        const result = readCertsOnly(damaged);
        if (result.ok) expect(certsOnly(result.value)).toEqual(new Uint8Array(damaged));
      }),
      { numRuns: 2000 },
    );
  });
});
