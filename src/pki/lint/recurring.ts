/**
 * What recurs from certificate to certificate. Those of one profile and issuer differ in serial
 * number, validity, subject, key and the identifier of that key; everything else is the same
 * octets again. Once such octets have passed every rule, comparing them says the same as parsing
 * and asking again: a rule is a function of the octets and the context, and neither has changed.
 * What differs is read anew each time, and the rules about it (`varies`) are asked each time.
 */

import { sameBytes } from '../byte-order.ts';
import { readTbs, type TbsCertificate } from '../certificate.ts';
import { DerReader } from '../der.ts';
import { contextConstructed, DerError, tags } from '../der-element.ts';
import { NameError, readName } from '../names.ts';
import type { Profile } from '../profile.ts';
import { type KeyAlgorithm, readPublicKey } from '../public-key.ts';
import type { LintContext, LintIssuer } from './rule.ts';
import { lintRules } from './rules.ts';

/** A certificate that kept every rule. All octets are copies. */
interface Recurring {
  readonly issuerKeyAlgorithm: KeyAlgorithm;
  readonly issuer: Omit<LintIssuer, 'notBefore' | 'notAfter'>;
  readonly linted: TbsCertificate;
  readonly extensionsDer: Uint8Array;
  /** All but the subject key identifier. */
  readonly otherExtensions: TbsCertificate['extensions'];
  readonly keyIdentifierIsCritical: boolean;
  /** Between these two is the value of the subject key identifier. */
  readonly keyIdentifierAt: number;
  readonly keyIdentifierEnd: number;
}

const MAX_BYTES = 16 * 1024;

// That the subject is a name in strict form is asked by reading it as one.
const varyingRules = lintRules.filter(({ varies, id }) => varies && id !== 'subject-strict-name');

// Forgotten with the profile, the issuer, or both.
const known = new WeakMap<Profile, WeakMap<LintIssuer, Map<KeyAlgorithm, Recurring>>>();

/**
 * Whether a TBSCertificate keeps every rule, as far as that is seen without parsing what recurs.
 * @returns false when it breaks a rule, and also when nothing like it has been linted before
 */
export function keepsRulesAsBefore(tbs: Uint8Array, context: LintContext): boolean {
  const { profile, issuer, certified } = context;
  // A cross-certificate is held against the root that it is for: none is like another.
  if (certified !== undefined) return false;
  const before = issuer === 'self' ? undefined : known.get(profile)?.get(issuer);
  if (before === undefined) return false;
  try {
    const read = readVarying(tbs, before);
    return (
      read !== undefined &&
      isSameContext(read.recurring, context) &&
      varyingRules.every(({ check }) => check(read.certificate, context) === undefined)
    );
  } catch (error) {
    // What exactly is wrong is for the rules to say, one by one.
    if (error instanceof DerError || error instanceof NameError) return false;
    throw error;
  }
}

interface Varying {
  readonly recurring: Recurring;
  readonly certificate: TbsCertificate;
}

function readVarying(
  tbs: Uint8Array,
  before: ReadonlyMap<KeyAlgorithm, Recurring>,
): Varying | undefined {
  const input = DerReader.over(tbs, MAX_BYTES);
  const fields = input.sequence();
  input.end();
  if (!sameBytes(fields.read().raw, VERSION_3)) return undefined;
  const serialNumber = fields.integerBytes();
  const signatureAlgorithmDer = fields.read(tags.sequence).raw;
  const issuerDer = fields.read(tags.sequence).raw;
  const validity = fields.sequence();
  const notBefore = validity.time();
  const notAfter = validity.time();
  validity.end();
  const subjectDer = fields.read(tags.sequence).raw;
  const spki = fields.read(tags.sequence).raw;
  const wrapped = fields.enter(contextConstructed(3));
  const extensionsDer = wrapped.read(tags.sequence).raw;
  wrapped.end();
  fields.end();

  const publicKey = readPublicKey(spki);
  const recurring = publicKey.ok ? before.get(publicKey.value.algorithm) : undefined;
  if (recurring === undefined || !publicKey.ok) return undefined;
  const { linted, keyIdentifierAt, keyIdentifierEnd } = recurring;
  const recurs =
    sameBytes(signatureAlgorithmDer, linted.signatureAlgorithmDer) &&
    sameBytes(issuerDer, linted.issuerDer) &&
    extensionsDer.length === recurring.extensionsDer.length &&
    isSamePart(extensionsDer, recurring.extensionsDer, 0, keyIdentifierAt) &&
    isSamePart(extensionsDer, recurring.extensionsDer, keyIdentifierEnd, extensionsDer.length);
  if (!recurs) return undefined;
  const value = extensionsDer.subarray(keyIdentifierAt, keyIdentifierEnd);
  // Named one by one: objects that begin with a spread have a hidden class of their own each
  // (docs/adr/0023-cost-of-an-installation.md), and every rule reads from these.
  const certificate: TbsCertificate = {
    tbs,
    version: linted.version,
    serialNumber,
    signatureAlgorithmDer: linted.signatureAlgorithmDer,
    signatureAlgorithm: linted.signatureAlgorithm,
    issuerDer: linted.issuerDer,
    issuer: linted.issuer,
    notBefore,
    notAfter,
    subjectDer,
    subject: readName(DerReader.over(subjectDer, MAX_BYTES)),
    spki,
    publicKey: publicKey.value,
    hasUniqueIds: linted.hasUniqueIds,
    rawExtensions: linted.rawExtensions,
    extensionsDer,
    extensions: {
      subjectKeyIdentifier: { critical: recurring.keyIdentifierIsCritical, value },
      ...recurring.otherExtensions,
    },
  };
  return { recurring, certificate };
}

/** `[0] EXPLICIT INTEGER 2`. */
const VERSION_3 = new Uint8Array([0xa0, 0x03, 0x02, 0x01, 0x02]);

/** Objects say nothing about their content: octets in them could have been changed since. */
function isSameContext(
  { issuer: before, issuerKeyAlgorithm }: Recurring,
  context: LintContext,
): boolean {
  const { issuer } = context;
  return (
    issuer !== 'self' &&
    issuerKeyAlgorithm === context.issuerKeyAlgorithm &&
    issuer.pathLength === before.pathLength &&
    sameBytes(issuer.subjectDer, before.subjectDer) &&
    isSameIdentifier(issuer.keyIdentifier, before.keyIdentifier)
  );
}

const isSameIdentifier = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined ? a === b : sameBytes(a, b);

function isSamePart(a: Uint8Array, b: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (a[at] !== b[at]) return false;
  return true;
}

/**
 * Takes note of a certificate that has kept every rule.
 * @param read as it was linted; its octets are copied
 */
export function rememberRecurring(read: TbsCertificate, context: LintContext): void {
  const { profile, issuer, issuerKeyAlgorithm } = context;
  // A profile that could still be changed may be another the next time. Roots do not come in rows,
  // and alternative names are each certificate's own.
  if (issuer === 'self' || context.certified !== undefined) return;
  if (!Object.isFrozen(profile) || read.extensions.subjectAltName) return;
  // What is kept are parts of a copy that nobody else has.
  const linted = readTbs(new Uint8Array(read.tbs));
  const { extensionsDer, publicKey } = linted;
  const { subjectKeyIdentifier, ...otherExtensions } = linted.extensions;
  if (!extensionsDer || !publicKey || !subjectKeyIdentifier) return;
  const { critical, value } = subjectKeyIdentifier;
  const ofProfile = known.get(profile) ?? new WeakMap<LintIssuer, Map<KeyAlgorithm, Recurring>>();
  known.set(profile, ofProfile);
  const ofIssuer = ofProfile.get(issuer) ?? new Map<KeyAlgorithm, Recurring>();
  ofProfile.set(issuer, ofIssuer);
  const keyIdentifierAt = value.byteOffset - extensionsDer.byteOffset;
  ofIssuer.set(publicKey.algorithm, {
    issuerKeyAlgorithm,
    issuer: {
      subjectDer: new Uint8Array(issuer.subjectDer),
      ...(issuer.keyIdentifier && { keyIdentifier: new Uint8Array(issuer.keyIdentifier) }),
      ...(issuer.pathLength !== undefined && { pathLength: issuer.pathLength }),
    },
    linted,
    extensionsDer,
    otherExtensions,
    keyIdentifierIsCritical: critical,
    keyIdentifierAt,
    keyIdentifierEnd: keyIdentifierAt + value.length,
  });
}
