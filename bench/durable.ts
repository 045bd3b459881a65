/** Durable issuance through the whole service: one after the other against 32 in flight. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testBackends, testTime } from '../test/support/databases.ts';
import { demoDeclarations } from '../test/support/declarations.ts';
import { servicesOver, start } from '../test/support/services.ts';
import { enrolStation, stationRequest } from '../test/support/stations.ts';
import { median, report } from './measure.ts';

const IN_FLIGHT = 32;
const ROUNDS = 5;
const ONE_BY_ONE = 64;
const TOGETHER = 512;

for (const { name, open } of testBackends) {
  const dataDir = await mkdtemp(join(tmpdir(), 'evpki-bench-'));
  const opened = await open();
  try {
    const services = await servicesOver(opened.database, {
      declarations: demoDeclarations(),
      dataDir,
      vault: 'known',
      processId: 'process-1',
      clock: () => testTime,
    });
    await start(services);

    let count = 0;
    const requests = (howMany: number) =>
      Array.from({ length: howMany }, () => stationRequest(`SN-${count++}`));
    /** Milliseconds on the wall for each certificate. */
    const issue = async (howMany: number, inFlight: number): Promise<number> => {
      const left = requests(howMany);
      const before = performance.now();
      const caller = async () => {
        for (let csr = left.pop(); csr; csr = left.pop()) await enrolStation(services, csr);
      };
      await Promise.all(Array.from({ length: inFlight }, caller));
      return (performance.now() - before) / howMany;
    };

    await issue(TOGETHER, IN_FLIGHT);
    const samples = { alone: [] as number[], together: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      samples.alone.push(await issue(ONE_BY_ONE, 1));
      samples.together.push(await issue(TOGETHER, IN_FLIGHT));
    }
    const [alone, together] = [median(samples.alone), median(samples.together)];
    const hold = 'at least 3x, aim 5x';
    report(
      `one by one / ${IN_FLIGHT} in flight, ${name}`,
      `${(alone / together).toFixed(1)}x`,
      hold,
    );
    report(`  one by one, ${name}, wall`, `${alone.toFixed(2)} ms`, '');
    report(`  ${IN_FLIGHT} in flight, ${name}, wall`, `${together.toFixed(2)} ms`, '');
  } finally {
    await opened.remove();
    await rm(dataDir, { recursive: true });
  }
}
