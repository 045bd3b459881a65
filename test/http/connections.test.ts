/** How many connections a listener lets one address have, and everybody together. */

import { Agent, request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { settings } from '../../src/config/settings.ts';
import { LIMITS, type Listener, listen, type TlsIdentity } from '../../src/http/listener.ts';
import { toPem } from '../../src/pki/pem.ts';
import { generateKey, issue, templateFor } from '../support/issuing.ts';

const LIMIT = 4;
/** So long that everything is heard that has happened before, however late this process is. */
const aWhile = async (milliseconds: number) => {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === '::1');

let identity: TlsIdentity;
beforeAll(() => {
  const key = generateKey();
  identity = {
    key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    chain: toPem('CERTIFICATE', issue(templateFor(key, key), key).der),
  };
});

describe.each(['HTTP', 'HTTPS'] as const)('W10 %s connections', (scheme) => {
  let listener: Listener;
  let refused: string[];
  const sockets: Socket[] = [];

  async function start(options: { perAddress?: number; maxConnections?: number; host?: string }) {
    const { maxConnections, ...rest } = options;
    refused = [];
    listener = await listen({
      host: '127.0.0.1',
      port: 0,
      setting: 'TEST_PORT',
      handle: (_request, response) => response.end('ok'),
      refused: (limit) => refused.push(limit),
      ...(scheme === 'HTTPS' ? { tls: identity } : {}),
      ...(maxConnections === undefined ? {} : { limits: { maxConnections } }),
      ...rest,
    });
  }
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    listener.abort();
    await listener.close();
  });

  /** Connects and says nothing, not even that it would like TLS. Whether it is still open then. */
  const idle = (localAddress = '127.0.0.1', host = '127.0.0.1') =>
    new Promise<boolean>((resolve, reject) => {
      const socket = connect({ port: listener.address.port, host, localAddress });
      sockets.push(socket);
      socket.on('data', () => reject(new Error('it spoke first')));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(false));
      aWhile(150).then(() => resolve(true));
    });
  const idles = (count: number, from?: string) =>
    Promise.all(Array.from({ length: count }, () => idle(from)));

  /** Asks for something; the status, or undefined when nothing came back. */
  const ask = (localAddress = '127.0.0.1') =>
    new Promise<string | undefined>((resolve) => {
      const where = { port: listener.address.port, host: '127.0.0.1', localAddress };
      const socket =
        scheme === 'HTTP' ? connect(where) : connectTls({ ...where, rejectUnauthorized: false });
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer.split('\r\n')[0] || undefined));
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    });

  test('one address that opens many keeps nobody else out', async () => {
    await start({ perAddress: LIMIT });
    const opened = await idles(LIMIT + 3);
    expect(opened.filter((stayed) => stayed)).toHaveLength(LIMIT);
    expect(refused).toEqual(['address', 'address', 'address']);
    expect(await ask()).toBeUndefined();
    expect(await ask('127.0.0.2')).toBe('HTTP/1.1 200 OK');
    expect((await idles(LIMIT, '127.0.0.3')).every((stayed) => stayed)).toBe(true);
  });

  test('a connection that has ended, in whatever way, makes room for another', async () => {
    await start({ perAddress: LIMIT });
    for (let round = 0; round < 3 * LIMIT; round++) {
      expect(await ask()).toBe('HTTP/1.1 200 OK');
      const aborted = connect(listener.address.port, '127.0.0.1');
      await new Promise((resolve) => aborted.once('connect', resolve));
      aborted.resetAndDestroy();
      const nonsense = connect(listener.address.port, '127.0.0.1');
      nonsense.on('error', () => undefined);
      nonsense.end('\x16\x03\x01 this is neither TLS nor HTTP\r\n\r\n');
      nonsense.resume();
      await new Promise((resolve) => nonsense.once('close', resolve));
      // What the other end has noticed by then, and what only now, is for the event loop.
      await aWhile(10);
    }
    expect(refused).toEqual([]);
    const opened = await idles(LIMIT + 1);
    expect(opened.filter((stayed) => stayed)).toHaveLength(LIMIT);
    sockets[opened.indexOf(true)]?.destroy();
    await expect.poll(() => ask()).toBe('HTTP/1.1 200 OK');
  });

  const onBoth = hasIpv6 ? 'an IPv4 address is itself where the listener has IPv6 as well' : '';
  test.each([onBoth].filter(Boolean))('%s', async () => {
    await start({ perAddress: LIMIT, host: '::' });
    expect((await idles(LIMIT)).every((stayed) => stayed)).toBe(true);
    expect(await idle()).toBe(false);
    expect(await ask('127.0.0.2')).toBe('HTTP/1.1 200 OK');
    const over6 = await Promise.all(Array.from({ length: LIMIT + 1 }, () => idle('::1', '::1')));
    expect(over6.filter((stayed) => stayed)).toHaveLength(LIMIT);
  });

  test('0 is no limit, but that of all together', async () => {
    await start({ perAddress: 0, maxConnections: 2 * LIMIT });
    const opened = await idles(2 * LIMIT + 1);
    expect(opened.filter((stayed) => stayed)).toHaveLength(2 * LIMIT);
    expect(refused).toEqual(['all']);
  });
});

test('W10 HTTPS with connections that are kept: they count until they end', async () => {
  const listener = await listen({
    ...{ host: '127.0.0.1', port: 0, setting: 'TEST_PORT', tls: identity, perAddress: 1 },
    handle: (_request, response) => response.end('ok'),
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  const ask = () =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = request({ port: listener.address.port, host: '127.0.0.1', agent }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      });
      asked.on('error', reject).end();
    });
  for (let round = 0; round < 3; round++) expect(await ask()).toBe(200);
  agent.destroy();
  await expect.poll(ask).toBe(200);
  agent.destroy();
  listener.abort();
  await listener.close();
});

test('W10 by default ten addresses at least are needed to have all', () => {
  expect(Number(settings.addressConnections.default) * 10).toBeLessThanOrEqual(
    LIMITS.maxConnections,
  );
});
