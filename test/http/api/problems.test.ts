/** Problems as HTTP answers: which of them say when to try again. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { problemHandler } from '../../../src/http/api/problems.ts';
import { RateLimited } from '../../../src/http/api/rate-limits.ts';
import { type ErrorCode, errorCodes, ServiceError } from '../../../src/services/errors.ts';
import { capture } from '../../support/captured-log.ts';

let server: Server;
let url = '';
let next: Error;
beforeAll(async () => {
  const app = express()
    .use(() => {
      throw next;
    })
    .use(problemHandler(capture().logger));
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => {
    server.once('listening', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(
  () =>
    new Promise((resolve) => {
      server.close(resolve);
    }),
);

async function answerTo(error: Error) {
  next = error;
  const response = await fetch(url);
  const { code } = (await response.json()) as { code: string };
  return { status: response.status, code, retryAfter: response.headers.get('retry-after') };
}

describe('Retry-After', () => {
  test.each([
    ['not-ready', '2'],
    ['declarations-superseded', '5'],
    ['clock-went-back', '5'],
  ] as const)('%s passes by itself, in about %s s', async (code, seconds) => {
    const answer = await answerTo(new ServiceError(code, 'not now'));
    expect(answer).toEqual({ status: 503, code, retryAfter: seconds });
  });

  test('W10 too many requests: as long as the budget says', async () => {
    const answer = await answerTo(new RateLimited(6_100));
    expect(answer).toEqual({ status: 429, code: 'too-many-requests', retryAfter: '7' });
  });

  test('no 503 is without it, and nothing else has it', async () => {
    const codes = (Object.keys(errorCodes) as ErrorCode[]).filter(
      (code) => errorCodes[code].http !== 429,
    );
    for (const code of codes) {
      const { retryAfter } = await answerTo(new ServiceError(code, 'so it is'));
      expect([code, retryAfter !== null]).toEqual([code, errorCodes[code].http === 503]);
    }
    const fault = await answerTo(new Error('a bug'));
    expect(fault).toEqual({ status: 500, code: 'internal', retryAfter: null });
  });
});
