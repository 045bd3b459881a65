/**
 * Bundles that a mobility operator with keys of its own brings: certificate, certificates above it,
 * and the key as it is encrypted for the car. evpki cannot open them; it checks all that can be
 * seen from outside, so that no car gets what it must refuse.
 */

import { type Principal, requireKind } from './access-policy.ts';
import { bundleRefused, requireContent } from './brought-content.ts';
import { type BundleText, fault } from './brought-faults.ts';
import { isRevokedFrom } from './chains.ts';
import { carFull, recipientFingerprint, vehicleChanged } from './contract-bundles.ts';
import {
  CONTRACT_WRITE,
  type ContractCar,
  type ContractDetails,
  type ContractParts,
  type ContractView,
  carUsed,
  checkedContract,
  registeredCar,
  usingCar,
} from './contract-creation.ts';
import type { BroughtBundle, BundleReason, Contract } from './contract-records.ts';
import { findContract } from './contracts.ts';
import { ServiceError } from './errors.ts';
import { ownCertificate } from './est-callers.ts';
import { newId } from './ids.ts';
import { CRL_DELAY_MILLISECONDS } from './revocation.ts';

/**
 * Brings a bundle for a contract: the first, which creates it, or the next of one whose bundles
 * are brought.
 * @throws ServiceError `bundle-refused` with every reason; `contract-exists` where evpki makes the
 *   bundles itself or the contract is another organization's; and as `createContract`
 */
export async function bringBundle(
  parts: ContractParts,
  principal: Principal,
  details: ContractDetails,
  text: BundleText,
): Promise<ContractView> {
  const contract = await checkedContract(parts, principal, details);
  const car = await registeredCar(parts, contract);
  return usingCar(parts, principal, contract, car, async () => {
    const bundle = checkedBundle(parts, contract, car, text, { generation: 1, reason: 'created' });
    await requireGood(parts, bundle);
    const outcome = await parts.contracts.createBrought({
      ...{ contract, bundle, registrationId: car.id, makesDefault: details.isDefault === true },
      audit: [
        brought(parts, principal, contract, bundle),
        carUsed(parts, principal, contract, car),
      ],
    });
    if (outcome === 'vehicle-changed') throw vehicleChanged(contract);
    if (outcome === 'car-full') throw carFull(contract);
    if (outcome === 'exists') {
      throw new ServiceError('contract-exists', `${contract.emaid} has a contract for this car`);
    }
    return findContract(parts, principal, contract.id);
  });
}

/**
 * Brings the next bundle of a contract whose bundles are brought. Where the car has been registered
 * with a new key, the certificates so far are revoked as superseded as far as they were issued here.
 * @throws ServiceError `not-found`, `not-permitted`, `contract-external`, `contract-not-active`,
 *   `vehicle-unknown`, `bundle-refused`, `bundle-outrun`
 */
export async function bringNextBundle(
  parts: ContractParts,
  principal: Principal,
  id: string,
  text: BundleText,
): Promise<ContractView> {
  const { contract, bundle: newest } = await findContract(parts, principal, id);
  requireKind(parts.access, principal, CONTRACT_WRITE, 'contract');
  if (contract.issuing) {
    throw new ServiceError('contract-external', `the bundles of ${id} are made by evpki`);
  }
  const car = await registeredCar(parts, contract);
  const isSame = newest.recipientSha256 === recipientFingerprint(car);
  const bundle = checkedBundle(parts, contract, car, text, {
    generation: newest.generation + 1,
    reason: isSame ? 'renewed' : 're-registered',
  });
  await requireGood(parts, bundle);
  const audit = brought(parts, principal, contract, bundle);
  // As with bundles that are made here: the hardware that has the old key is not the car's any more.
  const crlDue = new Date(parts.clock().getTime() + CRL_DELAY_MILLISECONDS);
  const result = await parts.contracts.addBrought({
    ...{ bundle, registrationId: car.id, audit },
    ...(isSame ? {} : { supersedes: { crlDue } }),
  });
  switch (result.outcome) {
    case 'vehicle-changed':
      throw vehicleChanged(contract);
    case 'not-active':
      throw new ServiceError('contract-not-active', `${id} is not active`);
    case 'outrun':
      throw new ServiceError('bundle-outrun', `${id} got another bundle`);
  }
  for (const { issuerId, serial, sequence } of result.statuses) {
    parts.statusChanged(issuerId, serial, sequence);
  }
  return findContract(parts, principal, id);
}

/**
 * A certificate that was issued here has a status that is known: where it does not hold, no car could
 * use it, and to take it would say that it could.
 * @throws ServiceError `bundle-refused`
 */
async function requireGood(parts: ContractParts, { certificate }: BroughtBundle): Promise<void> {
  const own = await ownCertificate(parts, certificate);
  if (!own) return;
  const { state, issuerId } = own.record;
  const issuer = issuerId === undefined ? undefined : await parts.authorities.findIssuer(issuerId);
  const isBelowRevoked = issuer !== undefined && (await isRevokedFrom(parts.authorities, issuer));
  if (state === 'issued' && !isBelowRevoked) return;
  const what = state === 'issued' ? 'an authority above it is revoked' : `is ${state}`;
  throw bundleRefused([fault('revoked', `was issued here and ${what}`, 'certificateChain')]);
}

const brought = (
  { clock }: Pick<ContractParts, 'clock'>,
  { actor }: Principal,
  { id, organizationId, emaid, pcid, standard }: Contract,
  bundle: BroughtBundle,
) => ({
  ...{ at: clock(), actor, organizationId, subject: id, action: 'contract.bundle-brought' },
  details: { emaid, pcid, standard, reason: bundle.reason, bundle: bundle.id },
});

/** @throws ServiceError `bundle-refused` with every reason */
function checkedBundle(
  parts: Pick<ContractParts, 'clock' | 'random'>,
  contract: Contract,
  car: ContractCar,
  text: BundleText,
  which: { readonly generation: number; readonly reason: BundleReason },
): BroughtBundle {
  const now = parts.clock();
  const { leaf, ...content } = requireContent(contract, car, text, now);
  return {
    ...{ id: newId('bdl', parts.random), contractId: contract.id, ...which, ...content },
    recipientSha256: recipientFingerprint(car),
    createdAt: now,
    ...{ notBefore: leaf.notBefore, notAfter: leaf.notAfter },
  };
}
