/**
 * The certificate provisioning service (CPS) signs the contract data that goes into a car, which
 * knows it by a chain to one of its V2G roots ([V2G2-891]). Any authority of this evpki that can
 * certify a CPS signer serves, whoever's it is: this is one of the few uses across organizations.
 */

import type { RootCertificateId } from '../iso15118/exi/iso2-messages.ts';
import { chainFaults } from '../iso15118/installation/chain-limits.ts';
import { namesRoot } from '../iso15118/root-certificate-ids.ts';
import { sameBytes } from '../pki/byte-order.ts';
import {
  type Certificate,
  fingerprint,
  isSelfIssued,
  readCertificate,
  verifyIssuedBy,
} from '../pki/certificate.ts';
import type { Signer } from '../pki/signer.ts';
import { isCertifiedElsewhere, issuerChain } from './chains.ts';
import type { CpsPlace } from './cps-memory.ts';
import type { CpsSigner, CpsStandard } from './cps-records.ts';
import {
  type CpsParts,
  cpsAuthorityProfiles,
  renewCpsSigner,
  standardOfKey,
} from './cps-renewal.ts';
import { openSigner } from './own-signers.ts';

/** A CPS signer opened for signing. */
export interface ReadyCps {
  readonly signer: Signer;
  /** DER of the leaf. */
  readonly certificate: Uint8Array;
  /** DER: what stands between leaf and root, the issuer of the leaf first. */
  readonly subCertificates: readonly Uint8Array[];
  /** The root that the car has named. */
  readonly root: Certificate;
  readonly notAfter: Date;
  readonly certificateId: string;
  readonly authorityId: string;
  /** Whose authority it is: its log has to know of what is signed for others. */
  readonly organizationId: string;
}

export interface CpsQuestion {
  readonly standard: CpsStandard;
  /** The roots that the car has; any without, for whoever knows no car. */
  readonly rootCertificateIds?: readonly RootCertificateId[];
  /** SHA-256, lower-case hex, of the root that it has to be below, where somebody has chosen. */
  readonly rootSha256?: string;
  /**
   * For whom it signs, where no root is named: whose is taken first of several that would do, and
   * who may be taken at all.
   */
  readonly preferring?: CpsPreference;
}

/** Where nobody has chosen, for whom it signs. */
export interface CpsPreference {
  /** Its own provisioning service comes first, and may be below a root that is not of this evpki. */
  readonly organizationId: string;
  /**
   * DER of the uppermost certificate of the contract below its root: a provisioning service below
   * the same root comes next, as who trusts the one is likely to trust the other.
   */
  readonly below?: Uint8Array;
}

/**
 * The CPS signer of a standard that a car can verify: of several that are preferred alike the one
 * that is valid longest, so the newest of an authority. Where a named root has an authority that can
 * certify one and has none yet, or none that holds, one is made. Nothing whose own certificate, or
 * that of an authority above it, is revoked or has ended is used. Where no root is named, none is
 * used whose root some other organization has brought: who relies on that is unknown here.
 * @returns undefined when there is none below any of the roots
 * @throws whatever kept one from being made, where there would be none without
 */
export async function openCps(
  parts: CpsParts,
  question: CpsQuestion,
): Promise<ReadyCps | undefined> {
  const found = await findCps(parts, question);
  if (found) return found;

  let failure: unknown;
  const issuerIds = await parts.cpsSigners.activeIssuers(cpsAuthorityProfiles(parts.profiles));
  for (const issuerId of issuerIds) {
    if (!(await placeFor(parts, issuerId, question))) continue;
    try {
      await renewCpsSigner(parts, issuerId);
    } catch (error) {
      parts.logger.error('cps-signer-not-certified', { issuer: issuerId, error });
      failure ??= error;
    }
  }
  const made = await findCps(parts, question);
  if (!made && failure !== undefined) throw failure;
  return made;
}

/** A CPS signer as anybody may see it: it is in every answer to a car. */
export type VisibleCps = Omit<ReadyCps, 'signer'> & {
  readonly standard: CpsStandard;
  readonly notBefore: Date;
};

/** The CPS signers that would be used now, of every standard; the longest valid first. */
export async function visibleCps(parts: CpsParts): Promise<VisibleCps[]> {
  const visible: VisibleCps[] = [];
  for (const signer of await parts.cpsSigners.signersAt(parts.clock())) {
    const place = await placeOf(parts, signer.issuerId);
    if (!place?.standard || place.notAfter <= parts.clock()) continue;
    const { certificate, notBefore, notAfter, certificateId, authorityId, organizationId } = signer;
    const { subCertificates, root, standard } = place;
    visible.push({
      ...{ certificate, notBefore, notAfter, certificateId, authorityId, organizationId },
      ...{ subCertificates, root, standard },
    });
  }
  return visible;
}

async function findCps(parts: CpsParts, question: CpsQuestion): Promise<ReadyCps | undefined> {
  const signers = await parts.cpsSigners.signersAt(parts.clock());
  forgetOthers(parts, signers);
  let best: { signer: CpsSigner; place: CpsPlace; rank: number } | undefined;
  for (const signer of signers) {
    const place = await placeFor(parts, signer.issuerId, question);
    if (!place) continue;
    const rank = rankOf(signer, place, question.preferring);
    // The longest valid come first.
    if (!best || rank < best.rank) best = { signer, place, rank };
    if (best.rank === 0) break;
  }
  if (!best) return undefined;
  const { signer, place } = best;
  const { certificate, notAfter, certificateId, authorityId, organizationId } = signer;
  return {
    signer: await opened(parts, signer),
    ...{ certificate, notAfter, certificateId, authorityId, organizationId },
    ...{ subCertificates: place.subCertificates, root: place.root },
  };
}

/** The least comes first. */
function rankOf(
  { organizationId }: CpsSigner,
  { root }: CpsPlace,
  preferring: CpsPreference | undefined,
): number {
  if (!preferring || organizationId === preferring.organizationId) return 0;
  return preferring.below && isBelow(preferring.below, root) ? 1 : 2;
}

/** Whether the root has signed it: by name alone it might be below another one. */
function isBelow(der: Uint8Array, root: Certificate): boolean {
  const certificate = readCertificate(der);
  if (!root.publicKey || !sameBytes(certificate.issuerDer, root.subjectDer)) return false;
  return verifyIssuedBy(certificate, root.publicKey);
}

/** Where an issuer stands, if the car can verify what is below it now. */
async function placeFor(
  parts: CpsParts,
  issuerId: string,
  { standard, rootCertificateIds, rootSha256, preferring }: CpsQuestion,
): Promise<CpsPlace | undefined> {
  const place = await placeOf(parts, issuerId);
  if (place?.standard !== standard || place.notAfter <= parts.clock()) return undefined;
  if (rootSha256 !== undefined && rootSha256 !== fingerprint(place.root.der)) return undefined;
  if (rootCertificateIds === undefined) {
    const isStrange = place.isExternal && place.organizationId !== preferring?.organizationId;
    return isStrange && rootSha256 === undefined ? undefined : place;
  }
  return rootCertificateIds.some((id) => namesRoot(id, place.root)) ? place : undefined;
}

/** Undefined too where no answer to a car has room for the chain. */
async function placeOf(parts: CpsParts, issuerId: string): Promise<CpsPlace | undefined> {
  const { places } = parts.cpsMemory;
  if (places.has(issuerId)) return places.get(issuerId);
  const issuer = await parts.authorities.findIssuer(issuerId);
  // It gets a certificate later, or is gone.
  if (!issuer?.certificate) return undefined;
  const chain = await issuerChain(parts.authorities, issuer, { includeRoot: true });
  const authority = await parts.authorities.findAuthority(issuer.authorityId);
  const isExternal = await isCertifiedElsewhere(parts.authorities, issuer);
  const certificates = chain.map(readCertificate);
  const root = certificates.at(-1);
  const place =
    root && isSelfIssued(root) && authority
      ? {
          ...{ organizationId: authority.organizationId, isExternal },
          subCertificates: chain.slice(0, -1),
          root,
          standard: standardOfKey(issuer.keyAlgorithm),
          notAfter: new Date(Math.min(...certificates.map(({ notAfter }) => notAfter.getTime()))),
        }
      : undefined;
  const faults = place?.standard ? chainFaults(place.standard, place.subCertificates) : [];
  const isKnown = places.has(issuerId);
  places.set(issuerId, faults.length > 0 ? undefined : place);
  if (faults.length > 0 && !isKnown) {
    const detail = faults.map(({ message }) => message).join('; ');
    parts.logger.error('cps-chain-unfitting', { issuer: issuerId, detail });
  }
  return places.get(issuerId);
}

function opened(parts: CpsParts, signer: CpsSigner): Promise<Signer> {
  const known = parts.cpsMemory.opened.get(signer.id);
  if (known) return known;
  const opening = openSigner(parts, signer);
  parts.cpsMemory.opened.set(signer.id, opening);
  // A failure is not kept: the next caller tries again.
  opening.catch(() => parts.cpsMemory.opened.delete(signer.id));
  return opening;
}

/** Keys of signers that have ended or were revoked are not to be kept. */
function forgetOthers(parts: CpsParts, signers: readonly CpsSigner[]): void {
  const { opened } = parts.cpsMemory;
  for (const id of opened.keys()) {
    if (!signers.some((signer) => signer.id === id)) opened.delete(id);
  }
}
