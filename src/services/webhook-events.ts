/**
 * What webhooks tell. Every change commits with its audit entry, so the audit log is the one place
 * that misses nothing: an event is an entry of the organization's log, by another name where
 * clients of Plug & Charge platforms know one. What becomes of a root of this evpki is told to
 * everybody: all pools list it.
 */

import { rootIdOf } from './root-pool.ts';

/** By the action of the entry. */
const eventOf = {
  'trust-anchor.imported': 'root.cert.added',
  'trust-anchor.removed': 'root.cert.removed',
  'trust-anchor.expired': 'root.cert.expired',
  'provisioning-certificate.registered': 'oem.prov.cert.added',
  'provisioning-certificate.replaced': 'oem.prov.cert.replaced',
  'provisioning-certificate.deleted': 'oem.prov.cert.deleted',
  'vehicle.contracted': 'oem.contract.added',
  'vehicle.reregistered': 'mo.prov.cert.updated',
  'vehicle.deregistered': 'mo.prov.cert.deleted',
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

/** By the action of an entry about a root of this evpki, which says as what pools list it. */
const rootEventOf = {
  'certificate.issued': 'root.cert.added',
  'certificate.revoked': 'root.cert.revoked',
  'root-certificate.expired': 'root.cert.expired',
} as const;

export type WebhookEventName =
  | (typeof eventOf)[keyof typeof eventOf]
  | (typeof rootEventOf)[keyof typeof rootEventOf];

export const webhookEventNames: readonly WebhookEventName[] = [
  ...new Set([...Object.values(rootEventOf), ...Object.values(eventOf)]),
];

/** What somebody has to be allowed to read who wants to hear of it, by the beginning of its name. */
const readingOf: readonly (readonly [string, readonly string[]])[] = [
  // What is imported, and what pools list.
  ['root.', ['trust-anchors:read', 'roots:read']],
  ['oem.', ['provisioning-certificates:read']],
  // As whoever looks a vehicle up: whether it is registered, and not by whom.
  ['mo.prov.', ['contracts:read', 'provisioning-certificates:lookup']],
  ['mo.contract.', ['contracts:read']],
  ['request.', ['requests:read']],
  ['proposal.', ['proposals:read']],
  ['certificate.', ['certificates:read']],
  ['authority.', ['authorities:read']],
];

/**
 * The actions that whoever hears of an event has to be permitted, every one: a message must not
 * tell what one may not read.
 */
export function readingActions(event: WebhookEventName): readonly string[] {
  const [, actions] = readingOf.find(([beginning]) => event.startsWith(beginning)) ?? [];
  if (actions === undefined) throw new Error(`nobody may hear of ${event}`);
  return actions;
}

/** Whether an entry with this action may be anything to anybody. */
export const isToldOf = (action: string): boolean =>
  Object.hasOwn(eventOf, action) || Object.hasOwn(rootEventOf, action);

/** Of an entry of the audit log what it takes to tell of it. */
export interface ToldEntry {
  readonly action: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * The events that an entry is to its organization, the one that says most first: whoever hears
 * several of them is told of it once, by the first.
 */
export const webhookEventsOf = (entry: ToldEntry): readonly WebhookEventName[] => [
  ...(ownRootOf(entry) ? optionally(rootEventOf, entry.action) : []),
  ...optionally(eventOf, entry.action),
];

/** What an entry tells every organization but its own. */
export interface PublicTelling {
  readonly event: WebhookEventName;
  /** The id of the root in every pool. */
  readonly subject: string;
  readonly details: Readonly<Record<string, string>>;
}

/** What everybody is told: that a root of this evpki that every pool lists is new, or is no more. */
export function publicTellingOf(entry: ToldEntry): PublicTelling | undefined {
  const root = ownRootOf(entry);
  const [event] = optionally(rootEventOf, entry.action);
  // The root of a private environment is listed for its organization alone.
  if (!root || !event || root.rootType === 'PE') return undefined;
  return { event, subject: rootIdOf(root.sha256), details: root };
}

/** Of an entry about a root of this evpki: what pools say of it. */
function ownRootOf({
  action,
  details,
}: ToldEntry): Record<'rootType' | 'sha256' | 'name', string> | undefined {
  const { rootType, sha256, name } = details;
  if (!Object.hasOwn(rootEventOf, action)) return undefined;
  if (typeof rootType !== 'string' || typeof sha256 !== 'string') return undefined;
  return typeof name === 'string' ? { rootType, sha256, name } : undefined;
}

const optionally = <T>(table: Readonly<Record<string, T>>, action: string): T[] =>
  Object.hasOwn(table, action) ? [table[action] as T] : [];
