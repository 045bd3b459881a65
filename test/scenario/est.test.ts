/** EST as a running evpki answers it: every path, every credential, and what is wrong with any. */

import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../src/pki/certificate.ts';
import { toPem } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { loginCertificate } from '../support/client-certificates.ts';
import {
  apiConnection,
  application,
  askEst,
  basic,
  bearer,
  certificatesIn,
  type EstApplication,
  type EstRequest,
} from '../support/est.ts';
import { headerOf, type RawAnswer } from '../support/raw-https.ts';
import { readRepositoryFile } from '../support/repository.ts';
import { rootOf, sent } from '../support/vehicles.ts';

/** Nobody is registered by asking: who is a station has been said before. */
const hierarchy = readRepositoryFile('ca/demo.yaml').replace(', stationsOnFirstSight: true', '');

let folder: string;
let evpki: TestApp;
let csms: string;
let proxy: ReturnType<typeof loginCertificate>;
let stations = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evpki-est-'));
  proxy = loginCertificate();
  writeFileSync(join(folder, 'hierarchy.yaml'), hierarchy);
  writeFileSync(join(folder, 'proxies.pem'), proxy.cert);
  evpki = await startTestApp({
    hierarchy: join(folder, 'hierarchy.yaml'),
    env: { EVPKI_PROXY_CERTIFICATES: join(folder, 'proxies.pem') },
  });
  csms = await evpki.tokenOf('demo-cpo', ['csms']);
});
afterAll(async () => {
  await evpki?.close();
  rmSync(folder, { recursive: true, force: true });
});

const est = (request: EstRequest): Promise<RawAnswer> => askEst(evpki, request);
const leafIn = (answer: RawAnswer): Certificate => {
  const [leaf, ...others] = certificatesIn(answer);
  expect(others).toEqual([]);
  return leaf as Certificate;
};
const hex = ({ der }: Pick<Certificate, 'der'>) => Buffer.from(der).toString('hex');

/** Registers a station; the common name of its certificate towards vehicles. */
async function newStation(): Promise<string> {
  const number = ++stations;
  const name = `DE*DEM*E${number}`;
  const path = `/v1/stations/CS-EST-${number}?organization=demo-cpo`;
  sent(await evpki.call('PUT', path, { serialNumber: `SN-EST-${number}`, evseIds: [name] }), 201);
  return name;
}

async function newSecret(commonName: string, more: object = {}): Promise<string> {
  const body = { label: 'cpo', commonName, ...more };
  const answer = await evpki.call('POST', '/v1/enrolment-secrets?organization=demo-cpo', body);
  return sent(answer, 201).enrolmentSecret;
}

/** A station with a certificate and its key. */
async function enrolled(name?: string) {
  const commonName = name ?? (await newStation());
  const made = application(`CN=${commonName}`);
  const answer = await est({
    ...{ target: '/cpo/simpleenroll', headers: [bearer(csms)], body: made.body },
  });
  const leaf = leafIn(answer);
  const presented = { key: made.key, cert: toPem('CERTIFICATE', leaf.der) };
  return { commonName, leaf, presented };
}

const enrol = (made: EstApplication, ...headers: (readonly [string, string])[]) =>
  est({ target: '/cpo/simpleenroll', headers, body: made.body });

interface Entry {
  readonly actor: string;
  readonly details: { readonly violations?: readonly string[]; readonly reason?: string };
}

/** Entries of the audit log, newest first. */
async function audited(action: string): Promise<Entry[]> {
  const { items } = sent(await evpki.call('GET', `/v1/audit?action=${action}&limit=200`), 200);
  return items;
}
const violationsOf = (entries: readonly Entry[]) =>
  entries.map(({ details }) => details.violations);

describe('P1 paths', () => {
  const beginnings = [
    ...['', '/cpo', '/eu-cpo', '/demo-cpo'].map((label) => `/.well-known/est${label}`),
    ...['/.well-known/cpo', '/.well-known/eu1-cpo', '/.well-known/demo-cpo'],
    ...['/cpo', '/eu-cpo', '/demo-cpo'],
    ...['/cpo/.well-known/est', '/demo-cpo/.well-known/est'],
  ];
  const ends = ['', '/', '/ISO15118-2', '?xsdMsgDefNamespace=urn:iso:15118:2:2013:MsgDef'];

  test(`all ${beginnings.length * ends.length} of an enrolment lead to the same certificate`, async () => {
    const made = application(`CN=${await newStation()}`);
    const leaves = new Set<string>();
    for (const beginning of beginnings) {
      for (const end of ends) {
        const target = `${beginning}/simpleenroll${end}`;
        const answer = await est({ target, headers: [bearer(csms)], body: made.body });
        expect(answer.status, `${target}: ${answer.body}`).toBe(200);
        leaves.add(hex(leafIn(answer)));
      }
    }
    expect(leaves.size).toBe(1);
  });

  test('P3 all of cacerts to the issuing authority first and the root last', async () => {
    const ids = ['cpo-sub-ca-2', 'cpo-sub-ca-1', 'v2g-root'];
    const expected = await Promise.all(ids.map(async (id) => hex(await rootOf(evpki, id))));
    for (const beginning of beginnings) {
      for (const end of [...ends, '/ISO15118-2/secp256r1/', '/secp256r1']) {
        const target = `${beginning}/cacerts${end}`;
        expect(certificatesIn(await est({ target })).map(hex), target).toEqual(expected);
      }
    }
  });

  test('labels of other roles are those of who asks', async () => {
    const operator = bearer(await evpki.tokenOf('demo-mo', ['emsp-operator']));
    const maker = bearer(await evpki.tokenOf('demo-oem', ['oem']));
    const answers = await Promise.all([
      est({ target: '/mo/cacerts' }),
      est({ target: '/mo/cacerts', headers: [operator] }),
      est({ target: '/.well-known/est/cacerts', headers: [operator] }),
      est({ target: '/oem/cacerts', headers: [maker] }),
      est({ target: '/.well-known/est/cacerts', headers: [maker] }),
      est({ target: '/cso/cacerts' }),
    ]);
    const issuers = answers.map((answer) => hex(certificatesIn(answer)[0] as Certificate));
    const [mo, oem, cso] = await Promise.all(
      ['mo-sub-ca-2', 'oem-sub-ca-2', 'ocpp-station-ca'].map(async (id) =>
        hex(await rootOf(evpki, id)),
      ),
    );
    expect(issuers).toEqual([mo, mo, mo, oem, oem, cso]);
  });

  test('csrattrs', async () => {
    const answer = await est({ target: '/.well-known/est/cpo/csrattrs' });
    expect([200, 204]).toContain(answer.status);
    if (answer.status === 200) {
      expect(headerOf(answer, 'Content-Type')).toBe('application/csrattrs');
    }
  });

  test.each([
    ['/cpo/cacerts/ISO15118-2/secp384r1', 404, 'not-found'],
    ['/cpo/cacerts/secp521r1', 404, 'authority-unknown'],
    ['/cpo/cacerts/ISO15118-20', 404, 'authority-unknown'],
    ['/veh/cacerts/ISO15118-2', 404, 'est-label-unknown'],
    ['/.well-known/est/nowhere/cacerts', 404, 'est-label-unknown'],
    ['/nowhere/.well-known/est/cacerts', 404, 'est-label-unknown'],
    ['/cpo/fullcmc', 404, 'not-found'],
    ['/cpo/cacerts?xsdMsgDefNamespace=urn:x', 400, 'request-malformed'],
  ])('%s is %i %s', async (target, status, code) => {
    const answer = await est({ target });
    expect(answer.body.split(':')[0]).toBe(code);
    expect(answer.status).toBe(status);
  });

  test('names of headers come as libest reads them, behind the whole of evpki', async () => {
    const { headers } = await est({ target: '/cpo/cacerts' });
    expect(headers.map(([name]) => name)).toEqual([
      ...['X-Request-Id', 'Cache-Control', 'Content-Security-Policy'],
      ...['Strict-Transport-Security', 'X-Content-Type-Options'],
      ...['Content-Type', 'Content-Transfer-Encoding', 'Content-Length', 'Date', 'Connection'],
    ]);
  });
});

describe('who may', () => {
  test('a client by token in either header, or by a certificate that it has registered', async () => {
    const made = application(`CN=${await newStation()}`);
    const certificate = loginCertificate();
    const client = { name: 'csms-2', organization: 'demo-cpo', roles: ['csms'] };
    const { clientId } = sent(await evpki.call('POST', '/v1/api-clients', client), 201);
    const path = `/v1/api-clients/${clientId}/certificates`;
    sent(await evpki.call('POST', path, { certificate: certificate.cert }), 201);
    for (const request of [
      { headers: [bearer(csms)] },
      { headers: [['X-API-Key', csms]] },
      { headers: [['X-API-Key', csms], bearer(csms)] },
      { presented: certificate },
    ] as Partial<EstRequest>[]) {
      const answer = await est({ target: '/cpo/simpleenroll', body: made.body, ...request });
      expect(answer.status, answer.body).toBe(200);
    }
  });

  test('a station with its secret, and again with the same request; not with another one', async () => {
    const commonName = await newStation();
    const secret = await newSecret(commonName);
    const made = application(`CN=${commonName}`);
    // As libest does: without anything first.
    expect((await enrol(made)).status).toBe(401);
    const leaf = leafIn(await enrol(made, basic(commonName, secret)));
    expect(hex(leafIn(await enrol(made, basic(commonName, secret))))).toBe(hex(leaf));
    const replayed = await enrol(application(`CN=${commonName}`), basic(commonName, secret));
    expect(replayed.status).toBe(401);
    expect(replayed.body).toMatch(/^not-authenticated: /);
    await expect.poll(() => refusals()).toContain('secret-used');
    // W9
    const encoded = Buffer.from(`${commonName}:${secret}`).toString('base64');
    for (const one of [secret, encoded]) expect(evpki.log.join()).not.toContain(one);
  });

  test('C7 a secret is for one name, one user and one label', async () => {
    const [one, other] = [await newStation(), await newStation()];
    const secret = await newSecret(one);
    const foreign = await enrol(application(`CN=${other}`), basic(one, secret));
    expect(foreign.status).toBe(403);
    expect(foreign.body).toMatch(/^name-not-authenticated: /);
    expect((await enrol(application(`CN=${one}`), basic(other, secret))).status).toBe(401);
    expect((await enrol(application(`CN=${one}`), basic(one, `${secret}x`))).status).toBe(401);
    const elsewhere = { target: '/cso/simpleenroll', headers: [basic(one, secret)] };
    expect((await est({ ...elsewhere, body: application(`CN=${one}`).body })).status).toBe(401);
    // It has not been used by all that.
    expect((await enrol(application(`CN=${one}`), basic(one, secret))).status).toBe(200);
  });

  test('P10 a station with its certificate renews it, and names no other station', async () => {
    const { commonName, leaf, presented } = await enrolled();
    const target = '/.well-known/cpo/simplereenroll';
    const next = application(`CN=${commonName}`);
    const renewed = leafIn(await est({ target, presented, body: next.body }));
    expect(hex(renewed)).not.toBe(hex(leaf));
    expect(renewed.subjectDer).toEqual(leaf.subjectDer);
    const other = application(`CN=${await newStation()}`);
    const foreign = await est({ target, presented, body: other.body });
    expect(foreign.status).toBe(400);
    expect(foreign.body).toMatch(/^csr-refused: (.*\n)+renewal-mismatch \(subject\.CN\): /);
    expect((await est({ target, body: next.body })).status).toBe(401);
  });

  test('W5 through a proxy that is known, and through no other', async () => {
    const { commonName, leaf } = await enrolled();
    const { body } = application(`CN=${commonName}`);
    const forwarded = ['Client-Cert', `:${Buffer.from(leaf.der).toString('base64')}:`] as const;
    const ask = (presented: EstRequest['presented'], ...headers: (readonly [string, string])[]) =>
      est({
        ...{ target: '/cpo/simplereenroll', body, headers },
        ...(presented ? { presented } : {}),
      });
    for (const answer of [
      await ask(undefined, forwarded),
      await ask(loginCertificate(), forwarded),
      await ask(undefined, forwarded, bearer(csms)),
    ]) {
      expect(answer.status).toBe(403);
      expect(answer.body).toMatch(/^proxy-not-trusted: /);
    }
    await expect.poll(() => refusals()).toContain('proxy-not-trusted');
    // The proxy itself is nobody who renews.
    expect((await ask(proxy)).status).toBe(401);
    expect((await ask(proxy, forwarded)).status).toBe(200);
  });

  test('W5 a connection that resumes one with a certificate is anonymous without it', async () => {
    const { commonName, presented } = await enrolled();
    const { body } = application(`CN=${commonName}`);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const tls = { maxVersion };
      const session = await sessionOf({ ...apiConnection(evpki), ...presented, ...tls });
      const answer = await est({
        ...{ target: '/cpo/simplereenroll', body },
        tls: { ...tls, ...(session ? { session } : {}) },
      });
      expect(answer.status, maxVersion).toBe(401);
    }
  });

  const sessionOf = (connection: ConnectionOptions) =>
    new Promise<Buffer | undefined>((resolve, reject) => {
      const socket: TLSSocket = connect(connection);
      let session: Buffer | undefined;
      socket.on('session', (one: Buffer) => {
        session = one;
      });
      socket.on('secureConnect', () => {
        session ??= socket.getSession();
        socket.end('GET /cpo/cacerts HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      });
      socket.resume();
      socket.on('error', reject);
      socket.on('close', () => resolve(session));
    });

  test('a wrong one is 401, whatever else is right', async () => {
    const { commonName, presented } = await enrolled();
    const { body } = application(`CN=${commonName}`);
    const wrong = [
      bearer('evpki_tok_wrong'),
      bearer(`${csms}x`),
      basic(commonName, 'wrong'),
      ['Authorization', 'Negotiate abc'],
    ] as const;
    for (const line of wrong) {
      for (const operation of ['simpleenroll', 'simplereenroll', 'serverkeygen']) {
        const target = `/cpo/${operation}`;
        const headers = [line, ['X-API-Key', csms]] as const;
        const answer = await est({ target, headers, presented, body });
        expect(answer.status, `${operation} ${line}`).toBe(401);
        expect(answer.headers.filter(([name]) => name === 'WWW-Authenticate')).toHaveLength(2);
      }
    }
    await expect.poll(() => refusals()).toContain('token-unknown');
  });

  test('a revoked certificate is nobody’s', async () => {
    const { commonName, leaf, presented } = await enrolled();
    const serial = Buffer.from(leaf.serialNumber).toString('hex');
    const found = await evpki.call('GET', `/v1/certificates?serialNumber=${serial}&limit=200`);
    const [{ id }] = sent(found, 200).items;
    sent(
      await evpki.call('POST', `/v1/certificates/${id}/revocation`, { reason: 'superseded' }),
      200,
    );
    const { body } = application(`CN=${commonName}`);
    const answer = await est({ target: '/cpo/simplereenroll', presented, body });
    expect(answer.status).toBe(401);
    await expect.poll(() => refusals()).toContain('certificate-revoked');
    // Whoever has lost it still finds the authorities.
    expect((await est({ target: '/cpo/cacerts', presented })).status).toBe(200);
  });

  test('a key of evpki’s, with the certificate of that key', async () => {
    const token = await evpki.tokenOf('demo-cpo', ['est-client']);
    const made = application(`CN=${await newStation()}`);
    const answer = await est({
      ...{ target: '/cpo/serverkeygen', headers: [bearer(token)], body: made.body },
    });
    expect(answer.status, answer.body).toBe(200);
    const boundary = /boundary=(\S+)/.exec(headerOf(answer, 'Content-Type') ?? '')?.[1];
    const [, first = '', second = ''] = answer.body.split(`--${boundary}`);
    const [key = '', p7 = ''] = [first, second].map((part) => part.split('\r\n\r\n')[1]);
    const { createPrivateKey, createPublicKey } = await import('node:crypto');
    const pair = createPublicKey(
      createPrivateKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'pkcs8' }),
    );
    const leaf = leafIn({ ...answer, body: p7 });
    expect(Buffer.from(leaf.publicKey?.spki ?? [])).toEqual(
      pair.export({ format: 'der', type: 'spki' }),
    );
    expect(pair.equals(made.pair.publicKey)).toBe(false);
    expect(evpki.log.join()).not.toContain(key.slice(0, 60));
  });
});

const refusals = async () => (await audited('access.refused')).map(({ details }) => details.reason);

describe('bad input', () => {
  test('W1 1 MB is 413, and on record', async () => {
    const target = '/cpo/simpleenroll';
    const body = 'A'.repeat(1_000_000);
    const answer = await est({ target, headers: [bearer(csms)], body });
    expect(answer.status).toBe(413);
    expect(answer.body).toMatch(/^body-too-large: /);
    const [entry] = await audited('request.refused');
    expect(entry?.actor).toMatch(/^client:/);
    expect(entry?.details.violations).toEqual(['body-too-large']);
    // Of somebody whom nobody knows it is not.
    const before = (await audited('request.refused')).length;
    const unknown = await est({ target, headers: [basic('CS-1', 'wrong')], body });
    expect(unknown.status).toBe(413);
    expect(await audited('request.refused')).toHaveLength(before);
  });

  test('an unknown algorithm or standard in the path is 404, and counted', async () => {
    for (const target of ['/cpo/cacerts/ISO15118-2/secp384r1', '/cpo/simpleenroll/ISO15118-3']) {
      const answer = await est({ target });
      expect(answer.status).toBe(404);
      expect(answer.body).toMatch(
        /^not-found: ".+" is no .+ of EST: there is .+\nremedy: .+\nrequest-id: /,
      );
    }
    const unknown = async () =>
      (await audited('access.refused')).find(({ details }) => details.reason === 'path-unknown');
    await expect.poll(unknown).toMatchObject({ details: { violations: ['not-found'] } });
  });

  const made = application('CN=DE*DEM*E1');
  test.each([
    ['nothing', ''],
    ['soup', '-----BEGIN CERTIFICATE REQUEST-----\nMIIB%%%\n'],
    ['half of it', made.body.slice(0, 100)],
    ['two of them', made.pem + made.pem],
    ['base64 of something else', Buffer.from('hello').toString('base64')],
    ['a private key', made.key],
    ['JSON', JSON.stringify({ csr: made.pem })],
    ['16 KiB', 'A'.repeat(16 * 1024)],
    [
      'a changed signature',
      Buffer.from(made.der)
        .fill(1, made.der.length - 4)
        .toString('base64'),
    ],
  ])('C1 %s is 400, said and on record', async (_what, body) => {
    const before = (await audited('request.refused')).length;
    const answer = await est({ target: '/cpo/simpleenroll', headers: [bearer(csms)], body });
    expect(answer.status).toBe(400);
    const [first, second] = answer.body.split('\n');
    expect(first).toMatch(/^csr-unreadable: /);
    const code = /^(csr-[a-z-]+)/.exec(second ?? '')?.[1];
    expect(code).toBeDefined();
    const entries = await audited('request.refused');
    expect(entries.length).toBe(before + 1);
    expect(violationsOf(entries)[0]).toEqual([code]);
    expect(answer.raw).not.toContain(made.key.split('\n')[1]);
  });

  test('a wrong label is 404 and on record', async () => {
    const answer = await est({
      ...{
        target: '/.well-known/est/nowhere/simpleenroll',
        headers: [bearer(csms)],
        body: made.body,
      },
    });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatch(/^est-label-unknown: /);
    expect(violationsOf(await audited('request.refused'))[0]).toEqual(['est-label-unknown']);
  });

  test('C7 a name that is registered with nobody is 403 and on record', async () => {
    const answer = await enrol(application('CN=FR*ABC*E1'), bearer(csms));
    expect(answer.status).toBe(403);
    expect(answer.body).toMatch(/^station-unknown: .*\nstation-unknown \(subject\.CN\): /);
    expect(violationsOf(await audited('request.refused'))[0]).toEqual(['station-unknown']);
  });

  test('what the profile refuses is 400 with a line for each', async () => {
    const answer = await enrol(application(`CN=${await newStation()}`, 'P-521'), bearer(csms));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatch(/^csr-refused: .*\nkey-type \(publicKey\): /);
  });
});
