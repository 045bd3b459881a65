/** The roots that a station should have installed. */

import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, readCertificate } from '../../src/pki/certificate.ts';
import { certificateHashData } from '../../src/pki/certificate-hash-data.ts';
import { readPemBlocks, toPem } from '../../src/pki/pem.ts';
import { readRequest } from '../../src/pki/request.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { authorityExtensions, issue, templateFor } from '../support/issuing.ts';
import { certificatesOf, rootOf, sent } from '../support/vehicles.ts';

interface Root {
  readonly certificateType: string;
  readonly certificate: string;
  readonly hashData: Readonly<Record<string, string>>;
  readonly subject: string;
  readonly notAfter: string;
}

const CSMS = 'CSMSRootCertificate';
const V2G = 'V2GRootCertificate';
const MO = 'MORootCertificate';
const OEM = 'OEMRootCertificate';
const MANUFACTURER = 'ManufacturerRootCertificate';

/** What a station is asked to install it for, and whose it is. */
const told = (roots: readonly Root[]) =>
  roots.map(({ certificateType, subject }) => `${certificateType} ${subject.split(',')[0]}`);

function hashDataOf(root: Certificate) {
  const publicKeyBits = root.publicKey?.bits ?? new Uint8Array();
  return certificateHashData(root, { subjectDer: root.subjectDer, publicKeyBits }, 'SHA256');
}

/** EVerest, issue 2109: what is no root can neither be listed nor deleted once it is installed. */
function install({ certificate, hashData, notAfter }: Root): void {
  const [der, ...more] = certificatesOf(certificate);
  expect(more).toEqual([]);
  const read = readCertificate(der ?? new Uint8Array());
  const x509 = new X509Certificate(read.der);
  expect([x509.verify(x509.publicKey), x509.ca]).toEqual([true, true]);
  expect(hashData).toEqual(hashDataOf(read));
  expect(notAfter).toBe(read.notAfter.toISOString());
}

describe('the truststore of a station', () => {
  let evpki: TestApp;
  let csms: Record<string, string>;
  let officer: Record<string, string>;
  let stranger: Record<string, string>;

  beforeAll(async () => {
    evpki = await startTestApp();
    const headersOf = async (organization: string, role: string) => ({
      authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
    });
    csms = await headersOf('demo-cpo', 'csms');
    officer = await headersOf('demo-cpo', 'pki-officer');
    stranger = await headersOf('demo-mo', 'pki-officer');
    for (const organization of ['demo-cpo', 'demo-mo']) {
      const path = `/v1/stations/CS-1?organization=${organization}`;
      expect((await evpki.call('PUT', path, {})).status).toBe(201);
    }
  });
  afterAll(() => evpki?.close());

  const ask = (query = '', as = csms, id = 'CS-1') =>
    evpki.call('GET', `/v1/stations/${id}/truststore${query}`, undefined, as);
  const roots = async (query = '', as = csms): Promise<Root[]> =>
    sent(await ask(query, as), 200).items;
  const demo = [`${CSMS} CN=Demo OCPP Root CA`, `${V2G} DC=V2G`, `${MO} DC=MO`];

  test('has a root for each use, and each can be installed', async () => {
    const listed = await roots();
    expect(told(listed)).toEqual(demo);
    for (const root of listed) install(root);
    const own = await Promise.all(
      ['ocpp-root', 'v2g-root', 'mo-root'].map((id) => rootOf(evpki, id)),
    );
    expect(listed.map(({ certificate }) => certificate)).toEqual(
      own.map(({ der }) => toPem('CERTIFICATE', der)),
    );
  });

  test('in OCPP 1.6 the root of the CSMS has another name', async () => {
    const names = (await roots('?ocppVersion=1.6')).map(({ certificateType }) => certificateType);
    expect(names).toEqual(['CentralSystemRootCertificate', V2G, MO]);
    expect(await roots('?ocppVersion=2.0.1')).toEqual(await roots());
  });

  test('OCPP 2.1 has the roots of vehicle makers, too', async () => {
    const all = await roots('?ocppVersion=2.1');
    expect(told(all)).toEqual([...demo, `${OEM} DC=OEM`]);
    const [root] = await roots(`?certificateType=${OEM}`);
    expect(root).toEqual(all.at(-1));
    install(root as Root);
    expect(
      readCertificate(certificatesOf(root?.certificate ?? '')[0] ?? new Uint8Array()).der,
    ).toEqual((await rootOf(evpki, 'oem-root')).der);
  });

  test('for one use only, and as nothing but PEM', async () => {
    const all = await roots();
    for (const [type, subjects] of [
      [CSMS, [all[0]]],
      ['CentralSystemRootCertificate', [all[0]]],
      [V2G, [all[1]]],
      [MANUFACTURER, []],
    ] as const) {
      const query = `?certificateType=${type}`;
      expect(await roots(query)).toEqual(subjects);
      const bundle = await ask(query, { ...csms, accept: 'application/x-pem-file' });
      expect([bundle.status, bundle.text]).toEqual([
        200,
        subjects.map((root) => root?.certificate).join(''),
      ]);
      expect(bundle.headers['content-type']).toMatch('application/x-pem-file');
    }
    expect((await ask('?certificateType=VehicleRootCertificate')).status).toBe(400);
    expect((await ask('?ocppVersion=1.5')).status).toBe(400);
  });

  test('A1 is that of its own organization, and of nobody else', async () => {
    expect(told(await roots('', stranger))).toEqual([`${MO} DC=MO`]);
    expect((await ask('?organization=demo-cpo', stranger)).status).toBe(404);
    expect((await ask('', csms, 'CS-2')).status).toBe(404);
    expect(
      told(
        sent(await evpki.call('GET', '/v1/stations/CS-1/truststore?organization=demo-cpo'), 200)
          .items,
      ),
    ).toEqual(demo);
  });

  test('has what its organization has imported as roots of V2G and MO, and no other', async () => {
    const before = await roots();
    const add = async (rootType: string, as = officer) => {
      const { certificate } = foreignRoot();
      const caCertificate = Buffer.from(certificate.der).toString('base64');
      const body = { caCertificate, rootType };
      sent(await evpki.call('PUT', '/v1/root/rootCerts', body, as), 200);
      return certificate;
    };
    const mo = await add('MO');
    const v2g = await add('V2G');
    for (const type of ['OEM', 'PE']) await add(type);
    for (const type of ['MO', 'V2G']) await add(type, stranger);
    const added = (await roots()).filter(
      ({ certificate }) => !before.some((known) => known.certificate === certificate),
    );
    for (const root of added) install(root);
    expect(added.map(({ certificateType, certificate }) => [certificateType, certificate])).toEqual(
      [
        [V2G, toPem('CERTIFICATE', v2g.der)],
        [MO, toPem('CERTIFICATE', mo.der)],
      ],
    );
  });

  test('has the roots of the firmware of its organization', async () => {
    const authority = {
      ...{ id: 'firmware-root', title: 'Demo Firmware Root', organization: 'demo-cpo' },
      ...{ profile: 'ocpp-manufacturer-root', key: 'P-256' },
    };
    sent(await evpki.call('POST', '/v1/authorities', authority), 201);
    const listed = await roots(`?certificateType=${MANUFACTURER}`);
    expect(told(listed)).toEqual([`${MANUFACTURER} CN=Demo Firmware Root`]);
    for (const root of listed) install(root);
    expect(await roots(`?certificateType=${MANUFACTURER}`, stranger)).toEqual([]);
  });

  test('has the next generation of a root as soon as there is one, after the former', async () => {
    for (const [authority, type] of [
      ['ocpp-root', CSMS],
      ['v2g-root', V2G],
      ['mo-root', MO],
      ['firmware-root', MANUFACTURER],
    ]) {
      const former = await rootOf(evpki, authority ?? '');
      sent(await evpki.call('POST', `/v1/authorities/${authority}/rollover`, {}), 201);
      const listed = await roots(`?certificateType=${type}`);
      const ders = listed.map(({ certificate }) => certificatesOf(certificate)[0]);
      const next = await rootOf(evpki, authority ?? '');
      expect(next.der).not.toEqual(former.der);
      expect(ders, type).toEqual(expect.arrayContaining([former.der, next.der]));
      const starts = ders.map((der) =>
        readCertificate(der ?? new Uint8Array()).notBefore.getTime(),
      );
      expect(starts).toEqual([...starts].sort((a, b) => a - b));
      for (const root of listed) install(root);
    }
  });

  test('loses the root of what was revoked', async () => {
    const revokeAll = async (profile: string) => {
      const { items } = sent(await evpki.call('GET', `/v1/certificates?profile=${profile}`), 200);
      for (const { id, state } of items) {
        if (state !== 'issued') continue;
        const path = `/v1/certificates/${id}/revocation`;
        sent(await evpki.call('POST', path, { reason: 'cACompromise' }), 200);
      }
    };
    const subjects = async (type: string) => told(await roots(`?certificateType=${type}`));
    // What signs for its CSMS, what its own certificates are below, and roots themselves.
    await revokeAll('ocpp-server-ca');
    expect(await subjects(CSMS)).toEqual([]);
    await revokeAll('iso15118-2-cpo-sub-ca-1');
    expect(await subjects(V2G)).toEqual([`${V2G} CN=Other V2G Root`]);
    await revokeAll('iso15118-2-mo-root');
    expect(await subjects(MO)).toEqual([`${MO} CN=Other V2G Root`]);
    await revokeAll('ocpp-manufacturer-root');
    expect(await subjects(MANUFACTURER)).toEqual([]);
  });
});

describe('the truststore of a station below the root of somebody else', () => {
  let evpki: TestApp;
  beforeAll(async () => {
    evpki = await startTestApp({ hierarchy: 'ca/cpo-under-external-root.yaml' });
    const path = '/v1/stations/CS-1?organization=cpo';
    expect((await evpki.call('PUT', path, {})).status).toBe(201);
  });
  afterAll(() => evpki?.close());

  const v2gRoots = async (): Promise<Root[]> => {
    const query = `organization=cpo&certificateType=${V2G}`;
    return sent(await evpki.call('GET', `/v1/stations/CS-1/truststore?${query}`), 200).items;
  };

  test('#2109 has that root once there is one, and never the Sub-CA', async () => {
    expect(await v2gRoots()).toEqual([]);
    const root = foreignRoot();
    const { csr } = sent(await evpki.call('GET', '/v1/authorities/cpo-sub-ca-1/csr'), 200);
    const request = readRequest(readPemBlocks(csr)[0]?.der ?? new Uint8Array());
    if (!request.ok) throw new Error(JSON.stringify(request.violations));
    const { subject, publicKey } = request.value;
    const key = { ...root.key, publicKey };
    const template = templateFor(key, root.key, {
      ...{ subject, issuerName: root.certificate.subjectDer },
      extensions: authorityExtensions(key, root.key, 1),
    });
    const certificateChain = toPem('CERTIFICATE', issue(template, root.key).der) + root.pem;
    const path = '/v1/authorities/cpo-sub-ca-1/activation';
    sent(await evpki.call('POST', path, { certificateChain }), 200);
    const listed = await v2gRoots();
    expect(listed.map(({ certificate }) => certificate)).toEqual([root.pem]);
    for (const one of listed) install(one);
  });
});
