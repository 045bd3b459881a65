/**
 * Contract installation: a car's CertificateInstallationReq or CertificateUpdateReq in, the answer
 * for it out, both EXI (OCPP 2.0.1 M01 and M02). The contract's key was encrypted for the car when
 * the contract was made; here it is found, signed by the provisioning service, and sent. A car that
 * asks again gets the same contract.
 *
 * Whoever asks for a car is the operator of its charger, the contract is another organization's, the
 * car a third one's: this is one of the few use cases that cross organizations. The caller learns
 * which contract was installed, and the operator of the contract that it was.
 */

import { isIso2Update } from '../iso15118/installation/iso2-request.ts';
import type { AuditEvent } from './audit.ts';
import { installIso2, updateIso2 } from './installation-iso2.ts';
import { installIso20 } from './installation-iso20.ts';
import type {
  InstallationAction,
  InstallationAnswer,
  InstallationCommand,
  InstallationParts,
} from './installation-records.ts';

/**
 * Answers a car. Whatever is wrong with the request becomes an answer that tells the car so; only
 * what is wrong with evpki itself is thrown.
 */
export async function answerCar(
  parts: InstallationParts,
  command: InstallationCommand,
): Promise<InstallationAnswer> {
  const action = command.action ?? actionOf(command);
  const answer = await answerTo(parts, command, action);
  if (answer.failure?.reason === 'service-unavailable') {
    parts.logger.warn('contract-not-ready', { detail: answer.failure.message });
  }
  const events = [auditOf(parts, command, action, answer)];
  events.push(...auditOfCps(parts, command, answer));
  await Promise.all(events.map((event) => parts.audit.recordAudit(event)));
  return answer;
}

function answerTo(
  parts: InstallationParts,
  command: InstallationCommand,
  action: InstallationAction,
): Promise<InstallationAnswer> {
  if (command.standard === 'iso15118-20') return installIso20(parts, command);
  return action === 'Install' ? installIso2(parts, command.exi) : updateIso2(parts, command.exi);
}

/** ISO 15118-20 has no update. */
const actionOf = ({ standard, exi }: InstallationCommand): InstallationAction =>
  standard === 'iso15118-2' && isIso2Update(exi) ? 'Update' : 'Install';

/** In the log of the caller, and where a contract is concerned in that of its operator. */
function auditOf(
  { clock }: InstallationParts,
  { principal, standard }: InstallationCommand,
  action: InstallationAction,
  { contract, responseCode, readings, failure }: InstallationAnswer,
): AuditEvent {
  const common = {
    at: clock(),
    organizationId: contract?.organizationId ?? principal.organizationId,
    actor: principal.actor,
  };
  const details = {
    standard,
    ...{ action, responseCode },
    ...(readings.length > 0 ? { readings } : {}),
  };
  if (contract) {
    const { id, emaid, pcid, organizationId } = contract;
    return {
      action: 'contract.installed',
      subject: id,
      details: { emaid, pcid, ...details },
      ...common,
      ...(organizationId === principal.organizationId
        ? {}
        : { counterpart: principal.organizationId }),
    };
  }
  return {
    action: 'contract.installation-refused',
    subject: failure?.pcid ?? '-',
    details: { reason: failure?.reason ?? '-', ...details },
    ...common,
  };
}

/** In the log of the provisioning service: what was signed in its name, not for whom. */
function auditOfCps(
  { clock }: InstallationParts,
  { principal }: InstallationCommand,
  { contract, signedBy }: InstallationAnswer,
): AuditEvent[] {
  if (!contract || !signedBy || signedBy.organizationId === contract.organizationId) return [];
  const { organizationId, certificateId } = signedBy;
  const common = { at: clock(), organizationId, actor: principal.actor };
  const details = { contract: contract.id, for: contract.organizationId };
  return [{ action: 'contract-data.signed', subject: certificateId, details, ...common }];
}
