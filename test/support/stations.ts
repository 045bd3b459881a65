/** Charging stations that ask for certificates. */

import { generateKeyPairSync, sign } from 'node:crypto';
import { readPublicKey } from '../../src/pki/public-key.ts';
import { assembleRequest, buildRequestInfo } from '../../src/pki/request-building.ts';
import type { Principal } from '../../src/services/access-policy.ts';
import { enrol } from '../../src/services/enrolment.ts';
import type { IssuedAnswer } from '../../src/services/request-answers.ts';
import type { EnrolmentParts } from '../../src/services/request-issuing.ts';

/** A request of a station with a fresh key, DER. */
export function stationRequest(serialNumber: string): Uint8Array {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = readPublicKey(pair.publicKey.export({ format: 'der', type: 'spki' }));
  if (!key.ok) throw new Error(JSON.stringify(key.violations));
  const subject = { attributes: [{ type: 'CN' as const, value: serialNumber }] };
  const info = buildRequestInfo(subject, key.value, {});
  return assembleRequest(info, 'ecdsa-with-SHA256', sign('sha256', info, pair.privateKey));
}

/** Somebody at the demo CPO who vouches for the names of its stations. */
export const demoCpo: Principal = {
  actor: 'client:csms',
  organizationId: 'demo-cpo',
  roles: ['super'],
};

/** Asks for certificates of the demo CPO's stations, and vouches for nothing. */
export const demoOperator: Principal = {
  actor: 'client:operator',
  organizationId: 'demo-cpo',
  roles: ['cpo-operator'],
};

/** Asks for a station that nobody has registered; the id of the request, which waits. */
export async function askForStation(parts: EnrolmentParts, csr: Uint8Array): Promise<string> {
  const answer = await enrol(parts, {
    principal: demoOperator,
    action: 'certificates:issue',
    channel: 'rest',
    csr: { ok: true, value: csr },
    profile: 'ocpp-station',
  });
  if (answer.outcome !== 'waiting') throw new Error(answer.outcome);
  return answer.requestId;
}

/** Has a station's request answered, as a front door of the demo CPO would. */
export async function enrolStation(parts: EnrolmentParts, csr: Uint8Array): Promise<IssuedAnswer> {
  const answer = await enrol(parts, {
    principal: demoCpo,
    action: 'certificates:issue',
    channel: 'rest',
    csr: { ok: true, value: csr },
    profile: 'ocpp-station',
  });
  if (answer.outcome !== 'issued') throw new Error(answer.outcome);
  return answer;
}
