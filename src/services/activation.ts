/**
 * Activation: an authority whose request was signed elsewhere gets its certificate. What comes
 * back is checked against what was asked for, up to the root that it claims to stand under;
 * everything that does not fit is named at once.
 */

import { sameBytes } from '../pki/byte-order.ts';
import {
  type Certificate,
  fingerprint,
  readCertificate,
  serialHex,
  verifyIssuedBy,
} from '../pki/certificate.ts';
import { assembleChain } from '../pki/chain.ts';
import { DerError } from '../pki/der-element.ts';
import { understoodExtensions } from '../pki/extensions/read.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import { attributeValue, nameText } from '../pki/names.ts';
import { PemError, readPemBlocks } from '../pki/pem.ts';
import type { Profile } from '../pki/profile.ts';
import type { KeyUsage } from '../pki/template.ts';
import { type AccessPolicy, type Principal, requireKind } from './access-policy.ts';
import { type AuthorityParts, certifyIssuer, profileOf } from './authorities.ts';
import type { Authority, Issuer } from './authority-records.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import { newId } from './ids.ts';
import { hasNamesake, rootIdentity } from './root-namesakes.ts';

const ACTIVATE = 'authorities:activate';

/**
 * Activates an authority's awaiting issuer.
 * @param pem the certificate that was signed and those above it, root included, in any order
 * @returns the id of the issuer that is active now
 * @throws ServiceError `not-permitted` naming the kind of certificates, `certificate-not-fitting`
 *   with every reason, `conflict` when nothing awaits a certificate
 */
export async function activateAuthority(
  parts: AuthorityParts & { readonly access: AccessPolicy },
  principal: Principal,
  authority: Authority,
  pem: string,
): Promise<string> {
  const { actor } = principal;
  requireKind(parts.access, principal, ACTIVATE, parts.profiles.get(authority.profile)?.kind);
  const issuer = await awaitingIssuer(parts, authority);
  const profile = profileOf(parts, authority);
  const certificates = readCertificates(pem);
  const own = certificates.find(({ spki }) => sameBytes(spki, issuer.spki));
  if (!own) {
    refuse('activation-key', 'none of the certificates carries the key of the request');
  }
  const chain = assembleChain(own, certificates, { includeRoot: true });
  const now = parts.clock();
  const faults = [
    ...ownFaults(own, issuer, profile, now),
    ...chainFaults(chain, certificates, now),
    ...(await rootFaults(parts, chain)),
  ];
  if (faults.length > 0) throw notFitting(authority, faults);

  const root = chain.at(-1) ?? own;
  const outcome = await parts.authorities.activateIssuer({
    issuerId: issuer.id,
    certificate: {
      id: newId('crt', parts.random),
      organizationId: authority.organizationId,
      der: own.der,
      serial: serialHex(own),
      subject: nameText(own.subject),
      commonName: attributeValue(own.subject, 'CN'),
      profile: profile.name,
      profileHash: profile.hash,
      spkiSha256: spkiFingerprint(own.spki),
      notBefore: own.notBefore,
      notAfter: own.notAfter,
    },
    chain: chain.slice(1).map(({ der }) => der),
    // Another activation may have brought a namesake since the check.
    root: { identity: rootIdentity(root), sha256: fingerprint(root.der) },
    audit: {
      at: now,
      organizationId: authority.organizationId,
      actor,
      action: 'authority.activated',
      subject: authority.id,
      details: {
        issuer: issuer.id,
        sha256: fingerprint(own.der),
        root: nameText(root.subject),
      },
    },
  });
  if (outcome === 'root-namesake') throw notFitting(authority, namesakeFault(root));
  if (outcome === 'not-awaiting') {
    throw new ServiceError('conflict', `${authority.id} has been activated by somebody else`);
  }
  parts.issuerActivated();
  await certifyAwaitingBelow(parts, authority.id, actor);
  return issuer.id;
}

async function awaitingIssuer(parts: AuthorityParts, authority: Authority): Promise<Issuer> {
  const generations = await parts.authorities.listIssuers(authority.id);
  const awaiting = generations.find(({ state }) => state === 'awaiting-certificate');
  if (!authority.external || !awaiting) {
    throw new ServiceError('conflict', `${authority.id} does not await a certificate`);
  }
  return awaiting;
}

/** Authorities of ours that were declared under one that could not sign until now. */
async function certifyAwaitingBelow(
  parts: AuthorityParts,
  authorityId: string,
  actor: string,
): Promise<void> {
  const below = (await parts.authorities.listAuthorities()).filter(
    // What was exported and not certified is nobody's: its key was not handed out.
    ({ parentId, state, exportedBy }) =>
      parentId === authorityId && state === 'awaiting-certificate' && exportedBy === undefined,
  );
  for (const authority of below) {
    const [issuer] = await parts.authorities.listIssuers(authority.id);
    if (issuer?.state !== 'awaiting-certificate') continue;
    try {
      await certifyIssuer(parts, authority, issuer, actor);
    } catch (error) {
      // The activation stands; the next start, or the next activation above, tries again.
      parts.logger.error('authority-not-certified', { authority: authority.id, error });
      continue;
    }
    await certifyAwaitingBelow(parts, authority.id, actor);
  }
}

function readCertificates(pem: string): Certificate[] {
  try {
    const blocks = readPemBlocks(pem);
    if (blocks.length === 0) refuse('activation-unreadable', 'there is no PEM block');
    return blocks.map(({ label, der }) => {
      if (label !== 'CERTIFICATE') refuse('activation-unreadable', `${label} is no certificate`);
      return readCertificate(der);
    });
  } catch (error) {
    if (!(error instanceof PemError || error instanceof DerError)) throw error;
    refuse('activation-unreadable', error.message);
  }
}

function refuse(code: string, message: string): never {
  throw new ServiceError('certificate-not-fitting', 'the certificate cannot be used', [
    { code, message, field: 'certificateChain' },
  ]);
}

/** How the authority's own certificate differs from what its profile and request say. */
function ownFaults(
  own: Certificate,
  issuer: Issuer,
  profile: Profile,
  now: Date,
): FieldViolation[] {
  const { basicConstraints, subjectKeyIdentifier, extendedKeyUsage, nameConstraints } =
    own.extensions;
  const wantedPath = profile.extensions.basicConstraints?.pathLength;
  const grantedPath = basicConstraints?.pathLength;
  const missing = missingUsages(own, ['keyCertSign', 'cRLSign']);
  const purposes = extendedKeyUsage?.purposes.filter((purpose) => purpose !== 'OCSPSigning') ?? [];
  return [
    ...fault(
      !sameBytes(own.subjectDer, issuer.subject),
      'activation-subject',
      `the subject is ${nameText(own.subject)}, which is not byte for byte that of the request`,
    ),
    ...fault(
      basicConstraints?.ca !== true,
      'activation-not-ca',
      'basic constraints do not make it an authority (RFC 5280 4.2.1.9)',
    ),
    ...fault(
      grantedPath !== undefined && wantedPath !== undefined && grantedPath < wantedPath,
      'activation-path-length',
      `the path length is ${grantedPath}; ${profile.name} needs ${wantedPath}`,
    ),
    ...fault(
      missing.length > 0,
      'activation-key-usage',
      `key usage lacks ${missing.join(' and ')} (RFC 5280 4.2.1.3)`,
    ),
    ...fault(
      purposes.length > 0,
      'activation-extended-key-usage',
      `extended key usage limits what is below it to ${purposes.join(', ')}`,
    ),
    ...fault(
      nameConstraints !== undefined,
      'activation-name-constraints',
      'name constraints limit what is below it in a way that its profile does not know',
    ),
    ...unknownCritical(own),
    ...fault(
      subjectKeyIdentifier === undefined,
      'activation-key-identifier',
      'there is no subject key identifier (RFC 5280 4.2.1.2)',
    ),
    ...fault(
      own.notBefore > now || own.notAfter < now,
      'activation-validity',
      `it holds from ${own.notBefore.toISOString()} to ${own.notAfter.toISOString()}`,
    ),
  ];
}

/** Whether the chain reaches a root, and every certificate in it may stand where it stands. */
function chainFaults(
  chain: readonly Certificate[],
  given: readonly Certificate[],
  now: Date,
): FieldViolation[] {
  const top = chain.at(-1);
  const isComplete =
    chain.length > 1 && top?.publicKey !== undefined && verifyIssuedBy(top, top.publicKey);
  const above = chain.slice(1);
  return [
    ...fault(
      !isComplete,
      'activation-chain',
      `no given certificate has signed ${top ? nameText(top.subject) : 'it'}; ` +
        `the chain must lead to a self-signed root (${given.length} certificates given)`,
    ),
    ...above.flatMap((certificate, below) => [
      ...unknownCritical(certificate),
      ...fault(
        missingUsages(certificate, ['keyCertSign']).length > 0,
        'activation-key-usage',
        `${nameText(certificate.subject)} in the chain may not sign certificates`,
      ),
      ...fault(
        certificate.extensions.basicConstraints?.ca !== true,
        'activation-not-ca',
        `${nameText(certificate.subject)} in the chain is not an authority`,
      ),
      ...fault(
        (certificate.extensions.basicConstraints?.pathLength ?? Infinity) < below,
        'activation-path-length',
        `${nameText(certificate.subject)} allows fewer authorities below it than there are`,
      ),
      ...fault(
        certificate.notBefore > now || certificate.notAfter < now,
        'activation-validity',
        `${nameText(certificate.subject)} in the chain is not valid now`,
      ),
    ]),
  ];
}

async function rootFaults(
  { authorities }: Pick<AuthorityParts, 'authorities'>,
  chain: readonly Certificate[],
): Promise<FieldViolation[]> {
  const root = chain.at(-1);
  return root && (await hasNamesake(authorities, root)) ? namesakeFault(root) : [];
}

const notFitting = (
  { id }: Pick<Authority, 'id'>,
  faults: readonly FieldViolation[],
): ServiceError =>
  new ServiceError('certificate-not-fitting', `this is not a certificate for ${id}`, faults);

function namesakeFault(root: Certificate): FieldViolation[] {
  const message = `another root is known that has the name and serial number of ${nameText(root.subject)} (RFC 5280 4.1.2.2)`;
  return fault(true, 'activation-root-namesake', message);
}

/** The wanted usages that a certificate does not grant. */
export function missingUsages(
  certificate: Certificate,
  wanted: readonly KeyUsage[],
): readonly KeyUsage[] {
  const granted = certificate.extensions.keyUsage?.usages;
  return granted ? wanted.filter((usage) => !granted.includes(usage)) : wanted;
}

/** RFC 5280 4.2: what is critical and not understood makes a certificate useless to verifiers. */
const unknownCritical = (certificate: Certificate): FieldViolation[] =>
  certificate.rawExtensions
    .filter(({ oid, critical }) => critical && !understoodExtensions.has(oid))
    .flatMap(({ oid }) =>
      fault(
        true,
        'activation-critical-extension',
        `${nameText(certificate.subject)} has the critical extension ${oid}, which is unknown`,
      ),
    );

const fault = (wrong: boolean, code: string, message: string): FieldViolation[] =>
  wrong ? [{ code, message, field: 'certificateChain' }] : [];
