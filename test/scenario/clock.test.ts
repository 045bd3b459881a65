/** The clock of a whole service goes back: while it runs, and while it is down. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { askOcsp, ocspQuestion } from '../support/ask-ocsp.ts';
import { stationRequest } from '../support/stations.ts';

const HOUR = 3_600_000;
const wentBack = expect.objectContaining({ code: 'clock-went-back' });

describe('O6 a clock that goes back', () => {
  let dataDir: string;
  let evpki: TestApp | undefined;
  let authorization: string;
  let question: Uint8Array;
  /** How far evpki's clock is ahead of ours. */
  let ahead = 0;

  const clock = () => new Date(Date.now() + ahead);
  const start = (env = {}) => startTestApp({ dataDir, clock, env });
  const running = (): TestApp => {
    if (!evpki) throw new Error('evpki is down');
    return evpki;
  };
  const issue = (name: string) => {
    const csr = toPem('CERTIFICATE REQUEST', stationRequest(name));
    const body = { profile: 'ocpp-station', csr };
    return running().call('POST', '/v1/certificates', body, { authorization });
  };
  const status = async () => (await askOcsp(running().app.publicUrl, question)).status;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'evpki-clock-'));
    evpki = await start();
    authorization = `Bearer ${await evpki.tokenOf('demo-cpo', ['super'])}`;
    question = ocspQuestion((await issue('SN-1')).json.certificateChain);
  });
  afterAll(async () => {
    await evpki?.close();
    await rm(dataDir, { recursive: true });
  });

  test('while it runs: nothing is signed, the log tells, and it goes on when the clock is right', async () => {
    expect(await status()).toBe('good');
    ahead = -HOUR;
    const refused = await issue('SN-2');
    expect([refused.status, refused.json.code]).toEqual([503, 'clock-went-back']);
    expect(refused.json.detail).toContain('something was signed at');
    expect(refused.headers['retry-after']).toBe('5');
    // The ready-signed answer is from the future now.
    expect(await status()).toBe('tryLater');
    expect(running().log.join('')).toContain('"event":"clock-went-back"');
    ahead = 0;
    expect((await issue('SN-2')).status).toBe(201);
    expect(await status()).toBe('good');
  });

  test('while it is down: it does not start, and starts when the clock is right', async () => {
    await evpki?.close();
    evpki = undefined;
    ahead = -HOUR;
    await expect(start()).rejects.toEqual(wentBack);
    ahead = 0;
    evpki = await start();
    expect((await issue('SN-3')).status).toBe(201);
    expect(await status()).toBe('good');
  });

  test('that was wrong before is put back by who knows it', async () => {
    await evpki?.close();
    ahead = 24 * HOUR;
    evpki = await start();
    await evpki.close();
    evpki = undefined;
    ahead = 0;
    const { message } = await start().then(
      () => new Error('it starts'),
      (error: Error) => error,
    );
    const named = /EVPKI_CLOCK_PUT_BACK=(\S+)$/.exec(message)?.[1] ?? message;
    evpki = await start({ EVPKI_CLOCK_PUT_BACK: named });
    expect((await issue('SN-4')).status).toBe(201);
    expect(await status()).toBe('good');
    expect(evpki.log.join('')).toContain('"event":"clock-put-back"');
  });
});
