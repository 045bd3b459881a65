/**
 * What speaks against a declaration that is the caller's: it is about what belongs to others, or
 * wants done what no role of the caller's permits. All of it is listed.
 */

import type { CertificateKind, Profile } from '../pki/profile.ts';
import {
  type AccessPolicy,
  type Principal,
  type ProposableAction,
  permits,
  permitsKind,
  reaches,
  reachesEveryOrganization,
} from './access-policy.ts';
import { GRANT } from './authority-grants.ts';
import type { FieldViolation } from './errors.ts';
import type { Hierarchy } from './hierarchies.ts';
import { grantKey, type Plan, type PlanAction } from './hierarchy-plan.ts';

/** The action of those who may make an authority that nobody stands above. */
const CREATE_ROOT = 'authorities:create-root';
/** The action of those who may make and change organizations, if they reach every one. */
const WRITE_ORGANIZATIONS = 'organizations:write';

interface PermissionParts {
  readonly access: AccessPolicy;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly secondPerson: ReadonlySet<ProposableAction>;
}

/** W8: what the declaration says about others' organizations and authorities. */
export function foreignFaults(
  { access }: PermissionParts,
  principal: Principal,
  hierarchy: Hierarchy,
  plan: Plan,
): FieldViolation[] {
  const isForeign = (id: string) => !reaches(access, principal, id);
  return [
    // The same whether it exists or not.
    ...hierarchy.organizations
      .filter(({ id }) => isForeign(id))
      .map(({ id }) => ({
        code: 'organization-unknown',
        message: `there is no organization ${id}, and you cannot make one`,
        field: `organizations.${id}`,
      })),
    // Ids are shared by all: that one is taken cannot be kept from whoever wants it.
    ...hierarchy.authorities
      .filter(({ id }) => {
        const existing = plan.authorities.get(id);
        return existing !== undefined && isForeign(existing.organizationId);
      })
      .map(({ id }) => ({
        code: 'id-taken',
        message: 'this id is taken',
        field: `authorities.${id}`,
      })),
  ];
}

/**
 * What the caller's roles do not permit of what would be done.
 * @param action by which it is to be done: that, too, has to be permitted for each kind
 */
export function permissionFaults(
  { access, profiles, secondPerson }: PermissionParts,
  principal: Principal,
  action: string,
  hierarchy: Hierarchy,
  plan: Plan,
): FieldViolation[] {
  const may = (what: string, kind: CertificateKind | undefined) =>
    permitsKind(access, principal, what, kind);
  const mayWrite =
    permits(access, principal, WRITE_ORGANIZATIONS) && reachesEveryOrganization(access, principal);
  const organizations = plan.steps
    .filter(
      ({ kind, id, action: done }) =>
        kind === 'organization' &&
        done !== 'unchanged' &&
        reaches(access, principal, id) &&
        !mayWrite,
    )
    .map(({ id }) => ({
      code: 'not-permitted',
      message: 'organizations are made and changed by those who reach every one',
      field: `organizations.${id}`,
    }));
  const touched = new Set(
    plan.steps
      .filter(({ kind, action: done }) => kind === 'authority' && isWork(done))
      .map(({ id }) => id),
  );
  const kinds = hierarchy.authorities
    .filter(({ id, profile }) => touched.has(id) && !may(action, profile.kind))
    .map(({ id, profile }) => needed(action, `authorities.${id}.profile`, profile.kind));
  const authorities = hierarchy.authorities.flatMap((declared): FieldViolation[] => {
    const { id, parentId, external, organizationId, profile } = declared;
    if (plan.authorities.has(id)) return [];
    if (parentId === undefined) {
      if (external || may(CREATE_ROOT, profile.kind)) return [];
      return [needed(CREATE_ROOT, `authorities.${id}`, profile.kind)];
    }
    if (!plan.missingGrants.has(grantKey(parentId, organizationId))) return [];
    const existing = plan.authorities.get(parentId);
    const beside = hierarchy.authorities.find((one) => one.id === parentId);
    const owner = existing?.organizationId ?? beside?.organizationId;
    const parentKind = (existing ? profiles.get(existing.profile) : beside?.profile)?.kind;
    const field = `authorities.${id}.under`;
    if (owner === undefined || !reaches(access, principal, owner)) {
      // Granted to another organization of the caller's, but not to this one.
      return [{ code: 'declaration', message: `there is no authority ${parentId}`, field }];
    }
    if (!may(GRANT, parentKind)) return [needed(GRANT, field, parentKind)];
    // Two people look at a grant by itself: it does not come along with something else.
    return secondPerson.has(GRANT) ? [alone(parentId, organizationId, field)] : [];
  });
  return [...organizations, ...kinds, ...authorities];
}

/** Whether a key is made, or certified. */
const isWork = (action: PlanAction): boolean =>
  action === 'create' || action === 'create-request' || action === 'certify';

const alone = (authority: string, organization: string, field: string): FieldViolation => ({
  code: 'second-person-needed',
  message: `granting ${authority} to ${organization} needs a second person: have that done first`,
  field,
});

const needed = (
  action: string,
  field: string,
  kind: CertificateKind | undefined,
): FieldViolation => ({
  code: 'not-permitted',
  message: `none of your roles permits ${action} for certificates of the kind ${kind ?? 'unknown'}`,
  field,
});
