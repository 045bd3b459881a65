/**
 * A process of its own that starts evpki's services over a database, issues certificates, has
 * requests wait and approves them, or revokes what it has issued and does the jobs; it may be told where to die. It writes a line for
 * `ready`, one for every certificate that it is about to sign, that was handed out and that was
 * revoked, one for every CRL number that it sees, and `done`; synchronously, so that what a line
 * says is known to others.
 */

import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { approve } from '../../src/services/approval.ts';
import { revoke } from '../../src/services/revocation.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { takeDeclarations } from './declarations.ts';
import { decorateFiles, type Fault, passing } from './faults.ts';
import { doJobs, servicesOver, start, type VaultKind } from './services.ts';
import { askForStation, demoCpo, enrolStation, stationRequest } from './stations.ts';

export interface Job {
  readonly task: 'start' | 'issue' | 'approve' | 'revoke';
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
  | { readonly event: 'signing'; readonly tbsSha256: string }
  | { readonly event: 'handed-out'; readonly certificateId: string; readonly der: string }
  | { readonly event: 'revoked'; readonly certificateId: string }
  | { readonly event: 'published'; readonly number: number }
  | { readonly event: 'done' };

const say = (line: Line): void => {
  writeSync(1, `${JSON.stringify(line)}\n`);
};

const [, , order = '', declared = ''] = process.argv;
const job = JSON.parse(order) as Job;
const { processId } = job;
const declarations = takeDeclarations(declared);
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
    const tbsSha256 = createHash('sha256').update(message).digest('hex');
    say({ event: 'signing', tbsSha256 });
  },
});

async function call(caller: number): Promise<void> {
  for (let count = 0; count < (job.requestsEach ?? 0); count += 1) {
    const csr = stationRequest(`SN-${processId}-${caller}-${count}`);
    const { certificateId, certificate } =
      job.task === 'approve'
        ? await approve(services, demoCpo, await askForStation(services, csr))
        : await enrolStation(services, csr);
    const der = Buffer.from(certificate.der).toString('base64');
    say({ event: 'handed-out', certificateId, der });
    if (job.task !== 'revoke') continue;
    const { issuerId } = await revoke(services, demoCpo, certificateId, 'superseded');
    say({ event: 'revoked', certificateId });
    await services.jobs.schedule(`crl:${issuerId}`, clock());
  }
}

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

const calls = () =>
  Promise.all(Array.from({ length: job.callers ?? 0 }, (_, caller) => call(caller)));
if (job.task === 'start') await start(services);
else if (job.task === 'issue' || job.task === 'approve') await calls();
else await doWhatIsDue(calls());
await database.close();
say({ event: 'done' });
