/** What somebody with a certificate, a secret or a token of their own gets that is not theirs: nothing. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { pkijsCertificates } from '../support/certs-only.ts';
import { type Connection, type Exchange, exchange } from '../support/https.ts';
import { freshKeyPair, type KeyPair } from '../support/public-keys.ts';
import { newRequest } from '../support/requests.ts';
import { freshPcid, sent } from '../support/vehicles.ts';

let evpki: TestApp;
let ca: string;
let names = 0;

beforeAll(async () => {
  evpki = await startTestApp();
  ca = readFileSync(join(evpki.dataDir, 'api-ca.pem'), 'utf8');
  const other = { id: 'other-cpo', name: 'Other CPO', roles: ['cpo'] };
  sent(await evpki.call('POST', '/v1/organizations', other), 201);
});
afterAll(() => evpki?.close());

const newName = (): string => `DE*DEM*E${++names}`;
const bearer = async (organization: string, role: string): Promise<Record<string, string>> => ({
  Authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
});
const basic = (user: string, password: string): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const post = (
  path: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  connection: Partial<Connection> = {},
): Promise<Exchange> =>
  exchange(
    `${evpki.app.apiUrl}${path}`,
    { method: 'POST', body, headers: { Accept: '*/*', ...headers } },
    { ca, ...connection },
  );

interface Holder {
  readonly name: string;
  readonly pair: KeyPair;
  readonly connection: Connection;
}

/** Somebody who got a certificate at a label. */
async function holderOf(
  label: string,
  organization: string,
  role: string,
  name = newName(),
): Promise<Holder> {
  const pair = freshKeyPair('P-256');
  const csr = newRequest(`CN=${name}`, { pair });
  const path = `/.well-known/est/${label}/simpleenroll`;
  const answer = await post(path, csr, await bearer(organization, role));
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  const [der = Buffer.alloc(0)] = pkijsCertificates(Buffer.from(answer.text, 'base64'));
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { name, pair, connection: { ca, cert: toPem('CERTIFICATE', der), key } };
}

async function secretFor(commonName: string, label = 'cpo'): Promise<string> {
  const path = '/v1/enrolment-secrets?organization=demo-cpo';
  return sent(await evpki.call('POST', path, { label, commonName }), 201).enrolmentSecret;
}

/** What evpki certifies for itself along the way: who answers OCSP, and who signs contracts. */
const own = ['ocsp-responder', 'iso15118-2-cps'];
/** Those of others. */
const issued = async (): Promise<number> => {
  const page = await evpki.call('GET', '/v1/certificates?state=issued&limit=200');
  const { items }: { items: readonly { profile: string }[] } = sent(page, 200);
  return items.filter(({ profile }) => !own.includes(profile)).length;
};

/** @param attempt has to be refused with one of these statuses, and to leave no certificate */
async function gainsNothing(
  attempt: () => Promise<Exchange>,
  statuses: readonly number[],
): Promise<Exchange> {
  const before = await issued();
  const answer = await attempt();
  expect(statuses, answer.text).toContain(answer.status);
  expect(answer.headers['content-type']).toMatch(/^text\/plain/);
  expect(answer.text).not.toMatch(/^\s+at /m);
  expect(await issued()).toBe(before);
  return answer;
}

describe('C7: whoever holds a certificate', () => {
  test('has no other name certified by it, at either operation', async () => {
    const { connection } = await holderOf('cpo', 'demo-cpo', 'csms');
    for (const operation of ['simpleenroll', 'simplereenroll']) {
      const path = `/.well-known/est/cpo/${operation}`;
      const attempt = () => post(path, newRequest(`CN=${newName()}`), {}, connection);
      await gainsNothing(attempt, [400, 401, 403]);
    }
  });

  test('towards a CSMS has no name certified towards vehicles but its own', async () => {
    const { connection } = await holderOf('cso', 'demo-cpo', 'csms', 'SN-4711');
    const attempt = () =>
      post('/.well-known/est/cpo/simplereenroll', newRequest(`CN=${newName()}`), {}, connection);
    await gainsNothing(attempt, [400, 401, 403, 404]);
  });

  test('of a vehicle renews none of a charger', async () => {
    const { connection, name } = await holderOf('oem', 'demo-oem', 'oem', freshPcid());
    for (const wanted of [name, newName()]) {
      const attempt = () =>
        post('/.well-known/est/cpo/simplereenroll', newRequest(`CN=${wanted}`), {}, connection);
      await gainsNothing(attempt, [400, 401, 403, 404]);
    }
  });

  test('takes no token of somebody else along', async () => {
    const { connection, name } = await holderOf('cpo', 'demo-cpo', 'csms');
    // The token counts, and its holder has no such charger.
    const token = await bearer('other-cpo', 'csms');
    const attempt = () =>
      post('/.well-known/est/cpo/simplereenroll', newRequest(`CN=${name}`), token, connection);
    await gainsNothing(attempt, [400, 401, 403, 404, 409]);
    // One that is none ends it, though the certificate would do.
    const wrong = { Authorization: 'Bearer of-yesterday' };
    const csr = newRequest(`CN=${name}`);
    const path = '/.well-known/est/cpo/simplereenroll';
    await gainsNothing(() => post(path, csr, wrong, connection), [401]);
    expect((await post(path, csr, {}, connection)).status).toBe(200);
  });
});

describe('whoever has a one-time secret', () => {
  test('has one name certified, once, with one key', async () => {
    const name = newName();
    const password = await secretFor(name);
    const path = '/.well-known/est/cpo/simpleenroll';
    const headers = basic(name, password);
    await gainsNothing(() => post(path, newRequest(`CN=${newName()}`), headers), [400, 401, 403]);
    const csr = newRequest(`CN=${name}`);
    const first = await post(path, csr, headers);
    expect(first.status, first.text).toBe(200);
    expect((await post(path, csr, headers)).text).toBe(first.text);
    await gainsNothing(() => post(path, newRequest(`CN=${name}`), headers), [401]);
  });

  test('of one label, or under another user name, is nobody at another', async () => {
    const name = newName();
    const password = await secretFor(name);
    const csr = newRequest(`CN=${name}`);
    const cso = '/.well-known/est/cso/simpleenroll';
    await gainsNothing(() => post(cso, csr, basic(name, password)), [401]);
    const path = '/.well-known/est/cpo/simpleenroll';
    await gainsNothing(() => post(path, csr, basic(newName(), password)), [401]);
    await gainsNothing(() => post(path, csr, basic(name, `${password}x`)), [401]);
    expect((await post(path, csr, basic(name, password))).status).toBe(200);
  });

  test('sent twenty times at once has one certificate, whatever the keys', async () => {
    const name = newName();
    const headers = basic(name, await secretFor(name));
    const before = await issued();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        post('/.well-known/est/cpo/simpleenroll', newRequest(`CN=${name}`), headers),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await issued()).toBe(before + 1);
    for (const { status, text } of answers) expect([200, 401, 429, 503], text).toContain(status);
  });
});

describe('other organizations', () => {
  test('W8: the label of one is not there for the token of another', async () => {
    const headers = await bearer('other-cpo', 'csms');
    const attempt = () =>
      post('/.well-known/est/demo-cpo/simpleenroll', newRequest(`CN=${newName()}`), headers);
    const answer = await gainsNothing(attempt, [404]);
    const nobody = await post('/.well-known/est/no-such/simpleenroll', 'x', headers);
    const told = ({ text }: Exchange): string =>
      text.replace(/request-id: .*/, '').replace(/no-such|demo-cpo/g, 'X');
    expect(told(answer)).toBe(told(nobody));
  });
});

describe('TLS', () => {
  test('W5: a connection is not resumed, so that its certificate is always seen', async () => {
    const { connection } = await holderOf('cpo', 'demo-cpo', 'csms');
    const { hostname, port } = new URL(evpki.app.apiUrl);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { host: hostname, port: Number(port), maxVersion, ...connection };
      const first = connect({ ...options, servername: 'localhost' });
      const session = await new Promise<Buffer | undefined>((resolve, reject) => {
        let last: Buffer | undefined;
        first.on('session', (given) => {
          last = given;
        });
        first.on('error', reject);
        first.once('secureConnect', () => {
          last ??= first.getSession();
          first.write('GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
        });
        first.on('data', () => undefined);
        first.once('close', () => resolve(last));
      });
      const again: TLSSocket = connect({
        ...options,
        servername: 'localhost',
        ...(session ? { session } : {}),
      });
      const resumed = await new Promise<boolean>((resolve, reject) => {
        again.once('secureConnect', () => resolve(again.isSessionReused()));
        again.once('error', reject);
      });
      again.destroy();
      expect(resumed, maxVersion).toBe(false);
    }
  });
});

describe('secrets', () => {
  test('W9 K4: neither a secret, a token, a password nor a key that was made is in the log', async () => {
    const name = newName();
    const password = await secretFor(name);
    const token = await bearer('demo-cpo', 'est-client');
    const made = await post(
      '/.well-known/est/cpo/serverkeygen',
      newRequest(`CN=${newName()}`),
      token,
    );
    expect(made.status, made.text).toBe(200);
    const [, key = ''] = /pkcs8\r\n[^\r]+\r\n\r\n([A-Za-z0-9+/]{64})/.exec(made.text) ?? [];
    expect(key).toHaveLength(64);
    await post('/.well-known/est/cpo/simpleenroll', 'rubbish', basic(name, password));
    await post('/.well-known/est/cpo/simpleenroll', 'rubbish', basic(name, `${password}x`));
    const log = evpki.log.join('\n');
    expect(log).toContain('/.well-known/est/cpo/serverkeygen');
    for (const secret of [
      password,
      Buffer.from(`${name}:${password}`).toString('base64'),
      (token.Authorization ?? '').slice('Bearer '.length),
      key,
      key.slice(0, 32),
    ]) {
      expect(log).not.toContain(secret);
    }
  });
});
