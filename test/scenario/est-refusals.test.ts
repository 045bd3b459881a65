/**
 * What a whole evpki answers to bad input at the door of EST: the status, every line of the body,
 * and what the audit log has of it. Certificates are in `est-refused-certificates.test.ts`.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp } from '../support/app.ts';
import { application, askEst, basic, bearer } from '../support/est.ts';
import {
  ENROL,
  expectRefused,
  openRefusingHouse,
  REENROL,
  type RefusingHouse,
  withoutRequestId,
} from '../support/est-refusals.ts';
import { headerOf, type RawAnswer } from '../support/raw-https.ts';
import { sent } from '../support/vehicles.ts';

const DAY = 86_400_000;

let house: RefusingHouse;
beforeAll(async () => {
  house = await openRefusingHouse();
  const ice = { id: 'ice', name: 'Ice', roles: ['cpo'], operators: ['DEICE'] };
  sent(await house.call('POST', '/v1/organizations', ice), 201);
});
afterAll(() => house?.evpki.close());

describe('a label', () => {
  test('that there is not is 404, on record for a client', async () => {
    const { body } = application('CN=DE*DEM*E1');
    const target = '/.well-known/est/nowhere/simpleenroll';
    const answer = await house.est({ target, headers: [bearer(house.csms)], body });
    const remedy = /^remedy: Use the label of a role .*policies\/est\.yaml\.$/;
    expectRefused(answer, 404, 'est-label-unknown: there is no label nowhere', remedy);
    await house.expectOnRecord({ channel: 'est', label: '-', violations: ['est-label-unknown'] });
    expectRefused(
      await house.est({ target: '/.well-known/est/nowhere/cacerts' }),
      ...([404, 'est-label-unknown: there is no label nowhere', remedy] as const),
    );
  });

  test('that is for another standard is 404', async () => {
    const { body } = application(`CN=${await house.newStation()}`);
    const target = '/veh/simpleenroll/ISO15118-2';
    const headers = [bearer(await house.evpki.tokenOf('demo-oem', ['oem']))];
    expectRefused(
      await house.est({ target, headers, body }),
      ...([404, 'est-label-unknown: the label veh has nothing for iso15118-2'] as const),
      /^remedy: Use the label of a role /,
    );
  });
});

describe('a path', () => {
  test.each([
    [
      '/cpo/cacerts/ISO15118-2/secp384r1',
      'not-found: "secp384r1" is no key algorithm of EST: there is secp256r1, secp521r1, ed448',
    ],
    [
      '/cpo/simpleenroll/ISO15118-3',
      'not-found: "ISO15118-3" is no standard of EST: there is ISO15118-2, ISO15118-20',
    ],
  ])('%s with a segment that is none is 404, and counted', async (target, line) => {
    expectRefused(await house.est({ target }), 404, line, /^remedy: Use a path of docs\/est\.md/);
    await house.expectCounted('path-unknown', {
      ...{ actor: 'unknown', organization: 'instance' },
      details: expect.objectContaining({ violations: ['not-found'] }),
    });
  });

  test('with an algorithm that no authority has is 404', async () => {
    expectRefused(
      await house.est({ target: '/cpo/cacerts/ISO15118-2/ed448' }),
      ...([404, /^authority-unknown: no active authority of demo-cpo issues /] as const),
      /^remedy: Name another standard or algorithm/,
    );
  });
});

describe('a token', () => {
  test('of nobody is 401 with both challenges, and counted', async () => {
    const { body } = application('CN=DE*DEM*E1');
    const answer = await house.est({ target: ENROL, headers: [bearer('of.yester.day')], body });
    const first = 'not-authenticated: the token is unknown or expired';
    expectRefused(answer, 401, first, /^remedy: Get a new token from `POST \/oauth\/token`/);
    expect(answer.headers.filter(([name]) => name === 'WWW-Authenticate')).toHaveLength(2);
    await house.expectCounted('token-unknown', { actor: 'unknown', subject: '-' });
  });

  test('whose roles do not permit it is 403, and counted', async () => {
    const { body } = application('CN=DE*DEM*E1');
    const headers = [bearer(await house.evpki.tokenOf('demo-cpo', ['read-only']))];
    const answer = await house.est({ target: ENROL, headers, body });
    const first = 'not-permitted: none of your roles permits est:enrol';
    expectRefused(answer, 403, first, /^remedy: Ask as an API client whose role/);
    await house.expectCounted('not-permitted', {
      ...{ actor: expect.stringMatching(/^client:/), subject: 'EST simpleenroll' },
    });
  });

  test('W10 that asks too often is 429, and told when to come again', async () => {
    // A second's worth of requests, and sixty at once.
    const limited = await startTestApp({ env: { EVPKI_CLIENT_RATE: '1' } });
    try {
      const headers = [bearer(await limited.tokenOf('demo-cpo', ['csms']))];
      const ask = () => askEst(limited, { target: ENROL, headers, body: 'soup' });
      const answers: RawAnswer[] = [];
      const refused = () => answers.find(({ status }) => status === 429);
      // A slow machine is given some more on the way.
      while (!refused() && answers.length < 600) {
        answers.push(...(await Promise.all(Array.from({ length: 30 }, ask))));
      }
      const answer = refused();
      if (!answer) throw new Error('no limit');
      const remedy = 'remedy: Wait as long as `Retry-After` says.';
      expectRefused(answer, 429, /^too-many-requests: /, remedy);
      expect(headerOf(answer, 'Retry-After')).toMatch(/^[1-9]\d*$/);
      expect(answers.filter(({ status }) => status === 400).length).toBeGreaterThanOrEqual(60);
      // Authorities are another budget, and revoking is, too (rate-limits.test.ts).
      expect((await askEst(limited, { target: '/cpo/cacerts', headers })).status).toBe(200);
    } finally {
      await limited.close();
    }
  });
});

describe('a certification request', () => {
  const ask = (body: string | Uint8Array) =>
    house.est({ target: ENROL, headers: [bearer(house.csms)], body });
  const unreadable = 'csr-unreadable: the certification request is refused';
  const readable = /^remedy: Send one PKCS#10 request, as base64, PEM or DER/;

  test('W1 of a megabyte is 413 unread, and on record', async () => {
    const answer = await ask('A'.repeat(1_000_000));
    const first = 'body-too-large: a body has at most 32768 octets';
    expectRefused(answer, 413, first, /^remedy: Send one certification request/);
    expect(headerOf(answer, 'Connection')).toBe('close');
    await house.expectOnRecord({ violations: ['body-too-large'] });
  });

  test.each([
    ['PEM that is none', '-----BEGIN CERTIFICATE REQUEST-----\nMIIB%%%\n', 'csr-malformed'],
    ['base64 with other characters', 'MIIB$$$$', 'csr-malformed'],
    ['base64 of something else', 'aGVsbG8gd29ybGQ=', 'csr-malformed'],
    ['octets', Buffer.from([0xff, 0xfe, 0, 1]), 'csr-malformed'],
    ['12 KiB', Buffer.from(`30822ffc${'00'.repeat(0x2ffc)}`, 'hex'), 'csr-too-large'],
  ])('C1 that is %s is 400 with the reason, and on record', async (_what, body, code) => {
    expectRefused(
      await ask(body),
      400,
      unreadable,
      new RegExp(`^${code}(?: \\(\\S+\\))?: `),
      readable,
    );
    await house.expectOnRecord({ profile: 'iso15118-2-secc', channel: 'est', violations: [code] });
  });

  test('of another kind of key is 400 with every reason, and on record', async () => {
    expectRefused(
      await ask(application(`CN=${await house.newStation()}`, 'P-521').body),
      ...([400, 'csr-refused: the profile iso15118-2-secc does not allow this request'] as const),
      /^key-type \(publicKey\): .*P-521.*P-256/,
      'remedy: Correct what the lines above say and send a new request.',
    );
    await house.expectOnRecord({ profile: 'iso15118-2-secc', violations: ['key-type'] });
  });

  test('C7 for the EVSE id of another operator is 403, and on record', async () => {
    expectRefused(
      await ask(application('CN=DE*ICE*E1').body),
      ...([403, 'csr-refused: the profile iso15118-2-secc does not allow this request'] as const),
      /^operator-not-allowed(?: \(\S+\))?: .*DEICE/,
      'remedy: Correct what the lines above say and send a new request.',
    );
    await house.expectOnRecord({
      profile: 'iso15118-2-secc',
      violations: ['operator-not-allowed'],
    });
  });

  test('W6 of a web page is 403, whatever its reader’s browser presents', async () => {
    const { name, presented } = await house.enrolled();
    const { body } = application(`CN=${name}`);
    for (const header of [
      ['Origin', 'https://elsewhere.example'],
      ['Sec-Fetch-Site', 'cross-site'],
    ] as const) {
      expectRefused(
        await house.est({ target: REENROL, presented, headers: [header], body }),
        ...([403, 'web-page-refused: requests of web pages are not taken here'] as const),
        /^remedy: Ask with a program/,
      );
    }
    await house.expectCounted('web-page-refused', {
      actor: 'unknown',
      subject: 'EST simplereenroll',
    });
  });
});

describe('a one-time secret', () => {
  const refused = 'not-authenticated: the user name and enrolment secret are not accepted';
  const ask = (name: string, user: string, secret: string, target = ENROL) =>
    house.est({ target, headers: [basic(user, secret)], body: application(`CN=${name}`).body });

  test('that is none, of another name or label: nobody hears which, and the log knows', async () => {
    const name = await house.newStation();
    const { id, enrolmentSecret: secret } = await house.newSecret(name);
    const heard = new Set<string>();
    for (const answer of [
      await ask(name, name, `${secret}x`),
      await ask(name, name, `evpki_enr_${'A'.repeat(43)}`),
      await ask(name, name, 'guessed'),
      await ask(name, await house.newStation(), secret),
      await ask(name, name, secret, '/cso/simpleenroll'),
    ]) {
      const remedy = /^remedy: Check user name, secret and label: .*one label\. Or have a new one/;
      expectRefused(answer, 401, refused, remedy);
      heard.add(withoutRequestId(answer));
    }
    expect(heard.size).toBe(1);
    await house.expectCounted('secret-unknown', { actor: 'unknown' });
    const actor = `enrolment-secret:${id}`;
    await house.expectCounted('secret-of-other', { actor, organization: 'demo-cpo' });
  });

  test('for another common name is 403, and on record', async () => {
    const name = await house.newStation();
    const { id, enrolmentSecret } = await house.newSecret(name);
    expectRefused(
      await ask(await house.newStation(), name, enrolmentSecret),
      ...([403, 'name-not-authenticated: the request is for somebody else'] as const),
      `name-not-authenticated (subject.CN): The secret is for the CN ${name}.`,
      /^remedy: Ask for the common name that the secret was made for/,
    );
    const violations = ['name-not-authenticated'];
    await house.expectOnRecord(
      { channel: 'est', label: 'cpo', violations },
      `enrolment-secret:${id}`,
    );
  });

  test('that is used up is 401, and counted; who holds it hears why', async () => {
    const name = await house.newStation();
    const { id, enrolmentSecret } = await house.newSecret(name);
    const made = application(`CN=${name}`);
    const headers = [basic(name, enrolmentSecret)];
    const first = await house.est({ target: ENROL, headers, body: made.body });
    expect(first.status).toBe(200);
    const replayed = await ask(name, name, enrolmentSecret);
    expectRefused(replayed, 401, refused, /^remedy: Have a new secret made for another request/);
    const actor = `enrolment-secret:${id}`;
    await house.expectCounted('secret-used', { actor, organization: 'demo-cpo' });
    // Only who has its name, too.
    const found = await ask(name, await house.newStation(), enrolmentSecret);
    expectRefused(found, 401, refused, /^remedy: Check user name, secret and label/);
    expect((await house.est({ target: ENROL, headers, body: made.body })).body).toBe(first.body);
  });

  test('that was withdrawn, or renews nothing, is 401, and counted', async () => {
    const name = await house.newStation();
    const { id, enrolmentSecret } = await house.newSecret(name);
    const renewed = await ask(name, name, enrolmentSecret, REENROL);
    const first = 'not-authenticated: show the certificate that is to be renewed';
    expectRefused(renewed, 401, first, /^remedy: Show what the first line names/);
    await house.expectCounted('credentials-not-taken');
    sent(await house.call('DELETE', `/v1/enrolment-secrets/${id}`), 200);
    const answer = await ask(name, name, enrolmentSecret);
    expectRefused(answer, 401, refused, /^remedy: Have a new secret made: .*withdrawn\.$/);
    await house.expectCounted('secret-withdrawn', { actor: `enrolment-secret:${id}` });
  });
});

// Last: time does not go back.
describe('after its time', () => {
  test('a one-time secret is 401, and counted', async () => {
    const name = await house.newStation();
    const { id, enrolmentSecret } = await house.newSecret(name);
    house.pass(2 * DAY);
    const headers = [basic(name, enrolmentSecret)];
    const answer = await house.est({
      target: ENROL,
      headers,
      body: application(`CN=${name}`).body,
    });
    const first = 'not-authenticated: the user name and enrolment secret are not accepted';
    expectRefused(answer, 401, first, /^remedy: Have a new secret made: .* over\.$/);
    await house.expectCounted('secret-expired', { actor: `enrolment-secret:${id}` });
  });
});
