/** Somebody who can write to the database changes the audit log, and is found. */

import { copyFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { emptyStream, entryHash } from '../../src/pki/ledger.ts';
import { toPem } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { evpki as runEvpki } from '../support/cli.ts';
import { stationRequest } from '../support/stations.ts';

interface Verdict {
  readonly ok: boolean;
  readonly entries: number;
  readonly findings: readonly { code: string; stream?: string; sequence?: number }[];
}

// Each starts the service several times.
describe('tampering with the audit log', { timeout: 300_000 }, () => {
  let dataDir: string;
  let app: TestApp | undefined;
  let client: { clientId: string; clientSecret: string };
  let token: string;

  const running = (): TestApp => {
    if (!app) throw new Error('not running');
    return app;
  };
  const start = async () => {
    app = await startTestApp({ dataDir });
    const { json } = await app.call('POST', '/oauth/token', {
      grant_type: 'client_credentials',
      client_id: client.clientId,
      client_secret: client.clientSecret,
    });
    token = json.access_token;
  };
  const stop = async () => {
    await app?.close();
    app = undefined;
  };
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await running().call(method, path, body, { authorization: `Bearer ${token}` });
    expect(answer.status, answer.text).toBeLessThan(300);
    return answer.json;
  };
  const verify = (checkpoint?: unknown): Promise<Verdict> =>
    call('POST', '/v1/audit/verification', checkpoint === undefined ? {} : { checkpoint });
  const keep = () => call('POST', '/v1/audit/checkpoints');
  const issue = async (count: number, first = 0) => {
    for (let next = first; next < first + count; next++) {
      const csr = toPem('CERTIFICATE REQUEST', stationRequest(`SN-${next}`));
      await call('POST', '/v1/certificates', { profile: 'ocpp-station', csr });
    }
  };
  const codes = ({ findings }: Verdict) => [...new Set(findings.map(({ code }) => code))].sort();

  const database = () => join(dataDir, 'evpki.sqlite');
  /** What somebody with the file does to it, while the service is down. */
  const sql = (...statements: string[]) =>
    new Promise<void>((resolve, reject) => {
      const opened = new sqlite3.Database(database(), (failed) => {
        if (failed) reject(failed);
        opened.exec(statements.join(';'), (error) =>
          opened.close(() => (error ? reject(error) : resolve())),
        );
      });
    });
  const ask = <T>(query: string) =>
    new Promise<T[]>((resolve, reject) => {
      const opened = new sqlite3.Database(database(), (failed) => {
        if (failed) reject(failed);
        opened.all<T>(query, (error, rows) =>
          opened.close(() => (error ? reject(error) : resolve(rows))),
        );
      });
    });
  /** The stream with most entries: that of the first run. */
  const longest = async () => {
    const [stream] = await ask<{ stream: string; sequence: number }>(
      'SELECT stream, sequence FROM audit_streams ORDER BY sequence DESC LIMIT 1',
    );
    if (!stream) throw new Error('there is no stream');
    return stream;
  };

  // Made once and copied: a first start takes longer than all that is tested here.
  let prepared: string;
  beforeAll(async () => {
    prepared = await mkdtemp(join(tmpdir(), 'evpki-audit-'));
    const first = await startTestApp({ dataDir: prepared });
    const body = { name: 'auditor', organization: 'instance', roles: ['super'] };
    client = (await first.call('POST', '/v1/api-clients', body)).json;
    await first.close();
  });
  afterAll(() => rm(prepared, { recursive: true }));
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'evpki-audit-'));
    await cp(prepared, dataDir, { recursive: true });
    await start();
    await issue(2);
  });
  afterEach(async () => {
    await stop();
    await rm(dataDir, { recursive: true });
  });

  test('K6 K7 what was not touched verifies, with every kept checkpoint, while it is written', async () => {
    const first = await keep();
    const [verdict] = await Promise.all([verify(first), issue(10, 100)]);
    expect(verdict).toMatchObject({ ok: true, findings: [] });
    const second = await keep();
    expect(second.number).toBeGreaterThan(first.number);
    await stop();
    await start();
    for (const kept of [undefined, first, second]) {
      expect(await verify(kept)).toMatchObject({ ok: true, findings: [] });
    }
    const { items } = await call('GET', '/v1/audit?action=audit.verified&limit=1');
    expect(items[0].details).toMatchObject({
      ok: true,
      findings: 0,
      keptCheckpoint: second.number,
    });
  });

  test('K6 an edited, a deleted and an inserted entry are found, and the places named', async () => {
    await stop();
    const { stream } = await longest();
    const where = (sequence: number) => `WHERE stream = '${stream}' AND sequence = ${sequence}`;
    await sql(
      `UPDATE audit_entries SET actor = 'client:somebody-else' ${where(4)}`,
      `DELETE FROM audit_entries ${where(8)}`,
      `INSERT INTO audit_entries SELECT stream, -3, at, organization_id, actor, action, subject,
        details, hash FROM audit_entries ${where(2)}`,
      `UPDATE audit_streams SET hash = x'00' WHERE stream = '${stream}'`,
    );
    await start();
    const verdict = await verify();
    expect(verdict.ok).toBe(false);
    expect(verdict.findings).toEqual([
      expect.objectContaining({ code: 'entry-unexpected', stream, sequence: -3 }),
      expect.objectContaining({ code: 'entry-altered', stream, sequence: 4 }),
      expect.objectContaining({ code: 'entry-missing', stream, sequence: 8 }),
      expect.objectContaining({ code: 'head-altered', stream }),
    ]);

    const io = {
      env: { EVPKI_DATA_DIR: dataDir, EVPKI_CLIENT_CONFIG: join(dataDir, 'credentials.json') },
    };
    const secret = join(dataDir, 'secret');
    await writeFile(secret, client.clientSecret);
    const login = await runEvpki(
      [
        ...['login', '--url', running().app.apiUrl, '--ca', join(dataDir, 'api-ca.pem')],
        ...['--client-id', client.clientId, '--client-secret-file', secret],
      ],
      io,
    );
    expect(login).toMatchObject({ status: 0 });
    const told = await runEvpki(['audit', 'verify'], io);
    expect(told.status).toBe(9);
    expect(told.stdout).toBe('');
    expect(told.stderr).toContain(`entry 4 of stream ${stream} is not what was written`);
    expect(told.stderr).toContain(`entry 8 of stream ${stream} is gone`);
    const json = await runEvpki(['audit', 'verify', '--json'], io);
    expect([json.status, JSON.parse(json.stdout).ok]).toEqual([9, false]);
  });

  test('K6 K7 only a kept checkpoint finds the end cut off with its checkpoints', async () => {
    const before = await keep();
    await issue(3, 50);
    const kept = await keep();
    await stop();
    const [cut] = before.streams.filter(
      ({ stream, sequence }: { stream: string; sequence: number }) =>
        kept.streams.some(
          (later: { stream: string; sequence: number }) =>
            later.stream === stream && later.sequence > sequence,
        ),
    );
    const { stream, sequence, hash } = cut;
    await sql(
      `DELETE FROM audit_entries WHERE stream = '${stream}' AND sequence > ${sequence}`,
      `UPDATE audit_streams SET sequence = ${sequence}, hash = x'${hash}'
        WHERE stream = '${stream}'`,
      `DELETE FROM audit_checkpoint_heads WHERE number > ${before.number}`,
      `UPDATE audit_checkpoint_heads SET next_number = NULL WHERE next_number > ${before.number}`,
      `DELETE FROM audit_checkpoints WHERE number > ${before.number}`,
    );
    await start();
    expect(await verify()).toMatchObject({ ok: true, findings: [] });
    expect(await verify(before)).toMatchObject({ ok: true, findings: [] });
    const verdict = await verify(kept);
    expect(verdict.findings).toContainEqual(
      expect.objectContaining({
        code: 'entry-missing',
        stream,
        sequence: kept.streams.find((one: { stream: string }) => one.stream === stream).sequence,
      }),
    );
    // The numbers after it were given again, or not yet: either is found.
    expect(codes(verdict)).toContainEqual(expect.stringMatching(/^checkpoint-(forked|missing)$/));
  });

  test('K7 an older copy of the database is found', async () => {
    const early = await keep();
    await stop();
    const copy = join(dataDir, 'copy');
    await copyFile(database(), copy);
    await start();
    await issue(3, 50);
    const kept = await keep();
    await stop();
    await copyFile(copy, database());
    for (const suffix of ['-wal', '-shm']) await rm(`${database()}${suffix}`, { force: true });
    await start();
    await issue(1, 90);
    expect(await verify()).toMatchObject({ ok: true });
    expect(await verify(early)).toMatchObject({ ok: true });
    const verdict = await verify(kept);
    expect(verdict.ok).toBe(false);
    expect(codes(verdict)).toContain('stream-missing');
    expect(codes(verdict)).toContainEqual(expect.stringMatching(/^checkpoint-(forked|missing)$/));
    // Once its numbers have caught up, the same number has two checkpoints.
    while ((await keep()).number < kept.number);
    expect(codes(await verify(kept))).toContain('checkpoint-forked');
  });

  test('K6 a whole stream, its head and its checkpoints are missed', async () => {
    await keep();
    await stop();
    const { stream } = await longest();
    await sql(
      'PRAGMA foreign_keys=OFF',
      `DELETE FROM audit_entries WHERE stream = '${stream}'`,
      `DELETE FROM audit_streams WHERE stream = '${stream}'`,
    );
    await start();
    expect((await verify()).findings).toContainEqual(
      expect.objectContaining({ code: 'stream-missing', stream }),
    );
    // Later checkpoints do not cover it up, and the process says so by itself.
    await keep();
    expect((await verify()).findings).toContainEqual(
      expect.objectContaining({ code: 'stream-missing', stream }),
    );
    expect(running().log.join('')).toContain('"event":"audit-log-damaged"');
    await stop();
    await sql(
      'PRAGMA foreign_keys=OFF',
      `DELETE FROM audit_checkpoint_heads WHERE stream = '${stream}'`,
    );
    await start();
    expect(codes(await verify())).toEqual(['checkpoint-altered']);
  });

  test('K6 a history that was hashed anew to its end is found by the checkpoints', async () => {
    await keep();
    await stop();
    const { stream, sequence: end } = await longest();
    const rows = await ask<Record<string, string> & { sequence: number }>(
      `SELECT * FROM audit_entries WHERE stream = '${stream}' ORDER BY sequence`,
    );
    let previous = emptyStream.hash;
    const updates = rows.map(({ sequence, ...row }) => {
      const actor = sequence === 4 ? 'client:somebody-else' : String(row.actor);
      previous = entryHash(previous, {
        ...{ stream, sequence, actor, organizationId: String(row.organization_id) },
        ...{ at: String(row.at), action: String(row.action), subject: String(row.subject) },
        details: String(row.details),
      });
      const hash = Buffer.from(previous).toString('hex');
      return `UPDATE audit_entries SET actor = '${actor}', hash = x'${hash}'
        WHERE stream = '${stream}' AND sequence = ${sequence}`;
    });
    const head = Buffer.from(previous).toString('hex');
    await sql(...updates, `UPDATE audit_streams SET hash = x'${head}' WHERE stream = '${stream}'`);
    await start();
    const { findings } = await verify();
    expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(['entry-rewritten']));
    expect(findings).toContainEqual(expect.objectContaining({ stream, sequence: end }));
  });

  test('K6 checkpoints: an altered one, a missing one, and a key put in place of ours', async () => {
    await keep();
    await issue(1, 60);
    const kept = await keep();
    await stop();
    await sql(`UPDATE audit_checkpoints SET at = '2020-01-01T00:00:00.000Z' WHERE number = 2`);
    await start();
    const altered = await verify();
    expect(altered.findings).toContainEqual(
      expect.objectContaining({ code: 'checkpoint-altered', checkpoint: 2 }),
    );
    await stop();
    await sql('PRAGMA foreign_keys=OFF', 'DELETE FROM audit_checkpoints WHERE number = 2');
    await start();
    expect((await verify()).findings).toContainEqual(
      expect.objectContaining({ code: 'checkpoint-missing', checkpoint: 2 }),
    );
    await stop();
    // Of other people's making: an Ed25519 key, which the envelope does not belong to.
    const spki =
      '302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
    await sql(`UPDATE audit_keys SET spki = x'${spki}'`);
    await start();
    expect(codes(await verify(kept))).toEqual(
      expect.arrayContaining(['checkpoint-altered', 'kept-key-unknown', 'key-not-ours']),
    );
  });

  test('K6 a kept checkpoint that was damaged proves nothing, and is no alarm about the log', async () => {
    const kept = await keep();
    const [first, ...rest] = kept.streams;
    const ask = (checkpoint: unknown) =>
      running().call(
        'POST',
        '/v1/audit/verification',
        { checkpoint },
        { authorization: `Bearer ${token}` },
      );
    for (const damage of [
      { streams: [{ ...first, sequence: first.sequence + 1 }, ...rest] },
      { streams: rest },
      { number: kept.number + 1 },
      { key: kept.signature },
      { signature: kept.key },
    ]) {
      const answer = await ask({ ...kept, ...damage });
      expect([answer.status, answer.json.code]).toEqual([422, 'kept-checkpoint-invalid']);
    }
    const lines = running().log.map((line) => JSON.parse(line));
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(lines.filter(({ event }) => event === 'kept-checkpoint-invalid')).toHaveLength(5);
    const audited = await ask(kept);
    expect([audited.status, audited.json.ok]).toEqual([200, true]);
    expect((await ask({ ...kept, signature: '!', number: 0 })).status).toBe(400);
  });
});
