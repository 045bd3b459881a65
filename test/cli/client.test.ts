/** The HTTPS client against servers that are not evpki, or not the one that is trusted. */

import { createServer as createPlainServer, type RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { connect } from '../../src/cli/client.ts';
import { type Identity, selfSigned } from '../support/tls-identity.ts';

const trusted = selfSigned('localhost');
const stranger = selfSigned('localhost');
const otherHost = selfSigned('elsewhere.example');

const servers: { close(): unknown; closeAllConnections(): void }[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(identity: Identity, handle: RequestListener): Promise<string> {
  const server: Server = createServer({ ...identity }, handle);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

const answer =
  (status: number, body: string): RequestListener =>
  (_request, response) => {
    response.writeHead(status).end(body);
  };

/** What a GET of this URL comes to, when only `ca` is trusted. */
async function get(url: string, ca = trusted.cert) {
  const client = connect({ url, ca });
  try {
    return await client.send({ method: 'GET', path: '/v1/x', token: 'evpki_tok_secret' });
  } finally {
    client.close();
  }
}

test('an answer is its status and body', async () => {
  let seen: unknown;
  const url = await serve(trusted, (request, response) => {
    seen = [request.method, request.url, request.headers.authorization];
    response.writeHead(201).end('{"a":1}');
  });
  expect(await get(`${url}/below`)).toEqual({ status: 201, body: { a: 1 } });
  expect(seen).toEqual(['GET', '/below/v1/x', 'Bearer evpki_tok_secret']);
});

test('204 is an answer without a body', async () => {
  const url = await serve(trusted, (_request, response) => {
    response.writeHead(204).end();
  });
  expect(await get(url)).toEqual({ status: 204, body: undefined });
});

describe('a server that is not to be trusted', () => {
  test.each<[string, () => Identity, () => string]>([
    ['of another CA', () => stranger, () => trusted.cert],
    ['for another host', () => otherHost, () => otherHost.cert],
  ])('%s is sent nothing, whatever the environment says', async (_name, identity, ca) => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const handle = vi.fn(answer(200, '{}'));
    const url = await serve(identity(), handle);
    await expect(get(url, ca())).rejects.toMatchObject({
      exit: 69,
      message: expect.stringMatching(/^the certificate of https:.* is not to be trusted \(\w+\)$/),
    });
    expect(handle).not.toHaveBeenCalled();
  });

  test('CAs of the system are not trusted', async () => {
    const url = await serve(stranger, answer(200, '{}'));
    await expect(get(url)).rejects.toMatchObject({ exit: 69 });
  });
});

describe('what is no answer of evpki', () => {
  test.each<[string, number, string, RegExp]>([
    ['a page', 200, '<html>', /answered 200, but not as evpki does/],
    ['a bare error', 502, 'Bad Gateway', /answered 502/],
    ['another error in JSON', 500, '{"message":"x"}', /answered 500/],
    ['a redirection, which is not followed', 302, '{}', /answered 302/],
    ['an empty answer', 200, '', /answered 200/],
  ])('%s', async (_name, status, body, message) => {
    const url = await serve(trusted, answer(status, body));
    await expect(get(url)).rejects.toMatchObject({
      exit: 70,
      message: expect.stringMatching(message),
    });
  });

  test('an answer without end is not kept', async () => {
    const url = await serve(trusted, (_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024, ' ');
      const more = () => {
        while (response.writable && response.write(chunk)) {}
      };
      response.on('drain', more);
      more();
    });
    await expect(get(url)).rejects.toMatchObject({
      exit: 69,
      message: expect.stringContaining('the answer is too large'),
    });
  });

  test('an answer that breaks off is none', async () => {
    const url = await serve(trusted, (_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{}');
      setImmediate(() => response.destroy());
    });
    await expect(get(url)).rejects.toMatchObject({ exit: 69 });
  });
});

describe('nobody there', () => {
  test('a closed port names the URL and how to start the service', async () => {
    const url = await serve(trusted, answer(200, '{}'));
    const server = servers.pop();
    await new Promise((resolve) => {
      (server as Server).close(resolve);
    });
    await expect(get(url)).rejects.toMatchObject({
      exit: 69,
      message: `cannot reach ${url}: nothing listens there`,
      details: { remedy: expect.stringContaining('npm start') },
    });
  });

  test('a port without TLS is named as such', async () => {
    const server = createPlainServer(answer(200, '{}'));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    await expect(get(url)).rejects.toMatchObject({
      exit: 69,
      message: expect.stringContaining('does not speak TLS as evpki does'),
    });
  });
});
