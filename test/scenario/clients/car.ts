/** A car that a CSMS asks for: it has a contract, and reads what it is given for it. */

import type { TestApp } from '../../support/app.ts';
import {
  askToInstall,
  leaveFactory,
  rootIdOf,
  rootOf,
  sent,
  takeIso2,
} from '../../support/vehicles.ts';

const ISO2 = 'urn:iso:15118:2:2013:MsgDef';
const DAY = 86_400_000;
let emaids = 0;

export interface CarWithContract {
  readonly emaid: string;
  /** CertificateInstallationReq, in base64. */
  readonly exiRequest: string;
  /** The EMAID of what it takes from a CertificateInstallationRes (base64). */
  readonly takes: (exiResponse: string) => string;
}

/** Makes one in the demo, with a contract that its mobility operator has there. */
export async function carWithContract(evpki: TestApp): Promise<CarWithContract> {
  const as = async (organization: string, role: string) => ({
    authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
  });
  const vehicle = await leaveFactory(evpki, await as('demo-oem', 'oem'), 'iso15118-2');
  const emaid = `DE8EVC${String(++emaids).padStart(8, '0')}`;
  const body = {
    ...{
      contractBegins: new Date(Date.now() - DAY),
      contractEnds: new Date(Date.now() + 90 * DAY),
    },
    ...{ pcid: vehicle.pcid, emaid, xsdMsgDefNamespace: ISO2 },
  };
  const operator = await as('demo-mo', 'emsp-operator');
  sent(await evpki.call('PUT', '/v1/cps/generate/signedContractData', body, operator), 201);
  const asked = await askToInstall(vehicle, [rootIdOf(await rootOf(evpki, 'v2g-root'))]);
  return {
    emaid,
    exiRequest: Buffer.from(asked.exi).toString('base64'),
    takes: (exi) => takeIso2(asked, Buffer.from(exi, 'base64'), vehicle.scalar).emaid,
  };
}
