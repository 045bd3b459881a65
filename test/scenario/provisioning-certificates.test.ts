/** A maker registers its vehicles with a whole service; mobility operators look them up. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Maker, newMaker, pemOf } from '../support/makers.ts';
import { newCaller, trustAsTwo } from '../support/second-person.ts';
import { stationRequest } from '../support/stations.ts';

const PATH = '/v1/provisioning-certificates';
type Headers = Record<string, string>;

const bearer = async (evpki: TestApp, organization: string, role: string): Promise<Headers> => ({
  authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
});

/** Has the demo maker certify a vehicle of its own. */
async function issueVehicle(evpki: TestApp, pcid: string, more: object = {}) {
  const answer = await evpki.call('POST', '/v1/certificates', {
    ...{ profile: 'iso15118-2-oem-provisioning', authority: 'oem-sub-ca-2', ...more },
    csr: toPem('CERTIFICATE REQUEST', stationRequest(pcid)),
  });
  expect(answer.status, answer.text).toBe(201);
  const [certificate, ...chain] = (answer.json.certificateChain as string).split(
    /(?<=-----END CERTIFICATE-----\n)/,
  );
  return { id: answer.json.id as string, body: { certificate, chain: chain.join('') } };
}

describe('provisioning certificates', () => {
  let evpki: TestApp;
  let oem: Headers;
  let mo: Headers;
  let auditor: Headers;
  let stranger: Headers;
  /** A maker that runs its own authorities; evpki knows its root. */
  let outside: Maker;

  beforeAll(async () => {
    evpki = await startTestApp();
    oem = await bearer(evpki, 'demo-oem', 'oem');
    mo = await bearer(evpki, 'demo-mo', 'emsp-operator');
    auditor = await bearer(evpki, 'demo-oem', 'auditor');
    const other = { id: 'other-oem', name: 'Other OEM', roles: ['oem'], wmis: ['dem', 'OTH'] };
    expect((await evpki.call('POST', '/v1/organizations', other)).status).toBe(201);
    stranger = await bearer(evpki, 'other-oem', 'oem');
    outside = newMaker();
    const two = [await newCaller(evpki), await newCaller(evpki)] as const;
    for (const organization of ['demo-oem', 'other-oem']) {
      const anchor = { organization, certificate: pemOf(outside.root) };
      const imported = await evpki.call('POST', '/v1/trust-anchors', anchor);
      expect(imported.status, imported.text).toBe(201);
      await trustAsTwo(two, imported.json.id, ['oem-provisioning']);
    }
  });
  afterAll(() => evpki?.close());

  let vehicles = 0;
  const newPcid = (wmi = 'DEM') => `${wmi}P${String(++vehicles).padStart(13, '0')}`;
  const register = (body: unknown, as = oem) => evpki.call('POST', PATH, body, as);
  const get = (path: string, as = oem) => evpki.call('GET', `${PATH}${path}`, undefined, as);
  const remove = (id: string, as = oem) => evpki.call('DELETE', `${PATH}/${id}`, undefined, as);
  const fromOutside = (pcid: string, changes = {}) => ({
    certificate: pemOf(outside.vehicle(pcid, changes)),
    chain: outside.subCas.map((one) => pemOf(one)),
  });
  const codesOf = ({ json }: { json: { violations: { code: string }[] } }) =>
    json.violations.map(({ code }) => code);

  test('one that evpki has issued is registered, found, and stays as it is', async () => {
    const pcid = newPcid();
    const { body } = await issueVehicle(evpki, pcid);
    const made = await register(body);
    expect(made.status, made.text).toBe(201);
    expect(made.headers.location).toBe(`${PATH}/${made.json.id}`);
    expect(made.json).toMatchObject({
      ...{ organization: 'demo-oem', pcid, standard: 'iso15118-2', state: 'registered' },
      certificateChain: body.certificate + body.chain,
    });
    expect((await get(`/${made.json.id}`)).json).toEqual(made.json);
    expect((await get(`/${made.json.id}`, auditor)).json).toEqual(made.json);
    const again = await register(body);
    expect([again.status, again.json]).toEqual([200, made.json]);
    const { certificateChain: _, ...listed } = made.json;
    expect((await get(`?pcid=${pcid.toLowerCase()}`)).json).toEqual({ items: [listed] });
    // Its own authorities evpki knows without being told.
    const { body: bare } = await issueVehicle(evpki, newPcid());
    expect((await register({ certificate: bare.certificate })).status).toBe(201);
  });

  test('one from outside is, below a root that is trusted for vehicles', async () => {
    const body = fromOutside(newPcid());
    const made = await register(body);
    expect(made.status, made.text).toBe(201);
    expect(made.json.certificateChain).toBe(body.certificate + pemOf(...outside.subCas));
  });

  test('another one takes its place; deleted, nothing is left to find', async () => {
    const pcid = newPcid();
    const first = await register(fromOutside(pcid));
    const second = await register(fromOutside(pcid));
    expect([second.status, second.json.replaces]).toEqual([201, first.json.id]);
    const old = await get(`/${first.json.id}`);
    expect(old.json).toMatchObject({ state: 'replaced', endedAt: expect.any(String) });
    expect((await remove(first.json.id)).json.code).toBe('conflict');

    const { json: vehicle } = await get(`/lookup/${pcid}`, mo);
    expect(vehicle).toEqual({
      pcid,
      keys: [
        { standard: 'iso15118-2', publicKey: expect.stringMatching(/^-----BEGIN PUBLIC KEY/) },
      ],
    });

    const deleted = await remove(second.json.id);
    expect([deleted.status, deleted.json.state]).toEqual([200, 'deleted']);
    expect((await remove(second.json.id)).json).toEqual(deleted.json);
    expect((await get(`/lookup/${pcid}`, mo)).status).toBe(404);
    expect((await get(`?pcid=${pcid}`)).json).toEqual({ items: [] });
    const history = ['replaced', 'deleted'].map(async (state) => {
      const { json } = await get(`?pcid=${pcid}&state=${state}`);
      return json.items.map(({ id }: { id: string }) => id);
    });
    expect(await Promise.all(history)).toEqual([[first.json.id], [second.json.id]]);

    const log = await evpki.call('GET', `/v1/audit?organization=demo-oem&limit=200`);
    const entries = (log.json.items as { action: string; subject: string; actor: string }[])
      .filter(({ subject }) => [first.json.id, second.json.id, pcid].includes(subject))
      .map(({ action, subject }) => [action, subject]);
    expect(entries.reverse()).toEqual([
      ['provisioning-certificate.registered', first.json.id],
      ['provisioning-certificate.replaced', first.json.id],
      ['provisioning-certificate.registered', second.json.id],
      ['vehicle.looked-up', pcid],
      ['provisioning-certificate.deleted', second.json.id],
    ]);
    const theirs = await evpki.call('GET', `/v1/audit?organization=demo-mo&subject=${pcid}`);
    expect(theirs.json.items).toMatchObject([{ action: 'vehicle.looked-up' }]);
  });

  test('W8 those of another organization do not exist; its PCIDs are taken', async () => {
    const pcid = newPcid();
    const { id } = (await register(fromOutside(pcid))).json;
    const [hidden, missing] = [await get(`/${id}`, stranger), await get('/pcp_none', stranger)];
    expect([hidden.status, missing.status]).toEqual([404, 404]);
    expect(hidden.json.detail.replace(id, 'pcp_none')).toBe(missing.json.detail);
    expect((await remove(id, stranger)).status).toBe(404);
    expect((await get('', stranger)).json).toEqual({ items: [] });
    expect((await get('?organization=demo-oem', stranger)).status).toBe(404);
    const named = `${PATH}?organization=demo-oem`;
    const body = fromOutside(newPcid());
    expect((await evpki.call('POST', named, body, stranger)).status).toBe(404);
    const taken = await register(fromOutside(pcid), stranger);
    expect([taken.status, taken.json.code]).toEqual([409, 'conflict']);
    expect(taken.text).not.toContain('demo-oem');
    expect((await get(`/${id}`)).json.state).toBe('registered');
  });

  test('every reason is said at once', async () => {
    const unknown = newMaker();
    const answer = await register({
      certificate: pemOf(unknown.vehicle('FRNP1234567890123', { algorithm: 'P-384' })),
      chain: [pemOf(...unknown.subCas), 'nonsense'],
      x448PublicKey: 'AAAA',
    });
    expect([answer.status, answer.json.code]).toEqual([422, 'provisioning-certificate-refused']);
    expect(codesOf(answer)).toEqual(
      expect.arrayContaining([
        ...['chain-unreadable', 'x448-key-invalid', 'wmi-not-allowed', 'key-type'],
        'path-not-found',
      ]),
    );
  });

  test.each<[string, () => object, string]>([
    ['a WMI of others', () => fromOutside('FRNP1234567890123'), 'wmi-not-allowed'],
    ['a key for P-384', () => fromOutside(newPcid(), { algorithm: 'P-384' }), 'key-type'],
    [
      'a time that is over',
      () => fromOutside(newPcid(), { notAfter: new Date('2026-02-01T00:00:00Z') }),
      'expired',
    ],
    [
      'an unknown root',
      () => {
        const unknown = newMaker();
        const chain = pemOf(...unknown.subCas, unknown.root);
        return { certificate: pemOf(unknown.vehicle(newPcid())), chain };
      },
      'path-not-found',
    ],
  ])('one with %s is refused, and nothing is left of it', async (_what, make, code) => {
    const before = (await get('?limit=200')).json.items.length;
    const answer = await register(make());
    expect([answer.status, codesOf(answer)], answer.text).toEqual([422, [code]]);
    expect((await get('?limit=200')).json.items).toHaveLength(before);
  });

  test('one that is revoked is refused, and so is its key when that leaked', async () => {
    const { id, body } = await issueVehicle(evpki, newPcid());
    const revocation = { reason: 'keyCompromise' };
    const path = `/v1/certificates/${id}/revocation`;
    expect((await evpki.call('POST', path, revocation)).status).toBe(200);
    const answer = await register(body);
    expect([answer.status, codesOf(answer).sort()]).toEqual([422, ['key-blocked', 'revoked']]);
  });

  test('a WMI is given and taken by those who run evpki', async () => {
    const body = fromOutside(newPcid('NEW'));
    expect(codesOf(await register(body))).toEqual(['wmi-not-allowed']);
    const organization = '/v1/organizations/demo-oem';
    const given = await evpki.call('PATCH', organization, { wmis: ['DEM', 'new', 'NEW'] });
    expect(given.json.wmis).toEqual(['DEM', 'NEW']);
    const { status, json } = await register(body);
    expect(status).toBe(201);
    expect((await evpki.call('PATCH', organization, { wmis: ['DEM'] })).status).toBe(200);
    expect((await get(`/${json.id}`)).json.state).toBe('registered');
    expect(codesOf(await register(fromOutside(newPcid('NEW'))))).toEqual(['wmi-not-allowed']);
  });

  test('pages are walked to the end', async () => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await get(`?limit=2${cursor}`);
      seen.push(...page.json.items.map(({ id }: { id: string }) => id));
      cursor = page.json.nextCursor ? `&cursor=${encodeURIComponent(page.json.nextCursor)}` : '';
    } while (cursor !== '');
    const all = await get('?limit=200');
    expect(seen).toEqual(all.json.items.map(({ id }: { id: string }) => id));
    expect(seen.length).toBeGreaterThan(3);
    for (const spelled of [encodeURIComponent, String]) {
      const end = spelled('2036-01-01T00:00:01Z');
      const early = await get(`?expiresBefore=${end}&standard=iso15118-2&limit=200`);
      expect(early.json.items.length).toBeGreaterThan(0);
      expect(early.json.items.length).toBeLessThan(seen.length);
    }
  });

  test.each([
    ['a cursor that was made up', '?cursor=bm9wZQ'],
    ['a PCID that is none', '?pcid=x'],
    ['a state that there is not', '?state=expired'],
    ['a standard that there is not', '?standard=din'],
  ])('%s is refused', async (_what, query) => {
    const answer = await get(query);
    expect([answer.status, answer.json.code]).toEqual([400, 'request-malformed']);
  });

  test('K5 a registration that is sent again under its key is answered as before', async () => {
    const body = fromOutside(newPcid());
    const headers = { ...oem, 'idempotency-key': 'vehicle-1' };
    const [first, second] = [await register(body, headers), await register(body, headers)];
    expect([first.status, second.status, second.json]).toEqual([201, 201, first.json]);
    expect(second.headers['idempotency-replayed']).toBe('true');
  });

  test('roles do what they are for', async () => {
    const body = fromOutside(newPcid());
    expect((await register(body, auditor)).status).toBe(403);
    expect((await register(body, mo)).status).toBe(403);
    expect((await get('', mo)).status).toBe(403);
    expect((await get('/lookup/DEMP1234567890123')).status).toBe(403);
    const { json } = await register(body);
    expect((await remove(json.id, auditor)).status).toBe(403);
    expect((await get(`/${json.id}`)).json.state).toBe('registered');
  });
});

test('one that expires after it was registered is looked up no more', async () => {
  let now = new Date();
  const evpki = await startTestApp({ clock: () => now });
  try {
    const years = (count: number) => new Date(now.getTime() + count * 365.25 * 86_400_000);
    const notAfter = years(4.5).toISOString().replace(/\.\d+/, '');
    const { body } = await issueVehicle(evpki, 'DEMP1234567890123', { notAfter });
    const path = `${PATH}?organization=demo-oem`;
    expect((await evpki.call('POST', path, body)).status).toBe(201);
    const credentials = { name: 'mo', organization: 'demo-mo', roles: ['emsp-operator'] };
    const client = (await evpki.call('POST', '/v1/api-clients', credentials)).json;
    const lookUp = async () => {
      const headers = { authorization: `Bearer ${await evpki.renewedToken(client)}` };
      const answer = `${PATH}/lookup/DEMP1234567890123`;
      return (await evpki.call('GET', answer, undefined, headers)).status;
    };
    expect(await lookUp()).toBe(200);
    now = years(5);
    expect(await lookUp()).toBe(404);
  } finally {
    await evpki.close();
  }
});
