/** RFC 7030 and RFC 8951 point by point, at the door of a running evpki; see docs/rfc-points.md. */

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { connect, createServer, type SecureVersion, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { readCertsOnly } from '../../src/pki/cms/certs-only.ts';
import { DerReader } from '../../src/pki/der.ts';
import { printableString } from '../../src/pki/der-writer.ts';
import { writeName } from '../../src/pki/names.ts';
import { requestAttributes } from '../../src/pki/oids.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { pkijsCertificates } from '../support/certs-only.ts';
import { type Connection, type Exchange, exchange } from '../support/https.ts';
import { generateKey, issue, templateFor } from '../support/issuing.ts';
import { nameOf } from '../support/policy.ts';
import { freshKeyPair, type KeyPair, spkiOf } from '../support/public-keys.ts';
import { buildRequest, newRequest, requestAttribute } from '../support/requests.ts';
import { rootOf, sent } from '../support/vehicles.ts';

const ENROL = '/.well-known/est/cpo/simpleenroll';
const REENROL = '/.well-known/est/cpo/simplereenroll';
const CACERTS = '/.well-known/est/cpo/cacerts';

let evpki: TestApp;
let csms: string;
let ca: string;
let names = 0;

beforeAll(async () => {
  evpki = await startTestApp();
  csms = `Bearer ${await evpki.tokenOf('demo-cpo', ['csms'])}`;
  ca = readFileSync(join(evpki.dataDir, 'api-ca.pem'), 'utf8');
});
afterAll(() => evpki?.close());

const newName = (): string => `DE*DEM*E${++names}`;
const at = (path: string): string => `${evpki.app.apiUrl}${path}`;

/** With the token of a CSMS unless headers say otherwise, and headers of a usual program. */
const post = (
  path: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = { Authorization: csms },
  connection: Partial<Connection> = {},
): Promise<Exchange> =>
  exchange(
    at(path),
    { method: 'POST', body, headers: { Accept: '*/*', ...headers } },
    { ca, ...connection },
  );
const get = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Exchange> =>
  exchange(at(path), { headers: { Accept: '*/*', ...headers } }, { ca });

const certificatesIn = ({ status, text }: Exchange): Uint8Array[] => {
  if (status !== 200) throw new Error(`${status} ${text}`);
  return pkijsCertificates(Buffer.from(text, 'base64'));
};
const derOf = async (...authorities: string[]): Promise<Buffer[]> =>
  Promise.all(authorities.map(async (id) => Buffer.from((await rootOf(evpki, id)).der)));

/** The certificate of a charger, and what renews it. */
async function newLeaf(): Promise<{ name: string; pair: KeyPair; connection: Connection }> {
  const [name, pair] = [newName(), freshKeyPair('P-256')];
  const [leaf] = certificatesIn(await post(ENROL, newRequest(`CN=${name}`, { pair })));
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { name, pair, connection: { ca, cert: armour(leaf ?? new Uint8Array()), key } };
}

const armour = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;

describe('paths', () => {
  test.each([CACERTS, '/.well-known/est/cacerts'])(
    'RFC 7030 3.2.2: %s is there, with and without a label',
    async (path) => {
      const answer = await get(path, { Authorization: csms });
      expect(certificatesIn(answer)).toEqual(
        await derOf('cpo-sub-ca-2', 'cpo-sub-ca-1', 'v2g-root'),
      );
    },
  );

  test('RFC 7030 3.2.2: what is no label is not found', async () => {
    expect((await get('/.well-known/est/nobody/cacerts')).status).toBe(404);
    expect((await get('/.well-known/est/cpo/nothing')).status).toBe(404);
  });

  test('RFC 7030 3.2.4: only the method of an operation is taken', async () => {
    expect(await post(CACERTS, 'x')).toMatchObject({ status: 405, headers: { allow: 'GET' } });
    expect(await get(ENROL)).toMatchObject({ status: 405, headers: { allow: 'POST' } });
  });
});

describe('TLS', () => {
  /** The protocol that is agreed on, or nothing. */
  const handshake = (
    port: number,
    options: { maxVersion?: SecureVersion; minVersion?: SecureVersion; ciphers?: string },
  ): Promise<string | undefined> =>
    new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
      const finish = (protocol: string | undefined) => {
        socket.destroy();
        resolve(protocol);
      };
      socket.once('secureConnect', () => finish(socket.getProtocol() ?? undefined));
      socket.once('error', () => finish(undefined));
    });
  const port = () => Number(new URL(evpki.app.apiUrl).port);
  const weak = [
    ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }],
    ['a NULL cipher', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0' }],
    ['no server certificate', { maxVersion: 'TLSv1.2', ciphers: 'AECDH-AES128-SHA:@SECLEVEL=0' }],
  ] as const;

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('RFC 7030 3.3: %s is spoken', async (version) => {
    expect(await handshake(port(), { minVersion: version, maxVersion: version })).toBe(version);
  });

  test.each(weak)('RFC 7030 3.3: %s is refused', async (_name, options) => {
    expect(await handshake(port(), options)).toBeUndefined();
  });

  test('a server that takes all of that is found out', async () => {
    const key = generateKey();
    const server = createServer({
      ...{ minVersion: 'TLSv1', ciphers: 'ALL:eNULL:aNULL:@SECLEVEL=0' },
      key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      cert: armour(issue(templateFor(key, key), key).der),
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const address = server.address();
      const own = typeof address === 'object' && address ? address.port : 0;
      for (const [name, options] of weak) {
        expect(await handshake(own, options), name).toMatch(/^TLSv1/);
      }
    } finally {
      server.close();
    }
  });

  test('RFC 7030 3.3.2: a client certificate is asked for, and may be left out', async () => {
    const { connection, name } = await newLeaf();
    const body = newRequest(`CN=${name}`);
    expect((await post(REENROL, body, {}, connection)).status).toBe(200);
    expect((await post(REENROL, body, {})).status).toBe(401);
  });
});

describe('cacerts', () => {
  test('RFC 7030 4.1.2: anybody may ask', async () => {
    expect(certificatesIn(await get(CACERTS))).toHaveLength(3);
  });

  test('RFC 7030 4.1.3: certs-only CMS in base64, with the root', async () => {
    const answer = await get(CACERTS);
    expect(answer.headers['content-type']).toBe('application/pkcs7-mime; smime-type=certs-only');
    expect(answer.headers['content-transfer-encoding']).toBe('base64');
    expect(readCertsOnly(new Uint8Array(Buffer.from(answer.text, 'base64')))).toEqual({
      ok: true,
      value: (await derOf('cpo-sub-ca-2', 'cpo-sub-ca-1', 'v2g-root')).map(
        (der) => new Uint8Array(der),
      ),
    });
  });

  test('P3: lines of 64 and an end, names of headers in Title-Case, a length', async () => {
    const answer = await get(CACERTS);
    expect(answer.text).toMatch(/^(?:[A-Za-z0-9+/]{64}\r?\n)+[A-Za-z0-9+/=]{1,64}\r?\n$/);
    for (const name of ['Content-Type', 'Content-Length', 'Content-Transfer-Encoding']) {
      expect(answer.names).toContain(name);
    }
  });
});

describe('enrolment', () => {
  test('RFC 7030 4.2.3: the issued certificate and no other', async () => {
    const name = newName();
    const pair = freshKeyPair('P-256');
    const answer = await post(ENROL, newRequest(`CN=${name}`, { pair }));
    expect(answer.headers['content-type']).toBe('application/pkcs7-mime; smime-type=certs-only');
    const [leaf, ...more] = certificatesIn(answer);
    expect(more).toEqual([]);
    const certificate = readCertificate(new Uint8Array(leaf ?? []));
    expect(certificate.spki).toEqual(spkiOf(pair));
    expect(certificate.subject.attributes).toContainEqual({ type: 'CN', value: name });
  });

  test('RFC 7030 4.2.3: the same request has the same outcome', async () => {
    const body = newRequest(`CN=${newName()}`);
    const [first, second] = [await post(ENROL, body), await post(ENROL, body)];
    expect(first.status).toBe(200);
    expect(second.text).toBe(first.text);
  });

  test('RFC 7030 3.2.3: nobody is asked who it is, with Basic first', async () => {
    const answer = await post(ENROL, newRequest(`CN=${newName()}`), {});
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Basic realm=/);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
  });

  test.each<[string, string | Uint8Array, RegExp]>([
    ['no request at all', 'hello', /csr-malformed/],
    ['another name than the profile takes', newRequest(['CN=a.example.com']), /subject/],
    ['a key that the profile does not take', newRequest('CN=X1', { key: 'P-384' }), /key-type/],
  ])('RFC 7030 4.2.3: %s is refused in words', async (_name, body, reason) => {
    const answer = await post(ENROL, body);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    expect(answer.text).toMatch(reason);
  });

  test('W1: a request of a megabyte is refused before it is read', async () => {
    const answer = await post(ENROL, 'M'.repeat(1 << 20)).catch((error: Error) => error);
    // Whoever is still sending may see the connection end instead.
    if (answer instanceof Error) expect(answer.message).toMatch(/EPIPE|ECONNRESET|hang up/);
    else expect(answer.status).toBe(413);
  });
});

describe('re-enrolment', () => {
  test('RFC 7030 4.2.2: the same names with another key', async () => {
    const { name, connection } = await newLeaf();
    const [leaf] = certificatesIn(await post(REENROL, newRequest(`CN=${name}`), {}, connection));
    const renewed = readCertificate(new Uint8Array(leaf ?? []));
    expect(renewed.subject.attributes).toContainEqual({ type: 'CN', value: name });
  });

  test('RFC 7030 4.2.2: another name is refused', async () => {
    const { connection } = await newLeaf();
    const answer = await post(REENROL, newRequest(`CN=${newName()}`), {}, connection);
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(/renewal-mismatch|subject-attribute-mismatch/);
  });
});

describe('channel binding', () => {
  /** Sends a request that is made once the connection stands. */
  async function postBound(
    maxVersion: SecureVersion,
    challenge: (connection: TLSSocket) => Buffer,
  ): Promise<{ status: number; text: string }> {
    const { hostname, port } = new URL(evpki.app.apiUrl);
    const socket = connect({
      host: hostname,
      port: Number(port),
      ca,
      maxVersion,
      servername: 'localhost',
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    const value = printableString(challenge(socket).toString('base64'));
    const pair = freshKeyPair('P-256');
    const body = Buffer.from(
      buildRequest({
        ...{ signer: pair, spki: spkiOf(pair) },
        subject: writeName(nameOf(`CN=${newName()}`)),
        attributes: [requestAttribute(requestAttributes.challengePassword, value)],
      }),
    ).toString('base64');
    return new Promise((resolve, reject) => {
      const headers = { Authorization: csms, 'Content-Length': body.length, Accept: '*/*' };
      const request = httpsRequest(
        at(ENROL),
        { method: 'POST', headers, createConnection: () => socket },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk;
          });
          response.on('end', () => {
            socket.destroy();
            resolve({ status: response.statusCode ?? 0, text });
          });
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }
  const finished = (socket: TLSSocket): Buffer => socket.getFinished() ?? Buffer.alloc(0);

  test('RFC 7030 3.5: that of the connection is verified, and fits', async () => {
    expect(await postBound('TLSv1.2', finished)).toMatchObject({ status: 200 });
  });

  test('RFC 7030 3.5: that of another connection is refused', async () => {
    const answer = await postBound('TLSv1.2', (socket) => {
      const other = Buffer.from(finished(socket));
      other[0] = (other[0] ?? 0) ^ 1;
      return other;
    });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('channel-binding-mismatch');
  });

  test('RFC 7030 3.5: with TLS 1.3, which has none, it cannot be verified and is refused', async () => {
    const answer = await postBound('TLSv1.3', finished);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('channel-binding-unavailable');
  });
});

describe('keys that the server makes', () => {
  test('RFC 7030 4.4: one is made, whatever the request has, and comes with its certificate', async () => {
    const asked = freshKeyPair('P-256');
    const body = newRequest(`CN=${newName()}`, { pair: asked });
    const client = await evpki.tokenOf('demo-cpo', ['est-client']);
    const headers = { Authorization: `Bearer ${client}` };
    const answer = await post('/.well-known/est/cpo/serverkeygen', body, headers);
    expect(answer.status, answer.text).toBe(200);
    const [, boundary = ''] =
      /^multipart\/mixed; boundary=(\S+)$/.exec(answer.headers['content-type'] ?? '') ?? [];
    const parts = answer.text.split(`--${boundary}`).slice(1, -1);
    const [key, certificates] = ['application/pkcs8', 'application/pkcs7-mime'].map((type) => {
      const part = parts.find((one) => one.includes(`Content-Type: ${type}`)) ?? '';
      expect(part).toContain('Content-Transfer-Encoding: base64');
      return Buffer.from(part.slice(part.indexOf('\r\n\r\n')), 'base64');
    });
    expect(parts).toHaveLength(2);
    const made = createPrivateKey({ key: key ?? Buffer.alloc(0), format: 'der', type: 'pkcs8' });
    const [leaf, ...more] = pkijsCertificates(certificates ?? Buffer.alloc(0));
    expect(more).toEqual([]);
    const spki = readCertificate(new Uint8Array(leaf ?? [])).spki;
    const madeSpki = createPublicKey(made).export({ format: 'der', type: 'spki' });
    expect(Buffer.from(spki)).toEqual(madeSpki);
    expect(spki).not.toEqual(spkiOf(asked));
  });
});

describe('csrattrs', () => {
  test('RFC 7030 4.5.2, RFC 8951 4: what requests should contain, in base64', async () => {
    const answer = await get('/.well-known/est/cpo/csrattrs', { Authorization: csms });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/csrattrs');
    const attributes = DerReader.over(new Uint8Array(Buffer.from(answer.text, 'base64')), 4096);
    const list = attributes.sequence();
    attributes.end();
    const key = list.sequence();
    expect(key.oid()).toBe('1.2.840.10045.2.1');
    expect(key.set().oid()).toBe('1.2.840.10045.3.1.7');
    expect(list.oid()).toBe('1.2.840.10045.4.3.2');
  });
});

describe('RFC 8951', () => {
  const request = newRequest('CN=X');
  const base64 = request.replaceAll(/-----[^-]+-----|\s/g, '');
  test.each([
    ['binary', base64],
    ['8bit', request],
    ['base64', base64.replace(/.{76}/g, '$&\r\n')],
    ['application/pkcs10', ` ${base64.replace(/.{20}/g, '$&\t ')}\n`],
  ])('RFC 8951 3: Content-Transfer-Encoding %s is ignored', async (encoding, body) => {
    const headers = { Authorization: csms, 'Content-Transfer-Encoding': encoding };
    expect(certificatesIn(await post(ENROL, body, headers))).toHaveLength(1);
  });

  test('RFC 8951 3: an Accept or Content-Type that is odd changes nothing', async () => {
    const headers = { Authorization: csms, Accept: 'application/pkcs10', 'Content-Type': 'x/y' };
    expect(certificatesIn(await post(ENROL, base64, headers))).toHaveLength(1);
  });
});

describe('after a rollover', () => {
  test('RFC 7030 4.1.3, P3: the chain is the new one, without old with new', async () => {
    const before = await derOf('cpo-sub-ca-2', 'cpo-sub-ca-1', 'v2g-root');
    sent(await evpki.call('POST', '/v1/authorities/cpo-sub-ca-2/rollover', {}), 201);
    const given = certificatesIn(await get(CACERTS));
    expect(given).toHaveLength(3);
    expect(given.slice(1)).toEqual(before.slice(1));
    expect(given[0]).not.toEqual(before[0]);
    const [leaf] = certificatesIn(await post(ENROL, newRequest(`CN=${newName()}`)));
    const { issuerDer } = readCertificate(new Uint8Array(leaf ?? []));
    expect(readCertificate(new Uint8Array(given[0] ?? [])).subjectDer).toEqual(issuerDer);
  });
});
