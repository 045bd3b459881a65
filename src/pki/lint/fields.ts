/** Lint rules about the basic fields of a certificate (RFC 5280 4.1). */

import { sameBytes } from '../byte-order.ts';
import { DerReader } from '../der.ts';
import { tags } from '../der-element.ts';
import { algorithms } from '../oids.ts';
import { signatureAlgorithmFor } from '../signature-algorithm.ts';
import type { LintCheck } from './rule.ts';

export const isVersion3: LintCheck = ({ version }) =>
  version === 2 ? undefined : `The version field says ${version}, not 2 for v3.`;

export const hasPositiveSerial: LintCheck = ({ serialNumber }) => {
  const first = serialNumber[0] ?? 0x80;
  const isZero = serialNumber.every((octet) => octet === 0);
  return first < 0x80 && !isZero ? undefined : 'The serial number is zero or negative.';
};

export const hasShortSerial: LintCheck = ({ serialNumber }) =>
  serialNumber.length <= 20 ? undefined : `The serial number has ${serialNumber.length} octets.`;

/**
 * With 64 random bits nobody can foresee a serial number, and so not the bytes that get signed.
 * Eight octets have no room for them: the first bit is the sign, which is never set.
 */
export const hasLongSerial: LintCheck = ({ serialNumber: { length } }) =>
  length > 8 ? undefined : `The serial number has room for ${8 * length - 1} bits only.`;

/** The signature algorithm is the one that the issuer's key signs with. */
export const hasAlgorithmOfIssuer: LintCheck = (
  { signatureAlgorithmDer },
  { issuerKeyAlgorithm },
) => {
  const expected = oidBySignatureAlgorithm[signatureAlgorithmFor(issuerKeyAlgorithm)];
  const { oid } = algorithmParts(signatureAlgorithmDer);
  return oid === expected ? undefined : `The signature algorithm is ${oid}, not ${expected}.`;
};

/** RSA takes NULL as its parameters; ECDSA and EdDSA take none, not even NULL. */
export const hasRightAlgorithmParameters: LintCheck = ({ signatureAlgorithmDer }) => {
  const { oid, parameters } = algorithmParts(signatureAlgorithmDer);
  const isRsa = oid.startsWith('1.2.840.113549.1.1.');
  const right = isRsa ? sameBytes(parameters, DER_NULL) : parameters.length === 0;
  return right ? undefined : `The parameters of ${oid} are not as its standard has them.`;
};

// A table of its own, so that a mistake in `signature-algorithm.ts` shows here.
const oidBySignatureAlgorithm = {
  'ecdsa-with-SHA256': algorithms.ecdsaWithSha256,
  'ecdsa-with-SHA384': algorithms.ecdsaWithSha384,
  'ecdsa-with-SHA512': algorithms.ecdsaWithSha512,
  Ed25519: algorithms.ed25519,
  Ed448: algorithms.ed448,
  sha256WithRSAEncryption: algorithms.sha256WithRsaEncryption,
  sha384WithRSAEncryption: algorithms.sha384WithRsaEncryption,
  sha512WithRSAEncryption: algorithms.sha512WithRsaEncryption,
} as const;

const DER_NULL = new Uint8Array([tags.null, 0]);

function algorithmParts(der: Uint8Array): { oid: string; parameters: Uint8Array } {
  const fields = DerReader.over(der, der.length).sequence();
  const oid = fields.oid();
  return { oid, parameters: fields.atEnd ? new Uint8Array(0) : fields.read().raw };
}

/** Byte for byte: relying parties find the issuer by comparing names. */
export const hasNameOfIssuer: LintCheck = (tbs, { issuer }) => {
  const expected = issuer === 'self' ? tbs.subjectDer : issuer.subjectDer;
  return sameBytes(tbs.issuerDer, expected)
    ? undefined
    : "The issuer name is not the issuer's subject, byte for byte.";
};

export const hasIssuerName: LintCheck = ({ issuer }) =>
  issuer.attributes.length > 0 ? undefined : 'The issuer name is empty.';

/** A self-signed certificate is signed with the key that it carries. */
export const isSelfSignedAsRoot: LintCheck = ({ publicKey }, context) => {
  const { profile, issuer, issuerKeyAlgorithm } = context;
  if ((issuer === 'self') !== (profile.kind === 'root-ca')) {
    return 'Roots sign themselves, and nobody else does.';
  }
  if (issuer !== 'self' || publicKey?.algorithm === issuerKeyAlgorithm) return undefined;
  return `A root with a key of ${publicKey?.algorithm} is to be signed by one of ${issuerKeyAlgorithm}.`;
};

/** A leaf with its issuer's name would be taken for a certificate of the issuer. */
export const hasNameOfItsOwn: LintCheck = ({ issuerDer, subjectDer }, { profile }) => {
  if (profile.kind === 'root-ca') return undefined;
  return sameBytes(issuerDer, subjectDer) ? 'The subject is the name of the issuer.' : undefined;
};

export const hasValidityInOrder: LintCheck = ({ notBefore, notAfter }) =>
  notBefore.getTime() <= notAfter.getTime() ? undefined : 'The validity ends before it starts.';

export const hasValidityWithinIssuer: LintCheck = ({ notBefore, notAfter }, { issuer }) => {
  if (issuer === 'self') return undefined;
  const within =
    notBefore.getTime() >= issuer.notBefore.getTime() &&
    notAfter.getTime() <= issuer.notAfter.getTime();
  return within ? undefined : "The validity is not within the issuer's.";
};

/** Both ends count (RFC 5280 4.1.2.5), hence one second more than their difference. */
export const hasValidityWithinProfile: LintCheck = ({ notBefore, notAfter }, { profile }) => {
  const duration = notAfter.getTime() - notBefore.getTime() + 1000;
  return duration <= profile.validity.maximum
    ? undefined
    : `The validity lasts ${duration / 1000} seconds, more than the profile's maximum.`;
};

export const hasNoUniqueIds: LintCheck = ({ hasUniqueIds }) =>
  hasUniqueIds ? 'It has unique identifiers.' : undefined;

export const hasAcceptedKey: LintCheck = ({ publicKey }) =>
  publicKey ? undefined : 'The public key is not one of the exact encodings that evpki accepts.';

export const hasKeyOfProfile: LintCheck = ({ publicKey }, { profile }) =>
  publicKey === undefined || profile.keys.includes(publicKey.algorithm)
    ? undefined
    : `The profile does not allow keys of ${publicKey.algorithm}.`;
