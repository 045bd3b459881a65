/** The one fetcher against real servers (W7). */

import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createFetcher, type FetcherOptions } from '../../src/outbound/fetcher.ts';
import { hostRule } from '../../src/outbound/hosts.ts';
import type { OutboundRequest } from '../../src/services/outbound.ts';
import { selfSigned } from '../support/tls-identity.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(handle: RequestListener, identity?: ReturnType<typeof selfSigned>) {
  const server = identity ? createTlsServer({ ...identity }, handle) : createServer(handle);
  servers.push(server as Server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const rules = (...texts: string[]) => texts.map(hostRule);

/** Names all resolve to this machine, and it counts as internal, unless a test says otherwise. */
const fetcher = (options: Partial<FetcherOptions> = {}) =>
  createFetcher({
    listed: rules('*.example', '127.0.0.1'),
    internal: rules('*.example', '127.0.0.1'),
    resolve: async () => ['127.0.0.1'],
    ...options,
  });

const get = (url: string, more: Partial<OutboundRequest> = {}): OutboundRequest => ({
  ...{ url, method: 'GET', headers: {}, reach: 'listed' },
  ...{ timeoutMilliseconds: 10_000, maximumBody: 1_000 },
  ...more,
});

const text = (answer: { ok: boolean; body?: Uint8Array }) =>
  Buffer.from(answer.body ?? []).toString();

describe('an answer', () => {
  test('has status, headers and body; what was sent is what was asked for', async () => {
    const heard: unknown[] = [];
    const port = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const { method, url, headers } = request;
        heard.push([method, url, headers.host, headers['x-a'], Buffer.concat(chunks).toString()]);
        response.writeHead(418, { 'X-B': 'c' }).end('short and stout');
      });
    });
    const answer = await fetcher()(
      get(`http://tea.example:${port}/a%20b?c=d`, {
        ...{ method: 'POST', headers: { 'X-A': 'b' }, body: Buffer.from('body') },
      }),
    );
    expect(answer).toMatchObject({ ok: true, status: 418, headers: { 'x-b': 'c' } });
    expect(text(answer)).toBe('short and stout');
    expect(heard).toEqual([['POST', '/a%20b?c=d', `tea.example:${port}`, 'b', 'body']]);
  });

  test('comes over TLS from whom the URL names, or not at all', async () => {
    const identity = selfSigned('tls.example');
    const port = await serve((_, response) => response.end('yes'), identity);
    const ask = (host: string, trusted: string) =>
      fetcher({ trusted })(get(`https://${host}:${port}/`));
    expect(text(await ask('tls.example', identity.cert))).toBe('yes');
    expect(await ask('other.example', identity.cert)).toEqual({ ok: false, failure: 'tls-failed' });
    const stranger = selfSigned('tls.example').cert;
    expect(await ask('tls.example', stranger)).toEqual({ ok: false, failure: 'tls-failed' });
  });
});

describe('W7 nothing is asked of', () => {
  const asked: string[] = [];
  const ask = async (
    url: (port: number) => string,
    options: Partial<FetcherOptions>,
    more = {},
  ) => {
    const port = await serve((request, response) => {
      asked.push(request.url ?? '');
      response.end();
    });
    return fetcher(options)(get(url(port), more));
  };

  test.each([
    ['no URL', () => 'nonsense', 'url-invalid'],
    ['another scheme', () => 'file:///etc/passwd', 'url-invalid'],
    ['a user', (port: number) => `http://a@x.example:${port}/`, 'url-invalid'],
    ['a fragment', (port: number) => `http://x.example:${port}/#a`, 'url-invalid'],
    ['a host that is not listed', (port: number) => `http://x.test:${port}/`, 'host-not-allowed'],
    ['the end of a name', (port: number) => `http://notexample:${port}/`, 'host-not-allowed'],
    ['the domain alone', (port: number) => `http://example:${port}/`, 'host-not-allowed'],
  ])('%s', async (_, url, failure) => {
    expect(await ask(url, {})).toEqual({ ok: false, failure });
    expect(asked).toEqual([]);
  });

  test('another port than the one that is listed', async () => {
    const answer = await ask((port) => `http://x.example:${port}/`, {
      listed: rules('x.example:80'),
    });
    expect(answer).toEqual({ ok: false, failure: 'host-not-allowed' });
    expect(asked).toEqual([]);
  });

  test.each([
    ['loopback', ['127.0.0.1']],
    ['one address of several that is not public', ['1.1.1.1', '10.0.0.1']],
    ['loopback, mapped', ['::ffff:127.0.0.1']],
    ['a cloud’s metadata', ['169.254.169.254']],
    ['an address with a zone', ['fe80::1%lo']],
  ])('a name that stands for %s', async (_, addresses) => {
    const options = { internal: [], resolve: async () => addresses };
    const answer = await ask((port) => `http://x.example:${port}/`, options);
    expect(answer).toEqual({ ok: false, failure: 'address-not-public' });
    expect(asked).toEqual([]);
  });

  test.each(['127.0.0.1', '127.1', '2130706433', '0x7f000001', '[::1]', '[::ffff:7f00:1]'])(
    'the host %s, whoever registered it',
    async (host) => {
      const more = { reach: 'public' };
      const answer = await ask((port) => `http://${host}:${port}/`, { internal: [] }, more);
      expect(answer).toEqual({ ok: false, failure: 'address-not-public' });
      expect(asked).toEqual([]);
    },
  );

  test('a name that nobody knows', async () => {
    const resolve = async () => {
      throw new Error('ENOTFOUND');
    };
    expect(await ask(() => 'http://x.example/', { resolve })).toEqual({
      ok: false,
      failure: 'host-unknown',
    });
  });
});

describe('W7', () => {
  test('a name is resolved once: what it stands for a moment later does not count', async () => {
    const port = await serve((_, response) => response.end('first'));
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    let questions = 0;
    const resolve = async () => answers[questions++] ?? [];
    expect(text(await fetcher({ resolve })(get(`http://x.example:${port}/`)))).toBe('first');
    expect(questions).toBe(1);
  });

  test('redirects are not followed', async () => {
    const asked: string[] = [];
    const port = await serve((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(302, { Location: '/elsewhere' }).end();
    });
    const answer = await fetcher()(get(`http://x.example:${port}/here`));
    expect(answer).toEqual({ ok: false, failure: 'redirected' });
    expect(asked).toEqual(['/here']);
  });

  test.each([
    ['said beforehand', { 'Content-Length': '1001' }],
    ['found on reading', {}],
  ])('too large, %s', async (_, headers) => {
    const port = await serve((__, response) => {
      response.writeHead(200, headers);
      response.end('x'.repeat(1_001));
    });
    const answer = await fetcher()(get(`http://x.example:${port}/`));
    expect(answer).toEqual({ ok: false, failure: 'answer-too-large' });
  });

  test('as large as it may be', async () => {
    const port = await serve((_, response) => response.end('x'.repeat(1_000)));
    expect(await fetcher()(get(`http://x.example:${port}/`))).toMatchObject({ ok: true });
  });

  test.each([
    ['says nothing', () => {}],
    ['never ends', (response: { write(text: string): void }) => response.write('x')],
  ])('a server that %s', async (_, behave) => {
    const port = await serve((__, response) => behave(response));
    const answer = await fetcher()(get(`http://x.example:${port}/`, { timeoutMilliseconds: 300 }));
    expect(answer).toEqual({ ok: false, failure: 'timed-out' });
  });

  test('a resolver that never answers', async () => {
    const resolve = () => new Promise<string[]>(() => {});
    const wanted = get('http://x.example/', { timeoutMilliseconds: 100 });
    // The process of a test has nothing else that keeps it running.
    const alive = setInterval(() => {}, 1_000);
    expect(await fetcher({ resolve })(wanted)).toEqual({ ok: false, failure: 'host-unknown' });
    clearInterval(alive);
  });

  test('nobody listens', async () => {
    const port = await serve(() => {});
    const [server] = servers.splice(0);
    await new Promise((resolve) => server?.close(resolve));
    const answer = await fetcher()(get(`http://x.example:${port}/`));
    expect(answer).toEqual({ ok: false, failure: 'unreachable' });
  });
});
