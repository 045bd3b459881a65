/**
 * A process of its own that starts evpki's services over a database or issues certificates, and
 * may be told where to die. It writes a line for `ready`, one for everything that it is about
 * to sign, one for every certificate that was handed out, and `done`; synchronously, so that what a line says is known to others.
 */

import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openDatabase } from '../../src/storage/database.ts';
import { takeDeclarations } from './declarations.ts';
import { decorateFiles, type Fault, passing } from './faults.ts';
import { servicesOver, start, type VaultKind } from './services.ts';
import { enrolStation, stationRequest } from './stations.ts';

export interface Job {
  readonly task: 'start' | 'issue';
  readonly databaseUrl: string;
  readonly dataDir: string;
  readonly processId: string;
  readonly vault: VaultKind;
  /** Where to die; the process ends by itself without. */
  readonly fault?: Fault;
  /** How many callers there are at a time, and how many requests each of them sends. */
  readonly callers?: number;
  readonly requestsEach?: number;
}

export type Line =
  | { readonly event: 'ready' }
  | { readonly event: 'signing'; readonly tbsSha256: string }
  | { readonly event: 'handed-out'; readonly certificateId: string; readonly der: string }
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

const database = await openDatabase(job.databaseUrl, { clock: () => new Date(), processId });
const services = await servicesOver(database, {
  ...job,
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
    const { certificateId, certificate } = await enrolStation(services, csr);
    const der = Buffer.from(certificate.der).toString('base64');
    say({ event: 'handed-out', certificateId, der });
  }
}

if (job.task === 'start') await start(services);
else await Promise.all(Array.from({ length: job.callers ?? 0 }, (_, caller) => call(caller)));
await database.close();
say({ event: 'done' });
