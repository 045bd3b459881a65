/** Every operation of openapi.yaml under requests that nobody in good faith sends. */

import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadApiDocument } from '../../src/declarations.ts';
import type { ApiDocument } from '../../src/http/api/operations.ts';
import { errorCodes } from '../../src/services/errors.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { type DescribedOperation, operationsOf } from '../support/openapi.ts';

const operations = operationsOf(loadApiDocument() as ApiDocument);

/** What databases, shells, templates, paths and headers have been led astray by. */
const hostileTexts: readonly string[] = [
  `' OR 1=1 --`,
  `'; DROP TABLE certificates; --`,
  `" OR ""="`,
  `1) UNION SELECT secret_sha256 FROM api_clients --`,
  `%' OR '1'='1`,
  `\\'; DELETE FROM issuers; --`,
  `$1`,
  `?`,
  `:name`,
  `%`,
  `_`,
  `\u0000`,
  `a\u0000b`,
  `\ud800`,
  `\u202eabc`,
  `../../../../etc/passwd`,
  `..%2f..%2fetc%2fpasswd`,
  `%00`,
  `\${7*7}{{7*7}}<%= 7*7 %>`,
  '<script>alert(1)</script>',
  '$(id)`id`|id;id',
  'a\r\nX-Injected: yes',
  '__proto__',
  'constructor',
  'toString',
  '9'.repeat(400),
  'x'.repeat(4000),
  '',
];

/** What stands where something else is expected. */
const wrongValues: readonly unknown[] = [
  null,
  true,
  -1,
  1e308,
  0.1,
  [],
  {},
  [[]],
  { $gt: '' },
  ['a', 'b'],
  { toString: 'x' },
];

describe('hostile requests', () => {
  let evpki: TestApp;
  let administrator: Record<string, string>;
  beforeAll(async () => {
    evpki = await startTestApp({
      env: {
        ...{ EVPKI_CLIENT_RATE: '0', EVPKI_ADDRESS_RATE: '0' },
        // As a service that runs no demo: the examples declare none.
        ...{
          EVPKI_KEY_PASSPHRASE: 'correct horse battery',
          EVPKI_PUBLIC_URL: 'http://pki.example',
        },
      },
    });
    // Who has an organization gets further than who would have to name one.
    const token = await evpki.tokenOf('demo-cpo', ['super']);
    administrator = { authorization: `Bearer ${token}` };
  });
  afterAll(() => evpki?.close());

  const document = loadApiDocument() as ApiDocument;
  /** Octets of the largest body that the operation reads. */
  const limitOf = ({ path, method }: DescribedOperation): number =>
    document.paths[path]?.[method]?.['x-evpki-body-limit'] ?? 32 * 1024;

  /** A sound example of the body, if the operation takes one. */
  const bodyOf = ({ bodies }: DescribedOperation): Record<string, unknown> | undefined =>
    bodies.find(({ where, type }) => where === 'body' && type === 'application/json')?.examples[0]
      ?.value;

  const pathOf = (
    { path, parameters }: DescribedOperation,
    changed: Readonly<Record<string, string>> = {},
  ): string => {
    const filled = path.replace(/\{(\w+)\}/g, (_, name) =>
      encoded(changed[name] === '' ? ' ' : (changed[name] ?? 'unknown')),
    );
    const query = parameters
      .filter((parameter) => parameter.in === 'query' && parameter.name in changed)
      .map(({ name }) => `${name}=${encoded(changed[name] ?? '')}`);
    return query.length > 0 ? `${filled}?${query.join('&')}` : filled;
  };
  const encoded = (text: string) => encodeURIComponent(Buffer.from(text).toString());

  const call = (operation: DescribedOperation, path: string, body: unknown) =>
    evpki.call(operation.method.toUpperCase(), path, body, administrator);

  /** W12: an answer is what openapi.yaml says, or a problem that tells nothing of the inside. */
  const expectSound = (answer: Answer, what: string): void => {
    expect(answer.status, `${what}: ${answer.text}`).toBeLessThan(500);
    if (answer.status < 400) return;
    const { type, code, status, requestId, errorMessages, traceId, error } = answer.json;
    if (errorMessages === undefined) {
      // OAuth's own are in its media type.
      const mediaType = error === undefined ? 'application/problem+json' : 'application/json';
      expect(answer.headers['content-type'], what).toContain(mediaType);
      expect(Object.keys(errorCodes), what).toContain(code);
      expect([type, status], what).toEqual([`/docs/errors#${code}`, answer.status]);
    } else {
      // As OPCP has errors: sentences.
      expect(errorMessages.join(' '), what).toMatch(/\w \w/);
    }
    expect(requestId ?? traceId, what).toBe(answer.headers['x-request-id']);
    expect(answer.text, what).not.toMatch(
      /node_modules|\.ts:|\bat \w+ \(|SQLITE|sqlite|select |\/src\//,
    );
  };

  /** What must be there after all of it; more may be. */
  const standing = async (): Promise<string[]> => {
    const authorities = (await evpki.call('GET', '/v1/authorities')).json.items;
    const profiles = (await evpki.call('GET', '/v1/profiles')).json.items;
    return [...authorities, ...profiles].map((item) => JSON.stringify(item));
  };

  /** Where texts are in a body, as ways from the top. */
  const leaves = (
    value: unknown,
    way: readonly (string | number)[] = [],
  ): (string | number)[][] => {
    if (typeof value !== 'object' || value === null) return [[...way]];
    return Object.entries(value).flatMap(([name, member]) => leaves(member, [...way, name]));
  };
  const withLeaf = (
    value: unknown,
    [name, ...way]: (string | number)[],
    leaf: unknown,
  ): unknown => {
    if (name === undefined) return leaf;
    const copy = structuredClone(value) as Record<string, unknown>;
    copy[name] = withLeaf(copy[name], way, leaf);
    return copy;
  };

  // Rolling over and activating change authorities, as they should: `standing` would not stand.
  const named = operations.map((operation) => [operation.id, operation] as const);

  /** Examples of other parties than this organization: how it hears of that. */
  const ofOthers: Readonly<Record<string, string>> = {
    createContract: 'not-permitted',
    opcpAddProvisioningCertificate: 'the provisioning certificate cannot be registered',
    opncAddProvisioningCertificate: 'the provisioning certificate cannot be registered',
    opcpGenerateSignedContractData: 'demo-cpo is no mobility operator',
    opncGenerateContractData: 'demo-cpo is no mobility operator',
    opcpSignContractData: 'this is no contract data',
    opcpCreateSignedContractData: 'demo-cpo is no mobility operator',
    opcpForwardSignedContractData: 'demo-cpo is no mobility operator',
    opcpAddSignedContractData: 'demo-cpo is no mobility operator',
    opncSignContractData: 'demo-cpo is no mobility operator',
    registerProvisioningCertificate: 'provisioning-certificate-refused',
  };

  // First: what follows leaves things of other names behind.
  test.each(named)(
    'the examples of %s are carried out, or refused for what they name',
    async (_, operation) => {
      for (const { type, where, examples } of operation.bodies) {
        if (where !== 'body' || type !== 'application/json') continue;
        for (const { name, value } of examples) {
          const answer = await call(operation, pathOf(operation), value);
          expectSound(answer, name);
          const refusal = ofOthers[operation.id];
          const heard = answer.json?.code ?? answer.json?.errorMessages?.[0];
          if (refusal !== undefined && heard === refusal) continue;
          // Authorities and certificates of examples are not there; nobody has their secret.
          expect([200, 201, 401, 404], `${name}: ${answer.text}`).toContain(answer.status);
        }
      }
    },
  );

  test.each(named)('W2 W12 %s with texts that mean something elsewhere', async (_, operation) => {
    const before = await standing();
    const body = bodyOf(operation);
    for (const text of hostileTexts) {
      for (const { name, in: place } of operation.parameters) {
        if (place === 'header') continue;
        const answer = await call(operation, pathOf(operation, { [name]: text }), body);
        expectSound(answer, `${name} = ${JSON.stringify(text)}`);
        const { items } = answer.json ?? {};
        // A filter that matches everything would have been read as SQL.
        if (!items || place !== 'query' || name === 'limit') continue;
        const others = items.filter((item: object) => !Object.values(item).includes(text));
        expect(others, text).toEqual([]);
      }
      if (body === undefined) continue;
      for (const way of leaves(body)) {
        const answer = await call(operation, pathOf(operation), withLeaf(body, way, text));
        expectSound(answer, `${way.join('.')} = ${JSON.stringify(text)}`);
      }
    }
    expect(await standing()).toEqual(expect.arrayContaining(before));
  });

  test.each(named)('W12 %s with values of other types', async (_, operation) => {
    const body = bodyOf(operation);
    const path = pathOf(operation);
    for (const value of wrongValues) {
      const whole = await call(operation, path, JSON.stringify(value));
      expectSound(whole, JSON.stringify(value));
      if (body === undefined) continue;
      for (const way of leaves(body)) {
        const answer = await call(operation, path, withLeaf(body, way, value));
        expectSound(answer, `${way.join('.')} = ${JSON.stringify(value)}`);
      }
      const more = await call(operation, path, { ...body, unexpected: value });
      expectSound(more, 'a member more');
    }
    for (const name of Object.keys(body ?? {})) {
      const { [name]: __, ...less } = body ?? {};
      expectSound(await call(operation, path, less), `without ${name}`);
    }
  });

  test.each(named)('W1 W12 %s with bodies that are none', async (_, operation) => {
    const method = operation.method.toUpperCase();
    const path = pathOf(operation);
    const takesBody = operation.bodies.some(({ where }) => where === 'body');
    const json = 'application/json';
    const large = JSON.stringify({ a: 'x'.repeat(limitOf(operation)) });
    const cases: [body: string, type: string, encoding: string | undefined, statuses: number[]][] =
      [
        ['{', json, undefined, [400]],
        ['{"a":1,"a":2}', json, undefined, [400]],
        ['{"__proto__":{"a":1}}', json, undefined, [400]],
        [`${'['.repeat(500)}${']'.repeat(500)}`, json, undefined, [400]],
        ['{}', 'application/json; charset=utf-16', undefined, [415]],
        [large, json, undefined, [413]],
        [gzipSync('{}').toString('latin1'), json, 'gzip', [415]],
        ['a=1', 'text/plain', undefined, [400, 415]],
        ['<a/>', 'application/xml', undefined, [400, 415]],
        ['--x--', 'multipart/form-data; boundary=x', undefined, [400, 415]],
      ];
    for (const [body, type, encoding, statuses] of cases) {
      const answer = await evpki.call(method, path, body, {
        ...administrator,
        'content-type': type,
        'content-length': String(Buffer.byteLength(body)),
        ...(encoding ? { 'content-encoding': encoding } : {}),
      });
      expectSound(answer, `${type} ${body.slice(0, 40)}`);
      if (takesBody) expect(statuses, `${type} ${body.slice(0, 40)}`).toContain(answer.status);
    }
  });

  test('W1 each operation reads as much as it says, and no more', async () => {
    for (const operation of operations) {
      const limit = limitOf(operation);
      const text = (length: number) => `{"a":"${'x'.repeat(length - 8)}"}`;
      const path = pathOf(operation);
      expect((await call(operation, path, text(limit))).status, operation.id).not.toBe(413);
      expect((await call(operation, path, text(limit + 1))).status, operation.id).toBe(413);
    }
  });

  test.each([
    '/',
    '/v1',
    '/v1/',
    '/v2/certificates',
    '/v1/certificates/',
    '/v1//certificates',
    '/%',
    '/v1/%ff',
  ])('W12 %s is nothing', async (path) => {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
      const answer = await evpki.call(method, path);
      expectSound(answer, `${method} ${path}`);
    }
  });
});
