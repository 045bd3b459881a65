/** What a listener does with clients that are slow, or send too much before they say what. */

import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIMITS, type Listener, listen } from '../../src/http/listener.ts';

describe('W1 a client that', () => {
  let listener: Listener;
  const handled: string[] = [];
  beforeAll(async () => {
    listener = await listen({
      host: '127.0.0.1',
      port: 0,
      setting: 'TEST_PORT',
      handle: (request, response) => {
        request.resume();
        request.on('end', () => {
          handled.push(request.url ?? '');
          response.end('ok');
        });
      },
      limits: { headersTimeout: 200, requestTimeout: 400, connectionsCheckingInterval: 50 },
    });
  });
  afterAll(async () => {
    listener.abort();
    await listener.close();
  });

  /** Sends the parts, one every 50 ms; what came back when the connection was closed. */
  const send = (parts: readonly string[], to = listener) =>
    new Promise<string>((resolve, reject) => {
      let answer = '';
      const socket = connect(to.address.port, '127.0.0.1');
      const pending = [...parts];
      const timer = setInterval(() => {
        const part = pending.shift();
        if (part !== undefined && socket.writable) socket.write(part);
      }, 50);
      const giveUp = setTimeout(() => reject(new Error(`still open: ${answer}`)), 30_000);
      socket.on('data', (chunk) => {
        answer += chunk.toString();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearInterval(timer);
        clearTimeout(giveUp);
        resolve(answer);
      });
    });

  const drip = (text: string) => [...text];

  test('sends its headers drop by drop is let go', async () => {
    const answer = await send([
      'GET /drip HTTP/1.1\r\nHost: a\r\n',
      ...drip('X-Slow: '.repeat(50)),
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(handled).not.toContain('/drip');
  });

  test('says nothing at all is let go', async () => {
    expect(await send([])).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });

  test('sends its body drop by drop is let go', async () => {
    const head = 'POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n';
    expect(await send([head, ...drip('x'.repeat(200))])).toMatch(/^HTTP\/1\.1 408 /);
    expect(handled).not.toContain('/body');
  });

  test.each([
    ['one header', `X-Long: ${'x'.repeat(LIMITS.maxHeaderSize)}\r\n`],
    ['many headers', 'X-Many: yes\r\n'.repeat(2_000)],
  ])('sends too much in %s is refused', async (_, headers) => {
    const answer = await send([`GET /large HTTP/1.1\r\nHost: a\r\n${headers}\r\n`]);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(handled).not.toContain('/large');
  });

  test.each([
    ['both lengths', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd'],
    ['a folded header', 'X-A: a\r\n b: c\r\n\r\n'],
    ['a bare line feed', 'X-A: a\nX-B: b\r\n\r\n'],
    ['a space before the colon', 'X-A : a\r\n\r\n'],
  ])('is ambiguous about where its request ends is refused: %s', async (_, rest) => {
    const answer = await send([`POST /smuggled HTTP/1.1\r\nHost: a\r\n${rest}`]);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(handled).not.toContain('/smuggled');
  });

  test('is as slow as people are is answered', async () => {
    // By the limits that listeners have: others leave a busy machine no time.
    const usual = await listen({
      ...{ host: '127.0.0.1', port: 0, setting: 'TEST_PORT' },
      handle: (_request, response) => response.end('ok'),
    });
    const parts = ['GET /fine HTTP/1.1\r\n', 'Host: a\r\nConnection: close\r\n', '\r\n'];
    expect(await send(parts, usual)).toMatch(/^HTTP\/1\.1 200 /);
    await usual.close();
  });
});

test('W1 the limits that listeners have', () => {
  expect(LIMITS.maxHeaderSize).toBeLessThanOrEqual(16 * 1024);
  expect(LIMITS.headersTimeout).toBeLessThanOrEqual(10_000);
  expect(LIMITS.requestTimeout).toBeLessThanOrEqual(30_000);
  expect(LIMITS.connectionsCheckingInterval).toBeLessThanOrEqual(5_000);
});
