/** `evpki trust-anchor` against a running service. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { leaveToAnother, secondAtCommandLine } from '../support/second-person.ts';

const root = foreignRoot();
let service: CliService;
let folder: string;
let file: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evpki-roots-'));
  file = join(folder, 'root.pem');
  writeFileSync(file, root.pem);
  service = await startCliService();
  const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
  expect(login.status, login.stderr).toBe(0);
  await leaveToAnother(service);
});
afterAll(async () => {
  await service?.close();
  rmSync(folder, { recursive: true, force: true });
});

const anchor = (...argv: string[]) => service.evpki(['trust-anchor', ...argv]);
const OF_OEM = ['--organization', 'demo-oem'];
/** Another administrator has seen the proposal and agrees. */
async function approveAsSecond(id: string): Promise<void> {
  const second = await secondAtCommandLine(service);
  const shown = await second('show', id);
  expect(shown.stdout).toMatch(/action +trust-anchors:trust\n +about +anc_/);
  expect(shown.stdout).toMatch(/before +distribute\n +certificateSha256 +[0-9a-f]{64}\n/);
  const sha256 = /SHA-256 +([0-9a-f]{64})\n/.exec(shown.stdout)?.[1] ?? '';
  const wrong = await second('approve', id, '--sha256', 'a'.repeat(64));
  expect([wrong.status, wrong.stdout], wrong.stderr).toEqual([5, '']);
  expect(await second('approve', id, '--sha256', sha256)).toEqual({
    ...{ status: 0, stderr: '', stdout: `${id} is approved now.\n` },
  });
  expect((await second('list', '--state', 'approved')).stdout).toMatch(
    new RegExp(`^ID +STATE +UNTIL +BY +ACTION +ABOUT\n${id} +approved `),
  );
}
const imported = async (): Promise<string> => {
  const answer = await anchor('import', '--certificate', file, ...OF_OEM, '--json');
  return JSON.parse(answer.stdout).id;
};

test('import shows the fingerprint and says what to do with it', async () => {
  const first = await anchor('import', '--certificate', file, ...OF_OEM);
  expect(first.status, first.stderr).toBe(0);
  expect(first.stdout).toMatch(/subject +CN=Other V2G Root,OU=PKI,O=Other Operator,DC=V2G\n/);
  expect(first.stdout).toMatch(/for +distribute\n +of +demo-oem\n/);
  expect(first.stdout).toMatch(/SHA-256 +([0-9A-F]{2}:){31}[0-9A-F]{2}\n/);
  const id = /id +(anc_\w+)\n/.exec(first.stdout)?.[1];
  expect(first.stderr).toContain(`evpki trust-anchor trust ${id} --purpose`);
  const again = await anchor('import', '--certificate', file, ...OF_OEM);
  expect([again.stdout, again.stderr]).toEqual([first.stdout, 'It was imported before.\n']);
});

test('trust replaces what it is for; show and list tell', async () => {
  const id = await imported();
  const proposed = await anchor('trust', id, '--purpose', 'v2g', 'oem-provisioning');
  expect([proposed.status, proposed.stdout], proposed.stderr).toEqual([8, '']);
  const [, proposal = ''] = /proposal (prp_\w+) waits/.exec(proposed.stderr) ?? [];
  expect(proposed.stderr).toContain(`evpki proposal show ${proposal}`);
  await approveAsSecond(proposal);
  expect((await anchor('show', id)).stdout).toMatch(/for +oem-provisioning, v2g\n/);
  // The same again is nothing new.
  expect(await anchor('trust', id, '--purpose', 'v2g', 'oem-provisioning')).toEqual(
    await anchor('show', id),
  );
  expect((await anchor('show', id, '--pem')).stdout).toBe(root.pem);
  const json = JSON.parse((await anchor('show', id, '--json')).stdout);
  expect(json).toMatchObject({ id, purposes: ['oem-provisioning', 'v2g'] });
  const listed = await anchor('list', ...OF_OEM, '--purpose', 'v2g');
  expect(listed.stdout).toMatch(
    /^ID +UNTIL +OF +FOR +SUBJECT\nanc_\w+ +\d{4}-\d\d-\d\d +demo-oem +/,
  );
  expect((await anchor('list', '--purpose', 'contract-validation')).stderr).toBe(
    'There are no imported roots that you may see.\n',
  );
  const back = await anchor('trust', id, '--purpose', 'distribute', '--json');
  expect(JSON.parse(back.stdout).purposes).toEqual(['distribute']);
});

test('import says as what the pool of roots lists it, and may say so later', async () => {
  const id = await imported();
  const shown = await anchor('show', id);
  expect(shown.stdout).not.toMatch(/listed as/);
  const certificate = ['import', '--certificate', file, ...OF_OEM];
  const listed = await anchor(...certificate, '--root-type', 'MO');
  expect(listed.stdout).toMatch(/listed as +MO\n/);
  expect((await anchor('show', id)).stdout).toBe(listed.stdout);
  const wrong = await anchor(...certificate, '--root-type', 'CPS');
  expect([wrong.status, wrong.stdout]).toEqual([2, '']);
  expect(wrong.stderr).toMatch(/--root-type/);
});

test('remove takes it away', async () => {
  const id = await imported();
  const removed = await anchor('remove', id);
  expect(removed).toEqual({
    status: 0,
    stdout: `No chain that ends at ${id} is accepted any more.\n`,
    stderr: '',
  });
  expect((await anchor('show', id)).status).toBe(4);
});

test.each<[string, () => string[], number, RegExp]>([
  ['a file that is not there', () => ['import', '--certificate', 'nowhere.pem'], 2, /nowhere\.pem/],
  ['nobody’s root', () => ['import', '--certificate', file], 2, /--organization/],
  ['a purpose that there is not', () => ['trust', 'anc_x', '--purpose', 'all'], 2, /--purpose/],
  ['one that is not there', () => ['trust', 'anc_x', '--purpose', 'v2g'], 4, /anc_x/],
  ['an id that is another path', () => ['remove', '.'], 2, /./],
])('%s is refused', async (_name, argv, status, told) => {
  const result = await anchor(...argv());
  expect([result.status, result.stdout], result.stderr).toEqual([status, '']);
  expect(result.stderr).toMatch(told);
});

test('W9 a file with a private key is not sent anywhere', async () => {
  const key = join(folder, 'key.pem');
  writeFileSync(key, `-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${root.pem}`);
  const result = await anchor('import', '--certificate', key, ...OF_OEM);
  expect([result.status, result.stderr]).toEqual([
    2,
    expect.stringContaining('holds a private key and is not sent anywhere'),
  ]);
});

test('what speaks against a root is listed', async () => {
  const expired = join(folder, 'expired.pem');
  writeFileSync(expired, foreignRoot({ notAfter: new Date('2026-02-01T00:00:00Z') }).pem);
  const result = await anchor('import', '--certificate', expired, ...OF_OEM);
  expect(result.status).toBe(6);
  expect(result.stderr).toMatch(/root-validity|it holds from/);
});
