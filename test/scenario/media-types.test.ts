/** The validator compiles schemas for every Content-Type that it meets, and forgets none of them. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { checkingValidator } from '../support/validator.ts';

describe('what the validator meets', () => {
  const met: unknown[] = [];
  let evpki: TestApp;
  let administrator: Record<string, string>;
  beforeAll(async () => {
    evpki = await startTestApp({
      validator: [
        ({ headers }, _response, next) => {
          met.push(headers['content-type']);
          next();
        },
        ...checkingValidator(),
      ],
    });
    const token = await evpki.tokenOf('demo-cpo', ['super']);
    administrator = { authorization: `Bearer ${token}` };
  });
  afterAll(() => evpki?.close());
  beforeEach(() => met.splice(0));

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json; a=1',
    'Application/JSON ;b=2; charset="UTF-8"',
  ])('W1 %s is JSON, by whomever', async (type) => {
    const headers = { 'content-type': type };
    // Nobody has to be known to send this one.
    expect((await evpki.call('POST', '/oauth/token', '{}', headers)).status).toBe(400);
    const path = '/v1/stations/CP-1';
    const given = { ...headers, ...administrator };
    const put = await evpki.call('PUT', path, { serialNumber: 'SN-1' }, given);
    expect([200, 201], put.text).toContain(put.status);
    expect(met).toEqual(['application/json', 'application/json']);
  });

  test('W1 the form of OAuth is a form, whatever else is said', async () => {
    const type = 'application/x-www-form-urlencoded; a=1';
    const answer = await evpki.call('POST', '/oauth/token', 'a=1', { 'content-type': type });
    expect(answer.status).toBe(400);
    expect(met).toEqual(['application/x-www-form-urlencoded']);
  });

  test.each(['application/json', 'text/plain', 'a/b; c=d'])(
    'W1 %s is nothing where there is no body',
    async (type) => {
      const headers = { 'content-type': type, ...administrator };
      expect((await evpki.call('GET', '/v1/stations', undefined, headers)).status).toBe(200);
      expect(met).toEqual([undefined]);
    },
  );

  test.each([
    ['application/json; a=1', 'application/json', 404],
    ['a/b; c=d', undefined, 415],
  ])('W1 %s by a path that is not ours', async (type, plain, status) => {
    const headers = { 'content-type': type, ...administrator };
    const organization = { id: 'a', name: 'A', roles: ['cpo'] };
    const answer = await evpki.call('POST', '/v1/organizations/', organization, headers);
    expect([answer.status, met]).toEqual([status, [plain]]);
  });

  test('W1 another is refused', async () => {
    const headers = { 'content-type': 'a/b; c=d', ...administrator };
    const answer = await evpki.call('PUT', '/v1/stations/CP-2', '{}', headers);
    expect(answer.status).toBe(415);
    expect(answer.json.code).toBe('media-type-unsupported');
  });
});
