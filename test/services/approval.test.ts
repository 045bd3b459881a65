/** Approval over the services themselves: what changes meanwhile, what fails, what is audited. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import type { Principal } from '../../src/services/access-policy.ts';
import { approve, reject } from '../../src/services/approval.ts';
import { enrol } from '../../src/services/enrolment.ts';
import { signCertificate } from '../../src/services/ocpp-signing.ts';
import { findRequest } from '../../src/services/requests.ts';
import { putStation } from '../../src/services/stations.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import type { AuditEntryRow } from '../../src/storage/rows/audit.ts';
import type { CertificateRow } from '../../src/storage/rows.ts';
import { storeClient } from '../support/clients.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { type PreparedDatabase, preparedBackends } from '../support/prepared-databases.ts';
import { type Services, servicesOver, start } from '../support/services.ts';
import { stationRequest } from '../support/stations.ts';

const asker: Principal = { actor: 'client:a', organizationId: 'demo-cpo', roles: ['cpo-operator'] };
const csms: Principal = { actor: 'client:c', organizationId: 'demo-cpo', roles: ['csms'] };
const approver: Principal = {
  ...{ actor: 'client:b', organizationId: 'demo-cpo' },
  roles: ['approver'],
};

const [sqlite] = preparedBackends;

describe('approval', () => {
  let prepared: PreparedDatabase | undefined;
  let database: Database;
  let services: Services;
  let failure: Error | undefined;

  beforeAll(async () => {
    prepared = await sqlite?.empty();
    if (!prepared) throw new Error('there is no SQLite');
    const processId = 'process-1';
    const clock = () => new Date();
    database = await openDatabase(prepared.url, { clock, processId });
    const declared = demoDeclarations();
    // As the shipped profile, but with four eyes.
    const station = declared.profiles.get('ocpp-station');
    if (!station) throw new Error('there is no ocpp-station');
    const strict = { ...station, request: { ...station.request, approval: true } };
    services = await servicesOver(database, {
      ...{ dataDir: prepared.dataDir, vault: 'known', processId, clock },
      declarations: {
        ...declared,
        profiles: new Map([...declared.profiles, [strict.name, strict]]),
      },
      signing: () => {
        if (failure) throw failure;
      },
    });
    await start(services);
    for (const principal of [asker, csms]) await storeClient(services, principal);
  });
  afterAll(async () => {
    await database?.close();
    await prepared?.remove();
  });

  const ask = (csr: Uint8Array, stationId?: string, principal = asker) =>
    enrol(services, {
      ...{
        principal,
        action: 'certificates:issue',
        channel: 'rest',
        profile: 'ocpp-station',
      },
      csr: { ok: true, value: csr },
      ...(stationId === undefined ? {} : { stationId }),
    });
  async function waiting(csr: Uint8Array, stationId?: string): Promise<string> {
    const answer = await ask(csr, stationId);
    expect(answer.outcome).toBe('waiting');
    return answer.requestId;
  }
  const stateOf = async (id: string) => (await findRequest(services, approver, id)).state;
  const audited = async (subject: string) => {
    const rows = await database.reader<AuditEntryRow>('audit_entries').where({ subject });
    return rows.map(({ actor, action, details }) => ({
      ...{ actor, action },
      details: JSON.parse(details),
    }));
  };

  test('a CSMS hears that a station waits, and the same call brings the certificate', async () => {
    const csr = stationRequest('SN-OCPP');
    const sign = () =>
      signCertificate(services, {
        ...{ principal: csms, stationId: 'CS-OCPP', ocppVersion: '2.0.1' },
        certificateType: 'ChargingStationCertificate',
        csr: { ok: true, value: csr },
      });
    const first = await sign();
    const told = {
      ...{ answerToStation: 'Accepted', certificateType: 'ChargingStationCertificate' },
      enrolmentRequestId: expect.stringMatching(/^req_/),
    };
    expect(first).toEqual({ status: 'waiting', ...told });
    expect(await sign()).toEqual(first);
    const approved = await approve(services, approver, first.enrolmentRequestId ?? '');
    expect(await sign()).toEqual({
      ...first,
      status: 'issued',
      signed: {
        certificateChain: [approved.certificate.der, ...approved.chain]
          .map((der) => toPem('CERTIFICATE', der))
          .join(''),
        warnings: [],
      },
    });
  });

  test('a CSMS hears that a station was rejected, and the station is not put off', async () => {
    const csr = stationRequest('SN-NO');
    const sign = () =>
      signCertificate(services, {
        ...{ principal: csms, stationId: 'CS-NO', ocppVersion: '1.6' },
        csr: { ok: true, value: csr },
      });
    const { enrolmentRequestId: id = '' } = await sign();
    await reject(services, approver, id, 'stolen');
    expect(await sign()).toEqual({
      ...{ status: 'refused', answerToStation: 'Accepted', enrolmentRequestId: id },
      violations: [{ code: 'request-rejected', message: expect.stringMatching(/stolen/) }],
    });
  });

  test('C7 a station whose registered name changed meanwhile is refused for good', async () => {
    await putStation(services, approver, 'CS-1', { serialNumber: 'SN-1' });
    const id = await waiting(stationRequest('SN-1'), 'CS-1');
    await putStation(services, approver, 'CS-1', { serialNumber: 'SN-2' });
    await expect(approve(services, approver, id)).rejects.toMatchObject({
      code: 'csr-refused',
      violations: [{ code: 'subject-attribute-mismatch' }],
    });
    expect(await stateOf(id)).toBe('refused');
    expect((await audited(id)).at(-1)).toMatchObject({
      ...{ actor: 'client:b', action: 'request.refused' },
      details: { requester: 'client:a', violations: ['subject-attribute-mismatch'] },
    });
  });

  test('C3 of two requests with one key for two names one is issued', async () => {
    const csr = stationRequest('SN-TWICE');
    const ids = [await waiting(csr), await waiting(csr, 'CS-1').catch(() => undefined)];
    // The station has another serial number: policy refuses it before anybody looks.
    expect(ids[1]).toBeUndefined();
    await approve(services, approver, ids[0] ?? '');
    expect(await stateOf(ids[0] ?? '')).toBe('issued');
  });

  test('a requester that has ended, or is nobody, gets nothing any more', async () => {
    const at = new Date();
    const ended: [string, { disabledAt: Date } | { expiresAt: Date } | undefined][] = [
      ['client:disabled', { disabledAt: at }],
      ['client:expired', { expiresAt: at }],
      ['client:nobody', undefined],
    ];
    for (const [actor, end] of ended) {
      const principal = { ...asker, actor };
      if (end) await storeClient(services, principal, end);
      const asked = await ask(stationRequest(`SN-${actor.slice(7)}`), undefined, principal);
      const approving = approve(services, approver, asked.requestId);
      await expect(approving).rejects.toMatchObject({
        ...{ code: 'csr-refused', violations: [{ code: 'requester-ended', field: 'requester' }] },
      });
      expect(await stateOf(asked.requestId)).toBe('refused');
      expect((await audited(asked.requestId)).at(-1)).toMatchObject({
        ...{ actor: 'client:b', action: 'request.refused' },
        details: { requester: actor, violations: ['requester-ended'] },
      });
    }
    const staying = { ...asker, actor: 'client:staying' };
    await storeClient(services, staying, { expiresAt: new Date(at.getTime() + 3_600_000) });
    const { requestId } = await ask(stationRequest('SN-STAYING'), undefined, staying);
    expect(await approve(services, approver, requestId)).toMatchObject({ outcome: 'issued' });
  });

  test('of a requester that has ended everything is said that speaks against it', async () => {
    const gone = { ...asker, actor: 'client:gone' };
    await storeClient(services, gone);
    await putStation(services, approver, 'CS-GONE', { serialNumber: 'SN-GONE' });
    const { requestId } = await ask(stationRequest('SN-GONE'), 'CS-GONE', gone);
    await putStation(services, approver, 'CS-GONE', { serialNumber: 'SN-OTHER' });
    await services.clients.disableClient({
      ...{ clientId: 'gone', keepOneOf: [] },
      audit: {
        ...{ at: new Date(), organizationId: 'demo-cpo', actor: 'client:b' },
        ...{ action: 'api-client.disabled', subject: 'gone', details: {} },
      },
    });
    await expect(approve(services, approver, requestId)).rejects.toMatchObject({
      violations: [{ code: 'requester-ended' }, { code: 'subject-attribute-mismatch' }],
    });
  });

  test('A2 a revoked authority approves nothing, and the request goes on waiting', async () => {
    const id = await waiting(stationRequest('SN-REVOKED'));
    const issuers = { ...services.issuers, current: async () => undefined };
    await expect(approve({ ...services, issuers }, approver, id)).rejects.toMatchObject({
      code: 'authority-not-active',
    });
    expect(await stateOf(id)).toBe('waiting-for-approval');
  });

  test('S3 when signing fails the request waits again, and is approved once', async () => {
    const id = await waiting(stationRequest('SN-FAILS'));
    failure = new Error('the signer is gone');
    try {
      await expect(approve(services, approver, id)).rejects.toThrow('the signer is gone');
    } finally {
      failure = undefined;
    }
    expect(await stateOf(id)).toBe('waiting-for-approval');
    const answers = await Promise.all([1, 2, 3].map(() => approve(services, approver, id)));
    expect(new Set(answers.map(({ certificateId }) => certificateId)).size).toBe(1);
    const rows = await database
      .reader<CertificateRow>('certificates')
      .whereLike('subject', '%SN-FAILS%');
    expect(rows.map(({ state }) => state).sort()).toEqual(['abandoned', 'issued']);
  });

  test('the audit log names requester and approver, and the one who rejected', async () => {
    const id = await waiting(stationRequest('SN-AUDIT'));
    const { certificateId } = await approve(services, approver, id);
    const about = { profile: 'ocpp-station', authority: 'ocpp-station-ca', channel: 'rest' };
    expect(await audited(id)).toEqual([
      { actor: 'client:a', action: 'request.waiting', details: about },
      {
        ...{ actor: 'client:b', action: 'request.approved' },
        details: { ...about, requester: 'client:a' },
      },
    ]);
    expect(await audited(certificateId)).toMatchObject([
      {
        ...{ actor: 'client:b', action: 'certificate.issued' },
        details: { requester: 'client:a', request: id },
      },
    ]);
    const other = await waiting(stationRequest('SN-AUDIT-2'));
    await reject(services, approver, other, 'no');
    expect((await audited(other)).at(-1)).toEqual({
      ...{ actor: 'client:b', action: 'request.rejected' },
      details: { ...about, requester: 'client:a', reason: 'no' },
    });
  });
});
