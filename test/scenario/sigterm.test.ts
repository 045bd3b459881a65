/** SIGTERM while clients are issuing: nothing that was answered is lost, and it ends in time. */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { stationRequest } from '../support/stations.ts';

const CLIENTS = 8;

/** What became of a request: an answer, or why there is none. */
type Outcome =
  | { readonly kind: 'answered'; readonly status: number; readonly id: string; readonly at: number }
  | { readonly kind: 'refused' | 'cut-off'; readonly at: number; readonly error: string };

describe('SIGTERM under load', () => {
  let dataDir: string;
  let evpki: ServiceProcess;
  let token: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'evpki-sigterm-'));
    evpki = await startServiceProcess({}, dataDir);
    token = await evpki.administrator();
  });
  afterAll(async () => {
    await evpki?.remove();
    await rm(dataDir, { recursive: true });
  });

  const requests = Array.from({ length: 400 }, (_, index) =>
    toPem('CERTIFICATE REQUEST', stationRequest(`SN-${index}`)),
  );

  /** Issues on one connection that is kept alive, as a CSMS does. */
  function issue(agent: Agent, ca: string, csr: string): Promise<Outcome> {
    const body = JSON.stringify({ profile: 'ocpp-station', csr });
    return new Promise((resolve) => {
      let isSent = false;
      const fail = (error: Error) =>
        resolve({ kind: isSent ? 'cut-off' : 'refused', at: Date.now(), error: error.message });
      const request = httpsRequest(
        new URL('/v1/certificates', evpki.apiUrl),
        {
          method: 'POST',
          agent,
          ca,
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          },
        },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          response.on('error', fail);
          response.on('end', () => {
            const { id = '' } = JSON.parse(text) as { id?: string };
            resolve({ kind: 'answered', status: response.statusCode ?? 0, id, at: Date.now() });
          });
        },
      );
      request.on('error', fail);
      request.on('finish', () => {
        isSent = request.socket?.connecting === false;
      });
      request.end(body);
    });
  }

  /** Ids of all certificates of stations, whatever became of them. */
  async function issuedStations(): Promise<string[]> {
    const ids: string[] = [];
    for (let cursor = ''; ; ) {
      const path = `/v1/certificates?profile=ocpp-station&limit=200${cursor}`;
      const { status, json, text } = await evpki.call('GET', path, undefined, token);
      if (status !== 200) throw new Error(text);
      ids.push(...json.items.map(({ id }: { id: string }) => id));
      if (json.nextCursor === undefined) return ids;
      cursor = `&cursor=${encodeURIComponent(json.nextCursor)}`;
    }
  }

  test('what was answered is what is stored, nothing is cut off, and it exits 0 within 10 s', async () => {
    const ca = readFileSync(join(dataDir, 'api-ca.pem'), 'utf8');
    const outcomes: Outcome[] = [];
    const client = async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (;;) {
        const csr = requests.pop();
        if (csr === undefined) break;
        const outcome = await issue(agent, ca, csr);
        outcomes.push(outcome);
        if (outcome.kind !== 'answered') break;
      }
      agent.destroy();
    };
    const clients = Array.from({ length: CLIENTS }, client);
    while (outcomes.length < 40) await new Promise((resolve) => setTimeout(resolve, 10));
    const before = Date.now();
    evpki.child.kill('SIGTERM');
    const ending = await evpki.ended;
    const took = Date.now() - before;
    await Promise.all(clients);
    expect(ending).toEqual({ code: 0, signal: null });
    expect(took).toBeLessThan(10_000);
    // Requests were left over: the load did not end by itself.
    expect(requests.length).toBeGreaterThan(0);
    // Whoever sends on a connection at the moment it is closed for being idle hears nothing; but
    // nobody may be kept until the time is up, and then be cut off in the middle of a request.
    const last = Math.max(...outcomes.map(({ at }) => at));
    expect(last - before).toBeLessThan(5_000);

    const events = evpki.log.map(({ event }) => event);
    expect(events.slice(-1)).toEqual(['stopped']);
    expect(events).not.toContain('requests-cut-off');
    for (const url of [evpki.publicUrl, evpki.apiUrl]) {
      await expect(connected(new URL(url)), url).rejects.toThrow('ECONNREFUSED');
    }

    const answered = outcomes.filter((outcome) => outcome.kind === 'answered');
    expect(answered.length).toBeGreaterThanOrEqual(40);
    expect(new Set(answered.map(({ status }) => status))).toEqual(new Set([201]));
    evpki = await startServiceProcess({}, dataDir);
    for (const { id } of answered) {
      const { json } = await evpki.call('GET', `/v1/certificates/${id}`, undefined, token);
      expect([id, json.state]).toEqual([id, 'issued']);
    }
    expect(evpki.log.map(({ event }) => event)).not.toContain('pending-certificates-abandoned');

    // The other way round: what is stored was answered. Whoever heard nothing was not listened to.
    const known = new Set(answered.map(({ id }) => id));
    const stored = await issuedStations();
    expect(stored.filter((id) => !known.has(id))).toEqual([]);
    expect(stored.length).toBe(known.size);
  });
});

function connected({ hostname, port }: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname === 'localhost' ? '127.0.0.1' : hostname);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
