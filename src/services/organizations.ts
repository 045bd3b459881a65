/** Organizations: the tenants of one evpki, to one of which every row belongs. */

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
}

export interface OrganizationStore {
  /**
   * Inserts or, where the id exists, updates everything else, with an audit entry; what is so
   * already changes nothing.
   */
  putOrganization(organization: Organization, at: Date): Promise<void>;
  findOrganization(id: string): Promise<Organization | undefined>;
  listOrganizations(): Promise<Organization[]>;
}
