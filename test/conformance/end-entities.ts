/** Chargers that register themselves at once, through the service: nothing of what they say is lost. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AccessPolicy } from '../../src/services/access-policy.ts';
import { registerEndEntity } from '../../src/services/end-entities.ts';
import { auditStore } from '../../src/storage/audit.ts';
import type { Database } from '../../src/storage/database.ts';
import { organizationStore } from '../../src/storage/organizations.ts';
import { stationStore } from '../../src/storage/stations.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { audit, newOrganization } from './fixtures.ts';

export const endEntitiesConform = (name: string, open: OpenTestDatabase) =>
  describe(`end entities on ${name}`, () => {
    let opened: TestDatabase;
    /** Of two processes where there can be two. */
    let databases: [Database, Database];
    beforeAll(async () => {
      opened = await open();
      const { database } = opened;
      const other = name === 'PostgreSQL' ? await opened.open('process-2') : database;
      databases = [database, other];
    });
    afterAll(() => opened.remove());

    const access = { roles: new Map() } as unknown as AccessPolicy;
    const parts = (database: Database) => ({
      ...{ stations: stationStore(database), organizations: organizationStore(database), access },
      clock: () => testTime,
    });
    const register = (organizationId: string, at: number, commonName: string, evseIds: string[]) =>
      registerEndEntity(
        parts(databases[at % 2] ?? opened.database),
        { actor: 'client:test', organizationId, roles: [] },
        { commonName, evseIds },
      );
    const stations = async (organizationId: string) => {
      const page = { limit: 100 };
      return (await stationStore(opened.database).listStations({ organizationId }, page)).items;
    };
    const audited = async (organizationId: string) => {
      const streams = ['process-1', 'process-2'];
      const read = (stream: string) => auditStore(opened.database).readStream(stream, 0, 100_000);
      const entries = (await Promise.all(streams.map(read))).flat();
      return entries
        .filter((entry) => entry.organizationId === organizationId)
        .map(({ action }) => action)
        .sort();
    };

    test('P10 one that is registered many times at once has all EVSE ids, and is one station', async () => {
      for (let round = 0; round < 2; round += 1) {
        const organizationId = await newOrganization(opened.database);
        // The same name in other spellings.
        const names = ['DE*ICE*E1', 'deicee1', 'DEICEE1', 'de*ice*e1'];
        const evses = Array.from({ length: 8 }, (_, n) => `DE*ICE*E1*${n + 1}`);
        await Promise.all(
          evses.map((evse, n) =>
            register(organizationId, n, names[n % names.length] ?? '', [evse]),
          ),
        );
        const [station, ...others] = await stations(organizationId);
        expect(others).toEqual([]);
        expect(station?.evseIds.toSorted()).toEqual(['DE*ICE*E1', ...evses]);
        expect(await audited(organizationId)).toEqual([
          ...Array(7).fill('station.changed'),
          'station.registered',
        ]);
      }
    });

    test('P10 what an operator registers meanwhile stays', async () => {
      const organizationId = await newOrganization(opened.database);
      const station = { id: 'CS-1', organizationId, seccId: 'DE*ICE*E2', createdAt: testTime };
      const store = stationStore(opened.database);
      const entry = audit(organizationId, 'station.registered', station.id);
      await store.registerStation({ station: { ...station, evseIds: [] }, audit: entry });
      const evses = Array.from({ length: 4 }, (_, n) => `DE*ICE*E2*${n + 1}`);
      await Promise.all([
        ...evses.map((evse, n) => register(organizationId, n, 'DE*ICE*E2', [evse])),
        store.changeStation({
          station: { ...station, serialNumber: 'SN1', evseIds: ['DE*ICE*E2*9'] },
          audit: audit(organizationId, 'station.changed', station.id),
        }),
      ]);
      const found = await store.findStation(organizationId, 'CS-1');
      expect(found).toMatchObject({ serialNumber: 'SN1', seccId: 'DE*ICE*E2' });
      // What was there when the operator replaced it is gone; what came after is not.
      expect(found?.evseIds).toContain('DE*ICE*E2*9');
      expect((await stations(organizationId)).length).toBe(1);
    });
  });
