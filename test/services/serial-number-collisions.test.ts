/** What becomes of a request whose serial numbers are all taken. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { IssuingParts } from '../../src/services/issuing.ts';
import { type TestDatabase, testBackends } from '../support/databases.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { type Services, servicesOver, start } from '../support/services.ts';
import { enrolStation, stationRequest } from '../support/stations.ts';

const [sqlite] = testBackends;
let dataDir: string;
let opened: TestDatabase;
let services: Services;

beforeAll(async () => {
  if (!sqlite) throw new Error('there is no SQLite');
  dataDir = await mkdtemp(join(tmpdir(), 'evpki-collisions-'));
  opened = await sqlite.open();
  services = await servicesOver(opened.database, {
    ...{ declarations: demoDeclarations(), dataDir, vault: 'known', processId: 'process-1' },
  });
  await start(services);
});
afterAll(async () => {
  await opened?.remove();
  await rm(dataDir, { recursive: true });
});

/** The store says of the first serial numbers that they are taken, and keeps those it was asked for. */
function colliding(times: number): {
  readonly store: IssuingParts['store'];
  readonly drawn: string[];
} {
  const drawn: string[] = [];
  const store: IssuingParts['store'] = {
    ...services.store,
    recordPending: async (pending) => {
      drawn.push(pending.certificate.serial);
      return drawn.length <= times
        ? { outcome: 'serial-taken' }
        : services.store.recordPending(pending);
    },
  };
  return { store, drawn };
}

test('S2 a serial number that is taken is drawn again', async () => {
  const { store, drawn } = colliding(2);
  await enrolStation({ ...services, store }, stationRequest('SN-COLLIDED'));
  expect(new Set(drawn).size).toBe(3);
});

test('S2 after three the request fails, and nothing is issued', async () => {
  const { store, drawn } = colliding(Number.POSITIVE_INFINITY);
  const request = stationRequest('SN-NEVER');
  await expect(enrolStation({ ...services, store }, request)).rejects.toThrow(
    'drew 3 serial numbers that were taken',
  );
  expect(new Set(drawn).size).toBe(3);
  // It can be asked for again.
  expect((await enrolStation(services, request)).outcome).toBe('issued');
});
