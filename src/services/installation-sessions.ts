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
 * Which of the offered contracts the car gets now: the same again if it repeats its request, since
 * it has lost the answer then; else the first that it has not got in this session; and when it has
 * got all of them, the first.
 * @param offered ids, at least one
 * @returns it, and how many the car has not got after this one
 */
export function nextContract(
  offered: readonly string[],
  session: InstallationSession | undefined,
  requestSha256: string,
): { readonly next: string; readonly delivered: readonly string[]; readonly remaining: number } {
  const [first] = offered;
  if (first === undefined) throw new RangeError('no contract is offered');
  const before = session?.delivered ?? [];
  const last = before.at(-1);
  const repeats =
    session?.requestSha256 === requestSha256 && last !== undefined && offered.includes(last);
  if (repeats) return { next: last, delivered: before, remaining: left(offered, before) };
  const fresh = offered.find((id) => !before.includes(id));
  const delivered = fresh === undefined ? [first] : [...before, fresh];
  return { next: fresh ?? first, delivered, remaining: left(offered, delivered) };
}

const left = (offered: readonly string[], delivered: readonly string[]): number =>
  offered.filter((id) => !delivered.includes(id)).length;
