/** An operator registers its stations, and nobody else sees them. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { newRequest } from '../support/requests.ts';

describe('stations', () => {
  let evpki: TestApp;
  let registrar: Record<string, string>;
  let stranger: Record<string, string>;

  beforeAll(async () => {
    evpki = await startTestApp();
    const tokenOf = async (organization: string, role: string) => ({
      authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
    });
    registrar = await tokenOf('demo-cpo', 'station-registrar');
    stranger = await tokenOf('demo-mo', 'cpo-operator');
  });
  afterAll(() => evpki?.close());

  const path = (id: string) => `/v1/stations/${encodeURIComponent(id)}`;
  const put = (id: string, station: unknown, as = registrar) =>
    evpki.call('PUT', path(id), station, as);
  const get = (id: string, as = registrar) => evpki.call('GET', path(id), undefined, as);

  const full = {
    serialNumber: 'S/N0123456789',
    seccId: 'DE*ICE*E45B*78C',
    evseIds: ['deicee45b78c', 'DE*ICE*E45B*78C', 'DE*ICE*E1'],
    certificateType: 'station',
    securityProfile: 3,
    chain: { includeRoot: true, maximumSize: 4000 },
  };

  test('a station is registered, found, replaced, and stays as it is', async () => {
    const created = await put('CS-1', full);
    expect(created.status, created.text).toBe(201);
    expect(created.json).toMatchObject({
      ...full,
      id: 'CS-1',
      organization: 'demo-cpo',
      evseIds: ['DE*ICE*E45B*78C', 'DE*ICE*E1'],
    });
    expect((await get('CS-1')).json).toEqual(created.json);
    const again = await put('CS-1', full);
    expect([again.status, again.json]).toEqual([200, created.json]);
    const less = await put('CS-1', { securityProfile: 0 });
    expect(less.status).toBe(200);
    expect(Object.keys(less.json).sort()).toEqual(
      ['createdAt', 'evseIds', 'id', 'organization', 'securityProfile'].sort(),
    );
    expect(less.json.createdAt).toBe(created.json.createdAt);
  });

  test.each(['CS*1', 'a@b', 'CS|2', 'x+y=z', '4711'])('an identity may be %s', async (id) => {
    expect((await put(id, {})).status).toBe(201);
    expect((await get(id)).json.id).toBe(id);
  });

  test('everything that is wrong is said at once', async () => {
    const answer = await put('CS 1', {
      serialNumber: 'station.example.com',
      seccId: '10.0.0.1',
      evseIds: ['DE*ICE*E1', 'nonsense'],
    });
    expect([answer.status, answer.json.code]).toEqual([400, 'request-malformed']);
    const fields = answer.json.violations.map(({ field }: { field: string }) => field);
    expect(fields).toEqual(['id', 'body.serialNumber', 'body.seccId', 'body.evseIds.1']);
  });

  test.each([
    ['an unknown member', { serial: 'x' }],
    ['a security profile of 4', { securityProfile: 4 }],
    ['another omitted type', { certificateType: 'V2GCertificate' }],
    ['an identity in the body', { id: 'CS-2' }],
    ['an unknown member of the chain policy', { chain: { root: true } }],
    ['a chain policy that is none', { chain: 'with-root' }],
    ['a size that is no whole number', { chain: { maximumSize: 600.5 } }],
  ])('%s is refused', async (_, station) => {
    expect((await put('CS-2', station)).status).toBe(400);
    expect((await get('CS-2')).status).toBe(404);
  });

  test.each([
    ['what shiv3 reports, which is a count', 4, /counts something else/],
    ['less than a certificate', 499, /counts something else/],
    ['more than OCPP carries', 10_001, /at most 10000 characters/],
  ])('a size of chains that is %s is refused', async (_, maximumSize, told) => {
    const answer = await put('CS-SIZE', { seccId: '10.0.0.1', chain: { maximumSize } });
    expect([answer.status, answer.json.code]).toEqual([400, 'request-malformed']);
    const [, size] = answer.json.violations;
    expect([size.field, size.message]).toEqual([
      'body.chain.maximumSize',
      expect.stringMatching(told),
    ]);
    expect((await get('CS-SIZE')).status).toBe(404);
  });

  test('a chain policy changes one by one, and one that says nothing is none', async () => {
    for (const [chain, kept] of [
      [{ includeRoot: true }, { includeRoot: true }],
      [
        { includeRoot: false, maximumSize: 500 },
        { includeRoot: false, maximumSize: 500 },
      ],
      [{}, undefined],
      [{ maximumSize: 10_000 }, { maximumSize: 10_000 }],
    ]) {
      expect([200, 201]).toContain((await put('CS-CHAIN', { chain })).status);
      expect((await get('CS-CHAIN')).json.chain).toEqual(kept);
    }
    const log = await evpki.call('GET', '/v1/audit?subject=CS-CHAIN');
    expect(log.json.items[0].details).toMatchObject({
      chainIncludesRoot: null,
      chainMaximumSize: 10_000,
    });
  });

  test('C7 one that is refused gets nothing at any door until it is allowed again', async () => {
    const details = { serialNumber: 'SN-STOLEN' };
    expect((await put('CS-STOLEN', details)).status).toBe(201);
    const csr = () => newRequest('CN=SN-STOLEN');
    const stationId = 'CS-STOLEN';
    const byRest = () =>
      evpki.call('POST', '/v1/certificates', {
        profile: 'ocpp-station',
        csr: csr(),
        station: stationId,
      });
    const byOcpp = () =>
      evpki.call('POST', '/v1/ocpp/sign-certificate', {
        organization: 'demo-cpo',
        ...{ stationId, csr: csr(), ocppVersion: '2.0.1' },
        certificateType: 'ChargingStationCertificate',
      });
    const before = await byRest();
    expect(before.status, before.text).toBe(201);

    const refused = await put('CS-STOLEN', { ...details, enrolment: 'refused' });
    expect([refused.status, refused.json.enrolment]).toEqual([200, 'refused']);
    const violations = [expect.objectContaining({ code: 'station-refused' })];
    expect((await byRest()).json).toMatchObject({ code: 'csr-refused', violations });
    expect((await byOcpp()).json).toMatchObject({ status: 'refused', violations });
    const renewal = `/v1/certificates/${before.json.id}/renewal`;
    const renewed = await evpki.call('POST', renewal, { csr: csr() });
    expect(renewed.json).toMatchObject({ code: 'csr-refused', violations });

    // As an inventory writes it again.
    expect((await put('CS-STOLEN', details)).json.enrolment).toBe('refused');
    expect((await byRest()).status).toBe(422);
    const log = await evpki.call('GET', '/v1/audit?subject=CS-STOLEN');
    expect(log.json.items[0].details).toMatchObject({ enrolment: 'refused' });
    const allowed = await put('CS-STOLEN', { ...details, enrolment: 'allowed' });
    expect(allowed.json).not.toHaveProperty('enrolment');
    expect((await byRest()).status).toBe(201);
  });

  test('C7 a name of another station is a conflict', async () => {
    expect((await put('CS-A', { serialNumber: 'SN-A' })).status).toBe(201);
    for (const [id, station] of [
      ['CS-B', { serialNumber: 'SN-A' }],
      ['CS-B', { seccId: 'CS-A' }],
      ['SN-A', {}],
    ] as const) {
      const answer = await put(id, station);
      expect([answer.status, answer.json.code], id).toEqual([409, 'conflict']);
    }
    expect((await put('CS-B', {})).status).toBe(201);
    expect((await put('CS-B', { serialNumber: 'SN-A' })).status).toBe(409);
    expect((await get('CS-B')).json.serialNumber).toBeUndefined();
  });

  test('A1 another organization has stations of its own, of the same identity too', async () => {
    await put('CS-SHARED', { serialNumber: 'OURS' });
    expect((await get('CS-SHARED', stranger)).status).toBe(404);
    expect((await put('CS-SHARED', { serialNumber: 'THEIRS' }, stranger)).status).toBe(201);
    expect((await get('CS-SHARED')).json.serialNumber).toBe('OURS');
    const list = await evpki.call('GET', '/v1/stations', undefined, stranger);
    expect(list.json.items.map(({ id }: { id: string }) => id)).toEqual(['CS-SHARED']);
    for (const method of ['GET', 'PUT']) {
      const body = method === 'PUT' ? {} : undefined;
      const named = `${path('CS-SHARED')}?organization=demo-cpo`;
      expect((await evpki.call(method, named, body, stranger)).status, method).toBe(404);
    }
    const named = '/v1/stations?organization=demo-cpo';
    expect((await evpki.call('GET', named, undefined, stranger)).status).toBe(404);
  });

  test('whoever runs evpki sees all, and says whose station is meant', async () => {
    const all = await evpki.call('GET', '/v1/stations?limit=200');
    const owners = all.json.items.map(({ organization }: { organization: string }) => organization);
    expect(new Set(owners)).toEqual(new Set(['demo-cpo', 'demo-mo']));
    expect((await evpki.call('PUT', path('CS-1'), {})).status).toBe(400);
    const named = `${path('CS-BY-SUPER')}?organization=demo-cpo`;
    expect((await evpki.call('PUT', named, {})).status).toBe(201);
    expect((await get('CS-BY-SUPER')).json.organization).toBe('demo-cpo');
    const nowhere = `${path('CS-BY-SUPER')}?organization=no-such`;
    expect((await evpki.call('GET', nowhere)).status).toBe(404);
  });

  test('pages are walked to the end', async () => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await evpki.call('GET', `/v1/stations?limit=3${cursor}`, undefined, registrar);
      seen.push(...page.json.items.map(({ id }: { id: string }) => id));
      cursor = page.json.nextCursor ? `&cursor=${encodeURIComponent(page.json.nextCursor)}` : '';
    } while (cursor !== '');
    const all = await evpki.call('GET', '/v1/stations?limit=200', undefined, registrar);
    expect(seen).toEqual(all.json.items.map(({ id }: { id: string }) => id));
    expect(seen.length).toBeGreaterThan(6);
    const made = await evpki.call('GET', '/v1/stations?cursor=bm9wZQ', undefined, registrar);
    expect([made.status, made.json.code]).toEqual([400, 'request-malformed']);
  });

  test.each([
    ['csms', 200, 403],
    ['read-only', 200, 403],
    ['cpo-operator', 200, 200],
  ])('%s reads with %i and writes with %i', async (role, reading, writing) => {
    const as = { authorization: `Bearer ${await evpki.tokenOf('demo-cpo', [role])}` };
    const before = (await get('CS-1')).json;
    expect((await get('CS-1', as)).status).toBe(reading);
    expect((await put('CS-1', { securityProfile: 0 }, as)).status).toBe(writing);
    expect((await get('CS-1')).json).toEqual(before);
  });
});
