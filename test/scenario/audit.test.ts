/** The audit log as an auditor reads it, and what stands in it of those who were turned away. */

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { stationRequest } from '../support/stations.ts';

let issued = 0;
const issue = async (evpki: TestApp, headers?: Record<string, string>) => {
  const station = `SN-${++issued}`;
  await evpki.call('PUT', `/v1/stations/${station}?organization=demo-cpo`, {});
  const csr = toPem('CERTIFICATE REQUEST', stationRequest(station));
  const answer = await evpki.call(
    'POST',
    '/v1/certificates',
    { profile: 'ocpp-station', csr, station },
    headers,
  );
  expect(answer.status, answer.text).toBe(201);
  return answer.json.id as string;
};

const as = async (evpki: TestApp, organization: string, ...roles: string[]) => ({
  authorization: `Bearer ${await evpki.tokenOf(organization, roles)}`,
});

type Entry = Record<string, unknown> & { details: Record<string, unknown> };

describe('reading the audit log', () => {
  let evpki: TestApp;
  let administrator: Record<string, string>;
  let stranger: Record<string, string>;
  beforeAll(async () => {
    evpki = await startTestApp();
    administrator = await as(evpki, 'demo-cpo', 'cpo-operator', 'auditor');
    stranger = await as(evpki, 'demo-mo', 'cpo-operator', 'auditor');
  });
  afterAll(() => evpki?.close());

  const read = async (query: string, headers?: Record<string, string>): Promise<Entry[]> => {
    const answer = await evpki.call('GET', `/v1/audit${query}`, undefined, headers);
    expect(answer.status, answer.text).toBe(200);
    return answer.json.items;
  };

  test('newest first, page by page, each entry once', async () => {
    for (let count = 0; count < 5; count++) await issue(evpki);
    const whole = await read('?organization=demo-cpo&limit=200');
    expect(whole.length).toBeGreaterThan(10);
    const times = whole.map(({ at }) => String(at));
    expect(times).toEqual(times.toSorted().reverse());

    const paged: Entry[] = [];
    let cursor = '';
    // Every page leaves an entry on top, which is in no later page.
    do {
      const path = `/v1/audit?organization=demo-cpo&limit=4${cursor}`;
      const { json } = await evpki.call('GET', path);
      paged.push(...json.items);
      cursor = json.nextCursor === undefined ? '' : `&cursor=${json.nextCursor}`;
    } while (cursor !== '');
    // The service itself may be writing meanwhile.
    const known = (entries: Entry[]) =>
      entries.filter(({ action, actor }) => action !== 'audit.read' && actor !== 'evpki');
    expect(known(paged)).toEqual(known(whole));
  });

  test('by organization, actor, action, subject and time', async () => {
    const id = await issue(evpki);
    const [entry] = await read(`?subject=${id}`);
    expect(entry).toMatchObject({
      action: 'certificate.issued',
      organization: 'demo-cpo',
      subject: id,
      details: { profile: 'ocpp-station' },
    });
    const actor = encodeURIComponent(String(entry?.actor));
    for (const spelled of [actor, entry?.actor]) {
      expect(await read(`?actor=${spelled}&action=certificate.issued&limit=1`)).toEqual([entry]);
    }
    const after = new Date(Date.parse(String(entry?.at)) + 1).toISOString();
    for (const spelled of [encodeURIComponent, String]) {
      const [at, later] = [spelled(String(entry?.at)), spelled(after)];
      expect(await read(`?subject=${id}&since=${at}&until=${later}`)).toEqual([entry]);
      expect(await read(`?subject=${id}&until=${at}`)).toEqual([]);
      expect(await read(`?subject=${id}&since=${later}`)).toEqual([]);
    }
  });

  test('W8 other organizations do not exist for those who reach only their own', async () => {
    await issue(evpki);
    const seen = await read('?limit=200', administrator);
    expect(new Set(seen.map(({ organization }) => organization))).toEqual(new Set(['demo-cpo']));
    const others = await read('?limit=200', stranger);
    expect(new Set(others.map(({ organization }) => organization))).toEqual(new Set(['demo-mo']));
    const foreign = await evpki.call('GET', '/v1/audit?organization=demo-cpo', undefined, stranger);
    const nowhere = await evpki.call('GET', '/v1/audit?organization=nowhere', undefined, stranger);
    expect([foreign.status, nowhere.status]).toEqual([404, 404]);
    // Not by way of somebody else's cursor either.
    const page = await evpki.call('GET', '/v1/audit?organization=demo-cpo&limit=1');
    const path = `/v1/audit?limit=200&cursor=${page.json.nextCursor}`;
    const { json } = await evpki.call('GET', path, undefined, stranger);
    expect(json.items.every((one: Entry) => one.organization === 'demo-mo')).toBe(true);
  });

  test.each([
    ['cursor=abc', 'cursor-invalid'],
    ['since=2026-02-31T00%3A00%3A00Z', 'time-invalid'],
    ['since=yesterday', 'format'],
    ['limit=201', 'maximum'],
  ])('%s is refused', async (query, code) => {
    const answer = await evpki.call('GET', `/v1/audit?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json.violations.map((one: { code: string }) => one.code)).toContain(code);
  });

  test('reading leaves an entry, with what was asked for, on both sides', async () => {
    await read('?organization=demo-oem&action=authority.created');
    const mine = await read('?organization=instance&action=audit.read&limit=1');
    const theirs = await read('?organization=demo-oem&action=audit.read&limit=1');
    const details = { organization: 'demo-oem', action: 'authority.created', entries: 3 };
    expect([mine[0]?.details, theirs[0]?.details]).toEqual([details, details]);
  });

  test('nobody writes into the log of an organization that there is not by asking for it', async () => {
    const answer = await evpki.call('GET', '/v1/audit?organization=nowhere');
    expect(answer.status).toBe(404);
    const entries = await read('?action=audit.read&limit=200');
    expect(entries.filter(({ organization }) => organization === 'nowhere')).toEqual([]);
  });

  test('the log is for those whose role permits it, checkpoints for those who reach all', async () => {
    const csms = await as(evpki, 'demo-cpo', 'csms');
    expect((await evpki.call('GET', '/v1/audit', undefined, csms)).status).toBe(403);
    for (const headers of [csms, administrator]) {
      const calls = [
        evpki.call('GET', '/v1/audit/checkpoints/latest', undefined, headers),
        evpki.call('POST', '/v1/audit/checkpoints', undefined, headers),
        evpki.call('POST', '/v1/audit/verification', {}, headers),
      ];
      const answers = await Promise.all(calls);
      expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    }
  });
});

describe('those who are turned away', () => {
  let evpki: TestApp;
  let now = Date.parse('2026-11-22T10:00:00Z');
  let administrator: Record<string, string>;
  let auditor: { clientId: string; clientSecret: string };
  beforeAll(async () => {
    evpki = await startTestApp({ clock: () => new Date(now) });
    auditor = await clientOf('instance', ['super']);
    administrator = await login(auditor);
  });
  afterAll(() => evpki?.close());

  const clientOf = async (organization: string, roles: string[]) =>
    (await evpki.call('POST', '/v1/api-clients', { name: 'x', organization, roles })).json;
  const ask = ({ clientId, clientSecret }: Record<string, string>) =>
    evpki.call(
      'POST',
      '/oauth/token',
      { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret },
      {},
    );
  const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
  const login = async (client: Record<string, string>) =>
    bearer((await ask(client)).json.access_token);
  const get = async (path: string, headers: Record<string, string>) =>
    (await evpki.call('GET', path, undefined, headers)).status;
  /** They are written beside the answer: it may take a moment until all are there. */
  const refusals = (count: number): Promise<Entry[]> =>
    vi.waitFor(async () => {
      const path = '/v1/audit?action=access.refused&limit=200';
      const { items } = (await evpki.call('GET', path, undefined, administrator)).json;
      expect(items).toHaveLength(count);
      return items;
    }, 20_000);

  test('each kind leaves an entry in the log of whom it is about, and no secret', async () => {
    const client = await clientOf('demo-cpo', ['csms']);
    const token = await login(client);
    expect((await ask({ ...client, clientSecret: 'evpki_sec_canary-1' })).status).toBe(401);
    expect((await ask({ ...client, clientId: 'cli_canary-2' })).status).toBe(401);
    expect(await get('/v1/certificates', {})).toBe(401);
    expect(await get('/v1/certificates', bearer('evpki_tok_canary-3'))).toBe(401);
    expect(await get('/v1/audit', token)).toBe(403);
    expect(await get('/v1/certificates/canary-4', bearer('evpki_boot_canary-5'))).toBe(409);
    now += 16 * 60_000;
    expect(await get('/v1/audit', token)).toBe(401);
    administrator = await login(auditor);

    const seen = (await refusals(7)).map(({ organization, actor, subject, details }) => [
      organization,
      actor,
      subject,
      details,
    ]);
    const actor = `client:${client.clientId}`;
    const told = (reason: string) => ({
      reason,
      count: 1,
      addresses: [expect.stringMatching(/127\.0\.0\.1$/)],
    });
    expect(seen).toEqual(
      expect.arrayContaining([
        ['demo-cpo', actor, '-', told('secret-wrong')],
        ['instance', 'unknown', '-', told('client-unknown')],
        ['instance', 'unknown', '-', told('no-credentials')],
        ['instance', 'unknown', '-', told('token-unknown')],
        ['demo-cpo', actor, 'GET /v1/audit', told('not-permitted')],
        ['instance', 'unknown', '-', told('bootstrap-secret-spent')],
        ['demo-cpo', actor, '-', told('token-expired')],
      ]),
    );
    expect(JSON.stringify(seen)).not.toContain('canary');
  });

  test('a flood of them becomes two entries a minute', async () => {
    for (let count = 0; count < 100; count++) await get('/v1/audit', bearer(`evpki_tok_${count}`));
    await refusals(8);
    now += 60_000;
    await get('/v1/audit', bearer('evpki_tok_next'));
    const [next, rest, first] = await refusals(10);
    expect([next, rest, first].map((one) => one?.details.count)).toEqual([1, 99, 1]);
  });
});
