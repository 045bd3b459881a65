/**
 * The pool of root certificates (RCP): what an organization may install as roots. It holds the
 * roots of this evpki, whoever's they are (one of the few uses across organizations: a charger
 * needs the roots of all the mobility operators), and what the organization itself has imported to
 * be handed on. What others have imported is theirs (docs/adr/0020-trust-anchors.md), and the root
 * of a private environment is nobody's but its owner's (docs/adr/0029-root-pool-and-operators.md).
 */

import { createHash } from 'node:crypto';
import { type Certificate, fingerprint, readCertificate } from '../pki/certificate.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import { decodeBase64, toPem } from '../pki/pem.ts';
import type { Profile, RootType } from '../pki/profile.ts';
import { type Principal, requireKind } from './access-policy.ts';
import { ServiceError } from './errors.ts';
import { issuerUrls } from './issuers.ts';
import type { ParsedCertificates } from './parsed-certificates.ts';
import { readRootCertificate, rootFault, rootRefused } from './root-certificates.ts';
import type { OwnRoot, RootPoolStore } from './root-pool-records.ts';
import type { TrustAnchor } from './trust-anchor-records.ts';
import {
  IMPORT,
  importAnchor,
  MAX_ANCHORS,
  REMOVE,
  removeAnchor,
  type TrustAnchorParts,
} from './trust-anchors.ts';

export interface RootPoolParts extends TrustAnchorParts {
  readonly rootPool: RootPoolStore;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly parsed: ParsedCertificates;
}

/** A root as it stands in the pool. */
export interface ListedRoot {
  /** A UUID, the same for the same certificate wherever it is listed. */
  readonly id: string;
  readonly rootType: RootType;
  readonly certificate: Certificate;
  /** Of a root of this evpki: the URLs of its CRL and its certificate. */
  readonly addresses?: { readonly crl: string; readonly certificate: string };
  /** The trust anchor by which it is listed; undefined for a root of this evpki. */
  readonly anchorId?: string;
}

/**
 * The roots that the caller's organization may install, of one type or all of them: valid now and
 * not revoked, each once. In the order of their types, oldest first.
 */
export const listRoots = (
  parts: RootPoolParts,
  principal: Principal,
  rootType?: RootType,
): Promise<ListedRoot[]> => rootsOf(parts, principal.organizationId, rootType);

/** The pool of an organization, as `listRoots`; whether the caller reaches it is for the caller. */
export async function rootsOf(
  parts: RootPoolParts,
  organizationId: string,
  rootType?: RootType,
): Promise<ListedRoot[]> {
  const [own, anchors] = await Promise.all([
    ownRoots(parts, organizationId),
    soundAnchors(parts, await listableAnchors(parts, organizationId)),
  ]);
  const listed = new Map([...anchors, ...own].map((root) => [root.id, root]));
  return [...listed.values()]
    .filter((root) => rootType === undefined || root.rootType === rootType)
    .sort(
      (a, b) =>
        order.indexOf(a.rootType) - order.indexOf(b.rootType) ||
        a.certificate.notBefore.getTime() - b.certificate.notBefore.getTime() ||
        (a.id < b.id ? -1 : 1),
    );
}

/** Those that most clients look for come first. */
const order: readonly RootType[] = ['V2G', 'MO', 'OEM', 'PE'];

/** @throws ServiceError `not-found`, also for roots that others have imported */
export async function findRoot(
  parts: RootPoolParts,
  principal: Principal,
  id: string,
): Promise<ListedRoot> {
  const root = (await listRoots(parts, principal)).find((one) => one.id === id.toLowerCase());
  if (!root) throw noRoot(id);
  return root;
}

/**
 * Imports a root for the caller's organization, to be handed on and for nothing else; one that is
 * there already is listed as the given type from now on. A root of this evpki needs no import.
 * @param text the certificate, DER in base64 or PEM
 * @throws ServiceError `root-refused` with everything that speaks against it, `not-permitted`,
 *   `conflict` for a root of this evpki that is of another type, for an anchor that may not be
 *   handed on, and where the organization has as many as are kept
 */
export async function addRoot(
  parts: RootPoolParts,
  principal: Principal,
  text: string,
  rootType: RootType,
): Promise<ListedRoot> {
  requireKind(parts.access, principal, IMPORT, 'root-ca');
  const pem = pemOf(text);
  const certificate = readRootCertificate(pem);
  const id = rootId(certificate.der);
  const own = (await ownRoots(parts, principal.organizationId)).find((root) => root.id === id);
  if (own && own.rootType !== rootType) {
    const message = `it is a root of this evpki and listed as ${own.rootType}`;
    throw new ServiceError('conflict', message);
  }
  if (own) return own;
  if ((await revokedKeys(parts, [certificate])).has(keyOf(certificate))) {
    throw rootRefused(
      'the root cannot be imported',
      rootFault(true, 'root-revoked', 'its key is that of a revoked authority of this evpki'),
    );
  }
  const { anchor } = await importAnchor(parts, principal, pem, { rootType });
  if (!anchor.purposes.includes('distribute')) {
    const message = `${anchor.id} has been imported before, and may not be handed on`;
    throw new ServiceError('conflict', message);
  }
  return { id, rootType, certificate, anchorId: anchor.id };
}

/**
 * Removes a root that the caller's organization has imported, with all that it was trusted for.
 * @throws ServiceError `not-found`, `not-permitted`, `conflict` for a root of this evpki
 */
export async function removeRoot(
  parts: RootPoolParts,
  principal: Principal,
  id: string,
): Promise<void> {
  const { organizationId } = principal;
  const wanted = id.toLowerCase();
  const own = (await ownRoots(parts, organizationId)).find((root) => root.id === wanted);
  // What has ended is not listed, and can be removed.
  const anchor = own
    ? undefined
    : (await listableAnchors(parts, organizationId)).find(
        ({ certificate }) => rootId(certificate) === wanted,
      );
  if (!own && !anchor) throw noRoot(id);
  requireKind(parts.access, principal, REMOVE, 'root-ca');
  if (!anchor) {
    const message = 'it is a root of this evpki, which is listed until its authority ends';
    throw new ServiceError('conflict', message);
  }
  await removeAnchor(parts, principal, anchor.id);
}

/** Roots of this evpki, as their profiles say. */
async function ownRoots(
  { rootPool, profiles, parsed, clock }: RootPoolParts,
  organizationId: string,
): Promise<ListedRoot[]> {
  const types = new Map<string, RootType>();
  for (const { name, rootType } of profiles.values()) {
    if (rootType !== undefined) types.set(name, rootType);
  }
  const roots = await rootPool.rootsAt([...types.keys()], clock());
  return roots.flatMap((root) => {
    const rootType = types.get(root.profile);
    if (rootType === undefined) return [];
    if (rootType === 'PE' && root.organizationId !== organizationId) return [];
    return [{ ...listedAs(root, parsed.read(root.certificate)), rootType }];
  });
}

function listedAs({ issuerId, publicUrl }: OwnRoot, certificate: Certificate) {
  const { crl, caIssuers } = issuerUrls({ publicUrl, id: issuerId });
  return { id: rootId(certificate.der), certificate, addresses: { crl, certificate: caIssuers } };
}

/** What an organization has imported and has not forbidden to hand on, ended or not. */
async function listableAnchors(
  { anchors }: RootPoolParts,
  organizationId: string,
): Promise<(TrustAnchor & { readonly rootType: RootType })[]> {
  const filter = { organizationId, purpose: 'distribute' } as const;
  const { items } = await anchors.listAnchors(filter, { limit: MAX_ANCHORS });
  return items.flatMap(({ rootType, ...anchor }) =>
    rootType === undefined ? [] : [{ ...anchor, rootType }],
  );
}

/** Those of them that are valid now, and whose key was not revoked as one of ours. */
async function soundAnchors(
  parts: RootPoolParts,
  anchors: Awaited<ReturnType<typeof listableAnchors>>,
): Promise<ListedRoot[]> {
  const now = parts.clock();
  const roots = anchors
    .filter(({ notBefore, notAfter }) => notBefore <= now && now <= notAfter)
    .map(({ id: anchorId, rootType, certificate: der }) => ({
      // Not from those that are kept: there are as many as organizations import.
      ...{ id: rootId(der), rootType, anchorId, certificate: readCertificate(der) },
    }));
  const revoked = await revokedKeys(
    parts,
    roots.map(({ certificate }) => certificate),
  );
  return roots.filter(({ certificate }) => !revoked.has(keyOf(certificate)));
}

/** Keys of these roots that are those of revoked authorities of ours, in whatever certificate. */
const revokedKeys = async (
  { rootPool }: Pick<RootPoolParts, 'rootPool'>,
  roots: readonly Certificate[],
): Promise<ReadonlySet<string>> => new Set(await rootPool.revokedKeys(roots.map(keyOf)));

const keyOf = ({ spki }: Certificate): string => spkiFingerprint(spki);

/** Base64 as clients of OPCP send it, or PEM; what is neither is left for its reader to refuse. */
function pemOf(text: string): string {
  const der = decodeBase64(text);
  return der === undefined ? text : toPem('CERTIFICATE', der);
}

const noRoot = (id: string) => new ServiceError('not-found', `there is no root certificate ${id}`);

/** Of ids of root certificates; drawn once and fixed for good. */
const NAMESPACE = Buffer.from('3b7d2f0e6c5a4c1f9b8e52a1d04e77c9', 'hex');

export const rootId = (der: Uint8Array): string => rootIdOf(fingerprint(der));

/**
 * A UUID of version 5 (RFC 9562 5.5) in the name of a certificate's SHA-256.
 * @param sha256 lower-case hex
 */
export function rootIdOf(sha256: string): string {
  const octets = createHash('sha1').update(NAMESPACE).update(sha256).digest();
  octets[6] = ((octets[6] ?? 0) & 0x0f) | 0x50;
  octets[8] = ((octets[8] ?? 0) & 0x3f) | 0x80;
  const hex = octets.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return [...parts, hex.slice(20, 32)].join('-');
}
