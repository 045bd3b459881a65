/** What an API client is made with: its record, its credentials, and the audit entries about it. */

import type { ApiClient } from './access-records.ts';
import type { AuditEvent } from './audit.ts';
import type { Clock } from './clock.ts';
import { newId } from './ids.ts';
import { newSecret, sha256 } from './secrets.ts';
import type { RandomBytes } from './serial-numbers.ts';

/** A client's credentials: the only time that the secret is seen. */
export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
  /** When the client ends by itself. */
  readonly expiresAt?: Date;
}

export interface RotatedCredentials extends Credentials {
  /** How long the secret before can still be used. */
  readonly oldSecretUntil: Date;
}

export interface WantedClient {
  readonly organizationId: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly expiresAt?: Date;
}

/**
 * A client with fresh credentials, not stored yet.
 * @param createdBy as audit entries name it
 */
export function newClient(
  parts: { readonly clock: Clock; readonly random: RandomBytes },
  { organizationId, name, roles, expiresAt }: WantedClient,
  createdBy: string,
): { client: ApiClient; credentials: Credentials } {
  const clientId = newId('cli', parts.random);
  const clientSecret = newSecret('sec', parts.random);
  return {
    client: {
      id: clientId,
      organizationId,
      name,
      roles,
      secretSha256: sha256(clientSecret),
      createdAt: parts.clock(),
      createdBy,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    },
    credentials: { clientId, clientSecret, ...(expiresAt === undefined ? {} : { expiresAt }) },
  };
}

export const clientCreated = (
  parts: { readonly clock: Clock },
  client: ApiClient,
  actor: string,
): AuditEvent =>
  clientAudit(parts, client, actor, 'created', {
    name: client.name,
    roles: client.roles,
    ...(client.expiresAt ? { expiresAt: client.expiresAt.toISOString() } : {}),
  });

export const clientAudit = (
  parts: { readonly clock: Clock },
  client: ApiClient,
  actor: string,
  what: 'created' | 'secret-rotated' | 'certificate-added' | 'certificate-removed' | 'disabled',
  details: AuditEvent['details'] = {},
): AuditEvent => ({
  at: parts.clock(),
  organizationId: client.organizationId,
  actor,
  action: `api-client.${what}`,
  subject: client.id,
  details,
});
