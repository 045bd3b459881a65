/** A whole evpki behind a proxy, those who call through it, and who they are to evpki. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { toPem } from '../../src/pki/pem.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import { startTestApp, type TestApp } from './app.ts';
import { type LoginCertificate, loginCertificate, type Presented } from './client-certificates.ts';
import { apiConnection, application, bearer, certificatesIn } from './est.ts';
import { exchange } from './https.ts';
import { commonName } from './issuing.ts';
import { type ProxyProgram, type RunningProxy, startProxy } from './proxies.ts';
import { type RawAnswer, type RawRequest, sendRaw } from './raw-https.ts';
import { sent } from './vehicles.ts';

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** Where to ask, and whom to expect there. */
export type Door = Pick<RunningProxy, 'url' | 'ca'>;

export interface Resumption {
  readonly first: string;
  readonly reused: boolean;
  readonly again: string;
}

export interface BehindProxy {
  readonly evpki: TestApp;
  readonly front: RunningProxy;
  /** evpki itself, past the proxy. */
  readonly direct: Door;
  /** What two API clients log in with, each of another organization. */
  readonly cpo: LoginCertificate;
  readonly mo: LoginCertificate;
  /** Has an API client of this organization that logs in with the certificate. */
  registered(organization: string, certificate: LoginCertificate): Promise<LoginCertificate>;
  /** Starts another proxy, whose settings are not those of the document. */
  otherProxy(change: (settings: string) => string): Promise<RunningProxy>;
  /** Who somebody is to evpki: his organization, or the refusal. Over a connection of its own. */
  outcome(
    presented: Presented | undefined,
    headers?: Readonly<Record<string, string>>,
    at?: Door & { readonly maxVersion?: TlsVersion },
  ): Promise<string>;
  /** A request through the proxy, as it is written. */
  raw(presented: Presented | undefined, asked: RawRequest): Promise<RawAnswer>;
  rawOutcome(presented: Presented | undefined, asked: Omit<RawRequest, 'target'>): Promise<string>;
  /** Octets on a connection of their own, through the proxy. */
  sentAsIs(octets: string): Promise<void>;
  /** Asks who somebody is over connections that stay open, as often as one likes. */
  caller(presented: Presented | undefined): { ask(): Promise<string>; end(): void };
  /** A session of one client, offered again by somebody with another certificate or none. */
  resumption(
    proxy: RunningProxy,
    first: Presented,
    then: Presented | undefined,
    version: TlsVersion,
  ): Promise<Resumption>;
  /** A station's certificate towards vehicles: by itself, and with all those above it. */
  station(
    standard: string,
    algorithm: KeyAlgorithm,
    name: string,
  ): Promise<{ readonly key: string; readonly leaf: string; readonly whole: string }>;
  /** A token of the operator's CSMS. */
  csms(): Promise<string>;
  close(): Promise<void>;
}

/** What answers nobody, and says of everybody else who he is: the API clients of his organization. */
const path = '/v1/api-clients';

/** SECC certificates of both editions, below authorities of the same operator. */
const editions = [
  ['iso15118-2', 'P-256'],
  ['iso15118-20', 'P-521'],
].map(
  ([standard, key]) => `
  ${standard}-root: { organization: v2g, profile: ${standard}-v2g-root, key: ${key}, title: Root }
  ${standard}-sub-1:
    profile: ${standard}-cpo-sub-ca-1
    under: ${standard}-root
    organization: demo-cpo
    title: Sub-CA 1
    key: ${key}
  ${standard}-sub-2:
    profile: ${standard}-cpo-sub-ca-2
    under: ${standard}-sub-1
    organization: demo-cpo
    title: Sub-CA 2
    key: ${key}`,
);
const hierarchy = `hierarchy: behind-a-proxy
description: one operator, both editions
demo: true
organizations:
  v2g: { name: V2G, country: DE, roles: [v2g-operator] }
  demo-cpo: { name: CPO, country: DE, roles: [cpo], stationsOnFirstSight: true }
  demo-mo: { name: MO, country: DE, roles: [mo], providers: [DE8EV] }
authorities:${editions.join('')}
`;

/** Starts evpki, and the proxy with the documented settings in front of it. */
export async function openBehindProxy(program: ProxyProgram): Promise<BehindProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'evpki-behind-'));
  const identity = loginCertificate({ subject: commonName('proxy-1') });
  writeFileSync(join(folder, 'proxies.pem'), identity.cert);
  writeFileSync(join(folder, 'hierarchy.yaml'), hierarchy);
  const evpki = await startTestApp({
    hierarchy: join(folder, 'hierarchy.yaml'),
    // What is refused here is refused for its own sake.
    env: { EVPKI_PROXY_CERTIFICATES: join(folder, 'proxies.pem'), EVPKI_ADDRESS_RATE: '0' },
  });
  const apiCa = readFileSync(join(evpki.dataDir, 'api-ca.pem'), 'utf8');
  const start = (change?: (settings: string) => string) =>
    startProxy(program, { identity, apiUrl: evpki.app.apiUrl, apiCa }, change);
  const front = await start().catch(async (error: unknown) => {
    await evpki.close();
    rmSync(folder, { recursive: true });
    throw error;
  });
  const direct = { url: evpki.app.apiUrl, ca: apiCa };
  const raw = (presented: Presented | undefined, asked: RawRequest) =>
    sendRaw({ ...to(front), ...shown(presented) }, asked);

  async function registered(organization: string, certificate: LoginCertificate) {
    const body = { name: organization, organization, roles: ['tenant-admin'] };
    const { clientId } = sent(await evpki.call('POST', path, body), 201);
    const request = { certificate: certificate.cert };
    sent(await evpki.call('POST', `${path}/${clientId}/certificates`, request), 201);
    return certificate;
  }

  return {
    ...{ evpki, front, direct, registered, raw, otherProxy: start },
    cpo: await registered('demo-cpo', loginCertificate()),
    mo: await registered('demo-mo', loginCertificate()),
    csms: () => evpki.tokenOf('demo-cpo', ['csms']),
    async outcome(presented, headers = {}, { url, ...tls } = front) {
      const { ca, maxVersion } = tls as { ca: string; maxVersion?: TlsVersion };
      const version = maxVersion ? { maxVersion } : {};
      const connection = { ca, ...version, ...shown(presented) };
      return told(await exchange(`${url}${path}`, { headers }, connection));
    },
    async rawOutcome(presented, asked) {
      const { status, body } = await raw(presented, { ...asked, target: path });
      return told({ status, text: body });
    },
    async sentAsIs(octets) {
      await spoken(to(front), octets);
    },
    caller(presented) {
      const agent = new Agent({ ...to(front), ...shown(presented), keepAlive: true });
      return { ask: () => kept(`${front.url}${path}`, agent), end: () => agent.destroy() };
    },
    async resumption(proxy, first, then, maxVersion) {
      const asked = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
      const one = await spoken({ ...to(proxy), ...shown(first), maxVersion }, asked);
      const session = one.session ? { session: one.session } : {};
      const next = { ...to(proxy), ...shown(then), ...session, maxVersion };
      const other = await spoken(next, asked);
      return { first: toldIn(one.text), reused: other.reused, again: toldIn(other.text) };
    },
    async station(standard, algorithm, name) {
      const made = application(`CN=${name}`, algorithm);
      const enrolled = await sendRaw(apiConnection(evpki), {
        ...{ method: 'POST', target: `/cpo/simpleenroll/${standard}`, body: made.body },
        headers: [bearer(await evpki.tokenOf('demo-cpo', ['csms']))],
      });
      const above = await sendRaw(apiConnection(evpki), { target: `/cpo/cacerts/${standard}` });
      const [leaf = '', ...others] = [enrolled, above]
        .flatMap(certificatesIn)
        .map(({ der }) => toPem('CERTIFICATE', der));
      return { key: made.key, leaf, whole: [leaf, ...others].join('') };
    },
    async close() {
      await front.stop();
      await evpki.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Has a proxy with settings of its own, as long as it is looked at. */
export async function withSettings(
  { otherProxy }: BehindProxy,
  change: (settings: string) => string,
  judge: (proxy: RunningProxy) => Promise<void>,
): Promise<void> {
  const proxy = await otherProxy(change);
  try {
    await judge(proxy);
  } finally {
    await proxy.stop();
  }
}

/** Leaves out of settings what has to be in them. */
export const without =
  (...texts: readonly string[]) =>
  (settings: string): string =>
    texts.reduce((rest, text) => {
      if (!rest.includes(text)) throw new Error(`no "${text}"`);
      return rest.replace(text, '');
    }, settings);

const to = ({ port, ca }: RunningProxy) => ({
  ...{ host: '127.0.0.1', port, servername: 'localhost', ca },
});
const shown = (presented: Presented | undefined) =>
  presented ? { cert: presented.cert, key: presented.key } : {};

function told({ status, text }: { readonly status: number; readonly text: string }): string {
  if (status !== 200) return `${status} ${/"code":"([^"]+)"/.exec(text)?.[1] ?? text}`;
  const { items } = JSON.parse(text) as { items: { organization: string }[] };
  return [...new Set(items.map(({ organization }) => organization))].join();
}

function toldIn(answer: string): string {
  const end = answer.indexOf('\r\n\r\n');
  return told({ status: Number(answer.split(' ')[1]), text: answer.slice(end + 4) });
}

const kept = (url: string, agent: Agent): Promise<string> =>
  new Promise((resolve, reject) => {
    const request = httpsRequest(url, { agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve(told({ status: response.statusCode ?? 0, text })));
    });
    request.on('error', reject);
    request.end();
  });

const GIVE_UP = 10_000;

/** Everything that is answered until the other side ends the connection, or says no more. */
function spoken(
  connection: ConnectionOptions,
  octets: string,
): Promise<{ readonly text: string; readonly session?: Buffer; readonly reused: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect(connection, () => socket.write(octets, 'latin1'));
    let text = '';
    let session: Buffer | undefined;
    let failure: Error | undefined;
    socket.setTimeout(GIVE_UP, () => socket.destroy());
    socket.on('session', (one: Buffer) => {
      session = one;
    });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', (error) => {
      failure = error;
    });
    let reused = false;
    socket.on('secureConnect', () => {
      reused = socket.isSessionReused();
    });
    socket.on('close', () => {
      if (failure && text === '') reject(failure);
      else resolve({ text, reused, ...(session ? { session } : {}) });
    });
  });
}
