import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sameBytes } from '../../src/pki/byte-order.ts';
import { DerReader } from '../../src/pki/der.ts';
import { contextConstructed, contextPrimitive, DerError, tags } from '../../src/pki/der-element.ts';
import {
  bitString,
  boolean,
  element,
  ia5String,
  integer,
  namedBits,
  nullValue,
  octetString,
  oid,
  printableString,
  sequence,
  set,
  setOf,
  utf8String,
} from '../../src/pki/der-writer.ts';
import { algorithms, extensions, requestAttributes } from '../../src/pki/oids.ts';
import { readRawExtensions, writeRawExtension } from '../../src/pki/raw-extensions.ts';
import { MAX_REQUEST_BYTES, readRequest } from '../../src/pki/request.ts';
import { algorithmIdentifier } from '../../src/pki/signature-algorithm.ts';
import {
  ecSpki,
  freshKeyPair,
  hex,
  keyAlgorithms,
  keyPair,
  rsaSpki,
  spkiOf,
} from '../support/public-keys.ts';
import {
  buildRequest,
  extensionRequest,
  type RequestParts,
  requestAttribute,
} from '../support/requests.ts';

const keyUsage = writeRawExtension(extensions.keyUsage, true, namedBits([0]));
const basicConstraints = writeRawExtension(extensions.basicConstraints, false, sequence());
const codesOf = (der: Uint8Array): string[] => {
  const result = readRequest(der);
  return result.ok ? [] : result.violations.map(({ code }) => code);
};

describe('sound requests', () => {
  test.each(keyAlgorithms)('%s', (key) => {
    const der = buildRequest({ key });
    const result = readRequest(der);
    expect(result.ok).toBe(true);
    if (!result.ok) return;
    expect(result.value.der).toBe(der);
    expect(result.value.publicKey.algorithm).toBe(key);
    expect(result.value.publicKey.spki).toEqual(spkiOf(keyPair(key)));
    expect(result.value.subject.attributes.at(-1)).toEqual({ type: 'CN', value: 'CS-0001' });
    expect(result.value.extensions).toEqual([]);
  });

  test('extensions in the order of the request', () => {
    const result = readRequest(
      buildRequest({ attributes: [extensionRequest(keyUsage, basicConstraints)] }),
    );
    expect(result).toMatchObject({
      ok: true,
      value: {
        extensions: [
          { oid: extensions.keyUsage, critical: true, value: namedBits([0]) },
          { oid: extensions.basicConstraints, critical: false, value: sequence() },
        ],
      },
    });
  });

  const challenge = requestAttributes.challengePassword;
  const unstructured = requestAttributes.unstructuredName;
  test.each<[string, RequestParts]>([
    ['an empty subject', { subject: sequence() }],
    ['challengePassword', { attributes: [requestAttribute(challenge, utf8String('secret'))] }],
    ['unstructuredName', { attributes: [requestAttribute(unstructured, ia5String('box'))] }],
    ['an unknown attribute', { attributes: [requestAttribute('1.2.3', integer(1), integer(2))] }],
    [
      'all together',
      {
        attributes: [
          extensionRequest(keyUsage),
          requestAttribute(challenge, printableString('x')),
          requestAttribute('1.3.6.1.4.1.311.13.2.3', ia5String('10.0')),
        ],
      },
    ],
    [
      'SHA-256 with P-521',
      {
        key: 'P-521',
        digest: 'sha256',
        signatureAlgorithm: algorithmIdentifier('ecdsa-with-SHA256'),
      },
    ],
  ])('%s is tolerated', (_name, parts) => {
    expect(codesOf(buildRequest(parts))).toEqual([]);
  });

  test('RFC 2985 5.4.1: nothing of an ignored attribute is taken', () => {
    // Microsoft's own extension request attribute, which OpenSSL honours and evpki does not.
    const elsewhere = requestAttribute('1.3.6.1.4.1.311.2.1.14', sequence(keyUsage));
    expect(readRequest(buildRequest({ attributes: [elsewhere] }))).toMatchObject({
      ok: true,
      value: { extensions: [] },
    });
  });
});

describe('C1: what is not a request in strict DER', () => {
  const sound = buildRequest();
  const withOctet = (index: number, octet: number): Uint8Array => sound.with(index, octet);
  const info = (): Uint8Array => DerReader.over(sound, MAX_REQUEST_BYTES).sequence().read().raw;

  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['text', Buffer.from('-----BEGIN')],
    ['trailing bytes', new Uint8Array([...sound, 0])],
    ['a byte short', sound.subarray(0, -1)],
    ['indefinite length', new Uint8Array([0x30, 0x80, ...sound.subarray(3), 0, 0])],
    ['a length with a leading zero', new Uint8Array([0x30, 0x82, 0, ...sound.subarray(2)])],
    ['a SET instead of the SEQUENCE', withOctet(0, 0x31)],
    [
      'a part too many',
      sequence(info(), algorithmIdentifier('Ed25519'), bitString(info()), nullValue()),
    ],
    ['a part too few', sequence(info(), algorithmIdentifier('Ed25519'))],
    ['something after the attributes', buildRequest({ afterAttributes: nullValue() })],
    ['attributes under [1]', buildRequest({ attributesField: element(contextConstructed(1)) })],
    [
      'attributes under primitive [0]',
      buildRequest({ attributesField: element(contextPrimitive(0)) }),
    ],
    ['attributes as a plain SET', buildRequest({ attributesField: set() })],
    [
      'a signature of half octets',
      buildRequest({ signatureField: bitString(new Uint8Array([16]), 4) }),
    ],
    ['a subject that is no SEQUENCE', buildRequest({ subject: utf8String('CN=x') })],
    ['an OCTET STRING for the signature', buildRequest({ signatureField: octetString(info()) })],
  ])('%s', (_name, der) => {
    expect(codesOf(der)).toEqual(['csr-malformed']);
  });

  test.each<[string, RequestParts]>([
    ['the subject', { subject: sequence(set(sequence(oid('2.5.4.3')))) }],
    [
      'RFC 2986 4.1: attributes out of order',
      {
        attributesField: element(
          contextConstructed(0),
          requestAttribute('1.2.4', nullValue()),
          requestAttribute('1.2.3', nullValue()),
        ),
      },
    ],
    [
      'RFC 2986 4.1: attribute values out of order',
      { attributes: [sequence(oid('1.2.3'), set(integer(2), integer(1)))] },
    ],
    [
      'the depths of an unknown attribute',
      { attributes: [requestAttribute('1.2.3', sequence(sequence(element(0x24))))] },
    ],
    ...(
      [
        ['a boolean of 01', '010101'],
        ['an integer with a superfluous octet', '02020001'],
        ['a bit string with unused bits set', '03020701'],
        ['a NULL with content', '050100'],
        ['an object identifier with a superfluous octet', '060380012a'],
        ['an object identifier that is cut off', '06022a86'],
        ['an enumerated without content', '0a00'],
      ] as const
    ).map(([name, value]): [string, RequestParts] => [
      `${name} in an unknown attribute`,
      { attributes: [requestAttribute('1.2.3', sequence(hex(value)))] },
    ]),
    [
      'a boolean of 01 as an unknown attribute',
      { attributes: [requestAttribute('1.2.3', hex('010101'))] },
    ],
    ['an attribute without values', { attributes: [sequence(oid('1.2.3'))] }],
    [
      'an attribute with more',
      { attributes: [sequence(oid('1.2.3'), setOf(nullValue()), nullValue())] },
    ],
  ])('%s is not DER', (_name, parts) => {
    expect(codesOf(buildRequest(parts))).toEqual(['csr-malformed']);
  });

  test('8 KiB are read, one byte more is not', () => {
    const filled = (octets: number): Uint8Array =>
      buildRequest({
        key: 'Ed25519',
        attributes: [requestAttribute('1.2.3', octetString(new Uint8Array(octets)))],
      });
    const overhead = filled(4096).length - 4096;
    const largest = filled(MAX_REQUEST_BYTES - overhead);
    expect(largest).toHaveLength(MAX_REQUEST_BYTES);
    expect(codesOf(largest)).toEqual([]);
    expect(codesOf(filled(MAX_REQUEST_BYTES - overhead + 1))).toEqual(['csr-too-large']);
  });

  test.each<[string, Uint8Array]>([
    ['1', integer(1)],
    ['2', integer(2)],
    ['-1', element(tags.integer, new Uint8Array([0xff]))],
    ['2^40', integer(2n ** 40n)],
  ])('RFC 2986 4.1: version %s', (_name, version) => {
    expect(codesOf(buildRequest({ version }))).toEqual(['csr-version']);
  });
});

describe('C1: proof of possession', () => {
  const ecdsa = (dotted: string): Uint8Array => sequence(oid(dotted));
  test.each<[string, RequestParts, string]>([
    ['a signature by another key', { signer: freshKeyPair('P-256') }, 'csr-signature-invalid'],
    ['an empty signature', { signature: new Uint8Array() }, 'csr-signature-invalid'],
    [
      'another hash than named',
      { signatureAlgorithm: algorithmIdentifier('ecdsa-with-SHA384') },
      'csr-signature-invalid',
    ],
    [
      'ECDSA with SHA-1',
      { digest: 'sha1', signatureAlgorithm: ecdsa('1.2.840.10045.4.1') },
      'csr-signature-algorithm',
    ],
    [
      'RSA with SHA-1',
      {
        key: 'RSA-2048',
        digest: 'sha1',
        signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.5'), nullValue()),
      },
      'csr-signature-algorithm',
    ],
    [
      'ECDSA with NULL parameters',
      { signatureAlgorithm: sequence(oid(algorithms.ecdsaWithSha256), nullValue()) },
      'csr-signature-algorithm',
    ],
    [
      'RSA without parameters',
      { key: 'RSA-2048', signatureAlgorithm: sequence(oid(algorithms.sha256WithRsaEncryption)) },
      'csr-signature-algorithm',
    ],
    [
      'an algorithm of another key type',
      { signatureAlgorithm: algorithmIdentifier('sha256WithRSAEncryption') },
      'csr-signature-algorithm',
    ],
    [
      'Ed448 for an Ed25519 key',
      { key: 'Ed25519', signatureAlgorithm: algorithmIdentifier('Ed448') },
      'csr-signature-algorithm',
    ],
    [
      'an algorithm that is not DER',
      { signatureAlgorithm: sequence(nullValue()) },
      'csr-signature-algorithm',
    ],
  ])('%s', (_name, parts, code) => {
    expect(codesOf(buildRequest(parts))).toEqual([code]);
  });

  test('any flipped bit of the signed part or the signature is noticed', () => {
    const sound = buildRequest({ key: 'Ed25519', attributes: [extensionRequest(keyUsage)] });
    for (let index = 0; index < sound.length; index++) {
      const flipped = sound.with(index, (sound[index] as number) ^ (1 << (index % 8)));
      expect(readRequest(flipped).ok, `byte ${index}`).toBe(false);
    }
  });
});

test('C1: 5,000 mutated requests are refused, and none makes it throw', () => {
  const sound = buildRequest({
    attributes: [extensionRequest(keyUsage), requestAttribute('1.2.3', sequence(integer(1)))],
  });
  const edit = fc.record({
    at: fc.nat(sound.length - 1),
    remove: fc.nat(3),
    insert: fc.uint8Array({ maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const octets = [...sound];
      for (const { at, remove, insert } of edits) octets.splice(at, remove, ...insert);
      const mutated = new Uint8Array(octets);
      fc.pre(!sameBytes(mutated, sound));
      const result = readRequest(mutated);
      expect(result.ok).toBe(false);
      if (!result.ok) expect(result.violations.length).toBeGreaterThan(0);
    }),
    { numRuns: 5000 },
  );
});

describe('C5: the subject', () => {
  test.each<[string, Uint8Array, string]>([
    [
      'TeletexString',
      sequence(set(sequence(oid('2.5.4.3'), element(0x14, Buffer.from('x'))))),
      'subject.CN',
    ],
    ['C=DEU', sequence(set(sequence(oid('2.5.4.6'), printableString('DEU')))), 'subject.C'],
    [
      'CN twice',
      sequence(...['a', 'b'].map((v) => set(sequence(oid('2.5.4.3'), utf8String(v))))),
      'subject.CN',
    ],
    [
      '17 RDNs',
      sequence(
        ...Array.from({ length: 17 }, (_, i) => set(sequence(oid(`1.2.${i}`), utf8String('x')))),
      ),
      'subject',
    ],
  ])('%s', (_name, subject, field) => {
    expect(readRequest(buildRequest({ subject }))).toMatchObject({
      ok: false,
      violations: [{ code: 'subject-malformed', field }],
    });
  });
});

describe('C4: attributes and extensions', () => {
  const { challengePassword, extensionRequest: requested, unstructuredName } = requestAttributes;
  const one = extensionRequest(keyUsage);
  test.each<[string, RequestParts, string[]]>([
    ['RFC 2986 4.1: no attributes field', { attributesField: null }, ['csr-attribute']],
    [
      'extensionRequest twice',
      { attributes: [one, extensionRequest(basicConstraints)] },
      ['csr-attribute'],
    ],
    [
      'the same extensionRequest twice',
      { attributes: [one, one] },
      ['csr-attribute', 'extension-duplicate'],
    ],
    [
      'an unknown attribute twice',
      {
        attributes: [requestAttribute('1.2.3', integer(1)), requestAttribute('1.2.3', integer(2))],
      },
      ['csr-attribute'],
    ],
    [
      'extensionRequest with two values',
      { attributes: [requestAttribute(requested, sequence(keyUsage), sequence(basicConstraints))] },
      ['csr-attribute'],
    ],
    [
      'extensionRequest without value',
      { attributes: [requestAttribute(requested)] },
      ['csr-attribute'],
    ],
    [
      'an unknown attribute without value',
      { attributes: [requestAttribute('1.2.3')] },
      ['csr-attribute'],
    ],
    [
      'challengePassword with two values',
      { attributes: [requestAttribute(challengePassword, utf8String('a'), utf8String('b'))] },
      ['csr-attribute'],
    ],
    [
      'challengePassword that is no text',
      { attributes: [requestAttribute(challengePassword, integer(1))] },
      ['csr-attribute'],
    ],
    [
      'unstructuredName that is too long',
      { attributes: [requestAttribute(unstructuredName, utf8String('x'.repeat(1021)))] },
      ['csr-attribute'],
    ],
    [
      'a duplicate extension',
      { attributes: [extensionRequest(keyUsage, basicConstraints, keyUsage)] },
      ['extension-duplicate'],
    ],
    [
      'two extensions twice',
      { attributes: [extensionRequest(keyUsage, basicConstraints, keyUsage, basicConstraints)] },
      ['extension-duplicate', 'extension-duplicate'],
    ],
    [
      'an extensionRequest that is no SEQUENCE',
      { attributes: [requestAttribute(requested, octetString(keyUsage))] },
      ['extension-malformed'],
    ],
    ['no extension inside', { attributes: [extensionRequest()] }, ['extension-malformed']],
    [
      'critical FALSE written out',
      {
        attributes: [
          extensionRequest(sequence(oid('2.5.29.15'), boolean(false), octetString(namedBits([0])))),
        ],
      },
      ['extension-malformed'],
    ],
  ])('%s', (_name, parts, codes) => {
    expect(codesOf(buildRequest(parts))).toEqual(codes);
  });

  test('the violation names the extension', () => {
    const result = readRequest(
      buildRequest({ attributes: [extensionRequest(keyUsage, keyUsage)] }),
    );
    expect(result).toMatchObject({ violations: [{ field: 'extensions.keyUsage' }] });
  });
});

describe('every violation is reported', () => {
  test('a bad version, subject and signature, and bad extensions', () => {
    const der = buildRequest({
      version: integer(1),
      subject: sequence(set(sequence(oid('2.5.4.6'), printableString('DEU')))),
      signer: freshKeyPair('P-256'),
      attributes: [extensionRequest(keyUsage, keyUsage), requestAttribute('1.2.3')],
    });
    expect(codesOf(der)).toEqual([
      'csr-version',
      'subject-malformed',
      'csr-signature-invalid',
      'csr-attribute',
      'extension-duplicate',
    ]);
  });

  test('C2: a weak key, signed with SHA-1, for a bad subject', () => {
    const der = buildRequest({
      subject: sequence(set(sequence(oid('2.5.4.3'), utf8String('')))),
      spki: rsaSpki(3n * (2n ** 2046n + 1n)),
      signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.5'), nullValue()),
    });
    expect(new Set(codesOf(der))).toEqual(
      new Set(['subject-malformed', 'key-weak', 'csr-signature-algorithm']),
    );
  });

  test('C2: a key of an unknown curve does not hide what else is wrong', () => {
    const der = buildRequest({
      spki: ecSpki('1.3.132.0.10', new Uint8Array(65).fill(4)),
      attributesField: null,
    });
    expect(codesOf(der)).toEqual(['key-type', 'csr-attribute']);
  });
});

describe('raw extensions (RFC 5280 4.2)', () => {
  const inside = (...parts: Uint8Array[]): DerReader =>
    DerReader.over(sequence(...parts), MAX_REQUEST_BYTES).sequence();

  test('are read as they were written, duplicates included', () => {
    expect(readRawExtensions(inside(keyUsage, basicConstraints, keyUsage))).toEqual([
      { oid: extensions.keyUsage, critical: true, value: namedBits([0]) },
      { oid: extensions.basicConstraints, critical: false, value: sequence() },
      { oid: extensions.keyUsage, critical: true, value: namedBits([0]) },
    ]);
  });

  const id = oid('2.5.29.15');
  const value = octetString(namedBits([0]));
  test.each<[string, Uint8Array[]]>([
    ['no extension', []],
    ['critical FALSE written out', [sequence(id, boolean(false), value)]],
    ['critical as 01', [sequence(id, element(tags.boolean, new Uint8Array([1])), value)]],
    ['no value', [sequence(id)]],
    ['a value that is no OCTET STRING', [sequence(id, namedBits([0]))]],
    ['something after the value', [sequence(id, value, nullValue())]],
    ['critical after the value', [sequence(id, value, boolean(true))]],
    ['no identifier', [sequence(value)]],
    ['a SET for an extension', [set(id, value)]],
    ['65 extensions', Array.from({ length: 65 }, () => keyUsage)],
  ])('C4: %s is refused', (_name, parts) => {
    expect(() => readRawExtensions(inside(...parts))).toThrow(DerError);
  });
});
