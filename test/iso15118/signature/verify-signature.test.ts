import { verify } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeIso2SignedInfo } from '../../../src/iso15118/exi/iso2.ts';
import { encodeIso20SignedInfo } from '../../../src/iso15118/exi/iso20.ts';
import type {
  SignatureReference,
  SignedInfo,
  XmlSignature,
} from '../../../src/iso15118/exi/xml-signature.ts';
import { encodeSignedInfo } from '../../../src/iso15118/exi/xmldsig.ts';
import {
  type LenientReading,
  lenientReadings,
} from '../../../src/iso15118/signature/lenient-readings.ts';
import { signElements } from '../../../src/iso15118/signature/sign-elements.ts';
import {
  canonicalExi,
  type Standard,
  signatureProfileFor,
} from '../../../src/iso15118/signature/signature-profile.ts';
import type { SignedElement } from '../../../src/iso15118/signature/signed-element.ts';
import {
  type SignatureFault,
  type SignatureVerdict,
  verifySignature,
} from '../../../src/iso15118/signature/verify-signature.ts';
import { curves } from '../../../src/pki/curves.ts';
import { ecdsaRawToDer } from '../../../src/pki/ecdsa.ts';
import { octetsOf } from '../../support/public-keys.ts';
import {
  freshKey,
  rawSignature,
  signatureOver,
  withBitFlipped,
} from '../../support/signed-messages.ts';

const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

const element = (id: string, content: string): SignedElement => ({
  name: `Element${id}`,
  id,
  fragment: () => octets(content),
});

const four: readonly SignedElement[] = [
  element('id1', 'the chain'),
  element('id2', 'the encrypted key'),
  element('id3', 'the point'),
  element('id4', 'the name'),
];

const everything = new Set(Object.keys(lenientReadings) as LenientReading[]);

const fault = (verdict: SignatureVerdict): SignatureFault | 'none' =>
  verdict.ok ? 'none' : verdict.reason;

const kinds: readonly [standard: Standard, algorithm: 'P-256' | 'P-521' | 'Ed448'][] = [
  ['iso15118-2', 'P-256'],
  ['iso15118-20', 'P-521'],
  ['iso15118-20', 'Ed448'],
];

describe.each(kinds)('%s signed with %s', (standard, algorithm) => {
  const key = freshKey(algorithm);
  let signature: XmlSignature;
  beforeAll(async () => {
    signature = await signElements(standard, four, key.signer);
  });

  const judged = (
    given: XmlSignature | undefined,
    elements: readonly SignedElement[] = four,
    readings?: ReadonlySet<LenientReading>,
  ) => verifySignature({ standard, signature: given, elements, key: key.publicKey, readings });

  test('what was signed verifies, in every order of the elements, and needs no lenient reading', () => {
    expect(judged(signature)).toEqual({ ok: true, readings: [] });
    expect(judged(signature, four.toReversed())).toEqual({ ok: true, readings: [] });
    expect(judged(signature, four, everything)).toEqual({ ok: true, readings: [] });
  });

  test('what was signed is SignedInfo itself, as node:crypto says', () => {
    const digest = { 'P-256': 'sha256', 'P-521': 'sha512', Ed448: undefined }[algorithm];
    const message = encodeSignedInfo(signature.signedInfo);
    const publicKey = { key: key.privateKey, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify(digest, message, publicKey, signature.signatureValue)).toBe(true);
  });

  test('one element alone can be signed', async () => {
    const [first] = four as [SignedElement];
    const alone = await signElements(standard, [first], key.signer);
    expect(judged(alone, [first])).toEqual({ ok: true, readings: [] });
  });

  test('a bit flipped in any element is found, and named', () => {
    for (const [index, { name, fragment }] of four.entries()) {
      for (let bit = 0; bit < 8 * fragment().length; bit++) {
        const changed = {
          ...(four[index] as SignedElement),
          fragment: () => withBitFlipped(fragment(), bit),
        };
        const verdict = judged(signature, four.with(index, changed), everything);
        expect(verdict).toMatchObject({ ok: false, reason: 'digest-mismatch' });
        expect(!verdict.ok && verdict.message).toContain(name);
      }
    }
  });

  test('a bit flipped in the signature value is found', () => {
    const { signatureValue } = signature;
    // P-521 costs 2 ms each time.
    const step = algorithm === 'P-521' ? 17 : 1;
    for (let bit = 0; bit < 8 * signatureValue.length; bit += step) {
      const changed = { ...signature, signatureValue: withBitFlipped(signatureValue, bit) };
      expect(['value-invalid', 'value-range']).toContain(fault(judged(changed)));
    }
  });

  test('a digest exchanged together with its element is found: SignedInfo is signed', () => {
    const profile = signatureProfileFor(standard, algorithm);
    const forged = element('id2', 'a key of somebody else');
    const references = signature.signedInfo.references.map((reference) =>
      reference.uri === '#id2'
        ? { ...reference, digestValue: profile?.digest(forged.fragment()) as Uint8Array }
        : reference,
    );
    const changed = { ...signature, signedInfo: { ...signature.signedInfo, references } };
    expect(fault(judged(changed, four.with(1, forged), everything))).toBe('value-invalid');
  });

  test('references in another order were not signed', () => {
    const references = signature.signedInfo.references.toReversed();
    const changed = { ...signature, signedInfo: { ...signature.signedInfo, references } };
    expect(fault(judged(changed, four, everything))).toBe('value-invalid');
  });

  test('another key of the same kind has not signed it', () => {
    const { publicKey } = freshKey(algorithm);
    expect(fault(verifySignature({ standard, signature, elements: four, key: publicKey }))).toBe(
      'value-invalid',
    );
  });

  test('a key that the standard does not sign with is refused unused', () => {
    for (const other of ['P-256', 'P-384', 'P-521', 'Ed25519', 'Ed448'] as const) {
      if (signatureProfileFor(standard, other)) continue;
      const { publicKey } = freshKey(other);
      expect(fault(verifySignature({ standard, signature, elements: four, key: publicKey }))).toBe(
        'key-unfit',
      );
    }
  });

  test('no signature is none', () => {
    expect(fault(judged(undefined))).toBe('signature-missing');
  });

  test('a value of any other length is refused', () => {
    const { signatureValue } = signature;
    for (const length of [0, 1, signatureValue.length - 1]) {
      const changed = { ...signature, signatureValue: signatureValue.subarray(0, length) };
      expect(fault(judged(changed))).toBe('value-length');
    }
    const longer = { ...signature, signatureValue: Uint8Array.from([...signatureValue, 0]) };
    expect(fault(judged(longer))).toBe('value-length');
  });

  /** Verifies as what is signed here, were it not for the change. */
  const signedWith = (change: Partial<SignedInfo>): XmlSignature =>
    signatureOver({ ...signature.signedInfo, ...change }, key);

  const withReferences = (
    change: (references: readonly SignatureReference[]) => readonly SignatureReference[],
  ): XmlSignature => signedWith({ references: change(signature.signedInfo.references) });

  const first = (change: Partial<SignatureReference>) =>
    withReferences(([one, ...others]) => [
      { ...(one as SignatureReference), ...change },
      ...others,
    ]);

  const nth = (index: number, change: Partial<SignatureReference>) =>
    withReferences((references) =>
      references.with(index, { ...present(references[index]), ...change }),
    );

  test('other algorithms are refused, even where the value verifies', () => {
    const c14n = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315';
    const all: XmlSignature[] = [
      signedWith({ canonicalizationMethod: c14n }),
      signedWith({ canonicalizationMethod: '' }),
      first({ digestMethod: 'http://www.w3.org/2000/09/xmldsig#sha1' }),
      ...[
        'http://www.w3.org/2001/04/xmldsig-more#hmac-sha256',
        'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384',
        'http://www.w3.org/2021/04/xmldsig-more#eddsa-ed448',
        `${signature.signedInfo.signatureMethod} `,
      ].map((signatureMethod) => signedWith({ signatureMethod })),
    ];
    for (const given of all) expect(fault(judged(given, four, everything))).toBe('algorithm-unfit');
  });

  test('another transform, or two, are refused', () => {
    const cases = [[canonicalExi, canonicalExi], ['http://www.w3.org/TR/1999/REC-xpath-19991116']];
    for (const transforms of cases) {
      expect(fault(judged(first({ transforms }), four, everything))).toBe('transforms-unfit');
    }
    const [one, ...others] = signature.signedInfo.references;
    const references = [{ ...(one as SignatureReference), transforms: [] }, ...others];
    const none = { ...signature, signedInfo: { ...signature.signedInfo, references } };
    expect(fault(judged(none, four, everything))).toBe('transforms-unfit');
  });

  test('a reference to anything but an element that is to be signed is refused', () => {
    for (const uri of ['#id5', '#ID1', 'id1', '#', '', 'http://127.0.0.1/#id1', '##id1', '#id1 ']) {
      expect(fault(judged(first({ uri }), four, everything))).toBe('reference-unknown');
    }
    const withoutUri = withReferences(([{ uri: _, ...one } = never(), ...others]) => [
      one,
      ...others,
    ]);
    expect(fault(judged(withoutUri, four, everything))).toBe('reference-unknown');
  });

  test('what is shown of a message cannot disturb who reads it', () => {
    const verdict = judged(first({ uri: `#\u202e\n${'x'.repeat(200)}` }));
    const message = verdict.ok ? '' : verdict.message;
    expect(message).toContain('"#\ufffd\ufffdxxx');
    expect(message).not.toMatch(/\p{C}/u);
    expect(message.length).toBeLessThan(200);
  });

  test('a reference more than there are elements is refused', async () => {
    const three = four.slice(0, 3);
    expect(fault(judged(signature, three, everything))).toBe('reference-unknown');
  });

  test('an element that is not referenced is found missing, and named', async () => {
    const three = await signElements(standard, four.slice(0, 3), key.signer);
    const verdict = judged(three, four, everything);
    expect(verdict).toMatchObject({ ok: false, reason: 'reference-missing' });
    expect(!verdict.ok && verdict.message).toContain('Elementid4');
    expect(
      fault(
        judged(
          { ...signature, signedInfo: { ...signature.signedInfo, references: [] } },
          four,
          everything,
        ),
      ),
    ).toBe('reference-missing');
  });

  test('two references to one element are refused', () => {
    const twice = withReferences(([one, two, three]) => [one, two, three, one].map(present));
    expect(fault(judged(twice, four, everything))).toBe('reference-repeated');
  });

  test('V2G2-909: a fifth reference is refused', () => {
    const five = withReferences((references) => [...references, present(references[0])]);
    expect(fault(judged(five, four, everything))).toBe('references-too-many');
  });

  test('two elements with one Id are refused, and so is an Id of the signature', () => {
    const twins = [...four.slice(0, 3), element('id1', 'the chain')];
    expect(fault(judged(signature, twins, everything))).toBe('id-repeated');
    expect(fault(judged({ ...signature, id: 'id3' }, four, everything))).toBe('id-repeated');
    expect(fault(judged(signedWith({ id: 'id4' }), four, everything))).toBe('id-repeated');
    const ofValue = { ...signature, signatureValueId: 'id2' };
    expect(fault(judged(ofValue, four, everything))).toBe('id-repeated');
    expect(fault(judged(first({ id: 'id1' }), four, everything))).toBe('id-repeated');
    expect(fault(judged(nth(3, { id: 'id2' }), four, everything))).toBe('id-repeated');
  });

  test('every reference is held against the profile, not the first alone', () => {
    for (let index = 0; index < four.length; index++) {
      const sha1 = nth(index, { digestMethod: 'http://www.w3.org/2000/09/xmldsig#sha1' });
      expect(fault(judged(sha1, four, everything))).toBe('algorithm-unfit');
      const twice = nth(index, { transforms: [canonicalExi, canonicalExi] });
      expect(fault(judged(twice, four, everything))).toBe('transforms-unfit');
      expect(fault(judged(nth(index, { id: 'r' })))).toBe('attribute-forbidden');
      expect(fault(judged(nth(index, { type: 'urn:t' })))).toBe('attribute-forbidden');
    }
  });

  test('an element without an Id cannot be signed', () => {
    const nameless = [...four.slice(0, 3), element('', 'the name')];
    expect(fault(judged(signature, nameless))).toBe('reference-unknown');
    const references = signature.signedInfo.references.with(3, {
      ...present(signature.signedInfo.references[3]),
      uri: '#',
    });
    expect(fault(judged(signedWith({ references }), nameless))).toBe('reference-unknown');
  });

  describe('what needs a lenient reading', () => {
    const inOwnGrammar = () =>
      signatureOver(
        signature.signedInfo,
        key,
        standard === 'iso15118-2' ? encodeIso2SignedInfo : encodeIso20SignedInfo,
      );
    const withoutTransforms = () =>
      withReferences(([{ transforms: _, ...one } = never(), ...others]) => [one, ...others]);

    const cases: readonly [LenientReading, () => XmlSignature, SignatureFault][] = [
      ['missing-transforms', withoutTransforms, 'transforms-unfit'],
      ['reference-id', () => first({ id: 'r1' }), 'attribute-forbidden'],
      ['reference-type', () => first({ type: 'urn:t' }), 'attribute-forbidden'],
      ['signed-info-id', () => signedWith({ id: 's1' }), 'attribute-forbidden'],
      [
        'signature-value-id',
        () => ({ ...signature, signatureValueId: 'v1' }),
        'attribute-forbidden',
      ],
      ['signed-info-grammar', inOwnGrammar, 'value-invalid'],
    ];

    test.each(cases)('%s', (reading, make, reason) => {
      const given = make();
      const others = new Set([...everything].filter((other) => other !== reading));
      expect(fault(judged(given))).toBe(reason);
      expect(fault(judged(given, four, others))).toBe(reason);
      expect(judged(given, four, new Set([reading]))).toEqual({ ok: true, readings: [reading] });
      expect(judged(given, four, everything)).toEqual({ ok: true, readings: [reading] });
      // It is lenient in this one respect only.
      const tampered = four.with(0, element('id1', 'another chain'));
      expect(fault(judged(given, tampered, everything))).toBe('digest-mismatch');
    });

    test('older-emaid-digest', async () => {
      const emaid: SignedElement = {
        ...element('id4', 'the name'),
        otherFragments: [{ reading: 'older-emaid-digest', fragment: () => octets('NAME') }],
      };
      const older = await signElements(standard, four.with(3, element('id4', 'NAME')), key.signer);
      const elements = four.with(3, emaid);
      expect(fault(judged(older, elements))).toBe('digest-mismatch');
      const readings: readonly LenientReading[] = ['older-emaid-digest'];
      expect(judged(older, elements, new Set(readings))).toEqual({ ok: true, readings });
      expect(judged(signature, elements, new Set(readings))).toEqual({ ok: true, readings: [] });
      const tampered = { ...emaid, ...element('id4', 'another name') };
      const others = four.with(3, tampered);
      expect(fault(judged(signature, others, everything))).toBe('digest-mismatch');
    });

    test('several at once are all said', () => {
      const given = withReferences((references) =>
        references.map(({ transforms: _, ...reference }, index) => ({
          ...reference,
          id: `r${index}`,
        })),
      );
      const verdict = judged(given, four, everything);
      expect(verdict.ok && verdict.readings.toSorted()).toEqual([
        'missing-transforms',
        'reference-id',
      ]);
    });
  });

  test('an Id of Signature itself is allowed [V2G2-771]', () => {
    expect(judged({ ...signature, id: 'sig' })).toEqual({ ok: true, readings: [] });
  });

  test('elements are encoded only for a signature that is otherwise in order', () => {
    const untouched = four.map((one) => ({ ...one, fragment: () => never() }));
    expect(fault(judged(first({ uri: '#id9' }), untouched))).toBe('reference-unknown');
    const short = { ...signature, signatureValue: new Uint8Array(3) };
    expect(fault(judged(short, untouched))).toBe('value-length');
  });

  test('whatever is changed in SignedInfo, the signature is no longer valid', () => {
    const change = fc.oneof(
      fc.record({ canonicalizationMethod: fc.string() }),
      fc.record({ signatureMethod: fc.string() }),
      fc.record({ id: fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]*$/) }),
      fc.record({ references: fc.array(referenceOf(signature), { minLength: 1, maxLength: 5 }) }),
    );
    fc.assert(
      fc.property(change, (changed) => {
        const signedInfo = { ...signature.signedInfo, ...changed };
        fc.pre(
          !Buffer.from(encodeSignedInfo(signedInfo)).equals(encodeSignedInfo(signature.signedInfo)),
        );
        expect(judged({ ...signature, signedInfo }, four, everything).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

const referenceOf = ({ signedInfo }: XmlSignature): fc.Arbitrary<SignatureReference> =>
  fc.constantFrom(...signedInfo.references).chain((reference) =>
    fc.oneof(
      fc.constant(reference),
      fc
        .uint8Array({ minLength: 1, maxLength: 70 })
        .map((digestValue) => ({ ...reference, digestValue })),
      fc.string().map((uri) => ({ ...reference, uri })),
    ),
  );

const never = (): never => {
  throw new Error('was not to be asked for');
};

const present = <T>(value: T | undefined): T => value ?? never();

describe.each([
  ['iso15118-2', 'P-256'],
  ['iso15118-20', 'P-521'],
] as const)('ECDSA values of %s with %s', (standard, name) => {
  const key = freshKey(name);
  const { octets: width, order } = curves[name];
  let signature: XmlSignature;
  beforeAll(async () => {
    signature = await signElements(standard, four, key.signer);
  });

  const judgedWith = (signatureValue: Uint8Array): SignatureVerdict =>
    verifySignature({
      standard,
      signature: { ...signature, signatureValue },
      elements: four,
      key: key.publicKey,
      readings: everything,
    });
  const halves = (): [r: Uint8Array, s: Uint8Array] => [
    signature.signatureValue.subarray(0, width),
    signature.signatureValue.subarray(width),
  ];
  const joined = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

  test('DER is refused by name', () => {
    const der = ecdsaRawToDer(signature.signatureValue);
    expect(fault(judgedWith(der))).toBe('value-is-der');
  });

  test('s before r is another signature', () => {
    const [r, s] = halves();
    expect(fault(judgedWith(joined(s, r)))).toBe('value-invalid');
  });

  test('zero, the order and above are out of range', () => {
    const [r, s] = halves();
    for (const value of [0n, order, order + 1n]) {
      expect(fault(judgedWith(joined(octetsOf(value, width), s)))).toBe('value-range');
      expect(fault(judgedWith(joined(r, octetsOf(value, width))))).toBe('value-range');
    }
    expect(fault(judgedWith(new Uint8Array(2 * width)))).toBe('value-range');
  });

  test('small numbers are in range, whether they verify or not', () => {
    expect(fault(judgedWith(joined(octetsOf(1n, width), octetsOf(1n, width))))).toBe(
      'value-invalid',
    );
  });

  test('a hash of SignedInfo that is signed instead of it does not verify', () => {
    const profile = signatureProfileFor(standard, name);
    const hashed = present(profile).digest(encodeSignedInfo(signature.signedInfo));
    expect(fault(judgedWith(rawSignature(hashed, key)))).toBe('value-invalid');
  });
});

test('asking about no element at all is a mistake of the caller', async () => {
  const key = freshKey('P-256');
  const signature = await signElements('iso15118-2', four, key.signer);
  expect(() =>
    verifySignature({ standard: 'iso15118-2', signature, elements: [], key: key.publicKey }),
  ).toThrow(RangeError);
});
