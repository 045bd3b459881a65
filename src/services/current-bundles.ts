/**
 * The bundle that a contract has for a car at this moment: the stored one as long as it fits, so
 * that a car that has lost the answer gets the same again; a new one otherwise. Nothing in a
 * request of ISO 15118-2 is fresh: whatever a car may ask for once, anybody may send again.
 */

import { sameBytes } from '../pki/byte-order.ts';
import { readCertificate } from '../pki/certificate.ts';
import type { AuditEvent } from './audit.ts';
import {
  type BundleParts,
  type BundleRecipient,
  makeBundle,
  type RegisteredCar,
  recipientFingerprint,
} from './contract-bundles.ts';
import type { Bundle, BundleReason, Contract } from './contract-records.ts';
import { ServiceError } from './errors.ts';

/** A car waits 4.5 s for its answer; whoever makes the bundle meanwhile needs a fraction of that. */
const WAIT_MILLISECONDS = 3_000;
const LOOK_MILLISECONDS = 50;

/** What the bundles of a contract are worth to a recipient. */
export type Standing =
  | 'holds'
  /** None of those that count is encrypted for its key. */
  | 'stale'
  /** Its certificate is not valid (yet, or any more), or an authority above it is revoked. */
  | 'expired'
  /** Its certificate, or that of the contract's newest bundle, is held or revoked. */
  | 'stopped';

/**
 * The newest bundle of a contract for a recipient: the car as it is registered now, or the old
 * contract of an update; where there is none, the newest of all. And what it is worth.
 *
 * Each recipient has its own, so that a car's installation and its update, asked for in turn, do
 * not put each other out of date: recorded requests could be sent again and again, and each would
 * be certified anew. But nothing counts from before the last bundle that was made for a car: a car
 * with another key, or an operator's renewal, has come since. What an operator has brought ahead of
 * its time is such a renewal once it begins.
 */
export async function currentBundle(
  parts: Pick<BundleParts, 'contracts' | 'clock'>,
  contract: Pick<Contract, 'id'>,
  recipient: BundleRecipient,
): Promise<{ readonly bundle: Bundle; readonly standing: Standing }> {
  const bundles = await parts.contracts.listBundles(contract.id);
  return currentOf(contract, bundles, recipient, parts.clock());
}

function currentOf(
  { id }: Pick<Contract, 'id'>,
  all: readonly Bundle[],
  recipient: BundleRecipient,
  now: Date,
): Awaited<ReturnType<typeof currentBundle>> {
  const begun = all.filter(({ notBefore }) => notBefore <= now);
  const bundles = begun.length > 0 ? begun : all;
  const [newest] = bundles;
  if (!newest) throw new Error(`the contract ${id} has no bundle`);
  const own = newestFor(bundles, recipient);
  if (newest.certificateState !== 'issued') return { bundle: newest, standing: 'stopped' };
  if (!own) return { bundle: newest, standing: 'stale' };
  return { bundle: own, standing: standingOf(own, now) };
}

/** Of bundles, newest first: see {@link currentBundle}. */
function newestFor(bundles: readonly Bundle[], recipient: BundleRecipient): Bundle | undefined {
  const wanted = recipientFingerprint(recipient);
  const last = lastForCar(bundles);
  const counting = last ? bundles.slice(0, bundles.indexOf(last) + 1) : bundles;
  return counting.find(({ recipientSha256 }) => recipientSha256 === wanted);
}

function standingOf(bundle: Bundle, now: Date): Standing {
  if (bundle.certificateState !== 'issued') return 'stopped';
  const isValid = bundle.notBefore <= now && now <= bundle.notAfter;
  // Nobody trusts what a revoked authority has signed, though nothing is said of its certificates.
  return isValid && !bundle.authorityRevoked ? 'holds' : 'expired';
}

/**
 * The bundle for a car that asks for the installation of its contract; made anew where the stored
 * one is for another key, or has expired. One whose certificate somebody has held or revoked is
 * not replaced behind their back: that takes a renewal.
 * @param car as it is registered now
 * @throws ServiceError `contract-not-active`, `contract-external` when only its operator could make
 *   a new one, `bundle-outrun`; and as `makeBundle`
 */
export function bundleForInstallation(
  parts: BundleParts,
  contract: Contract,
  car: RegisteredCar,
): Promise<Bundle> {
  return bundleFor(parts, contract, { recipient: car, registrationId: car.id });
}

/**
 * The bundle for a car that updates its contract with the old contract certificate: encrypted for
 * that one's key ([V2G2-821]). The old certificate stays as it is: the car may have to ask again
 * with it, and changes over when it has the answer.
 * @param wanted.oldContractCertificate DER
 * @param wanted.registrationId that of the car, which is looked at no further here
 * @throws ServiceError `recipient-unfitting` for a certificate that is none of this contract, or
 *   not valid; and as `bundleForInstallation`
 */
export async function bundleForUpdate(
  parts: BundleParts,
  wanted: {
    readonly contract: Contract;
    readonly oldContractCertificate: Uint8Array;
    readonly registrationId: string;
  },
): Promise<Bundle> {
  const { contract, oldContractCertificate: old, registrationId } = wanted;
  const recipient = { spki: readCertificate(old).spki };
  const whom = { recipient, registrationId, reason: 'update' } as const;
  return bundleFor(parts, contract, whom, (bundles) => {
    const known = bundles.find(({ certificate }) => sameBytes(certificate, old));
    if (known?.certificateState === 'issued' && known.notAfter >= parts.clock()) return;
    throw new ServiceError(
      'recipient-unfitting',
      `the old certificate is none of ${contract.id}, or does not hold`,
    );
  });
}

/**
 * @param check throws when there is none for this recipient. What it sees is what a new one follows:
 *   when another bundle is made meanwhile, everything is looked at once more
 */
async function bundleFor(
  parts: BundleParts,
  contract: Contract,
  whom: Pick<Renewal, 'recipient' | 'registrationId' | 'reason'>,
  check: (bundles: readonly Bundle[]) => void = () => undefined,
): Promise<Bundle> {
  if (contract.state !== 'active') {
    throw new ServiceError('contract-not-active', `${contract.id} is ${contract.state}`);
  }
  for (let waited = 0; ; waited += LOOK_MILLISECONDS) {
    const bundles = await parts.contracts.listBundles(contract.id);
    check(bundles);
    const { bundle, standing } = currentOf(contract, bundles, whom.recipient, parts.clock());
    if (standing === 'holds') return bundle;
    if (standing === 'stopped') {
      const message = `the certificate of ${contract.id} is ${bundle.certificateState}`;
      throw new ServiceError('contract-not-active', message);
    }
    try {
      return await nextBundle(parts, bundles, { ...whom, contract, actor: 'evpki' });
    } catch (error) {
      // Somebody else makes one at this moment: it is as good as ours.
      if (!isOutrun(error) || waited >= WAIT_MILLISECONDS) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    }
  }
}

const isOutrun = (error: unknown): boolean =>
  error instanceof ServiceError && error.code === 'bundle-outrun';

interface Renewal {
  readonly contract: Contract;
  readonly recipient: BundleRecipient;
  readonly registrationId: string;
  /** Why; found out if left out. */
  readonly reason?: BundleReason;
  readonly actor: string;
  /** Revoke those before it in any case. */
  readonly revokesFormer?: boolean;
  readonly audit?: readonly AuditEvent[];
}

/**
 * Makes the next bundle of a contract.
 *
 * The certificates before it stay valid until they end, so that the car can change over; but when
 * the car has been registered with a new key since, the old key is in hardware that is not the
 * car's any more: they are revoked as superseded in the same moment in which the new one is issued.
 */
export async function renewBundle(parts: BundleParts, wanted: Renewal): Promise<Bundle> {
  return nextBundle(parts, await parts.contracts.listBundles(wanted.contract.id), wanted);
}

/** @param bundles those that it follows: nothing is made when there are others meanwhile */
function nextBundle(
  parts: BundleParts,
  bundles: readonly Bundle[],
  wanted: Renewal,
): Promise<Bundle> {
  const { contract, recipient, registrationId, actor, audit = [] } = wanted;
  const former = lastForCar(bundles);
  const isSameCar = former?.recipientSha256 === recipientFingerprint(recipient);
  const reason = wanted.reason ?? (isSameCar ? 'renewed' : 're-registered');
  return makeBundle(parts, {
    ...{ contract, recipient, registrationId, reason, actor, audit },
    generation: (bundles[0]?.generation ?? 0) + 1,
    revokesFormer: wanted.revokesFormer === true || reason === 're-registered',
  });
}

/** Of bundles, newest first, the last one for a provisioning key: updates are for contract keys. */
export const lastForCar = (bundles: readonly Bundle[]): Bundle | undefined =>
  bundles.find(({ reason }) => reason !== 'update');
