/** What the REST door does not give, whoever asks. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { stationRequest } from '../support/stations.ts';

describe('requests that nobody gets a certificate for', () => {
  let evpki: TestApp;
  let operator: Record<string, string>;
  let officer: Record<string, string>;
  let registrant: Record<string, string>;
  let tenantAdmin: Record<string, string>;

  beforeAll(async () => {
    evpki = await startTestApp();
    const headers = async (role: string) => ({
      authorization: `Bearer ${await evpki.tokenOf('demo-cpo', [role])}`,
    });
    operator = await headers('cpo-operator');
    officer = await headers('pki-officer');
    registrant = await headers('super');
    tenantAdmin = await headers('tenant-admin');
  });
  afterAll(() => evpki?.close());

  const csr = (name: string) => toPem('CERTIFICATE REQUEST', stationRequest(name));

  test.each(['ocpp-station-ca', 'ocpp-root', 'cpo-sub-ca-2'])(
    'O3 the key of an OCSP responder for %s',
    async (authority) => {
      const body = { profile: 'ocsp-responder', authority, csr: csr('OCSP') };
      for (const headers of [operator, officer, undefined]) {
        const answer = await evpki.call('POST', '/v1/certificates', body, headers);
        expect([answer.status, answer.json.code]).toEqual([422, 'profile-unknown']);
      }
    },
  );

  test.each(['2027-02-29T00:00:00Z', '2027-04-31T12:00:00+02:00'])(
    'S5 one that ends on a day that there is not, %s',
    async (notAfter) => {
      const body = { profile: 'ocpp-station', csr: csr('SN-END'), notAfter };
      const answer = await evpki.call('POST', '/v1/certificates', body, registrant);
      expect([answer.status, answer.json.violations?.[0].code]).toEqual([400, 'time-invalid']);
    },
  );

  test.each(['2027-06-30T23:59:60Z', '2000-01-01T00:00:00Z', '9999-12-31T23:59:59Z'])(
    'S5 one that ends at %s',
    async (notAfter) => {
      const body = { profile: 'ocpp-station', csr: csr('SN-END'), notAfter };
      const answer = await evpki.call('POST', '/v1/certificates', body, registrant);
      expect([answer.status, answer.json.code], answer.text).toEqual([422, 'csr-refused']);
      expect(answer.json.violations[0].field).toBe('notAfter');
    },
  );

  test.each(['demo-mo', 'instance'])(
    'W8 an API client in %s, for another',
    async (organization) => {
      const body = { name: 'intruder', organization, roles: ['read-only'] };
      const answer = await evpki.call('POST', '/v1/api-clients', body, tenantAdmin);
      expect([answer.status, answer.json.violations[0].code]).toEqual([
        400,
        'organization-unknown',
      ]);
    },
  );
});
