/**
 * Which organization, and which of its labels, a request of EST means. A label that is declared
 * is of the organization that it names. The label of a role is of the caller's organization, and
 * while nobody knows who is asking of the only one that it could be.
 */

import { type AccessPolicy, INSTANCE_ORGANIZATION, reaches } from './access-policy.ts';
import type { AuthorityStore } from './authority-records.ts';
import { ServiceError } from './errors.ts';
import {
  type EstCaller,
  type EstCallerParts,
  type EstIdentity,
  identify,
  organizationIdOf,
} from './est-callers.ts';
import {
  type EstCertificate,
  type EstDeclarations,
  type EstOptions,
  type EstRole,
  type EstStandard,
  isRole,
} from './est-declarations.ts';
import { allProfiles, roleProfiles } from './est-roles.ts';
import { issuingChoices } from './issuing-choices.ts';
import type { Organization, OrganizationStore } from './organizations.ts';

export interface EstQuestion {
  /** The label of the path; undefined where it has none. */
  readonly label: string | undefined;
  /** The standard that the path names behind it. */
  readonly standard: EstStandard | undefined;
  readonly caller: EstCaller;
}

/** A label with whose it is. */
export interface EstLabel extends EstOptions {
  readonly name: string;
  readonly organizationId: string;
  /** What it certifies, unless `certificates` says so. */
  readonly role?: EstRole;
  readonly certificates?: Readonly<Partial<Record<EstStandard | 'unnamed', EstCertificate>>>;
}

export interface EstLabelParts extends EstCallerParts {
  readonly est: EstDeclarations;
  readonly organizations: Pick<OrganizationStore, 'findOrganization'>;
  readonly authorities: Pick<AuthorityStore, 'findIssuer' | 'listAuthorities'>;
  readonly access: AccessPolicy;
}

/**
 * The label that a request means: by its name, or the one of the caller's organization. Whoever
 * the caller says to be is believed as far as that: nothing of it is secret.
 * @throws ServiceError `est-label-unknown`, also for one of an organization out of reach,
 *   `est-label-ambiguous`
 */
export const estLabel = async (parts: EstLabelParts, question: EstQuestion): Promise<EstLabel> =>
  labelFor(parts, question, await identify(parts, question.caller));

/** See `estLabel`. */
export async function labelFor(
  parts: EstLabelParts,
  { label: named, standard }: Pick<EstQuestion, 'label' | 'standard'>,
  identity: EstIdentity,
): Promise<EstLabel> {
  const { est } = parts;
  const own = await organizationOf(parts, identity);
  const name = named ?? defaultLabel(parts, identity, own);
  const declared = est.labels.get(name);
  if (declared) {
    const organization = await parts.organizations.findOrganization(declared.organizationId);
    if (!organization || !mayMean(parts, identity, organization.id)) throw unknownLabel(name);
    return declared;
  }
  if (!isRole(name)) throw unknownLabel(name);
  const organizationId = own?.id ?? (await anonymousOrganization(parts, name, standard));
  return { ...est.roles[name], name, organizationId, role: name };
}

/** The organization of whoever is asking, where that is known and one that certifies. */
async function organizationOf(
  { organizations }: EstLabelParts,
  identity: EstIdentity,
): Promise<Organization | undefined> {
  const id = organizationIdOf(identity);
  return id === undefined || id === INSTANCE_ORGANIZATION
    ? undefined
    : organizations.findOrganization(id);
}

/** What a caller may not see does not exist for it. Those whom nobody knows see what is public. */
function mayMean(parts: EstLabelParts, identity: EstIdentity, organizationId: string): boolean {
  if (identity.kind === 'api-client') {
    return reaches(parts.access, identity.principal, organizationId);
  }
  const own = organizationIdOf(identity);
  return own === undefined || own === organizationId;
}

/** The label of a request that names none. */
function defaultLabel(
  { est, profiles }: EstLabelParts,
  identity: EstIdentity,
  organization: Organization | undefined,
): string {
  const { label: anonymous } = est.anonymous;
  if (identity.kind === 'enrolment-secret') return identity.secret.label;
  const roles = organization ? rolesOf(organization) : [];
  if (identity.kind === 'current-certificate') {
    const kind = profiles.get(identity.record.profile)?.kind;
    const role = kind === undefined ? undefined : roleOfKind[kind];
    if (role) return role;
  }
  if (organization) {
    const [role, another] = roles;
    if (role && !another) return role;
    if (anonymous !== undefined && roles.some((one) => one === anonymous)) return anonymous;
    const message = `${organization.id} has several roles or none with certificates; name a label`;
    throw new ServiceError('est-label-unknown', message);
  }
  if (anonymous !== undefined) return anonymous;
  throw new ServiceError('est-label-unknown', 'name a label, or say who you are');
}

const rolesOf = ({ roles }: Organization): EstRole[] =>
  roles.flatMap((role) => (isRole(role) ? [role] : []));

const roleOfKind: Readonly<Partial<Record<string, EstRole>>> = {
  secc: 'cpo',
  station: 'cso',
  'station-combined': 'cso',
  contract: 'mo',
  'oem-provisioning': 'oem',
  vehicle: 'veh',
  cps: 'cps',
};

/** Whose label of a role it is for those whom nobody knows. */
async function anonymousOrganization(
  parts: EstLabelParts,
  role: EstRole,
  standard: EstStandard | undefined,
): Promise<string> {
  const declared = parts.est.anonymous.organizations[role];
  // As shipped, declarations name organizations of the demo, which others do not have.
  if (declared !== undefined && (await parts.organizations.findOrganization(declared))) {
    return declared;
  }
  const profiles = standard === undefined ? allProfiles(role) : roleProfiles(role, standard);
  const choices = await issuingChoices(parts, undefined, profiles);
  const able = new Set(
    choices.flatMap(({ authorities }) => authorities.map((one) => one.organizationId)),
  );
  const [only, ...others] = [...able];
  if (only === undefined) throw unknownLabel(role);
  if (others.length === 0) return only;
  // Whose they are is nothing that somebody unknown should learn.
  throw new ServiceError('est-label-ambiguous', `several organizations have the label ${role}`);
}

const unknownLabel = (name: string) =>
  new ServiceError('est-label-unknown', `there is no label ${name}`);
