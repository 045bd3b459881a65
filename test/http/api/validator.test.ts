/** One validator before several APIs: each is checked, whichever was asked first. */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type ErrorRequestHandler } from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiValidator } from '../../../src/http/api/validator.ts';

const document = {
  openapi: '3.0.3',
  info: { title: 'things', version: '1' },
  paths: {
    '/things/{id}': {
      get: {
        operationId: 'getThing',
        parameters: [
          { name: 'id', in: 'path', required: true, schema: { type: 'string', maxLength: 5 } },
        ],
        responses: {
          200: {
            description: 'it',
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  required: ['id'],
                  properties: { id: { type: 'string' }, api: { type: 'string' } },
                },
              },
            },
          },
        },
      },
    },
  },
};

const asStatus: ErrorRequestHandler = ({ status }, _request, response, _next) => {
  response.status(status).end();
};

describe.each([
  { answers: true, unsound: 500 },
  { answers: false, unsound: 200 },
])('one validator, answers: $answers', ({ answers, unsound }) => {
  const servers: Server[] = [];
  const urls: string[] = [];
  beforeAll(async () => {
    const validator = apiValidator(document as never, { answers });
    for (const api of ['first', 'second']) {
      const app = express();
      app.use(...validator);
      app.get('/things/:id', ({ params: { id } }, response) => {
        response.json(id === 'none' ? {} : { id, api });
      });
      app.use(asStatus);
      const server = createServer(app).listen(0, '127.0.0.1');
      await once(server, 'listening');
      servers.push(server);
      urls.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}/things/`);
    }
  });
  afterAll(() => servers.forEach((server) => void server.close()));

  test.each([
    ['first', 0],
    ['second', 1],
  ])('the %s API is checked', async (api, index) => {
    const ask = (id: string) => fetch(`${urls[index]}${id}`);
    // Decoded once, and as it is written.
    for (const [id, read] of [
      ['a%2Fb', 'a/b'],
      ['%2561', '%61'],
      ['007', '007'],
    ] as const) {
      expect(await (await ask(id)).json()).toEqual({ id: read, api });
    }
    expect((await ask('longer')).status).toBe(400);
    expect((await ask('%ff')).status).toBe(400);
    expect((await ask('none')).status).toBe(unsound);
  });
});
