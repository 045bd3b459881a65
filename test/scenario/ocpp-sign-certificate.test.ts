/** What a CSMS passes on from its stations, in the forms in which real stations send it. */

import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { certificateHashData } from '../../src/pki/certificate-hash-data.ts';
import { readPemBlocks } from '../../src/pki/pem.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { leftBehind } from '../support/left-behind.ts';
import { opensslRequest, type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl, withOpenssl } from '../support/other-tools.ts';
import { freshKeyPair } from '../support/public-keys.ts';
import { askFor, newRequest } from '../support/requests.ts';

const codes = ({ json }: Answer): string[] =>
  json.violations.map(({ code }: { code: string }) => code).sort();

const outcome = ({ status, json }: Answer) => [status, json.status, json.answerToStation];

const everestExtensions = [
  ...['-addext', 'basicConstraints=critical,CA:FALSE'],
  ...['-addext', 'keyUsage=critical,digitalSignature,keyAgreement'],
  ...['-addext', 'subjectAltName=DNS:station.example'],
];

describe('SignCertificate where stations are taken at first sight', () => {
  let evpki: TestApp;
  let bench: Workbench;
  let csms: Record<string, string>;

  beforeAll(async () => {
    evpki = await startTestApp();
    bench = workbench();
    csms = { authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['csms'])}` };
    for (const root of ['ocpp-root', 'v2g-root']) {
      const { json } = await evpki.call('GET', `/v1/authorities/${root}`);
      bench.write(`${root}.pem`, json.issuers[0].certificateChain);
    }
  });
  afterAll(async () => {
    await evpki?.close();
    bench?.remove();
  });

  const sign = (stationId: string, csr: string, more: Record<string, unknown> = {}, as = csms) => {
    const body = { stationId, csr, ocppVersion: '2.0.1', ...more };
    return evpki.call('POST', '/v1/ocpp/sign-certificate', body, as);
  };
  const toCsms = { certificateType: 'ChargingStationCertificate' };

  /** Has OpenSSL judge the chain; the subject of the leaf as node:crypto reads it. */
  function verified(answer: Answer, root: string, purpose: string): string {
    expect(outcome(answer), answer.text).toEqual([200, 'issued', 'Accepted']);
    bench.write('chain.pem', answer.json.certificateChain);
    withOpenssl(() => {
      const verdict = bench.openssl(
        ...['verify', '-x509_strict', '-purpose', purpose],
        ...['-CAfile', `${root}.pem`, '-untrusted', 'chain.pem', 'chain.pem'],
      );
      expect(verdict).toBe('chain.pem: OK\n');
    });
    expect(answer.json.certificateChain.length).toBeLessThan(10_000);
    return new X509Certificate(answer.json.certificateChain).subject.replaceAll('\n', ', ');
  }

  test
    .skipIf(noOpenssl)
    .each<{ name: string; subject: string; cn: string; text?: (pem: string) => string }>([
      {
        name: 'open-ocpp: a long subject, a slash in the serial number',
        subject:
          '/C=FR/ST=Savoie/L=Chambery/O=Open OCPP/OU=Charge Point/CN=S\\/N0123456789/emailAddress=a@b.example',
        cn: 'S/N0123456789',
      },
      {
        name: 'SAP: RSA, no newline at the end',
        subject: '/CN=SAP-4711/O=Demo CPO',
        cn: 'SAP-4711',
        text: (pem) => pem.trimEnd(),
      },
      { name: 'shiv3: CN and O', subject: '/CN=SHIV-1/O=Demo CPO', cn: 'SHIV-1' },
      {
        name: 'EVerest: DC=CPO and requested extensions',
        subject: '/C=DE/O=Demo CPO/CN=EVEREST-1/DC=CPO',
        cn: 'EVEREST-1',
      },
      {
        name: 'line ends that were escaped on the way',
        subject: '/CN=ESCAPED-1',
        cn: 'ESCAPED-1',
        text: (pem) => pem.replaceAll('\n', '\\n'),
      },
    ])('$name', async ({ name, subject, cn, text = (pem) => pem }) => {
    const options = {
      ...(name.startsWith('SAP') ? { key: 'RSA-2048' } : {}),
      ...(name.startsWith('EVerest') ? { extra: everestExtensions } : {}),
    };
    const csr = text(opensslRequest(bench, subject, options));
    const stationId = `CS-${cn.replace(/\W/g, '')}`;
    const answer = await sign(stationId, csr, toCsms);
    expect(verified(answer, 'ocpp-root', 'sslclient')).toBe(`C=DE, O=Demo CPO, CN=${cn}`);
    expect(answer.json.certificateType).toBe('ChargingStationCertificate');

    // Its first request has made the station known; its serial number is not a registered fact.
    const { json } = await evpki.call('GET', `/v1/stations/${stationId}`, undefined, csms);
    expect(json).toMatchObject({ id: stationId, organization: 'demo-cpo', evseIds: [] });
    expect(json.serialNumber).toBeUndefined();
    expect(json.lastSeenAt).toBeDefined();
  });

  test('A02.FR.14 the type is echoed, and left out where OCPP leaves it out', async () => {
    const csr = () => newRequest('CN=TYPES-1');
    const combined = await sign('CS-TYPES', csr());
    expect(verified(combined, 'v2g-root', 'sslclient')).toBe(
      'C=DE, O=Demo CPO, CN=TYPES-1, DC=CPO',
    );
    expect(verified(combined, 'v2g-root', 'sslserver')).toContain('DC=CPO');
    expect(combined.json).not.toHaveProperty('certificateType');

    const v2g = await sign('CS-TYPES', csr(), {
      ocppVersion: '2.1',
      certificateType: 'V2GCertificate',
      requestId: 7,
    });
    expect(verified(v2g, 'v2g-root', 'any')).toContain('DC=CPO');
    expect(v2g.json).toMatchObject({ certificateType: 'V2GCertificate', requestId: 7 });
    // Leaf and both Sub-CAs, without the root.
    expect(readPemBlocks(v2g.json.certificateChain)).toHaveLength(3);

    const old = await sign('CS-TYPES', csr(), { ocppVersion: '1.6' });
    expect(verified(old, 'ocpp-root', 'sslclient')).toContain('CN=TYPES-1');
    expect(old.json).not.toHaveProperty('certificateType');
  });

  test('the setting of a station says what an omitted type means', async () => {
    await evpki.call('PUT', '/v1/stations/CS-SETTING?organization=demo-cpo', {
      certificateType: 'station',
    });
    const answer = await sign('CS-SETTING', newRequest('CN=SETTING-1'));
    expect(verified(answer, 'ocpp-root', 'sslclient')).toContain('CN=SETTING-1');
    expect(answer.json.certificateType).toBe('ChargingStationCertificate');
  });

  test('a type that its version does not have is refused, and the station not put off', async () => {
    const answer = await sign('CS-TYPES', newRequest('CN=TYPES-1'), {
      certificateType: 'V2G20Certificate',
    });
    expect(outcome(answer)).toEqual([200, 'refused', 'Accepted']);
    expect(codes(answer)).toEqual(['certificate-type-unknown']);
  });

  test('nobody here issues certificates of ISO 15118-20: refused for the operator to see', async () => {
    const answer = await sign('CS-TYPES', newRequest('CN=TYPES-1'), {
      ocppVersion: '2.1',
      certificateType: 'V2G20Certificate',
    });
    expect(outcome(answer)).toEqual([200, 'refused', 'Accepted']);
    expect(codes(answer)).toEqual(['authority-unknown']);
    expect(answer.json).toMatchObject({ certificateType: 'V2G20Certificate' });
  });

  test('A02.FR.17 the same request again gets the same certificate, a new one another', async () => {
    const csr = newRequest('CN=AGAIN-1');
    const first = await sign('CS-AGAIN', csr, toCsms);
    const second = await sign('CS-AGAIN', csr, { ...toCsms, requestId: 2 });
    expect(second.json).toEqual({ ...first.json, requestId: 2 });
    const third = await sign('CS-AGAIN', newRequest('CN=AGAIN-1'), toCsms);
    expect(outcome(third)).toEqual([200, 'issued', 'Accepted']);
    expect(third.json.certificateChain).not.toBe(first.json.certificateChain);
    expect(third.json.enrolmentRequestId).not.toBe(first.json.enrolmentRequestId);
  });

  test('K5 30 concurrent calls with one request of a new station give one certificate', async () => {
    const csr = newRequest('CN=RUSH-1');
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => sign('CS-RUSH', csr, toCsms)),
    );
    expect(new Set(answers.map(({ json }) => json.enrolmentRequestId)).size).toBe(1);
    expect(new Set(answers.map(({ json }) => json.status))).toEqual(new Set(['issued']));
  });

  test('C7 of 20 new stations that ask for one name at once one gets it', async () => {
    const requests = Array.from({ length: 20 }, () => newRequest('CN=CROWD-1'));
    const answers = await Promise.all(
      requests.map((csr, index) => sign(`CS-CROWD-${index}`, csr, toCsms)),
    );
    const refused = answers.filter(({ json }) => json.status === 'refused');
    expect(refused).toHaveLength(19);
    for (const answer of refused) {
      expect(outcome(answer)).toEqual([200, 'refused', 'Accepted']);
      expect(codes(answer)).toEqual(['station-name-taken']);
      expect(answer.json.enrolmentRequestId).toMatch(/^req_/);
    }
  });

  test('C3 of 20 stations that ask with one key at once one gets a certificate', async () => {
    const pair = freshKeyPair('P-256');
    const requests = Array.from({ length: 20 }, (_, index) =>
      newRequest(`CN=SHARED-${index}`, { pair }),
    );
    const answers = await Promise.all(
      requests.map((csr, index) => sign(`CS-SHARED-${index}`, csr, toCsms)),
    );
    const refused = answers.filter(({ json }) => json.status === 'refused');
    expect(refused).toHaveLength(19);
    for (const answer of refused) {
      expect(outcome(answer)).toEqual([200, 'refused', 'Accepted']);
      expect(codes(answer)).toEqual(['key-in-use']);
      expect(answer.json.enrolmentRequestId).toMatch(/^req_/);
    }
  });

  test('C7 a station is not given the name of another', async () => {
    const victim = await sign('CS-VICTIM', newRequest('CN=VICTIM-1'), toCsms);
    expect(outcome(victim)).toEqual([200, 'issued', 'Accepted']);
    for (const [name, more] of [
      ['VICTIM-1', toCsms],
      ['VICTIM-1', {}],
      ['victim-1', toCsms],
      ['CS-VICTIM', toCsms],
    ] as const) {
      const thief = await sign('CS-THIEF', newRequest(`CN=${name}`), more);
      expect(outcome(thief), name).toEqual([200, 'refused', 'Accepted']);
      expect(codes(thief)).toEqual(['station-name-taken']);
      expect(thief.json.enrolmentRequestId).toMatch(/^req_/);
    }
    const renewed = await sign('CS-VICTIM', newRequest('CN=VICTIM-1'), toCsms);
    expect(outcome(renewed)).toEqual([200, 'issued', 'Accepted']);
  });

  test('C7 a name stays with its station when the organization is renamed', async () => {
    for (const [type, name] of [
      ['ChargingStationCertificate', 'OLD-1'],
      ['V2GCertificate', 'OLD-2'],
    ]) {
      const more = { certificateType: type };
      const holder = await sign('CS-HOLDER', newRequest(`CN=${name}`), more);
      expect(outcome(holder)).toEqual([200, 'issued', 'Accepted']);
    }
    const rename = (to: unknown) => evpki.call('PATCH', '/v1/organizations/demo-cpo', { name: to });
    const { json: before } = await evpki.call('GET', '/v1/organizations/demo-cpo');
    expect((await rename('Renamed Operator')).status).toBe(200);
    for (const type of ['ChargingStationCertificate', 'V2GCertificate', undefined]) {
      for (const name of ['OLD-1', 'old-2']) {
        const more = type === undefined ? {} : { certificateType: type };
        const thief = await sign('CS-THIEF', newRequest(`CN=${name}`), more);
        expect(outcome(thief), `${type} ${name}`).toEqual([200, 'refused', 'Accepted']);
        expect(codes(thief)).toEqual(['station-name-taken']);
      }
    }
    const again = await sign('CS-HOLDER', newRequest('CN=OLD-1'), toCsms);
    expect(outcome(again)).toEqual([200, 'issued', 'Accepted']);
    expect((await rename(before.name)).status).toBe(200);
  });

  test('C7 a registered serial number is the only one, here too', async () => {
    await evpki.call('PUT', '/v1/stations/CS-KNOWN?organization=demo-cpo', {
      serialNumber: 'KNOWN-1',
    });
    const other = await sign('CS-KNOWN', newRequest('CN=KNOWN-2'), toCsms);
    expect(outcome(other)).toEqual([200, 'refused', 'Accepted']);
    expect(codes(other)).toEqual(['subject-attribute-mismatch']);
    const right = await sign('CS-KNOWN', newRequest('CN=KNOWN-1'), toCsms);
    expect(outcome(right)).toEqual([200, 'issued', 'Accepted']);
  });

  test('everything that speaks against a request is said at once', async () => {
    const csr = newRequest('CN=VICTIM-1', {
      key: 'Ed25519',
      extensions: [askFor.comment],
    });
    const answer = await sign('CS-THIEF', csr, toCsms);
    expect(outcome(answer)).toEqual([200, 'refused', 'Accepted']);
    expect(codes(answer)).toEqual(['extension-forbidden', 'key-type', 'station-name-taken']);
  });

  test.each([
    ['C1 an oversize request', 'A'.repeat(17_000), 'csr-too-large'],
    ['C1 no request at all', 'hello', 'csr-malformed'],
    ['C1 a certificate', '', 'csr-malformed'],
    ['C1 a bad signature', 'forged', 'csr-signature-invalid'],
  ])('%s is Rejected, registers nobody, is in the audit log', async (name, text, code) => {
    let csr = text;
    if (name.endsWith('a certificate')) csr = bench.read('ocpp-root.pem');
    if (text === 'forged') {
      const [block] = readPemBlocks(newRequest('CN=FORGED-1'));
      const der = Buffer.from(block?.der ?? []);
      // The common name is signed, too.
      const at = der.indexOf('FORGED-1');
      der[at] = 'G'.charCodeAt(0);
      csr = der.toString('base64');
    }
    // A station that is known hears the same as one that is not.
    for (const station of ['CS-FORGED', 'CS-AGAIN']) {
      const left = await leftBehind(evpki, 'ocpp-station', async () => {
        const answer = await sign(station, csr, toCsms);
        expect(outcome(answer)).toEqual([200, 'refused', 'Rejected']);
        expect(codes(answer)).toEqual([code]);
      });
      expect(left.rows, station).toEqual([]);
      expect(left.entries, station).toMatchObject([
        {
          action: 'request.refused',
          actor: expect.stringMatching(/^client:cli_/),
          subject: '-',
          details: { station, channel: 'ocpp', violations: [code] },
        },
      ]);
    }
    expect((await evpki.call('GET', '/v1/stations/CS-FORGED', undefined, csms)).status).toBe(404);
  });

  test('an identity that is none is an unknown station', async () => {
    const answer = await sign('CS/../1', newRequest('CN=X-1'), toCsms);
    expect(outcome(answer)).toEqual([200, 'refused', 'Accepted']);
    expect(codes(answer)).toEqual(['station-unknown']);
  });

  describe('2.1 A02.FR.27 a root that the station asks for', () => {
    const hashDataOf = (root: string, hash: 'SHA256' | 'SHA512' = 'SHA256') => {
      const [block] = readPemBlocks(bench.read(`${root}.pem`));
      const certificate = readCertificate(block?.der ?? new Uint8Array());
      const publicKeyBits = certificate.publicKey?.bits ?? new Uint8Array();
      const issuer = { subjectDer: certificate.subjectDer, publicKeyBits };
      return certificateHashData(certificate, issuer, hash);
    };
    const under = (hashRootCertificate: unknown, more = {}) =>
      sign('CS-ROOT', newRequest('CN=ROOT-1'), {
        ocppVersion: '2.1',
        hashRootCertificate,
        ...more,
      });

    test('decides between two that could sign a combined certificate', async () => {
      expect(verified(await under(hashDataOf('v2g-root')), 'v2g-root', 'sslserver')).toContain(
        'DC=CPO',
      );
      const upper = hashDataOf('ocpp-root', 'SHA512');
      const shouted = { ...upper, issuerNameHash: upper.issuerNameHash.toUpperCase() };
      expect(verified(await under(shouted), 'ocpp-root', 'sslclient')).toContain('DC=CPO');
    });

    test.each<[string, () => unknown]>([
      ['that nobody is under', () => ({ ...hashDataOf('v2g-root'), serialNumber: '1' })],
      ['of other people', () => ({ ...hashDataOf('v2g-root'), issuerKeyHash: 'ab'.repeat(32) })],
      ['that is no hash data', () => ({ ...hashDataOf('v2g-root'), issuerNameHash: 'x' })],
    ])('%s is refused', async (_, root) => {
      const answer = await under(root());
      expect(outcome(answer)).toEqual([200, 'refused', 'Accepted']);
      expect(codes(answer)).toEqual(['root-unknown']);
    });

    test('that cannot be for this type is refused', async () => {
      const answer = await under(hashDataOf('v2g-root'), toCsms);
      expect(codes(answer)).toEqual(['root-unknown']);
    });
  });

  test('what is not a call of a CSMS is an error', async () => {
    const csr = newRequest('CN=X-1');
    const reader = { authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['read-only'])}` };
    const administrator = { authorization: `Bearer ${await evpki.tokenOf('demo-cpo', ['super'])}` };
    expect((await sign('CS-1', csr, {}, reader)).status).toBe(403);
    expect((await sign('CS-1', csr, { ocppVersion: '1.5' })).status).toBe(400);
    expect((await sign('CS-1', csr, { organization: 'demo-mo' })).status).toBe(404);
    expect((await sign('CS-1', csr, { organization: 'no-such' }, administrator)).status).toBe(404);
    const instance = await evpki.call('POST', '/v1/ocpp/sign-certificate', {
      stationId: 'CS-1',
      csr,
      ocppVersion: '2.0.1',
    });
    expect([instance.status, instance.json.violations[0].field]).toEqual([400, 'organization']);
  });

  test('whoever runs evpki may name the organization', async () => {
    const body = {
      stationId: 'CS-BY-SUPER',
      csr: newRequest('CN=SUPER-1'),
      ocppVersion: '1.6',
      organization: 'demo-cpo',
    };
    const answer = await evpki.call('POST', '/v1/ocpp/sign-certificate', body);
    expect(outcome(answer), answer.text).toEqual([200, 'issued', 'Accepted']);
  });
});

describe('SignCertificate where stations are registered', () => {
  let evpki: TestApp;
  let bench: Workbench;
  let csms: Record<string, string>;
  let registrar: Record<string, string>;

  beforeAll(async () => {
    evpki = await startTestApp({ hierarchy: 'ca/cpo-under-external-root.yaml' });
    bench = workbench();
    csms = { authorization: `Bearer ${await evpki.tokenOf('cpo', ['csms'])}` };
    registrar = { authorization: `Bearer ${await evpki.tokenOf('cpo', ['station-registrar'])}` };
  });
  afterAll(async () => {
    await evpki?.close();
    bench?.remove();
  });

  const sign = (stationId: string, csr: string, more: Record<string, unknown> = {}) => {
    const body = { stationId, csr, ocppVersion: '1.6', ...more };
    return evpki.call('POST', '/v1/ocpp/sign-certificate', body, csms);
  };
  const put = (id: string, station: unknown) =>
    evpki.call('PUT', `/v1/stations/${id}`, station, registrar);

  test('an unknown station is refused and not put off: it may be registered yet', async () => {
    const csr = newRequest('CN=CS-1');
    const before = await sign('CS-1', csr);
    expect(outcome(before)).toEqual([200, 'refused', 'Accepted']);
    expect(codes(before)).toEqual(['station-unknown']);
    expect(before.json).not.toHaveProperty('enrolmentRequestId');
    expect((await put('CS-1', {})).status).toBe(201);
    expect(outcome(await sign('CS-1', csr))).toEqual([200, 'issued', 'Accepted']);
  });

  test('C1 an unknown station with a broken request hears both, and Rejected', async () => {
    const answer = await sign('CS-NOBODY', 'hello');
    expect(outcome(answer)).toEqual([200, 'refused', 'Rejected']);
    expect(codes(answer)).toEqual(['csr-malformed', 'station-unknown']);
  });

  test('C7 without a registered serial number the CN is the identity', async () => {
    await put('CS-2', {});
    const other = await sign('CS-2', newRequest('CN=SN-2'));
    expect(outcome(other)).toEqual([200, 'refused', 'Accepted']);
    expect(codes(other)).toEqual(['subject-attribute-mismatch']);
    const own = await sign('CS-2', newRequest('CN=CS-2'));
    expect(outcome(own)).toEqual([200, 'issued', 'Accepted']);
  });

  test('C7 with one the CN is the serial number, not the identity', async () => {
    await put('CS-3', { serialNumber: 'S/N0123456789' });
    const identity = await sign('CS-3', newRequest('CN=CS-3'));
    expect(codes(identity)).toEqual(['subject-attribute-mismatch']);
    const serial = await sign('CS-3', newRequest('CN=S/N0123456789'));
    expect(outcome(serial)).toEqual([200, 'issued', 'Accepted']);
  });

  test('C7 the same request for another station is another request', async () => {
    await put('CS-4', {});
    const csr = newRequest('CN=CS-4');
    expect(outcome(await sign('CS-4', csr))).toEqual([200, 'issued', 'Accepted']);
    await put('CS-5', {});
    const answer = await sign('CS-5', csr);
    expect(outcome(answer)).toEqual([200, 'refused', 'Accepted']);
    expect(codes(answer)).toContain('subject-attribute-mismatch');
  });

  test('a charger that moves to another identity is not handed the certificate of the old', async () => {
    await put('CS-6', { serialNumber: 'SN-6' });
    const csr = newRequest('CN=SN-6');
    const first = await sign('CS-6', csr);
    expect(outcome(first)).toEqual([200, 'issued', 'Accepted']);
    await put('CS-6', {});
    await put('CS-7', { serialNumber: 'SN-6' });
    const second = await sign('CS-7', csr);
    expect(outcome(second)).toEqual([200, 'issued', 'Accepted']);
    expect(second.json.enrolmentRequestId).not.toBe(first.json.enrolmentRequestId);
    expect(second.json.certificateChain).not.toBe(first.json.certificateChain);
  });

  test('while vehicles have no chain to trust, nobody signs for them', async () => {
    const answer = await sign('CS-1', newRequest('CN=CS-1'), {
      ocppVersion: '2.0.1',
      certificateType: 'V2GCertificate',
    });
    expect(outcome(answer)).toEqual([200, 'refused', 'Accepted']);
    expect(codes(answer)).toEqual(['authority-unknown']);
  });
});

describe('SignCertificate of ISO 15118-20', () => {
  let evpki: TestApp;
  let bench: Workbench;

  beforeAll(async () => {
    evpki = await startTestApp({ hierarchy: 'ca/iso15118-20.yaml' });
    bench = workbench();
    await evpki.call('PUT', '/v1/stations/CS-1?organization=cpo', {});
  });
  afterAll(async () => {
    await evpki?.close();
    bench?.remove();
  });

  const sign = (key: KeyAlgorithm, more = {}) =>
    evpki.call('POST', '/v1/ocpp/sign-certificate', {
      stationId: 'CS-1',
      organization: 'cpo',
      csr: newRequest('CN=CS-1', { key }),
      ocppVersion: '2.1',
      certificateType: 'V2G20Certificate',
      ...more,
    });

  test.each([
    ['P-521', 'v2g-root'],
    ['Ed448', 'v2g-root-ed448'],
  ] as const)('of two alike the authority with a key like the %s one signs', async (key, root) => {
    const { json } = await evpki.call('GET', `/v1/authorities/${root}`);
    bench.write('root.pem', json.issuers[0].certificateChain);
    const answer = await sign(key);
    expect(outcome(answer), answer.text).toEqual([200, 'issued', 'Accepted']);
    bench.write('chain.pem', answer.json.certificateChain);
    const files = ['-CAfile', 'root.pem', '-untrusted', 'chain.pem', 'chain.pem'];
    withOpenssl(() => expect(bench.openssl('verify', ...files)).toBe('chain.pem: OK\n'));
    expect(answer.json.certificateType).toBe('V2G20Certificate');
  });

  test('with a key like neither nobody guesses', async () => {
    const answer = await sign('P-256');
    expect(outcome(answer)).toEqual([200, 'refused', 'Accepted']);
    expect(codes(answer)).toEqual(['authority-ambiguous']);
  });

  test('there is no certificate for ISO 15118-2', async () => {
    const answer = await sign('P-256', { certificateType: 'V2GCertificate' });
    expect(codes(answer)).toEqual(['authority-unknown']);
  });
});
