/** Webhooks from what happens to what a receiver has in its hands. */

import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { newRequest } from '../support/requests.ts';
import { leaveFactory, sent } from '../support/vehicles.ts';

interface Heard {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe('webhooks', () => {
  let evpki: TestApp;
  let receiver: Server;
  let base: string;
  /** Of the test at hand: what was on its way for the one before arrives elsewhere. */
  let url: string;
  let tests = 0;
  let cpo: Record<string, string>;
  let heard: Heard[] = [];
  /** What the receiver answers, one after the other; 204 behind the last. */
  let answers: number[] = [];
  /** Takes messages and never answers, from when on that is asked for. */
  let silent: { isHeld?: boolean; isGivenUp?: boolean } | undefined;

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        if (`${base}${request.url}` !== url) {
          response.writeHead(204).end();
          return;
        }
        heard.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
        const held = silent;
        if (held) {
          held.isHeld = true;
          request.socket.on('close', () => {
            held.isGivenUp = true;
          });
        } else response.writeHead(answers.shift() ?? 204).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as AddressInfo;
    base = `http://127.0.0.1:${port}`;
    evpki = await startTestApp({ env: { EVPKI_OUTBOUND_INTERNAL_HOSTS: `127.0.0.1:${port}` } });
    cpo = { authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['cpo-operator'])}` };
  });
  afterAll(async () => {
    await evpki?.close();
    receiver?.closeAllConnections();
    receiver?.close();
  });
  beforeEach(async () => {
    for (const { id } of (await evpki.call('GET', PATH)).json.items) {
      await evpki.call('DELETE', `${PATH}/${id}`);
    }
    url = `${base}/hook-${++tests}`;
    heard = [];
    answers = [];
    silent = undefined;
  });

  const PATH = '/v1/webhook/endpoints';
  const register = async (body: object, headers = cpo) =>
    evpki.call('POST', PATH, { url, ...body }, headers);
  let count = 0;
  const issue = async () => {
    const csr = newRequest(`CN=hook-${++count}`);
    const { json } = await evpki.call('POST', '/v1/certificates', { profile: 'ocpp-station', csr });
    return json.id as string;
  };
  const revoked = async () => {
    const id = await issue();
    await evpki.call('POST', `/v1/certificates/${id}/revocation`, { reason: 'superseded' });
  };
  const untilHeard = (number: number) =>
    vi.waitFor(() => expect(heard.length).toBeGreaterThanOrEqual(number), 30_000);
  const messages = () => heard.map(({ body }) => JSON.parse(body));
  const rest = () => new Promise((resolve) => setTimeout(resolve, 5_000));

  test('a message says what happened, signed with the secret that was shown once', async () => {
    const created = await register({ events: ['certificate.issued', 'certificate.revoked'] });
    expect(created.status, created.text).toBe(201);
    const { id, secret } = created.json;
    expect(secret).toMatch(/^evpki_whs_[\w-]{43}$/);
    const certificate = await issue();
    await evpki.call('POST', `/v1/certificates/${certificate}/revocation`, {
      reason: 'superseded',
    });
    // evpki's own OCSP responders are certificates of the organization as well.
    const about = () => messages().filter(({ subject }) => subject === certificate);
    await vi.waitFor(() => expect(about()).toHaveLength(2), 30_000);
    expect(about()).toMatchObject([
      { event: 'certificate.issued', organization: 'demo-cpo', subject: certificate },
      { event: 'certificate.revoked', organization: 'demo-cpo', subject: certificate },
    ]);
    expect(about()[1].details).toMatchObject({ reason: 'superseded' });
    for (const { headers, body } of heard) {
      const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
      expect(headers['x-hubject-signature']).toBe(signature);
      expect(headers['x-operator-signature']).toBe(signature);
      expect(headers['content-type']).toBe('application/json');
      expect(headers['x-evpki-event']).toBe(JSON.parse(body).event);
    }
    const shown = await vi.waitFor(async () => {
      const answer = await evpki.call('GET', `${PATH}/${id}`, undefined, cpo);
      expect(answer.json).toMatchObject({ id, waiting: 0, deliveredAt: expect.any(String) });
      return answer;
    }, 30_000);
    // W9
    expect(shown.text).not.toContain(secret);
    expect(evpki.log.join('')).not.toContain(secret);
  });

  test('nobody hears of what is another organization’s, of other events, or of before', async () => {
    await revoked();
    const mo = { authorization: `Bearer ${await evpki.tokenOf('demo-mo', ['emsp-operator'])}` };
    await register({ events: ['certificate.revoked'] }, mo);
    await register({ events: ['certificate.held'] });
    await revoked();
    await register({ events: ['certificate.revoked'] });
    await rest();
    expect(heard).toEqual([]);
  });

  test('what does not arrive waits for its next attempt, and says why', async () => {
    const { id } = (await register({ events: ['certificate.revoked'] })).json;
    answers = [503];
    await revoked();
    await untilHeard(1);
    await vi.waitFor(async () => {
      const { json } = await evpki.call('GET', `${PATH}/${id}`, undefined, cpo);
      expect(json).toMatchObject({ waiting: 1, failure: { reason: 'http-503' } });
    }, 25_000);
    expect(heard).toHaveLength(1);
  });

  test('W7 a host inside that is not listed is never asked', async () => {
    const inside = `http://localhost:${new URL(url).port}/`;
    const { id } = (await register({ url: inside, events: ['certificate.revoked'] })).json;
    await revoked();
    await vi.waitFor(async () => {
      const { json } = await evpki.call('GET', `${PATH}/${id}`, undefined, cpo);
      expect(json.failure?.reason).toBe('unreachable');
    }, 30_000);
    expect(heard).toEqual([]);
    // Which names there are inside is for the log of whoever runs evpki alone.
    const failed = evpki.log.filter((line) => line.includes('webhook-failed'));
    expect(failed.some((line) => line.includes('address-not-public'))).toBe(true);
  });

  test('a receiver that never answers keeps no CRL waiting', async () => {
    const issued = await evpki.call('GET', `/v1/certificates/${await issue()}`);
    const { id, serialNumber } = issued.json;
    // Whole octets: without its zero in front a number may have an odd count of digits.
    const octets = Buffer.from(
      serialNumber.padStart(2 * Math.ceil(serialNumber.length / 2), '0'),
      'hex',
    );
    const { issuers } = (await evpki.call('GET', '/v1/authorities/ocpp-station-ca')).json;
    const listed = async () => {
      const answer = await fetch(`${evpki.app.publicUrl}/crl/${issuers[0].id}.crl`);
      return Buffer.from(await answer.arrayBuffer()).includes(octets);
    };
    await register({ events: ['certificate.issued'] });
    silent = {};
    await issue();
    await vi.waitFor(() => expect(silent?.isHeld).toBe(true), 30_000);
    // The message is held for five seconds; the CRL is due now.
    const path = `/v1/certificates/${id}/revocation?wait=crl`;
    const answer = await evpki.call('POST', path, { reason: 'superseded' });
    expect(answer.status, answer.text).toBe(200);
    expect(await listed()).toBe(true);
    expect(silent).toEqual({ isHeld: true });
  });

  test('an operator hears that the vehicle of its contract is another one, and is no more', async () => {
    const operator = {
      authorization: `Bearer ${await evpki.tokenOf('demo-mo', ['emsp-operator'])}`,
    };
    const maker = { authorization: `Bearer ${await evpki.tokenOf('demo-oem', ['oem'])}` };
    const { pcid } = await leaveFactory(evpki, maker, 'iso15118-2');
    const body = { emaid: 'DE8EVC00000077', pcid };
    const { id } = sent(await evpki.call('POST', '/v1/contracts', body, operator), 201);
    const events = ['mo.prov.cert.updated', 'mo.prov.cert.deleted', 'mo.contract.deleted'];
    expect((await register({ events }, operator)).status).toBe(201);
    const refused = await register({ events: ['mo.prov.cert.deleted'] }, maker);
    expect([refused.status, refused.json.errorMessages[0]]).toEqual([
      ...[403, expect.stringContaining('mo.prov.cert.deleted')],
    ]);
    const { registration } = await leaveFactory(evpki, maker, 'iso15118-2', pcid);
    await untilHeard(1);
    const path = `/v1/provisioning-certificates/${registration}`;
    expect((await evpki.call('DELETE', path, undefined, maker)).status).toBeLessThan(300);
    await untilHeard(3);
    const details = { pcid, standard: 'iso15118-2', contracts: [id] };
    const common = { organization: 'demo-mo', subject: pcid, details };
    expect(messages()).toMatchObject([
      { event: 'mo.prov.cert.updated', ...common },
      { event: 'mo.prov.cert.deleted', ...common },
      { event: 'mo.contract.deleted', organization: 'demo-mo', subject: id },
    ]);
    // Whose vehicle it is an operator does not learn.
    expect(JSON.stringify(messages())).not.toContain('demo-oem');
  });

  test('W8 nobody hears by a message what they may not read', async () => {
    const answer = await register({ events: ['certificate.revoked', 'mo.contract.added'] });
    expect(answer.status, answer.text).toBe(403);
    expect(answer.json.errorMessages[0]).toContain('mo.contract.added');
    const all = (await register({})).json.events as string[];
    expect(all).toContain('certificate.revoked');
    expect(all.filter((event) => /^(mo|oem)\./.test(event))).toEqual([]);
  });

  test.each([
    ['no URL', 'nonsense'],
    ['another scheme', 'ftp://a.example/'],
    ['a password', 'https://a:b@c.example/'],
    ['a fragment', 'https://c.example/#d'],
    ['plain HTTP to elsewhere', 'http://c.example/'],
    ['plain HTTP to what looks like this machine', 'http://127.0.0.1.example/'],
  ])('%s is refused', async (_, wrong) => {
    const answer = await register({ url: wrong });
    expect(answer.status).toBe(400);
    expect(answer.json.errorMessages.join(' ')).toContain('url');
  });

  test('endpoints are their organization’s: listed, changed and removed by nobody else', async () => {
    const { id } = (await register({})).json;
    const mo = { authorization: `Bearer ${await evpki.tokenOf('demo-mo', ['emsp-operator'])}` };
    expect((await evpki.call('GET', PATH, undefined, mo)).json.items).toEqual([]);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? { url } : undefined;
      expect((await evpki.call(method, `${PATH}/${id}`, body, mo)).status).toBe(404);
    }
    const changed = await evpki.call(
      'PUT',
      `${PATH}/${id}`,
      { url, events: ['request.waiting'] },
      cpo,
    );
    expect([changed.status, changed.json.events]).toEqual([200, ['request.waiting']]);
    expect((await evpki.call('DELETE', `${PATH}/${id}`, undefined, cpo)).status).toBe(204);
    expect((await evpki.call('GET', `${PATH}/${id}`, undefined, cpo)).status).toBe(404);
  });
});
