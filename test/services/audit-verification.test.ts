import { createSecretKey, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEnvelope, sealEnvelope } from '../../src/keystore/envelope.ts';
import { vaultKeyring } from '../../src/keystore/keyring.ts';
import { latestCheckpoint, makeCheckpoint } from '../../src/services/audit-checkpoints.ts';
import { MAX_FINDINGS } from '../../src/services/audit-findings.ts';
import { verifyAuditLog } from '../../src/services/audit-verification.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { checkpointStore } from '../../src/storage/audit-checkpoints.ts';
import type { Database } from '../../src/storage/database.ts';
import { capture } from '../support/captured-log.ts';
import { type TestDatabase, testBackends, testTime } from '../support/databases.ts';

const kek = createSecretKey(Buffer.alloc(32, 7));
const keyring = vaultKeyring({
  seal: (pkcs8, ids) => sealEnvelope(kek, pkcs8, ids),
  open: (envelope, ids) => openEnvelope(kek, envelope, ids),
});

const partsOver = (database: Database) => {
  const audit = auditStore(database);
  // The work is counted, not timed.
  const pages = { count: 0, largest: 0 };
  const readStream: typeof audit.readStream = async (...args) => {
    const page = await audit.readStream(...args);
    pages.count += 1;
    pages.largest = Math.max(pages.largest, page.length);
    return page;
  };
  const { logger, lines } = capture();
  return {
    parts: {
      ...{ keyring, logger, random: randomBytes, clock: () => testTime },
      audit: { ...audit, readStream },
      checkpoints: checkpointStore(database),
    },
    pages,
    lines,
  };
};

async function write(database: Database, entries: number): Promise<void> {
  const each = 2_000;
  for (let done = 0; done < entries; done += each) {
    await database.write(async ({ appendAudit }) => {
      for (let index = 0; index < Math.min(each, entries - done); index++) {
        appendAudit({
          at: testTime,
          organizationId: 'org',
          actor: 'client:test',
          action: 'thing.done',
          subject: `thing-${done + index}`,
          details: {},
        });
      }
    });
  }
}

describe('verifying a long log', () => {
  const ENTRIES = 100_000;
  let opened: TestDatabase;
  beforeAll(async () => {
    const sqlite = testBackends[0];
    if (!sqlite) throw new Error('there is no SQLite');
    opened = await sqlite.open();
    for (let part = 0; part < 4; part++) {
      await write(opened.database, ENTRIES / 4);
      await makeCheckpoint(partsOver(opened.database).parts);
    }
  }, 120_000);
  afterAll(() => opened.remove());

  test('K6 100,000 entries are looked at once each, in bounded pages', {
    timeout: 120_000,
  }, async () => {
    const { parts, pages } = partsOver(opened.database);
    const kept = await latestCheckpoint(parts);
    const verdict = await verifyAuditLog(parts, kept);
    const { sequence = 0 } = (await parts.audit.listStreams())[0] ?? {};
    // The entries, and that of the key that signs checkpoints.
    expect(sequence).toBe(ENTRIES + 1);
    expect(verdict).toEqual({
      ok: true,
      streams: 1,
      entries: sequence,
      checkpoints: 4,
      findings: [],
    });
    expect(pages.largest).toBeLessThanOrEqual(500);
    expect(pages.count).toBeLessThanOrEqual(Math.ceil(sequence / 500) + 2);
  });

  test('the work ends when nobody waits for it any more', async () => {
    const { parts, pages } = partsOver(opened.database);
    const gone = new AbortController();
    const readStream: typeof parts.audit.readStream = (...args) => {
      if (pages.count === 2) gone.abort();
      return parts.audit.readStream(...args);
    };
    const stopping = { ...parts, audit: { ...parts.audit, readStream } };
    await expect(verifyAuditLog(stopping, undefined, gone.signal)).rejects.toThrow(/abort/i);
    expect(pages.count).toBe(3);
  });

  test('K6 of very many broken entries as many are named as an answer can bear', {
    timeout: 120_000,
  }, async () => {
    await opened.database.write(async ({ knex }) => {
      await knex('audit_entries').where('sequence', '>', 1_000).update({ actor: 'client:other' });
    });
    const verdict = await verifyAuditLog(partsOver(opened.database).parts, undefined);
    expect(verdict).toMatchObject({ ok: false, entries: ENTRIES + 1 });
    expect(verdict.findings).toHaveLength(MAX_FINDINGS);
    expect(verdict.findings[0]).toMatchObject({ code: 'entry-altered', sequence: 1_001 });
  });
});

describe.each(testBackends)('checkpoints by several at once on $name', ({ name, open }) => {
  let opened: TestDatabase;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened.remove());

  test('K6 K7 they make one sequence, of which every one is signed over the one before', async () => {
    const databases = [opened.database];
    // Only PostgreSQL has several processes.
    if (name === 'PostgreSQL') databases.push(await opened.open('process-2'));
    const processes = databases.map((database) => ({ database, ...partsOver(database) }));
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        processes.flatMap(({ database, parts }) => [
          write(database, 3),
          makeCheckpoint(parts),
          makeCheckpoint(parts),
        ]),
      );
    }
    for (const { parts } of processes) await makeCheckpoint(parts);
    const [one] = processes;
    if (!one) throw new Error('nobody is there');
    const kept = await latestCheckpoint(one.parts);
    const verdict = await verifyAuditLog(one.parts, kept);
    expect(verdict).toMatchObject({ ok: true, findings: [], checkpoints: kept?.number });
    expect(kept?.heads.map(({ stream }) => stream)).toEqual(
      databases.map((_, index) => `process-${index + 1}`),
    );
    // Nothing has been written since: there is nothing to say.
    expect(await makeCheckpoint(one.parts)).toBe(false);
    expect((await one.parts.checkpoints.listKeys()).length).toBe(1);
  });

  test('a stream that went back stays where it was, and is told in the log', async () => {
    const { parts, lines } = partsOver(opened.database);
    const before = await latestCheckpoint(parts);
    const streams = await parts.audit.listStreams();
    const back = {
      ...parts,
      audit: {
        listStreams: async () => [
          ...streams.map((one) => ({ ...one, sequence: one.sequence - 1 })),
          { stream: 'process-9', sequence: 0, hash: new Uint8Array(32), createdAt: testTime },
        ],
      },
    };
    expect(await makeCheckpoint(back)).toBe(false);
    expect(await latestCheckpoint(parts)).toEqual(before);
    expect(lines.join('')).toContain('audit-log-damaged');
  });
});
