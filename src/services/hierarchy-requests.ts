/**
 * Hierarchies and single authorities as callers of the API declare them: the same declarations as
 * in `ca/*.yaml`, which may name what the caller reaches without declaring it again. Everything
 * that is wrong, with the declaration or with the caller's wanting it, is listed.
 */

import {
  type AccessPolicy,
  type Principal,
  permits,
  reaches,
  reachesEveryOrganization,
} from './access-policy.ts';
import { carryOut, hierarchyFaults } from './apply-hierarchy.ts';
import type { AuthorityParts } from './authorities.ts';
import type { Authority } from './authority-records.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import { type Hierarchy, type KnownHierarchy, parseHierarchy } from './hierarchies.ts';
import { grantKey, type Plan, type PlanStep, planHierarchy } from './hierarchy-plan.ts';

/** The action of those who may make an authority that nobody stands above. */
const CREATE_ROOT = 'authorities:create-root';
/** The action of those who may let other organizations be under an authority of theirs. */
const GRANT = 'authorities:grant';
/** The action of those who may make and change organizations, if they reach every one. */
const WRITE_ORGANIZATIONS = 'organizations:write';

export interface HierarchyParts extends AuthorityParts {
  readonly access: AccessPolicy;
  /** What this evpki runs for, as the hierarchy says that it was started with. */
  readonly instance: InstancePurpose;
}

export interface InstancePurpose {
  readonly demo: boolean;
  /** The settings that hierarchies which are no demo need, and that are not set. */
  readonly missingSettings: readonly string[];
}

export interface AppliedHierarchy {
  readonly hierarchy: string;
  readonly applied: boolean;
  readonly steps: readonly PlanStep[];
}

/**
 * Plans a hierarchy and, unless it is a dry run, carries the plan out.
 * @param document the declaration as in `ca/*.yaml`, parsed
 * @throws ServiceError `declaration-invalid` with everything that is wrong, nothing changed; a dry
 *   run shows what contradicts authorities that exist as steps instead. `conflict` when the
 *   declaration is a demo's and this evpki is none, or the other way round
 */
export async function applyDeclaration(
  parts: HierarchyParts,
  principal: Principal,
  document: unknown,
  options: { readonly dryRun: boolean; readonly allowDemo: boolean },
): Promise<AppliedHierarchy> {
  const { hierarchy, plan, faults } = await readDeclaration(parts, principal, document);
  requirePurpose(parts.instance, hierarchy, options.allowDemo);
  const relevant = faults.filter(({ code }) => !(options.dryRun && code === 'declaration-differs'));
  if (relevant.length > 0) {
    throw new ServiceError(
      'declaration-invalid',
      `hierarchy ${hierarchy.id} cannot be applied`,
      relevant,
    );
  }
  const steps = options.dryRun
    ? plan.steps
    : await carryOut(parts, hierarchy, plan, {
        actor: principal.actor,
        updateOrganizations: true,
      });
  return { hierarchy: hierarchy.id, applied: !options.dryRun, steps };
}

export interface NewAuthority {
  readonly id: string;
  readonly title: string;
  readonly organization?: string;
  readonly profile: string;
  readonly key: string;
  readonly under?: string;
}

/**
 * Makes one authority; it is active at once unless its certificate, or that of one above it, is
 * signed elsewhere.
 * @returns whether it is new; exactly the same again changes nothing
 * @throws ServiceError `declaration-invalid` with everything that is wrong, `conflict` when another
 *   authority has the id
 */
export async function declareAuthority(
  parts: HierarchyParts,
  principal: Principal,
  { id, organization = principal.organizationId, ...details }: NewAuthority,
): Promise<{ authority: Authority; created: boolean }> {
  // What parses declarations leaves this name out, and there would be nothing to find fault with.
  if (id === '__proto__') {
    throw new ServiceError('declaration-invalid', 'the authority cannot be created', [
      {
        code: 'declaration',
        message: 'must be lower-case letters, digits and hyphens',
        field: 'id',
      },
    ]);
  }
  const document = {
    hierarchy: 'api',
    organizations: {},
    authorities: { [id]: { ...details, organization } },
  };
  const { hierarchy, plan, faults } = await readDeclaration(parts, principal, document);
  const clashes = faults.filter(({ code }) => code === 'declaration-differs');
  if (clashes.length > 0 || faults.some(({ code }) => code === 'id-taken')) {
    throw new ServiceError('conflict', `there is another authority ${id}`, clashes);
  }
  if (faults.length > 0) {
    throw new ServiceError('declaration-invalid', `${id} cannot be created`, faults);
  }
  await carryOut(parts, hierarchy, plan, { actor: principal.actor });
  const authority = await parts.authorities.findAuthority(id);
  if (!authority) throw new Error(`${id} was not created`);
  return { authority, created: !plan.authorities.has(id) };
}

async function readDeclaration(
  parts: HierarchyParts,
  principal: Principal,
  document: unknown,
): Promise<{ hierarchy: Hierarchy; plan: Plan; faults: FieldViolation[] }> {
  // Keys are not made by profiles that they cannot be certified by.
  await parts.declarations.requireActive();
  const known = await knownTo(parts, principal);
  const parsed = parseHierarchy(document, 'body', parts.profiles, known);
  if (!parsed.ok) {
    throw new ServiceError(
      'declaration-invalid',
      'the declaration has errors',
      parsed.errors.map(({ path, message }) => ({ code: 'declaration', message, field: path })),
    );
  }
  const { hierarchy } = parsed;
  const plan = await planHierarchy(parts, hierarchy);
  const foreign = foreignFaults(parts, principal, hierarchy, plan);
  // What somebody else's authority is like is nothing for the caller to hear of.
  const hidden = new Set(foreign.map(({ field }) => field));
  const own = hierarchyFaults(hierarchy, plan).filter(({ field }) => !hidden.has(field));
  return {
    hierarchy,
    plan,
    faults: [...foreign, ...own, ...permissionFaults(parts, principal, hierarchy, plan)],
  };
}

/** What the caller may name without declaring it. */
async function knownTo(parts: HierarchyParts, principal: Principal): Promise<KnownHierarchy> {
  const reached = (id: string) => reaches(parts.access, principal, id);
  const [organizations, authorities, grants] = await Promise.all([
    parts.organizations.listOrganizations(),
    parts.authorities.listAuthorities(),
    parts.grants.listGrants({}),
  ]);
  const granted = new Set(
    grants
      .filter(({ organizationId }) => reached(organizationId))
      .map(({ authorityId }) => authorityId),
  );
  return {
    organizations: new Set(organizations.map(({ id }) => id).filter(reached)),
    authorities: new Map(
      authorities
        .filter(({ id, organizationId }) => reached(organizationId) || granted.has(id))
        .map((authority) => [authority.id, authority]),
    ),
  };
}

/** W8: what the declaration says about others' organizations and authorities. */
function foreignFaults(
  { access }: HierarchyParts,
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

/** What the caller's roles do not permit of what would be done. */
function permissionFaults(
  { access }: HierarchyParts,
  principal: Principal,
  hierarchy: Hierarchy,
  plan: Plan,
): FieldViolation[] {
  const may = (action: string) => permits(access, principal, action);
  const needed = (action: string, field: string) => ({
    code: 'not-permitted',
    message: `none of your roles permits ${action}`,
    field,
  });
  const mayWrite = may(WRITE_ORGANIZATIONS) && reachesEveryOrganization(access, principal);
  const organizations = plan.steps
    .filter(
      ({ kind, id, action }) =>
        kind === 'organization' &&
        action !== 'unchanged' &&
        reaches(access, principal, id) &&
        !mayWrite,
    )
    .map(({ id }) => ({
      code: 'not-permitted',
      message: 'organizations are made and changed by those who reach every one',
      field: `organizations.${id}`,
    }));
  const authorities = hierarchy.authorities.flatMap((declared): FieldViolation[] => {
    const { id, parentId, external, organizationId } = declared;
    if (plan.authorities.has(id)) return [];
    if (parentId === undefined) {
      return external || may(CREATE_ROOT) ? [] : [needed(CREATE_ROOT, `authorities.${id}`)];
    }
    if (!plan.missingGrants.has(grantKey(parentId, organizationId))) return [];
    const owner =
      plan.authorities.get(parentId)?.organizationId ??
      hierarchy.authorities.find((one) => one.id === parentId)?.organizationId;
    const field = `authorities.${id}.under`;
    if (owner === undefined || !reaches(access, principal, owner)) {
      // Granted to another organization of the caller's, but not to this one.
      return [{ code: 'declaration', message: `there is no authority ${parentId}`, field }];
    }
    return may(GRANT) ? [] : [needed(GRANT, field)];
  });
  return [...organizations, ...authorities];
}

/**
 * A demo's organizations have made-up names, and its keys may lie beside their passphrase: neither
 * gets among the other without somebody wanting it.
 */
function requirePurpose(
  instance: InstancePurpose,
  { id, demo }: Hierarchy,
  allowed: boolean,
): void {
  if (demo && !instance.demo && !allowed) {
    throw new ServiceError(
      'conflict',
      `hierarchy ${id} is a demo and this evpki is not: say that demos are allowed if you mean it`,
    );
  }
  if (!demo && instance.missingSettings.length > 0) {
    const names = instance.missingSettings.join(' and ');
    throw new ServiceError(
      'conflict',
      `hierarchy ${id} is not marked \`demo: true\`: start evpki with ${names} first`,
    );
  }
}
