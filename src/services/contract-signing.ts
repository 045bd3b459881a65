/**
 * Contract data signed by the provisioning service where no car asks: for the maker that brings it
 * into its vehicle over the air, and for an operator that wants to see what was signed of its own.
 */

import { parseEmaid, sameEmaid } from '../identifiers/emaid.ts';
import { buildIso2Response } from '../iso15118/installation/iso2-response.ts';
import { buildIso20Response } from '../iso15118/installation/iso20-response.ts';
import { type AccessPolicy, type Principal, reaches } from './access-policy.ts';
import type { AuditWriter } from './audit.ts';
import type { Clock } from './clock.ts';
import type { BundleParts } from './contract-bundles.ts';
import type { ContractName } from './contract-data.ts';
import type { Bundle, Contract, PncStandard } from './contract-records.ts';
import type { CpsPreference, CpsQuestion, ReadyCps } from './cps-signers.ts';
import { bundleForInstallation } from './current-bundles.ts';
import { ServiceError } from './errors.ts';
import type { ProvisioningStore } from './provisioning-records.ts';
import type { ValidateChain } from './provisioning-registration.ts';
import { trustedVehicle } from './vehicle-certificates.ts';
import { pcidOf } from './vehicle-lookup.ts';

export interface ContractSigningParts extends BundleParts {
  readonly provisioning: Pick<ProvisioningStore, 'findByPcid'>;
  readonly validateChain: ValidateChain;
  readonly openCps: (question: CpsQuestion) => Promise<ReadyCps | undefined>;
  readonly access: AccessPolicy;
  readonly audit: AuditWriter;
  readonly clock: Clock;
}

/** What the answer to a car would be. */
export interface SignedContract {
  /** CertificateInstallationRes. */
  readonly exi: Uint8Array;
  readonly cps: ReadyCps;
}

export interface SigningWishes {
  /** 8 octets. */
  readonly sessionId: Uint8Array;
  /** SHA-256, lower-case hex, of the V2G root that the car has; any without. */
  readonly rootSha256?: string;
}

/**
 * Gives a maker the contract of one of its vehicles, as the vehicle would get it: the key in it is
 * encrypted for the vehicle, whose provisioning certificate has to hold as if it asked itself. Maker
 * and operator each find it in their log.
 * @throws ServiceError `not-found` for a vehicle that is not the caller's, one without this contract,
 *   and a root that no provisioning service is below; `vehicle-unknown` with why its certificate does
 *   not hold; and as `bundleForInstallation`
 */
export async function provideContract(
  parts: ContractSigningParts,
  principal: Principal,
  { emaid, pcid: text, standard }: ContractName,
  wishes: SigningWishes,
): Promise<SignedContract & { readonly contract: Contract }> {
  const pcid = pcidOf(text, 'params.pcid');
  const car = await parts.provisioning.findByPcid(pcid, standard);
  const named = parseEmaid(emaid);
  if (!named.ok) {
    throw new ServiceError('request-malformed', 'this is no EMAID', [
      { code: 'invalid', message: named.reason, field: 'params.emaid' },
    ]);
  }
  const contracts =
    car && reaches(parts.access, principal, car.organizationId)
      ? await parts.contracts.contractsOfCar(pcid, standard)
      : [];
  const contract = contracts.find((one) => {
    const own = parseEmaid(one.emaid);
    return own.ok && sameEmaid(own.value, named.value);
  });
  if (!car || !contract) {
    throw new ServiceError('not-found', `there is no contract ${named.value.normal} of ${pcid}`);
  }
  await trustedVehicle(parts, car);
  await requireCps(parts, standard, wishes, principal);
  const bundle = await bundleForInstallation(parts, contract, car);
  const signed = await signContract(parts, principal, { contract, bundle }, wishes);
  const { id, organizationId } = contract;
  await parts.audit.recordAudit({
    ...{ at: parts.clock(), organizationId, actor: principal.actor, subject: id },
    ...(organizationId === principal.organizationId
      ? {}
      : { counterpart: principal.organizationId }),
    action: 'contract.provided',
    details: { emaid: contract.emaid, pcid, standard },
  });
  return { ...signed, contract };
}

/**
 * Who would sign now: to be asked before anything is made that is nothing without a signature.
 * @param preferring for whom; without, none is taken below a root that some organization has brought
 * @throws ServiceError `not-found` when there is no provisioning service, or none below the root
 */
export async function requireCps(
  { openCps }: Pick<ContractSigningParts, 'openCps'>,
  standard: PncStandard,
  { rootSha256 }: { readonly rootSha256?: string | undefined },
  preferring?: CpsPreference,
): Promise<ReadyCps> {
  const cps = await openCps({
    ...{ standard, ...(rootSha256 === undefined ? {} : { rootSha256 }) },
    ...(preferring ? { preferring } : {}),
  });
  if (cps) return cps;
  const where = rootSha256 === undefined ? '' : ' below this root';
  throw new ServiceError('not-found', `no provisioning service signs for ${standard}${where}`);
}

/**
 * Signs a bundle as the answer to a car that has not asked.
 * @throws ServiceError as `requireCps`
 */
export async function signContract(
  parts: Pick<ContractSigningParts, 'openCps' | 'audit' | 'clock'>,
  { actor, organizationId }: Principal,
  { contract, bundle }: { readonly contract: Contract; readonly bundle: Bundle },
  wishes: SigningWishes,
): Promise<SignedContract> {
  const { exi, cps } = await signContent(parts, contract, bundle, wishes, organizationId);
  if (cps.organizationId !== contract.organizationId) {
    await parts.audit.recordAudit({
      ...{ at: parts.clock(), organizationId: cps.organizationId, actor },
      action: 'contract-data.signed',
      subject: cps.certificateId,
      details: { contract: contract.id, for: contract.organizationId },
    });
  }
  return { exi, cps };
}

/** What goes into the car, but for the signature. */
type Content = Pick<
  Bundle,
  'certificate' | 'subCertificates' | 'dhPublicKey' | 'encryptedPrivateKey' | 'curve'
>;

/**
 * Signs what may be of a contract, or of none on record; nobody's log hears of it here.
 * @param organizationId for whom: its own provisioning service comes first
 * @throws ServiceError as `requireCps`
 */
export async function signContent(
  parts: Pick<ContractSigningParts, 'openCps' | 'clock'>,
  { standard, emaid }: Pick<Contract, 'standard' | 'emaid'>,
  { certificate, subCertificates, dhPublicKey, encryptedPrivateKey, curve }: Content,
  { sessionId, rootSha256 }: SigningWishes,
  organizationId: string,
): Promise<SignedContract> {
  const below = subCertificates.at(-1);
  const preferring = { organizationId, ...(below ? { below } : {}) };
  const cps = await requireCps(parts, standard, { rootSha256 }, preferring);
  const common = { sessionId, certificate, subCertificates, dhPublicKey, encryptedPrivateKey };
  const exi =
    curve === 'P-256'
      ? await buildIso2Response('CertificateInstallationRes', { ...common, emaid }, cps)
      : await buildIso20Response(
          { ...common, curve, at: parts.clock(), remainingContractCertificateChains: 0 },
          cps,
        );
  return { exi, cps };
}
