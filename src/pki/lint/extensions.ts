/** Lint rules about extensions as RFC 5280 4.2 and RFC 6960 want them, whatever the profile. */

import { hash } from 'node:crypto';
import { parseHostName } from '../../identifiers/host-name.ts';
import { sameBytes } from '../byte-order.ts';
import type { TbsCertificate } from '../certificate.ts';
import type { AnyGeneralName } from '../extensions/general-names.ts';
import { understoodExtensions } from '../extensions/read.ts';
import { writeExtensions } from '../extensions/write.ts';
import type { ExtensionSet } from '../template.ts';
import type { LintCheck } from './rule.ts';

export const hasEachExtensionOnce: LintCheck = ({ rawExtensions }) => {
  const oids = rawExtensions.map(({ oid }) => oid);
  const repeated = oids.find((oid, index) => oids.indexOf(oid) !== index);
  return repeated === undefined ? undefined : `The extension ${repeated} occurs twice.`;
};

/** What evpki cannot read it does not sign. */
export const hasOnlyKnownExtensions = ({ rawExtensions }: TbsCertificate): string | undefined => {
  const unknown = rawExtensions.find(({ oid }) => !understoodExtensions.has(oid));
  return unknown === undefined ? undefined : `The extension ${unknown.oid} is not known.`;
};

/**
 * Writing again what was read gives the same bytes, so that nothing is in there that the other
 * rules did not see: policy qualifiers, further access methods, reasons of distribution points.
 */
export const hasNothingUnread: LintCheck = (tbs) => {
  const { extensions, extensionsDer } = tbs;
  // Extensions that are not known break a rule of their own, and could not be written.
  if (extensionsDer === undefined || hasOnlyKnownExtensions(tbs)) return undefined;
  try {
    // What the cast lets through and is no ExtensionSet cannot be written, or not to equal bytes.
    if (sameBytes(writeExtensions(extensions as ExtensionSet), extensionsDer)) return undefined;
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
  }
  return 'An extension says more than evpki reads in it, or says it in another form.';
};

/** RFC 5280 4.2.1.1: the key identifier, in all but self-signed certificates. */
export const hasAuthorityKeyIdentifier: LintCheck = ({ extensions }, { issuer }) =>
  issuer === 'self' || extensions.authorityKeyIdentifier?.value
    ? undefined
    : 'It has no authority key identifier.';

/** RFC 5280 4.2.1.1, 4.2.1.2: the same value as the subject key identifier of the issuer. */
export const hasKeyIdentifierOfIssuer: LintCheck = ({ extensions }, { issuer }) => {
  const found = extensions.authorityKeyIdentifier?.value;
  const expected =
    issuer === 'self' ? extensions.subjectKeyIdentifier?.value : issuer.keyIdentifier;
  if (found === undefined || expected === undefined) return undefined;
  return sameBytes(found, expected)
    ? undefined
    : "The authority key identifier is not the issuer's subject key identifier.";
};

export const hasSubjectKeyIdentifierInCa: LintCheck = ({ extensions }) =>
  extensions.basicConstraints?.ca && !extensions.subjectKeyIdentifier
    ? 'An authority has no subject key identifier.'
    : undefined;

/**
 * Computed anew, and not with `key-identifier.ts`, which made the value. Another root has made its
 * own in whatever way (RFC 5280 4.2.1.2 leaves it open), which a cross-certificate repeats.
 */
export const hasKeyIdentifierOfKey: LintCheck = ({ extensions, publicKey }, { certified }) => {
  const found = extensions.subjectKeyIdentifier?.value;
  if (found === undefined || publicKey === undefined || certified) return undefined;
  const sha1 = hash('sha1', publicKey.bits);
  const hex = Buffer.from(found).toString('hex');
  return hex === sha1 || hex === `4${sha1.slice(25)}`
    ? undefined
    : 'The subject key identifier is not made of the public key.';
};

/**
 * RFC 5280 wants these never critical. ISO 15118-20 Annex B wants the opposite, so profiles of
 * that part are excepted; plain X.509 software refuses what they make.
 */
export const hasUncriticalInformation: LintCheck = ({ extensions }, { profile }) => {
  if (profile.standard.includes('ISO 15118-20')) return undefined;
  const { authorityKeyIdentifier, subjectKeyIdentifier, authorityInfoAccess } = extensions;
  const critical = [authorityKeyIdentifier, subjectKeyIdentifier, authorityInfoAccess].some(
    (extension) => extension?.critical,
  );
  return critical ? 'A key identifier or the authority information is critical.' : undefined;
};

export const hasKeyUsageInCa: LintCheck = ({ extensions }) =>
  extensions.basicConstraints?.ca && !extensions.keyUsage?.usages.includes('keyCertSign')
    ? 'An authority may not sign certificates by its key usage.'
    : undefined;

export const signsCertificatesAsCaOnly: LintCheck = ({ extensions }) =>
  extensions.keyUsage?.usages.includes('keyCertSign') && !extensions.basicConstraints?.ca
    ? 'It may sign certificates by its key usage and is no authority.'
    : undefined;

/** RFC 5280 4.2.1.3: the two say in which way a key is agreed on. */
export const hasKeyAgreementWithDirection: LintCheck = ({ extensions }) => {
  const usages = extensions.keyUsage?.usages ?? [];
  const isDirected = usages.includes('encipherOnly') || usages.includes('decipherOnly');
  return isDirected && !usages.includes('keyAgreement')
    ? 'encipherOnly and decipherOnly mean nothing without keyAgreement.'
    : undefined;
};

export const hasCriticalConstraintsInCa: LintCheck = ({ extensions }) => {
  const { basicConstraints } = extensions;
  return basicConstraints?.ca && !basicConstraints.critical
    ? 'The basic constraints of an authority are not critical.'
    : undefined;
};

export const hasPathLengthInCaOnly: LintCheck = ({ extensions }) => {
  const { basicConstraints } = extensions;
  return basicConstraints?.pathLength !== undefined && !basicConstraints.ca
    ? 'It has a path length and is no authority.'
    : undefined;
};

export const hasPathLengthWithinIssuer: LintCheck = ({ extensions }, { issuer }) => {
  const { basicConstraints } = extensions;
  if (issuer === 'self' || issuer.pathLength === undefined || !basicConstraints?.ca) {
    return undefined;
  }
  const { pathLength } = basicConstraints;
  return pathLength !== undefined && pathLength < issuer.pathLength
    ? undefined
    : "The path length is not below the issuer's.";
};

export const hasDefinitePurposes: LintCheck = ({ extensions }) =>
  extensions.extendedKeyUsage?.purposes.includes('anyExtendedKeyUsage')
    ? 'It is for any purpose.'
    : undefined;

/** RFC 6960 4.2.2.2: whoever holds such a certificate can declare others good. */
export const signsStatusAsResponderOnly: LintCheck = ({ extensions }, { profile }) => {
  const { extendedKeyUsage, basicConstraints, ocspNoCheck } = extensions;
  const purposes = extendedKeyUsage?.purposes ?? [];
  const isResponder = profile.kind === 'ocsp-responder';
  if (isResponder && (purposes.length !== 1 || purposes[0] !== 'OCSPSigning')) {
    return 'A responder signs OCSP answers and nothing else.';
  }
  if (isResponder) return undefined;
  // A V2G root may carry the purpose (ISO 15118-2 Annex F); its key answers for itself anyway.
  const marked = purposes.includes('OCSPSigning') && !basicConstraints?.ca;
  return marked || ocspNoCheck ? 'It is marked as a responder and is none.' : undefined;
};

export const hasProperNames: LintCheck = ({ extensions }) => {
  const wrong = extensions.subjectAltName?.names.find((name) => !isProper(name));
  return wrong === undefined
    ? undefined
    : `A subject alternative name of kind ${wrong.kind} is not in its proper form.`;
};

function isProper(name: AnyGeneralName): boolean {
  switch (name.kind) {
    case 'dns': {
      const host = parseHostName(name.value, { allowWildcard: true });
      return host.ok && host.value.normal === name.value;
    }
    case 'uri':
      return /^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(name.value);
    case 'ip':
      // Four or sixteen octets, as the reader has made sure.
      return true;
    case 'other':
      return false;
  }
}

export const hasConstraintsInCaOnly: LintCheck = ({ extensions }) => {
  const { nameConstraints, basicConstraints } = extensions;
  if (nameConstraints === undefined) return undefined;
  return basicConstraints?.ca && nameConstraints.critical
    ? undefined
    : 'Name constraints are not critical, or not in the certificate of an authority.';
};

/** Plain http: whoever checks a certificate must not need another certificate for it. */
export const hasHttpAddresses: LintCheck = ({ extensions }) => {
  const { crlDistributionPoints, authorityInfoAccess } = extensions;
  const urls = [
    ...(crlDistributionPoints?.urls ?? []),
    ...(authorityInfoAccess?.ocsp ?? []),
    ...(authorityInfoAccess?.caIssuers ?? []),
  ];
  const wrong = urls.find((url) => !/^http:\/\/[a-z0-9[]/i.test(url));
  return wrong === undefined ? undefined : `${wrong} is not an absolute http URL.`;
};

/** RFC 5280 4.2.1.13: at least one point that covers all reasons. */
export const hasCompleteCrl: LintCheck = ({ extensions }) =>
  extensions.crlDistributionPoints?.urls.length === 0
    ? 'No CRL distribution point covers all reasons.'
    : undefined;
