/** Who may do what: roles and their actions, declared in `policies/access.yaml`; deny by default. */

import { z } from 'zod';
import { type DeclarationError, declarationErrors } from '../pki/declaration-errors.ts';

/** The organization of those who run evpki itself; only `super` clients live in it. */
export const INSTANCE_ORGANIZATION = 'instance';

const actionName = z.string().regex(/^[a-z-]+:[a-z-]+$/, 'must look like `certificates:issue`');

const accessFile = z.strictObject({
  roles: z.record(
    z.string().regex(/^[a-z][a-z-]*$/),
    z.strictObject({
      description: z.string().min(1),
      /** `all` for every action there is. */
      actions: z.union([z.literal('all'), z.array(actionName).min(1)]),
      /** Whether the role reaches into every organization. */
      everyOrganization: z.boolean().default(false),
    }),
  ),
});

export interface Role {
  readonly name: string;
  readonly description: string;
  readonly actions: 'all' | ReadonlySet<string>;
  readonly everyOrganization: boolean;
}

export type AccessPolicy = ReadonlyMap<string, Role>;

export type AccessPolicyResult =
  | { readonly ok: true; readonly policy: AccessPolicy }
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
    { name, ...role, actions: role.actions === 'all' ? 'all' : new Set(role.actions) },
  ]);
  return { ok: true, policy: new Map(roles) };
}

/** Somebody whose identity has been proven. */
export interface Principal {
  /** As audit entries name it: `client:<id>` or `bootstrap`. */
  readonly actor: string;
  readonly organizationId: string;
  readonly roles: readonly string[];
}

/** Whether one of the principal's roles permits the action at all, in whatever organization. */
export function permits(policy: AccessPolicy, principal: Principal, action: string): boolean {
  return principal.roles.some((name) => {
    const actions = policy.get(name)?.actions;
    return actions === 'all' || actions?.has(action) === true;
  });
}

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
  principal.roles.some((name) => policy.get(name)?.everyOrganization === true);
