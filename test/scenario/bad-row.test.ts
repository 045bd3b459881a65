/** Callers who share a transaction share neither mistakes nor bad luck. */

import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/storage/database.ts';
import { brokenPromises } from '../support/broken-promises.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { preparedBackends } from '../support/prepared-databases.ts';
import { servicesOver, start } from '../support/services.ts';
import { enrolStation, stationRequest } from '../support/stations.ts';

const CALLERS = 9;
const UNLUCKY = 4;

describe.each(preparedBackends)('issuing in batches on $name', ({ empty }) => {
  test('a row that the database refuses fails only its own caller', async () => {
    const { url, dataDir, remove } = await empty();
    const processId = 'process-1';
    // It stands still: that of a busy machine would have to be noted in between.
    const at = new Date();
    const clock = () => at;
    const database = await openDatabase(url, { clock, processId });
    try {
      const declarations = demoDeclarations();
      const options = { declarations, dataDir, vault: 'known', processId, clock } as const;
      const services = await servicesOver(database, options);
      await start(services);

      // Ids take 15 random octets: who draws those of an earlier certificate gets its row's id.
      const drawn: Uint8Array[] = [];
      const remembering = (count: number) => {
        const octets = services.random(count);
        if (count === 15) drawn.push(octets);
        return octets;
      };
      const first = await enrolStation(
        { ...services, random: remembering },
        stationRequest('SN-FIRST'),
      );
      const repeating = (count: number) =>
        (count === 15 ? drawn.shift() : undefined) ?? services.random(count);

      // What comes while a transaction runs shares the next one: this one runs until all have come.
      let come = 0;
      let all = () => {};
      const haveCome = new Promise<void>((resolve) => {
        all = resolve;
      });
      const holding = database.write(() => haveCome);
      const coming: typeof services = {
        ...services,
        store: {
          ...services.store,
          recordPending: (command) => {
            come += 1;
            if (come === CALLERS) all();
            return services.store.recordPending(command);
          },
        },
      };

      const before = database.counters;
      const settled = await Promise.allSettled(
        Array.from({ length: CALLERS }, (_, caller) =>
          enrolStation(
            caller === UNLUCKY ? { ...coming, random: repeating } : coming,
            stationRequest(`SN-${caller}`),
          ),
        ),
      );
      await holding;
      const rejected = settled.flatMap(({ status }, caller) =>
        status === 'rejected' ? [caller] : [],
      );
      expect(rejected).toEqual([UNLUCKY]);
      expect(settled[UNLUCKY]).toMatchObject({
        reason: { message: expect.stringMatching(/unique/i) },
      });
      // The one batch, and the row when it was alone.
      expect(database.counters.rollbacks - before.rollbacks).toBe(2);

      const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(answers).toHaveLength(CALLERS - 1);
      const handedOut = [first, ...answers].map(({ certificateId, certificate }) => ({
        certificateId,
        der: certificate.der,
      }));
      expect(await brokenPromises(database, { handedOut })).toEqual([]);
      expect(await services.store.abandonExpired(new Date(Date.now() + 120_000))).toBe(0);
    } finally {
      await database.close();
      await remove();
    }
  });
});
