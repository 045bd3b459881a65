/** Pages of others in the browser of somebody who has a client certificate: it presents it for them. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import {
  callPresenting,
  type LoginCertificate,
  loginCertificate,
} from '../support/client-certificates.ts';
import { newRequest } from '../support/requests.ts';
import { sent } from '../support/vehicles.ts';

/** What browsers send of their own with forms and with what scripts ask for (Fetch 3.1, 3.5). */
const pages: readonly (readonly [string, Record<string, string>])[] = [
  ['a form', { origin: 'https://elsewhere.example', 'content-type': 'text/plain' }],
  ['a form of an opaque origin', { origin: 'null', 'content-type': 'multipart/form-data' }],
  ['a script', { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' }],
  ['a browser that says only where from', { 'sec-fetch-site': 'cross-site' }],
  ['a page of another service of the host', { 'sec-fetch-site': 'same-site' }],
];

describe('a web page, by the certificate of its reader,', () => {
  let evpki: TestApp;
  let approver: LoginCertificate;
  let names = 0;
  beforeAll(async () => {
    evpki = await startTestApp();
    approver = await known('approver');
  });
  afterAll(() => evpki?.close());

  const known = async (role: string) => {
    const certificate = loginCertificate();
    const wanted = { name: 'person', organization: 'demo-cpo', roles: [role] };
    const { clientId } = sent(await evpki.call('POST', '/v1/api-clients', wanted), 201);
    const path = `/v1/api-clients/${clientId}/certificates`;
    sent(await evpki.call('POST', path, { certificate: certificate.cert }), 201);
    return certificate;
  };
  /** The id of a request that waits for somebody. */
  const waiting = async (): Promise<string> => {
    const authorization = `Bearer ${await evpki.tokenOf('demo-cpo', ['cpo-operator'])}`;
    const csr = newRequest(`CN=SN-PAGE-${++names}`);
    const body = { profile: 'ocpp-station', csr };
    return sent(await evpki.call('POST', '/v1/certificates', body, { authorization }), 202).id;
  };
  const stateOf = async (id: string) =>
    sent(await evpki.call('GET', `/v1/requests/${id}`), 200).state;

  test.each(pages)('approves nothing: %s', async (_, headers) => {
    const id = await waiting();
    const path = `/v1/requests/${id}/approval`;
    const answer = await callPresenting(evpki, approver, 'POST', path, { headers });
    expect([answer.status, answer.json.code]).toEqual([403, 'web-page-refused']);
    expect(await stateOf(id)).toBe('waiting-for-approval');
  });

  test('ends nothing with a body that no preflight asks about', async () => {
    const operator = await known('super');
    for (const path of ['/v1/audit/checkpoints', '/v1/audit/verification']) {
      const headers = { origin: 'https://elsewhere.example', 'content-type': 'text/plain' };
      const answer = await callPresenting(evpki, operator, 'POST', path, { headers, body: 'a=b' });
      expect([path, answer.status]).toEqual([path, 403]);
    }
  });

  test('and programs, and tokens, which no browser adds, are taken', async () => {
    const approve = async (headers: Record<string, string>) => {
      const path = `/v1/requests/${await waiting()}/approval`;
      return (await callPresenting(evpki, approver, 'POST', path, { headers })).status;
    };
    expect(await approve({})).toBe(201);
    const authorization = `Bearer ${await evpki.tokenOf('demo-cpo', ['approver'])}`;
    expect(await approve({ ...pages[0]?.[1], authorization })).toBe(201);
  });
});
