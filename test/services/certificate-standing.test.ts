/** What has become of certificates that somebody is known by, over a database. */

import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, readCertificate } from '../../src/pki/certificate.ts';
import { readPemBlocks } from '../../src/pki/pem.ts';
import { readPublicKey } from '../../src/pki/public-key.ts';
import type { Principal } from '../../src/services/access-policy.ts';
import { certificateFault, ownIssuerOf } from '../../src/services/certificate-standing.ts';
import { enrol } from '../../src/services/enrolment.ts';
import { release, revoke } from '../../src/services/revocation.ts';
import { type TestDatabase, testBackends } from '../support/databases.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { generateKey, issue, leafExtensions, templateFor } from '../support/issuing.ts';
import { newRequest } from '../support/requests.ts';
import { type Services, servicesOver, start } from '../support/services.ts';
import { stationRequest } from '../support/stations.ts';

const [sqlite] = testBackends;
let opened: TestDatabase;
let services: Services;

beforeAll(async () => {
  if (!sqlite) throw new Error('there is no SQLite');
  opened = await sqlite.open();
  services = await servicesOver(opened.database, {
    ...{ declarations: demoDeclarations(), dataDir: '', vault: 'known', processId: 'process-1' },
  });
  services.keep = async () => undefined;
  await start(services);
});
afterAll(() => opened?.remove());

const principal: Principal = {
  ...{ actor: 'client:a', organizationId: 'demo-cpo', roles: ['super'] },
};

let stations = 0;
async function issued(): Promise<{ id: string; certificate: Certificate }> {
  const answer = await enrol(services, {
    ...{ principal, action: 'certificates:issue', channel: 'rest', profile: 'ocpp-station' },
    csr: { ok: true, value: stationRequest(`SN-STANDING-${++stations}`) },
  });
  if (answer.outcome !== 'issued') throw new Error(answer.outcome);
  const record = await services.certificates.findCertificate(answer.certificateId);
  if (!record?.der) throw new Error('no certificate');
  return { id: record.id, certificate: readCertificate(record.der) };
}
const faultOf = (certificate: Certificate, at = new Date()) =>
  certificateFault(services, certificate, at);
const authorityOf = async (id: string) => {
  const [issuer] = await services.authorities.listIssuers(id);
  if (!issuer?.certificate) throw new Error(id);
  return { ...issuer, certificate: readCertificate(issuer.certificate) };
};

describe('the standing of a certificate', () => {
  test('of ours follows our records', async () => {
    const { id, certificate } = await issued();
    expect(await faultOf(certificate)).toBeUndefined();
    await revoke(services, principal, id, 'certificateHold');
    expect(await faultOf(certificate)).toBe('certificate-held');
    await release(services, principal, id);
    expect(await faultOf(certificate)).toBeUndefined();
    await revoke(services, principal, id, 'superseded');
    expect(await faultOf(certificate)).toBe('certificate-revoked');
  });

  test('ends with its time, to the second', async () => {
    const { certificate } = await issued();
    const second = (time: Date, more: number) => new Date(time.getTime() + more * 1000);
    const { notBefore, notAfter } = certificate;
    const faults = [
      await faultOf(certificate, second(notBefore, -1)),
      await faultOf(certificate, notBefore),
      await faultOf(certificate, notAfter),
      await faultOf(certificate, second(notAfter, 1)),
    ];
    const ended = 'certificate-expired';
    expect(faults).toEqual([ended, undefined, undefined, ended]);
  });

  test('of others, or self-signed, is its time alone', async () => {
    const key = generateKey();
    const at = new Date('2026-06-01T00:00:00Z');
    const foreign = issue(templateFor(key, generateKey()), generateKey());
    expect(await faultOf(foreign, at)).toBeUndefined();
    expect(await faultOf(issue(templateFor(key, key), key), at)).toBeUndefined();
    expect(await ownIssuerOf(services, foreign)).toBeUndefined();
  });

  test('of others who name their issuer as one of ours is not ours to judge', async () => {
    const own = await authorityOf('ocpp-station-ca');
    const [key, thief] = [generateKey(), generateKey()];
    const { subjectDer: issuerName } = own.certificate;
    const template = templateFor(key, thief, {
      issuerName,
      extensions: leafExtensions(key, thief),
    });
    const certificate = issue(template, thief);
    expect(await faultOf(certificate, new Date('2026-06-01T00:00:00Z'))).toBeUndefined();
    expect(await ownIssuerOf(services, certificate)).toBeUndefined();
    expect(await ownIssuerOf(services, (await issued()).certificate)).toBe(own.id);
  });

  test('A3 ends when its key is blocked, whoever has certified that', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pair = { privateKey, publicKey: createPublicKey(privateKey) };
    const [block] = readPemBlocks(newRequest('CN=SN-STANDING-KEY', { pair }));
    const answer = await enrol(services, {
      ...{ principal, action: 'certificates:issue', channel: 'rest', profile: 'ocpp-station' },
      csr: { ok: true, value: block?.der ?? Buffer.alloc(0) },
    });
    const read = readPublicKey(pair.publicKey.export({ format: 'der', type: 'spki' }));
    if (answer.outcome !== 'issued' || !read.ok) throw new Error('no certificate');
    const key = { privateKey, publicKey: read.value };
    const own = issue(templateFor(key, key), key);
    const at = new Date('2026-06-01T00:00:00Z');
    expect(await faultOf(own, at)).toBeUndefined();
    await revoke(services, principal, answer.certificateId, 'keyCompromise');
    expect(await faultOf(own, at)).toBe('certificate-key-blocked');
  });

  test('A3 ends with an authority above it', async () => {
    const { certificate } = await issued();
    expect(await faultOf(certificate)).toBeUndefined();
    const { certificateId } = await authorityOf('ocpp-station-ca');
    await revoke(services, principal, certificateId ?? '', 'cessationOfOperation');
    expect(await faultOf(certificate)).toBe('certificate-revoked');
  });
});
