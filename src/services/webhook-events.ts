/**
 * What webhooks tell. Every change commits with its audit entry, so the audit log is the one place
 * that misses nothing: an event is an entry of the organization's log, by another name where
 * clients of Plug & Charge platforms know one.
 */

/** By the action of the entry. */
const eventOf = {
  'trust-anchor.imported': 'root.cert.added',
  'trust-anchor.removed': 'root.cert.removed',
  'provisioning-certificate.registered': 'oem.prov.cert.added',
  'provisioning-certificate.replaced': 'oem.prov.cert.replaced',
  'provisioning-certificate.deleted': 'oem.prov.cert.deleted',
  'vehicle.contracted': 'oem.contract.added',
  'contract.created': 'mo.contract.added',
  'contract.renewed': 'mo.contract.renewed',
  'contract.bundle-brought': 'mo.contract.renewed',
  'contract.suspended': 'mo.contract.suspended',
  'contract.resumed': 'mo.contract.resumed',
  'contract.ended': 'mo.contract.deleted',
  'contract.installed': 'mo.contract.installed',
  'request.waiting': 'request.waiting',
  'request.rejected': 'request.rejected',
  'proposal.made': 'proposal.waiting',
  'certificate.issued': 'certificate.issued',
  'certificate.held': 'certificate.held',
  'certificate.released': 'certificate.released',
  'certificate.revoked': 'certificate.revoked',
  'authority.activated': 'authority.activated',
  'issuer.exported': 'authority.exported',
} as const;

export type WebhookEventName = (typeof eventOf)[keyof typeof eventOf];

export const webhookEventNames: readonly WebhookEventName[] = [...new Set(Object.values(eventOf))];

/** What somebody has to be allowed to read who wants to hear of it, by the beginning of its name. */
const readingOf: Readonly<Record<string, string>> = {
  root: 'trust-anchors:read',
  oem: 'provisioning-certificates:read',
  mo: 'contracts:read',
  request: 'requests:read',
  proposal: 'proposals:read',
  certificate: 'certificates:read',
  authority: 'authorities:read',
};

/** The action of those who may hear of an event: a message must not tell what one may not read. */
export function readingAction(event: WebhookEventName): string {
  const action = readingOf[event.split('.')[0] ?? ''];
  if (action === undefined) throw new Error(`nobody may hear of ${event}`);
  return action;
}

/** The event that an entry of the audit log is, if it is one. */
export const webhookEventOf = (action: string): WebhookEventName | undefined =>
  Object.hasOwn(eventOf, action) ? eventOf[action as keyof typeof eventOf] : undefined;
