/** Names and paths that mean something to a database, a router or a language, and nothing here. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';

describe('odd names', () => {
  let evpki: TestApp;
  beforeAll(async () => {
    evpki = await startTestApp();
  });
  afterAll(() => evpki?.close());

  // PostgreSQL stores none and fails; SQLite would take them.
  test.each([
    ['GET', '/v1/certificates/a%00', undefined, 'path'],
    ['GET', '/v1/audit?actor=%00', undefined, 'query'],
    ['PUT', '/v1/authorities/v2g-root/grants/%00', undefined, 'path'],
    ['POST', '/v1/api-clients', { name: 'a', roles: ['csms\u0000'] }, 'body.roles.0'],
    ['POST', '/oauth/token', { client_id: '\u0000', client_secret: 'x' }, 'body.client_id'],
    ['POST', '/v1/hierarchies', { hierarchy: { 'a\u0000': 1 } }, 'body.hierarchy'],
  ])('W2 a null character in %s %s is refused', async (method, path, body, field) => {
    const { status, json } = await evpki.call(method, path, body);
    expect(status).toBe(400);
    expect(json.code).toBe('request-malformed');
    expect(json.violations).toEqual([
      { code: 'null-character', message: 'has a null character', field },
    ]);
  });

  test.each([
    ['GET', '/v1/certificates/', 404],
    ['POST', '/v1/organizations/', 404],
    ['GET', '/v1/authorities/v2g-root/', 404],
  ])('W12 %s %s, with a slash more than there is, is a problem', async (method, path, status) => {
    const body = { id: 'a', name: 'A', roles: ['cpo'] };
    const answer = await evpki.call(method, path, method === 'POST' ? body : undefined);
    expect(answer.status, answer.text).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json.code).toBe('not-found');
  });

  test('W12 an authority whose id would set a prototype is refused', async () => {
    const wanted = { title: 'A', profile: 'ocpp-root', key: 'P-256', organization: 'demo-cpo' };
    const answer = await evpki.call('POST', '/v1/authorities', { id: '__proto__', ...wanted });
    expect(answer.status, answer.text).toBe(422);
    expect(answer.json.code).toBe('declaration-invalid');
  });

  test.each([
    ['GET', '/v1/certificates?expiresBefore=2027-06-30T23%3A59%3A60Z', undefined],
    ['GET', '/v1/certificates?expiresBefore=2027-06-30T23:59:60Z', undefined],
    ['GET', '/v1/audit?since=2027-06-30T23%3A59%3A60Z', undefined],
    ['GET', '/v1/audit?until=2027-06-30T23%3A59%3A60Z', undefined],
    [
      'POST',
      '/v1/api-clients',
      {
        name: 'a',
        organization: 'demo-cpo',
        roles: ['csms'],
        expiresAt: '2027-06-30T23:59:60Z',
      },
    ],
  ])('W12 a leap second in %s %s is refused', async (method, path, body) => {
    const { status, json } = await evpki.call(method, path, body);
    expect(status).toBe(400);
    expect(json.violations).toMatchObject([{ code: 'time-invalid' }]);
  });

  test.each(['2027-13-01T00:00:00Z', '2027-06-30T24:30:00Z', '2027-06-30T00:00:00%2B99:00'])(
    'W12 %s is refused, and not as a leap second',
    async (time) => {
      const { status, text } = await evpki.call('GET', `/v1/certificates?expiresBefore=${time}`);
      expect(status).toBe(400);
      expect(text).not.toContain('leap second');
    },
  );
});
