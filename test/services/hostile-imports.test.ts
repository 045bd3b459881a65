/** What the holder of an exported key could try with what is imported of it; none of it works. */

import { createPrivateKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assembleCertificate, buildTbs } from '../../src/pki/build-certificate.ts';
import { readCertificate, serialHex } from '../../src/pki/certificate.ts';
import { readCrl } from '../../src/pki/crl/read.ts';
import { tags } from '../../src/pki/der-element.ts';
import { element, sequence } from '../../src/pki/der-writer.ts';
import { spkiFingerprint } from '../../src/pki/key-identifier.ts';
import { nameText } from '../../src/pki/names.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { Authority } from '../../src/services/authority-records.ts';
import { importCertificates } from '../../src/services/certificate-imports.ts';
import { buildCrl } from '../../src/services/crls.ts';
import { estReenrol } from '../../src/services/est.ts';
import { collectExport } from '../../src/services/export-collection.ts';
import { proposeExport } from '../../src/services/exports.ts';
import { approveProposal } from '../../src/services/proposal-approval.ts';
import { revokeOrPropose } from '../../src/services/revocation-proposals.ts';
import { revokeSerial } from '../../src/services/serial-revocation.ts';
import { storeClient } from '../support/clients.ts';
import {
  administrator,
  client,
  csrOf,
  type EstHouse,
  machine,
  openEstHouse,
  operator,
  question,
  refused,
} from '../support/est-house.ts';
import {
  commonName,
  generateKey,
  issue,
  leafExtensions,
  signWith,
  type TestKey,
  templateFor,
} from '../support/issuing.ts';
import { freshKeyPair } from '../support/public-keys.ts';

const DAY = 86_400_000;
const PASSPHRASE = 'a passphrase of hostile imports';
const [officer, approver] = [client(['pki-officer']), client(['approver'])];

let house: EstHouse;
let exported: Authority;
let issuerDer: Uint8Array;
let issuerKey: TestKey;

beforeAll(async () => {
  house = await openEstHouse({
    profiles: (shipped) => {
      const station = shipped.get('ocpp-station');
      return station ? [{ ...station, name: 'other-station' }] : [];
    },
    est: (shipped) => ({
      ...shipped,
      labels: new Map([
        ...shipped.labels,
        [
          'other',
          {
            ...{ ...shipped.roles.cso, name: 'other', organizationId: 'demo-cpo' },
            certificates: { unnamed: { profile: 'other-station' } },
          },
        ],
      ]),
    }),
  });
  const { services } = house;
  for (const principal of [officer, approver]) await storeClient(services, principal);
  const root = await authority('ocpp-root');
  const wish = { id: 'csms-ca', title: 'CSMS CA', key: 'P-256' as const };
  const { proposal } = await proposeExport(services, officer, root, wish);
  await approveProposal(services, approver, proposal.id, proposal.sha256);
  const made = await collectExport(services, officer, root, proposal.id, PASSPHRASE);
  exported = made.authority;
  issuerDer = made.chain[0] ?? new Uint8Array();
  const { publicKey } = readCertificate(issuerDer);
  if (!publicKey) throw new Error('no key');
  const key = Buffer.from(made.encryptedKey);
  issuerKey = {
    publicKey,
    privateKey: createPrivateKey({ key, format: 'der', type: 'pkcs8', passphrase: PASSPHRASE }),
  };
});
afterAll(() => house?.close());

const authority = async (id: string) => {
  const found = await house.services.authorities.findAuthority(id);
  if (!found) throw new Error(`there is no ${id}`);
  return found;
};
/** What the holder of the key signs, of whatever name and key it likes. */
const wanted = (name: string, change: object = {}, key = generateKey('P-256')) => {
  const now = Math.floor(house.services.clock().getTime() / 1000) * 1000;
  return templateFor(key, issuerKey, {
    ...{ subject: commonName(name), issuerName: readCertificate(issuerDer).subjectDer },
    ...{ notBefore: new Date(now - 1000), notAfter: new Date(now + DAY) },
    extensions: {
      ...leafExtensions(key, issuerKey),
      extendedKeyUsage: { critical: false, purposes: ['clientAuth'] },
    },
    ...change,
  });
};
const signed = (...options: Parameters<typeof wanted>): Uint8Array =>
  issue(wanted(...options), issuerKey).der;
/** With a serial number that evpki would give to none. */
function numbered(octets: Uint8Array): Uint8Array {
  const template = wanted('NUMBERED', { serialNumber: Uint8Array.of(1) });
  // Behind the header: version, serial number, and what follows.
  const fields = buildTbs(template).subarray(4);
  const [version, others] = [fields.subarray(0, 5), fields.subarray(8)];
  const tbs = sequence(version, element(tags.integer, octets), others);
  return assembleCertificate(tbs, template.signatureAlgorithm, signWith(issuerKey, tbs));
}
const bring = (...ders: Uint8Array[]) =>
  importCertificates(
    ...([house.services, operator, exported] as const),
    ders.map((der) => toPem('CERTIFICATE', der)).join(''),
  );
const serialOf = (der: Uint8Array) => serialHex(readCertificate(der));

describe('a key that is somebody else’s', () => {
  test('is neither blocked nor taken by a certificate that shows no proof of possession', async () => {
    const { services } = house;
    await house.station('VICTIM-1');
    const pair = freshKeyPair('P-256');
    const { caller } = await house.secret('VICTIM-1', 'cso');
    const csr = csrOf('CN=VICTIM-1', { pair });
    const own = await house.enrol(caller, csr, { label: 'cso' });
    const { publicKey, spki } = own.certificate;
    if (!publicKey) throw new Error('no key');
    const borrowed = { publicKey, privateKey: pair.privateKey };
    const fingerprint = spkiFingerprint(spki);
    const [imported] = await bring(signed('EVIL-1', {}, borrowed));
    const { certificates } = services;
    const subject = nameText(own.certificate.subject);
    expect(await certificates.isCertifiedForOther(fingerprint, subject, new Date())).toBe(false);
    await revokeOrPropose(services, operator, imported?.id ?? '', 'keyCompromise');
    expect(await certificates.isBlockedKey(fingerprint)).toBe(false);
    // Nor by its number, before it comes.
    const unseen = signed('EVIL-2', {}, borrowed);
    await revokeSerial(services, operator, exported, serialOf(unseen), 'keyCompromise');
    await bring(unseen);
    expect(await certificates.isBlockedKey(fingerprint)).toBe(false);
  });
});

describe('re-enrolment', () => {
  test('of no imported certificate gets one that evpki signs', async () => {
    await house.station('STATION-1');
    const der = signed('STATION-1');
    await bring(der);
    const caller = { clientCertificate: [der, issuerDer] };
    for (const label of ['cso', 'cpo', 'other']) {
      const asked = { ...question(caller, csrOf('CN=STATION-1')), label };
      await refused(estReenrol(house.services, asked), 'certificate-not-renewable');
    }
  });

  test('by name renews what evpki has made, whatever was imported after it', async () => {
    await house.station('STATION-2');
    const { caller } = await house.secret('STATION-2', 'cso');
    await house.enrol(caller, csrOf('CN=STATION-2'), { label: 'cso' });
    house.pass(1000);
    await bring(signed('STATION-2'));
    const again = { ...question({ principal: machine }, csrOf('CN=STATION-2')), label: 'cso' };
    expect(await estReenrol(house.services, again)).toMatchObject({ outcome: 'issued' });
  });
});

describe('a serial number', () => {
  test.each([
    ['negative', Uint8Array.of(0x80, 1)],
    ['zero', Uint8Array.of(0)],
    ['longer than 20 octets', new Uint8Array(21).fill(1)],
  ])('that is %s, which no CRL could list, is not imported', async (_what, octets) => {
    const error = await refused(bring(numbered(octets)), 'import-refused');
    expect(error.violations.map(({ code }) => code)).toEqual(['import-serial-number']);
  });

  test('stays on the CRL as long as its issuer, whatever certificate of it comes', async () => {
    const { services } = house;
    const serialNumber = new Uint8Array(16).fill(7);
    const serial = serialHex(serialNumber);
    await revokeSerial(services, operator, exported, serial, 'superseded');
    const notAfter = new Date(Math.floor(house.services.clock().getTime() / 1000) * 1000 - 60_000);
    const notBefore = new Date(notAfter.getTime() - 60_000);
    await bring(signed('SHORT', { serialNumber, notBefore, notAfter }));
    const [issuer] = await services.authorities.listIssuers(exported.id);
    const issuerId = issuer?.id ?? '';
    // Others drop it with the first one of a day after that in which it has ended.
    for (let day = 0; day < 3; day++) {
      house.pass(DAY);
      await buildCrl(services, issuerId);
    }
    const crl = await services.crls.findCrl(issuerId);
    const chunk = crl && (await services.crls.readChunk(issuerId, crl.number, 0));
    const entries = [...readCrl(chunk ?? new Uint8Array(), { maxBytes: 1_000_000 }).entries()];
    expect(entries.map(({ serialNumber: listed }) => serialHex(listed))).toContain(serial);
  });
});

test('a name with a null character, which PostgreSQL takes from nobody, is none', async () => {
  const template = wanted('NAME-0');
  const tbs = buildTbs(template);
  tbs[Buffer.from(tbs).indexOf('NAME-0') + 4] = 0;
  const der = assembleCertificate(tbs, template.signatureAlgorithm, signWith(issuerKey, tbs));
  const { findStationNamed } = house.services.stations;
  const asked: string[] = [];
  const stations = {
    findStationNamed: (organizationId: string, name: string) => {
      asked.push(name);
      return findStationNamed(organizationId, name);
    },
  };
  const parts = { ...house.services, stations };
  const [imported] = await importCertificates(parts, operator, exported, toPem('CERTIFICATE', der));
  expect(asked).toEqual([]);
  const { certificates } = house.services;
  const record = await certificates.findCertificate(imported?.id ?? '');
  expect(record?.subject).toBe('CN=NAME\\000');
});

describe('an authority', () => {
  test('is not ended by its serial number without a second person', async () => {
    const { services } = house;
    const root = await authority('ocpp-root');
    const [issuer] = await services.authorities.listIssuers('ocpp-station-ca');
    const own = await services.certificates.findCertificate(issuer?.certificateId ?? '');
    const done = await revokeSerial(services, officer, root, own?.serial ?? '', 'superseded');
    expect(done).toMatchObject({ outcome: 'waiting' });
    expect((await authority('ocpp-station-ca')).state).toBe('active');
  });

  test('is one though nobody declares its profile any more', async () => {
    const { services } = house;
    const [issuer] = await services.authorities.listIssuers('ocpp-station-ca');
    const undeclared = { ...services, profiles: new Map() };
    const id = issuer?.certificateId ?? '';
    const done = await revokeOrPropose(undeclared, administrator, id, 'superseded');
    expect(done).toMatchObject({ outcome: 'waiting' });
    const held = revokeOrPropose(undeclared, administrator, id, 'certificateHold');
    await refused(held, 'revocation-refused');
  });
});
