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

/**
 * The offered contracts in the order in which they are tried: the same again if the car repeats its
 * request, since it has lost the answer then; else first those that it has not got in this session;
 * and when it has got all of them, from the beginning.
 * @param offered ids
 */
export function deliveryOrder(
  offered: readonly string[],
  session: InstallationSession | undefined,
  requestSha256: string,
): readonly string[] {
  const last = lastIfRepeated(session, requestSha256);
  if (last !== undefined && offered.includes(last)) {
    return [last, ...offered.filter((id) => id !== last)];
  }
  const before = session?.delivered ?? [];
  return [...left(offered, before), ...offered.filter((id) => before.includes(id))];
}

/**
 * What the car has got when it gets this one.
 * @param order as tried: those before `id` cannot be had, and nobody has to ask for them again
 * @returns it, and how many the car has not got after this one
 */
export function afterDelivery(
  order: readonly string[],
  id: string,
  session: InstallationSession | undefined,
  requestSha256: string,
): { readonly delivered: readonly string[]; readonly remaining: number } {
  const before = session?.delivered ?? [];
  const isRepeated = lastIfRepeated(session, requestSha256) === id;
  const beginsAgain = !isRepeated && left(order, before).length === 0;
  const now = [...order.slice(0, order.indexOf(id)), id];
  const delivered = [...(beginsAgain ? [] : left(before, now)), ...now];
  return { delivered, remaining: left(order, delivered).length };
}

const lastIfRepeated = (
  session: InstallationSession | undefined,
  requestSha256: string,
): string | undefined =>
  session?.requestSha256 === requestSha256 ? session.delivered.at(-1) : undefined;

const left = (ids: readonly string[], without: readonly string[]): readonly string[] =>
  ids.filter((id) => !without.includes(id));
