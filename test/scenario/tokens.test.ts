/**
 * Tokens as the clients in the field get and read them: each asks as it does, and holds the answer
 * against its own rules (CitrineOS 1.8.3, MaEVe, EVerest's OPCP client).
 */

import { createPublicKey, type JsonWebKey, verify, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, callApi, startTestApp, type TestApp } from '../support/app.ts';
import {
  callPresenting,
  loginCertificate,
  type Presented,
} from '../support/client-certificates.ts';

const LIST = '/v1/api-clients';
const ROOTS = '/v1/profiles';

interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

describe('tokens', () => {
  let evpki: TestApp;
  let offset = 0;
  let credentials: Credentials;
  const now = () => Date.now() + offset;
  beforeAll(async () => {
    evpki = await startTestApp({
      clock: () => new Date(now()),
      env: { EVPKI_ADDRESS_RATE: '0' },
    });
    credentials = await newClient();
  });
  afterAll(() => evpki?.close());

  const newClient = async (roles = ['csms']): Promise<Credentials> => {
    const body = { name: 'csms-1', organization: 'demo-cpo', roles };
    const answer = await evpki.call('POST', LIST, body);
    expect(answer.status, answer.text).toBe(201);
    return answer.json;
  };

  const post = (body: string, headers: Readonly<Record<string, string>> = {}) =>
    evpki.call('POST', '/oauth/token', body, {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
    });
  const postJson = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
    evpki.call('POST', '/oauth/token', body, headers);
  const form = (members: Readonly<Record<string, string>>) =>
    new URLSearchParams({ grant_type: 'client_credentials', ...members }).toString();
  const own = () => ({ client_id: credentials.clientId, client_secret: credentials.clientSecret });
  const json = (more: Readonly<Record<string, unknown>> = {}) => ({
    ...{ grant_type: 'client_credentials', ...own() },
    ...more,
  });
  const basic = (id: string, secret: string) => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  });
  const works = async (token: string): Promise<number> =>
    (await evpki.call('GET', ROOTS, undefined, { authorization: `Bearer ${token}` })).status;
  const claimsOf = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

  describe('CitrineOS', () => {
    /** Caches a token for its `expires_in` less a minute; gets a new one after a 401 or 403, once. */
    function citrineos(baseUrl: string, who: () => Credentials) {
      let cached: { readonly token: string; readonly until: number } | undefined;
      const log: string[] = [];
      const token = async (): Promise<string> => {
        if (cached && now() < cached.until) return cached.token;
        const { clientId, clientSecret } = who();
        const members = { client_id: clientId, client_secret: clientSecret, audience: baseUrl };
        const answer = await post(form(members));
        log.push(`token ${answer.status}`);
        if (answer.status !== 200) throw new Error(`no token: ${answer.status}: ${answer.text}`);
        const { access_token, expires_in = 3600 } = JSON.parse(answer.text);
        expect(typeof access_token).toBe('string');
        expect(expires_in - 60).toBeGreaterThan(0);
        cached = { token: access_token, until: now() + (expires_in - 60) * 1000 };
        return access_token;
      };
      const call = async (): Promise<number> => {
        const ask = async () => {
          const headers = { authorization: `Bearer ${await token()}` };
          const { status } = await evpki.call('GET', ROOTS, undefined, headers);
          log.push(`call ${status}`);
          return status;
        };
        const status = await ask();
        if (status !== 401 && status !== 403) return status;
        cached = undefined;
        return ask();
      };
      return { call, log };
    }

    test('P4 gets a token with a form and the base URL that it knows, and keeps it', async () => {
      for (const baseUrl of [evpki.app.apiUrl, 'https://evpki:8543', 'https://evpki.internal/']) {
        const client = citrineos(baseUrl, () => credentials);
        expect([await client.call(), await client.call()]).toEqual([200, 200]);
        expect(client.log).toEqual(['token 200', 'call 200', 'call 200']);
      }
    });

    test('drops a token that has ended, gets another and asks again, once', async () => {
      let mine = await newClient();
      const client = citrineos(evpki.app.apiUrl, () => mine);
      await client.call();
      const path = `${LIST}/${mine.clientId}/secret`;
      mine = (await evpki.call('POST', path, { overlapSeconds: 0 })).json;
      expect(await client.call()).toBe(200);
      expect(client.log).toEqual(['token 200', 'call 200', 'call 401', 'token 200', 'call 200']);
    });
  });

  test('P4 MaEVe gets one with JSON and no audience, and sends it in two headers', async () => {
    const answer = await postJson(json());
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json\b/);
    const { access_token: token, expires_in: seconds } = answer.json;
    expect([typeof token, seconds]).toEqual(['string', 900]);
    const both = { authorization: `Bearer ${token}`, 'x-api-key': token };
    expect((await evpki.call('GET', ROOTS, undefined, both)).status).toBe(200);
    expect((await evpki.call('GET', ROOTS, undefined, { 'x-api-key': token })).status).toBe(200);
  });

  test('P4 EVerest gets one with JSON and an audience, and reads what it may from it', async () => {
    const answer = await postJson(json({ audience: 'https://open.plugncharge-qa.hubject.com' }), {
      accept: 'application/json',
    });
    const { access_token: token, expires_in, scope, token_type } = JSON.parse(answer.text);
    expect(answer.status).toBe(200);
    expect([typeof expires_in, scope, token_type]).toEqual(['number', 'csms', 'Bearer']);
    // Its way: between the first two dots, base64 with the other two characters and padding.
    let payload = token.slice(token.indexOf('.') + 1);
    payload = payload.slice(0, payload.indexOf('.')).replaceAll('-', '+').replaceAll('_', '/');
    while (payload.length % 4 !== 0) payload += '=';
    const claims = JSON.parse(Buffer.from(payload, 'base64').toString());
    const roles = Object.entries<string[]>(claims)
      .filter(([name]) => /^roles?$|.\/roles?$/.test(name))
      .flatMap(([, values]) => values);
    expect(roles).toContain('CPO');
    expect(Object.keys(claims).filter((name) => name.endsWith('/role'))).toHaveLength(1);
    expect(claims.aud).toBe(evpki.app.apiUrl);
  });

  test('P4 HTTP Basic, as OAuth encodes it or as most do, with the id again in the body or not', async () => {
    const { clientId, clientSecret } = credentials;
    const encoded = [clientId, clientSecret].map((text) =>
      text.replace(/./g, (character) => `%${character.charCodeAt(0).toString(16)}`),
    );
    for (const headers of [
      basic(clientId, clientSecret),
      basic(encoded[0] ?? '', encoded[1] ?? ''),
      { authorization: basic(clientId, clientSecret).authorization.replace('Basic', 'bASIC ') },
    ]) {
      for (const body of [form({}), form({ client_id: clientId, client_secret: '' })]) {
        const answer = await post(body, headers);
        expect(answer.status, answer.text).toBe(200);
        expect(await works(answer.json.access_token)).toBe(200);
      }
    }
    expect(
      (await postJson({ grant_type: 'client_credentials' }, basic(clientId, clientSecret))).status,
    ).toBe(200);
  });

  test('what OAuth does not know, what is empty and an old token are passed over', async () => {
    const stale = { authorization: 'Bearer old.old.old' };
    for (const answer of [
      await postJson(json({ resource: 'x', nested: { a: [1] }, audience: null, scope: null })),
      await postJson(json({ audience: '', scope: '' }), stale),
      await post(form({ ...own(), tenant: 'x', audience: '', scope: '' }), stale),
    ]) {
      expect(answer.status, answer.text).toBe(200);
      expect(answer.json.scope).toBe('csms');
      expect([answer.headers['cache-control'], answer.headers.pragma]).toEqual([
        ...['no-store', 'no-cache'],
      ]);
    }
  });

  test('a scope leaves roles out, and the token can do less', async () => {
    const both = await newClient(['csms', 'station-registrar']);
    const body = {
      ...{ grant_type: 'client_credentials', scope: 'station-registrar' },
      ...{ client_id: both.clientId, client_secret: both.clientSecret },
    };
    const { json: answer } = await postJson(body);
    expect(answer.scope).toBe('station-registrar');
    expect(await works(answer.access_token)).toBe(403);
    const all = (await postJson({ ...body, scope: undefined })).json;
    expect(all.scope).toBe('csms station-registrar');
    expect(await works(all.access_token)).toBe(200);
  });

  describe('errors', () => {
    type Ask = () => Promise<Answer>;
    const wrong = `evpki_sec_${'x'.repeat(43)}`;
    test.each<[string, Ask, number, string, string]>([
      [
        'a wrong secret',
        () => postJson(json({ client_secret: wrong })),
        401,
        'invalid_client',
        'not-authenticated',
      ],
      [
        'an unknown client',
        () => post(form({ client_id: 'cli_x', client_secret: wrong })),
        401,
        'invalid_client',
        'not-authenticated',
      ],
      [
        'a wrong secret in Basic',
        () => post(form({}), basic(credentials.clientId, wrong)),
        401,
        'invalid_client',
        'not-authenticated',
      ],
      [
        'a Basic without a colon',
        () => post(form({}), { authorization: 'Basic YWJj' }),
        401,
        'invalid_client',
        'not-authenticated',
      ],
      [
        'a Basic that is no base64',
        () => post(form({}), { authorization: 'Basic %%%' }),
        401,
        'invalid_client',
        'not-authenticated',
      ],
      [
        'a Basic with a broken escape',
        () => post(form({}), basic('%E0%A4%A', 'x')),
        401,
        'invalid_client',
        'not-authenticated',
      ],
      [
        'an empty Basic',
        () => post(form(own()), { authorization: 'Basic ' }),
        401,
        'invalid_client',
        'not-authenticated',
      ],
      ['no client', () => post(form({})), 401, 'invalid_client', 'not-authenticated'],
      [
        'no secret and no certificate',
        () => post(form({ client_id: credentials.clientId })),
        401,
        'invalid_client',
        'not-authenticated',
      ],
      [
        'a secret in two places',
        () => post(form(own()), basic(credentials.clientId, credentials.clientSecret)),
        400,
        'invalid_request',
        'request-malformed',
      ],
      [
        'two clients',
        () =>
          post(form({ client_id: 'cli_x' }), basic(credentials.clientId, credentials.clientSecret)),
        400,
        'invalid_request',
        'request-malformed',
      ],
      ['no grant type', () => postJson(own()), 400, 'invalid_request', 'request-malformed'],
      [
        'a member twice',
        () => post(`${form(own())}&client_id=x`),
        400,
        'invalid_request',
        'request-malformed',
      ],
      [
        'a member twice in JSON',
        () => postJson('{"grant_type":"a","grant_type":"b"}'),
        400,
        'invalid_request',
        'request-malformed',
      ],
      ['no JSON', () => postJson('{'), 400, 'invalid_request', 'request-malformed'],
      [
        'a number',
        () => postJson(json({ client_secret: 1 })),
        400,
        'invalid_request',
        'request-malformed',
      ],
      [
        'another grant type',
        () => postJson(json({ grant_type: 'password' })),
        400,
        'unsupported_grant_type',
        'grant-type-unsupported',
      ],
      [
        'an empty grant type',
        () => postJson(json({ grant_type: '' })),
        400,
        'unsupported_grant_type',
        'grant-type-unsupported',
      ],
      [
        'a scope of others',
        () => postJson(json({ scope: 'csms super' })),
        400,
        'invalid_scope',
        'scope-refused',
      ],
      [
        'another media type',
        () => post('x', { 'content-type': 'text/plain' }),
        415,
        'invalid_request',
        'media-type-unsupported',
      ],
      [
        '5 kB',
        () => postJson(json({ more: 'x'.repeat(5_000) })),
        413,
        'invalid_request',
        'body-too-large',
      ],
    ])('%s', async (_name, ask, status, error, code) => {
      const answer = await ask();
      expect([answer.status, answer.json.error, answer.json.code]).toEqual([status, error, code]);
      expect(answer.headers['content-type']).toMatch(/^application\/json\b/);
      expect(answer.headers['cache-control']).toBe('no-store');
      // RFC 6749 5.2: these characters, and what tells clients how to say who they are.
      expect(answer.json.error_description).toMatch(/^[ !#-[\]-~]+$/);
      expect(answer.headers['www-authenticate']).toBe(
        status === 401 ? 'Basic realm="evpki", charset="UTF-8"' : undefined,
      );
      expect(answer.json).toMatchObject({
        status,
        remedy: expect.anything(),
        requestId: expect.anything(),
      });
      for (const secret of [credentials.clientSecret, wrong])
        expect(answer.text).not.toContain(secret);
    });

    test('two Authorizations are one too many', async () => {
      const ca = readFileSync(join(evpki.dataDir, 'api-ca.pem'), 'utf8');
      const body = form(own());
      const answer = await callApi(new URL('/oauth/token', evpki.app.apiUrl), ca, 'POST', body, {
        ...{ 'content-type': 'application/x-www-form-urlencoded' },
        ...{ 'content-length': String(body.length) },
        authorization: ['Bearer a', 'Bearer b'] as unknown as string,
      });
      expect([answer.status, answer.json.error]).toEqual([401, 'invalid_client']);
    });
  });

  test('whoever has the key set can check a token by hand', async () => {
    const keySet = await evpki.call('GET', '/.well-known/jwks.json', undefined, {});
    expect(keySet.status).toBe(200);
    expect(keySet.headers['cache-control']).toBe('public, max-age=3600');
    const { access_token: token } = (await postJson(json())).json;
    const [header = '', payload = '', signature = ''] = token.split('.');
    const { alg, kid, typ } = JSON.parse(Buffer.from(header, 'base64url').toString());
    expect([alg, typ]).toEqual(['ES256', 'at+jwt']);
    const jwk: JsonWebKey = keySet.json.keys.find((one: { kid: string }) => one.kid === kid);
    expect(Object.keys(jwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const check = (text: string) =>
      verify(
        'sha256',
        Buffer.from(text),
        { key, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      );
    expect(check(`${header}.${payload}`)).toBe(true);
    expect(check(`${header}.${payload}A`)).toBe(false);
    expect(claimsOf(token)).toMatchObject({
      ...{ iss: evpki.app.apiUrl, aud: evpki.app.apiUrl, sub: credentials.clientId },
      ...{ organization: 'demo-cpo', roles: ['csms'] },
    });
  });

  describe('with a certificate (RFC 8705)', () => {
    const certificate = loginCertificate();
    const other = loginCertificate();
    let client: Credentials;
    beforeAll(async () => {
      client = await newClient();
      await register(client, certificate);
      await register(await newClient(), other);
    });
    const register = async ({ clientId }: Credentials, { cert }: Presented) => {
      const path = `${LIST}/${clientId}/certificates`;
      const answer = await evpki.call('POST', path, { certificate: cert });
      expect(answer.status, answer.text).toBe(201);
    };
    const ask = (presented: Presented | undefined, more: Record<string, unknown> = {}) =>
      callPresenting(evpki, presented, 'POST', '/oauth/token', {
        body: { grant_type: 'client_credentials', client_id: client.clientId, ...more },
      });
    const use = async (presented: Presented | undefined, token: string) =>
      (
        await callPresenting(evpki, presented, 'GET', ROOTS, {
          headers: { authorization: `Bearer ${token}` },
        })
      ).status;

    test('a client needs no secret, and its token counts with the certificate alone', async () => {
      const answer = await ask(certificate);
      expect(answer.status, answer.text).toBe(200);
      const { access_token: token } = answer.json;
      const thumbprint = new X509Certificate(certificate.cert).fingerprint256.replaceAll(':', '');
      expect(claimsOf(token).cnf).toEqual({
        'x5t#S256': Buffer.from(thumbprint, 'hex').toString('base64url'),
      });
      expect(await use(certificate, token)).toBe(200);
      expect(await use(undefined, token)).toBe(401);
      expect(await use(other, token)).toBe(401);
    });

    test('beside a secret it binds as well; that of another client, or of nobody, does not', async () => {
      const secret = { client_secret: client.clientSecret };
      const { access_token: bound } = (await ask(certificate, secret)).json;
      expect([await use(certificate, bound), await use(undefined, bound)]).toEqual([200, 401]);
      for (const presented of [other, loginCertificate(), undefined]) {
        const { access_token: free } = (await ask(presented, secret)).json;
        expect(claimsOf(free)).not.toHaveProperty('cnf');
        expect(await use(undefined, free)).toBe(200);
      }
    });

    test('without a secret, that of another client or of nobody is no proof', async () => {
      for (const presented of [other, loginCertificate(), undefined]) {
        const answer = await ask(presented);
        expect([answer.status, answer.json.error]).toEqual([401, 'invalid_client']);
      }
    });

    test('a token ends with the registration of its certificate', async () => {
      const leaving = loginCertificate();
      const mine = await newClient();
      await register(mine, leaving);
      const { access_token: token } = (await ask(leaving, { client_id: mine.clientId })).json;
      expect(await use(leaving, token)).toBe(200);
      const path = `${LIST}/${mine.clientId}/certificates/${leaving.sha256}`;
      expect((await evpki.call('DELETE', path)).status).toBeLessThan(300);
      expect(await use(leaving, token)).toBe(401);
    });
  });

  test('a day before it signs, the next key is in the set', async () => {
    const keys = async () =>
      (await evpki.call('GET', '/.well-known/jwks.json', undefined, {})).json.keys.map(
        ({ kid }: { kid: string }) => kid,
      );
    const kidOf = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;
    const [first] = await keys();
    const before = (await postJson(json())).json.access_token;
    offset += 6 * 86_400_000 + 60_000;
    const later = async () => {
      offset += 31_000;
      return keys();
    };
    // Everything that evpki renews is due at that time.
    await expect.poll(later, { timeout: 40_000, interval: 200 }).toHaveLength(2);
    expect((await keys())[1]).toBe(first);
    expect(await works(before)).toBe(401);
    const still = (await postJson(json())).json.access_token;
    expect(kidOf(still)).toBe(first);
    offset += 86_400_000;
    const next = (await postJson(json())).json.access_token;
    expect(kidOf(next)).toBe((await keys())[0]);
    expect(await works(next)).toBe(200);
    expect(await works(still)).toBe(401);
  });

  test('W9 no token and no secret is in the log', () => {
    const log = evpki.log.join('');
    expect(log).toContain('"path":"/oauth/token"');
    expect(log).not.toContain(credentials.clientSecret);
    expect(log).not.toMatch(/eyJ[\w-]{20}/);
  });
});
