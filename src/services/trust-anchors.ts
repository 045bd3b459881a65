/**
 * Trust anchors: roots of others that an organization imports. Importing one says that it may be
 * handed on, no more; what chains that end at it are accepted for is said in a second step with a
 * permission of its own (docs/adr/0020-trust-anchors.md). Roots of this evpki are not imported.
 */

import { createHash } from 'node:crypto';
import { fingerprint } from '../pki/certificate.ts';
import { canonicalName, type DistinguishedName, nameText } from '../pki/names.ts';
import type { RootType } from '../pki/profile.ts';
import { remembered } from '../pki/remembered.ts';
import {
  type AccessPolicy,
  INSTANCE_ORGANIZATION,
  type Principal,
  type ProposableAction,
  reaches,
  reachesEveryOrganization,
  requireKind,
} from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { newId } from './ids.ts';
import { findOrganization, type OrganizationStore } from './organizations.ts';
import { type Page, type PageWanted, readPage } from './pages.ts';
import { agreedBy, type ProposalApproval } from './proposal-records.ts';
import { readRootCertificate, rootFaults, rootRefused } from './root-certificates.ts';
import type { RandomBytes } from './serial-numbers.ts';
import {
  type AnchorPurpose,
  anchorPurposes,
  type TrustAnchor,
  type TrustAnchorStore,
} from './trust-anchor-records.ts';

export const IMPORT = 'trust-anchors:import';
export const TRUST = 'trust-anchors:trust' as const satisfies ProposableAction;
export const REMOVE = 'trust-anchors:remove';

/** Of one organization: more than there are V2G, MO and OEM roots in any market. */
export const MAX_ANCHORS = 500;

export interface TrustAnchorParts {
  readonly anchors: TrustAnchorStore;
  readonly organizations: Pick<OrganizationStore, 'findOrganization'>;
  readonly access: AccessPolicy;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export interface AnchorDetails {
  /** For those who reach others than their own. */
  readonly organization?: string;
  /** As what the pool of roots lists it; not at all without. */
  readonly rootType?: RootType;
}

/**
 * Imports a root certificate for `distribute`. One that is there already stays what it is for; it
 * gets the root type, if one is given.
 * @param pem one self-signed certificate
 * @throws ServiceError `root-refused` with everything that speaks against it, `not-permitted` for
 *   roles that are not for roots, `not-found` for an organization out of reach, `conflict` when the
 *   organization has as many as are kept
 */
export async function importAnchor(
  parts: TrustAnchorParts,
  principal: Principal,
  pem: string,
  { organization, rootType }: AnchorDetails = {},
): Promise<{ readonly anchor: TrustAnchor; readonly created: boolean }> {
  const organizationId = await importingOrganization(parts, principal, organization);
  requireKind(parts.access, principal, IMPORT, 'root-ca');
  const root = readRootCertificate(pem);
  const now = parts.clock();
  const faults = rootFaults(root, now);
  if (faults.length > 0) throw rootRefused('the root cannot be imported', faults);
  const anchor: TrustAnchor = {
    id: newId('anc', parts.random),
    organizationId,
    sha256: fingerprint(root.der),
    certificate: root.der,
    subject: nameText(root.subject),
    notBefore: root.notBefore,
    notAfter: root.notAfter,
    purposes: ['distribute'],
    ...(rootType === undefined ? {} : { rootType }),
    addedAt: now,
  };
  const outcome = await parts.anchors.importAnchor({
    anchor,
    nameKey: nameKey(root.subject),
    limit: MAX_ANCHORS,
    audit: anchorAudit(parts, principal, anchor, 'imported', {
      ...{ purposes: anchor.purposes, rootType: rootType ?? null },
    }),
  });
  if (outcome === 'imported') return { anchor, created: true };
  if (outcome === 'too-many') {
    throw new ServiceError('conflict', `${organizationId} has ${MAX_ANCHORS} trust anchors`);
  }
  const existing = await parts.anchors.findAnchorOf(organizationId, anchor.sha256);
  if (!existing) throw new ServiceError('conflict', 'it was removed at the same moment');
  return { anchor: await withRootType(parts, principal, existing, rootType), created: false };
}

/** An anchor as the pool is to list it from now on. */
async function withRootType(
  parts: Pick<TrustAnchorParts, 'anchors' | 'clock'>,
  principal: Principal,
  anchor: TrustAnchor,
  to: RootType | undefined,
): Promise<TrustAnchor> {
  const { id, rootType: from } = anchor;
  if (to === undefined || to === from) return anchor;
  const outcome = await parts.anchors.changeRootType({
    ...{ id, from, to },
    audit: anchorAudit(parts, principal, anchor, 'listed', { rootType: to, before: from ?? null }),
  });
  if (outcome === 'stale') {
    throw new ServiceError('conflict', `as what ${id} is listed was changed at the same moment`);
  }
  return { ...anchor, rootType: to };
}

/** Those who run evpki itself have no anchors: they name whose it is to be. */
async function importingOrganization(
  parts: Pick<TrustAnchorParts, 'organizations' | 'access'>,
  principal: Principal,
  named: string | undefined,
): Promise<string> {
  const id = named ?? principal.organizationId;
  if (id === INSTANCE_ORGANIZATION) {
    throw new ServiceError('request-malformed', 'name the organization that it is to be for', [
      { code: 'required', message: 'is missing', field: 'organization' },
    ]);
  }
  return (await findOrganization(parts, principal, id)).id;
}

/** On what an anchor's purposes are changed. */
export interface TrustBasis {
  /** What it is for until now, as whoever decided on it has seen it. */
  readonly before?: readonly AnchorPurpose[];
}

/**
 * Says what an anchor is for, from now on and instead of what it was for. It asks no second
 * person: that is for `trustOrPropose`, and what that one has agreed to comes as an approval.
 * @returns `not-waiting`, and nothing changed, when its approval is for what waits no more
 * @throws ServiceError `not-found`, `not-permitted`, `conflict` when somebody else said so in
 *   between
 */
export function trustAnchor(
  parts: TrustAnchorParts,
  principal: Principal,
  id: string,
  purposes: readonly AnchorPurpose[],
  basis?: TrustBasis,
): Promise<TrustAnchor>;
export function trustAnchor(
  parts: TrustAnchorParts,
  principal: Principal,
  id: string,
  purposes: readonly AnchorPurpose[],
  basis: TrustBasis & { readonly approval: ProposalApproval },
): Promise<TrustAnchor | 'not-waiting'>;
export async function trustAnchor(
  parts: TrustAnchorParts,
  principal: Principal,
  id: string,
  purposes: readonly AnchorPurpose[],
  { before, approval }: TrustBasis & { readonly approval?: ProposalApproval } = {},
): Promise<TrustAnchor | 'not-waiting'> {
  const anchor = await trustableAnchor(parts, principal, id);
  const from = anchor.purposes;
  const to = inOrder(purposes);
  const changed = () => new ServiceError('conflict', `what ${id} is for was changed in between`);
  if (before !== undefined && before.join() !== from.join()) throw changed();
  if (to.join() === from.join() && !approval) return anchor;
  const agreed = approval ? agreedBy(approval) : {};
  const outcome = await parts.anchors.changePurposes({
    ...{ id, from, to },
    audit: anchorAudit(parts, principal, anchor, 'trusted', {
      ...{ purposes: to, before: from },
      ...agreed,
    }),
    ...(approval ? { approval } : {}),
  });
  if (outcome === 'not-waiting') return outcome;
  if (outcome === 'stale') throw changed();
  return { ...anchor, purposes: to };
}

/**
 * An anchor that the principal may say of what it is for.
 * @throws ServiceError `not-found`, `not-permitted`
 */
export async function trustableAnchor(
  parts: Pick<TrustAnchorParts, 'anchors' | 'access'>,
  principal: Principal,
  id: string,
): Promise<TrustAnchor> {
  const anchor = await findAnchor(parts, principal, id);
  requireKind(parts.access, principal, TRUST, 'root-ca');
  return anchor;
}

/** As they are stored, each once. */
export const inOrder = (purposes: readonly AnchorPurpose[]): AnchorPurpose[] =>
  anchorPurposes.filter((purpose) => purposes.includes(purpose));

/**
 * Removes an anchor: nothing is validated by it any more.
 * @throws ServiceError `not-found`, `not-permitted`
 */
export async function removeAnchor(
  parts: TrustAnchorParts,
  principal: Principal,
  id: string,
): Promise<void> {
  const anchor = await findAnchor(parts, principal, id);
  requireKind(parts.access, principal, REMOVE, 'root-ca');
  const audit = anchorAudit(parts, principal, anchor, 'removed', { purposes: anchor.purposes });
  if ((await parts.anchors.removeAnchor({ id, audit })) === 'missing') throw noAnchor(id);
}

/** @throws ServiceError `not-found`, also for anchors of organizations out of reach */
export async function findAnchor(
  parts: Pick<TrustAnchorParts, 'anchors' | 'access'>,
  principal: Principal,
  id: string,
): Promise<TrustAnchor> {
  const anchor = await parts.anchors.findAnchor(id);
  if (!anchor || !reaches(parts.access, principal, anchor.organizationId)) throw noAnchor(id);
  return anchor;
}

const noAnchor = (id: string) => new ServiceError('not-found', `there is no trust anchor ${id}`);

/**
 * A page of trust anchors, newest first; of every organization for those who reach all and name
 * none.
 * @throws ServiceError `request-malformed` for a cursor that no listing returned, `not-found` for
 *   an organization out of reach
 */
export async function listAnchors(
  parts: Pick<TrustAnchorParts, 'anchors' | 'organizations' | 'access'>,
  principal: Principal,
  wanted: PageWanted & {
    readonly organization?: string;
    readonly purpose?: AnchorPurpose;
  },
): Promise<Page<TrustAnchor>> {
  const { organization: named, purpose } = wanted;
  if (named !== undefined) await findOrganization(parts, principal, named);
  const everywhere = named === undefined && reachesEveryOrganization(parts.access, principal);
  const filter = {
    ...(everywhere ? {} : { organizationId: named ?? principal.organizationId }),
    ...(purpose === undefined ? {} : { purpose }),
  };
  return readPage(wanted, (position) => parts.anchors.listAnchors(filter, position));
}

/**
 * Equal for names that RFC 5280 7.1 takes for the same: SHA-256, hex. It is stored: whoever changes
 * `canonicalName` has to have what is stored made anew.
 */
export const nameKey = remembered((name: DistinguishedName): string =>
  createHash('sha256').update(canonicalName(name)).digest('hex'),
);

const anchorAudit = (
  parts: Pick<TrustAnchorParts, 'clock'>,
  principal: Principal,
  { id, organizationId, sha256, subject }: TrustAnchor,
  what: 'imported' | 'listed' | 'trusted' | 'removed',
  details: AuditEvent['details'],
): AuditEvent => ({
  at: parts.clock(),
  organizationId,
  actor: principal.actor,
  action: `trust-anchor.${what}`,
  subject: id,
  details: { sha256, name: subject, ...details },
});
