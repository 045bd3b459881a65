/** What an operator's Prometheus reads of a running service. */

import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { askOcsp, ocspQuestion } from '../support/ask-ocsp.ts';
import { stationRequest } from '../support/stations.ts';

describe('GET /metrics', () => {
  let evpki: TestApp;
  let url: string;
  let administrator: Record<string, string>;
  beforeAll(async () => {
    evpki = await startTestApp();
    const listening = evpki.log
      .map((line) => JSON.parse(line))
      .find(({ event }) => event === 'listening');
    url = `http://${listening.addresses.metrics}/metrics`;
    administrator = {
      authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['super'])}`,
    };
  });
  afterAll(() => evpki?.close());

  const text = async () => (await fetch(url)).text();
  /** The value of a series, 0 before it is there. */
  const value = async (series: string): Promise<number> => {
    const line = (await text()).split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? 0 : Number(line.slice(series.length + 1));
  };
  const grown = async (series: string, act: () => Promise<unknown>): Promise<number> => {
    const before = await value(series);
    await act();
    return (await value(series)) - before;
  };
  const issue = async (name: string) => {
    const csr = toPem('CERTIFICATE REQUEST', stationRequest(name));
    const body = { profile: 'ocpp-station', csr };
    return evpki.call('POST', '/v1/certificates', body, administrator);
  };

  test('is Prometheus text on this machine only, and nothing else is there', async () => {
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    expect(new URL(url).hostname).toBe('127.0.0.1');
    expect((await fetch(url.replace('/metrics', '/'))).status).toBe(404);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
    const samples = (await answer.text()).split('\n').filter((line) => /^[^#]/.test(line));
    for (const line of samples) {
      expect(line).toMatch(/^[a-z_0-9]+(\{([a-z_]+="[^"\\]*",?)*\})? [-+0-9.eNaInf]+$/i);
    }
  });

  test('W10 connections of one address that are too many, at either listener', async () => {
    const app = await startTestApp({
      keepBootstrap: true,
      env: { EVPKI_ADDRESS_CONNECTIONS: '3' },
    });
    const { addresses } = app.log
      .map((line) => JSON.parse(line))
      .find(({ event }) => event === 'listening');
    const sockets = ['api', 'public'].flatMap((listener) => {
      const { hostname, port } = new URL(`http://${addresses[listener]}`);
      return Array.from({ length: 5 }, () => connect(Number(port), hostname));
    });
    for (const socket of sockets) socket.on('error', () => undefined);
    const refused = async () =>
      (await (await fetch(`http://${addresses.metrics}/metrics`)).text())
        .split('\n')
        .filter((line) => line.startsWith('evpki_connections_refused_total{'))
        .sort();
    await expect
      .poll(refused)
      .toEqual([
        'evpki_connections_refused_total{listener="api",limit="address"} 2',
        'evpki_connections_refused_total{listener="public",limit="address"} 2',
      ]);
    for (const socket of sockets) socket.destroy();
    await app.close();
  });

  test('certificates issued and refused, by profile and channel', async () => {
    const series = (outcome: string) =>
      `evpki_certificates_total{outcome="${outcome}",profile="ocpp-station",channel="rest"}`;
    expect(await grown(series('issued'), () => issue('SN-METRIC'))).toBe(1);
    // With a row, and before there can be one.
    expect(await grown(series('refused'), () => issue('10.0.0.1'))).toBe(1);
    const unreadable = { profile: 'ocpp-station', csr: 'AAAA' };
    const post = () => evpki.call('POST', '/v1/certificates', unreadable, administrator);
    expect(await grown(series('refused'), post)).toBe(1);
    const own =
      'evpki_certificates_total{outcome="issued",profile="api-server",channel="internal"}';
    expect(await value(own)).toBe(1);
  });

  test('status changes and what OCSP says of them', async () => {
    const { id, certificateChain } = (await issue('SN-STATUS')).json;
    const question = ocspQuestion(certificateChain);
    const ask = () => askOcsp(evpki.app.publicUrl, question);
    const answers = (says: string, from: string) =>
      `evpki_ocsp_answers_total{says="${says}",from="${from}"}`;
    expect(await grown(answers('good', 'demand'), ask)).toBe(1);
    expect(await grown(answers('good', 'ready'), ask)).toBe(1);
    const revoke = () =>
      evpki.call('POST', `/v1/certificates/${id}/revocation`, { reason: 'superseded' });
    const change = 'evpki_status_changes_total{to="revoked",reason="superseded"}';
    expect(await grown(change, revoke)).toBe(1);
    expect(await grown(change, revoke), 'the same again').toBe(0);
    expect(await grown(answers('revoked', 'demand'), ask)).toBe(1);
    const malformed = () => fetch(`${evpki.app.publicUrl}/ocsp`, { method: 'POST', body: 'x' });
    expect(await grown(answers('malformedRequest', 'demand'), malformed)).toBe(1);
  });

  test('requests by operation and status; what is no operation is one series', async () => {
    const count = (operation: string, status: number) =>
      `evpki_http_request_duration_seconds_count{operation="${operation}",status="${status}"}`;
    const get = (path: string) => () => evpki.call('GET', path, undefined, administrator);
    expect(await grown(count('listProfiles', 200), get('/v1/profiles'))).toBe(1);
    expect(await grown(count('getCertificate', 404), get('/v1/certificates/crt_none'))).toBe(1);
    const scan = async () => {
      for (let n = 0; n < 20; n++) await get(`/nothing/${n}`)();
    };
    expect(await grown(count('none', 404), scan)).toBe(20);
    expect(await text()).not.toContain('/nothing');
  });

  test('jobs, batches, the database, CRLs and the issuer that ends first', async () => {
    const done = () => value('evpki_jobs_total{kind="crl",outcome="done"}');
    await expect.poll(done).toBeGreaterThan(0);
    const all = await text();
    expect(await value('evpki_database_up')).toBe(1);
    // Responders are being certified at this very moment, perhaps.
    expect(all).toMatch(/^evpki_certificates_pending \d+$/m);
    expect(await value('evpki_commit_works_count')).toBeGreaterThan(10);
    expect(await value('evpki_first_issuer_end_days')).toBeGreaterThan(30);
    expect(all).toMatch(/^evpki_crl_number\{issuer="[0-9a-z]+"\} [1-9]/m);
    expect(all).toMatch(/^evpki_crl_left_seconds\{issuer="[0-9a-z]+"\} [1-9]/m);
    expect(all).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    expect(all).toMatch(/^process_cpu_seconds_total /m);
  });

  test('W9 has no serial numbers, no names, no clients and no ids', async () => {
    const { id, serialNumber } = (await issue('SN-SECRET')).json;
    const all = await text();
    for (const hidden of [id, serialNumber, 'SN-SECRET', 'client:', 'cli_', 'req_', 'demo-cpo']) {
      expect(all).not.toContain(hidden);
    }
  });
});

test('EVPKI_METRICS_PORT=off turns them off', async () => {
  const evpki = await startTestApp({ env: { EVPKI_METRICS_PORT: 'off' } });
  try {
    const listening = evpki.log.find((line) => line.includes('"listening"')) ?? '';
    expect(Object.keys(JSON.parse(listening).addresses)).toEqual(['public', 'api']);
  } finally {
    await evpki.close();
  }
});
