/** Secrets planted where they belong and where they do not: nobody reads them anywhere. */

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadApiDocument } from '../../src/declarations.ts';
import type { ApiDocument } from '../../src/http/api/operations.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { operationsOf } from '../support/openapi.ts';

const PASSPHRASE = 'canary horse battery staple 7f3a';

/** A private key in the form in which people paste them by mistake. */
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const der = privateKey.export({ format: 'der', type: 'pkcs8' });

/** What says how something is called. */
const namingActions = new Set([
  ...['api-client.created', 'enrolment-secret.created'],
  ...['station.registered', 'station.changed'],
]);

describe('W9 canaries', () => {
  let evpki: TestApp;
  let client: Record<string, string>;
  /** The token of somebody else, who approves: nobody does both. */
  let approver: string;
  /** By what they are; each is looked for as it is, and without its ends. */
  const canaries: Record<string, string> = {};
  /** What was answered to requests that had canaries in their headers. */
  const answers: string[] = [];

  beforeAll(async () => {
    evpki = await startTestApp({
      env: { EVPKI_KEY_PASSPHRASE: PASSPHRASE, EVPKI_CLIENT_RATE: '0', EVPKI_ADDRESS_RATE: '0' },
    });
    // Not those who make authorities and organizations: names and titles go into certificates and
    // lists, as their callers want it.
    const roles = ['tenant-admin', 'cpo-operator', 'auditor', 'csms'];
    const wanted = { name: 'canaries', organization: 'demo-cpo', roles };
    client = (await evpki.call('POST', '/v1/api-clients', wanted)).json;
    approver = await evpki.tokenOf('demo-cpo', ['approver']);
    const token = await evpki.renewedToken(client);
    Object.assign(canaries, {
      passphrase: PASSPHRASE,
      'client secret': client.clientSecret,
      token,
      // All tokens of a key begin alike.
      'end of the token': token.slice(token.lastIndexOf('.') + 1),
      'bootstrap secret': `evpki_boot_${'canary'.repeat(7)}A`,
      'private key, PEM': pem.split('\n')[1] ?? '',
      'private key, base64': der.toString('base64').slice(20, 100),
      'private key, hex': der.toString('hex'),
    });
  });
  afterAll(() => evpki?.close());

  /**
   * The names of API clients and stations are their maker's own text: whoever reads them has to see
   * what they are.
   */
  const namesThings =
    /^(list|get|create)(ApiClient|EnrolmentSecret)|^(list|get)Station|EndEntit|^listAuditEntries/;
  const note = (answer: Answer, operation = '') => {
    if (answer.status < 400 && namesThings.test(operation)) return answer;
    answers.push(answer.text, JSON.stringify(answer.headers));
    return answer;
  };
  /** The names of the canaries that a text has, whole or cut. */
  const foundIn = (text: string): string[] =>
    Object.entries(canaries)
      .filter(([, secret]) => text.includes(secret) || text.includes(secret.slice(4, 28)))
      .map(([name]) => name);

  const operations = operationsOf(loadApiDocument() as ApiDocument);

  test('none is in the database while it is used as it is meant to be', () => {
    const file = join(evpki.dataDir, 'evpki.sqlite');
    const octets = [file, `${file}-wal`].map((name) => readFileSync(name).toString('latin1'));
    expect(octets.join('').includes('canaries')).toBe(true);
    expect(foundIn(octets.join(''))).toEqual([]);
  });

  test('are planted in every body, parameter and header of every operation', async () => {
    // The whole key has the line of it that is looked for.
    const { 'private key, PEM': line, 'end of the token': _part, ...others } = canaries;
    expect(pem).toContain(line);
    const secrets = [...Object.values(others), pem];
    for (const secret of secrets) {
      const inUrl = encodeURIComponent(secret);
      const inHeader = secret.replaceAll('\n', '');
      for (const { id, method, path, parameters, bodies } of operations) {
        const verb = method.toUpperCase();
        const body = bodies.find(({ where }) => where === 'body')?.examples[0]?.value;
        const filled = path.replace(/\{\w+\}/g, inUrl);
        const query = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
        const decides = /^(approve|reject)Request$/.test(id);
        const authorization = `Bearer ${decides ? approver : canaries.token}`;
        for (const planted of [
          secret,
          `{"${inHeader}"`,
          JSON.stringify(secret),
          JSON.stringify({ ...body, [secret]: secret }),
          ...Object.keys(body ?? {}).map((name) => JSON.stringify({ ...body, [name]: secret })),
        ]) {
          await evpki.call(verb, filled, planted, { authorization });
        }
        const search = `?${[...query, 'x'].map((name) => `${name}=${inUrl}`).join('&')}`;
        await evpki.call(verb, filled + search, body, { authorization });
        for (const headers of [
          { authorization: inHeader },
          { authorization: `Basic ${Buffer.from(secret).toString('base64')}` },
          { authorization: `Bearer ${inHeader}` },
          { authorization, 'content-type': inHeader },
          { authorization, accept: inHeader, cookie: inHeader, 'x-request-id': inHeader },
          { authorization, 'idempotency-key': inHeader.replaceAll(' ', '') },
        ]) {
          note(await evpki.call(verb, path, body, headers), id);
        }
      }
    }
    expect(answers.length).toBeGreaterThan(1_000);
    expect(foundIn(answers.join('\n'))).toEqual([]);
  }, 900_000);

  test('a client that mistakes its secret for its name, and one that is wrong', async () => {
    const credentials = { grant_type: 'client_credentials', client_id: client.clientSecret };
    const wrong = { ...credentials, client_secret: canaries['bootstrap secret'] };
    note(await evpki.call('POST', '/oauth/token', wrong, {}));
    const form = `grant_type=client_credentials&client_id=x&client_secret=${client.clientSecret}`;
    note(
      await evpki.call('POST', '/oauth/token', form, {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': String(form.length),
      }),
    );
  });

  test('none is in the log, at debug level', () => {
    // Paths are logged: what is put there is the caller's to answer for, but keys are cut out.
    const lines = evpki.log.map((line) => ({ ...JSON.parse(line), path: undefined }));
    expect(lines.length).toBeGreaterThan(1_000);
    expect(foundIn(JSON.stringify(lines))).toEqual([]);
  });

  test('what has the form of a secret of evpki or of a private key is in no path either', () => {
    const paths = evpki.log.map((line) => JSON.parse(line).path).filter((path) => path);
    expect(paths.length).toBeGreaterThan(1_000);
    expect(paths.filter((path) => /evpki_(sec|tok|boot)_\w|PRIVATE/.test(path))).toEqual([]);
    const found = foundIn(paths.join('\n'));
    for (const name of ['client secret', 'token', 'end of the token', 'bootstrap secret']) {
      expect(found).not.toContain(name);
    }
  });

  test('none is in metrics', async () => {
    const line = evpki.log.find((one) => one.includes('"listening"')) ?? '';
    const { metrics } = JSON.parse(line).addresses;
    const text = await (await fetch(`http://${metrics}/metrics`)).text();
    expect(text).toContain('evpki_http_request_duration_seconds');
    expect(foundIn(text)).toEqual([]);
  });

  test('none is in the audit log, but for what names an API client or a station', async () => {
    await evpki.app.stop();
    const database = await openDatabase(`sqlite:${join(evpki.dataDir, 'evpki.sqlite')}`, {
      clock: () => new Date(),
      processId: 'reader',
    });
    const entries: { action: string }[] = await database.reader('audit_entries');
    await database.close();
    const told = entries.filter(({ action }) => !namingActions.has(action));
    expect(told.length).toBeGreaterThan(50);
    expect(foundIn(JSON.stringify(told))).toEqual([]);
  });
});
