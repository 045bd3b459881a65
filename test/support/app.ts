/** A running evpki for tests, and a client that speaks to it as a CSMS would. */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type App, startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { ApiValidator } from '../../src/http/api/validator.ts';
import { createLogger } from '../../src/observe/log.ts';
import type { Clock } from '../../src/services/clock.ts';
import type { RandomBytes } from '../../src/services/serial-numbers.ts';
import { checkingValidator } from './validator.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever the API answers
  readonly json: any;
}

export interface TestApp {
  readonly app: App;
  readonly dataDir: string;
  /** What has been logged so far, a line each. */
  readonly log: string[];
  /** Calls the API; with the administrator's token unless headers say otherwise. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** A token of a new API client. */
  tokenOf(organization: string, roles: string[]): Promise<string>;
  /** A fresh token for the credentials that `POST /v1/api-clients` gave. */
  renewedToken(credentials: Readonly<Record<string, string>>): Promise<string>;
  close(): Promise<void>;
}

export interface TestAppOptions {
  readonly hierarchy?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Kept when the app is closed, if given. */
  readonly dataDir?: string;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  /** The folder of policies; that of the repository without. */
  readonly policies?: string;
  /** What requests and answers are checked with, if not all by what is made once. */
  readonly validator?: ApiValidator;
  /** Leaves the bootstrap secret as it is: nobody is administrator. */
  readonly keepBootstrap?: true;
}

/** Starts evpki on free ports in a temporary folder, and makes its first administrator. */
export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'evpki-test-')));
  const result = loadConfig({
    env: {
      EVPKI_DATA_DIR: dataDir,
      EVPKI_PUBLIC_PORT: '0',
      EVPKI_API_PORT: '0',
      EVPKI_METRICS_PORT: '0',
      EVPKI_HIERARCHY: options.hierarchy ?? 'ca/demo.yaml',
      ...(options.policies ? { EVPKI_POLICIES: options.policies } : {}),
      ...options.env,
    },
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  const log: string[] = [];
  const logger = createLogger({
    level: 'debug',
    format: 'json',
    stream: { write: (line) => log.push(line) },
  });
  const app = await startApp({
    config: result.config,
    logger,
    validator: options.validator ?? checkingValidator(),
    ...(options.clock ? { clock: options.clock } : {}),
    ...(options.random ? { random: options.random } : {}),
  });
  const ca = readFileSync(join(dataDir, 'api-ca.pem'), 'utf8');
  const send = (method: string, path: string, body: unknown, headers: Record<string, string>) =>
    callApi(new URL(path, app.apiUrl), ca, method, body, headers);

  const tokenFor = async ({ clientId, clientSecret }: Record<string, string>) => {
    const credentials = {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
    };
    return (await send('POST', '/oauth/token', credentials, {})).json.access_token as string;
  };

  let administrator = '';
  const call: TestApp['call'] = (method, path, body, headers) =>
    send(method, path, body, headers ?? { authorization: `Bearer ${administrator}` });

  if (app.awaitsAdministrator && !options.keepBootstrap) {
    const secret = readFileSync(join(dataDir, 'bootstrap-secret'), 'utf8').trim();
    const bootstrap = { authorization: `Bearer ${secret}` };
    administrator = await tokenFor(
      (await call('POST', '/v1/api-clients', { name: 'test' }, bootstrap)).json,
    );
  }
  return {
    app,
    dataDir,
    log,
    call,
    async tokenOf(organization, roles) {
      const client = await call('POST', '/v1/api-clients', { name: 'test', organization, roles });
      if (client.status !== 201) throw new Error(client.text);
      return tokenFor(client.json);
    },
    renewedToken: tokenFor,
    async close() {
      await app.stop();
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true });
    },
  };
}

/**
 * One call, on a connection that was used before if there is one. Where OpenSSL has held up this
 * process, both ends of it, such a connection may be closed only as it is used again.
 */
export function callApi(
  url: URL,
  ca: string,
  method: string,
  body: unknown,
  headers: OutgoingHttpHeaders,
  tls: Pick<RequestOptions, 'agent' | 'key' | 'cert'> = {},
): Promise<Answer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      url,
      {
        method,
        ca,
        ...tls,
        headers: {
          ...(text === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const answer = Buffer.concat(chunks).toString();
          const isJson = /json/.test(response.headers['content-type'] ?? '');
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: answer,
            json: isJson ? JSON.parse(answer) : undefined,
          });
        });
      },
    );
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (!request.reusedSocket || error.code !== 'ECONNRESET') reject(error);
      else resolve(callApi(url, ca, method, body, headers, tls));
    });
    request.end(text);
  });
}
