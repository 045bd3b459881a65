/** Two processes with different policies on one PostgreSQL: one set is in force at any time. */

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { askOcsp, ocspQuestion } from '../support/ask-ocsp.ts';
import {
  createPostgresDatabase,
  type PostgresDatabase,
  postgresIsAvailable,
} from '../support/postgres.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { stationRequest } from '../support/stations.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The checkout with one role changed. */
function changedCheckout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'evpki-checkout-'));
  for (const name of ['src', 'ca', 'policies', 'openapi.yaml', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const file = join(folder, 'policies', 'access.yaml');
  const text = readFileSync(file, 'utf8');
  const changed = text.replace('      - stations:write\n', '');
  expect(changed).not.toBe(text);
  writeFileSync(file, changed);
  return folder;
}

describe.runIf(postgresIsAvailable)('declarations that differ', { timeout: 240_000 }, () => {
  let database: PostgresDatabase;
  let checkout: string;
  let older: ServiceProcess;
  let newer: ServiceProcess;
  let token: string;
  let env: Record<string, string>;
  beforeAll(async () => {
    database = await createPostgresDatabase();
    checkout = changedCheckout();
    env = {
      EVPKI_DATABASE_URL: database.url,
      EVPKI_KEY_PASSPHRASE: 'correct horse battery staple',
      EVPKI_PUBLIC_URL: 'http://pki.example',
    };
    older = await startServiceProcess(env);
    token = await older.administrator();
  }, 120_000);
  afterAll(async () => {
    await older?.remove();
    await newer?.remove();
    await database?.drop();
    rmSync(checkout, { recursive: true });
  });

  let stations = 0;
  const issue = (process: ServiceProcess) => {
    const csr = toPem('CERTIFICATE REQUEST', stationRequest(`SN-${++stations}`));
    return process.call('POST', '/v1/certificates', { profile: 'ocpp-station', csr }, token);
  };
  const superseded = async (process: ServiceProcess) => {
    const answers = [
      await issue(process),
      await process.call('POST', '/v1/authorities/ocpp-station-ca/rollover', undefined, token),
      await process.call(
        'POST',
        '/v1/authorities',
        {
          ...{ id: 'ocpp-station-ca-2', title: 'Second', organization: 'demo-cpo' },
          ...{ profile: 'ocpp-station-ca', key: 'P-256', under: 'ocpp-root' },
        },
        token,
      ),
    ];
    return answers.map(({ status, json }) => [status, json.code]);
  };
  const refused = [503, 'declarations-superseded'];
  /** It looks twice a second, and says once that it has been superseded. */
  const hearsOfIt = (process: ServiceProcess) =>
    expect.poll(() => process.log.map(({ event }) => event)).toContain('declarations-superseded');

  test('the older process refuses to issue, and answers OCSP, CRLs and revocations', async () => {
    const before = await issue(older);
    expect(before.status, before.text).toBe(201);
    newer = await startServiceProcess(env, undefined, checkout);
    expect((await issue(newer)).status).toBe(201);
    await hearsOfIt(older);
    expect(await superseded(older)).toEqual([refused, refused, refused]);

    const question = ocspQuestion(before.json.certificateChain);
    expect((await askOcsp(older.publicUrl, question)).status).toBe('good');
    const path = `/v1/certificates/${before.json.id}/revocation?wait=crl`;
    const revoked = await older.call('POST', path, { reason: 'superseded' }, token);
    expect(revoked.status, revoked.text).toBe(200);
    expect((await askOcsp(older.publicUrl, question)).status).toBe('revoked');
    const issuerId = before.json.issuer;
    expect((await fetch(`${older.publicUrl}/crl/${issuerId}.crl`)).status).toBe(200);
    expect((await fetch(`${older.publicUrl}/health/ready`)).status).toBe(200);
  });

  test('nothing was left behind by what was refused', async () => {
    const { json } = await newer.call('GET', '/v1/authorities', undefined, token);
    const ids = json.items.map(({ id }: { id: string }) => id);
    expect(ids).not.toContain('ocpp-station-ca-2');
    const path = '/v1/authorities/ocpp-station-ca';
    expect((await newer.call('GET', path, undefined, token)).json.issuers).toHaveLength(1);
  });

  test('whichever is started last is in force: started again, the older one issues', async () => {
    await older.remove();
    older = await startServiceProcess(env);
    expect((await issue(older)).status).toBe(201);
    await hearsOfIt(newer);
    expect((await superseded(newer))[0]).toEqual(refused);
    const entries = await database.query(
      `SELECT subject FROM audit_entries WHERE action = 'declarations.activated' ORDER BY at`,
    );
    const sets = entries.map(({ subject }) => subject);
    expect(sets).toHaveLength(3);
    expect([sets[0] === sets[2], sets[0] === sets[1]]).toEqual([true, false]);
  });
});
