/**
 * The party in whose name a platform says that it calls (CharIN's OPNC). Who calls has been proven
 * before, and what a party may do never comes from such a claim: it is held against what is on
 * record of the caller's organization, so that a platform that has mixed up two of its customers
 * hears of it instead of acting for the wrong one.
 */

import type { Principal } from './access-policy.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import type { Organization, OrganizationRole, OrganizationStore } from './organizations.ts';

/** The parties that OPNC knows. */
export const partyTypes = ['emsp', 'cpo', 'oem', 'pki', 'cps', 'pcp', 'ccp'] as const;
export type PartyType = (typeof partyTypes)[number];

export interface Party {
  readonly type: PartyType;
  /**
   * In normal form: of an operator (`cpo`, `emsp`) `DEICE`, or `ICE` where the country is not said,
   * of a maker (`oem`) its WMI. That of any other party says nothing that is on record here.
   */
  readonly id?: string;
}

export interface PartyParts {
  readonly organizations: Pick<OrganizationStore, 'findOrganization' | 'isOperatorTaken'>;
}

/** What an organization has to be to call as a party; of the others nothing is on record. */
const roleOf: Readonly<Partial<Record<PartyType, OrganizationRole>>> = {
  ...{ emsp: 'mo', cpo: 'cpo', oem: 'oem', cps: 'cps' },
};

/**
 * That a party that the caller says to call for is the caller's organization.
 * @throws ServiceError `not-permitted` naming what is somebody else's
 */
export async function requireOwnParty(
  { organizations }: PartyParts,
  { organizationId }: Principal,
  party: Party,
): Promise<void> {
  const organization = await organizations.findOrganization(organizationId);
  const violations = [
    ...typeFault(organization, organizationId, party),
    ...(await idFault(organizations, organization, party)),
  ];
  if (violations.length === 0) return;
  const message = 'the party that you say to call for is not your organization';
  throw new ServiceError('not-permitted', message, violations);
}

function typeFault(
  organization: Organization | undefined,
  organizationId: string,
  { type }: Party,
): FieldViolation[] {
  const role = roleOf[type];
  if (role === undefined || organization?.roles.includes(role)) return [];
  return fault('OPNC-from-party-type', `${organizationId} is no ${type}`);
}

async function idFault(
  organizations: PartyParts['organizations'],
  organization: Organization | undefined,
  { type, id }: Party,
): Promise<FieldViolation[]> {
  if (id === undefined || (await isOwn(organizations, organization, type, id))) return [];
  return fault('OPNC-from-party-id', `${id} is not on record for ${organization?.id ?? 'you'}`);
}

async function isOwn(
  organizations: PartyParts['organizations'],
  organization: Organization | undefined,
  type: PartyType,
  id: string,
): Promise<boolean> {
  const { operators, providers = [], wmis = [] } = organization ?? {};
  switch (type) {
    case 'cpo':
      // As with EVSE ids: who has none on record may use those that nobody has.
      return operators ? isAmong(operators, id) : !(await organizations.isOperatorTaken(id));
    case 'emsp':
      return isAmong(providers, id);
    case 'oem':
      return wmis.includes(id);
    default:
      return true;
  }
}

/** Codes have their country in front; a claim may leave it out. */
const isAmong = (codes: readonly string[], id: string): boolean =>
  codes.some((code) => code === id || code.slice(2) === id);

const fault = (header: string, message: string): FieldViolation[] => [
  { code: 'party-not-own', message, field: `headers.${header}` },
];
