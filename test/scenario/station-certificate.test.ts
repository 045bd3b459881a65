/** From a charger's request, made with OpenSSL, to a certificate that OpenSSL accepts. */

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readCrl } from '../../src/pki/crl/read.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { leftBehind } from '../support/left-behind.ts';
import { opensslRequest, type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';
import { askFor, newRequest } from '../support/requests.ts';

const PEM = 'application/pem-certificate-chain';

describe('a charging station gets its certificate', () => {
  let evpki: TestApp;
  let bench: Workbench;
  let administrator: Record<string, string>;

  beforeAll(async () => {
    evpki = await startTestApp();
    bench = workbench();
    administrator = {
      authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['super'])}`,
    };
    const root = await evpki.call('GET', '/v1/authorities/ocpp-root');
    bench.write('root.pem', root.json.issuers[0].certificateChain);
  });
  afterAll(async () => {
    await evpki?.close();
    bench?.remove();
  });

  const sign = (csr: string, headers = {}) =>
    evpki.call(
      'POST',
      '/v1/certificates',
      { profile: 'ocpp-station', csr },
      { ...administrator, ...headers },
    );

  test.skipIf(noOpenssl).each(['P-256', 'P-384', 'RSA-2048', 'RSA-3072'])(
    'with a %s key',
    async (key) => {
      const csr = opensslRequest(bench, `/C=DE/O=Anything/CN=SN-${key}`, { key });
      const answer = await sign(csr);
      expect(answer.status, answer.text).toBe(201);
      bench.write('chain.pem', answer.json.certificateChain);
      const verified = bench.openssl(
        ...['verify', '-x509_strict', '-purpose', 'sslclient'],
        ...['-CAfile', 'root.pem', '-untrusted', 'chain.pem', 'chain.pem'],
      );
      expect(verified).toBe('chain.pem: OK\n');
      const subject = bench.openssl('x509', '-in', 'chain.pem', '-noout', '-subject');
      expect(subject).toBe(`subject=C = DE, O = Demo CPO, CN = SN-${key}\n`);
    },
  );

  test('the same request again gets the same certificate, as JSON and as PEM', async () => {
    const csr = newRequest('CN=SN-AGAIN');
    const first = await sign(csr);
    const second = await sign(csr);
    const third = await sign(csr, { accept: PEM });
    expect([first.status, second.status, third.status]).toEqual([201, 200, 200]);
    expect(second.json).toEqual(first.json);
    expect(third.text).toBe(first.json.certificateChain);
    expect(third.headers['content-type']).toContain(PEM);
  });

  test('50 concurrent calls with one request give one certificate', async () => {
    const csr = newRequest('CN=SN-RUSH');
    const answers = await Promise.all(Array.from({ length: 50 }, () => sign(csr)));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(49);
  });

  test('what is wrong with a request is listed in full, and nothing is issued', async () => {
    const csr = newRequest('CN=https://station.example', {
      key: 'Ed25519',
      extensions: [askFor.authority, askFor.comment],
    });
    const before = await evpki.call('GET', '/v1/certificates?profile=ocpp-station&limit=1');
    const { status, json } = await sign(csr);
    expect(status).toBe(422);
    expect(json.code).toBe('csr-refused');
    const codes = json.violations.map(({ code }: { code: string }) => code).sort();
    expect(codes).toEqual([
      'extension-forbidden',
      'extension-mismatch',
      'key-type',
      'subject-attribute-invalid',
    ]);
    expect((await evpki.call('GET', '/v1/certificates?profile=ocpp-station&limit=1')).json).toEqual(
      before.json,
    );
  });

  test('S5 an end after that of the issuer is refused, never shortened', async () => {
    const csr = newRequest('CN=SN-FOREVER');
    const body = { profile: 'ocpp-station', csr, notAfter: '2099-01-01T00:00:00Z' };
    const { status, json } = await evpki.call('POST', '/v1/certificates', body, administrator);
    expect([status, json.code]).toEqual([422, 'csr-refused']);
    expect(json.violations).toContainEqual(
      expect.objectContaining({ code: 'validity-beyond-issuer', field: 'notAfter' }),
    );
  });

  test('R2 the first CRL of an authority has no list at all, and not an empty one', async () => {
    const { json } = await evpki.call('GET', '/v1/authorities/ocpp-server-ca');
    const answer = await vi.waitFor(async () => {
      const found = await fetch(`${evpki.app.publicUrl}/crl/${json.issuers[0].id}.crl`);
      expect(found.status).toBe(200);
      return found;
    }, 20_000);
    const crl = readCrl(new Uint8Array(await answer.arrayBuffer()), { maxBytes: 10_000 });
    expect([crl.hasEntryList, crl.extensions.crlNumber?.value]).toEqual([false, 1n]);
  });

  test('A1 C7 an authority of another organization does not exist for an operator', async () => {
    const operator = {
      authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['emsp-operator'])}`,
    };
    const csr = newRequest('CN=DEDMOC123456789');
    const answer = await evpki.call(
      'POST',
      '/v1/certificates',
      { profile: 'iso15118-2-contract', csr, authority: 'mo-sub-ca-2' },
      operator,
    );
    expect([answer.status, answer.json.code]).toEqual([422, 'authority-unknown']);
    expect((await evpki.call('GET', '/v1/authorities/mo-root', undefined, operator)).status).toBe(
      404,
    );
  });

  describe('those who may not vouch for names', () => {
    let operator: Record<string, string>;
    beforeAll(async () => {
      operator = { authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['cpo-operator'])}` };
      const station = { serialNumber: 'SN-REGISTERED' };
      await evpki.call('PUT', '/v1/stations/CS-0001?organization=demo-cpo', station);
    });
    const ask = async (profile: string, subject: string, station?: string) => {
      const csr = newRequest(subject);
      const body = { profile, csr, ...(station ? { station } : {}) };
      const { status, json } = await evpki.call('POST', '/v1/certificates', body, operator);
      return [status, json.violations?.[0].code ?? json.code ?? json.subject];
    };

    test('C7 have to wait for a station that is not named', async () => {
      expect(await ask('ocpp-station', 'CN=sn-registered')).toEqual([202, 'CN=sn-registered']);
    });

    test.each([
      ['C7 a server', 'ocpp-csms-server'],
      ['firmware', 'ocpp-firmware-signing'],
    ])('are not those who ask for %s', async (_name, profile) => {
      expect(await ask(profile, 'CN=sn-registered')).toEqual([403, 'not-permitted']);
    });

    test('C7 get one for a named station, with the name that is registered for it', async () => {
      expect(await ask('ocpp-station', 'CN=SN-OTHER', 'CS-0001')).toEqual([
        422,
        'subject-attribute-mismatch',
      ]);
      expect(await ask('ocpp-station', 'CN=SN-REGISTERED', 'CS-9999')).toEqual([404, 'not-found']);
      expect(await ask('ocpp-station', 'CN=SN-REGISTERED', 'CS-0001')).toEqual([
        201,
        'CN=SN-REGISTERED,O=Demo CPO,C=DE',
      ]);
    });
  });

  test.each([
    ['an oversized', `-----BEGIN CERTIFICATE REQUEST-----\n${'A'.repeat(17_000)}`, 'csr-too-large'],
    ['an unreadable', 'hello', 'csr-malformed'],
  ])('C1 %s request is refused without a row, with an audit entry', async (_name, csr, code) => {
    const left = await leftBehind(evpki, 'ocpp-station', async () => {
      const answer = await sign(csr);
      expect([answer.status, answer.json.code]).toEqual([400, 'csr-unreadable']);
      expect(answer.json.violations[0].code).toBe(code);
    });
    expect(left).toEqual({
      rows: [],
      entries: [
        {
          action: 'request.refused',
          actor: expect.stringMatching(/^client:cli_/),
          organization: 'demo-cpo',
          subject: '-',
          details: {
            authority: 'ocpp-station-ca',
            profile: 'ocpp-station',
            channel: 'rest',
            violations: [code],
          },
        },
      ],
    });
  });

  test('W12 every error is a problem without a stack', async () => {
    const answers = await Promise.all([
      evpki.call('GET', '/v1/nothing'),
      evpki.call('DELETE', '/v1/certificates'),
      evpki.call('POST', '/v1/certificates', '{"profile":'),
      evpki.call('POST', '/v1/certificates', { profile: 1, other: true }),
      evpki.call('GET', '/v1/certificates', undefined, {}),
      evpki.call('GET', '/v1/certificates?cursor=bm9wZQ'),
      evpki.call('GET', '/v1/certificates/crt_none'),
      evpki.call('POST', '/v1/certificates', 'x'.repeat(40_000)),
      evpki.call('GET', '/v1/certificates', undefined, { authorization: 'Bearer evpki_boot_x' }),
    ]);
    const expected = [404, 405, 400, 400, 401, 400, 404, 413, 409];
    expect(answers.map(({ status }) => status)).toEqual(expected);
    for (const { headers, json, text } of answers) {
      expect(headers['content-type']).toContain('application/problem+json');
      expect(json.requestId).toBe(headers['x-request-id']);
      expect(text).not.toMatch(/\bat .*\.[jt]s:|node_modules/);
    }
  });

  test('W9 the log has requests, but no secret and no token', async () => {
    const log = evpki.log.join('');
    expect(log).toContain('"event":"request"');
    expect(log).not.toMatch(/evpki_(sec|tok|boot)_/);
    expect(log).not.toContain('PRIVATE KEY');
  });
});
