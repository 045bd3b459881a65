/** A CRL of a million entries, from the database to signed DER; SQLite, rows made by SQL. */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildCrl } from '../src/services/crls.ts';
import { testBackends, testTime } from '../test/support/databases.ts';
import { demoDeclarations } from '../test/support/declarations.ts';
import { type Services, servicesOver, start } from '../test/support/services.ts';
import { report } from './measure.ts';

const ENTRIES = 1_000_000;
const ROWS_AT_ONCE = 100_000;
const TIMER_MILLISECONDS = 5;
const MEBIBYTE = 1024 * 1024;

/**
 * Revoked certificates of an issuer. Their DER is one octet: a CRL is made of an index and never
 * looks at it, and a gigabyte of copies would measure the disk.
 */
async function fill({ database }: Services, issuerId: string): Promise<void> {
  for (let from = 0; from < ENTRIES; from += ROWS_AT_ONCE) {
    await database.write(async ({ knex }) => {
      await knex.raw(
        `WITH RECURSIVE n (i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?),
          drawn AS MATERIALIZED (
            SELECT i, (1 + abs(random()) % 7) || substr(lower(hex(randomblob(16))), 2) AS serial
            FROM n)
        INSERT INTO certificates (id, organization_id, issuer_id, serial, state, subject, profile,
          profile_hash, spki_sha256, not_before, not_after, created_at, der, revoked_at,
          revocation_reason, crl_segment, status_sequence)
        SELECT 'bench-' || i, 'demo-cpo', ?, serial, 'revoked', 'CN=SN-' || i, 'ocpp-station',
          '', i, '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z',
          '2026-01-01T00:00:00.000Z', x'00',
          strftime('%Y-%m-%dT%H:%M:%fZ', 1767225600 + i * 15.123, 'unixepoch'), 'superseded',
          substr(serial, 1, 2), i
        FROM drawn`,
        [from + 1, from + ROWS_AT_ONCE, issuerId],
      );
      await knex('issuers').where({ id: issuerId }).update({ status_sequence: ENTRIES });
    });
  }
}

/**
 * Milliseconds that this process's main thread was ready to run while another one had the
 * processor: other work on the machine does not hold the event loop. 0 where nobody tells.
 */
function waited(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** Watches what a piece of work does to this process. */
async function watched(work: () => Promise<unknown>) {
  globalThis.gc?.();
  const rssBefore = process.memoryUsage.rss();
  const cpuBefore = process.cpuUsage();
  let [due, latest, rssPeak] = [performance.now() + TIMER_MILLISECONDS, 0, rssBefore];
  let waitedBefore = waited();
  const timer = setInterval(() => {
    const now = waited();
    latest = Math.max(latest, performance.now() - due - (now - waitedBefore));
    rssPeak = Math.max(rssPeak, process.memoryUsage.rss());
    waitedBefore = now;
    due = performance.now() + TIMER_MILLISECONDS;
  }, TIMER_MILLISECONDS);
  const before = performance.now();
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    wall: performance.now() - before,
    cpu: (user + system) / 1000,
    held: latest,
    extra: rssPeak - rssBefore,
  };
}

const [sqlite] = testBackends;
if (!sqlite) throw new Error('no SQLite');
const dataDir = await mkdtemp(join(tmpdir(), 'evpki-bench-'));
const opened = await sqlite.open();
try {
  const services = await servicesOver(opened.database, {
    declarations: demoDeclarations(),
    dataDir,
    vault: 'known',
    processId: 'process-1',
    clock: () => testTime,
  });
  await start(services);
  const [issuer] = await services.authorities.listIssuers('ocpp-station-ca');
  if (!issuer) throw new Error('no issuer');
  await fill(services, issuer.id);

  const build = async (name: string): Promise<void> => {
    const startedAt = performance.now();
    let signed = 0;
    let octets = 0;
    const crls: Services['crls'] = {
      ...services.crls,
      publish: async (crl, chunks, audit) => {
        signed = performance.now() - startedAt;
        octets = crl.length;
        return services.crls.publish(crl, chunks, audit);
      },
    };
    const seen = await watched(() => buildCrl({ ...services, crls }, issuer.id));
    const mebibytes = (seen.extra / MEBIBYTE).toFixed(0);
    report(`${name}: database to signed DER, wall`, `${signed.toFixed(0)} ms`, 'under 2000 ms');
    report(`${name}: memory beyond what there was (RSS)`, `${mebibytes} MiB`, 'under 256 MiB');
    report(`${name}: event loop held at most`, `${seen.held.toFixed(0)} ms`, 'never over 50 ms');
    report(`  ${name}: until published, CPU of all threads`, `${seen.cpu.toFixed(0)} ms`, '');
    const published = `${seen.wall.toFixed(0)} ms, ${(octets / MEBIBYTE).toFixed(0)} MiB`;
    report(`  ${name}: until published, wall, size`, published, '');
  };

  await build('CRL of 1,000,000, all entries new');
  await opened.database.write(async ({ knex }) => {
    const sequence = ENTRIES + 1;
    await knex('certificates').where({ id: 'bench-1' }).update({ status_sequence: sequence });
    await knex('issuers').where({ id: issuer.id }).update({ status_sequence: sequence });
  });
  await build('CRL of 1,000,000, one more change');
} finally {
  await opened.remove();
  await rm(dataDir, { recursive: true });
}
