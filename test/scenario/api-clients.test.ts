/** The life of an API client: made, given new secrets, disabled, expired; and who passes for one. */

import { createHash } from 'node:crypto';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';

const LIST = '/v1/api-clients';

describe('API clients', () => {
  let evpki: TestApp;
  let admin: Record<string, string>;
  let offset = 0;
  beforeAll(async () => {
    evpki = await startTestApp({ clock: () => new Date(Date.now() + offset) });
    admin = await as('demo-cpo', 'tenant-admin');
  });
  afterAll(() => evpki?.close());

  const as = async (organization: string, role: string) => ({
    authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
  });
  const create = (body: Record<string, unknown>, headers = admin) =>
    evpki.call(
      'POST',
      LIST,
      { name: 'csms-1', organization: 'demo-cpo', roles: ['csms'], ...body },
      headers,
    );
  const tokenFor = ({ clientId, clientSecret }: Record<string, string>) =>
    evpki.call(
      'POST',
      '/oauth/token',
      { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret },
      {},
    );
  const works = async (token: string): Promise<number> =>
    (await evpki.call('GET', '/v1/profiles', undefined, { authorization: `Bearer ${token}` }))
      .status;
  const rotate = (id: string, body: unknown, headers = admin) =>
    evpki.call('POST', `${LIST}/${id}/secret`, body, headers);
  const disable = (id: string, headers?: Record<string, string>) =>
    evpki.call('DELETE', `${LIST}/${id}`, undefined, headers);
  const show = async (id: string) =>
    (await evpki.call('GET', `${LIST}/${id}`, undefined, admin)).json;

  test('W8 who looks into every organization and manages one, manages that one', async () => {
    const authorization = `Bearer ${await evpki.tokenOf('demo-cpo', ['instance-auditor', 'tenant-admin'])}`;
    const both = { authorization };
    const elsewhere = await create({ organization: 'demo-mo' }, both);
    expect(elsewhere.status).toBe(400);
    expect(elsewhere.json.violations).toMatchObject([{ code: 'organization-unknown' }]);
    const { json: theirs } = await create(
      { organization: 'demo-mo' },
      await as('demo-mo', 'tenant-admin'),
    );
    expect((await evpki.call('GET', `${LIST}/${theirs.clientId}`, undefined, both)).status).toBe(
      200,
    );
    expect((await rotate(theirs.clientId, {}, both)).status).toBe(404);
    expect((await disable(theirs.clientId, both)).status).toBe(404);
    expect((await create({}, both)).status).toBe(201);
  });

  test('W4 a secret is 256 bits, seen once, and nowhere in the database or the log', async () => {
    const { status, json, headers } = await create({});
    expect(status).toBe(201);
    expect(headers.location).toBe(`${LIST}/${json.clientId}`);
    expect(json.clientSecret).toMatch(/^evpki_sec_[\w-]{43}$/);
    expect(Buffer.from(json.clientSecret.slice('evpki_sec_'.length), 'base64url')).toHaveLength(32);
    const shown = await evpki.call('GET', `${LIST}/${json.clientId}`, undefined, admin);
    expect(shown.json).toEqual({
      ...{ id: json.clientId, organization: 'demo-cpo', name: 'csms-1', roles: ['csms'] },
      createdBy: expect.stringMatching(/^client:cli_[a-z0-9]{24}$/),
      ...{ state: 'active', createdAt: expect.any(String) },
    });
    const listed = await evpki.call('GET', `${LIST}?limit=200`, undefined, admin);
    for (const text of [shown.text, listed.text, evpki.log.join('')]) {
      expect(text).not.toContain(json.clientSecret);
      expect(text).not.toContain(createHash('sha256').update(json.clientSecret).digest('hex'));
    }
    const two = await create({});
    expect(two.json.clientSecret).not.toBe(json.clientSecret);
  });

  test('when it was last here is known, to the minute', async () => {
    const { json } = await create({});
    expect((await show(json.clientId)).lastUsedAt).toBeUndefined();
    await tokenFor(json);
    const first = (await show(json.clientId)).lastUsedAt;
    await tokenFor(json);
    expect((await show(json.clientId)).lastUsedAt).toBe(first);
    offset += 61_000;
    await tokenFor(json);
    expect(Date.parse((await show(json.clientId)).lastUsedAt)).toBeGreaterThan(Date.parse(first));
  });

  test('W4 a rotated secret holds for the overlap and not longer', async () => {
    const old = (await create({})).json;
    const early = (await tokenFor(old)).json.access_token;
    const { status, json: fresh } = await rotate(old.clientId, { overlapSeconds: 120 });
    expect([status, fresh.clientId]).toEqual([201, old.clientId]);
    expect(fresh.clientSecret).not.toBe(old.clientSecret);
    expect((await show(old.clientId)).oldSecretUntil).toBe(fresh.oldSecretUntil);
    const late = (await tokenFor(old)).json;
    expect(late.expires_in).toBeLessThanOrEqual(120);
    const next = (await tokenFor(fresh)).json;
    expect(next.expires_in).toBe(900);
    const tokens = [early, late.access_token, next.access_token];
    expect(await Promise.all(tokens.map(works))).toEqual([200, 200, 200]);
    offset += 121_000;
    expect(await Promise.all(tokens.map(works))).toEqual([401, 401, 200]);
    expect([(await tokenFor(old)).status, (await tokenFor(fresh)).status]).toEqual([401, 200]);
    expect((await show(old.clientId)).oldSecretUntil).toBeUndefined();
  });

  test('W4 without an overlap the old secret and its tokens end with the call', async () => {
    const old = (await create({})).json;
    const token = (await tokenFor(old)).json.access_token;
    const fresh = (await rotate(old.clientId, { overlapSeconds: 0 })).json;
    expect([await works(token), (await tokenFor(old)).status]).toEqual([401, 401]);
    expect((await tokenFor(fresh)).status).toBe(200);
    // A second rotation leaves nothing of the first secret, however long its overlap was.
    const third = (await rotate(old.clientId, { overlapSeconds: 604_800 })).json;
    expect((await tokenFor(fresh)).status).toBe(200);
    await rotate(old.clientId, {});
    expect([(await tokenFor(fresh)).status, (await tokenFor(third)).status]).toEqual([401, 200]);
  });

  test.each([-1, 604_801, 1.5, '60', null])(
    'an overlap of %j is refused',
    async (overlapSeconds) => {
      const { json } = await create({});
      expect((await rotate(json.clientId, { overlapSeconds })).status).toBe(400);
      expect((await tokenFor(json)).status).toBe(200);
    },
  );

  test('a disabled client is nobody from then on, and stays in the list', async () => {
    const client = (await create({})).json;
    const token = (await tokenFor(client)).json.access_token;
    expect(await works(token)).toBe(200);
    const { status, json } = await disable(client.clientId, admin);
    expect([status, json.state]).toEqual([200, 'disabled']);
    expect([await works(token), (await tokenFor(client)).status]).toEqual([401, 401]);
    expect((await disable(client.clientId, admin)).json).toEqual(json);
    const rotated = await rotate(client.clientId, {});
    expect([rotated.status, rotated.json.code]).toEqual([409, 'conflict']);
    const leaving = (await create({})).json;
    await rotate(leaving.clientId, {});
    expect((await show(leaving.clientId)).oldSecretUntil).toBeDefined();
    await disable(leaving.clientId, admin);
    expect((await show(leaving.clientId)).oldSecretUntil).toBeUndefined();
    const listed = await evpki.call('GET', `${LIST}?limit=200`, undefined, admin);
    expect(listed.json.items).toContainEqual(json);
  });

  test('a client ends when it was told to, and its tokens with it', async () => {
    const now = Date.now() + offset;
    const past = await create({ expiresAt: new Date(now - 1000).toISOString() });
    expect([past.status, past.json.violations[0].code]).toEqual([400, 'time-past']);
    const none = await create({ expiresAt: '2027-02-30T00:00:00Z' });
    expect([none.status, none.json.violations[0].code]).toEqual([400, 'time-invalid']);
    const client = (await create({ expiresAt: new Date(now + 300_000).toISOString() })).json;
    const { access_token: token, expires_in: seconds } = (await tokenFor(client)).json;
    expect(seconds).toBeLessThanOrEqual(300);
    expect(await works(token)).toBe(200);
    offset += 301_000;
    expect([await works(token), (await tokenFor(client)).status]).toEqual([401, 401]);
    expect((await show(client.clientId)).state).toBe('expired');
    const rotated = await rotate(client.clientId, {});
    expect([rotated.status, rotated.json.code]).toEqual([409, 'conflict']);
  });

  test('W4 what an administrator with an end has made ends with it', async () => {
    const end = (seconds: number) =>
      new Date(Math.floor((Date.now() + offset) / 1000) * 1000 + seconds * 1000).toISOString();
    const forWeek = { roles: ['tenant-admin'], expiresAt: end(120) };
    const week = (await create(forWeek)).json;
    expect(week.expiresAt).toBe(forWeek.expiresAt);
    const headers = { authorization: `Bearer ${(await tokenFor(week)).json.access_token}` };
    const longer = await create({ expiresAt: end(121) }, headers);
    expect([longer.status, longer.json.violations]).toMatchObject([
      400,
      [{ code: 'time-beyond-own', field: 'body.expiresAt' }],
    ]);
    const silent = (await create({}, headers)).json;
    expect(silent.expiresAt).toBe(forWeek.expiresAt);
    expect((await show(silent.clientId)).expiresAt).toBe(forWeek.expiresAt);
    const shorter = (await create({ expiresAt: end(60) }, headers)).json;
    // Nor does it take over somebody who stays.
    const staying = (await create({})).json;
    expect(staying.expiresAt).toBeUndefined();
    const taken = await rotate(staying.clientId, { overlapSeconds: 0 }, headers);
    expect([taken.status, taken.json.code]).toEqual([403, 'not-permitted']);
    expect((await tokenFor(staying)).status).toBe(200);
    expect((await rotate(silent.clientId, {}, headers)).status).toBe(201);
    offset += 121_000;
    expect([(await tokenFor(week)).status, (await tokenFor(shorter)).status]).toEqual([401, 401]);
    expect((await show(silent.clientId)).state).toBe('expired');
    expect((await tokenFor(staying)).status).toBe(200);
  });

  test('nobody is both who approves and who makes clients', async () => {
    const roles = ['approver', 'tenant-admin', 'nobody'];
    const answer = await evpki.call('POST', LIST, { name: 'two', organization: 'demo-cpo', roles });
    expect([answer.status, answer.json.code]).toEqual([400, 'request-malformed']);
    expect(answer.json.violations.map(({ code }: { code: string }) => code)).toEqual([
      ...['role-unknown', 'roles-not-separate'],
    ]);
  });

  test('the last super cannot disable itself; with another one it can', async () => {
    const fresh = await startTestApp();
    try {
      const ids = async () =>
        (await fresh.call('GET', LIST)).json.items
          .filter(({ state }: { state: string }) => state === 'active')
          .map(({ id }: { id: string }) => id);
      const [only] = await ids();
      const refused = await fresh.call('DELETE', `${LIST}/${only}`);
      expect([refused.status, refused.json.code]).toEqual([409, 'conflict']);
      const superClient = { name: 'two', organization: 'instance', roles: ['super'] };
      // One that ends by itself is none that could be relied on.
      const soon = new Date(Date.now() + 3_600_000).toISOString();
      await fresh.call('POST', LIST, { ...superClient, expiresAt: soon });
      expect((await fresh.call('DELETE', `${LIST}/${only}`)).status).toBe(409);
      await fresh.call('POST', LIST, superClient);
      expect((await fresh.call('DELETE', `${LIST}/${only}`)).status).toBe(200);
      expect((await fresh.call('GET', LIST)).status).toBe(401);
    } finally {
      await fresh.close();
    }
  });

  test('W8 a tenant-admin takes over nobody who may do what it may not give', async () => {
    for (const role of ['super', 'pki-officer', 'approver']) {
      const body = { name: role, organization: 'demo-cpo', roles: ['read-only', role] };
      const { json: client } = await evpki.call('POST', LIST, body);
      for (const answer of [
        await rotate(client.clientId, {}),
        await disable(client.clientId, admin),
        await create({ roles: [role] }),
      ]) {
        expect([answer.status, answer.json.violations?.[0].code ?? answer.json.code]).toEqual(
          answer.status === 403 ? [403, 'not-permitted'] : [400, 'role-not-yours'],
        );
      }
      expect((await tokenFor(client)).status).toBe(200);
    }
    const foreign = (await create({ organization: 'demo-mo' })).json.violations[0].code;
    expect(foreign).toBe('organization-unknown');
  });

  test('pages of clients are walked to the end', async () => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const { json } = await evpki.call('GET', `${LIST}?limit=4${cursor}`, undefined, admin);
      seen.push(...json.items.map(({ id }: { id: string }) => id));
      cursor = json.nextCursor ? `&cursor=${encodeURIComponent(json.nextCursor)}` : '';
    } while (cursor !== '');
    const all = await evpki.call('GET', `${LIST}?limit=200`, undefined, admin);
    expect(seen).toEqual(all.json.items.map(({ id }: { id: string }) => id));
    expect(seen.length).toBeGreaterThan(8);
    expect((await evpki.call('GET', `${LIST}?cursor=bm9wZQ`, undefined, admin)).status).toBe(400);
  });

  describe('W3 what passes for a token', () => {
    const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = segment({ sub: 'client:x', roles: ['super'], exp: 4_102_444_800 });
    const jwt = (header: object, signature = 'c2ln') => `${segment(header)}.${claims}.${signature}`;

    test.each([
      ['a JWT without a signature', jwt({ alg: 'none' }, '')],
      ['a JWT with a made-up one', jwt({ alg: 'HS256', typ: 'JWT' })],
      ['a JWT that names its own key', jwt({ alg: 'ES256', jku: 'https://evil.example/jwks' })],
      ['a JWT with a certificate to fetch', jwt({ alg: 'RS256', x5u: 'http://169.254.169.254/' })],
      ['a JWT with a path as key id', jwt({ alg: 'HS256', kid: '../../dev/null' })],
      ['the form of a token, and unknown', `evpki_tok_${'A'.repeat(43)}`],
      ['a token with something behind it', `evpki_tok_${'A'.repeat(43)}.x`],
      ['none', 'none'],
      ['null', 'null'],
      ['4,096 characters', 'A'.repeat(4096)],
      ['4,097 characters', 'A'.repeat(4097)],
      ['12,000 characters', `evpki_tok_${'A'.repeat(12_000)}`],
      ['a quotation', `' OR 1=1 --`],
    ])('%s is 401', async (_name, token) => {
      const answer = await evpki.call('GET', '/v1/profiles', undefined, {
        authorization: `Bearer ${token}`,
      });
      expect([answer.status, answer.json.code]).toEqual([401, 'not-authenticated']);
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="evpki"');
    });

    test("a secret is no token, and a token no client's secret", async () => {
      const client = (await create({})).json;
      const token = (await tokenFor(client)).json.access_token;
      expect(await works(client.clientSecret)).toBe(401);
      expect((await tokenFor({ ...client, clientSecret: token })).status).toBe(401);
      expect((await tokenFor({ clientId: client.clientId, clientSecret: '' })).status).toBe(401);
      expect((await tokenFor({ ...client, clientId: 'cli_nobody' })).status).toBe(401);
    });

    test.each<[string, (token: string) => string[], number]>([
      ['as it should be', (token) => [`Authorization: Bearer ${token}`], 200],
      ['in lower case', (token) => [`authorization: bearer ${token}`], 200],
      [
        'two headers',
        (token) => [`Authorization: Bearer ${token}`, 'Authorization: Bearer x'],
        401,
      ],
      ['twice the same', (token) => Array(2).fill(`Authorization: Bearer ${token}`), 401],
      ['two spaces', (token) => [`Authorization: Bearer  ${token}`], 401],
      ['a list', (token) => [`Authorization: Bearer ${token}, Bearer ${token}`], 401],
      ['another scheme', (token) => [`Authorization: Token ${token}`], 401],
      ['Basic', (token) => [`Authorization: Basic ${Buffer.from(token).toString('base64')}`], 401],
      ['no scheme', (token) => [`Authorization: ${token}`], 401],
      ['in a cookie', (token) => [`Cookie: token=${token}`], 401],
    ])('the header with %s', async (_name, headers, status) => {
      const token = admin.authorization?.slice('Bearer '.length) ?? '';
      const { hostname, port } = new URL(evpki.app.apiUrl);
      // By hand: Node's client joins headers before they are sent.
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
        const lines = ['GET /v1/profiles HTTP/1.1', 'Host: a', 'Connection: close'];
        socket.write(`${[...lines, ...headers(token)].join('\r\n')}\r\n\r\n`);
        let text = '';
        socket.on('data', (data) => {
          text += data;
        });
        socket.on('end', () => resolve(text));
        socket.on('error', reject);
      });
      expect(answer.split(' ')[1]).toBe(String(status));
    });

    test('in the query it is none', async () => {
      const token = admin.authorization?.slice('Bearer '.length);
      const path = `/v1/profiles?access_token=${token}`;
      expect((await evpki.call('GET', path, undefined, {})).status).toBe(401);
    });
  });
});
