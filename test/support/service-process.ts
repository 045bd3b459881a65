/** evpki as operators run it: a process of its own, spoken to over its ports. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Answer, callApi } from './app.ts';
import { makeOneFile, repository } from './one-file.ts';

export interface ServiceProcess {
  readonly child: ChildProcess;
  /** Where its own public listener is, whatever URL certificates name. */
  readonly publicUrl: string;
  readonly apiUrl: string;
  readonly dataDir: string;
  /** PEM of the CA that its API certificate is from. */
  readonly ca: string;
  /** What it has logged so far. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  call(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  /** A token of its first administrator; once per database. */
  administrator(): Promise<string>;
  /** How it ended; waits until it has. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Kills it if it still runs, and removes its data directory. */
  remove(): Promise<void>;
}

/** A machine that is busy otherwise takes most of a minute. */
const STARTS_WITHIN = 110_000;

/**
 * Starts `src/main.ts` on free ports and returns when it listens.
 * @param folder the checkout that it is from
 */
export async function startServiceProcess(
  env: Readonly<Record<string, string>> = {},
  keptDataDir?: string,
  folder = repository,
): Promise<ServiceProcess> {
  const dataDir = keptDataDir ?? (await mkdtemp(join(tmpdir(), 'evpki-service-')));
  const program = await makeOneFile('src/main.ts', folder);
  const child = spawn(process.execPath, [program.script], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      EVPKI_DATA_DIR: dataDir,
      EVPKI_PUBLIC_PORT: '0',
      EVPKI_API_PORT: '0',
      EVPKI_METRICS_PORT: '0',
      EVPKI_LOG_FORMAT: 'json',
      EVPKI_LOG_LEVEL: 'debug',
      ...env,
    },
  });
  const log: Record<string, unknown>[] = [];
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const ended = once(child, 'close').then(async ([code, signal]) => {
    await program.remove();
    return { code, signal };
  });

  const listening = await new Promise<Record<string, unknown>>((resolve, reject) => {
    const failed = (why: string) => {
      child.kill('SIGKILL');
      reject(
        new Error(`${why}: ${complaints}${log.map((line) => JSON.stringify(line)).join('\n')}`),
      );
    };
    const timer = setTimeout(() => failed('it does not start'), STARTS_WITHIN);
    createInterface(child.stdout).on('line', (text) => {
      const line = JSON.parse(text) as Record<string, unknown>;
      log.push(line);
      if (line.event !== 'listening') return;
      clearTimeout(timer);
      resolve(line);
    });
    child.once('close', () => {
      clearTimeout(timer);
      failed('it ended');
    });
  });

  const ca = readFileSync(join(dataDir, 'api-ca.pem'), 'utf8');
  const call: ServiceProcess['call'] = (method, path, body, token) =>
    callApi(
      new URL(path, String(listening.apiUrl)),
      ca,
      method,
      body,
      token === undefined ? {} : { authorization: `Bearer ${token}` },
    );
  return {
    child,
    publicUrl: `http://${(listening.addresses as { public: string }).public}`,
    apiUrl: String(listening.apiUrl),
    dataDir,
    ca,
    log,
    call,
    ended,
    async administrator() {
      const secret = readFileSync(join(dataDir, 'bootstrap-secret'), 'utf8').trim();
      const client = (await call('POST', '/v1/api-clients', { name: 'test' }, secret)).json;
      const answer = await call('POST', '/oauth/token', {
        grant_type: 'client_credentials',
        client_id: client.clientId,
        client_secret: client.clientSecret,
      });
      return answer.json.access_token as string;
    },
    async remove() {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await ended;
      if (keptDataDir === undefined) await rm(dataDir, { recursive: true });
    },
  };
}
