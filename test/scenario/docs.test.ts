/** The documentation that a running service shows, to anybody. */

import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { startTestApp, type TestApp } from '../support/app.ts';
import { readRepositoryFile } from '../support/repository.ts';

describe('documentation on the API listener', () => {
  let evpki: TestApp;
  beforeAll(async () => {
    evpki = await startTestApp();
  });
  afterAll(() => evpki?.close());

  const get = (path: string) => evpki.call('GET', path, undefined, {});

  test.each([
    ['/docs', 'text/html'],
    ['/docs/errors', 'text/html'],
    ['/docs/style.css', 'text/css'],
    ['/openapi.yaml', 'application/yaml'],
    ['/openapi.json', 'application/json'],
  ])('W6 %s needs no credentials and allows nothing but its own style', async (path, type) => {
    const answer = await get(path);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe(`${type}; charset=utf-8`);
    expect(answer.headers['content-security-policy']).toBe(
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect((await evpki.call('POST', path, undefined, {})).status).toBe(401);
  });

  test('the description is the one of the package, in both forms', async () => {
    const { text } = await get('/openapi.yaml');
    expect(text).toBe(readRepositoryFile('openapi.yaml'));
    expect((await get('/openapi.json')).json).toEqual(parse(text));
  });

  test('every link of the pages leads somewhere', async () => {
    for (const page of ['/docs', '/docs/errors']) {
      const { text } = await get(page);
      for (const [, link = ''] of text.matchAll(/href="(\/[^"#]*)/g)) {
        expect((await get(link)).status, `${page} -> ${link}`).toBe(200);
      }
    }
  });

  test('the type of a problem is a place on the page of errors', async () => {
    const { json } = await get('/v1/certificates');
    const type = new URL(json.type, evpki.app.apiUrl);
    expect(type.pathname).toBe('/docs/errors');
    expect((await get(type.pathname)).text).toContain(` id="${type.hash.slice(1)}"`);
  });

  test('a page is the same to whoever asks, so that it may be kept', async () => {
    const ca = readFileSync(join(evpki.dataDir, 'api-ca.pem'), 'utf8');
    const [one, two] = await Promise.all(
      ['a', 'b'].map(
        (agent) =>
          new Promise<string>((resolve, reject) => {
            const headers = { 'user-agent': agent };
            request(new URL('/docs', evpki.app.apiUrl), { ca, headers }, (response) => {
              const chunks: Buffer[] = [];
              response.on('data', (chunk: Buffer) => chunks.push(chunk));
              response.on('end', () => resolve(Buffer.concat(chunks).toString()));
            })
              .on('error', reject)
              .end();
          }),
      ),
    );
    expect(one).toBe(two);
  });
});
