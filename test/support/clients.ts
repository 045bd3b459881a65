/** API clients for those who ask services directly, without a token. */

import type { Principal } from '../../src/services/access-policy.ts';
import type { ApiClient } from '../../src/services/access-records.ts';
import type { Services } from './services.ts';

/** Stores the API client that a principal stands for; nobody knows its secret. */
export async function storeClient(
  { clients, clock }: Pick<Services, 'clients' | 'clock'>,
  { actor, organizationId, roles }: Principal,
  more: Partial<ApiClient> = {},
): Promise<void> {
  const id = actor.slice('client:'.length);
  const at = clock();
  await clients.createClient({
    client: { id, organizationId, name: id, roles, secretSha256: '', createdAt: at, ...more },
    audit: {
      at,
      organizationId,
      actor: 'test',
      action: 'api-client.created',
      subject: id,
      details: {},
    },
  });
}
