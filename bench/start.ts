/** How long the compiled service takes to be ready, with the demo alone and with 10,000 authorities. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/storage/database.ts';
import { median, report } from './measure.ts';

/** Where npm runs it. */
const packageRoot = process.cwd();
const AUTHORITIES = 10_000;
const STARTS = 5;
const LOOK_MILLISECONDS = 10;

execFileSync('npm', ['run', 'build', '--silent'], { cwd: packageRoot });
const dataDir = await mkdtemp(join(tmpdir(), 'evpki-bench-'));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const isReady = async (port: number): Promise<boolean> => {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok;
  } catch {
    return false;
  }
};

/** Milliseconds until a new process is ready; it is stopped then. */
async function start(): Promise<number> {
  const port = await freePort();
  const env = {
    ...process.env,
    EVPKI_DATA_DIR: dataDir,
    EVPKI_PUBLIC_PORT: String(port),
    EVPKI_API_PORT: '0',
    EVPKI_METRICS_PORT: 'off',
    EVPKI_HIERARCHY: 'ca/demo.yaml',
  };
  const before = performance.now();
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  const service: ChildProcess = spawn(process.execPath, [join(packageRoot, 'dist/main.js')], {
    cwd: packageRoot,
    env,
    stdio: [...stdio],
  });
  while (!(await isReady(port))) {
    if (service.exitCode !== null) throw new Error(`the service ended with ${service.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
  }
  const took = performance.now() - before;
  service.kill('SIGTERM');
  await once(service, 'exit');
  return took;
}

async function starts(): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < STARTS; i++) samples.push(await start());
  return median(samples);
}

/** Copies of one authority, each with its key, issuer, certificate and jobs that are not due. */
async function fill(): Promise<void> {
  const database = await openDatabase(`sqlite:${join(dataDir, 'evpki.sqlite')}`, {
    clock: () => new Date(),
    processId: 'bench',
  });
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${AUTHORITIES})`;
  const original = `id = 'ocpp-station-ca'`;
  const copies = [
    `INSERT INTO authorities (id, title, organization_id, profile, parent_id, external,
        key_algorithm, state)
      ${numbers} SELECT 'copy-' || i, title || ' ' || i, organization_id, profile, parent_id,
        external, key_algorithm, state FROM authorities, n WHERE ${original}`,
    `INSERT INTO keys (key_id, authority_id, envelope)
      ${numbers} SELECT 'key-copy-' || i, 'copy-' || i, envelope FROM keys, n
        WHERE key_id = (SELECT key_id FROM issuers WHERE authority_id = 'ocpp-station-ca')`,
    `INSERT INTO certificates (id, organization_id, issuer_id, serial, state, subject, profile,
        profile_hash, spki_sha256, tbs_sha256, not_before, not_after, created_at, der)
      ${numbers} SELECT 'crt-copy-' || i, organization_id, issuer_id, printf('7%031x', i), state,
        subject, profile, profile_hash, spki_sha256, tbs_sha256, not_before, not_after,
        created_at, der FROM certificates, n
        WHERE id = (SELECT certificate_id FROM issuers WHERE authority_id = 'ocpp-station-ca')`,
    `INSERT INTO issuers (id, authority_id, generation, state, key_id, key_algorithm, spki,
        spki_sha256, subject, public_url, certificate_id)
      ${numbers} SELECT 'copy' || i, 'copy-' || i, generation, state, 'key-copy-' || i,
        key_algorithm, spki, spki_sha256, subject, public_url, 'crt-copy-' || i
        FROM issuers, n WHERE authority_id = 'ocpp-station-ca'`,
    `INSERT INTO jobs (name, due_at)
      SELECT kind || ':' || id, '2100-01-01T00:00:00.000Z' FROM issuers,
        (SELECT 'crl' AS kind UNION ALL SELECT 'ocsp-signer') WHERE id LIKE 'copy%'`,
  ];
  await database.write(async ({ knex }) => {
    for (const sql of copies) await knex.raw(sql);
    const made = await knex('issuers').where('id', 'like', 'copy%').count({ issuers: '*' }).first();
    if (Number(made?.issuers) !== AUTHORITIES) throw new Error('not every authority was made');
  });
  await database.close();
}

try {
  // The first one makes the demo.
  await start();
  const few = await starts();
  await fill();
  const many = await starts();
  report('start with 10,000 authorities, wall', `${(many / 1000).toFixed(2)} s`, 'under 5 s');
  report('  start with 10,000 authorities / the demo alone', `${(many / few).toFixed(2)}x`, '');
  report('  start with the demo alone, wall', `${(few / 1000).toFixed(2)} s`, '');
} finally {
  await rm(dataDir, { recursive: true });
}
