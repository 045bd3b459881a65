/**
 * The pool of root certificates (RCP), read by the rules of the clients that read it in the field:
 * facts/clients.md 2.1 to 2.3.
 */

import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fingerprint } from '../../src/pki/certificate.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { CertificateTemplate } from '../../src/pki/template.ts';
import { rootId } from '../../src/services/root-pool.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { generateKey, leafExtensions } from '../support/issuing.ts';
import { newCaller, trustAsTwo } from '../support/second-person.ts';
import { rootOf } from '../support/vehicles.ts';

const PATH = '/v1/root/rootCerts';
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

type Caller = (method: string, path: string, body?: unknown) => Promise<Answer>;
type Entry = Readonly<Record<string, string>>;

/** CitrineOS 1.8: wraps the text into PEM as it is and installs every root, whatever its type. */
function asCitrineOs({ status, text }: Answer): X509Certificate[] {
  if (status !== 200) throw new Error(`Get root certificates: ${status}: ${text}`);
  const { rootCertificates } = JSON.parse(text).RootCertificateCollection;
  return rootCertificates.map(
    ({ caCertificate }: Entry) =>
      new X509Certificate(
        `-----BEGIN CERTIFICATE-----\n${caCertificate}\n-----END CERTIFICATE-----`,
      ),
  );
}

/** Where its Go structure has a field, a JSON value that is no text fails the whole list. */
const textsOfMaeve = [
  ...['rootCertificateId', 'distinguishedName', 'caCertificate', 'commonName'],
  ...['rootAuthorityKeyIdentifier', 'rootIssuerSerialNumber', 'validFrom', 'validTo'],
  ...['organizationName', 'certificateRevocationList', 'crossCertificatePair', 'labeledUri'],
  ...['rootType', 'fingerprint'],
];

/** MaEVe: standard base64 without anything around it; one bad entry fails the whole list. */
function asMaeve({ status, text }: Answer): X509Certificate[] {
  if (status !== 200) throw new Error(`status ${status}`);
  const list: Entry[] = JSON.parse(text).RootCertificateCollection.rootCertificates;
  return list.map((entry) => {
    for (const name of textsOfMaeve) {
      if (entry[name] !== undefined && typeof entry[name] !== 'string') throw new Error(name);
    }
    const { caCertificate = '' } = entry;
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(caCertificate)) throw new Error('illegal base64 data');
    return new X509Certificate(Buffer.from(caCertificate, 'base64'));
  });
}

/** EVerest: drops what it cannot read and what is of a type that it does not know, such as PE. */
function asEverest({ status, text }: Answer): { type: string; certificate: X509Certificate }[] {
  if (status === 401 || status === 403) throw new Error('rejected');
  if (status < 200 || status > 299) throw new Error(`HTTP ${status}`);
  const list: Entry[] = JSON.parse(text).RootCertificateCollection.rootCertificates;
  return list.flatMap(({ rootType = '', caCertificate = '' }) => {
    const type = rootType.toUpperCase();
    if (!['V2G', 'MO', 'OEM'].includes(type)) return [];
    return [{ type, certificate: new X509Certificate(Buffer.from(caCertificate, 'base64')) }];
  });
}

describe('RCP the pool of root certificates', () => {
  let evpki: TestApp;
  let officer: Caller;
  let csms: Caller;
  let maker: Caller;
  let stranger: Caller;
  beforeAll(async () => {
    evpki = await startTestApp();
    const callerOf = async (organization: string, role: string): Promise<Caller> => {
      const headers = { authorization: `Bearer ${await evpki.tokenOf(organization, [role])}` };
      return (method, path, body) => evpki.call(method, path, body, headers);
    };
    officer = await callerOf('demo-cpo', 'pki-officer');
    csms = await callerOf('demo-cpo', 'csms');
    maker = await callerOf('demo-oem', 'oem');
    stranger = await callerOf('demo-mo', 'pki-officer');
  });
  afterAll(() => evpki?.close());

  const entries = ({ status, json, text }: Answer): Entry[] => {
    expect(status, text).toBe(200);
    return json.RootCertificateCollection.rootCertificates;
  };
  const messages = ({ json }: Answer): string[] => json.errorMessages;
  const idsOf = async (caller: Caller, query = '') =>
    entries(await caller('GET', PATH + query)).map(({ rootCertificateId }) => rootCertificateId);
  const idOf = async (authority: string) => rootId((await rootOf(evpki, authority)).der);
  const put = (certificate: { readonly der: Uint8Array }, rootType: string, caller = officer) =>
    caller('PUT', PATH, {
      ...{ caCertificate: Buffer.from(certificate.der).toString('base64'), rootType },
    });

  test('P6 has the roots of every organization, for each of its clients', async () => {
    const wanted = await Promise.all(['v2g-root', 'mo-root', 'oem-root'].map(idOf));
    for (const caller of [csms, maker, stranger, officer]) {
      expect(await idsOf(caller)).toEqual(wanted);
      const answer = await caller('GET', PATH);
      const prints = asCitrineOs(answer).map(({ fingerprint256 }) => fingerprint256);
      expect(asMaeve(answer).map(({ fingerprint256 }) => fingerprint256)).toEqual(prints);
      expect(asEverest(answer).map(({ type }) => type)).toEqual(['V2G', 'MO', 'OEM']);
    }
  });

  test('P6 an entry has every field in its form', async () => {
    const root = await rootOf(evpki, 'v2g-root');
    const [entry] = entries(await csms('GET', `${PATH}?rootType=v2g`));
    const hex = Buffer.from(root.extensions.subjectKeyIdentifier?.value ?? []).toString('hex');
    const x509 = new X509Certificate(root.der);
    expect(entry).toEqual({
      rootCertificateId: expect.stringMatching(uuid),
      distinguishedName: 'DC=V2G,CN=Demo V2G Root CA,O=Demo V2G Operator,C=DE',
      rootType: 'V2G',
      caCertificate: Buffer.from(root.der).toString('base64'),
      commonName: 'Demo V2G Root CA',
      rootAuthorityKeyIdentifier: Buffer.from(hex, 'hex').toString('base64'),
      rootAuthorityKeyIdentifierHex: hex,
      rootIssuerSerialNumber: x509.serialNumber.toLowerCase().replace(/^0+/, ''),
      // Without a fraction: DER has none, and not every client reads one.
      validFrom: root.notBefore.toISOString().replace('.000Z', 'Z'),
      validTo: root.notAfter.toISOString().replace('.000Z', 'Z'),
      organizationName: 'Demo V2G Operator',
      certificateRevocationList: expect.stringMatching(/^http.*\/crl\/\w+\.crl$/),
      labeledUri: expect.stringMatching(/^http.*\/ca\/\w+\.cer$/),
      fingerprint: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
      fingerprintSha1: x509.fingerprint.replaceAll(':', '').toLowerCase(),
      signatureAlgorithm: 'secp256r1',
      xsdMsgDefNamespace: 'urn:iso:15118:2:2013:MsgDef',
    });
    expect(root.der.length).toBeLessThanOrEqual(800);
    const served = await fetch(entry?.labeledUri ?? '');
    expect(fingerprint(new Uint8Array(await served.arrayBuffer()))).toBe(entry?.fingerprint);
    // CRLs are made in the background.
    const crl = async () => (await fetch(entry?.certificateRevocationList ?? '')).status;
    await expect.poll(crl).toBe(200);
    const single = await csms('GET', `${PATH}/${entry?.rootCertificateId}`);
    expect(single.json).toEqual({ RootResponse: entry });
    const shouted = await csms('GET', `${PATH}/${entry?.rootCertificateId?.toUpperCase()}`);
    expect(shouted.json).toEqual(single.json);
  });

  test.each([
    ['v2g', 'V2G'],
    ['MO', 'MO'],
    ['Oem', 'OEM'],
  ])('P6 ?rootType=%s', async (asked, type) => {
    const found = entries(await csms('GET', `${PATH}?rootType=${asked}`));
    expect(found.map(({ rootType }) => rootType)).toEqual([type]);
  });

  test('P6 another type is 400, and one that nobody has is an empty list', async () => {
    for (const asked of ['', 'all', 'v2g,mo', 'cps']) {
      expect((await csms('GET', `${PATH}?rootType=${asked}`)).status, asked).toBe(400);
    }
    expect(entries(await csms('GET', `${PATH}?rootType=pe`))).toEqual([]);
  });

  test('an imported root is in the pool of its organization, and of no other', async () => {
    const { certificate } = foreignRoot();
    const added = await put(certificate, 'mo');
    expect(added.status, added.text).toBe(200);
    const { RootResponse: root } = added.json;
    expect(root).toMatchObject({ rootType: 'MO', commonName: 'Other V2G Root' });
    expect(root).not.toHaveProperty('labeledUri');
    expect(root.rootCertificateId).toBe(rootId(certificate.der));
    expect(await idsOf(csms, '?rootType=mo')).toContain(root.rootCertificateId);
    for (const caller of [maker, stranger]) {
      expect(await idsOf(caller)).not.toContain(root.rootCertificateId);
      expect((await caller('GET', `${PATH}/${root.rootCertificateId}`)).status).toBe(404);
    }
    const answer = await csms('GET', PATH);
    expect(asMaeve(answer)).toHaveLength(asCitrineOs(answer).length);
    // It is for nothing but handing on.
    const sha256 = fingerprint(certificate.der);
    const anchors = (await officer('GET', '/v1/trust-anchors')).json.items;
    const anchor = anchors.find((one: { sha256: string }) => one.sha256 === sha256);
    expect([anchor.purposes, anchor.rootType]).toEqual([['distribute'], 'MO']);

    // The same again changes nothing; another type counts from now on.
    expect((await put(certificate, 'MO')).json).toEqual(added.json);
    expect((await put(certificate, 'OEM')).json.RootResponse.rootType).toBe('OEM');
    expect(await idsOf(csms, '?rootType=mo')).not.toContain(root.rootCertificateId);
    const log = await evpki.call('GET', `/v1/audit?subject=${anchor.id}`);
    expect(log.json.items.map(({ action }: { action: string }) => action)).toEqual([
      ...['trust-anchor.listed', 'trust-anchor.imported'],
    ]);

    const gone = await officer('DELETE', `${PATH}/${root.rootCertificateId}`);
    expect([gone.status, gone.text]).toEqual([200, '']);
    expect(await idsOf(csms)).not.toContain(root.rootCertificateId);
    expect((await officer('DELETE', `${PATH}/${root.rootCertificateId}`)).status).toBe(404);
    const removed = await evpki.call('GET', `/v1/trust-anchors/${anchor.id}`);
    expect(removed.status).toBe(404);
  });

  test('an anchor is in the pool as soon as somebody says as what, and may be handed on', async () => {
    const { pem, certificate } = foreignRoot();
    const id = rootId(certificate.der);
    const imported = await officer('POST', '/v1/trust-anchors', { certificate: pem });
    expect(imported.json).not.toHaveProperty('rootType');
    expect(await idsOf(csms)).not.toContain(id);
    const body = { certificate: pem, rootType: 'V2G' };
    expect((await officer('POST', '/v1/trust-anchors', body)).json.rootType).toBe('V2G');
    expect(await idsOf(csms, '?rootType=v2g')).toContain(id);
    await trustAsTwo([officer, await newCaller(evpki)], imported.json.id, ['v2g']);
    expect(await idsOf(csms)).not.toContain(id);
    const refused = await put(certificate, 'v2g');
    expect([refused.status, messages(refused)[0]]).toEqual([
      409,
      `${imported.json.id} has been imported before, and may not be handed on`,
    ]);
  });

  test('EVerest skips a root of a private environment, which its own organization sees', async () => {
    const { certificate } = foreignRoot();
    expect((await put(certificate, 'pe')).json.RootResponse.rootType).toBe('PE');
    const answer = await csms('GET', PATH);
    expect(asCitrineOs(answer)).toHaveLength(asEverest(answer).length + 1);
    expect(asEverest(answer).map(({ type }) => type)).not.toContain('PE');
    expect(await idsOf(csms, '?rootType=pe')).toEqual([rootId(certificate.der)]);
    expect(await idsOf(maker, '?rootType=pe')).toEqual([]);
  });

  const officerKey = generateKey();
  test.each<[string, string, RegExp]>([
    ['no certificate', 'AAAA', /root certificate/],
    ['no base64', 'hello world!', /root certificate/],
    ['an empty text', ' ', /root certificate/],
    [
      'what has ended',
      rootText({ notAfter: new Date('2026-02-01T00:00:00Z') }),
      /refused|imported/,
    ],
    ['no authority', rootText({ extensions: leafExtensions(officerKey, officerKey) }), /imported/],
    [
      'what somebody else has signed',
      rootText({}, { signer: generateKey() }),
      /the root cannot be imported/,
    ],
  ])('A3 %s is refused', async (_what, caCertificate, told) => {
    const answer = await officer('PUT', PATH, { caCertificate, rootType: 'V2G' });
    expect([answer.status, messages(answer).length > 1], answer.text).toEqual([400, true]);
    expect(messages(answer)[0]).toMatch(told);
  });

  test('P5 a body without type, of an unknown type, or that is none is 400', async () => {
    const { certificate } = foreignRoot();
    const caCertificate = Buffer.from(certificate.der).toString('base64');
    for (const body of [
      ...[{ caCertificate }, { caCertificate, rootType: 'CPS' }, { rootType: 'MO' }],
      ...[{ caCertificate: 1, rootType: 'MO' }, [], { caCertificate, rootType: ['MO'] }],
    ]) {
      expect((await officer('PUT', PATH, body)).status, JSON.stringify(body)).toBe(400);
    }
    expect(await idsOf(csms)).not.toContain(rootId(certificate.der));
  });

  test('a root of this evpki needs no import, and nobody removes it here', async () => {
    const root = await rootOf(evpki, 'mo-root');
    const [entry] = entries(await csms('GET', `${PATH}?rootType=mo`));
    const again = await put(root, 'MO');
    expect([again.status, again.json.RootResponse]).toEqual([200, entry]);
    const other = await put(root, 'V2G');
    expect([other.status, messages(other)[0]]).toEqual([
      409,
      'it is a root of this evpki and listed as MO',
    ]);
    const removed = await stranger('DELETE', `${PATH}/${rootId(root.der)}`);
    expect([removed.status, messages(removed)[0]]).toEqual([
      409,
      'it is a root of this evpki, which is listed until its authority ends',
    ]);
    expect(await idsOf(csms)).toContain(rootId(root.der));
  });

  test('P5 403 for who may not, 404 for what is not there, 401 for nobody', async () => {
    const { certificate } = foreignRoot();
    await put(certificate, 'OEM');
    const id = rootId(certificate.der);
    expect((await put(certificate, 'OEM', csms)).status).toBe(403);
    expect((await csms('DELETE', `${PATH}/${id}`)).status).toBe(403);
    expect((await stranger('DELETE', `${PATH}/${id}`)).status).toBe(404);
    for (const unknown of ['x', '..%2f', rootId(new Uint8Array(1)), '%00', `${id}%20`]) {
      expect([400, 404], unknown).toContain((await csms('GET', `${PATH}/${unknown}`)).status);
    }
    const nobody = await evpki.call('GET', PATH, undefined, { authorization: 'Bearer nobody' });
    expect([nobody.status, Object.keys(nobody.json).sort()]).toEqual([
      401,
      ['errorMessages', 'traceId'],
    ]);
    expect(() => asEverest(nobody)).toThrow('rejected');
  });

  test('the trust list names the same roots, and its digest changes with them', async () => {
    const listOf = async (caller: Caller) =>
      (await caller('GET', '/v1/root/ctl')).json.CertificateTrustList;
    const before = await listOf(csms);
    expect(before.entries.map((one: Entry) => one.rootCertificateId)).toEqual(await idsOf(csms));
    expect(await listOf(officer)).toEqual(before);
    expect((await listOf(maker)).digest).not.toBe(before.digest);
    const { certificate } = foreignRoot();
    await put(certificate, 'OEM');
    const after = await listOf(csms);
    expect(after.digest).not.toBe(before.digest);
    expect(after.entries).toContainEqual({
      ...{ rootCertificateId: rootId(certificate.der), rootType: 'OEM' },
      distinguishedName: 'CN=Other V2G Root,OU=PKI,O=Other Operator,DC=V2G',
      fingerprint: fingerprint(certificate.der),
      validTo: certificate.notAfter.toISOString().replace('.000Z', 'Z'),
    });
    await officer('DELETE', `${PATH}/${rootId(certificate.der)}`);
    expect(await listOf(csms)).toEqual(before);
  });

  test('a revoked root leaves the pool at once, and does not come back by import', async () => {
    const root = await rootOf(evpki, 'oem-root');
    const id = rootId(root.der);
    // It was imported, too, by somebody who wanted to accept what others have below it.
    const pem = toPem('CERTIFICATE', root.der);
    const body = { certificate: pem, rootType: 'OEM', organization: 'demo-cpo' };
    expect((await officer('POST', '/v1/trust-anchors', body)).status).toBe(201);
    expect(await idsOf(csms, '?rootType=oem')).toContain(id);
    const found = await evpki.call('GET', '/v1/certificates?profile=iso15118-2-oem-root');
    const { items } = found.json;
    const path = `/v1/certificates/${items[0].id}/revocation`;
    expect((await evpki.call('POST', path, { reason: 'cACompromise' })).status).toBe(200);
    expect(await idsOf(csms)).not.toContain(id);
    expect((await csms('GET', `${PATH}/${id}`)).status).toBe(404);
    const brought = await put(root, 'OEM');
    expect([brought.status, messages(brought)[1]]).toEqual([
      400,
      'caCertificate : its key is that of a revoked authority of this evpki',
    ]);
  });
});

function rootText(
  changes: Partial<CertificateTemplate>,
  keys: Parameters<typeof foreignRoot>[1] = {},
): string {
  const { certificate } = foreignRoot(changes, keys);
  return Buffer.from(certificate.der).toString('base64');
}
