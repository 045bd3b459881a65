/** W10: whoever asks too much is told when to come back, and is in nobody's way, not even its own. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { stationRequest } from '../support/stations.ts';

const PER_SECOND = 1;
const BURST = 60;

describe('W10 rate limits', () => {
  let evpki: TestApp;
  let operator: Record<string, string>;
  beforeAll(async () => {
    evpki = await startTestApp({
      env: { EVPKI_CLIENT_RATE: String(PER_SECOND), EVPKI_ADDRESS_RATE: String(PER_SECOND) },
    });
    operator = await as('cpo-operator');
    await evpki.call('PUT', '/v1/stations/CS-1?organization=demo-cpo', { serialNumber: 'SN-1' });
  });
  afterAll(() => evpki?.close());

  const as = async (role: string) => ({
    authorization: `Bearer ${await evpki.tokenOf('demo-cpo', [role])}`,
  });
  const enrol = (headers = operator, path = '/v1/certificates') => {
    const csr = toPem('CERTIFICATE REQUEST', stationRequest('SN-1'));
    const body = { profile: 'ocpp-station', csr, station: 'CS-1' };
    return evpki.call('POST', path, body, headers);
  };
  /** Asks until there is nothing left; a slow machine may be given some more on the way. */
  const exhaust = async (ask: () => Promise<Answer>): Promise<{ got: Answer[]; last: Answer }> => {
    const got: Answer[] = [];
    for (;;) {
      const answer = await ask();
      if (answer.status === 429) return { got, last: answer };
      got.push(answer);
      expect(got.length).toBeLessThan(10 * BURST);
    }
  };

  test('a storm of enrolments is refused, and everything else goes on', async () => {
    const other = await as('cpo-operator');
    const { got, last } = await exhaust(() => enrol());
    expect(got.length).toBeGreaterThanOrEqual(BURST);
    expect(new Set(got.map(({ status }) => status))).toEqual(new Set([201]));
    expect(last.json).toMatchObject({ code: 'too-many-requests', status: 429 });
    expect(last.headers['retry-after']).toBe('1');
    expect(last.headers['content-type']).toContain('application/problem+json');

    // The same client revokes what it has got, and reads.
    const id = got[0]?.json.id;
    const revoked = await evpki.call(
      'POST',
      `/v1/certificates/${id}/revocation`,
      { reason: 'superseded' },
      operator,
    );
    expect([revoked.status, revoked.json.state]).toEqual([200, 'revoked']);
    expect((await evpki.call('GET', `/v1/certificates/${id}`, undefined, operator)).status).toBe(
      200,
    );
    // Others enrol, and OCSP is on a listener of its own.
    expect((await enrol(other)).status).toBe(201);
    const ocsp = await fetch(`${evpki.app.publicUrl}/ocsp`, { method: 'POST', body: 'x' });
    expect(ocsp.status).not.toBe(429);
  });

  test('whoever waits as long as told is served', async () => {
    const { last } = await exhaust(() => enrol());
    await new Promise((resolve) =>
      setTimeout(resolve, Number(last.headers['retry-after']) * 1000 + 50),
    );
    expect((await enrol()).status).toBe(201);
  });

  test('a way of writing the path that is not ours is no way around', async () => {
    await exhaust(() => enrol());
    for (const path of [
      '/v1/certificates/',
      '/V1/certificates',
      '/v1//certificates',
      '/v1/certific%61tes',
    ]) {
      expect((await enrol(operator, path)).status, path).toBe(404);
    }
  });

  test('those who cannot say who they are share what their address has', async () => {
    const guess = () =>
      evpki.call('GET', '/v1/profiles', undefined, {
        authorization: `Bearer evpki_tok_${'A'.repeat(43)}`,
      });
    const { got, last } = await exhaust(guess);
    expect(new Set(got.map(({ status }) => status))).toEqual(new Set([401]));
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
    const credentials = {
      ...{ grant_type: 'client_credentials', client_id: 'cli_x', client_secret: 'x' },
    };
    const bootstrap = { authorization: 'Bearer evpki_boot_x' };
    for (const ask of [
      () => evpki.call('POST', '/oauth/token', credentials, {}),
      () => evpki.call('GET', '/v1/profiles', undefined, {}),
      () => evpki.call('GET', '/v1/profiles', undefined, bootstrap),
    ]) {
      // With something of their own they would have a burst; a second or two may have passed.
      expect((await exhaust(ask)).got.length).toBeLessThan(BURST / 2);
    }
    // Whoever can is not kept out by the others at its address.
    expect((await evpki.call('GET', '/v1/profiles', undefined, operator)).status).toBe(200);
  });
});
