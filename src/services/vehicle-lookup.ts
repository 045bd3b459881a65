/** What others than its maker may learn of a vehicle: that it is there, and its public keys. */

import { parsePcid } from '../identifiers/pcid.ts';
import type { Principal } from './access-policy.ts';
import type { AuditWriter } from './audit.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import {
  type ProvisioningStandard,
  type ProvisioningStore,
  provisioningStandards,
} from './provisioning-records.ts';

export interface LookupParts {
  readonly provisioning: Pick<ProvisioningStore, 'findByPcid'>;
  readonly audit: AuditWriter;
  readonly clock: Clock;
}

/** What somebody of another organization may know of a vehicle: to whom keys are encrypted. */
export interface ContractRecipient {
  readonly pcid: string;
  readonly standard: ProvisioningStandard;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly x448PublicKey?: Uint8Array;
}

/**
 * To whom a contract key would be encrypted now. That its maker's log has an entry is for whoever
 * asks; revocation is not looked at.
 * @param pcid in normal form
 * @returns `organizationId`, the maker's, is for that log alone, and the registration's id to hold on
 *   to it; undefined when nothing is
 *   registered, or it is not valid now
 */
export async function findForContract(
  { provisioning, clock }: Pick<LookupParts, 'provisioning' | 'clock'>,
  pcid: string,
  standard: ProvisioningStandard,
): Promise<
  { recipient: ContractRecipient; organizationId: string; registrationId: string } | undefined
> {
  const found = await provisioning.findByPcid(pcid, standard);
  const now = clock();
  if (!found || found.notBefore > now || found.notAfter < now) return undefined;
  const { id: registrationId, spki, x448PublicKey, organizationId } = found;
  const recipient = { pcid, standard, spki, ...(x448PublicKey ? { x448PublicKey } : {}) };
  return { recipient, organizationId, registrationId };
}

/**
 * Whether there is a vehicle that contracts can be made for, whoever made it. Both logs say so.
 * @returns one for each standard, at least one
 * @throws ServiceError `not-found`; `request-malformed` for what is no PCID
 */
export async function lookUpVehicle(
  parts: LookupParts,
  principal: Principal,
  text: string,
): Promise<{ readonly pcid: string; readonly recipients: readonly ContractRecipient[] }> {
  const pcid = pcidOf(text, 'params.pcid');
  const found = (
    await Promise.all(provisioningStandards.map((one) => findForContract(parts, pcid, one)))
  ).flatMap((one) => one ?? []);
  const [first] = found;
  if (!first) throw new ServiceError('not-found', `there is no vehicle ${pcid}`);
  await parts.audit.recordAudit({
    at: parts.clock(),
    organizationId: principal.organizationId,
    counterpart: first.organizationId,
    actor: principal.actor,
    action: 'vehicle.looked-up',
    subject: pcid,
    details: { standards: found.map(({ recipient }) => recipient.standard) },
  });
  return { pcid, recipients: found.map(({ recipient }) => recipient) };
}

/** @throws ServiceError `request-malformed` naming the field */
export function pcidOf(text: string, field: string): string {
  const pcid = parsePcid(text);
  if (pcid.ok) return pcid.value.normal;
  const violations = [{ code: 'pcid-invalid', message: pcid.reason, field }];
  throw new ServiceError('request-malformed', 'this is no PCID', violations);
}
