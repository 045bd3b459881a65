/**
 * Hierarchies and single authorities as callers of the API declare them: the same declarations as
 * in `ca/*.yaml`, which may name what the caller reaches without declaring it again. Everything
 * that is wrong, with the declaration or with the caller's wanting it, is listed.
 */

import {
  type AccessPolicy,
  type Principal,
  type ProposableAction,
  reaches,
} from './access-policy.ts';
import { carryOut, hierarchyFaults } from './apply-hierarchy.ts';
import type { AuthorityParts } from './authorities.ts';
import type { Authority } from './authority-records.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import { type Hierarchy, type KnownHierarchy, parseHierarchy } from './hierarchies.ts';
import { foreignFaults, permissionFaults } from './hierarchy-permissions.ts';
import { type Plan, type PlanStep, planHierarchy } from './hierarchy-plan.ts';

/** The actions of those who may make authorities, one at a time or all that a file declares. */
const CREATE = 'authorities:create';
const APPLY = 'hierarchies:apply';

export interface HierarchyParts extends AuthorityParts {
  readonly access: AccessPolicy;
  readonly secondPerson: ReadonlySet<ProposableAction>;
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
  const { hierarchy, plan, faults } = await readDeclaration(parts, principal, document, APPLY);
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
  const { hierarchy, plan, faults } = await readDeclaration(parts, principal, document, CREATE);
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
  action: string,
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
    faults: [...foreign, ...own, ...permissionFaults(parts, principal, action, hierarchy, plan)],
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
