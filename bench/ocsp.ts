/** OCSP: ready-signed answers over HTTP against a bare server, answers signed on demand. */

import { type ChildProcess, fork } from 'node:child_process';
import { sign } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateKey } from '../test/support/issuing.ts';
import { nonceExtension, requestFor } from '../test/support/ocsp.ts';
import { certIdOf, madeUpResponder } from '../test/support/responder.ts';
import { cpuMicroseconds, median, report } from './measure.ts';

const CONNECTIONS = 16;
const WARM_UP = 20_000;
const ROUNDS = 11;
const REQUESTS_PER_ROUND = 4_000;

interface Server {
  readonly child: ChildProcess;
  readonly port: number;
  readonly question: Buffer;
  readonly agent: Agent;
}

async function startServer(kind: 'evpki' | 'bare'): Promise<Server> {
  const file = fileURLToPath(new URL(`ocsp-server${extname(import.meta.url)}`, import.meta.url));
  const child = fork(file, [kind]);
  const [told] = (await once(child, 'message')) as [{ port: number; question: string }];
  const question = Buffer.from(told.question, 'base64');
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  return { child, port: told.port, question, agent };
}

async function cpuOf({ child }: Server): Promise<number> {
  const told = once(child, 'message');
  child.send('cpu');
  const [{ cpu }] = (await told) as [{ cpu: number }];
  return cpu;
}

const ask = ({ port, question, agent }: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = {
      'Content-Type': 'application/ocsp-request',
      'Content-Length': question.length,
    };
    const asked = request({
      port,
      host: '127.0.0.1',
      path: '/ocsp',
      method: 'POST',
      agent,
      headers,
    });
    asked.on('error', reject);
    asked.on('response', (response) => {
      let octets = 0;
      response.on('data', (chunk: Buffer) => {
        octets += chunk.length;
      });
      response.on('end', () => {
        // An OCSP error has five octets.
        if (response.statusCode === 200 && octets > 100) resolve();
        else reject(new Error(`status ${response.statusCode}, ${octets} octets`));
      });
    });
    asked.end(question);
  });

/** Microseconds of the server's CPU time for each request. */
async function load(server: Server, requests: number): Promise<number> {
  const before = await cpuOf(server);
  let left = requests;
  const connection = async () => {
    while (left-- > 0) await ask(server);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  return ((await cpuOf(server)) - before) / requests;
}

const servers = { evpki: await startServer('evpki'), bare: await startServer('bare') };
const samples = { evpki: [] as number[], bare: [] as number[] };
for (const server of Object.values(servers)) await load(server, WARM_UP);
for (let round = 0; round < ROUNDS; round++) {
  samples.bare.push(await load(servers.bare, REQUESTS_PER_ROUND));
  samples.evpki.push(await load(servers.evpki, REQUESTS_PER_ROUND));
}
for (const { child, agent } of Object.values(servers)) {
  agent.destroy();
  child.disconnect();
}
const [evpki, bare] = [median(samples.evpki), median(samples.bare)];
const share = `${((100 * bare) / evpki).toFixed(0)} %`;
report('ready-signed OCSP over HTTP / bare node:http, per CPU', share, 'at least 75 %');
report('  ready-signed OCSP over HTTP, CPU of the server', `${evpki.toFixed(0)} us`, '');
report('  bare node:http, CPU of the server', `${bare.toFixed(0)} us`, '');

// The status store is one in memory: what is measured is the responder, not a database.
const { responder, pass } = madeUpResponder();
const { privateKey } = generateKey();
const question = requestFor([certIdOf('11aa')], nonceExtension(new Uint8Array(16).fill(7)));
const data = new Uint8Array(250).fill(7);
const micros = await cpuMicroseconds([
  {
    name: 'sign',
    run: (times) => {
      for (let i = 0; i < times; i++) sign('sha256', data, privateKey);
    },
  },
  {
    name: 'answer',
    run: async (times) => {
      for (let i = 0; i < times; i++) {
        // The budget of an issuer is 200 signatures a second, by a clock that is set here.
        pass(5);
        const reply = await responder.answer(question);
        if (reply.kind === 'error') throw new Error(reply.status);
      }
    },
  },
]);
const [raw = 0, answer = 0] = ['sign', 'answer'].map((name) => micros.get(name));
report('OCSP answer signed on demand / raw sign', `${(answer / raw).toFixed(1)}x`, 'at most 3x');
report('  OCSP answer signed on demand, CPU', `${answer.toFixed(0)} us`, '');
