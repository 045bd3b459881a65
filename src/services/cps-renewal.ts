/**
 * Making the signers of the certificate provisioning service (CPS) and replacing them in time. Each
 * issuer that can certify one has a key of its own, kept sealed in the database and shared by all
 * processes. A new one is made when a third of the present one's life is left, and that one goes on
 * until its end: a car whose clock is behind, or that knows an older root only, has time.
 */

import { spkiFingerprint } from '../pki/key-identifier.ts';
import type { Profile } from '../pki/profile.ts';
import type { KeyAlgorithm } from '../pki/public-key.ts';
import { isRevokedFrom } from './chains.ts';
import type { CpsMemory } from './cps-memory.ts';
import type { CpsSignerStore, CpsStandard } from './cps-records.ts';
import type { Issuers, ReadyIssuer } from './issuers.ts';
import { certifySigner, newSigner, type OwnSignerParts, renewalOf } from './own-signers.ts';

export interface CpsParts extends OwnSignerParts {
  readonly cpsSigners: CpsSignerStore;
  readonly cpsMemory: CpsMemory;
  readonly issuers: Issuers;
  readonly profiles: ReadonlyMap<string, Profile>;
}

/** Replaced when less than this part of its life is left. */
const RENEW_AT = 1 / 3;
const DAY = 86_400_000;
/** RFC 5280 appendix A.1, ub-common-name. */
const MAX_COMMON_NAME = 64;

/**
 * Whose vehicles take a signature of such a key: P-256 is ISO 15118-2 [V2G2-007], P-521
 * [V2G20-2674] and Ed448 [V2G20-2319] are ISO 15118-20. Undefined for keys that neither knows.
 */
export function standardOfKey(algorithm: KeyAlgorithm): CpsStandard | undefined {
  if (algorithm === 'P-256') return 'iso15118-2';
  return algorithm === 'P-521' || algorithm === 'Ed448' ? 'iso15118-20' : undefined;
}

/** The profiles of the authorities that can certify a CPS signer. */
export function cpsAuthorityProfiles(profiles: ReadonlyMap<string, Profile>): string[] {
  const names = cpsProfiles(profiles).flatMap(({ issuedBy }) => issuedBy);
  return [...new Set(names)].sort();
}

const cpsProfiles = (profiles: ReadonlyMap<string, Profile>): Profile[] =>
  [...profiles.values()].filter(({ kind }) => kind === 'cps');

/**
 * What an authority certifies its CPS signer with: the profile that takes a key like its own,
 * which vehicles can verify since they have to verify the authority's.
 */
function profileFor(
  profiles: ReadonlyMap<string, Profile>,
  { authority: { profile, keyAlgorithm } }: Pick<ReadyIssuer, 'authority'>,
): Profile | undefined {
  if (standardOfKey(keyAlgorithm) === undefined) return undefined;
  return cpsProfiles(profiles).find(
    ({ issuedBy, keys }) => issuedBy.includes(profile) && keys.includes(keyAlgorithm),
  );
}

/**
 * Makes a new signer wherever there is none, or the present one nears its end.
 * @returns when to look again, within a day
 * @throws whatever kept the first of those from being made that were not; the others are
 */
export async function renewCpsSigners(parts: CpsParts): Promise<Date> {
  let next = new Date(parts.clock().getTime() + DAY);
  const failures: unknown[] = [];
  const issuerIds = await parts.cpsSigners.activeIssuers(cpsAuthorityProfiles(parts.profiles));
  for (const issuerId of issuerIds) {
    try {
      const due = await renewCpsSigner(parts, issuerId);
      if (due !== undefined && due < next) next = due;
    } catch (error) {
      parts.logger.error('cps-signer-not-certified', { issuer: issuerId, error });
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return next;
}

/**
 * Makes a new signer for an issuer if it has none, or the present one nears its end. In one process
 * everybody who asks for it at once gets the same; of two processes each may make one, and then
 * both are good.
 * @returns when to look again; undefined when this issuer makes none any more
 */
export function renewCpsSigner(parts: CpsParts, issuerId: string): Promise<Date | undefined> {
  const { making } = parts.cpsMemory;
  const known = making.get(issuerId);
  if (known) return known;
  const made = renew(parts, issuerId).finally(() => making.delete(issuerId));
  making.set(issuerId, made);
  return made;
}

async function renew(parts: CpsParts, issuerId: string): Promise<Date | undefined> {
  const now = parts.clock();
  const present = await parts.cpsSigners.newestSigner(issuerId);
  if (present && renewalOf(present, RENEW_AT) > now) return renewalOf(present, RENEW_AT);

  const issuer = await parts.issuers.byId(issuerId);
  const profile = issuer && profileFor(parts.profiles, issuer);
  // After a rollover its successor makes them (A2).
  if (!issuer || !profile || issuer.issuer.state !== 'active') return undefined;
  // What is made below a revoked authority is worth nothing.
  if (await isRevokedFrom(parts.authorities, issuer.issuer)) return undefined;
  // The log has warned for long that the authority has to be rolled over (issuer-ends.ts).
  const left = issuer.facts.notAfter.getTime() - now.getTime();
  const isLast = present !== undefined && present.notAfter >= issuer.facts.notAfter;
  if (left < profile.validity.minimum || isLast) return undefined;
  await certify(parts, issuer, profile);
  const renewed = await parts.cpsSigners.newestSigner(issuerId);
  return renewed && renewalOf(renewed, RENEW_AT);
}

async function certify(parts: CpsParts, issuer: ReadyIssuer, profile: Profile): Promise<void> {
  const { authority, issuer: record } = issuer;
  const organization = await parts.organizations.findOrganization(authority.organizationId);
  if (!organization) throw new Error(`${authority.id} belongs to an organization that is missing`);

  const made = await newSigner(parts, authority.keyAlgorithm, authority.id);
  const number = await parts.cpsSigners.createSigner({
    ...{ ...made, authorityId: authority.id, issuerId: record.id },
    createdAt: parts.clock(),
  });
  const certificateId = await certifySigner(parts, issuer, {
    what: 'CPS signer',
    ...{ profile, organization },
    commonName: nameOf(authority.title, number),
    spki: made.spki,
  });
  await parts.cpsSigners.activateSigner(made.id, certificateId);
  parts.logger.debug('cps-signer-certified', {
    authority: authority.id,
    issuer: record.id,
    certificate: certificateId,
    spki: spkiFingerprint(made.spki),
  });
}

/** As much of the title as leaves room for what tells the signers apart. */
function nameOf(title: string, number: number): string {
  const end = ` CPS ${number}`;
  return (
    [...title]
      .slice(0, MAX_COMMON_NAME - end.length)
      .join('')
      .trimEnd() + end
  );
}
