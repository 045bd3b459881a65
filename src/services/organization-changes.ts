/** Making and changing organizations, and what the log says of it. */

import { z } from 'zod';
import {
  INSTANCE_ORGANIZATION,
  type Principal,
  reachesEveryOrganization,
} from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import {
  declaredId,
  findOrganization,
  type Organization,
  type OrganizationChange,
  type OrganizationParts,
  type OrganizationValues,
  organizationDetails,
  organizationDifferences,
  organizationOf,
} from './organizations.ts';

const organizationChange = z.strictObject({
  name: organizationDetails.shape.name.optional(),
  country: organizationDetails.shape.country.nullable(),
  roles: organizationDetails.shape.roles.optional(),
  stationsOnFirstSight: z.boolean().optional(),
  wmis: organizationDetails.shape.wmis,
  providers: organizationDetails.shape.providers,
  operators: organizationDetails.shape.operators,
});

/**
 * Makes an organization, for those who reach every one.
 * @returns whether it is new; the same again changes nothing
 * @throws ServiceError `request-malformed` naming everything that is wrong, `conflict` when the id
 *   is taken by one that differs
 */
export async function createOrganization(
  parts: OrganizationParts,
  principal: Principal,
  { id, ...details }: Readonly<Record<string, unknown>>,
): Promise<{ organization: Organization; created: boolean }> {
  requireEveryOrganization(parts, principal);
  const wanted = checkedOrganization(id, details);
  const outcome = await parts.organizations.createOrganization({
    organization: wanted,
    audit: organizationCreated(wanted, principal.actor, parts.clock()),
  });
  if (outcome === 'created') return { organization: wanted, created: true };
  const existing = await parts.organizations.findOrganization(wanted.id);
  const found = existing ? organizationDifferences(wanted, existing) : [];
  if (!existing || found.length > 0) {
    throw new ServiceError(
      'conflict',
      `the organization ${wanted.id} exists and differs`,
      found.map((message) => ({ code: 'declaration-differs', message, field: 'body' })),
    );
  }
  return { organization: existing, created: false };
}

/**
 * Changes some details, for those who reach every organization. A new name or country is that of
 * certificates from now on; those that exist keep what they say.
 * @throws ServiceError `not-found`, `request-malformed`, `conflict` as the store says it
 */
export async function changeOrganization(
  parts: OrganizationParts,
  principal: Principal,
  id: string,
  change: object,
): Promise<Organization> {
  await findOrganization(parts, principal, id);
  requireEveryOrganization(parts, principal);
  if (id === INSTANCE_ORGANIZATION) {
    throw new ServiceError('conflict', `${id} is evpki itself and cannot be changed`);
  }
  const checked = organizationChange.safeParse(change);
  if (!checked.success) throw noOrganization(checked.error.issues);
  // What is left out is not there: JSON has no undefined.
  const wanted = checked.data as OrganizationChange;
  const audit = organizationChanged(id, wanted, principal.actor, parts.clock());
  const command = { id, change: wanted, audit };
  return requireChanged(await parts.organizations.changeOrganization(command), id);
}

/** @throws ServiceError for whatever stood against a change */
export function requireChanged(
  outcome: Organization | 'missing' | 'authority-awaiting',
  id: string,
): Organization {
  if (outcome === 'missing') throw new ServiceError('not-found', `there is no organization ${id}`);
  if (outcome === 'authority-awaiting') {
    throw new ServiceError(
      'conflict',
      `an authority of ${id} awaits a certificate in its present name: activate it first`,
    );
  }
  return outcome;
}

function requireEveryOrganization(
  { access }: Pick<OrganizationParts, 'access'>,
  principal: Principal,
): void {
  if (!reachesEveryOrganization(access, principal)) {
    throw new ServiceError('not-permitted', 'organizations are for those who reach every one');
  }
}

function checkedOrganization(id: unknown, details: object): Organization {
  const checked = organizationDetails.safeParse(details);
  const identity = declaredId.safeParse(id);
  if (!checked.success || !identity.success) {
    const ofId = identity.error?.issues.map(({ message }) => ({ path: ['id'], message })) ?? [];
    throw noOrganization([...ofId, ...(checked.error?.issues ?? [])]);
  }
  return organizationOf(identity.data, checked.data);
}

const noOrganization = (
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): ServiceError =>
  new ServiceError(
    'request-malformed',
    'this is no organization',
    issues.map(
      ({ path, message }): FieldViolation => ({
        code: 'invalid',
        message,
        field: ['body', ...path].map(String).join('.'),
      }),
    ),
  );

export const organizationCreated = (
  organization: Organization,
  actor: string,
  at: Date,
): AuditEvent => ({
  at,
  organizationId: organization.id,
  actor,
  action: 'organization.created',
  subject: organization.id,
  details: { ...valuesOf(organization) },
});

/** The entry for a change says what was changed, and to what. */
export const organizationChanged = (
  id: string,
  change: OrganizationChange,
  actor: string,
  at: Date,
): AuditEvent => ({
  at,
  organizationId: id,
  actor,
  action: 'organization.changed',
  subject: id,
  details: { ...change },
});

export const valuesOf = ({
  name,
  country,
  roles,
  stationsOnFirstSight,
  wmis,
  providers,
  operators,
}: Organization): OrganizationValues => ({
  name,
  country: country ?? null,
  roles,
  stationsOnFirstSight: stationsOnFirstSight ?? false,
  wmis: wmis ?? [],
  providers: providers ?? [],
  operators: operators ?? [],
});
