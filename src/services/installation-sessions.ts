/**
 * What a car with several contracts has got so far in one session of ISO 15118-20. An answer has
 * room for one contract, so that the car asks once for each (CertificateInstallationRes,
 * RemainingContractCertificateChains); what it asks does not say which ones it has.
 */

import { createHash } from 'node:crypto';

export interface InstallationSession {
  /** Of the car and its session: see {@link sessionKey}. */
  readonly key: string;
  /** SHA-256 of the request that was answered last, hex. */
  readonly requestSha256: string;
  /** Ids of the contracts that the car was sent, in that order; the last request got the last. */
  readonly delivered: readonly string[];
  readonly updatedAt: Date;
}

export interface InstallationSessionStore {
  findSession(key: string): Promise<InstallationSession | undefined>;
  /** Keeps it in place of the former one, and forgets those of before `forgetBefore`. */
  keepSession(session: InstallationSession, forgetBefore: Date): Promise<void>;
}

/** Sessions last as long as a car is plugged in, and are told apart by its charger. */
export const sessionKey = (pcid: string, sessionId: Uint8Array): string =>
  createHash('sha256').update(sessionId).update(pcid).digest('hex');

export const requestFingerprint = (exi: Uint8Array): string =>
  createHash('sha256').update(exi).digest('hex');

/** A car that asks for its contracts. */
interface Asking {
  /** Ids of the contracts that it could get, the first one first. */
  readonly contracts: readonly string[];
  /** How many it takes, at least 1. */
  readonly most: number;
  readonly session: InstallationSession | undefined;
  readonly requestSha256: string;
}

/**
 * The contracts in the order in which they are tried: the same again if the car repeats its request,
 * since it has lost the answer then; else first those that it has not got in this session; and when
 * it has got all of them, or as many as it takes, from the beginning.
 */
export function deliveryOrder(asking: Asking): readonly string[] {
  const { contracts } = asking;
  const last = lastIfRepeated(asking);
  if (last !== undefined && contracts.includes(last)) {
    return [last, ...left(contracts, [last])];
  }
  const before = gotBefore(asking);
  return [...left(contracts, before), ...contracts.filter((id) => before.includes(id))];
}

/**
 * What the car has got when it gets this one.
 * @param order as tried: those before `id` cannot be had, and nobody has to ask for them again
 * @returns it, and how many the car could get after this one
 */
export function afterDelivery(
  asking: Asking,
  order: readonly string[],
  id: string,
): { readonly delivered: readonly string[]; readonly remaining: number } {
  const before = gotBefore(asking);
  const isRepeated = lastIfRepeated(asking) === id;
  const beginsAgain = !isRepeated && before.includes(id);
  const delivered = [...(beginsAgain ? [] : left(before, [id])), id];
  const others = left(order.slice(order.indexOf(id)), delivered);
  // The charger may have lowered the limit since, for the same request.
  const room = Math.max(0, asking.most - delivered.length);
  return { delivered, remaining: Math.min(room, others.length) };
}

const lastIfRepeated = ({ session, requestSha256 }: Asking): string | undefined =>
  session?.requestSha256 === requestSha256 ? session.delivered.at(-1) : undefined;

/** Of this round: a car that has got as many as it takes, and asks on, begins another. */
function gotBefore(asking: Asking): readonly string[] {
  const delivered = asking.session?.delivered ?? [];
  const goesOn = lastIfRepeated(asking) !== undefined || delivered.length < asking.most;
  return goesOn ? delivered : [];
}

const left = (ids: readonly string[], without: readonly string[]): readonly string[] =>
  ids.filter((id) => !without.includes(id));
