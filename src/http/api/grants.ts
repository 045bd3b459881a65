import {
  type GrantProposalParts,
  grantOrPropose,
} from '../../services/authority-grant-proposals.ts';
import type { AuthorityGrant as GrantRecord } from '../../services/authority-grant-records.ts';
import {
  listGrantsOf,
  listGrantsTo,
  type ReceivedGrant as ReceivedRecord,
  withdrawGrant,
} from '../../services/authority-grants.ts';
import type { Handlers } from './operations.ts';
import { sendProposed } from './proposals.ts';
import type { AuthorityGrant, ReceivedGrant } from './types.ts';

interface GrantPath {
  readonly id: string;
  readonly organization: string;
}

export const grantHandlers = (parts: GrantProposalParts) =>
  ({
    async listAuthorityGrants(request, response, principal) {
      const { id } = request.params as { id: string };
      const grants = await listGrantsOf(parts, principal, id);
      response.json({ items: grants.map(grantBody) });
    },

    async grantAuthority(request, response, principal) {
      const { id, organization } = request.params as unknown as GrantPath;
      const result = await grantOrPropose(parts, principal, id, organization);
      if (result.outcome === 'waiting') sendProposed(result.view, response);
      else response.status(result.created ? 201 : 200).json(grantBody(result.grant));
    },

    async withdrawAuthorityGrant(request, response, principal) {
      const { id, organization } = request.params as unknown as GrantPath;
      await withdrawGrant(parts, principal, id, organization);
      response.status(204).end();
    },

    async listReceivedGrants(request, response, principal) {
      const { id } = request.params as { id: string };
      const grants = await listGrantsTo(parts, principal, id);
      response.json({ items: grants.map(receivedBody) });
    },
  }) satisfies Handlers;

const grantBody = ({ authorityId, organizationId, createdAt }: GrantRecord): AuthorityGrant => ({
  authority: authorityId,
  organization: organizationId,
  grantedAt: createdAt.toISOString(),
});

const receivedBody = ({
  authority: { id, title, profile },
  grantedAt,
}: ReceivedRecord): ReceivedGrant => ({
  authority: id,
  title,
  profile,
  grantedAt: grantedAt.toISOString(),
});
