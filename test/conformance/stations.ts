import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InvalidCursor } from '../../src/services/pages.ts';
import type { Station, StationEnrolment } from '../../src/services/station-records.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { stationStore } from '../../src/storage/stations.ts';
import { type OpenTestDatabase, type TestDatabase, testTime } from '../support/databases.ts';
import { activeAuthority, audit, issue, newId, newOrganization, seconds } from './fixtures.ts';

export const stationsConform = (name: string, open: OpenTestDatabase) =>
  describe(`stations on ${name}`, () => {
    let opened: TestDatabase;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.remove());

    const store = () => stationStore(opened.database);
    const newStation = (organizationId: string, change: Partial<Station> = {}): Station => ({
      id: newId('CS'),
      organizationId,
      evseIds: [],
      createdAt: testTime,
      ...change,
    });
    const command = (station: Station, action = 'station.registered') => ({
      station,
      audit: audit(station.organizationId, action, station.id),
    });
    const register = (station: Station) => store().registerStation(command(station));
    const change = (station: Station, enrolment?: StationEnrolment) =>
      store().changeStation({ ...command(station, 'station.changed'), enrolment });
    const audited = async (station: Station) => {
      const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
      return entries.filter(({ subject }) => subject === station.id).map(({ action }) => action);
    };

    test('a station comes back as it was registered, and as it was changed', async () => {
      const station = newStation(await newOrganization(opened.database), {
        serialNumber: 'S/N0123456789',
        seccId: 'DE*ABC*E1',
        evseIds: ['DE*ABC*E1', 'DE*ABC*E2'],
        certificateType: 'station',
        securityProfile: 3,
        chain: { includeRoot: true, maximumSize: 4_000 },
        lastSeenAt: seconds(1),
      });
      expect(await register(station)).toBe('registered');
      expect(await store().findStation(station.organizationId, station.id)).toEqual(station);
      const { id, organizationId, createdAt, lastSeenAt } = station;
      const bare = { id, organizationId, evseIds: [], createdAt: seconds(99), securityProfile: 0 };
      expect(await change(bare as Station)).toBe('changed');
      expect(await store().findStation(organizationId, id)).toEqual({
        ...bare,
        createdAt,
        lastSeenAt,
      });
      expect(await audited(station)).toEqual(['station.registered', 'station.changed']);
    });

    test('its enrolment changes where that is said, and not by the rest', async () => {
      const allowed = newStation(await newOrganization(opened.database), { serialNumber: 'SN-1' });
      const found = () => store().findStation(allowed.organizationId, allowed.id);
      await register(allowed);
      expect(await found()).toEqual(allowed);
      expect(await change(allowed, 'refused')).toBe('changed');
      const refused = { ...allowed, enrolment: 'refused' } as const;
      expect(await found()).toEqual(refused);
      // As somebody writes it who knows nothing of that.
      expect(await change({ ...allowed, seccId: 'S-1' })).toBe('changed');
      expect(await found()).toEqual({ ...refused, seccId: 'S-1' });
      expect(await change(allowed, 'allowed')).toBe('changed');
      expect(await found()).toEqual(allowed);
      const born = newStation(allowed.organizationId, { enrolment: 'refused' });
      await register(born);
      expect(await store().findStation(born.organizationId, born.id)).toEqual(born);
    });

    test.each<Station['chain']>([
      { includeRoot: true },
      { includeRoot: false },
      { maximumSize: 500 },
      { includeRoot: false, maximumSize: 10_000 },
    ])('a chain policy comes back as it was: %o', async (chain) => {
      const station = newStation(await newOrganization(opened.database), chain ? { chain } : {});
      expect(await register(station)).toBe('registered');
      expect(await store().findStation(station.organizationId, station.id)).toEqual(station);
      const { chain: _, ...without } = station;
      expect(await change(without)).toBe('changed');
      expect(await store().findStation(station.organizationId, station.id)).toEqual(without);
    });

    test('two organizations may have stations of one identity and one serial number', async () => {
      const first = newStation(await newOrganization(opened.database), { serialNumber: 'SN' });
      const second = { ...first, organizationId: await newOrganization(opened.database) };
      expect(await register(first)).toBe('registered');
      expect(await register(second)).toBe('registered');
      expect(await change({ ...second, serialNumber: 'SN-2' })).toBe('changed');
      expect(await store().findStation(first.organizationId, first.id)).toEqual(first);
    });

    test('a station is registered once, and changed only where it is', async () => {
      const station = newStation(await newOrganization(opened.database));
      expect(await change(station)).toBe('missing');
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => register(station)));
      expect(outcomes.filter((outcome) => outcome === 'registered')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'exists')).toHaveLength(19);
      expect(await audited(station)).toEqual(['station.registered']);
    });

    test.each<[string, Partial<Station>, Partial<Station>]>([
      ['serial number', { serialNumber: 'SN-1' }, { serialNumber: 'SN-1' }],
      ['SECC id', { seccId: 'SECC-1' }, { seccId: 'SECC-1' }],
      ['identity as its serial number', { id: 'CS-A' }, { serialNumber: 'CS-A' }],
      ['serial number as its identity', { serialNumber: 'CS-B' }, { id: 'CS-B' }],
      ['identity in another case', { id: 'CS-Case' }, { id: 'cs-cASE' }],
      ['serial number in another case', { serialNumber: 'SN-Case' }, { serialNumber: 'sn-cASE' }],
      ['serial number as its SECC id', { serialNumber: 'X-1' }, { seccId: 'X-1' }],
    ])('C7 no station takes the %s of another', async (_, first, second) => {
      const organizationId = await newOrganization(opened.database);
      await register(newStation(organizationId, first));
      const thief = newStation(organizationId, second);
      expect(await register(thief)).toBe('name-taken');
      expect(await store().findStation(organizationId, thief.id)).toBeUndefined();
      expect(await audited(thief)).toEqual([]);
    });

    test('C7 of 20 concurrent stations with one serial number one is registered', async () => {
      const organizationId = await newOrganization(opened.database);
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () =>
          register(newStation(organizationId, { serialNumber: 'SN-RUSH' })),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'registered')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'name-taken')).toHaveLength(19);
    });

    test('C7 a change takes no name either, and changes nothing then', async () => {
      const organizationId = await newOrganization(opened.database);
      await register(newStation(organizationId, { serialNumber: 'SN-MINE' }));
      const other = newStation(organizationId, { serialNumber: 'SN-OTHER' });
      await register(other);
      expect(await change({ ...other, serialNumber: 'SN-MINE' })).toBe('name-taken');
      expect(await store().findStation(organizationId, other.id)).toEqual(other);
      expect(await change({ ...other, seccId: 'SN-OTHER' })).toBe('changed');
    });

    test('a change of what somebody has seen is none when that is not so any more', async () => {
      const organizationId = await newOrganization(opened.database);
      const station = newStation(organizationId, { evseIds: ['DE*ABC*E1'], chain: {} });
      const { chain: _, ...before } = station;
      await register(before);
      await store().recordSeen(organizationId, station.id, seconds(9));
      const from = await store().findStation(organizationId, station.id);
      if (!from) throw new Error('missing');
      const changed = (evse: string, change: Partial<Station> = {}) =>
        store().changeStation({
          ...command({ ...before, evseIds: [...from.evseIds, evse], ...change }, 'station.changed'),
          from,
        });
      const outcomes = await Promise.all([changed('DE*ABC*E2'), changed('DE*ABC*E3')]);
      expect(outcomes.sort()).toEqual(['changed', 'stale']);
      expect(await changed('DE*ABC*E4')).toBe('stale');
      const found = await store().findStation(organizationId, station.id);
      expect(found?.evseIds).toHaveLength(2);
      expect(await audited(station)).toEqual(['station.registered', 'station.changed']);
      // That it was seen meanwhile changes nothing of it.
      await store().recordSeen(organizationId, station.id, seconds(99));
      if (!found) throw new Error('missing');
      const again = { ...command({ ...found, evseIds: [] }, 'station.changed'), from: found };
      expect(await store().changeStation(again)).toBe('changed');
    });

    test('of stations that are registered by one name at once one is', async () => {
      const organizationId = await newOrganization(opened.database);
      const by = (spelling: string, id: string | undefined = undefined) =>
        store().registerStation({
          ...command(newStation(organizationId, { evseIds: ['DE*ABC*E7'] })),
          seen: { name: spelling, id },
        });
      const spellings = ['DE*ABC*E7', 'deabce7', 'DEABCE7', 'de*abc*e7'];
      const outcomes = await Promise.all(spellings.map((spelling) => by(spelling)));
      expect(outcomes.sort()).toEqual(['exists', 'exists', 'exists', 'registered']);
      const named = await store().findStationNamed(organizationId, 'DEABCE7');
      expect(await by('DEABCE7', 'another')).toBe('exists');
      expect(await by('DEABCE7', named?.id)).toBe('registered');
    });

    test('when it was seen is noted, of this station only', async () => {
      const station = newStation(await newOrganization(opened.database));
      const twin = { ...station, organizationId: await newOrganization(opened.database) };
      await register(station);
      await register(twin);
      await store().recordSeen(station.organizationId, station.id, seconds(5));
      const found = await store().findStation(station.organizationId, station.id);
      expect(found?.lastSeenAt).toEqual(seconds(5));
      expect(await store().findStation(twin.organizationId, twin.id)).toEqual(twin);
    });

    test('pages are complete, newest first, and keep to the organization', async () => {
      const organizationId = await newOrganization(opened.database);
      const other = await newOrganization(opened.database);
      const ids: string[] = [];
      for (let index = 0; index < 7; index++) {
        // Pairs of one moment, and a twin of each elsewhere.
        const createdAt = seconds(Math.floor(index / 2));
        const station = newStation(organizationId, { createdAt });
        await register(station);
        await register({ ...station, organizationId: other });
        ids.unshift(station.id);
      }
      const walk = async (filter: { organizationId?: string }) => {
        const items: Station[] = [];
        let cursor: string | undefined;
        do {
          const page = await store().listStations(filter, {
            limit: 3,
            ...(cursor === undefined ? {} : { cursor }),
          });
          expect(page.items.length).toBeLessThanOrEqual(3);
          items.push(...page.items);
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        return items;
      };
      expect((await walk({ organizationId })).map(({ id }) => id)).toEqual(ids);
      const everywhere = await walk({});
      const keys = everywhere.map((one) => `${one.organizationId}/${one.id}`);
      expect(new Set(keys).size).toBe(keys.length);
      for (const id of ids) {
        expect(keys).toContain(`${organizationId}/${id}`);
        expect(keys).toContain(`${other}/${id}`);
      }
    });

    test.each([
      'nonsense',
      Buffer.from('2026-11-22T10:00:00.000Z only-one-part').toString('base64url'),
      Buffer.from('2026-11-22T10:00:00.000Z a/b/c').toString('base64url'),
    ])('W2: a cursor that was made up is refused: %s', async (cursor) => {
      await expect(store().listStations({}, { limit: 1, cursor })).rejects.toThrow(InvalidCursor);
    });

    test('C7 a name is that of another by registration, or by a certificate in force', async () => {
      const { organizationId, issuerId } = await activeAuthority(opened.database);
      const mine = newStation(organizationId, { serialNumber: 'SN-A' });
      const other = newStation(organizationId, { serialNumber: 'SN-B', seccId: 'SECC-B' });
      await register(mine);
      await register(other);
      const ask = (names: string[], now = testTime, organization = organizationId) =>
        store().isNameOfOther({ organizationId: organization, stationId: mine.id, names, now });
      expect(await ask([])).toBe(false);
      expect(await ask(['SN-A', mine.id, 'SN-C'])).toBe(false);
      for (const name of ['SN-B', 'sn-b', 'SECC-B', other.id, other.id.toLowerCase()]) {
        expect(await ask(['SN-A', name]), name).toBe(true);
      }

      const certify = (subject: string, stationId?: string) =>
        issue(opened.database, organizationId, issuerId, {
          certificate: { subject, ...(stationId === undefined ? {} : { stationId }) },
        });
      await certify('CN=own', mine.id);
      await certify('CN=of-other', other.id);
      await certify('CN=of-none');
      await certify('CN=renamed since,O=Former Name,C=DE', other.id);
      await certify('O=of-no-common-name', other.id);
      expect(await ask(['own', 'of-nobody', 'of-no-common-name', 'Former Name'])).toBe(false);
      expect(await ask(['of-none'])).toBe(true);
      expect(await ask(['own', 'of-other'])).toBe(true);
      for (const name of ['OF-OTHER', 'Renamed Since', 'renamed  since ', 'ｏｆ-other']) {
        expect(await ask([name]), name).toBe(true);
      }
      expect(await ask(['of-other'], seconds(3601))).toBe(false);
      const elsewhere = await newOrganization(opened.database);
      expect(await ask(['SN-B', 'of-other'], testTime, elsewhere)).toBe(false);
    });

    test('C7 a name belongs to one station, by every name and EVSE id that is registered', async () => {
      const organizationId = await newOrganization(opened.database);
      const station = newStation(organizationId, {
        serialNumber: 'S/N-1',
        seccId: 'SECC-1',
        evseIds: ['DE*ICE*E1', 'DE*ICE*E2'],
      });
      const other = newStation(organizationId, { serialNumber: 'S/N-2', evseIds: ['DE*ICE*E2'] });
      await register(station);
      await register(other);
      const named = async (name: string, organization = organizationId) =>
        (await store().findStationNamed(organization, name))?.id;
      for (const name of [station.id, 'S/N-1', 's/n-1', 'secc-1', 'DE*ICE*E1', 'deicee1']) {
        expect(await named(name), name).toBe(station.id);
      }
      // Two stations that share an EVSE are not told apart by it.
      expect(await named('DE*ICE*E2')).toBeUndefined();
      expect(await named('DE*ICE*E3')).toBeUndefined();
      expect(await named('S/N-1', await newOrganization(opened.database))).toBeUndefined();

      await change({ ...other, evseIds: ['DE*ICE*E3'] });
      expect(await named('DE*ICE*E2')).toBe(station.id);
      expect(await named('DE*ICE*E3')).toBe(other.id);
      // A registered name is more than an EVSE of somebody else.
      await change({ ...other, evseIds: [], seccId: 'DE*ICE*E1' });
      expect(await named('DE*ICE*E1')).toBe(other.id);
    });
  });
