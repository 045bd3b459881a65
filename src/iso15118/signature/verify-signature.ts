/**
 * Verifies the signature of a V2G message: that its references are exactly the elements that the
 * standard wants signed, that their digests are those of the elements as received, and that the
 * key's holder signed just these references (ISO 15118-2 7.9.2.4.3, ISO 15118-20 7.9.2.4).
 */

import { type Asking, answeredAtOnce, answeredInTime } from '../../pki/asking.ts';
import { sameBytes } from '../../pki/byte-order.ts';
import { curveOf } from '../../pki/curves.ts';
import { ecdsaRawToDer, isStrictEcdsaSignature } from '../../pki/ecdsa.ts';
import type { PublicKey } from '../../pki/public-key.ts';
import {
  type SignatureAlgorithm,
  verifySignature as verifiesAs,
  verifySignatureOffLoop as verifiesAsOffLoop,
} from '../../pki/signature-algorithm.ts';
import { encodeIso2SignedInfo } from '../exi/iso2.ts';
import { encodeIso20SignedInfo } from '../exi/iso20.ts';
import type { SignatureReference, SignedInfo, XmlSignature } from '../exi/xml-signature.ts';
import { encodeSignedInfo } from '../exi/xmldsig.ts';
import { type LenientReading, strictReading } from './lenient-readings.ts';
import {
  canonicalExi,
  MAX_REFERENCES,
  type SignatureProfile,
  type Standard,
  signatureProfileFor,
} from './signature-profile.ts';
import type { SignedElement } from './signed-element.ts';

export interface SignatureQuestion {
  readonly standard: Standard;
  /** That of the message's header. */
  readonly signature: XmlSignature | undefined;
  /** Those that have to be signed, at least one: each of them, and nothing else. */
  readonly elements: readonly SignedElement[];
  readonly key: PublicKey;
  /** {@link strictReading} unless given. */
  readonly readings?: ReadonlySet<LenientReading> | undefined;
}

export type SignatureVerdict =
  /** `readings` are those that this signature needed, in no order of importance. */
  | { readonly ok: true; readonly readings: readonly LenientReading[] }
  | { readonly ok: false; readonly reason: SignatureFault; readonly message: string };

/** Why a signature is refused. The names are stable. */
export const signatureFaults = {
  'signature-missing': 'The message has no signature.',
  'key-unfit': 'The standard does not sign with keys of this kind.',
  'algorithm-unfit': 'An algorithm is not the one that the standard has for this key.',
  'attribute-forbidden': 'The signature has an attribute that the profile forbids.',
  'references-too-many': 'More than four elements are referenced [V2G2-909].',
  'reference-unknown': 'A reference is to something that is not to be signed, or to nothing.',
  'reference-repeated': 'Two references are to the same element.',
  'reference-missing': 'An element that has to be signed is not referenced.',
  'id-repeated': 'Two parts of the message have the same Id, so that a reference means neither.',
  'transforms-unfit': 'A reference is transformed otherwise than by canonical EXI alone.',
  'digest-mismatch': 'An element is not the one that was signed.',
  'value-is-der': 'The signature value is in DER instead of r and s in fixed length.',
  'value-length': 'The signature value has the wrong length.',
  'value-range': 'r or s is zero, or not below the order of the curve.',
  'value-invalid': 'The signature is not by this key over these references.',
} as const;
export type SignatureFault = keyof typeof signatureFaults;

class Refusal extends Error {
  readonly reason: SignatureFault;

  constructor(reason: SignatureFault, detail?: string) {
    super(detail === undefined ? signatureFaults[reason] : `${signatureFaults[reason]} ${detail}`);
    this.reason = reason;
  }
}

/**
 * Everything cheap is looked at before anything is hashed, and that before the key is used. One
 * check of a signature costs about 0.1 ms with P-256, 0.3 ms with Ed448 and 2 ms with P-521, in
 * this thread; twice that where `signed-info-grammar` is allowed and the signature does not verify
 * at first. Says nothing about whose key it is.
 * @throws RangeError without an element that has to be signed
 * @throws ExiError if an element cannot be encoded, which one that was decoded always can
 */
export const verifySignature = (question: SignatureQuestion): SignatureVerdict =>
  answeredAtOnce(judge(question), ({ key, algorithm, message, value }) =>
    verifiesAs(key, algorithm, message, value),
  );

/** {@link verifySignature}, with the key used on the thread pool unless it is one of P-256. */
export const verifySignatureOffLoop = (question: SignatureQuestion): Promise<SignatureVerdict> =>
  answeredInTime(judge(question), ({ key, algorithm, message, value }) =>
    verifiesAsOffLoop(key, algorithm, message, value),
  );

/** Whether this is a signature by the key over the message. */
interface ValueQuestion {
  readonly key: PublicKey;
  readonly algorithm: SignatureAlgorithm;
  readonly message: Uint8Array;
  readonly value: Uint8Array;
}

type Verifying<Result> = Asking<ValueQuestion, boolean, Result>;

function* judge(question: SignatureQuestion): Verifying<SignatureVerdict> {
  if (question.elements.length === 0) throw new RangeError('a signature of nothing says nothing');
  const reader = new Reader(question.readings ?? strictReading);
  try {
    yield* verify(question, reader);
    return { ok: true, readings: [...reader.needed] };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ok: false, reason: error.reason, message: error.message };
  }
}

/** Keeps which readings are allowed and which have been needed. */
class Reader {
  readonly needed = new Set<LenientReading>();
  readonly #allowed: ReadonlySet<LenientReading>;

  constructor(allowed: ReadonlySet<LenientReading>) {
    this.#allowed = allowed;
  }

  /** What follows is a departure from the profile: refused unless this reading allows it. */
  need(reading: LenientReading, refusal: Refusal): void {
    if (!this.#allowed.has(reading)) throw refusal;
    this.needed.add(reading);
  }
}

function* verify(question: SignatureQuestion, reader: Reader): Verifying<void> {
  const { standard, signature, elements, key } = question;
  if (signature === undefined) throw new Refusal('signature-missing');
  const profile = signatureProfileFor(standard, key.algorithm);
  if (profile === undefined) throw new Refusal('key-unfit', `It is ${key.algorithm}.`);
  const { signedInfo } = signature;

  checkAlgorithms(signedInfo, profile);
  checkAttributes(signature, reader);
  const pairs = referencedElements(signature, elements);
  for (const { reference } of pairs) checkTransforms(reference, reader);
  const value = readValue(signature.signatureValue, profile);

  for (const { reference, element } of pairs) checkDigest(reference, element, profile, reader);
  yield* checkValue(question, profile, signedInfo, value, reader);
}

function checkAlgorithms(signedInfo: SignedInfo, profile: SignatureProfile): void {
  demand('The canonicalization', signedInfo.canonicalizationMethod, canonicalExi);
  demand('The signature', signedInfo.signatureMethod, profile.signatureMethod);
  for (const { digestMethod } of signedInfo.references) {
    demand('A digest', digestMethod, profile.digestMethod);
  }
}

function demand(what: string, given: string, wanted: string): void {
  if (given === wanted) return;
  throw new Refusal('algorithm-unfit', `${what} is by ${shown(given)} instead of ${wanted}.`);
}

/** [V2G2-771]; what else it forbids cannot even be read. An Id of Signature is allowed. */
function checkAttributes(signature: XmlSignature, reader: Reader): void {
  const { signedInfo, signatureValueId } = signature;
  const forbid = (present: string | undefined, reading: LenientReading, what: string): void => {
    if (present !== undefined) reader.need(reading, new Refusal('attribute-forbidden', what));
  };
  forbid(signedInfo.id, 'signed-info-id', 'SignedInfo has an Id.');
  forbid(signatureValueId, 'signature-value-id', 'SignatureValue has an Id.');
  for (const { id, type } of signedInfo.references) {
    forbid(id, 'reference-id', 'A Reference has an Id.');
    forbid(type, 'reference-type', 'A Reference has a Type.');
  }
}

interface Referenced {
  readonly reference: SignatureReference;
  readonly element: SignedElement;
}

/** Each reference with its element: every element once, and none besides. */
function referencedElements(
  signature: XmlSignature,
  elements: readonly SignedElement[],
): readonly Referenced[] {
  const { references } = signature.signedInfo;
  if (references.length > MAX_REFERENCES) {
    throw new Refusal('references-too-many', `There are ${references.length}.`);
  }
  const byId = elementsById(signature, elements);
  const found = new Map<string, Referenced>();
  for (const reference of references) {
    const { uri } = reference;
    const element = uri?.startsWith('#') ? byId.get(uri.slice(1)) : undefined;
    if (element === undefined) {
      const detail = uri === undefined ? 'no URI' : `the URI ${shown(uri)}`;
      throw new Refusal('reference-unknown', `It has ${detail}.`);
    }
    if (found.has(element.id)) throw new Refusal('reference-repeated', `It is ${element.name}.`);
    found.set(element.id, { reference, element });
  }
  const missing = elements.filter(({ id }) => !found.has(id)).map(({ name }) => name);
  if (missing.length > 0) throw new Refusal('reference-missing', `It is ${missing.join(', ')}.`);
  return [...found.values()];
}

/**
 * Ids of the signature count, too: two readers must not find two things under one Id. An element
 * without an Id cannot be referenced.
 */
function elementsById(
  { id, signatureValueId, signedInfo }: XmlSignature,
  elements: readonly SignedElement[],
): ReadonlyMap<string, SignedElement> {
  const ofSignature = [id, signatureValueId, signedInfo.id, ...signedInfo.references.map(idOf)];
  const taken = new Set(ofSignature);
  const byId = new Map<string, SignedElement>();
  for (const element of elements) {
    if (element.id === '') continue;
    if (taken.has(element.id)) throw new Refusal('id-repeated', `It is ${shown(element.id)}.`);
    taken.add(element.id);
    byId.set(element.id, element);
  }
  return byId;
}

const idOf = ({ id }: SignatureReference): string | undefined => id;

function checkTransforms({ transforms, uri }: SignatureReference, reader: Reader): void {
  if (transforms === undefined) {
    const detail = `The reference ${shown(uri ?? '')} has no Transforms.`;
    reader.need('missing-transforms', new Refusal('transforms-unfit', detail));
    return;
  }
  if (transforms.length === 1 && transforms[0] === canonicalExi) return;
  const detail = `The reference ${shown(uri ?? '')} has ${transforms.map(shown).join(', ')}.`;
  throw new Refusal('transforms-unfit', detail);
}

/** The signature value as the key's verification wants it: ECDSA in DER. */
function readValue(value: Uint8Array, { key, signatureOctets }: SignatureProfile): Uint8Array {
  const curve = curveOf(key);
  if (value.length !== signatureOctets) {
    if (curve && isStrictEcdsaSignature(value, curve)) throw new Refusal('value-is-der');
    const detail = `It has ${value.length} octets instead of ${signatureOctets}.`;
    throw new Refusal('value-length', detail);
  }
  if (!curve) return value;
  try {
    return ecdsaRawToDer(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Refusal('value-range');
  }
}

function checkDigest(
  { digestValue }: SignatureReference,
  element: SignedElement,
  profile: SignatureProfile,
  reader: Reader,
): void {
  if (sameBytes(digestValue, profile.digest(element.fragment()))) return;
  const refusal = new Refusal('digest-mismatch', `It is ${element.name}.`);
  const other = element.otherFragments?.find(({ fragment }) =>
    sameBytes(digestValue, profile.digest(fragment())),
  );
  if (!other) throw refusal;
  reader.need(other.reading, refusal);
}

function* checkValue(
  { standard, key }: SignatureQuestion,
  { algorithm }: SignatureProfile,
  signedInfo: SignedInfo,
  value: Uint8Array,
  reader: Reader,
): Verifying<void> {
  const common = { key, algorithm, value };
  if (yield { message: encodeSignedInfo(signedInfo), ...common }) return;
  const refusal = new Refusal('value-invalid');
  reader.need('signed-info-grammar', refusal);
  if (!(yield { message: inOwnGrammar[standard](signedInfo), ...common })) throw refusal;
}

const inOwnGrammar: Readonly<Record<Standard, (signedInfo: SignedInfo) => Uint8Array>> = {
  'iso15118-2': encodeIso2SignedInfo,
  'iso15118-20': encodeIso20SignedInfo,
};

/** Text from the message, short and without what does not show or turns a terminal's text around. */
const shown = (text: string): string => {
  const start = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return `"${start.replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, '\u{fffd}')}"`;
};
