/** Certification requests, PKCS#10 (RFC 2986): what a charger sends and what is taken from it. */

import { DerReader } from './der.ts';
import { contextConstructed, DerError, tags } from './der-element.ts';
import { type DistinguishedName, NameError, readName } from './names.ts';
import { type PublicKey, readPublicKey } from './public-key.ts';
import type { RawExtension } from './raw-extensions.ts';
import { readRequestAttributes } from './request-attributes.ts';
import { fitsKey, readSignatureAlgorithm, verifySignatureOnce } from './signature-algorithm.ts';
import { accepted, type Checked, refused, type Violation, violation } from './violations.ts';
import { keyWeaknesses } from './weak-keys.ts';

/** A request in strict DER whose signature has been verified with the key it carries. */
export interface CertificationRequest {
  readonly der: Uint8Array;
  readonly subject: DistinguishedName;
  readonly publicKey: PublicKey;
  /** From the extensionRequest attribute (RFC 2985 5.4.2), in the order of the request. */
  readonly extensions: readonly RawExtension[];
  /**
   * From the attribute of that name (RFC 2985 5.4.1): what somebody put there, perhaps a secret.
   * EST gives it a meaning (see `channel-binding.ts`); it is never logged or shown.
   */
  readonly challengePassword?: string;
  /** Whether a key that is generated for it is to be encrypted (RFC 7030 4.4.1.1, 4.4.1.2). */
  readonly wantsEncryptedKey: boolean;
}

/** Requests of real stations stay below 2 KiB; RSA-4096 with every extension stays below 4 KiB. */
export const MAX_REQUEST_BYTES = 8 * 1024;

/**
 * Reads a request and verifies everything about it that does not depend on a profile: strict DER,
 * version 0, a subject in the form of `readName`, a key of an accepted encoding without known
 * weakness, a signature by that key with an algorithm that fits it, each attribute once and the
 * attributes field present and in DER order even if empty (RFC 2986 4.1, RFC 2985 5.4.2).
 *
 * challengePassword, unstructuredName and unknown attributes are checked for their form, and
 * nothing of them reaches a certificate.
 * @param der the DER of the request; it must not change while the result is in use
 * @returns the request, or all that is wrong with it as far as it can be read. Only a frame that
 *   is not DER (the outer structure with its seven parts) ends the reading early.
 */
export function readRequest(der: Uint8Array): Checked<CertificationRequest> {
  if (der.length > MAX_REQUEST_BYTES) {
    return refused(
      violation(
        'csr-too-large',
        `The request has ${der.length} bytes; ${MAX_REQUEST_BYTES} are allowed.`,
      ),
    );
  }
  const frame = readFrame(der);
  if (!frame.ok) return frame;
  const parts = frame.value;

  const subject = readSubject(parts.subject);
  const publicKey = readPublicKey(parts.spki);
  const attributes = readRequestAttributes(parts.attributes);
  const violations: Violation[] = [
    ...versionViolations(parts.version),
    ...(subject.ok ? [] : subject.violations),
    ...(publicKey.ok ? keyWeaknesses(publicKey.value) : publicKey.violations),
    ...signatureViolations(parts, publicKey.ok ? publicKey.value : undefined),
    ...attributes.violations,
  ];
  if (violations.length > 0 || !subject.ok || !publicKey.ok) return refused(...violations);
  return accepted({
    der,
    subject: subject.value,
    publicKey: publicKey.value,
    extensions: attributes.extensions,
    wantsEncryptedKey: attributes.wantsEncryptedKey,
    ...(attributes.challengePassword === undefined
      ? {}
      : { challengePassword: attributes.challengePassword }),
  });
}

/** The parts of a request, each still DER except where said. */
interface RequestFrame {
  /** CertificationRequestInfo as signed. */
  readonly info: Uint8Array;
  /** Content octets of the INTEGER. */
  readonly version: Uint8Array;
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  /** Undefined when the field is absent. */
  readonly attributes: Uint8Array | undefined;
  readonly signatureAlgorithm: Uint8Array;
  /** The signature's octets. */
  readonly signature: Uint8Array;
}

function readFrame(der: Uint8Array): Checked<RequestFrame> {
  try {
    return accepted(frameOf(der));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return refused(
      violation('csr-malformed', `The request is not PKCS#10 in strict DER: ${error.message}.`),
    );
  }
}

function frameOf(der: Uint8Array): RequestFrame {
  const input = DerReader.over(der, MAX_REQUEST_BYTES);
  const request = input.sequence();
  input.end();
  const infoElement = request.read(tags.sequence);
  const signatureAlgorithm = request.read(tags.sequence).raw;
  const { offset } = request;
  const { unusedBits, bytes: signature } = request.bitString();
  if (unusedBits !== 0) throw new DerError('a signature does not end at an octet', offset);
  request.end();

  const info = request.inside(infoElement);
  const version = info.integerBytes();
  const subject = info.read(tags.sequence).raw;
  const spki = info.read(tags.sequence).raw;
  const attributes = info.atEnd ? undefined : info.read(contextConstructed(0)).raw;
  info.end();
  return {
    info: infoElement.raw,
    version,
    subject,
    spki,
    attributes,
    signatureAlgorithm,
    signature,
  };
}

function versionViolations(version: Uint8Array): Violation[] {
  if (version.length === 1 && version[0] === 0) return [];
  const hex = Buffer.from(version.subarray(0, 8)).toString('hex');
  return [violation('csr-version', `The version is 0x${hex}; RFC 2986 knows 0 only.`, 'version')];
}

function readSubject(der: Uint8Array): Checked<DistinguishedName> {
  try {
    return accepted(readName(DerReader.over(der, MAX_REQUEST_BYTES)));
  } catch (error) {
    if (error instanceof DerError) {
      return refused(
        violation('csr-malformed', `The subject is not strict DER: ${error.message}.`, 'subject'),
      );
    }
    if (!(error instanceof NameError)) throw error;
    const field = error.attribute === undefined ? 'subject' : `subject.${error.attribute}`;
    return refused(violation('subject-malformed', `The subject: ${error.message}.`, field));
  }
}

/** Proof of possession (RFC 2986 4.2). Without a usable key only the algorithm can be judged. */
function signatureViolations(parts: RequestFrame, key: PublicKey | undefined): Violation[] {
  const algorithm = readSignatureAlgorithm(parts.signatureAlgorithm);
  if (algorithm === undefined) {
    const message = `The request is signed with ${algorithmText(parts.signatureAlgorithm)}, which is not accepted.`;
    return [violation('csr-signature-algorithm', message, 'signatureAlgorithm')];
  }
  if (key === undefined) return [];
  if (!fitsKey(algorithm, key.algorithm)) {
    const message = `The request is signed with ${algorithm}, which does not go with its ${key.algorithm} key.`;
    return [violation('csr-signature-algorithm', message, 'signatureAlgorithm')];
  }
  if (verifySignatureOnce(key, algorithm, parts.info, parts.signature)) return [];
  return [
    violation(
      'csr-signature-invalid',
      'The signature does not verify with the public key in the request.',
      'signature',
    ),
  ];
}

/** The algorithm as an operator can look it up; its parameters may be what is wrong. */
function algorithmText(der: Uint8Array): string {
  try {
    const identifier = DerReader.over(der, MAX_REQUEST_BYTES).sequence();
    const oid = identifier.oid();
    return identifier.atEnd ? `algorithm ${oid}` : `algorithm ${oid} with parameters`;
  } catch {
    return 'an algorithm identifier that is not DER';
  }
}
