/** Contract installation and update of ISO 15118-2. */

import type { Iso2ResponseCode, RootCertificateId } from '../iso15118/exi/iso2-messages.ts';
import type { Decoding } from '../iso15118/installation/decoding.ts';
import { codesWithRetry, responseCodeFor } from '../iso15118/installation/failures.ts';
import { readIso2Installation, readIso2Update } from '../iso15118/installation/iso2-request.ts';
import {
  buildIso2Failure,
  buildIso2Response,
  type Iso2ResponseName,
} from '../iso15118/installation/iso2-response.ts';
import type { RequestFailure } from '../iso15118/installation/request-reading.ts';
import type { LenientReading } from '../iso15118/signature/lenient-readings.ts';
import type { Certificate } from '../pki/certificate.ts';
import { asNotInstalled, NotInstalled, notTrusted, registeredCar } from './installation-cars.ts';
import {
  type ChosenContract,
  contractsFor,
  firstBundle,
  updatedBundle,
} from './installation-contracts.ts';
import { acceptedReadings, readingsOf } from './installation-readings.ts';
import type { InstallationAnswer, InstallationParts } from './installation-records.ts';
import { cpsFor, written } from './installation-signing.ts';

const standard = 'iso15118-2';

/** ISO 15118-2 8.4.3.11: the car proves to have its provisioning key, and gets its contract. */
export async function installIso2(
  parts: InstallationParts,
  exi: Uint8Array,
): Promise<InstallationAnswer> {
  const name = 'CertificateInstallationRes';
  const reading = readIso2Installation(exi, acceptedReadings);
  if (!reading.ok) return failed(name, reading.failure);
  const { request } = reading;
  return answering(name, request, async () => {
    const { certificate, rootCertificateIds } = request;
    const pcid = request.pcid.normal;
    requireDomain(certificate, 'OEM', pcid);
    const car = await registeredCar(parts, standard, { pcid, certificate });
    const contracts = await contractsFor(parts, pcid, standard);
    const cps = { rootCertificateIds, pcid };
    return respond(parts, name, request.sessionId, cps, () => firstBundle(parts, car, contracts));
  });
}

/** ISO 15118-2 8.4.3.12: the car proves to have the key of its old contract, and gets a new one. */
export async function updateIso2(
  parts: InstallationParts,
  exi: Uint8Array,
): Promise<InstallationAnswer> {
  const name = 'CertificateUpdateRes';
  const reading = readIso2Update(exi, acceptedReadings);
  if (!reading.ok) return failed(name, reading.failure);
  const { request } = reading;
  return answering(name, request, async () => {
    const { certificate, subCertificates, rootCertificateIds } = request;
    const emaid = request.emaid.normal;
    const contract = await parts.contracts.findByCertificate(emaid, certificate.der);
    if (!contract) {
      throw new NotInstalled('contract-missing', `No contract ${emaid} has this certificate.`);
    }
    const { pcid, organizationId } = contract;
    const verdict = await parts.validateChain({
      certificate,
      candidates: subCertificates.map(({ der }) => der),
      purpose: 'contract-validation',
      organizationId,
      at: parts.clock(),
    });
    // That it has ended is what the car has to hear, not that its certificate is revoked by that.
    if (!verdict.ok && contract.state !== 'ended') {
      throw notTrusted('contract certificate', verdict, pcid);
    }
    const cps = { rootCertificateIds, pcid };
    return respond(parts, name, request.sessionId, cps, () =>
      updatedBundle(parts, contract, certificate.der),
    );
  });
}

/** The signer is looked for first: a contract that nobody can vouch for is not made either. */
async function respond(
  parts: InstallationParts,
  name: Iso2ResponseName,
  sessionId: Uint8Array,
  wanted: { readonly rootCertificateIds: readonly RootCertificateId[]; readonly pcid: string },
  choose: () => Promise<ChosenContract>,
): Promise<Omit<InstallationAnswer, 'readings'>> {
  const cps = await cpsFor(parts, standard, wanted.rootCertificateIds, wanted.pcid);
  const chosen = await choose();
  const { contract, bundle } = chosen;
  const { certificate, subCertificates, encryptedPrivateKey, dhPublicKey } = bundle;
  const delivery = {
    emaid: contract.emaid,
    ...{ sessionId, certificate, subCertificates, encryptedPrivateKey, dhPublicKey },
  };
  const exi = await written(parts, chosen, cps, () => buildIso2Response(name, delivery, cps));
  return { exi, responseCode: 'OK', contract, signedBy: cps };
}

interface Answerable {
  readonly sessionId: Uint8Array;
  readonly readings: readonly LenientReading[];
  readonly decoding: Decoding;
}

/** What the work ends in, or the answer for a car that gets no contract. */
async function answering(
  name: Iso2ResponseName,
  request: Answerable,
  work: () => Promise<Omit<InstallationAnswer, 'readings'>>,
): Promise<InstallationAnswer> {
  const { sessionId } = request;
  const readings = readingsOf(request);
  try {
    return { readings, ...(await work()) };
  } catch (error) {
    const { reason, message, pcid } = asNotInstalled(error);
    const responseCode = responseCodeFor(standard, reason);
    return {
      ...refusal(name, { sessionId, responseCode, reason, message }),
      readings,
      failure: { reason, message, ...(pcid === undefined ? {} : { pcid }) },
    };
  }
}

const failed = (
  name: Iso2ResponseName,
  failure: RequestFailure<Iso2ResponseCode>,
): InstallationAnswer => {
  const { reason, message } = failure;
  return { ...refusal(name, failure), readings: [], failure: { reason, message } };
};

/** RetryCounter of CertificateUpdateRes: when the car is plugged in again, or never. */
const retries = { nextTime: 0, never: -1 } as const;

function refusal(
  name: Iso2ResponseName,
  { sessionId, responseCode, reason }: RequestFailure<Iso2ResponseCode>,
): Pick<InstallationAnswer, 'exi' | 'responseCode'> {
  const takesRetry = name === 'CertificateUpdateRes' && codesWithRetry.has(responseCode);
  const retry = reason === 'contract-ended' ? retries.never : retries.nextTime;
  const exi = buildIso2Failure(name, sessionId, responseCode, takesRetry ? retry : undefined);
  return { exi, responseCode };
}

/** [V2G2-925]: a certificate without the domain component of its branch is not one of it. */
function requireDomain({ subject }: Certificate, domain: string, pcid: string): void {
  if (subject.attributes.some(({ type, value }) => type === 'DC' && value === domain)) return;
  const message = `The provisioning certificate of ${pcid} has no DC=${domain}.`;
  throw new NotInstalled('domain-missing', message, pcid);
}
