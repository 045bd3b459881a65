/**
 * The roots that a station should have installed, by what OCPP has it use them for. They are those
 * of its organization, and every generation that is valid now: a station that learns the next root
 * before anything is signed below it does not notice the rollover.
 *
 * What is not its own root is not in the list: stations have been seen to take a Sub-CA for a root
 * and then neither to list nor to delete it (EVerest, issue 2109).
 */

import type { RootUse } from '../ocpp/root-types.ts';
import { type Certificate, isSelfIssued, verifyIssuedByOffLoop } from '../pki/certificate.ts';
import { type CertificateHashData, certificateHashData } from '../pki/certificate-hash-data.ts';
import type { CertificateKind } from '../pki/profile.ts';
import type { Principal } from './access-policy.ts';
import type { AuthorityStore, Issuer } from './authority-records.ts';
import { type RootPoolParts, rootId, rootsOf } from './root-pool.ts';
import { findStation, type StationParts } from './stations.ts';

export type TruststoreParts = StationParts &
  RootPoolParts & { readonly authorities: AuthorityStore };

export interface TruststoreEntry {
  readonly use: RootUse;
  readonly certificate: Certificate;
  /** SHA-256; undefined where OCPP cannot express the serial number. */
  readonly hashData?: CertificateHashData;
}

/**
 * - CSMS: what is above the authorities that sign the server certificates of its CSMS.
 * - V2G: what is above the authorities that sign its certificates towards vehicles, and what its
 *   organization has imported as a V2G root to be handed on.
 * - MO: the pool of its organization (docs/adr/0029-root-pool-and-operators.md).
 * - Manufacturer: what is above the authorities of its organization that sign firmware certificates.
 * - OEM: the pool of its organization.
 *
 * @param wanted.uses what they are for
 * @returns in the order of `wanted.uses`, the oldest first
 * @throws ServiceError `not-found`, also for stations of organizations out of reach
 */
export async function stationTruststore(
  parts: TruststoreParts,
  principal: Principal,
  id: string,
  { organization, uses }: { readonly organization?: string; readonly uses: readonly RootUse[] },
): Promise<TruststoreEntry[]> {
  const { organizationId } = await findStation(parts, principal, id, organization);
  const entries: TruststoreEntry[] = [];
  for (const wanted of uses) {
    const roots = await rootsFor[wanted](parts, organizationId);
    const once = new Map(roots.map((root) => [rootId(root.der), root]));
    const sorted = [...once].sort(
      ([a, { notBefore: first }], [b, { notBefore: second }]) =>
        first.getTime() - second.getTime() || (a < b ? -1 : 1),
    );
    entries.push(...sorted.map(([, root]) => entryOf(wanted, root)));
  }
  return entries;
}

type FindRoots = (parts: TruststoreParts, organizationId: string) => Promise<Certificate[]>;

const rootsFor: Readonly<Record<RootUse, FindRoots>> = {
  CSMSRootCertificate: (parts, organizationId) =>
    rootsAboveIssuersOf(parts, organizationId, 'csms-server'),
  V2GRootCertificate: async (parts, organizationId) => [
    ...(await rootsAboveIssuersOf(parts, organizationId, 'secc')),
    ...(await rootsOf(parts, organizationId, 'V2G'))
      .filter(({ anchorId }) => anchorId !== undefined)
      .map(({ certificate }) => certificate),
  ],
  MORootCertificate: async (parts, organizationId) =>
    (await rootsOf(parts, organizationId, 'MO')).map(({ certificate }) => certificate),
  ManufacturerRootCertificate: (parts, organizationId) =>
    rootsAboveIssuersOf(parts, organizationId, 'firmware-signing'),
  OEMRootCertificate: async (parts, organizationId) =>
    (await rootsOf(parts, organizationId, 'OEM')).map(({ certificate }) => certificate),
};

/** The roots above the authorities of an organization that profiles of this kind name as issuers. */
async function rootsAboveIssuersOf(
  parts: TruststoreParts,
  organizationId: string,
  kind: CertificateKind,
): Promise<Certificate[]> {
  const issuedBy = new Set(
    [...parts.profiles.values()].filter((one) => one.kind === kind).flatMap((one) => one.issuedBy),
  );
  const authorities = await parts.authorities.listAuthorities(organizationId);
  const roots: Certificate[] = [];
  for (const { id, profile } of authorities) {
    if (!issuedBy.has(profile)) continue;
    for (const issuer of await validGenerations(parts, id)) {
      roots.push(...(await rootsAbove(parts, issuer)));
    }
  }
  return roots;
}

/** No hierarchy of ISO 15118 or OCPP is deeper than four; this bounds damaged data. */
const MAX_DEPTH = 8;

/** The root above an issuer with its other generations; none where one in between is revoked. */
async function rootsAbove(parts: TruststoreParts, issuer: Issuer): Promise<Certificate[]> {
  let current: Issuer | undefined = issuer;
  for (let depth = 0; current && depth < MAX_DEPTH; depth++) {
    if (current.state === 'revoked') return [];
    if (current.signedById === undefined) return foreignRoot(parts, current);
    if (current.signedById === current.id) {
      const generations = await validGenerations(parts, current.authorityId);
      return generations
        .filter(({ id, signedById }) => id === signedById)
        .flatMap(({ certificate }) => (certificate ? [parts.parsed.read(certificate)] : []));
    }
    current = await parts.authorities.findIssuer(current.signedById);
  }
  return [];
}

/** The root that came with the certificate of an issuer that somebody else has signed. */
async function foreignRoot(parts: TruststoreParts, issuer: Issuer): Promise<Certificate[]> {
  const above = (await parts.authorities.externalChain(issuer.id)).map(parts.parsed.read);
  const root = above.find(isSelfIssued);
  if (!root?.publicKey || !isValid(root, parts.clock())) return [];
  return (await verifyIssuedByOffLoop(root, root.publicKey)) ? [root] : [];
}

/** What an authority has signed with and is valid; nothing once the authority has stopped. */
async function validGenerations(parts: TruststoreParts, authorityId: string): Promise<Issuer[]> {
  const generations = await parts.authorities.listIssuers(authorityId);
  if (!generations.some(({ state }) => state === 'active')) return [];
  const now = parts.clock();
  return generations.filter(
    ({ state, certificate }) =>
      (state === 'active' || state === 'retired') &&
      certificate !== undefined &&
      isValid(parts.parsed.read(certificate), now),
  );
}

const isValid = ({ notBefore, notAfter }: Certificate, now: Date): boolean =>
  notBefore <= now && now <= notAfter;

function entryOf(use: RootUse, certificate: Certificate): TruststoreEntry {
  const hashData = hashDataOf(certificate);
  return { use, certificate, ...(hashData === undefined ? {} : { hashData }) };
}

function hashDataOf(root: Certificate): CertificateHashData | undefined {
  if (!root.publicKey) return undefined;
  const itself = { subjectDer: root.subjectDer, publicKeyBits: root.publicKey.bits };
  try {
    return certificateHashData(root, itself, 'SHA256');
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
