/**
 * Cross-certification: an authority of ours certifies the key of another root, so that whoever
 * trusts ours reaches what is below theirs. What is brought is that root's own certificate. That
 * it is self-signed proves that the key is its holder's; everything else about it is checked as
 * for an activation, and every reason against it is named at once.
 */

import {
  type Certificate,
  fingerprint,
  isSelfIssued,
  readCertificate,
  verifyIssuedBy,
} from '../pki/certificate.ts';
import { DerError } from '../pki/der-element.ts';
import { understoodExtensions } from '../pki/extensions/read.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import { nameText } from '../pki/names.ts';
import { PemError, readPemBlocks } from '../pki/pem.ts';
import type { Profile } from '../pki/profile.ts';
import type { Violation } from '../pki/violations.ts';
import { keyWeaknesses } from '../pki/weak-keys.ts';
import { type AccessPolicy, type Principal, requireKind } from './access-policy.ts';
import { missingUsages } from './activation.ts';
import type { Authority } from './authority-records.ts';
import type { CertificateStore } from './certificate-records.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import type { Issuers, ReadyIssuer } from './issuers.ts';
import { type IssueCommand, type IssuingParts, issueCertificate, objectionsTo } from './issuing.ts';

const CROSS_CERTIFY = 'authorities:cross-certify';

export interface CrossCertificationParts extends IssuingParts {
  readonly certificates: Pick<CertificateStore, 'isBlockedKey' | 'isCertifiedForOther'>;
  readonly issuers: Issuers;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly access: AccessPolicy;
}

/**
 * Certifies another root by an authority that the caller reaches.
 * @param pem the other root's own certificate
 * @returns the id of the cross-certificate
 * @throws ServiceError `root-refused` with every reason, `not-permitted` naming the kind of
 *   certificates, `authority-not-active`, and as `issueCertificate`
 */
export async function crossCertify(
  parts: CrossCertificationParts,
  principal: Principal,
  authority: Authority,
  pem: string,
): Promise<string> {
  requireKind(parts.access, principal, CROSS_CERTIFY, 'cross-ca');
  const profile = crossProfile(parts.profiles, authority);
  await parts.declarations.requireActive();
  const issuer = await parts.issuers.current(authority);
  if (!issuer) throw new ServiceError('authority-not-active', `${authority.id} is not active`);

  const root = readRoot(pem);
  const input = await policyInput(parts, root, profile, issuer);
  const violations = [
    ...rootFaults(root, profile, parts.clock()),
    ...(input ? objectionsTo(parts, input) : []),
  ];
  if (violations.length > 0 || !input) throw refused(violations);

  const result = await issueCertificate(parts, {
    input,
    issuerId: issuer.issuer.id,
    signer: issuer.signer,
    verificationKey: issuer.verificationKey,
    lintIssuer: issuer.lint,
    organizationId: authority.organizationId,
    actor: principal.actor,
  });
  if (result.outcome === 'refused') throw refused(result.violations);
  if (result.outcome !== 'issued') {
    throw new ServiceError('authority-not-active', `${authority.id} has stopped signing`);
  }
  return result.certificateId;
}

/** The profile by which an authority of this profile certifies other roots. */
function crossProfile(
  profiles: ReadonlyMap<string, Profile>,
  authority: Pick<Authority, 'id' | 'profile'>,
): Profile {
  const profile = [...profiles.values()].find(
    ({ kind, issuedBy }) => kind === 'cross-ca' && issuedBy.includes(authority.profile),
  );
  if (profile) return profile;
  const message = `${authority.id} is of ${authority.profile}, which certifies no other roots.`;
  throw refused([{ code: 'issuer-not-allowed', message, field: 'issuer' }]);
}

function readRoot(pem: string): Certificate {
  try {
    const blocks = readPemBlocks(pem);
    const [block] = blocks;
    if (!block || blocks.length > 1) throw unreadable(`there are ${blocks.length} PEM blocks`);
    if (block.label !== 'CERTIFICATE') throw unreadable(`${block.label} is no certificate`);
    return readCertificate(block.der);
  } catch (error) {
    if (!(error instanceof PemError || error instanceof DerError)) throw error;
    throw unreadable(error.message);
  }
}

const unreadable = (why: string): ServiceError =>
  refused(fault(true, 'root-unreadable', `one certificate is wanted: ${why}`));

/** What policy decides on; undefined where there is no key or identifier that could be certified. */
async function policyInput(
  parts: CrossCertificationParts,
  root: Certificate,
  profile: Profile,
  issuer: ReadyIssuer,
): Promise<IssueCommand['input'] | undefined> {
  const { publicKey, spki, subject, subjectDer, extensions } = root;
  const keyIdentifier = extensions.subjectKeyIdentifier?.value;
  if (!publicKey || !keyIdentifier) return undefined;
  const hash = spkiFingerprint(spki);
  const now = parts.clock();
  const [blocked, certifiedForOther] = await Promise.all([
    parts.certificates.isBlockedKey(hash),
    parts.certificates.isCertifiedForOther(hash, nameText(subject), now),
  ]);
  // Beyond the end of the other root nothing below it holds anyway.
  const end = Math.min(now.getTime() + profile.validity.default, issuer.facts.notAfter.getTime());
  return {
    request: { subject, publicKey, extensions: [] },
    profile,
    issuer: issuer.facts,
    facts: {},
    // Authorities are what is certified here, of whatever evpki.
    keyHistory: { blocked, ofAuthority: false, certifiedForOther },
    certified: { subject, subjectDer, spki, keyIdentifier, sha256: fingerprint(root.der) },
    ...(root.notAfter.getTime() < end ? { notAfter: root.notAfter } : {}),
  };
}

/** What speaks against the certificate that the other root has given itself. */
function rootFaults(
  root: Certificate,
  profile: Profile,
  now: Date,
): (FieldViolation | Violation)[] {
  const { publicKey, extensions } = root;
  const { basicConstraints, subjectKeyIdentifier, extendedKeyUsage, nameConstraints } = extensions;
  const wantedPath = profile.extensions.basicConstraints?.pathLength;
  const grantedPath = basicConstraints?.pathLength;
  const missing = missingUsages(root, ['keyCertSign']);
  const purposes = extendedKeyUsage?.purposes.filter((purpose) => purpose !== 'OCSPSigning') ?? [];
  const unknown = root.rawExtensions.filter(
    ({ oid, critical }) => critical && !understoodExtensions.has(oid),
  );
  return [
    ...fault(
      publicKey === undefined,
      'root-key',
      'its public key is not one of the exact encodings that evpki accepts',
    ),
    ...(publicKey ? keyWeaknesses(publicKey) : []),
    ...fault(!isSelfIssued(root), 'root-not-self-signed', 'its issuer is not its subject'),
    ...fault(
      publicKey !== undefined && !verifyIssuedBy(root, publicKey),
      'root-not-self-signed',
      'its signature does not verify with its own key',
    ),
    ...fault(
      basicConstraints?.ca !== true,
      'root-not-ca',
      'basic constraints do not make it an authority (RFC 5280 4.2.1.9)',
    ),
    ...fault(
      grantedPath !== undefined && (wantedPath === undefined || grantedPath < wantedPath),
      'root-path-length',
      `its path length is ${grantedPath}; ${profile.name} would grant ${wantedPath ?? 'any'}`,
    ),
    ...fault(
      missing.length > 0,
      'root-key-usage',
      `key usage lacks ${missing.join(' and ')} (RFC 5280 4.2.1.3)`,
    ),
    ...fault(
      purposes.length > 0,
      'root-extended-key-usage',
      `it limits itself to ${purposes.join(', ')}, which the cross-certificate would not say`,
    ),
    ...fault(
      nameConstraints !== undefined,
      'root-name-constraints',
      'it limits itself by name constraints, which the cross-certificate would not say',
    ),
    ...unknown.flatMap(({ oid }) =>
      fault(true, 'root-critical-extension', `its critical extension ${oid} is unknown`),
    ),
    ...fault(
      subjectKeyIdentifier === undefined,
      'root-key-identifier',
      'there is no subject key identifier to repeat (RFC 5280 4.2.1.2)',
    ),
    ...fault(
      root.notBefore > now || root.notAfter < now,
      'root-validity',
      `it holds from ${root.notBefore.toISOString()} to ${root.notAfter.toISOString()}`,
    ),
  ];
}

const refused = (violations: readonly (FieldViolation | Violation)[]): ServiceError =>
  new ServiceError('root-refused', 'the other root cannot be cross-certified', violations);

const fault = (wrong: boolean, code: string, message: string): FieldViolation[] =>
  wrong ? [{ code, message, field: 'certificate' }] : [];
