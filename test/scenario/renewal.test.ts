/** Certificates that are renewed: by whom, for what names, with what key, and until when. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { leftBehind } from '../support/left-behind.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { withOpenssl } from '../support/other-tools.ts';
import { freshKeyPair } from '../support/public-keys.ts';
import { askFor, newRequest } from '../support/requests.ts';

type Caller = Record<string, string>;

const DAY = 24 * 60 * 60 * 1000;

let evpki: TestApp;
let bench: Workbench;
let ahead = 0;
let administrator: Caller;
let operator: Caller;
let officer: Caller;
let foreign: Caller;

beforeAll(async () => {
  bench = workbench();
  evpki = await startTestApp({ clock: () => new Date(Date.now() + ahead) });
  const caller = async (organization: string, ...roles: string[]) => ({
    authorization: `Bearer ${await evpki.tokenOf(organization, roles)}`,
  });
  administrator = await caller('demo-cpo', 'super');
  operator = await caller('demo-cpo', 'cpo-operator');
  officer = await caller('demo-cpo', 'pki-officer');
  foreign = await caller('demo-mo', 'cpo-operator');
});
afterAll(async () => {
  await evpki?.close();
  bench?.remove();
});

const csr = newRequest;
const sans = (...names: string[]) => ({ extensions: [askFor.names(...names)] });
const coded = ({ status, json }: Answer) => [status, json.code ?? json.state];
const violations = ({ json }: Answer) =>
  json.violations.map(({ code, field }: Record<string, string>) => `${code} ${field}`).sort();

async function issued(profile: string, pem: string, more = {}): Promise<string> {
  const body = { profile, csr: pem, ...more };
  const answer = await evpki.call('POST', '/v1/certificates', body, administrator);
  expect(answer.status, answer.text).toBe(201);
  return answer.json.id;
}
const renew = (id: string, pem: string, more = {}, as = operator) =>
  evpki.call('POST', `/v1/certificates/${id}/renewal`, { csr: pem, ...more }, as);
const show = async (id: string) =>
  (await evpki.call('GET', `/v1/certificates/${id}`, undefined, administrator)).json;

describe('renewal', () => {
  test('C7 of a name that nobody registered needs nobody to approve it', async () => {
    const id = await issued('ocpp-station', csr('CN=SN-1'));
    const answer = await renew(id, csr('CN=SN-1'));
    expect(coded(answer)).toEqual([201, 'issued']);
    expect(answer.headers.location).toBe(`/v1/certificates/${answer.json.id}`);
    const [old, young] = [await show(id), await show(answer.json.id)];
    expect(young).toMatchObject({ renews: id, subject: old.subject, profile: 'ocpp-station' });
    // The old one stays valid until it ends.
    expect(old).toMatchObject({ state: 'issued', renewedBy: young.id });
    expect(old).not.toHaveProperty('renews');

    const asked = await evpki.call('GET', `/v1/requests/${young.request}`, undefined, operator);
    expect(asked.json).toMatchObject({ renews: id, state: 'issued', certificate: young.id });
    bench.write('chain.pem', answer.json.certificateChain);
    const root = await evpki.call('GET', '/v1/authorities/ocpp-root', undefined, administrator);
    bench.write('root.pem', root.json.issuers[0].certificateChain);
    const verify = ['verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'chain.pem'];
    withOpenssl(() => expect(bench.openssl(...verify, 'chain.pem')).toBe('chain.pem: OK\n'));
  });

  test('K5 the same request again gets the same certificate, also 20 times at once', async () => {
    const id = await issued('ocpp-station', csr('CN=SN-2'));
    const pem = csr('CN=SN-2');
    const answers = await Promise.all(Array.from({ length: 20 }, () => renew(id, pem)));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    // A first certificate with this request is another matter.
    expect(coded(await renew(id, csr('CN=SN-2')))).toEqual([201, 'issued']);
  });

  test('C7 names differ: everything that does is said', async () => {
    const names = sans('csms.example', 'www.csms.example');
    const id = await issued('ocpp-csms-server', csr('CN=csms.example', names));
    const other = await renew(id, csr('CN=evil.example', sans('evil.example')), {}, officer);
    expect(coded(other)).toEqual([422, 'csr-refused']);
    expect(violations(other)).toEqual([
      'renewal-mismatch extensions.subjectAltName',
      'renewal-mismatch subject.CN',
    ]);
    const fewer = await renew(id, csr('CN=csms.example', sans('csms.example')), {}, officer);
    expect(violations(fewer)).toEqual(['renewal-mismatch extensions.subjectAltName']);
    const swapped = sans('www.csms.example', 'csms.example');
    const same = await renew(id, csr('CN=csms.example', swapped), {}, officer);
    expect(coded(same)).toEqual([201, 'issued']);
    const unfit = csr('CN=csms.example', names);
    expect(coded(await renew(id, unfit))).toEqual([403, 'not-permitted']);
  });

  test('C3 the key is a new one', async () => {
    const pair = freshKeyPair('P-256');
    const id = await issued('ocpp-station', csr('CN=SN-3', { pair }));
    const answer = await renew(id, csr(['CN=SN-3', 'OU=again'], { pair }));
    expect(coded(answer)).toEqual([422, 'csr-refused']);
    expect(violations(answer)).toEqual(['renewal-same-key publicKey']);
  });

  test('C7 what is registered of a station counts as ever', async () => {
    const path = '/v1/stations/CS-4?organization=demo-cpo';
    await evpki.call('PUT', path, { serialNumber: 'SN-4' });
    const id = await issued('ocpp-station', csr('CN=SN-4'), { station: 'CS-4' });
    expect(coded(await renew(id, csr('CN=SN-4')))).toEqual([201, 'issued']);
    await evpki.call('PUT', path, { serialNumber: 'SN-4B' });
    const answer = await renew(id, csr('CN=SN-4'));
    expect(coded(answer)).toEqual([422, 'csr-refused']);
    expect(violations(answer)).toContain('subject-attribute-mismatch subject.CN');
  });

  test('the validity is the profile’s, or shorter if asked', async () => {
    const id = await issued('ocpp-station', csr('CN=SN-5'));
    const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 60 * DAY).toISOString();
    const answer = await renew(id, csr('CN=SN-5'), { notAfter });
    expect([answer.status, answer.json.notAfter]).toEqual([201, notAfter]);
    const long = await renew(id, csr('CN=SN-5'), { notAfter: '2099-01-01T00:00:00Z' });
    expect(violations(long)).toContain('validity-too-long notAfter');
  });

  test('the current generation of the authority signs', async () => {
    const id = await issued('ocpp-station', csr('CN=SN-6'));
    const before = await show(id);
    const rolled = await evpki.call('POST', '/v1/authorities/ocpp-station-ca/rollover');
    expect(rolled.status).toBe(201);
    const answer = await renew(id, csr('CN=SN-6'));
    expect(answer.status).toBe(201);
    expect(answer.json.issuer).not.toBe(before.issuer);
    expect(answer.json.issuer).toBe(rolled.json.issuers[0].id);
  });

  test('what is held or revoked is not renewed; released it is', async () => {
    const id = await issued('ocpp-station', csr('CN=SN-7'));
    const path = `/v1/certificates/${id}/revocation`;
    await evpki.call('POST', path, { reason: 'certificateHold' }, administrator);
    expect(coded(await renew(id, csr('CN=SN-7')))).toEqual([409, 'certificate-not-renewable']);
    await evpki.call('DELETE', path, undefined, administrator);
    expect((await renew(id, csr('CN=SN-7'))).status).toBe(201);
    await evpki.call('POST', path, { reason: 'superseded' }, administrator);
    expect(coded(await renew(id, csr('CN=SN-7')))).toEqual([409, 'certificate-not-renewable']);
  });

  test('authorities and OCSP responders are not renewed by requests', async () => {
    for (const profile of ['ocpp-station-ca', 'ocsp-responder']) {
      const path = `/v1/certificates?profile=${profile}&state=issued&limit=1`;
      const found = async () =>
        (await evpki.call('GET', path, undefined, administrator)).json.items[0]?.id;
      // Responders are certified in the background.
      await expect.poll(found).toBeDefined();
      const id = await found();
      expect(coded(await renew(id, csr('CN=x'), {}, administrator))).toEqual([
        409,
        'certificate-not-renewable',
      ]);
    }
  });

  test('C1 an unreadable request is refused without a row, with an audit entry', async () => {
    const id = await issued('ocpp-station', csr('CN=SN-8'));
    const left = await leftBehind(evpki, 'ocpp-station', async () => {
      expect(coded(await renew(id, 'hello'))).toEqual([400, 'csr-unreadable']);
    });
    expect(left.rows).toEqual([]);
    expect(left.entries).toEqual([
      {
        action: 'request.refused',
        actor: expect.stringMatching(/^client:cli_/),
        organization: 'demo-cpo',
        subject: '-',
        details: {
          authority: 'ocpp-station-ca',
          profile: 'ocpp-station',
          channel: 'rest',
          violations: ['csr-malformed'],
        },
      },
    ]);
  });

  test('W8 certificates of others do not exist; roles that issue nothing may not', async () => {
    const id = await issued('ocpp-station', csr('CN=SN-9'));
    expect(coded(await renew(id, csr('CN=SN-9'), {}, foreign))).toEqual([404, 'not-found']);
    expect(coded(await renew('crt_none', csr('CN=SN-9')))).toEqual([404, 'not-found']);
    const reader = { authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['read-only'])}` };
    expect(coded(await renew(id, csr('CN=SN-9'), {}, reader))).toEqual([403, 'not-permitted']);
  });

  test('an ended certificate vouches for its names 30 days longer', async () => {
    const notAfter = new Date(Date.now() + 31 * DAY).toISOString();
    const id = await issued('ocpp-station', csr('CN=SN-10'), { notAfter });
    const { json } = await evpki.call('POST', '/v1/api-clients', {
      ...{ name: 'late', organization: 'demo-cpo', roles: ['cpo-operator'] },
    });
    const late = async () => {
      const body = { client_id: json.clientId, client_secret: json.clientSecret };
      const token = { grant_type: 'client_credentials', ...body };
      const answer = await evpki.call('POST', '/oauth/token', token, {});
      return { authorization: `Bearer ${answer.json.access_token}` };
    };
    try {
      ahead = 60 * DAY;
      expect(coded(await renew(id, csr('CN=SN-10'), {}, await late()))).toEqual([201, 'issued']);
      ahead = 62 * DAY;
      expect(coded(await renew(id, csr('CN=SN-10'), {}, await late()))).toEqual([
        409,
        'certificate-not-renewable',
      ]);
    } finally {
      ahead = 0;
    }
  });
});
