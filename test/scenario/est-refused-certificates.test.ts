/**
 * What a whole evpki answers to client certificates that do not count at the door of EST: the status,
 * every line of the body, and what the audit log has of it.
 */

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../src/pki/certificate.ts';
import { writeName } from '../../src/pki/names.ts';
import { toPem } from '../../src/pki/pem.ts';
import { readPublicKey } from '../../src/pki/public-key.ts';
import type { ExtensionSet } from '../../src/pki/template.ts';
import { keyPem, loginCertificate } from '../support/client-certificates.ts';
import { apiConnection, application, type EstRequest } from '../support/est.ts';
import {
  ENROL,
  expectRefused,
  openRefusingHouse,
  REENROL,
  type RefusingHouse,
  withoutRequestId,
} from '../support/est-refusals.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import {
  authorityExtensions,
  commonName,
  generateKey,
  issue,
  leafExtensions,
  type TestKey,
  templateFor,
} from '../support/issuing.ts';
import { newCaller, trustAsTwo } from '../support/second-person.ts';
import { sent } from '../support/vehicles.ts';

const DAY = 86_400_000;

let house: RefusingHouse;
beforeAll(async () => {
  house = await openRefusingHouse();
});
afterAll(() => house?.evpki.close());

describe('a certificate of ours', () => {
  const renew = (name: string, presented: EstRequest['presented']) =>
    house.est({
      ...{ target: REENROL, body: application(`CN=${name}`).body },
      ...(presented ? { presented } : {}),
    });

  test.each([
    ['certificateHold', 'certificate-held', 'on hold', /^remedy: Have the hold lifted/],
    [
      'superseded',
      'certificate-revoked',
      'revoked',
      /^remedy: Let it enrol anew, .* not renewed\.$/,
    ],
    [
      'keyCompromise',
      'certificate-revoked',
      'revoked',
      /^remedy: Let it enrol anew, .* another key/,
    ],
  ])(
    'W5 that is revoked for %s is 401, and counted as its own',
    async (reason, counted, is, remedy) => {
      const { name, id, presented } = await house.enrolled();
      sent(await house.call('POST', `/v1/certificates/${id}/revocation`, { reason }), 200);
      const answer = await renew(name, presented);
      expectRefused(answer, 401, `not-authenticated: the client certificate is ${is}`, remedy);
      await house.expectCounted(counted, { actor: `certificate:${id}`, organization: 'demo-cpo' });
    },
  );

  test('C7 renews no other name: 400 with what differs, on record', async () => {
    const { id, presented } = await house.enrolled();
    const answer = await renew(await house.newStation(), presented);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatch(/^csr-refused: .*\n(?:.*\n)*renewal-mismatch \(subject\.CN\): /);
    const [entry] = await house.audited('request.refused');
    expect(entry?.actor).toBe(`certificate:${id}`);
    expect(entry?.details.violations).toContain('renewal-mismatch');
  });

  test('W5 passed on in a header by nobody who may is 403, and counted', async () => {
    const { name, leaf } = await house.enrolled();
    const der = Buffer.from(leaf.der).toString('base64');
    for (const presented of [undefined, loginCertificate()]) {
      const answer = await house.est({
        ...{ target: REENROL, headers: [['Client-Cert', `:${der}:`]] },
        body: application(`CN=${name}`).body,
        ...(presented ? { presented } : {}),
      });
      const first = 'proxy-not-trusted: client certificates are taken from known proxies only';
      expectRefused(answer, 403, first, /^remedy: Have the proxy present a certificate of/);
    }
    await house.expectCounted('proxy-not-trusted', { actor: 'unknown' });
  });

  test('W5 on a connection that resumes one with it, and has none, is nobody’s', async () => {
    const { name, presented } = await house.enrolled();
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const session = await sessionOf({ ...apiConnection(house.evpki), ...presented, maxVersion });
      const answer = await house.est({
        ...{ target: REENROL, body: application(`CN=${name}`).body },
        headers: [['Accept', '*/*']],
        tls: { maxVersion, ...(session ? { session } : {}) },
      });
      const first = 'not-authenticated: the request carries no credentials';
      const remedy = /^remedy: Send a token .* one-time secret .* or present a client certificate/;
      expectRefused(answer, 401, first, remedy);
    }
    await house.expectCounted('no-credentials', { actor: 'unknown' });
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
});

describe('a factory certificate', () => {
  const maker = foreignRoot({ subject: commonName('Maker Root') });
  let station: string;
  beforeAll(async () => {
    station = await house.newStation();
    const imported = await house.call('POST', '/v1/trust-anchors', {
      ...{ certificate: maker.pem, organization: 'demo-cpo' },
    });
    const first = await newCaller(house.evpki);
    const second = await newCaller(house.evpki);
    await trustAsTwo([first, second], sent(imported, 201).id, ['est-client']);
  });

  interface Made {
    readonly name?: string;
    readonly signer?: TestKey;
    readonly issuer?: string;
    readonly notAfter?: Date;
    readonly extensions?: Partial<ExtensionSet>;
    readonly key?: TestKey;
  }
  const made = ({
    name = station,
    signer = maker.key,
    issuer = 'Maker Root',
    notAfter = new Date('2090-01-01'),
    extensions = {},
    key = generateKey(),
  }: Made): { readonly key: TestKey; readonly certificate: Certificate } => {
    const template = templateFor(key, signer, {
      ...{ subject: commonName(name), issuerName: writeName(commonName(issuer)), notAfter },
      extensions: { ...leafExtensions(key, signer), ...extensions },
    });
    return { key, certificate: issue(template, signer) };
  };
  const show = (
    { key, certificate }: ReturnType<typeof made>,
    above: readonly Certificate[] = [],
    name = station,
  ) =>
    house.est({
      ...{ target: ENROL, body: application(`CN=${name}`).body },
      presented: {
        key: keyPem(key),
        cert: [certificate, ...above].map(({ der }) => toPem('CERTIFICATE', der)).join(''),
      },
    });
  const refused = 'not-authenticated: the client certificate is not accepted';

  test('that holds is taken', async () => {
    expect((await show(made({}))).status).toBe(200);
  });

  test('A3 W5 is refused in the same words for every reason; each is counted with its codes', async () => {
    const stranger = generateKey();
    const heard = new Set<string>();
    const cases: [ReturnType<typeof made>, string, string[] | undefined][] = [
      [made({ signer: stranger, issuer: 'Nobody' }), 'certificate-unknown', ['path-not-found']],
      // The name of the maker, and not its key.
      [made({ signer: stranger }), 'certificate-unknown', undefined],
      [made({ notAfter: new Date('2026-06-01') }), 'certificate-expired', ['expired']],
    ];
    for (const [one, reason, violations] of cases) {
      const answer = await show(one);
      const remedy = /^remedy: Present the current certificate, one of a factory whose root/;
      expectRefused(answer, 401, refused, remedy);
      heard.add(withoutRequestId(answer));
      await house.expectCounted(reason, {
        ...(violations ? { details: expect.objectContaining({ violations }) } : {}),
      });
    }
    const { id, presented } = await house.enrolled();
    sent(
      await house.call('POST', `/v1/certificates/${id}/revocation`, { reason: 'keyCompromise' }),
      200,
    );
    // A key that others know, in the certificate of a factory.
    const privateKey = createPrivateKey(presented.key);
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    const read = readPublicKey(spki);
    if (!read.ok) throw new Error('no key');
    const answer = await show(made({ key: { privateKey, publicKey: read.value } }));
    expectRefused(answer, 401, refused, /^remedy: Present the current certificate/);
    heard.add(withoutRequestId(answer));
    await house.expectCounted('certificate-key-blocked');
    expect(heard.size).toBe(1);
  });

  test('A3 below a chain that goes in circles, or is longer than any, is refused in no time', async () => {
    const names = ['Round A', 'Round B'];
    const [one, other] = [generateKey(), generateKey()];
    const authority = (key: TestKey, signer: TestKey, name: string, issuer: string) =>
      issue(
        templateFor(key, signer, {
          ...{ subject: commonName(name), issuerName: writeName(commonName(issuer)) },
          extensions: authorityExtensions(key, signer),
        }),
        signer,
      );
    const [a = '', b = ''] = names;
    const circle = [authority(one, other, a, b), authority(other, one, b, a)];
    const started = performance.now();
    const round = await show(made({ signer: one, issuer: a }), circle);
    expectRefused(round, 401, refused, /^remedy: Present the current certificate/);
    const same = Array.from({ length: 8 }, () => authority(one, one, a, a));
    expectRefused(await show(made({ signer: one, issuer: a }), same), 401, refused, /^remedy: /);
    // Two connections and two answers; the validator's own budget has tests of its own.
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  test('C7 of no station, or of another one, certifies nothing', async () => {
    const nobody = await show(made({ name: 'SN-NOBODY' }));
    const first = 'not-authenticated: the client certificate is of no station that is registered';
    expectRefused(nobody, 401, first, /^remedy: Register the station, with the serialNumber or CN/);
    await house.expectCounted('station-unknown', { organization: 'demo-cpo' });
    const other = await house.newStation();
    const foreign = await show(made({}), [], other);
    expectRefused(
      foreign,
      ...([403, 'name-not-authenticated: the request is for somebody else'] as const),
      /^name-not-authenticated \(subject\.CN\): The CN is no name of the station CS-REFUSED-/,
      /^remedy: Ask for the common name /,
    );
    await house.expectOnRecord(
      { violations: ['name-not-authenticated'] },
      expect.stringMatching(/^factory-certificate:CS-REFUSED-/),
    );
  });

  test('C7 of a station that is refused certifies nothing, nor does what that has', async () => {
    const { name, presented } = await house.enrolled();
    const [id] = [`CS-REFUSED-${name.split('E').at(-1)}`];
    const path = `/v1/stations/${id}?organization=demo-cpo`;
    const put = (enrolment: string) => house.call('PUT', path, { evseIds: [name], enrolment });
    const factory = made({ name });
    expect((await show(factory, [], name)).status).toBe(200);
    sent(await put('refused'), 200);
    const renewal = { target: REENROL, presented, body: application(`CN=${name}`).body };
    for (const answer of [await show(factory, [], name), await house.est(renewal)]) {
      expectRefused(
        answer,
        ...([400, 'csr-refused: the profile iso15118-2-secc does not allow this request'] as const),
        /^station-refused \(station\): The enrolment of the station is refused/,
        'remedy: Correct what the lines above say and send a new request.',
      );
      const violations = ['station-refused'];
      await house.expectOnRecord({ station: id, violations }, expect.any(String));
    }
    sent(await put('allowed'), 200);
    expect((await show(factory, [], name)).status).toBe(200);
  });

  test('W7 makes evpki ask nobody: addresses in it are its maker’s, or anybody’s', async () => {
    let calls = 0;
    const server = createServer((_request, response) => {
      calls += 1;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const extensions: Partial<ExtensionSet> = {
        authorityInfoAccess: { critical: false, ocsp: [`${url}/ocsp`], caIssuers: [`${url}/ca`] },
        crlDistributionPoints: { critical: false, urls: [`${url}/crl`] },
      };
      expect((await show(made({ extensions }))).status).toBe(200);
      const stranger = generateKey();
      const unknown = made({ signer: stranger, issuer: 'Elsewhere', extensions });
      expect((await show(unknown)).status).toBe(401);
      expect(calls).toBe(0);
    } finally {
      server.close();
    }
  });
});

// Last: time does not go back.
describe('after its time', () => {
  test('a certificate of ours renews itself within the grace, and is 401 then', async () => {
    const { name, id, leaf, presented } = await house.enrolled();
    const renew = () =>
      house.est({ target: REENROL, presented, body: application(`CN=${name}`).body });
    house.pass(leaf.notAfter.getTime() - house.now() + 29 * DAY);
    expect((await renew()).status).toBe(200);
    house.pass(2 * DAY);
    const first = 'not-authenticated: the client certificate has expired';
    expectRefused(
      await renew(),
      401,
      first,
      /^remedy: Let it enrol anew, .*grace of its profile\.$/,
    );
    await house.expectCounted('certificate-expired', {
      ...{ actor: `certificate:${id}`, organization: 'demo-cpo' },
    });
  });
});
