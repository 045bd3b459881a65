/**
 * Grants: the owner of an authority lets another organization have authorities under it, and takes
 * that back. Withdrawn, nothing new is certified there any more; what is certified goes on, and
 * can be revoked. Either organization has all of it in its log.
 */

import type { Profile } from '../pki/profile.ts';
import {
  type AccessPolicy,
  type Principal,
  type ProposableAction,
  reaches,
  requireKind,
} from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import type { AuthorityGrant, AuthorityGrantStore } from './authority-grant-records.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { findOrganization, type OrganizationStore } from './organizations.ts';

export const GRANT = 'authorities:grant' as const satisfies ProposableAction;

export interface GrantParts {
  readonly grants: AuthorityGrantStore;
  readonly authorities: AuthorityStore;
  readonly organizations: OrganizationStore;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly access: AccessPolicy;
  readonly clock: Clock;
}

/** All that an organization hears of the authority that it may be under. */
export interface ReceivedGrant {
  readonly authority: Pick<Authority, 'id' | 'title' | 'profile'>;
  readonly grantedAt: Date;
}

/**
 * Grants an authority. It asks no second person: that is for `grantOrPropose`.
 * @returns whether it is new; granting again changes nothing
 * @throws ServiceError as `grantableTo`
 */
export async function grantAuthority(
  parts: GrantParts,
  principal: Principal,
  authorityId: string,
  organizationId: string,
): Promise<{ grant: AuthorityGrant; created: boolean }> {
  const authority = await grantableTo(parts, principal, authorityId, organizationId);
  const outcome = await parts.grants.putGrant({
    authorityId,
    organizationId,
    audit: grantEvent(authority, organizationId, 'granted', principal.actor, parts.clock()),
  });
  const grant = await parts.grants.findGrant(authorityId, organizationId);
  if (!grant) throw new ServiceError('conflict', 'the grant was withdrawn at the same moment');
  return { grant, created: outcome === 'granted' };
}

/**
 * An authority that the caller may grant to an organization.
 * @throws ServiceError `not-found` for an authority that is not the caller's, and for an
 *   organization that does not exist: that much its owner hears of any; `not-permitted` naming the
 *   kind of certificates; `conflict` for the owner's own organization, which needs no grant
 */
export async function grantableTo(
  parts: GrantParts,
  principal: Principal,
  authorityId: string,
  organizationId: string,
): Promise<Authority> {
  const authority = await grantableAuthority(parts, principal, authorityId);
  if (authority.organizationId === organizationId) {
    throw new ServiceError('conflict', `${organizationId} owns ${authorityId} and needs no grant`);
  }
  // A grant to nobody would be for whoever is called so one day.
  if (!(await parts.organizations.findOrganization(organizationId))) {
    throw new ServiceError('not-found', `there is no organization ${organizationId}`);
  }
  return authority;
}

/** @throws ServiceError `not-found` when there is no such grant of the caller's; `not-permitted` */
export async function withdrawGrant(
  parts: GrantParts,
  principal: Principal,
  authorityId: string,
  organizationId: string,
): Promise<void> {
  const authority = await grantableAuthority(parts, principal, authorityId);
  const outcome = await parts.grants.deleteGrant({
    authorityId,
    organizationId,
    audit: grantEvent(authority, organizationId, 'withdrawn', principal.actor, parts.clock()),
  });
  if (outcome === 'missing') {
    throw new ServiceError('not-found', `${authorityId} is not granted to ${organizationId}`);
  }
}

/** The grants of an authority, for its owner. */
export async function listGrantsOf(
  parts: GrantParts,
  principal: Principal,
  authorityId: string,
): Promise<AuthorityGrant[]> {
  await ownAuthority(parts, principal, authorityId);
  return parts.grants.listGrants({ authorityId });
}

/** The authorities of others that an organization may be under, for that organization. */
export async function listGrantsTo(
  parts: GrantParts,
  principal: Principal,
  organizationId: string,
): Promise<ReceivedGrant[]> {
  await findOrganization(parts, principal, organizationId);
  const grants = await parts.grants.listGrants({ organizationId });
  const received = await Promise.all(
    grants.map(async ({ authorityId, createdAt }): Promise<ReceivedGrant[]> => {
      const authority = await parts.authorities.findAuthority(authorityId);
      if (!authority) return [];
      const { id, title, profile } = authority;
      return [{ authority: { id, title, profile }, grantedAt: createdAt }];
    }),
  );
  return received.flat();
}

/** An authority of the caller's, of a kind that its role is for. */
async function grantableAuthority(
  parts: GrantParts,
  principal: Principal,
  id: string,
): Promise<Authority> {
  const authority = await ownAuthority(parts, principal, id);
  requireKind(parts.access, principal, GRANT, parts.profiles.get(authority.profile)?.kind);
  return authority;
}

async function ownAuthority(
  parts: GrantParts,
  principal: Principal,
  id: string,
): Promise<Authority> {
  const authority = await parts.authorities.findAuthority(id);
  if (!authority || !reaches(parts.access, principal, authority.organizationId)) {
    throw new ServiceError('not-found', `there is no authority ${id}`);
  }
  return authority;
}

export const grantEvent = (
  authority: Pick<Authority, 'id' | 'organizationId'>,
  grantedTo: string,
  what: 'granted' | 'withdrawn',
  actor: string,
  at: Date,
): AuditEvent => ({
  at,
  organizationId: authority.organizationId,
  counterpart: grantedTo,
  actor,
  action: `authority-grant.${what}`,
  subject: authority.id,
  details: { organization: grantedTo },
});
