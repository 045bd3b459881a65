/** What is wrong with a certificate wherever in a path it stands (RFC 5280 4, 6.1.3, 6.1.4). */

import { sameBytes } from '../byte-order.ts';
import type { Certificate } from '../certificate.ts';
import { understoodExtensions } from '../extensions/read.ts';
import { type PolicyExtensions, policyExtensionOids } from '../extensions/read-policies.ts';
import { sameName } from '../names.ts';
import { extensions as oids } from '../oids.ts';
import { type Finding, finding } from './problems.ts';
import type { PathRules, Tolerance } from './rules.ts';

const MAX_SERIAL_OCTETS = 20;

const nameByOid: ReadonlyMap<string, string> = new Map(
  Object.entries(oids).map(([name, dotted]) => [dotted, name]),
);
const nameOf = (oid: string): string => nameByOid.get(oid) ?? oid;

interface Examined {
  readonly certificate: Certificate;
  readonly isAnchor: boolean;
  /** Undefined where they could not be read. */
  readonly policies: PolicyExtensions | undefined;
}

/** All that is wrong with it as a certificate, but for its validity. */
export function lastingFindings(examined: Examined, tolerated: readonly Tolerance[]): Finding[] {
  const { certificate } = examined;
  return [
    ...formFindings(certificate),
    ...nameFindings(certificate),
    ...criticalityFindings(examined, tolerated),
    ...constraintFindings(certificate),
    ...keyIdentifierFindings(examined, tolerated),
  ];
}

/** What keeps it from being the issuer of another certificate (RFC 5280 6.1.4 (k), (n)). */
export function issuerFindings({ version, extensions }: Certificate): Finding[] {
  const { basicConstraints, keyUsage } = extensions;
  const findings: Finding[] = [];
  if (version !== 2) {
    const message = `It is of version ${version + 1}, which cannot say that it is an authority's.`;
    findings.push(finding('not-an-authority', message));
  } else if (!basicConstraints?.ca) {
    const message =
      'It issued a certificate, and its basic constraints do not make it an authority.';
    findings.push(finding('not-an-authority', message));
  }
  if (!keyUsage?.usages.includes('keyCertSign')) {
    const message = 'It issued a certificate, and its key usage does not include keyCertSign.';
    findings.push(finding('key-usage', message));
  }
  return findings;
}

/** RFC 5280 4.1.2.5: whole seconds, both ends included. */
export function validityFindings(
  { notBefore, notAfter }: Certificate,
  isAnchor: boolean,
  { at, tolerated }: PathRules,
): Finding[] {
  const findings: Finding[] = [];
  const now = Math.floor(at.getTime() / 1000) * 1000;
  // Written so that a time that is none is outside every validity.
  if (!(now >= notBefore.getTime())) {
    findings.push(finding('not-yet-valid', `It is valid from ${notBefore.toISOString()} on.`));
  }
  const mayBeExpired = isAnchor && tolerated?.includes('expired-anchor');
  if (!(now <= notAfter.getTime()) && !mayBeExpired) {
    findings.push(finding('expired', `It was valid until ${notAfter.toISOString()}.`));
  }
  return findings;
}

function formFindings(certificate: Certificate): Finding[] {
  const findings: Finding[] = [];
  const { serialNumber, signatureAlgorithm, publicKey } = certificate;
  // RFC 5280 4.1.2.2.
  if ((serialNumber[0] ?? 0) >= 0x80 || serialNumber.every((octet) => octet === 0)) {
    findings.push(finding('serial-number', 'Its serial number is not positive.'));
  } else if (serialNumber.length > MAX_SERIAL_OCTETS) {
    const message = `Its serial number has ${serialNumber.length} octets, more than 20.`;
    findings.push(finding('serial-number', message));
  }
  if (signatureAlgorithm === undefined) {
    const message = 'It is signed with an algorithm that is unknown or too weak.';
    findings.push(finding('signature-algorithm', message));
  }
  // RFC 5280 4.1.1.2.
  if (!sameBytes(certificate.signatureAlgorithmDer, certificate.outerSignatureAlgorithmDer)) {
    const message = 'The signature algorithm inside its signed part is not the one outside.';
    findings.push(finding('signature-algorithm', message));
  }
  if (publicKey === undefined) {
    findings.push(finding('public-key', 'Its public key is of no kind and form that is accepted.'));
  }
  return findings;
}

/** RFC 5280 4.1.2.4, 4.1.2.6. */
function nameFindings({ issuer, subject, extensions }: Certificate): Finding[] {
  const findings: Finding[] = [];
  if (issuer.attributes.length === 0) {
    findings.push(finding('name-missing', 'The name of its issuer is empty.'));
  }
  if (subject.attributes.length > 0) return findings;
  if (extensions.basicConstraints?.ca) {
    findings.push(finding('name-missing', 'It is of an authority, and its subject is empty.'));
  } else if (!extensions.subjectAltName?.critical) {
    const message = 'Its subject is empty, and it has no critical subject alternative name.';
    findings.push(finding('name-missing', message));
  }
  return findings;
}

/** What RFC 5280 wants never critical; the CRL distribution points are left to the issuer there. */
const neverCritical: ReadonlySet<string> = new Set([
  oids.authorityKeyIdentifier,
  oids.subjectKeyIdentifier,
  oids.authorityInfoAccess,
]);

/** RFC 5280 4.2: critical and unknown, twice, or critical against the rule for the extension. */
function criticalityFindings(
  { certificate, policies }: Examined,
  tolerated: readonly Tolerance[],
): Finding[] {
  const findings: Finding[] = [];
  const lenient = tolerated.includes('critical-information');
  const seen = new Set<string>();
  for (const { oid, critical } of certificate.rawExtensions) {
    if (seen.has(oid)) {
      findings.push(finding('extension-duplicate', `Its extension ${nameOf(oid)} occurs twice.`));
    }
    seen.add(oid);
    if (critical && !understoodExtensions.has(oid) && !policyExtensionOids.has(oid)) {
      const message = `Its critical extension ${nameOf(oid)} is not understood.`;
      findings.push(finding('critical-extension', message));
    }
    if (critical && neverCritical.has(oid) && !lenient) {
      const message = `Its extension ${nameOf(oid)} is critical, against RFC 5280.`;
      findings.push(finding('extension-criticality', message));
    }
    if (!critical && hasToBeCritical(oid, certificate)) {
      const message = `Its extension ${nameOf(oid)} is not critical, against RFC 5280.`;
      findings.push(finding('extension-criticality', message));
    }
  }
  return [...findings, ...policyFindings(certificate, policies)];
}

/** RFC 5280 4.2.1.9, 4.2.1.10, 4.2.1.11, 4.2.1.14. */
function hasToBeCritical(oid: string, { extensions }: Certificate): boolean {
  if (oid === oids.basicConstraints) return extensions.basicConstraints?.ca ?? false;
  return (
    oid === oids.nameConstraints || oid === oids.policyConstraints || oid === oids.inhibitAnyPolicy
  );
}

/** RFC 5280 4.2.1.4: whoever cannot interpret the qualifiers of critical policies has to refuse. */
function policyFindings({ extensions }: Certificate, policies: Examined['policies']): Finding[] {
  if (policies === undefined) {
    return [finding('extension-malformed', 'One of its extensions about policies is malformed.')];
  }
  const [unknown] = policies.unknownQualifiers;
  if (unknown === undefined || !extensions.certificatePolicies?.critical) return [];
  const message = `Its critical policies have the qualifier ${unknown}, which is not understood.`;
  return [finding('critical-extension', message)];
}

/** RFC 5280 4.2.1.3, 4.2.1.9, 4.2.1.10: what only an authority may have. */
function constraintFindings({ extensions }: Certificate): Finding[] {
  const { basicConstraints, keyUsage, nameConstraints } = extensions;
  const findings: Finding[] = [];
  const isAuthority = basicConstraints?.ca ?? false;
  const signs = keyUsage?.usages.includes('keyCertSign') ?? false;
  if (signs && !isAuthority) {
    const message = 'Its key usage includes keyCertSign, and it is not of an authority.';
    findings.push(finding('key-usage', message));
  }
  const maySign = isAuthority && (keyUsage === undefined || signs);
  if (basicConstraints?.pathLength !== undefined && !maySign) {
    const message = 'It has a path length without being of an authority that signs certificates.';
    findings.push(finding('basic-constraints', message));
  }
  if (nameConstraints && !isAuthority) {
    const message = 'It constrains names, and is not of an authority.';
    findings.push(finding('name-constraints', message));
  }
  return findings;
}

/** RFC 5280 4.2.1.1, 4.2.1.2. Whether they agree is not asked: the signature says more. */
function keyIdentifierFindings(examined: Examined, tolerated: readonly Tolerance[]): Finding[] {
  const { certificate, isAnchor } = examined;
  if (tolerated.includes('missing-key-identifiers') || certificate.version !== 2) return [];
  const { basicConstraints, authorityKeyIdentifier, subjectKeyIdentifier } = certificate.extensions;
  const findings: Finding[] = [];
  if (basicConstraints?.ca && subjectKeyIdentifier === undefined) {
    const message = 'It is of an authority, and has no subject key identifier.';
    findings.push(finding('key-identifier', message));
  }
  // A root may leave out what would be its own identifier, and who issued an anchor does not matter.
  const mayLackIssuer = () => isAnchor || sameName(certificate.issuer, certificate.subject);
  if (authorityKeyIdentifier?.value === undefined && !mayLackIssuer()) {
    const message = 'It has no key identifier of its issuer.';
    findings.push(finding('key-identifier', message));
  }
  return findings;
}
