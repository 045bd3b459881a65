import type { WebhookEndpoint } from '../../services/webhook-records.ts';
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  findWebhook,
  listWebhooks,
  type WebhookParts,
  type WebhookWish,
} from '../../services/webhooks.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import type {
  OpcpNewWebhookEndpoint,
  OpcpWebhookEndpoint,
  OpcpWebhookEndpointWithSecret,
} from './types.ts';

/** Where organizations want to hear of what happens. */
export const webhookHandlers = (parts: WebhookParts) =>
  ({
    async opcpCreateWebhookEndpoint(request, response, principal) {
      const { organization, ...wish } = request.body as OpcpNewWebhookEndpoint;
      const { endpoint, secret } = await createWebhook(
        ...[parts, principal, wish as WebhookWish, organization],
      );
      const body: OpcpWebhookEndpointWithSecret = { ...endpointBody(endpoint), secret };
      response.status(201).location(`/v1/webhook/endpoints/${endpoint.id}`).json(body);
    },

    async opcpListWebhookEndpoints(_request, response, principal) {
      response.json({ items: (await listWebhooks(parts, principal)).map(endpointBody) });
    },

    async opcpGetWebhookEndpoint(request, response, principal) {
      response.json(endpointBody(await findWebhook(parts, principal, String(request.params.id))));
    },

    async opcpChangeWebhookEndpoint(request, response, principal) {
      const id = String(request.params.id);
      const wish = request.body as WebhookWish;
      response.json(endpointBody(await changeWebhook(parts, principal, id, wish)));
    },

    async opcpDeleteWebhookEndpoint(request, response, principal) {
      await deleteWebhook(parts, principal, String(request.params.id));
      response.status(204).end();
    },
  }) satisfies PncHandlers;

const endpointBody = (endpoint: WebhookEndpoint): OpcpWebhookEndpoint => ({
  id: endpoint.id,
  organization: endpoint.organizationId,
  url: endpoint.url,
  events: [...endpoint.events],
  createdAt: endpoint.createdAt.toISOString(),
  waiting: endpoint.waiting,
  ...(endpoint.deliveredAt === undefined
    ? {}
    : { deliveredAt: endpoint.deliveredAt.toISOString() }),
  ...(endpoint.failure === undefined
    ? {}
    : { failure: { at: endpoint.failure.at.toISOString(), reason: endpoint.failure.reason } }),
});
