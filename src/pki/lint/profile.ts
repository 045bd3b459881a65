/** Lint rules that hold the extensions, and the size of it all, against the profile. */

import { bitString, sequence } from '../der-writer.ts';
import { understoodExtensions } from '../extensions/read.ts';
import { type CertificateKind, grantedKeyUsages } from '../profile.ts';
import type { KeyAlgorithm } from '../public-key.ts';
import type { LintCheck } from './rule.ts';

const kindsOfAuthorities: readonly CertificateKind[] = ['root-ca', 'sub-ca', 'cross-ca'];

/** Whatever else a profile says, a leaf never becomes an authority by a slip in a file. */
export const isAuthorityByKind: LintCheck = ({ extensions }, { profile }) => {
  const isAuthority = extensions.basicConstraints?.ca ?? false;
  return isAuthority === kindsOfAuthorities.includes(profile.kind)
    ? undefined
    : `cA is ${isAuthority} in a certificate of kind ${profile.kind}.`;
};

/** Those of the profile and no others; alternative names may be missing where not required. */
export const hasExtensionsOfProfile: LintCheck = ({ extensions }, { profile }) => {
  const given = new Set(Object.keys(profile.extensions));
  const found = new Set(Object.keys(extensions));
  const excess = [...found].filter((name) => !given.has(name));
  const missing = [...given].filter((name) => !found.has(name) && !mayBeMissing(name));
  if (excess.length > 0) return `The profile does not give ${excess.join(', ')}.`;
  return missing.length > 0 ? `It lacks ${missing.join(', ')}.` : undefined;

  function mayBeMissing(name: string): boolean {
    return name === 'subjectAltName' && !profile.extensions.subjectAltName?.required;
  }
};

export const hasCriticalityOfProfile: LintCheck = ({ rawExtensions }, { profile }) => {
  const wrong = rawExtensions.find(({ oid, critical }) => {
    const name = understoodExtensions.get(oid);
    // Name constraints are in no profile, which another rule says.
    const given = name && name !== 'nameConstraints' ? profile.extensions[name] : undefined;
    return given !== undefined && given.critical !== critical;
  });
  return wrong === undefined
    ? undefined
    : `${understoodExtensions.get(wrong.oid)} is ${wrong.critical ? '' : 'not '}critical.`;
};

export const hasConstraintsOfProfile: LintCheck = ({ extensions }, { profile }) => {
  const { basicConstraints: found } = extensions;
  const { basicConstraints: given } = profile.extensions;
  if (found === undefined || given === undefined) return undefined;
  return found.ca === given.ca && found.pathLength === given.pathLength
    ? undefined
    : "The basic constraints are not the profile's.";
};

export const hasKeyUsageOfProfile: LintCheck = ({ extensions, publicKey }, { profile }) => {
  if (extensions.keyUsage === undefined || publicKey === undefined) return undefined;
  const given = grantedKeyUsages(profile, publicKey.algorithm);
  return isSameSet(extensions.keyUsage.usages, given)
    ? undefined
    : `The key usage is ${extensions.keyUsage.usages.join(', ')}, not ${given.join(', ')}.`;
};

export const hasPurposesOfProfile: LintCheck = ({ extensions }, { profile }) => {
  const found = extensions.extendedKeyUsage?.purposes;
  const given = profile.extensions.extendedKeyUsage?.purposes;
  if (found === undefined || given === undefined || isSameSet(found, given)) return undefined;
  return `The purposes are ${found.join(', ')}, not ${given.join(', ')}.`;
};

export const hasPoliciesOfProfile: LintCheck = ({ extensions }, { profile }) => {
  const found = extensions.certificatePolicies?.policies;
  const given = profile.extensions.certificatePolicies?.policies;
  if (found === undefined || given === undefined || isSameSet(found, given)) return undefined;
  return `The policies are ${found.join(', ')}, not ${given.join(', ')}.`;
};

/** 8 octets in ISO 15118 (RFC 5280 4.2.1.2 method 2), 20 elsewhere. */
export const hasKeyIdentifierLengthOfProfile: LintCheck = (tbs, { profile, certified }) => {
  const found = tbs.extensions.subjectKeyIdentifier?.value.length;
  const given = certified?.keyIdentifier.length ?? profile.extensions.subjectKeyIdentifier?.octets;
  return found === undefined || given === undefined || found === given
    ? undefined
    : `The subject key identifier has ${found} octets, not ${given}.`;
};

export const hasNamesOfProfile: LintCheck = ({ extensions }, { profile }) => {
  const given = profile.extensions.subjectAltName;
  if (given === undefined) return undefined;
  for (const name of extensions.subjectAltName?.names ?? []) {
    if (name.kind === 'other') continue;
    if (!given.kinds.includes(name.kind)) return `The profile gives no names of kind ${name.kind}.`;
    if (name.kind === 'dns' && name.value.includes('*') && !given.wildcards) {
      return 'The profile gives no wildcards.';
    }
  }
  return undefined;
};

export const hasAccessOfProfile: LintCheck = ({ extensions }, { profile }) => {
  const found = extensions.authorityInfoAccess;
  const given = profile.extensions.authorityInfoAccess;
  if (found === undefined || given === undefined) return undefined;
  const same =
    found.ocsp.length > 0 === given.ocsp && found.caIssuers.length > 0 === given.caIssuers;
  return same ? undefined : 'The authority information is not what the profile gives.';
};

/**
 * The size that the standard allows (800 bytes in ISO 15118-2, 1600 in part 20), judged before
 * there is a signature, hence with the longest one that the key can make.
 */
export const isSmallEnough: LintCheck = ({ tbs, signatureAlgorithmDer }, context) => {
  const { maximumSize } = context.profile;
  if (maximumSize === undefined) return undefined;
  const signature = new Uint8Array(longestSignature[context.issuerKeyAlgorithm]);
  const size = sequence(tbs, signatureAlgorithmDer, bitString(signature)).length;
  return size <= maximumSize
    ? undefined
    : `It may have ${size} bytes, more than the ${maximumSize} that the standard allows.`;
};

/**
 * In octets. An ECDSA signature is a SEQUENCE of two INTEGERs (RFC 3279 2.2.3), each as long as
 * the group's order and one octet more where its first bit can be set, as it can for all but
 * P-521.
 */
const longestSignature: Readonly<Record<KeyAlgorithm, number>> = {
  'P-256': 2 + 2 * (2 + 33),
  'P-384': 2 + 2 * (2 + 49),
  'P-521': 3 + 2 * (2 + 66),
  Ed25519: 64,
  Ed448: 114,
  'RSA-2048': 256,
  'RSA-3072': 384,
  'RSA-4096': 512,
};

const isSameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && new Set(a).size === a.length && a.every((one) => b.includes(one));
