/**
 * A process of its own that starts evpki's services over a database, issues certificates, has
 * requests wait and approves them, changes the status of what it has issued and does the jobs,
 * ends the authority that it issues from, leads contracts through their lives, enrols by EST with
 * one-time secrets, or has proposals wait and approves them; it may be told where to die. It writes a
 * line for `ready`, one for every car and its key, for every secret and the requests that are sent
 * with it, for every certificate that it is about to sign and that was handed out, one before and one
 * after every change of a status, one for every CRL number that it sees, and `done`; synchronously,
 * so that what a line says is known to others.
 */

import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { writeSync } from 'node:fs';
import type { RevocationReason } from '../../src/pki/revocation-reasons.ts';
import { approve } from '../../src/services/approval.ts';
import { createContract } from '../../src/services/contract-creation.ts';
import type { Bundle } from '../../src/services/contract-records.ts';
import {
  endContract,
  renewContract,
  resumeContract,
  suspendContract,
} from '../../src/services/contracts.ts';
import { bundleForInstallation, bundleForUpdate } from '../../src/services/current-bundles.ts';
import { createSecret } from '../../src/services/enrolment-secrets.ts';
import { approveProposal } from '../../src/services/proposal-approval.ts';
import { release, revoke } from '../../src/services/revocation.ts';
import { putStation } from '../../src/services/stations.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { demoMo, newCar, registerCar } from './contracts.ts';
import { decorateFiles, type Fault, passing } from './faults.ts';
import { allListed, approver, haveWait } from './proposing.ts';
import { doJobs, servicesOver, type VaultKind } from './services.ts';
import { askForStation, demoCpo, enrolStation, stationRequest } from './stations.ts';
import { takeDeclarations } from './taken-declarations.ts';
import { enrolWithSecret } from './used-secrets.ts';
import { doCheckpointJob, startWhole } from './whole-start.ts';

export interface Job {
  readonly task:
    | 'start'
    | 'issue'
    | 'approve'
    | 'revoke'
    | 'end-authority'
    | 'contracts'
    | 'secrets'
    | 'proposals';
  readonly databaseUrl: string;
  readonly dataDir: string;
  readonly processId: string;
  readonly vault: VaultKind;
  /** Where to die; the process ends by itself without. */
  readonly fault?: Fault;
  /** How many callers there are at a time, and how many requests each of them sends. */
  readonly callers?: number;
  readonly requestsEach?: number;
  /** How far its clock is ahead of ours, in milliseconds. */
  readonly ahead?: number;
}

export type Line =
  | { readonly event: 'ready' }
  | { readonly event: 'car'; readonly pcid: string; readonly privateKey: string }
  | ({ readonly event: 'secret' } & UsedSecret)
  | { readonly event: 'signing'; readonly tbsSha256: string }
  | { readonly event: 'handed-out'; readonly certificateId: string; readonly der: string }
  | {
      readonly event: 'changing' | 'changed';
      readonly certificateId: string;
      readonly to: PublishedStatus;
    }
  | { readonly event: 'published'; readonly number: number }
  | { readonly event: 'approved'; readonly proposalId: string }
  | { readonly event: 'done' };

/** A one-time secret, and the requests (base64) that compete for it. */
export interface UsedSecret {
  readonly text: string;
  readonly commonName: string;
  readonly csrs: readonly string[];
}

/** What relying parties hear of a certificate: `good`, or why it is revoked. */
export type PublishedStatus = 'good' | RevocationReason;

const say = (line: Line): void => {
  writeSync(1, `${JSON.stringify(line)}\n`);
};

const [, , order = '', declared = ''] = process.argv;
const job = JSON.parse(order) as Job;
const { processId } = job;
const taken = takeDeclarations(declared);
const declarations = job.task === 'proposals' ? allListed(taken) : taken;
const pass = passing(job.fault);
await decorateFiles(pass);
say({ event: 'ready' });

const clock = () => new Date(Date.now() + (job.ahead ?? 0));
const database = await openDatabase(job.databaseUrl, { clock, processId });
const services = await servicesOver(database, {
  ...job,
  clock,
  declarations,
  pass,
  signing: (message) => {
    // No certificate, and in the log as what it is.
    if (Buffer.from(message).includes('evpki audit checkpoint')) return;
    const tbsSha256 = createHash('sha256').update(message).digest('hex');
    say({ event: 'signing', tbsSha256 });
  },
});

/** What becomes of certificates, in turn. */
const fates: readonly (readonly PublishedStatus[])[] = [
  ['superseded'],
  ['certificateHold', 'good'],
  ['keyCompromise'],
  ['certificateHold', 'keyCompromise'],
  ['certificateHold'],
  ['superseded', 'keyCompromise'],
];

async function change(certificateId: string, to: PublishedStatus): Promise<void> {
  say({ event: 'changing', certificateId, to });
  if (to === 'good') await release(services, demoCpo, certificateId);
  else await revoke(services, demoCpo, certificateId, to);
  say({ event: 'changed', certificateId, to });
}

const progress = new EventEmitter();

/** Ends the station CA as soon as it has issued something to those who keep asking. */
async function endAuthority(): Promise<void> {
  const first = once(progress, 'handed-out');
  // They are refused then; what they are told, others look at.
  const over = calls().catch(() => undefined);
  await first;
  const [issuer] = await services.authorities.listIssuers('ocpp-station-ca');
  await change(issuer?.certificateId ?? '', 'cACompromise');
  await over;
}

async function call(caller: number): Promise<void> {
  for (let count = 0; count < (job.requestsEach ?? 0); count += 1) {
    const csr = stationRequest(`SN-${processId}-${caller}-${count}`);
    const { certificateId, certificate } =
      job.task === 'approve'
        ? await approve(services, demoCpo, await askForStation(services, csr))
        : await enrolStation(services, csr);
    const der = Buffer.from(certificate.der).toString('base64');
    say({ event: 'handed-out', certificateId, der });
    progress.emit('handed-out');
    if (job.task !== 'revoke') continue;
    const fate = fates[(caller + count) % fates.length] ?? [];
    for (const to of fate) await change(certificateId, to);
    const [issuer] = await services.authorities.listIssuers('ocpp-station-ca');
    await services.jobs.schedule(`crl:${issuer?.id}`, clock());
  }
}

/** Leads contracts through their lives, each of a car of its own. */
async function leadContracts(caller: number): Promise<void> {
  const handedOut = ({ certificateId = '', certificate }: Bundle) =>
    say({
      ...{ event: 'handed-out', certificateId },
      der: Buffer.from(certificate).toString('base64'),
    });
  for (let count = 0; count < (job.requestsEach ?? 0); count += 1) {
    const [pcid, emaid] = [`DEM${newName(11)}PCD`, `DE8EVC${newName(8)}`];
    const car = newCar('iso15118-2', { pcid });
    await registerCar(services, car);
    say({ event: 'car', pcid, privateKey: Buffer.from(car.privateKey).toString('hex') });
    const { contract, bundle } = await createContract(services, demoMo, { emaid, pcid });
    handedOut(bundle);
    const oldContractCertificate = bundle.certificate;
    const registrationId = car.registered.id;
    const update = { contract, oldContractCertificate, registrationId };
    handedOut(await bundleForUpdate(services, update));
    const options = { revokesFormer: count % 2 === 0 };
    handedOut((await renewContract(services, demoMo, contract.id, options)).bundle);
    await suspendContract(services, demoMo, contract.id);
    if ((caller + count) % 3 === 0) continue;
    await resumeContract(services, demoMo, contract.id);
    const anew = newCar('iso15118-2', { pcid });
    say({ event: 'car', pcid, privateKey: Buffer.from(anew.privateKey).toString('hex') });
    await registerCar(services, anew, car);
    handedOut(await bundleForInstallation(services, contract, anew.registered));
    if ((caller + count) % 3 === 1) await endContract(services, demoMo, contract.id);
  }
}

/** Has secrets made, and sends two requests at once with each: one gets its certificate. */
async function useSecrets(caller: number): Promise<void> {
  for (let count = 0; count < (job.requestsEach ?? 0); count += 1) {
    const commonName = `SN-${processId}-${caller}-${count}`;
    await putStation(services, demoCpo, commonName, {});
    const { text } = await createSecret(services, demoCpo, { label: 'cso', commonName });
    const csrs = [stationRequest(commonName), stationRequest(commonName)];
    const known = csrs.map((csr) => Buffer.from(csr).toString('base64'));
    say({ event: 'secret', text, commonName, csrs: known });
    const answers = await Promise.all(
      csrs.map((csr) => enrolWithSecret(services, { commonName, text }, csr)),
    );
    for (const answer of answers) if (answer !== 'refused') say({ event: 'handed-out', ...answer });
  }
}

/** Has one thing after the other wait for a second person, who agrees. */
async function decideProposals(caller: number): Promise<void> {
  for (let count = 0; count < (job.requestsEach ?? 0); count += 1) {
    const name = `Killed-${newName(12)}`;
    const { proposal } = await haveWait(services, caller + count, name);
    const { id, sha256 } = proposal;
    const { proposal: approved } = await approveProposal(services, approver, id, sha256);
    const { certificateId } = approved;
    if (certificateId !== undefined) {
      const found = await services.certificates.findCertificate(certificateId);
      const der = Buffer.from(found?.der ?? []).toString('base64');
      say({ event: 'handed-out', certificateId, der });
    }
    say({ event: 'approved', proposalId: id });
  }
}

/** Upper-case letters and digits. */
const newName = (length: number): string =>
  randomBytes(length).toString('hex').toUpperCase().slice(0, length);

/** Does what is due until nobody calls any more. */
async function doWhatIsDue(calls: Promise<unknown>): Promise<void> {
  let isCalled = true;
  const over = calls.finally(() => {
    isCalled = false;
  });
  const [issuer] = await services.authorities.listIssuers('ocpp-station-ca');
  while (isCalled || (await doJobs(services)) > 0) {
    await doJobs(services);
    const crl = issuer && (await services.crls.findCrl(issuer.id));
    if (crl) say({ event: 'published', number: crl.number });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await over;
}

const calls = (each = call) =>
  Promise.all(Array.from({ length: job.callers ?? 0 }, (_, caller) => each(caller)));
if (job.task === 'start') {
  await startWhole(services, job.dataDir);
  await doCheckpointJob(services);
} else if (job.task === 'issue' || job.task === 'approve') await calls();
else if (job.task === 'end-authority') await endAuthority();
else if (job.task === 'contracts') await calls(leadContracts);
else if (job.task === 'secrets') await calls(useSecrets);
else if (job.task === 'proposals') await calls(decideProposals);
else await doWhatIsDue(calls());
await database.close();
say({ event: 'done' });
