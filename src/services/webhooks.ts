/** Webhook endpoints: registering them, changing them, looking at them. */

import { type AccessPolicy, type Principal, permits, reaches } from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import type { Clock } from './clock.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import { newId } from './ids.ts';
import { type OrganizationStore, organizationMeant } from './organizations.ts';
import type { RandomBytes } from './serial-numbers.ts';
import { readingActions, type WebhookEventName, webhookEventNames } from './webhook-events.ts';
import type { WebhookEndpoint, WebhookSecrets, WebhookStore } from './webhook-records.ts';

export interface WebhookParts {
  readonly webhooks: WebhookStore;
  readonly webhookSecrets: WebhookSecrets;
  readonly organizations: Pick<OrganizationStore, 'findOrganization'>;
  readonly access: AccessPolicy;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** Of one organization: every message is made once for each. */
const MAX_ENDPOINTS = 20;
const MAX_URL = 2_000;

/** What somebody wants to hear of, and where. */
export interface WebhookWish {
  readonly url: string;
  /** Everything that the caller may read, without. */
  readonly events?: readonly WebhookEventName[];
}

/**
 * Registers an endpoint.
 * @param named the organization, for those who reach others than their own
 * @returns the endpoint, and the secret that its messages are signed with, to be shown this once
 * @throws ServiceError `request-malformed` for a URL that cannot be one, `not-found` for an
 *   organization out of reach, `conflict` when it has as many as there may be, `not-permitted` for
 *   events that tell what the caller's roles may not read
 */
export async function createWebhook(
  parts: WebhookParts,
  principal: Principal,
  wish: WebhookWish,
  named?: string,
): Promise<{ readonly endpoint: WebhookEndpoint; readonly secret: string }> {
  const organization = await organizationMeant(parts, principal, named, 'webhook');
  const endpoint = {
    id: newId('whk', parts.random),
    organizationId: organization.id,
    ...checkedWish(parts, principal, wish),
    createdAt: parts.clock(),
  };
  const audit = webhookAudit(parts, principal, endpoint, 'created');
  const outcome = await parts.webhooks.createEndpoint({ endpoint, limit: MAX_ENDPOINTS, audit });
  if (outcome === 'too-many') {
    throw new ServiceError('conflict', `${organization.id} has ${MAX_ENDPOINTS} webhook endpoints`);
  }
  const secret = parts.webhookSecrets.secretOf(endpoint.id);
  return { endpoint: { ...endpoint, waiting: 0 }, secret };
}

/**
 * Replaces where an endpoint is and what it hears; the secret stays. Messages that wait go to the
 * new place.
 * @throws ServiceError `not-found`, `request-malformed`
 */
export async function changeWebhook(
  parts: WebhookParts,
  principal: Principal,
  id: string,
  wish: WebhookWish,
): Promise<WebhookEndpoint> {
  const endpoint = await findWebhook(parts, principal, id);
  const changed = { ...endpoint, ...checkedWish(parts, principal, wish) };
  const { url, events } = changed;
  const audit = webhookAudit(parts, principal, changed, 'changed');
  const outcome = await parts.webhooks.changeEndpoint({ id, url, events, audit });
  if (outcome === 'missing') throw noWebhook(id);
  return changed;
}

/**
 * Removes an endpoint, and what waits to be delivered to it.
 * @throws ServiceError `not-found`
 */
export async function deleteWebhook(
  parts: WebhookParts,
  principal: Principal,
  id: string,
): Promise<void> {
  const endpoint = await findWebhook(parts, principal, id);
  const audit = webhookAudit(parts, principal, endpoint, 'deleted');
  if ((await parts.webhooks.deleteEndpoint({ id, audit })) === 'missing') throw noWebhook(id);
}

/** @throws ServiceError `not-found`, also for those of organizations out of reach */
export async function findWebhook(
  parts: Pick<WebhookParts, 'webhooks' | 'access'>,
  principal: Principal,
  id: string,
): Promise<WebhookEndpoint> {
  const endpoint = await parts.webhooks.findEndpoint(id);
  if (!endpoint || !reaches(parts.access, principal, endpoint.organizationId)) throw noWebhook(id);
  return endpoint;
}

/** The endpoints within reach, oldest first. */
export async function listWebhooks(
  parts: Pick<WebhookParts, 'webhooks' | 'access'>,
  principal: Principal,
): Promise<WebhookEndpoint[]> {
  const all = await parts.webhooks.listEndpoints();
  return all.filter(({ organizationId }) => reaches(parts.access, principal, organizationId));
}

function checkedWish(
  { access }: Pick<WebhookParts, 'access'>,
  principal: Principal,
  { url, events }: WebhookWish,
) {
  const faults = urlFaults(url);
  if (faults.length > 0) {
    throw new ServiceError('request-malformed', 'the endpoint cannot be registered', faults);
  }
  const may = (event: WebhookEventName) =>
    readingActions(event).every((action) => permits(access, principal, action));
  const wanted = new Set(events ?? webhookEventNames.filter(may));
  const refused = [...wanted].filter((event) => !may(event));
  if (refused.length > 0) {
    const names = refused.join(', ');
    throw new ServiceError('not-permitted', `your roles do not read what ${names} would tell`);
  }
  return { url, events: webhookEventNames.filter((name) => wanted.has(name)) };
}

/** Whether it may be asked is the fetcher's to say, each time: names can come to mean others. */
function urlFaults(text: string): FieldViolation[] {
  const fault = (message: string) => [{ code: 'invalid', message, field: 'body.url' }];
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || text.length > MAX_URL || !/^https?:$/.test(url.protocol)) {
    return fault(`is no http or https URL of up to ${MAX_URL} characters`);
  }
  if (url.username !== '' || url.password !== '' || text.includes('#')) {
    return fault('must have neither user nor fragment');
  }
  if (url.protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) {
    return fault('must be https, unless it is on this machine');
  }
  return [];
}

const webhookAudit = (
  parts: Pick<WebhookParts, 'clock'>,
  principal: Principal,
  endpoint: Pick<WebhookEndpoint, 'id' | 'organizationId' | 'url' | 'events'>,
  what: 'created' | 'changed' | 'deleted',
): AuditEvent => ({
  at: parts.clock(),
  organizationId: endpoint.organizationId,
  actor: principal.actor,
  action: `webhook.${what}`,
  subject: endpoint.id,
  // The path may be a secret of the receiver's.
  details: { host: new URL(endpoint.url).host, events: endpoint.events },
});

const noWebhook = (id: string) =>
  new ServiceError('not-found', `there is no webhook endpoint ${id}`);
