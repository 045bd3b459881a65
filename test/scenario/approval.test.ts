/** Requests that wait: who sees them, who decides, and what becomes of them. */

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { askFor, newRequest } from '../support/requests.ts';

type Caller = Record<string, string>;

const hierarchy = `
hierarchy: approval
description: A charge point operator that makes stations too, and a mobility operator
demo: true
organizations:
  demo-cpo: { name: Demo CPO, country: DE, roles: [cpo, manufacturer] }
  demo-mo: { name: Demo MO, country: DE, roles: [mo] }
authorities:
  ocpp-root: { title: Root, organization: demo-cpo, profile: ocpp-root, key: P-256 }
  ocpp-station-ca:
    { title: Stations, organization: demo-cpo, profile: ocpp-station-ca, key: P-256, under: ocpp-root }
  ocpp-server-ca:
    { title: Servers, organization: demo-cpo, profile: ocpp-server-ca, key: P-256, under: ocpp-root }
  manufacturer-root:
    { title: Maker, organization: demo-cpo, profile: ocpp-manufacturer-root, key: P-256 }
`;

const DAY = 24 * 60 * 60 * 1000;

let evpki: TestApp;
let bench: Workbench;
/** How far the clock of the service is ahead. */
let ahead = 0;
let operator: Caller;
let administrator: Caller;
let second: Caller;
let reader: Caller;
let csms: Caller;
let foreign: Caller;

async function caller(organization: string, ...roles: string[]): Promise<Caller> {
  return { authorization: `Bearer ${await evpki.tokenOf(organization, roles)}` };
}

beforeAll(async () => {
  bench = workbench();
  bench.write('hierarchy.yaml', hierarchy);
  evpki = await startTestApp({
    hierarchy: join(bench.folder, 'hierarchy.yaml'),
    clock: () => new Date(Date.now() + ahead),
  });
  operator = await caller('demo-cpo', 'cpo-operator');
  administrator = await caller('demo-cpo', 'super');
  second = await caller('demo-cpo', 'approver');
  reader = await caller('demo-cpo', 'read-only');
  csms = await caller('demo-cpo', 'csms');
  foreign = await caller('demo-mo', 'approver');
  await evpki.call('PUT', '/v1/stations/CS-KEY?organization=demo-cpo', { serialNumber: 'SN-KEY' });
});
afterAll(async () => {
  await evpki?.close();
  bench?.remove();
});

const csr = (subject: string, ...extensions: Uint8Array[]) => newRequest(subject, { extensions });
const ask = (as: Caller, body: object) => evpki.call('POST', '/v1/certificates', body, as);
const get = (as: Caller, path: string) => evpki.call('GET', path, undefined, as);
const approve = (as: Caller, id: string) =>
  evpki.call('POST', `/v1/requests/${id}/approval`, undefined, as);
const reject = (as: Caller, id: string, reason: unknown = 'not ours') =>
  evpki.call('POST', `/v1/requests/${id}/rejection`, { reason }, as);
const withdraw = (as: Caller, id: string) =>
  evpki.call('POST', `/v1/requests/${id}/withdrawal`, undefined, as);
const coded = ({ status, json }: Answer) => [status, json.code ?? json.state];
const codes = ({ json }: Answer) => json.violations.map(({ code }: { code: string }) => code);

/** An API client whose tokens can be fetched when time has passed. */
async function client(role: string): Promise<() => Promise<Caller>> {
  const wanted = { name: role, organization: 'demo-cpo', roles: [role] };
  const { json } = await evpki.call('POST', '/v1/api-clients', wanted);
  return async () => {
    const credentials = { client_id: json.clientId, client_secret: json.clientSecret };
    const body = { grant_type: 'client_credentials', ...credentials };
    const token = await evpki.call('POST', '/oauth/token', body, {});
    return { authorization: `Bearer ${token.json.access_token}` };
  };
}

let names = 0;
/** A request of the operator's that waits: a station that nobody has registered. */
async function waiting(as = operator): Promise<{ id: string; body: { csr: string } }> {
  const body = { profile: 'ocpp-station', csr: csr(`CN=SN-WAITS-${++names}`) };
  const answer = await ask(as, body);
  expect(coded(answer), answer.text).toEqual([202, 'waiting-for-approval']);
  return { id: answer.json.id, body };
}

describe('a request that somebody has to approve', () => {
  test('C7 waits with 202, says where, and shows what is asked', async () => {
    const answer = await ask(operator, {
      profile: 'ocpp-local-controller',
      csr: csr('CN=LC-1', askFor.names('lc.example', '192.0.2.1')),
    });
    expect(answer.status).toBe(202);
    expect(answer.headers.location).toBe(`/v1/requests/${answer.json.id}`);
    const shown = await get(administrator, answer.headers.location as string);
    expect(shown.json).toEqual(answer.json);
    expect(shown.json).toMatchObject({
      ...{
        state: 'waiting-for-approval',
        profile: 'ocpp-local-controller',
        organization: 'demo-cpo',
      },
      ...{ subject: 'CN=LC-1', channel: 'rest' },
      asked: {
        ...{ subject: 'CN=LC-1', keyAlgorithm: 'P-256' },
        alternativeNames: ['dns:lc.example', 'ip:192.0.2.1'],
        extensions: ['subjectAltName'],
      },
    });
    expect(Date.parse(shown.json.approveUntil) - Date.parse(shown.json.createdAt)).toBe(30 * DAY);
    expect(shown.json).not.toHaveProperty('certificate');
  });

  test('is refused at once if it is hopeless, with every violation', async () => {
    const answer = await ask(operator, {
      profile: 'ocpp-local-controller',
      csr: csr('O=nameless', askFor.authority),
    });
    expect(coded(answer)).toEqual([422, 'csr-refused']);
    expect(codes(answer).sort()).toEqual(
      expect.arrayContaining(['extension-mismatch', 'subject-attribute-missing']),
    );
  });

  test('C7 naming some station vouches for no host', async () => {
    const evil = csr('CN=CS-KEY', askFor.names('evil.example'));
    const controller = { station: 'CS-KEY', csr: evil };
    expect((await ask(operator, { ...controller, profile: 'ocpp-local-controller' })).status).toBe(
      202,
    );
  });

  test('four eyes: also of those who approve, where the profile wants that', async () => {
    const body = { profile: 'ocpp-firmware-signing', csr: csr('CN=Firmware 1') };
    const asked = await ask(administrator, body);
    expect(coded(asked)).toEqual([202, 'waiting-for-approval']);
    const { id } = asked.json;
    expect(coded(await approve(administrator, id))).toEqual([403, 'approval-own-request']);
    const approved = await approve(second, id);
    expect(coded(approved)).toEqual([201, 'issued']);
    expect(approved.json).toMatchObject({
      request: id,
      subject: expect.stringMatching(/Firmware/),
    });
    // The requester asks again to fetch it, although the profile repeats nothing else.
    const fetched = await ask(administrator, body);
    expect(fetched.status).toBe(200);
    expect(fetched.json).toEqual(approved.json);
  });

  test('K5 the same request again is the same request, and then the same certificate', async () => {
    const { id, body } = await waiting();
    const again = await ask(operator, { profile: 'ocpp-station', ...body });
    expect([again.status, again.json.id]).toEqual([202, id]);
    // Of somebody else it is another one: the administrator vouches for it, and has it at once.
    const approved = await approve(administrator, id);
    expect(coded(approved)).toEqual([201, 'issued']);
    expect(approved.headers.location).toBe(`/v1/certificates/${approved.json.id}`);
    const fetched = await ask(operator, { profile: 'ocpp-station', ...body });
    expect([fetched.status, fetched.json.id]).toEqual([200, approved.json.id]);
    const shown = await get(operator, `/v1/requests/${id}`);
    expect(shown.json).toMatchObject({ state: 'issued', certificate: approved.json.id });
    expect(shown.json.decidedBy).toMatch(/^client:cli_/);
    expect(shown.json.decidedBy).not.toBe(shown.json.requester);
  });

  test('K5 approving again, by whomever, gives the same certificate', async () => {
    const { id } = await waiting();
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, () => approve(administrator, id)),
      ...Array.from({ length: 10 }, () => approve(second, id)),
    ]);
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(19);
    expect((await approve(second, id)).status).toBe(200);
  });

  test('approving and rejecting at once: one wins, and everybody hears so', async () => {
    for (let round = 0; round < 4; round += 1) {
      const { id } = await waiting();
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          (index + round) % 2 === 0 ? approve(administrator, id) : reject(second, id),
        ),
      );
      const { json } = await get(reader, `/v1/requests/${id}`);
      expect(['issued', 'rejected']).toContain(json.state);
      for (const [index, answer] of answers.entries()) {
        const isApproval = (index + round) % 2 === 0;
        const won = isApproval === (json.state === 'issued');
        expect(won ? answer.status < 300 : answer.status === 409, answer.text).toBe(true);
      }
    }
  });

  test('a rejection is final, says why, and is what the same request hears again', async () => {
    const { id, body } = await waiting();
    const rejected = await reject(administrator, id, 'Nobody has ordered it.');
    expect(rejected.status).toBe(200);
    expect(rejected.json).toMatchObject({
      ...{ state: 'rejected', rejectionReason: 'Nobody has ordered it.' },
    });
    expect((await reject(second, id, 'Nobody has ordered it.')).status).toBe(200);
    expect(coded(await reject(second, id, 'another reason'))).toEqual([409, 'conflict']);
    expect(coded(await approve(second, id))).toEqual([409, 'conflict']);
    const again = await ask(operator, { profile: 'ocpp-station', ...body });
    expect(coded(again)).toEqual([422, 'request-rejected']);
    expect(again.json.detail).toContain('Nobody has ordered it.');
  });

  test.each([[''], [' '], ['x'.repeat(501)], [7]])(
    'a rejection with %j is none',
    async (reason) => {
      const { id } = await waiting();
      expect(coded(await reject(administrator, id, reason))).toEqual([400, 'request-malformed']);
    },
  );

  test('its requester takes it back, for good, and it is told from a rejection', async () => {
    const { id, body } = await waiting();
    const taken = await withdraw(operator, id);
    expect(coded(taken)).toEqual([200, 'rejected']);
    expect(taken.json.decidedBy).toBe(taken.json.requester);
    expect(taken.json.rejectionReason).toBe('taken back by its requester');
    expect((await withdraw(operator, id)).json).toEqual(taken.json);
    expect(coded(await approve(second, id))).toEqual([409, 'conflict']);
    const again = await ask(operator, { profile: 'ocpp-station', ...body });
    expect(coded(again)).toEqual([422, 'request-rejected']);
    const log = await evpki.call('GET', `/v1/audit?organization=demo-cpo&subject=${id}`);
    expect(log.json.items[0]).toMatchObject({
      ...{ action: 'request.withdrawn', actor: taken.json.requester },
    });
  });

  test('W8 nobody takes back what somebody else has asked for', async () => {
    const { id } = await waiting();
    for (const as of [administrator, csms]) {
      expect(coded(await withdraw(as, id))).toEqual([403, 'not-permitted']);
    }
    // Those that ask for nothing have nothing to take back.
    for (const as of [second, reader]) {
      expect(coded(await withdraw(as, id))).toEqual([403, 'not-permitted']);
    }
    const theirs = await caller('demo-mo', 'emsp-operator');
    expect(coded(await withdraw(theirs, id))).toEqual([404, 'not-found']);
    expect((await get(reader, `/v1/requests/${id}`)).json.state).toBe('waiting-for-approval');
  });

  test('what is decided is not taken back', async () => {
    const approved = await waiting();
    await approve(second, approved.id);
    expect(coded(await withdraw(operator, approved.id))).toEqual([409, 'conflict']);
    const rejected = await waiting();
    await reject(second, rejected.id);
    expect(coded(await withdraw(operator, rejected.id))).toEqual([409, 'conflict']);
  });

  test('taking back and approving at once: one wins, and everybody hears so', async () => {
    for (let round = 0; round < 4; round += 1) {
      const { id } = await waiting();
      const calls = [() => approve(second, id), () => withdraw(operator, id)];
      if (round % 2 === 1) calls.reverse();
      await Promise.all(calls.map((call) => call()));
      const isIssued = (await get(reader, `/v1/requests/${id}`)).json.state === 'issued';
      expect((await approve(second, id)).status).toBe(isIssued ? 200 : 409);
      expect((await withdraw(operator, id)).status).toBe(isIssued ? 409 : 200);
    }
  });

  test('who approves may reject a request of their own', async () => {
    const asked = await ask(administrator, {
      profile: 'ocpp-firmware-signing',
      csr: csr('CN=Firmware 2'),
    });
    expect(coded(await reject(administrator, asked.json.id))).toEqual([200, 'rejected']);
  });

  test('what was never waiting cannot be approved', async () => {
    const issued = await ask(administrator, { profile: 'ocpp-station', csr: csr('CN=SN-DIRECT') });
    expect(issued.status).toBe(201);
    expect(coded(await approve(second, issued.json.request))).toEqual([409, 'conflict']);
    expect(coded(await reject(second, issued.json.request))).toEqual([409, 'conflict']);
    await ask(operator, { profile: 'ocpp-station', csr: csr('O=nameless') });
    const refused = (await get(reader, '/v1/requests?state=refused&limit=1')).json.items[0];
    expect(coded(await approve(second, refused.id))).toEqual([409, 'conflict']);
  });
});

describe('at the moment of approval everything is decided again', () => {
  test('C3 a key that was blocked meanwhile ends the request', async () => {
    const pem = csr('CN=SN-KEY');
    const first = await ask(operator, { profile: 'ocpp-station', csr: pem, station: 'CS-KEY' });
    expect(first.status).toBe(201);
    const { id } = (await ask(operator, { profile: 'ocpp-station', csr: pem })).json;
    const revocation = { reason: 'keyCompromise' };
    const path = `/v1/certificates/${first.json.id}/revocation`;
    expect((await evpki.call('POST', path, revocation, administrator)).status).toBe(200);
    const answer = await approve(administrator, id);
    expect(coded(answer)).toEqual([422, 'csr-refused']);
    expect(codes(answer)).toEqual(['key-blocked']);
    const { json } = await get(reader, `/v1/requests/${id}`);
    expect(json).toMatchObject({ state: 'refused', violations: [{ code: 'key-blocked' }] });
    expect(coded(await approve(administrator, id))).toEqual([409, 'conflict']);
  });

  test('what a client has asked for that was disabled meanwhile nobody can give it', async () => {
    const wanted = { name: 'leaked', organization: 'demo-cpo', roles: ['cpo-operator'] };
    const leaked = (await evpki.call('POST', '/v1/api-clients', wanted)).json;
    const token = await evpki.renewedToken(leaked);
    const { id, body } = await waiting({ authorization: `Bearer ${token}` });
    await evpki.call('DELETE', `/v1/api-clients/${leaked.clientId}`);
    const answer = await approve(second, id);
    expect(coded(answer)).toEqual([422, 'csr-refused']);
    expect(codes(answer)).toEqual(['requester-ended']);
    expect((await get(reader, `/v1/requests/${id}`)).json.state).toBe('refused');
    expect(coded(await approve(second, id))).toEqual([409, 'conflict']);
    // Whoever is somebody asks for the same anew.
    const again = await ask(operator, { profile: 'ocpp-station', ...body });
    expect(coded(await approve(second, again.json.id))).toEqual([201, 'issued']);
  });

  test('C7 a local controller gets its station and the hosts that were vouched for', async () => {
    const name = '/v1/stations/CS-LATER?organization=demo-cpo';
    await evpki.call('PUT', name, { serialNumber: 'LATER-1' });
    const asked = await ask(operator, {
      ...{ profile: 'ocpp-local-controller', station: 'CS-LATER' },
      csr: csr('CN=CS-LATER', askFor.names('lc.example')),
    });
    expect(asked.status).toBe(202);
    const approved = await approve(administrator, asked.json.id);
    expect(coded(approved)).toEqual([201, 'issued']);
    expect((await get(reader, `/v1/requests/${asked.json.id}`)).json.station).toBe('CS-LATER');
  });
});

describe('W8 who sees and who decides', () => {
  test('for other organizations there is no such request', async () => {
    const { id } = await waiting();
    expect(coded(await get(foreign, `/v1/requests/${id}`))).toEqual([404, 'not-found']);
    expect(coded(await approve(foreign, id))).toEqual([404, 'not-found']);
    expect(coded(await reject(foreign, id))).toEqual([404, 'not-found']);
    expect((await get(foreign, '/v1/requests')).json.items).toEqual([]);
    expect(coded(await get(foreign, '/v1/requests?authority=ocpp-station-ca'))).toEqual([
      404,
      'not-found',
    ]);
    expect((await get(reader, `/v1/requests/${id}`)).json.state).toBe('waiting-for-approval');
    const everything = await evpki.call('GET', `/v1/requests/${id}`);
    expect(everything.status).toBe(200);
  });

  test('roles that do not approve may look only', async () => {
    const { id } = await waiting();
    for (const as of [operator, reader, csms]) {
      expect((await get(as, `/v1/requests/${id}`)).status).toBe(200);
      expect(coded(await approve(as, id))).toEqual([403, 'not-permitted']);
      expect(coded(await reject(as, id))).toEqual([403, 'not-permitted']);
    }
    const registrar = await caller('demo-cpo', 'station-registrar');
    expect(coded(await get(registrar, '/v1/requests'))).toEqual([403, 'not-permitted']);
  });

  test('pages, filtered by what approvers look for', async () => {
    const { id } = await waiting();
    const { json } = await get(administrator, `/v1/requests/${id}`);
    const queries = [
      'profile=ocpp-station',
      'authority=ocpp-station-ca',
      'state=waiting-for-approval',
    ];
    for (const query of [...queries, `requester=${json.requester}`, queries.join('&')]) {
      const page = await get(administrator, `/v1/requests?limit=1&${query}`);
      expect(
        page.json.items.map((item: { id: string }) => item.id),
        query,
      ).toEqual([id]);
      expect(page.json.nextCursor, query).toBeDefined();
      const next = await get(administrator, `/v1/requests?${query}&cursor=${page.json.nextCursor}`);
      expect(next.json.items.map((item: { id: string }) => item.id)).not.toContain(id);
    }
    expect((await get(administrator, '/v1/requests?requester=client:x')).json.items).toEqual([]);
    expect((await get(administrator, '/v1/requests?state=lost')).status).toBe(400);
    expect((await get(administrator, '/v1/requests?cursor=bm9wZQ')).status).toBe(400);
    expect((await get(administrator, '/v1/requests/req_none')).status).toBe(404);
  });
});

test('what nobody has decided on in 30 days is expired', async () => {
  const [approver, requester] = [await client('approver'), await client('cpo-operator')];
  const { id, body } = await waiting(await requester());
  ahead = 31 * DAY;
  try {
    const [later, asker] = [await approver(), await requester()];
    expect(coded(await get(later, `/v1/requests/${id}`))).toEqual([200, 'expired']);
    expect(coded(await approve(later, id))).toEqual([409, 'conflict']);
    expect(coded(await reject(later, id))).toEqual([409, 'conflict']);
    expect(coded(await withdraw(asker, id))).toEqual([409, 'conflict']);
    const open = await get(later, '/v1/requests?state=waiting-for-approval');
    expect(open.json.items).toEqual([]);
    const expired = await get(later, '/v1/requests?state=expired');
    expect(expired.json.items.map((item: { id: string }) => item.id)).toContain(id);
    const again = await ask(asker, { profile: 'ocpp-station', ...body });
    expect(again.status).toBe(202);
    expect(again.json.id).not.toBe(id);
  } finally {
    ahead = 0;
  }
});
