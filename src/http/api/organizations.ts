import { changeOrganization, createOrganization } from '../../services/organization-changes.ts';
import {
  findOrganization,
  listOrganizations,
  type OrganizationParts,
  type Organization as OrganizationRecord,
} from '../../services/organizations.ts';
import type { Handlers } from './operations.ts';
import type { Organization, OrganizationChange } from './types.ts';

export const organizationHandlers = (parts: OrganizationParts) =>
  ({
    async listOrganizations(_request, response, principal) {
      const items = await listOrganizations(parts, principal);
      response.json({ items: items.map(organizationBody) });
    },

    async createOrganization(request, response, principal) {
      const { organization, created } = await createOrganization(parts, principal, request.body);
      response
        .status(created ? 201 : 200)
        .location(`/v1/organizations/${organization.id}`)
        .json(organizationBody(organization));
    },

    async getOrganization(request, response, principal) {
      const { id } = request.params as { id: string };
      response.json(organizationBody(await findOrganization(parts, principal, id)));
    },

    async changeOrganization(request, response, principal) {
      const { id } = request.params as { id: string };
      const change = request.body as OrganizationChange;
      response.json(organizationBody(await changeOrganization(parts, principal, id, change)));
    },
  }) satisfies Handlers;

const organizationBody = ({
  roles,
  stationsOnFirstSight = false,
  wmis = [],
  providers = [],
  operators = [],
  ...rest
}: OrganizationRecord): Organization => ({
  ...rest,
  roles: [...roles],
  stationsOnFirstSight,
  wmis: [...wmis],
  providers: [...providers],
  operators: [...operators],
});
