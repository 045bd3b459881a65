/**
 * The keys that answer OCSP: each issuer has one of its own, certified by that same issuer key
 * for a short time (RFC 6960 4.2.2.2), kept sealed in the database and replaced long before its
 * end. All processes on one database share it.
 */

import { readCertificate, serialHex } from '../pki/certificate.ts';
import { keyIdentifier, spkiFingerprint } from '../pki/key-identifier.ts';
import type { Profile } from '../pki/profile.ts';
import type { Signer } from '../pki/signer.ts';
import { isRevokedFrom } from './chains.ts';
import type { Issuers, ReadyIssuer } from './issuers.ts';
import {
  certifySigner,
  newSigner,
  type OwnSignerParts,
  openSigner,
  publicKeyOf,
  renewalOf,
} from './own-signers.ts';
import type { OcspSigner, OcspSignerStore } from './revocation-records.ts';

const PROFILE = 'ocsp-responder';
/** Replaced when less than this part of its life is left. */
const RENEW_AT = 2 / 3;
const YEAR = 365 * 86_400_000;

export interface OcspSignerParts extends OwnSignerParts {
  readonly signers: OcspSignerStore;
  readonly issuers: Issuers;
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
  return opened(parts, signer);
}

/**
 * Makes a new responder key for an issuer if the present one nears its end.
 * @returns when to look again
 */
export async function renewResponder(parts: OcspSignerParts, issuerId: string): Promise<Date> {
  const now = parts.clock();
  const present = await parts.signers.newestSigner(issuerId);
  if (present && renewalOf(present, RENEW_AT) > now) return renewalOf(present, RENEW_AT);

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
  return renewed ? renewalOf(renewed, RENEW_AT) : now;
}

async function certifyResponder(parts: OcspSignerParts, issuer: ReadyIssuer): Promise<void> {
  const profile = parts.profiles.get(PROFILE);
  const { authority, issuer: record } = issuer;
  const organization = await parts.organizations.findOrganization(authority.organizationId);
  if (!profile || !organization) throw new Error(`no profile ${PROFILE}, or no organization`);

  const made = await newSigner(parts, record.keyAlgorithm, authority.id);
  const createdAt = parts.clock();
  await parts.signers.createSigner({ ...made, issuerId: record.id, createdAt });
  const certificateId = await certifySigner(parts, issuer, {
    what: 'responder',
    ...{ profile, organization },
    commonName: `OCSP ${record.id}`,
    spki: made.spki,
    statusSigner: true,
  });
  await parts.signers.activateSigner(made.id, certificateId);
  parts.logger.debug('ocsp-responder-certified', {
    issuer: record.id,
    certificate: certificateId,
    spki: spkiFingerprint(made.spki),
  });
}

const opened = async (parts: OcspSignerParts, signer: OcspSigner): Promise<ReadyResponder> => ({
  signer: await openSigner(parts, signer),
  keyHash: keyIdentifier(publicKeyOf(signer.spki), 20),
  certificate: signer.certificate,
  serial: serialHex(readCertificate(signer.certificate).serialNumber),
  notAfter: signer.notAfter,
});
