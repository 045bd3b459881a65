/** Organizations: the tenants of one evpki, to one of which every row belongs. */

import { z } from 'zod';
import { parseFreeText } from '../pki/policy/free-text.ts';
import {
  type AccessPolicy,
  INSTANCE_ORGANIZATION,
  type Principal,
  reaches,
} from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';

export const organizationRoles = [
  'v2g-operator',
  'cpo',
  'mo',
  'oem',
  'cps',
  'manufacturer',
] as const;
export type OrganizationRole = (typeof organizationRoles)[number];

export interface Organization {
  /** Chosen by the operator, e.g. `demo-cpo`: lower-case letters, digits and hyphens. */
  readonly id: string;
  /** The name that certificates carry as O. */
  readonly name: string;
  /** Two upper-case letters; certificates carry it as C. */
  readonly country?: string;
  readonly roles: readonly OrganizationRole[];
  /** Whether stations that ask through OCPP are registered by asking; they are refused otherwise. */
  readonly stationsOnFirstSight?: boolean;
  /**
   * Of a vehicle maker: the world manufacturer identifiers (ISO 3780) of the vehicles whose
   * provisioning certificates it may register, three upper-case letters or digits each; none
   * without.
   */
  readonly wmis?: readonly string[];
  /**
   * Of a mobility operator: country and provider of the EMAIDs that it may have contracts of, such
   * as `DE8EV`; none without.
   */
  readonly providers?: readonly string[];
  /**
   * Of a charge point operator: country and operator of the EVSE and SECC ids of its stations, such
   * as `DEICE`. Without any it may use those that no organization has: see `operators.ts`.
   */
  readonly operators?: readonly string[];
}

/** Everything about an organization but its id; `null` where there is none. */
export interface OrganizationValues {
  readonly name: string;
  readonly country: string | null;
  readonly roles: readonly OrganizationRole[];
  readonly stationsOnFirstSight: boolean;
  readonly wmis: readonly string[];
  readonly providers: readonly string[];
  readonly operators: readonly string[];
}

/** What is to become of an organization; what is left out stays. */
export type OrganizationChange = Partial<OrganizationValues>;

export interface OrganizationStore {
  /** @returns `exists`, and nothing changed, when the id is taken */
  createOrganization(command: {
    readonly organization: Organization;
    readonly audit: AuditEvent;
  }): Promise<'created' | 'exists'>;
  /**
   * Changes the given details and leaves the others as they are at that moment: of changes at once
   * none undoes what another one has not meant.
   * @returns the organization as it is then; or, and nothing changed, `missing` when there is none,
   *   `authority-awaiting` when name or country would change while a key of the organization,
   *   named after it, awaits its certificate
   */
  changeOrganization(command: {
    readonly id: string;
    readonly change: OrganizationChange;
    readonly audit: AuditEvent;
  }): Promise<Organization | 'missing' | 'authority-awaiting'>;
  findOrganization(id: string): Promise<Organization | undefined>;
  listOrganizations(): Promise<Organization[]>;
  /** Whether an organization has this operator (`DEICE`) among its own. */
  isOperatorTaken(operator: string): Promise<boolean>;
}

/** How organizations, authorities and hierarchies are called in declarations and paths. */
export const declaredId = z
  .string()
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be lower-case letters, digits and single hyphens')
  .max(48);

/** A value of a name in certificates, such as O or CN. */
export const visibleName = z.string().superRefine((text, context) => {
  const result = parseFreeText(text);
  if (!result.ok) context.addIssue({ code: 'custom', message: result.reason });
});

/** More than any maker or operator has. */
const MAX_CODES = 100;

/** A list of codes in any case, as the list of them in upper case, each once. */
const codeList = (form: RegExp, what: string) =>
  z
    .array(z.string().regex(form, `must be ${what}`))
    .max(MAX_CODES, `must have at most ${MAX_CODES} entries`)
    .transform((codes) => [...new Set(codes.map((code) => code.toUpperCase()))]);

const wmiList = codeList(/^[A-Za-z0-9]{3}$/, 'three letters or digits');
const providerList = codeList(
  /^[A-Za-z]{2}[A-Za-z0-9]{3}$/,
  'two letters of the country and three letters or digits of the provider',
);
const operatorList = codeList(
  /^[A-Za-z]{2}[A-Za-z0-9]{3}$/,
  'two letters of the country and three letters or digits of the operator',
);

/** An organization as declared; unknown keys are errors. */
export const organizationDetails = z.strictObject({
  name: visibleName,
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be two upper-case letters')
    .optional(),
  roles: z.array(z.enum(organizationRoles)).min(1),
  /** Whether a charging station that is not registered becomes so by asking through OCPP. */
  stationsOnFirstSight: z.boolean().default(false),
  /** Of whose vehicles it may register provisioning certificates. */
  wmis: wmiList.optional(),
  /** Of which EMAIDs it may have contracts. */
  providers: providerList.optional(),
  /** Of which EVSE and SECC ids its stations are. */
  operators: operatorList.optional(),
});
export type OrganizationDetails = z.infer<typeof organizationDetails>;

export const organizationOf = (
  id: string,
  { wmis = [], providers = [], operators = [], ...details }: OrganizationDetails,
): Organization => ({
  id,
  name: details.name,
  ...(details.country === undefined ? {} : { country: details.country }),
  roles: details.roles,
  ...(details.stationsOnFirstSight ? { stationsOnFirstSight: true } : {}),
  ...(wmis.length > 0 ? { wmis } : {}),
  ...(providers.length > 0 ? { providers } : {}),
  ...(operators.length > 0 ? { operators } : {}),
});

export interface OrganizationParts {
  readonly organizations: OrganizationStore;
  readonly access: AccessPolicy;
  readonly clock: Clock;
}

/** The organizations that the caller reaches. */
export async function listOrganizations(
  parts: OrganizationParts,
  principal: Principal,
): Promise<Organization[]> {
  const all = await parts.organizations.listOrganizations();
  return all.filter(({ id }) => reaches(parts.access, principal, id));
}

/** @throws ServiceError `not-found` for what the caller does not reach, too */
export async function findOrganization(
  parts: Pick<OrganizationParts, 'access'> & {
    readonly organizations: Pick<OrganizationStore, 'findOrganization'>;
  },
  principal: Principal,
  id: string,
): Promise<Organization> {
  const organization = reaches(parts.access, principal, id)
    ? await parts.organizations.findOrganization(id)
    : undefined;
  if (!organization) throw new ServiceError('not-found', `there is no organization ${id}`);
  return organization;
}

/**
 * The organization whose things a caller means: its own unless it names another within reach.
 * @param what that whose it is to be, for the message
 * @throws ServiceError `not-found`; `request-malformed` for those who run evpki itself and name
 *   none, since they have no such things
 */
export async function organizationMeant(
  parts: Parameters<typeof findOrganization>[0],
  principal: Principal,
  named: string | undefined,
  what: string,
): Promise<Organization> {
  const id = named ?? principal.organizationId;
  if (id === INSTANCE_ORGANIZATION) {
    throw new ServiceError('request-malformed', `name the organization whose ${what} you mean`, [
      { code: 'required', message: 'is missing', field: 'organization' },
    ]);
  }
  return findOrganization(parts, principal, id);
}

/** How an organization differs from what it should be, a sentence each. */
export function organizationDifferences(declared: Organization, existing: Organization): string[] {
  const text = (list: readonly string[] = []) => [...list].sort().join(', ') || 'none';
  const pairs: [string, string, string][] = [
    ['name', declared.name, existing.name],
    ['country', declared.country ?? 'none', existing.country ?? 'none'],
    ['roles', text(declared.roles), text(existing.roles)],
    [
      'stationsOnFirstSight',
      String(declared.stationsOnFirstSight ?? false),
      String(existing.stationsOnFirstSight ?? false),
    ],
    ['wmis', text(declared.wmis), text(existing.wmis)],
    ['providers', text(declared.providers), text(existing.providers)],
    ['operators', text(declared.operators), text(existing.operators)],
  ];
  return pairs
    .filter(([, wanted, found]) => wanted !== found)
    .map(([what, wanted, found]) => `${what}: declared ${wanted}, exists as ${found}`);
}
