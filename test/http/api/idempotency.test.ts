/** A keyed call whose client leaves, over HTTP and a real table. */

import { randomBytes } from 'node:crypto';
import { type ClientRequest, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onceForEachKey } from '../../../src/http/api/idempotency.ts';
import type { Principal } from '../../../src/services/access-policy.ts';
import type { IdempotencyStore } from '../../../src/services/idempotency-records.ts';
import { idempotencyStore } from '../../../src/storage/idempotency.ts';
import { capture } from '../../support/captured-log.ts';
import { type TestDatabase, testBackends } from '../../support/databases.ts';

let opened: TestDatabase;
let server: Server;
/** Ends the work of the calls that are at it. */
let finish: () => void;
let finished: Promise<void>;
const seen = { looks: 0, runs: 0 };

beforeAll(async () => {
  opened = await (testBackends[0] as (typeof testBackends)[number]).open();
  const store = idempotencyStore(opened.database);
  const idempotency: IdempotencyStore = {
    ...store,
    findKey: (...asked) => {
      seen.looks += 1;
      return store.findKey(...asked);
    },
  };
  const handle = onceForEachKey(
    {
      idempotency,
      keyLimit: { take: async () => undefined, giveBack: () => undefined },
      clock: () => new Date(),
      random: randomBytes,
      logger: capture().logger,
    },
    'doIt',
    new Set(),
    async (_request, response) => {
      seen.runs += 1;
      await finished;
      response.json({ run: seen.runs });
    },
  );
  const principal = { actor: 'client:a' } as Principal;
  const app = express();
  app.post('/', (asked, response) => handle(asked, response, principal));
  await new Promise<void>((resolve) => {
    server = app.listen(0, '127.0.0.1', () => resolve());
  });
});
afterAll(async () => {
  server?.close();
  await opened?.remove();
});

function ask(key: string): { sent: ClientRequest; answer: Promise<string> } {
  const sent = request({
    port: (server.address() as AddressInfo).port,
    method: 'POST',
    headers: { 'idempotency-key': key },
  });
  const answer = new Promise<string>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
  });
  answer.catch(() => undefined);
  sent.end();
  return { sent, answer };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function begin(): void {
  finished = new Promise((resolve) => {
    finish = resolve;
  });
  Object.assign(seen, { looks: 0, runs: 0 });
}

test('K5 who waits for the answer of another call stops when the client has left', async () => {
  begin();
  const first = ask('left');
  await expect.poll(() => seen.runs).toBe(1);
  const waiting = Array.from({ length: 5 }, () => ask('left'));
  await expect.poll(() => seen.looks).toBeGreaterThan(6);
  for (const { sent } of waiting) sent.destroy();
  // As long as the longest pause between two looks, and then some; until it has heard that they left.
  let { looks } = seen;
  for (await pause(400); seen.looks !== looks; await pause(400)) looks = seen.looks;
  await pause(600);
  expect(seen.looks).toBe(looks);
  const staying = ask('left');
  await expect.poll(() => seen.looks).toBeGreaterThan(looks + 1);
  finish();
  expect(await Promise.all([first.answer, staying.answer])).toEqual(Array(2).fill('{"run":1}'));
  expect(seen.runs).toBe(1);
});

test('K5 the work of a client that leaves is finished, and its answer kept', async () => {
  begin();
  const first = ask('works');
  await expect.poll(() => seen.runs).toBe(1);
  first.sent.destroy();
  await pause(100);
  finish();
  expect(await ask('works').answer).toBe('{"run":1}');
  expect(seen.runs).toBe(1);
});
