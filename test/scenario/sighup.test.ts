/** SIGHUP: the TLS files are read again, what does not fit changes nothing, and nothing ends. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { foreignRoot } from '../support/foreign-roots.ts';
import { generateKey } from '../support/issuing.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'evpki-sighup-'));
const certificate = join(folder, 'certificate.pem');
const key = join(folder, 'key.pem');

let evpki: ServiceProcess;
beforeAll(async () => {
  writeFiles('Before');
  const files = { EVPKI_API_TLS_CERTIFICATE: certificate, EVPKI_API_TLS_KEY: key };
  evpki = await startServiceProcess(files);
});
afterAll(async () => {
  await evpki?.remove();
  rmSync(folder, { recursive: true });
});

function writeFiles(name: string): void {
  // The keys of tests are made once for each algorithm.
  const own = generateKey(name === 'Before' ? 'P-256' : 'P-384');
  const root = foreignRoot(
    { subject: { attributes: [{ type: 'CN', value: name }] } },
    { key: own },
  );
  writeFileSync(certificate, root.pem);
  writeFileSync(key, own.privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

const shown = (): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const port = Number(new URL(evpki.apiUrl).port);
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.subject);
      socket.destroy();
    });
    socket.once('error', reject);
  });

/** Sends the signal; the line that is logged then. */
async function hangUp(event: string): Promise<Readonly<Record<string, unknown>>> {
  const logged = evpki.log.length;
  const found = () => evpki.log.slice(logged).find((line) => line.event === event);
  evpki.child.kill('SIGHUP');
  await expect.poll(found).toBeDefined();
  return found() ?? {};
}

test('new files are presented at once, wrong ones never, and it goes on', async () => {
  expect(await shown()).toBe('CN=Before');
  expect(await hangUp('reloaded')).toMatchObject({ files: [certificate, key] });
  writeFiles('After');
  await hangUp('reloaded');
  expect(await shown()).toBe('CN=After');
  writeFileSync(key, 'no key');
  expect(await hangUp('reload-failed')).toMatchObject({
    message: expect.stringContaining(`${key} is not a private key`),
  });
  expect(await shown()).toBe('CN=After');
  expect(evpki.child.exitCode).toBeNull();
});
