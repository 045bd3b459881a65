/** What a car asks for through a platform, and what the platform's client is to hear of it. */

import { type Iso15118Standard, sizeWarnings } from '../../ocpp/contract-certificate.ts';
import { decodeBase64 } from '../../pki/pem.ts';
import type { Principal } from '../../services/access-policy.ts';
import { answerCar } from '../../services/installation.ts';
import type { InstallationParts } from '../../services/installation-records.ts';
import { base64 } from './base64.ts';

/** The version of OCPP whose chargers these clients have; it has the narrowest limit. */
const OCPP_VERSION = '2.0.1';

const UNREADABLE = 'EXI format is invalid!';
const NONE = 'Contract or Vehicle not found.';

/** Reasons for which nobody knows that a car stands behind the request. */
const unreadable: ReadonlySet<string> = new Set(['request-unreadable', 'request-unexpected']);

export interface CarRequest {
  readonly principal: Principal;
  readonly standard: Iso15118Standard;
  /** EXI in base64. */
  readonly request: string;
}

export type CarAnswer =
  | {
      readonly outcome: 'contract';
      /** EXI in base64. */
      readonly exi: string;
      readonly emaid: string;
      readonly pcid: string;
      /** For people. */
      readonly notes: string;
    }
  /** There is nothing that a car could be sent. */
  | { readonly outcome: 'refused'; readonly status: 400; readonly messages: readonly string[] }
  | {
      readonly outcome: 'refused';
      /** 503 where the car should rather hear nothing, and ask again. */
      readonly status: 404 | 503;
      readonly messages: readonly string[];
      /** EXI in base64, that tells the car so. */
      readonly exi: string;
      /** For people. */
      readonly notes: string;
    };

export async function answerTo(
  parts: InstallationParts,
  { principal, standard, request }: CarRequest,
): Promise<CarAnswer> {
  const asked = decodeBase64(request);
  if (!asked || asked.length === 0) {
    return refusedRequest('certificateInstallationReq : is not base64');
  }
  const answer = await answerCar(parts, { principal, standard, exi: asked });
  const exi = base64(answer.exi);
  const { contract, failure, remainingContracts } = answer;
  if (contract) {
    const more = remainingContracts ? [`The car could ask for ${remainingContracts} more.`] : [];
    const notes = [...sizeNotes(exi), ...more].join(' ');
    return { outcome: 'contract', exi, emaid: contract.emaid, pcid: contract.pcid, notes };
  }
  const { reason = 'internal', message = '' } = failure ?? {};
  if (unreadable.has(reason)) return refusedRequest(message);
  const told = { outcome: 'refused', exi, notes: `${reason}: ${message}` } as const;
  return reason === 'service-unavailable'
    ? { ...told, status: 503, messages: [message] }
    : { ...told, status: 404, messages: [NONE, message] };
}

const refusedRequest = (why: string): CarAnswer => ({
  outcome: 'refused',
  status: 400,
  messages: [UNREADABLE, why],
});

/** @param exiResponse in base64, as the charger gets it */
const sizeNotes = (exiResponse: string): string[] =>
  sizeWarnings({ exiResponse }, OCPP_VERSION).map(
    ({ ocppVersion, limit, characters }) =>
      `certificateInstallationRes has ${characters} characters; in OCPP ${ocppVersion} it may have ${limit}.`,
  );
