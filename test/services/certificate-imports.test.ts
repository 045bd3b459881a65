/** What an imported certificate is worth at the doors: as much as any other of ours, and no more. */

import { createPrivateKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate, serialHex } from '../../src/pki/certificate.ts';
import { certificateHashData } from '../../src/pki/certificate-hash-data.ts';
import { readOcspResponse } from '../../src/pki/ocsp/read-response.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { Principal } from '../../src/services/access-policy.ts';
import { importCertificates } from '../../src/services/certificate-imports.ts';
import { certificateStatus } from '../../src/services/certificate-status.ts';
import { collectExport } from '../../src/services/export-collection.ts';
import { proposeExport } from '../../src/services/exports.ts';
import { approveProposal } from '../../src/services/proposal-approval.ts';
import { revokeSerial } from '../../src/services/serial-revocation.ts';
import { authenticateStation } from '../../src/services/station-login.ts';
import { putStation } from '../../src/services/stations.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { storeClient } from '../support/clients.ts';
import { demoDeclarations } from '../support/declarations.ts';
import {
  commonName,
  generateKey,
  issue,
  leafExtensions,
  type TestKey,
  templateFor,
} from '../support/issuing.ts';
import { type PreparedDatabase, preparedBackends } from '../support/prepared-databases.ts';
import { type Services, servicesOver, start } from '../support/services.ts';

const organizationId = 'demo-cpo';
const as = (client: string, role: string): Principal => ({
  ...{ actor: `client:${client}`, organizationId, roles: [role] },
});
const [officer, approver, operator] = [
  as('a', 'pki-officer'),
  as('b', 'approver'),
  as('c', 'cpo-operator'),
];
const PASSPHRASE = 'a passphrase of the service test';
const [sqlite] = preparedBackends;

describe('a certificate that a CSMS has signed', () => {
  let prepared: PreparedDatabase | undefined;
  let database: Database;
  let services: Services;
  let issuerDer: Uint8Array;
  let issuerKey: TestKey;

  beforeAll(async () => {
    prepared = await sqlite?.empty();
    if (!prepared) throw new Error('there is no SQLite');
    const processId = 'process-1';
    const clock = () => new Date();
    database = await openDatabase(prepared.url, { clock, processId });
    services = await servicesOver(database, {
      ...{ dataDir: prepared.dataDir, vault: 'known', processId, clock },
      declarations: demoDeclarations(),
    });
    await start(services);
    for (const principal of [officer, approver]) await storeClient(services, principal);
    const root = await authority('ocpp-root');
    const wish = { id: 'csms-ca', title: 'CSMS CA', key: 'P-256' as const };
    const { proposal } = await proposeExport(services, officer, root, wish);
    await approveProposal(services, approver, proposal.id, proposal.sha256);
    const made = await collectExport(services, officer, root, proposal.id, PASSPHRASE);
    const key = Buffer.from(made.encryptedKey);
    issuerDer = made.chain[0] ?? new Uint8Array();
    const { publicKey } = readCertificate(issuerDer);
    if (!publicKey) throw new Error('no key');
    const form = { format: 'der', type: 'pkcs8' } as const;
    issuerKey = {
      publicKey,
      privateKey: createPrivateKey({ key, ...form, passphrase: PASSPHRASE }),
    };
    const details = { serialNumber: 'CS-4711', evseIds: [] };
    await putStation(services, operator, 'CP-4711', details as never);
    for (const id of ['CS-1', 'CS-2']) await putStation(services, operator, id, {});
  });
  afterAll(async () => {
    await database?.close();
    await prepared?.remove();
  });

  const authority = async (id: string) => {
    const found = await services.authorities.findAuthority(id);
    if (!found) throw new Error(`there is no ${id}`);
    return found;
  };
  const signed = (name: string): Uint8Array => {
    const key = generateKey('P-256');
    const now = Math.floor(Date.now() / 1000) * 1000;
    const template = templateFor(key, issuerKey, {
      ...{ subject: commonName(name), issuerName: readCertificate(issuerDer).subjectDer },
      ...{ notBefore: new Date(now - 1000), notAfter: new Date(now + 86_400_000) },
      extensions: {
        ...leafExtensions(key, issuerKey),
        extendedKeyUsage: { critical: false, purposes: ['clientAuth'] },
      },
    });
    return issue(template, issuerKey).der;
  };
  const bring = async (...ders: Uint8Array[]) =>
    importCertificates(
      ...([services, operator, await authority('csms-ca')] as const),
      ders.map((der) => toPem('CERTIFICATE', der)).join(''),
    );
  const login = (der: Uint8Array) => authenticateStation(services, [der, issuerDer]);
  const told = async (der: Uint8Array): Promise<string> => {
    const { subjectDer, publicKey } = readCertificate(issuerDer);
    if (!publicKey) throw new Error('no key');
    const names = { subjectDer, publicKeyBits: publicKey.bits };
    const data = certificateHashData(readCertificate(der), names, 'SHA256');
    const answer = await certificateStatus(
      {
        ocsp: services.ocsp,
        clock: services.clock,
        findForeignIssuer: async () => undefined,
        askForeignStatus: async () => ({ known: false, reason: 'not-asked' }) as never,
      },
      { ...data, responderURL: 'http://nobody.example' },
    );
    if (answer.status !== 'Accepted') return answer.reason;
    const read = readOcspResponse(answer.ocspResult);
    if (read.status !== 'successful') return read.status;
    return read.data.responses[0]?.status.kind ?? 'none';
  };

  test('is nobody’s before it is brought, and the registered station’s then', async () => {
    const der = signed('CS-4711');
    expect(await login(der)).toBeUndefined();
    expect(await told(der)).toBe('unknown');
    const [imported] = await bring(der);
    expect(imported).toMatchObject({ known: false, stationId: 'CP-4711' });
    expect(await services.certificates.findCertificate(imported?.id ?? '')).toMatchObject({
      ...{ state: 'issued', stationId: 'CP-4711', profile: 'ocpp-station' },
    });
    expect(await login(der)).toMatchObject({ organizationId, roles: ['station'] });
    expect(await told(der)).toBe('good');
  });

  test('opens nothing for a name that nobody has registered', async () => {
    const der = signed('CS-UNREGISTERED');
    await bring(der);
    expect(await login(der)).toBeUndefined();
  });

  test('opens nothing once it is revoked by its serial number', async () => {
    const der = signed('CS-1');
    await bring(der);
    expect(await login(der)).toBeDefined();
    const serial = serialHex(readCertificate(der));
    const exported = await authority('csms-ca');
    await revokeSerial(services, operator, exported, serial, 'superseded');
    await expect(login(der)).rejects.toThrow();
    expect(await told(der)).toBe('revoked');
  });

  test('opens nothing where its number was revoked before it came', async () => {
    const der = signed('CS-2');
    const serial = serialHex(readCertificate(der));
    const exported = await authority('csms-ca');
    await revokeSerial(services, operator, exported, serial, 'keyCompromise');
    expect(await login(der)).toBeUndefined();
    await bring(der);
    await expect(login(der)).rejects.toThrow();
    expect(await told(der)).toBe('revoked');
  });
});
