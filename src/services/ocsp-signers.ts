/**
 * The keys that answer OCSP: each issuer has one of its own, certified by that same issuer key
 * for a short time (RFC 6960 4.2.2.2), kept sealed in the database and replaced long before its
 * end. All processes on one database share it.
 */

import { readCertificate, serialHex } from '../pki/certificate.ts';
import { keyIdentifier, spkiFingerprint } from '../pki/key-identifier.ts';
import type { Profile } from '../pki/profile.ts';
import { type PublicKey, readPublicKey } from '../pki/public-key.ts';
import type { Signer } from '../pki/signer.ts';
import type { AuthorityStore } from './authority-records.ts';
import { isRevokedFrom } from './chains.ts';
import { newId } from './ids.ts';
import type { Issuers, ReadyIssuer } from './issuers.ts';
import { type IssuingParts, issueCertificate } from './issuing.ts';
import type { Keyring } from './keyring.ts';
import type { OrganizationStore } from './organizations.ts';
import type { OcspSigner, OcspSignerStore } from './revocation-records.ts';

const PROFILE = 'ocsp-responder';
/** Replaced when less than this part of its life is left. */
const RENEW_AT = 2 / 3;
const YEAR = 365 * 86_400_000;

export interface OcspSignerParts extends IssuingParts {
  readonly signers: OcspSignerStore;
  readonly authorities: AuthorityStore;
  readonly organizations: OrganizationStore;
  readonly issuers: Issuers;
  readonly keyring: Keyring;
  readonly profiles: ReadonlyMap<string, Profile>;
}

/** A responder key opened for signing. */
export interface ReadyResponder {
  readonly signer: Signer;
  /** SHA-1 of its public key: how answers name it (RFC 6960 4.2.1 KeyHash). */
  readonly keyHash: Uint8Array;
  /** DER; goes out with every answer. */
  readonly certificate: Uint8Array;
  /** Its serial number, lower-case hex without leading zeros. */
  readonly serial: string;
  readonly notAfter: Date;
}

/**
 * Opens the newest responder key of an issuer; makes one if there is none, or none that has not ended.
 * @returns undefined when none is made any more: see {@link renewResponder}
 */
export async function openResponder(
  parts: OcspSignerParts,
  issuerId: string,
): Promise<ReadyResponder | undefined> {
  const now = parts.clock();
  let signer = await parts.signers.newestSigner(issuerId);
  if (!signer || signer.notAfter <= now) {
    await renewResponder(parts, issuerId);
    signer = await parts.signers.newestSigner(issuerId);
  }
  if (!signer || signer.notAfter <= now) return undefined;
  return openSigner(parts, signer);
}

/**
 * Makes a new responder key for an issuer if the present one nears its end.
 * @returns when to look again
 */
export async function renewResponder(parts: OcspSignerParts, issuerId: string): Promise<Date> {
  const now = parts.clock();
  const present = await parts.signers.newestSigner(issuerId);
  if (present && renewalOf(present) > now) return renewalOf(present);

  const issuer = await parts.issuers.byId(issuerId);
  if (!issuer) throw new Error(`issuer ${issuerId} cannot certify a responder`);
  // What a revoked authority, or one below it, says about its certificates counts for nothing any
  // more, and one that has ended certifies nobody.
  const isOver =
    issuer.facts.notAfter <= now || (await isRevokedFrom(parts.authorities, issuer.issuer));
  if (isOver) return new Date(now.getTime() + YEAR);
  // A new one would end no later: near an issuer's end there would be no end of new ones.
  if (present && present.notAfter >= issuer.facts.notAfter) return present.notAfter;
  await certifyResponder(parts, issuer);
  const renewed = await parts.signers.newestSigner(issuerId);
  return renewed ? renewalOf(renewed) : now;
}

const renewalOf = ({ notBefore, notAfter }: OcspSigner): Date => {
  const life = notAfter.getTime() - notBefore.getTime();
  return new Date(notAfter.getTime() - life * RENEW_AT);
};

async function certifyResponder(parts: OcspSignerParts, issuer: ReadyIssuer): Promise<void> {
  const profile = parts.profiles.get(PROFILE);
  const { authority } = issuer;
  const organization = await parts.organizations.findOrganization(authority.organizationId);
  if (!profile || !organization) throw new Error(`no profile ${PROFILE}, or no organization`);

  const keyId = newId('key', parts.random);
  const keyAlgorithm = issuer.issuer.keyAlgorithm;
  const { spki, key } = await parts.keyring.generate(keyAlgorithm, {
    keyId,
    authorityId: authority.id,
  });
  const id = newId('key', parts.random);
  await parts.signers.createSigner({
    id,
    issuerId: issuer.issuer.id,
    keyAlgorithm,
    spki,
    key,
    createdAt: parts.clock(),
  });
  const publicKey = publicKeyOf(spki);
  const result = await issueCertificate(parts, {
    input: {
      request: {
        subject: { attributes: [{ type: 'CN', value: `OCSP ${issuer.issuer.id}` }] },
        publicKey,
        extensions: [],
      },
      profile,
      issuer: issuer.facts,
      facts: {
        'organization.name': organization.name,
        ...(organization.country === undefined
          ? {}
          : { 'organization.country': organization.country }),
      },
      keyHistory: { blocked: false, ofAuthority: false, certifiedForOther: false },
    },
    issuerId: issuer.issuer.id,
    signer: issuer.signer,
    verificationKey: issuer.verificationKey,
    lintIssuer: issuer.lint,
    organizationId: authority.organizationId,
    actor: 'evpki',
    statusSigner: true,
  });
  if (result.outcome !== 'issued') {
    const why =
      result.outcome === 'refused'
        ? result.violations.map(({ message }) => message).join(' ')
        : result.outcome;
    throw new Error(`issuer ${issuer.issuer.id} does not certify its responder: ${why}`);
  }
  await parts.signers.activateSigner(id, result.certificateId);
  parts.logger.debug('ocsp-responder-certified', {
    issuer: issuer.issuer.id,
    certificate: result.certificateId,
    spki: spkiFingerprint(spki),
  });
}

async function openSigner(parts: OcspSignerParts, signer: OcspSigner): Promise<ReadyResponder> {
  const envelope = await parts.authorities.findEnvelope(signer.keyId);
  if (!envelope) throw new Error(`responder ${signer.id} has no key`);
  return {
    signer: await parts.keyring.open(envelope, signer.keyAlgorithm, signer.spki),
    keyHash: keyIdentifier(publicKeyOf(signer.spki), 20),
    certificate: signer.certificate,
    serial: serialHex(readCertificate(signer.certificate).serialNumber),
    notAfter: signer.notAfter,
  };
}

function publicKeyOf(spki: Uint8Array): PublicKey {
  const key = readPublicKey(spki);
  if (!key.ok) throw new Error('a responder key is unusable');
  return key.value;
}
