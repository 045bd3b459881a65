/**
 * Who may do what: roles, their actions, the kinds of certificates that they are for and the roles
 * that they may hand out, declared in `policies/access.yaml`; deny by default.
 */

import { z } from 'zod';
import { type DeclarationError, declarationErrors } from '../pki/declaration-errors.ts';
import { type CertificateKind, certificateKinds } from '../pki/profile.ts';
import { ServiceError } from './errors.ts';

/** The organization of those who run evpki itself; only `super` clients live in it. */
export const INSTANCE_ORGANIZATION = 'instance';
/** The role of the bootstrap secret; no API client ever has it. */
export const BOOTSTRAP_ROLE = 'bootstrap';
/** The role of those who show the certificate of a station; no API client ever has it either. */
export const STATION_ROLE = 'station';
/** The action of those who make API clients. */
const CREATE_CLIENTS = 'api-clients:create';
/** The actions of those who are the second person: for certificates, and for what is listed. */
const APPROVE_REQUESTS = 'requests:approve';
export const APPROVE_PROPOSALS = 'proposals:approve';

/** What may be made to need a second person. */
const proposableActions = [
  'trust-anchors:trust',
  'authorities:grant',
  'authorities:cross-certify',
  'authorities:revoke',
] as const;
/** What needs one whatever the policy says. */
type AlwaysProposed = 'authorities:export';
export type ProposableAction = (typeof proposableActions)[number] | AlwaysProposed;

const actionName = z.string().regex(/^[a-z-]+:[a-z-]+$/, 'must look like `certificates:issue`');
const roleName = z.string().regex(/^[a-z][a-z-]*$/);

const accessFile = z.strictObject({
  /** What takes effect once somebody else agrees (docs/adr/0030-dual-control.md). */
  secondPerson: z.array(z.enum(proposableActions)).default([]),
  roles: z.record(
    roleName,
    z.strictObject({
      description: z.string().min(1),
      /** `all` for every action there is. */
      actions: z.union([z.literal('all'), z.array(actionName).min(1)]),
      /** Of what kinds of certificates it decides (`kind` of profiles); all if left out. */
      kinds: z.array(z.enum(certificateKinds)).min(1).optional(),
      /** The roles that it may give to API clients, and whose clients it manages. */
      mayGrant: z.union([z.literal('all'), z.array(roleName).min(1)]).optional(),
      /** Whether the role reaches into every organization. */
      everyOrganization: z.boolean().default(false),
    }),
  ),
});

export interface Role {
  readonly name: string;
  readonly description: string;
  readonly actions: 'all' | ReadonlySet<string>;
  readonly kinds: 'all' | ReadonlySet<CertificateKind>;
  readonly mayGrant: 'all' | ReadonlySet<string>;
  readonly everyOrganization: boolean;
}

export type AccessPolicy = ReadonlyMap<string, Role>;

export type AccessPolicyResult =
  | {
      readonly ok: true;
      readonly policy: AccessPolicy;
      readonly secondPerson: ReadonlySet<ProposableAction>;
    }
  | { readonly ok: false; readonly errors: readonly DeclarationError[] };

/** Validates a parsed `access.yaml`; every error of the file is listed. */
export function parseAccessPolicy(document: unknown, source: string): AccessPolicyResult {
  const shape = accessFile.safeParse(document);
  if (!shape.success) {
    return {
      ok: false,
      errors: declarationErrors(source, document, accessFile, shape.error.issues),
    };
  }
  const roles = Object.entries(shape.data.roles).map(([name, role]): [string, Role] => [
    name,
    {
      name,
      description: role.description,
      actions: role.actions === 'all' ? 'all' : new Set(role.actions),
      kinds: role.kinds === undefined ? 'all' : new Set(role.kinds),
      mayGrant: role.mayGrant === 'all' ? 'all' : new Set(role.mayGrant),
      everyOrganization: role.everyOrganization,
    },
  ]);
  const policy = new Map(roles);
  const errors = [...policy.values()].flatMap((role) =>
    grantFaults(policy, role).map((message) => ({
      source,
      path: `roles.${role.name}.mayGrant`,
      message,
    })),
  );
  const secondPerson = new Set(shape.data.secondPerson);
  return errors.length > 0 ? { ok: false, errors } : { ok: true, policy, secondPerson };
}

/** What is wrong with the roles that a role may hand out: nobody gains more by it than it says. */
function grantFaults(policy: AccessPolicy, role: Role): string[] {
  if (role.mayGrant === 'all') {
    return isSuper(role) ? [] : ['`all` is for roles with every action in every organization'];
  }
  const faults: string[] = [];
  if (!areSeparate(policy, [role.name])) {
    faults.push(
      `is not for roles with ${approving(role)}, but for those with every action everywhere`,
    );
  }
  if (role.mayGrant.size > 0 && !mayDo(role, CREATE_CLIENTS)) {
    faults.push(`is of no use without ${CREATE_CLIENTS}`);
  }
  for (const name of role.mayGrant) {
    const granted = policy.get(name);
    if (!granted) {
      faults.push(`${name} is none of ${[...policy.keys()].join(', ')}`);
      continue;
    }
    if (!isForClients(name)) faults.push(`${name} is for no API client`);
    if (granted.actions === 'all' && role.actions !== 'all') {
      faults.push(`${name} may do everything, ${role.name} may not`);
    }
    if (granted.everyOrganization && !role.everyOrganization) {
      faults.push(`${name} reaches every organization, ${role.name} does not`);
    }
    // Otherwise it could make somebody who makes them: what it says would not be what it means.
    const further = granted.mayGrant === 'all' ? [] : [...granted.mayGrant];
    const missing = further.filter((other) => !grants(role, other));
    if (missing.length > 0) faults.push(`${name} may grant ${missing.join(', ')} as well`);
  }
  return faults;
}

/**
 * Whether roles may be in one hand: whoever is the second person could make the first one, if one
 * of the roles lets it make API clients. Those who may do everything anyway are let alone.
 */
export function areSeparate(policy: AccessPolicy, roleNames: readonly string[]): boolean {
  const roles = roleNames.flatMap((name) => policy.get(name) ?? []);
  if (roles.some(isSuper)) return true;
  return !(roles.some((role) => approving(role) !== undefined) && roles.some(grantsAny));
}

/** The action by which a role is the second person, if it is. */
const approving = (role: Role): string | undefined =>
  [APPROVE_REQUESTS, APPROVE_PROPOSALS].find((action) => mayDo(role, action));

const grantsAny = ({ mayGrant }: Role): boolean => mayGrant === 'all' || mayGrant.size > 0;

/** Whether a role may do everything everywhere. */
export const isSuper = (role: Role): boolean =>
  role.actions === 'all' && role.kinds === 'all' && role.everyOrganization;

const mayDo = ({ actions }: Role, action: string): boolean =>
  actions === 'all' || actions.has(action);

/** Whether API clients may have this role at all. */
export const isForClients = (name: string): boolean =>
  name !== BOOTSTRAP_ROLE && name !== STATION_ROLE;

const grants = ({ mayGrant }: Role, name: string): boolean =>
  isForClients(name) && (mayGrant === 'all' || mayGrant.has(name));

/** Somebody whose identity has been proven. */
export interface Principal {
  /** As audit entries name it: `client:<id>` or `bootstrap`. */
  readonly actor: string;
  readonly organizationId: string;
  readonly roles: readonly string[];
  /** When it will be nobody any more, if that is known: no client that it makes lasts longer. */
  readonly endsAt?: Date;
}

const anyRole = (
  policy: AccessPolicy,
  principal: Principal,
  holds: (role: Role) => boolean,
): boolean =>
  principal.roles.some((name) => {
    const role = policy.get(name);
    return role !== undefined && holds(role);
  });

/**
 * The principal in those of its roles that permit the action. What one role may do and how far
 * another reaches are never added up: whoever does something is looked at in these roles only.
 */
export const inRolesFor = (
  policy: AccessPolicy,
  principal: Principal,
  action: string,
): Principal => ({
  ...principal,
  roles: principal.roles.filter((name) => permits(policy, { ...principal, roles: [name] }, action)),
});

/** Whether one of the principal's roles permits the action at all, in whatever organization. */
export const permits = (policy: AccessPolicy, principal: Principal, action: string): boolean =>
  anyRole(policy, principal, (role) => mayDo(role, action));

/**
 * Whether one and the same role permits the action and is for this kind of certificates: two roles
 * are never added up to a third. Of an unknown kind only those decide who decide of every kind.
 */
export const permitsKind = (
  policy: AccessPolicy,
  principal: Principal,
  action: string,
  kind: CertificateKind | undefined,
): boolean =>
  anyRole(
    policy,
    principal,
    (role) =>
      mayDo(role, action) && (role.kinds === 'all' || (kind !== undefined && role.kinds.has(kind))),
  );

/** @throws ServiceError `not-permitted` naming the kind */
export function requireKind(
  policy: AccessPolicy,
  principal: Principal,
  action: string,
  kind: CertificateKind | undefined,
): void {
  if (permitsKind(policy, principal, action, kind)) return;
  throw new ServiceError(
    'not-permitted',
    `none of your roles permits ${action} for certificates of the kind ${kind ?? 'unknown'}`,
  );
}

/** Whether one of the principal's roles may give this role to API clients. */
export const mayGrant = (policy: AccessPolicy, principal: Principal, roleName: string): boolean =>
  anyRole(policy, principal, (role) => grants(role, roleName));

/**
 * Whether the principal may do this to something of that organization. What it may not see does
 * not exist for it: callers answer `not-found`, not `not-permitted`.
 */
export function reaches(
  policy: AccessPolicy,
  principal: Principal,
  organizationId: string,
): boolean {
  return principal.organizationId === organizationId || reachesEveryOrganization(policy, principal);
}

export const reachesEveryOrganization = (policy: AccessPolicy, principal: Principal): boolean =>
  anyRole(policy, principal, ({ everyOrganization }) => everyOrganization);
