/** Two processes on one PostgreSQL database: what one of them does, the other knows in time. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serialHex } from '../../src/pki/certificate.ts';
import { readCrl } from '../../src/pki/crl/read.ts';
import { toPem } from '../../src/pki/pem.ts';
import { askOcsp, ocspQuestion } from '../support/ask-ocsp.ts';
import { noOpenssl } from '../support/other-tools.ts';
import {
  createPostgresDatabase,
  type PostgresDatabase,
  postgresIsAvailable,
  testPostgresRequirement,
} from '../support/postgres.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { stationRequest } from '../support/stations.ts';

const wait = (milliseconds: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, milliseconds);
  });

testPostgresRequirement();

describe.runIf(postgresIsAvailable)('two processes on one database', { timeout: 120_000 }, () => {
  let database: PostgresDatabase;
  let a: ServiceProcess;
  let b: ServiceProcess;
  let token: string;
  let issuerId: string;
  beforeAll(async () => {
    database = await createPostgresDatabase();
    const env = {
      EVPKI_DATABASE_URL: database.url,
      EVPKI_KEY_PASSPHRASE: 'correct horse battery staple',
      EVPKI_PUBLIC_URL: 'http://pki.example',
    };
    a = await startServiceProcess(env);
    b = await startServiceProcess(env);
    token = await a.administrator();
    issuerId = (await a.call('GET', '/v1/authorities/ocpp-station-ca', undefined, token)).json
      .issuers[0].id;
  }, 240_000);
  afterAll(async () => {
    await a?.remove();
    await b?.remove();
    await database?.drop();
  });

  let stations = 0;
  const issue = async (process: ServiceProcess) => {
    const csr = toPem('CERTIFICATE REQUEST', stationRequest(`SN-${++stations}`));
    const body = { profile: 'ocpp-station', csr };
    const answer = await process.call('POST', '/v1/certificates', body, token);
    expect(answer.status, answer.text).toBe(201);
    const { id, serialNumber, certificateChain } = answer.json;
    return { id, serialNumber, question: ocspQuestion(certificateChain) };
  };
  const revoke = async (process: ServiceProcess, id: string, query = '') => {
    const path = `/v1/certificates/${id}/revocation${query}`;
    const answer = await process.call('POST', path, { reason: 'superseded' }, token);
    expect(answer.status, answer.text).toBe(200);
  };
  const statusAt = async (process: ServiceProcess, question: Uint8Array) =>
    (await askOcsp(process.publicUrl, question)).status;

  /**
   * Asks until the process says `revoked`; how late somebody who heard something else still asked.
   * How long an answer takes on its way is not the process's doing.
   */
  const revokedAfter = async (process: ServiceProcess, question: Uint8Array): Promise<number> => {
    const began = performance.now();
    for (let late = 0; ; await wait(20)) {
      const askedAt = performance.now() - began;
      const status = await statusAt(process, question);
      if (status === 'revoked') return late;
      late = askedAt;
      expect(late, `still ${status}`).toBeLessThan(10_000);
    }
  };

  /** Has the process remember its answer: the second one is the first, byte for byte. */
  const warm = async (process: ServiceProcess, question: Uint8Array) => {
    const first = await askOcsp(process.publicUrl, question);
    // With the seconds, a newly signed answer would change.
    await wait(1_050);
    const second = await askOcsp(process.publicUrl, question);
    expect([first.status, second.der]).toEqual(['good', first.der]);
  };

  test('a token of A is one at B, and ends there with its client', async () => {
    const keySets = await Promise.all(
      [a, b].map(async (process) => (await process.call('GET', '/.well-known/jwks.json')).json),
    );
    expect(keySets[0]).toEqual(keySets[1]);
    const body = { name: 'two', organization: 'demo-cpo', roles: ['csms'] };
    const { clientId, clientSecret } = (await a.call('POST', '/v1/api-clients', body, token)).json;
    const credentials = { client_id: clientId, client_secret: clientSecret };
    const wish = { grant_type: 'client_credentials', ...credentials };
    const [ofA, ofB] = await Promise.all(
      [a, b].map(async (process) => (await process.call('POST', '/oauth/token', wish)).json),
    );
    const works = async (process: ServiceProcess, { access_token }: { access_token: string }) =>
      (await process.call('GET', '/v1/profiles', undefined, access_token)).status;
    for (const process of [a, b]) {
      expect([await works(process, ofA), await works(process, ofB)]).toEqual([200, 200]);
    }
    const path = `/v1/api-clients/${clientId}`;
    expect((await a.call('DELETE', path, undefined, token)).status).toBe(200);
    expect([await works(b, ofA), await works(b, ofB)]).toEqual([401, 401]);
    expect((await b.call('POST', '/oauth/token', wish)).json.error).toBe('invalid_client');
  });

  test('O5 a revocation at A is known there at once, at B within a second', async () => {
    const certificates = await Promise.all([issue(a), issue(b), issue(a)]);
    await Promise.all(
      certificates.flatMap(({ question }) => [warm(a, question), warm(b, question)]),
    );
    for (const { id, question } of certificates) {
      await revoke(a, id);
      const elsewhere = revokedAfter(b, question);
      expect(await statusAt(a, question)).toBe('revoked');
      expect(await elsewhere).toBeLessThan(1_000);
      const { json } = await b.call('GET', `/v1/certificates/${id}`, undefined, token);
      expect(json.state).toBe('revoked');
    }
  });

  test('O5 revoked at A, revoked again at B: then B knows too', async () => {
    for (let count = 0; count < 3; count++) {
      const { id, question } = await issue(a);
      expect(await statusAt(b, question)).toBe('good');
      await revoke(a, id);
      await revoke(b, id);
      expect(await statusAt(b, question)).toBe('revoked');
    }
  });

  test('O5 B sleeps while A revokes: awake again it makes no good answer and recovers', async () => {
    const [remembered, fresh] = await Promise.all([issue(a), issue(a)]);
    await warm(b, remembered.question);
    b.child.kill('SIGSTOP');
    let resumedAt: number;
    // Asked while it sleeps, answered when it wakes up.
    let meanwhile: Promise<string>[];
    try {
      await Promise.all([revoke(a, remembered.id), revoke(a, fresh.id)]);
      meanwhile = [1, 2, 3].map(() => statusAt(b, fresh.question));
      await wait(3_000);
      resumedAt = Date.now();
    } finally {
      b.child.kill('SIGCONT');
    }
    for (;;) {
      const askedAt = Date.now();
      const { status, thisUpdate } = await askOcsp(b.publicUrl, remembered.question);
      if (status === 'revoked') break;
      if (status === 'good') expect(thisUpdate.getTime()).toBeLessThan(resumedAt - 3_000);
      expect(askedAt - resumedAt).toBeLessThan(1_000);
    }
    expect(await Promise.all(meanwhile)).toEqual(['revoked', 'revoked', 'revoked']);
  });

  test('both issue and revoke at once: serial and CRL numbers are given once', async () => {
    const work = async (process: ServiceProcess) => {
      const done: { id: string; serialNumber: string; question: Uint8Array }[] = [];
      for (let count = 0; count < 4; count++) {
        const certificate = await issue(process);
        // Revoked by the other one, and the CRL waited for every now and then.
        await revoke(process === a ? b : a, certificate.id, count % 2 ? '?wait=crl' : '');
        done.push(certificate);
      }
      return done;
    };
    const all = (await Promise.all([a, b, a, b, a, b].map(work))).flat();
    expect(new Set(all.map(({ serialNumber }) => serialNumber)).size).toBe(24);
    for (const { question } of all) {
      await Promise.all([revokedAfter(a, question), revokedAfter(b, question)]);
    }
    const entries = await database.query(
      `SELECT details FROM audit_entries WHERE action = 'crl.published' AND subject = '${issuerId}'`,
    );
    const numbers = entries
      .map(({ details }) => (JSON.parse(String(details)) as { number: number }).number)
      .sort((one, other) => one - other);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(numbers.length).toBeGreaterThan(2);
    const lists = await Promise.all([crlOf(a), crlOf(b)]);
    expect(lists[0].equals(lists[1])).toBe(true);
  });

  test('A is killed while it makes a CRL: B makes it when the lease has ended', async () => {
    const { id, serialNumber } = await issue(a);
    await revoke(b, id);
    await untilNoneIsDue();
    // Whoever takes the job gets no number while somebody else has the issuer's row.
    const lock = new Client({ connectionString: database.url });
    await lock.connect();
    const before = await publishedNumber();
    let killed: ServiceProcess;
    let survivor: ServiceProcess;
    try {
      await lock.query('BEGIN');
      await lock.query(`SELECT 1 FROM issuers WHERE id = '${issuerId}' FOR UPDATE`);
      await setJob(`due_at = '2000-01-01T00:00:00.000Z'`);
      let owner = '';
      while (owner === '') {
        await wait(20);
        const [job] = await database.query(
          `SELECT lease_owner FROM jobs WHERE name = 'crl:${issuerId}'`,
        );
        owner = String(job?.lease_owner ?? '');
      }
      killed = owner.includes(`-${a.child.pid}-`) ? a : b;
      survivor = killed === a ? b : a;
      expect(owner).toContain(`-${killed.child.pid}-`);
      killed.child.kill('SIGKILL');
      await killed.ended;
    } finally {
      await lock.query('COMMIT');
      await lock.end();
    }
    await wait(1_500);
    expect(await publishedNumber(), 'before the lease has ended').toBe(before);
    await setJob(`lease_until = '2000-01-01T00:00:00.000Z'`);
    await expect.poll(publishedNumber).toBe(before + 1);
    const crl = await crlOf(survivor);
    const listed = [...readCrl(crl, { maxBytes: 1_000_000 }).entries()];
    expect(listed.map((entry) => serialHex(entry.serialNumber))).toContain(serialNumber);
    if (noOpenssl) return;
    const text = await opensslCrl(crl, survivor);
    expect(text).toContain('verify OK');
    // OpenSSL prints whole octets.
    const octets = serialNumber.padStart(2 * Math.ceil(serialNumber.length / 2), '0');
    expect(text.toLowerCase()).toContain(`serial number: ${octets}`);
  });

  const setJob = (change: string) =>
    database.query(`UPDATE jobs SET ${change} WHERE name = 'crl:${issuerId}'`);
  /** Nobody makes a CRL then, and nobody will by himself: what tests before have asked for is over. */
  const untilNoneIsDue = () =>
    expect
      .poll(async () => {
        await setJob(`due_at = '2100-01-01T00:00:00.000Z'`);
        const name = `crl:${issuerId}`;
        return database.query(
          `SELECT lease_owner FROM jobs WHERE name = '${name}' AND due_at > '2099'`,
        );
      })
      .toEqual([{ lease_owner: null }]);
  const publishedNumber = async () => {
    const [row] = await database.query(`SELECT number FROM crls WHERE issuer_id = '${issuerId}'`);
    return Number(row?.number ?? 0);
  };
  const crlOf = async (process: ServiceProcess): Promise<Buffer> => {
    const answer = await fetch(`${process.publicUrl}/crl/${issuerId}.crl`);
    const der = Buffer.from(await answer.arrayBuffer());
    expect([answer.status, Number(answer.headers.get('content-length'))]).toEqual([
      200,
      der.length,
    ]);
    return der;
  };
  /** What OpenSSL reads in a CRL, and whether its signature is the issuer's. */
  const opensslCrl = async (der: Buffer, process: ServiceProcess): Promise<string> => {
    const path = '/v1/authorities/ocpp-station-ca';
    const ca = (await process.call('GET', path, undefined, token)).json;
    const folder = await mkdtemp(join(tmpdir(), 'evpki-crl-'));
    try {
      await writeFile(join(folder, 'list.crl'), der);
      await writeFile(join(folder, 'ca.pem'), ca.issuers[0].certificateChain);
      const options = ['-in', 'list.crl', '-inform', 'der', '-CAfile', 'ca.pem', '-text', '-noout'];
      const { stdout, stderr } = await promisify(execFile)('openssl', ['crl', ...options], {
        cwd: folder,
        timeout: 20_000,
      });
      return stderr + stdout;
    } finally {
      await rm(folder, { recursive: true });
    }
  };
});
