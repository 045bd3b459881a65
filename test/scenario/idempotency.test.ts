/** Idempotency-Key: what is asked several times is done once, in one process and across two. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { type Answer, callApi, startTestApp, type TestApp } from '../support/app.ts';
import {
  createPostgresDatabase,
  type PostgresDatabase,
  postgresIsAvailable,
  testPostgresRequirement,
} from '../support/postgres.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { stationRequest } from '../support/stations.ts';

const csr = (name: string) => toPem('CERTIFICATE REQUEST', stationRequest(name));

/** Certificates by this subject, through the API. */
const issuedTo = (list: Answer, name: string): unknown[] =>
  list.json.items.filter(({ subject }: { subject: string }) => subject.includes(name));

describe('K5 as many keys as a client may have', () => {
  let evpki: TestApp;
  beforeAll(async () => {
    evpki = await startTestApp({ env: { EVPKI_CLIENT_KEYS: '3' } });
  });
  afterAll(() => evpki?.close());

  test('are on record; new ones are refused, and nothing else is', async () => {
    const tokens = [
      await evpki.tokenOf('demo-cpo', ['super']),
      await evpki.tokenOf('demo-cpo', ['super']),
    ];
    const issue = (name: string, key?: string, token = tokens[0]) =>
      evpki.call(
        'POST',
        '/v1/certificates',
        { profile: 'ocpp-station', csr: name === 'SN-BAD' ? 'AAAA' : texts.get(name) },
        {
          authorization: `Bearer ${token}`,
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
      );
    const texts = new Map(['SN-K1', 'SN-K2', 'SN-K3'].map((name) => [name, csr(name)]));
    const first = await issue('SN-K1', 'one');
    const second = await issue('SN-BAD', 'two');
    // Given back: it counts no more.
    const other = { id: 'demo-cpo', name: 'Somebody else', roles: ['cpo'] };
    const conflict = await evpki.call('POST', '/v1/organizations', other, {
      authorization: `Bearer ${tokens[0]}`,
      'idempotency-key': 'conflict',
    });
    expect([first.status, second.status, conflict.status]).toEqual([201, 400, 409]);
    expect((await issue('SN-K2', 'three')).status).toBe(201);

    const refused = await issue('SN-K3', 'four');
    expect([refused.status, refused.json.code]).toEqual([429, 'idempotency-keys-used-up']);
    expect(refused.headers['retry-after']).toBe('60');
    const again = await issue('SN-K1', 'one');
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect((await issue('SN-K3')).status).toBe(201);
    const theirs = await issue('SN-BAD', 'four', tokens[1]);
    expect(theirs.json.code).toBe('csr-unreadable');
  });
});

describe('K5 Idempotency-Key in one process', () => {
  let evpki: TestApp;
  let now = new Date();
  const tokens: Record<string, string> = {};
  let client: Record<string, string>;
  beforeAll(async () => {
    evpki = await startTestApp({ clock: () => now });
    const wanted = { name: 'day', organization: 'demo-cpo', roles: ['super'] };
    client = (await evpki.call('POST', '/v1/api-clients', wanted)).json;
    for (const role of ['super', 'cpo-operator', 'csms']) {
      tokens[role] = await evpki.tokenOf('demo-cpo', [role]);
    }
  });
  afterAll(() => evpki?.close());

  const post = (
    path: string,
    body: unknown,
    key: string,
    more: Record<string, string> = {},
    role = 'super',
  ) =>
    evpki.call('POST', path, body, {
      authorization: `Bearer ${tokens[role]}`,
      'idempotency-key': key,
      ...more,
    });
  const certificates = () => evpki.call('GET', '/v1/certificates?limit=200');

  test('50 calls at once with one key: one certificate, one answer', async () => {
    // The profile's repeat window would give the same certificate too, but as a repeat: 200.
    const body = { profile: 'ocpp-station', csr: csr('SN-FIFTY') };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => post('/v1/certificates', body, 'fifty')),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(new Set(answers.map(({ headers }) => headers.location)).size).toBe(1);
    const replayed = answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true');
    expect(replayed).toHaveLength(49);
    expect(issuedTo(await certificates(), 'SN-FIFTY')).toHaveLength(1);
  });

  test('the order of members does not make another request; anything else is a 409', async () => {
    const text = csr('SN-ORDER');
    const first = await post('/v1/certificates', { profile: 'ocpp-station', csr: text }, 'order');
    expect(first.status, first.text).toBe(201);
    const again = await post('/v1/certificates', { csr: text, profile: 'ocpp-station' }, 'order');
    expect([again.status, again.text]).toEqual([201, first.text]);
    const other = { profile: 'ocpp-station', csr: csr('SN-OTHER') };
    const conflict = await post('/v1/certificates', other, 'order');
    expect([conflict.status, conflict.json.code]).toEqual([409, 'idempotency-key-reused']);
    expect(issuedTo(await certificates(), 'SN-OTHER')).toEqual([]);
  });

  test('a path or a query that differs makes another request', async () => {
    const [one, two] = await Promise.all(
      ['SN-ONE', 'SN-TWO'].map(async (name) => {
        const body = { profile: 'ocpp-station', csr: csr(name) };
        return (await post('/v1/certificates', body, name)).json.id as string;
      }),
    );
    const reason = { reason: 'superseded' };
    const revoke = (id: string | undefined, query = '') =>
      post(`/v1/certificates/${id}/revocation${query}`, reason, 'revocation');
    expect((await revoke(one)).status).toBe(200);
    expect((await revoke(two)).json.code).toBe('idempotency-key-reused');
    expect((await revoke(one, '?wait=crl')).json.code).toBe('idempotency-key-reused');
    expect((await revoke(one)).headers['idempotency-replayed']).toBe('true');
  });

  test('W8 the key of another client, or for another operation, is another key', async () => {
    const body = { profile: 'ocpp-station', csr: csr('SN-MINE') };
    const mine = await post('/v1/certificates', body, 'shared');
    expect(mine.status).toBe(201);
    const theirs = await evpki.call('POST', '/v1/certificates', body, {
      authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['super'])}`,
      'idempotency-key': 'shared',
    });
    expect(theirs.headers['idempotency-replayed']).toBeUndefined();
    expect(theirs.json?.id).not.toBe(mine.json.id);
    const elsewhere = await post(
      `/v1/certificates/${mine.json.id}/revocation`,
      { reason: 'superseded' },
      'shared',
    );
    expect([elsewhere.status, elsewhere.headers['idempotency-replayed']]).toEqual([200, undefined]);
  });

  test('a refusal is an answer as well, with everything that was wrong', async () => {
    const body = { profile: 'ocpp-station', csr: 'AAAA' };
    const first = await post('/v1/certificates', body, 'refused');
    const again = await post('/v1/certificates', body, 'refused');
    expect([first.status, first.json.code]).toEqual([400, 'csr-unreadable']);
    expect(again.text).toBe(first.text);
    expect(again.headers['content-type']).toContain('application/problem+json');
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  test('a request that waits is not the last word: its key gets the certificate later', async () => {
    const body = { profile: 'ocpp-station', csr: csr('SN-WAITS') };
    const ask = () => post('/v1/certificates', body, 'waits', {}, 'cpo-operator');
    const first = await ask();
    expect([first.status, (await ask()).status]).toEqual([202, 202]);
    const approval = await evpki.call('POST', `/v1/requests/${first.json.id}/approval`);
    expect(approval.status, approval.text).toBe(201);
    const fetched = await ask();
    expect([fetched.status, fetched.json.id]).toEqual([200, approval.json.id]);
  });

  test('a 409 is not the last word either: what was in the way may be gone', async () => {
    const body = { profile: 'ocpp-station', csr: csr('SN-HELD') };
    const { id } = (await post('/v1/certificates', body, 'held')).json;
    const path = `/v1/certificates/${id}`;
    await post(`${path}/revocation`, { reason: 'certificateHold' }, 'hold');
    const again = { csr: csr('SN-HELD') };
    const renew = () => post(`${path}/renewal`, again, 'renewal');
    for (const _ of [1, 2]) {
      const refused = await renew();
      expect([refused.status, refused.json.code]).toEqual([409, 'certificate-not-renewable']);
      expect(refused.headers['idempotency-replayed']).toBeUndefined();
    }
    const released = await evpki.call('DELETE', `${path}/revocation`);
    expect(released.status, released.text).toBe(200);
    const renewed = await renew();
    expect(renewed.status, renewed.text).toBe(201);
    expect((await renew()).headers['idempotency-replayed']).toBe('true');
  });

  test('what the caller may not is not kept, nor is what does not fit openapi.yaml', async () => {
    const body = { profile: 'ocpp-station', csr: csr('SN-ROLE') };
    const refused = await post('/v1/certificates', body, 'role', {}, 'csms');
    expect(refused.status).toBe(403);
    const still = await post('/v1/certificates', body, 'role', {}, 'csms');
    expect(still.status).toBe(403);
    expect(still.headers['idempotency-replayed']).toBeUndefined();
    const malformed = await post('/v1/certificates', { csr: 1 }, 'role', {}, 'cpo-operator');
    expect(malformed.json.code).toBe('request-malformed');
  });

  test('the answer comes in the form that was asked for first', async () => {
    const body = { profile: 'ocpp-station', csr: csr('SN-PEM') };
    const accept = { accept: 'application/pem-certificate-chain' };
    const first = await post('/v1/certificates', body, 'pem', accept);
    const again = await post('/v1/certificates', body, 'pem');
    expect(first.text).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect(again.text).toBe(first.text);
    expect(again.headers['content-type']).toBe(first.headers['content-type']);
  });

  test('a secret is said once', async () => {
    const body = { name: 'once', organization: 'demo-cpo', roles: ['csms'] };
    const first = await post('/v1/api-clients', body, 'client');
    const again = await post('/v1/api-clients', body, 'client');
    expect(first.json.clientSecret).toMatch(/^evpki_sec_/);
    expect([again.status, again.json]).toEqual([201, { clientId: first.json.clientId }]);
  });

  test('after 24 hours a key is new', async () => {
    const body = { profile: 'ocpp-station', csr: 'AAAA' };
    const before = now;
    const ask = async (milliseconds: number) => {
      now = new Date(before.getTime() + milliseconds);
      // The token of the first administrator is over by then, and so is everybody's.
      const authorization = `Bearer ${await evpki.renewedToken(client)}`;
      const headers = { authorization, 'idempotency-key': 'day' };
      return evpki.call('POST', '/v1/certificates', body, headers);
    };
    const answers = [await ask(0), await ask(86_399_000), await ask(86_400_000)];
    now = before;
    expect(answers.map(({ json }) => json.code)).toEqual(Array(3).fill('csr-unreadable'));
    expect(answers.map(({ headers }) => headers['idempotency-replayed'])).toEqual([
      undefined,
      'true',
      undefined,
    ]);
  });

  test.each([
    ['empty', ''],
    ['with a space', 'a b'],
    ['too long', 'k'.repeat(201)],
    ['not ASCII', 'schl\u00fcssel'],
  ])('a key that is %s is refused', async (_, key) => {
    const answer = await post('/v1/certificates', { profile: 'p', csr: 'AAAA' }, key);
    expect([answer.status, answer.json.code]).toEqual([400, 'request-malformed']);
    expect(answer.json.violations[0].field).toMatch(/idempotency-key/i);
  });

  test('the bootstrap secret needs no key: it works once', async () => {
    const headers = {
      authorization: `Bearer evpki_boot_${'A'.repeat(43)}`,
      'idempotency-key': 'b',
    };
    const body = { name: 'intruder' };
    for (const _ of [1, 2]) {
      const answer = await evpki.call('POST', '/v1/api-clients', body, headers);
      expect([answer.status, answer.headers['idempotency-replayed']]).toEqual([409, undefined]);
    }
  });
});

testPostgresRequirement();

describe.runIf(postgresIsAvailable)('K5 Idempotency-Key across two processes', () => {
  let database: PostgresDatabase;
  let processes: ServiceProcess[] = [];
  let token: string;
  beforeAll(async () => {
    database = await createPostgresDatabase();
    const env = {
      EVPKI_DATABASE_URL: database.url,
      EVPKI_KEY_PASSPHRASE: 'correct horse battery staple',
      EVPKI_PUBLIC_URL: 'http://pki.example',
    };
    processes = [await startServiceProcess(env), await startServiceProcess(env)];
    token = (await processes[0]?.administrator()) ?? '';
  }, 240_000);
  afterAll(async () => {
    for (const process of processes) await process.remove();
    await database?.drop();
  });

  const post = (index: number, path: string, body: unknown, key: string) => {
    const process = processes[index % processes.length] as ServiceProcess;
    return callApi(new URL(path, process.apiUrl), process.ca, 'POST', body, {
      authorization: `Bearer ${token}`,
      'idempotency-key': key,
    });
  };

  test('50 calls at once: one certificate, one answer', async () => {
    const body = { profile: 'ocpp-station', csr: csr('SN-ACROSS') };
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => post(index, '/v1/certificates', body, 'across')),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
    const rows = await database.query(
      `SELECT state FROM certificates WHERE subject LIKE '%SN-ACROSS%'`,
    );
    expect(rows).toEqual([{ state: 'issued' }]);
  });

  test('what nothing else makes repeatable is done once too: one API client', async () => {
    const body = { name: 'across', organization: 'demo-cpo', roles: ['csms'] };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => post(index, '/v1/api-clients', body, 'client')),
    );
    expect(new Set(answers.map(({ json }) => json.clientId)).size).toBe(1);
    expect(answers.filter(({ json }) => json.clientSecret !== undefined)).toHaveLength(1);
    const rows = await database.query(`SELECT id FROM api_clients WHERE name = 'across'`);
    expect(rows).toHaveLength(1);
  });

  test('the key of a process that died at work is free when its lease has ended', async () => {
    const body = { profile: 'ocpp-station', csr: csr('SN-DEAD') };
    const first = await post(0, '/v1/certificates', body, 'dead');
    // As a process leaves it that is killed between taking the key and keeping the answer.
    const set = (change: string) =>
      database.query(
        `UPDATE idempotency_keys SET status = NULL, body = NULL, ${change}
          WHERE body LIKE '%${first.json.id}%' OR lease_owner = 'dead'`,
      );
    const later = new Date(Date.now() + 3_600_000).toISOString();
    await set(`lease_owner = 'dead', lease_until = '${later}'`);
    const waiting = post(1, '/v1/certificates', body, 'dead');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await set(`lease_until = '2000-01-01T00:00:00.000Z'`);
    const second = await waiting;
    // Done again: the repeat window of the profile gives the same certificate.
    expect([second.status, second.json.id]).toEqual([200, first.json.id]);
    const third = await post(0, '/v1/certificates', body, 'dead');
    expect([third.status, third.headers['idempotency-replayed']]).toEqual([200, 'true']);
  });
});
