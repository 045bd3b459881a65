/** What the command line says of what waits for a second person, and how that one agrees. */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { leaveToAnother, policiesListing, secondAtCommandLine } from '../support/second-person.ts';

let policies: string;
let service: CliService;
let second: Awaited<ReturnType<typeof secondAtCommandLine>>;
beforeAll(async () => {
  policies = policiesListing(
    ...['authorities:grant', 'authorities:cross-certify', 'authorities:revoke'],
  );
  service = await startCliService({}, policies);
  await service.evpki(['login', '--url', service.url, '--bootstrap']);
  await leaveToAnother(service);
  second = await secondAtCommandLine(service);
});
afterAll(async () => {
  await service?.close();
  rmSync(policies, { recursive: true });
});

/** Runs what has to wait, and says so; with `--json` the proposal is there to be read. */
async function proposed(...argv: string[]) {
  const told = await service.evpki(argv);
  expect([told.status, told.stdout], told.stderr).toEqual([8, '']);
  const [, id = ''] = /nothing has changed yet: proposal (prp_\w+) waits/.exec(told.stderr) ?? [];
  expect(told.stderr).toContain(`evpki proposal show ${id}`);
  const again = await service.evpki([...argv, '--json']);
  expect(again.status).toBe(8);
  const proposal = JSON.parse(again.stdout);
  expect(proposal).toMatchObject({ id, state: 'waiting' });
  return proposal as { readonly id: string; readonly sha256: string };
}

async function approved({ id, sha256 }: { readonly id: string; readonly sha256: string }) {
  const { status, stdout, stderr } = await second('approve', id, '--sha256', sha256);
  expect([status, stdout], stderr).toEqual([0, `${id} is approved now.\n`]);
}

test('a grant waits, and is there once somebody else agrees', async () => {
  const grants = ['authority', 'grants', 'oem-root'];
  const grant = ['authority', 'grant', 'oem-root', 'demo-mo'];
  const proposal = await proposed(...grant);
  expect((await service.evpki(grants)).stderr).toBe('oem-root is granted to nobody.\n');
  const { stdout } = await second('show', proposal.id);
  expect(stdout).toMatch(/action +authorities:grant\n +about +oem-root\n/);
  expect(stdout).toMatch(/before +not-granted\n +organization +demo-mo\n +profile +\S+\n/);
  await approved(proposal);
  expect((await service.evpki(grants)).stdout).toMatch(/\ndemo-mo /);
  expect((await service.evpki(grant)).stdout).toMatch(/may already have/);
  // What takes it away asks nobody.
  expect((await service.evpki(['authority', 'withdraw', 'oem-root', 'demo-mo'])).status).toBe(0);
});

test('a cross-certificate waits, and the proposal names it then', async () => {
  const file = join(service.folder, 'other.pem');
  writeFileSync(file, foreignRoot().pem);
  const out = join(service.folder, 'cross.pem');
  const argv = ['authority', 'cross-certify', 'v2g-root', '--certificate', file];
  const proposal = await proposed(...argv, '--out', out);
  const shown = (await second('show', proposal.id)).stdout;
  expect(shown).toMatch(/root +CN=Other V2G Root,/);
  expect(shown).not.toContain('BEGIN CERTIFICATE');
  expect(shown).toMatch(/certificateSha256 +[0-9a-f]{64}\n/);
  await approved(proposal);
  const after = (await second('show', proposal.id)).stdout;
  const [, certificate = ''] = /certificate +(crt_\w+)\n/.exec(after) ?? [];
  const chain = await service.evpki(['cert', 'show', certificate, '--pem']);
  expect(chain.stdout).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
});

test('revoking an authority waits, unless its key is stolen', async () => {
  const shown = await service.evpki(['cert', 'list', '--all', '--json']);
  const authorities = JSON.parse(shown.stdout).items.filter(
    ({ profile }: { profile: string }) => profile === 'ocpp-station-ca',
  );
  const revoke = (id: string, reason: string) => ['cert', 'revoke', id, '--reason', reason];
  const { id, subject } = authorities[0];
  const proposal = await proposed(...revoke(id, 'cessationOfOperation'));
  expect((await second('show', proposal.id)).stdout).toMatch(
    /authority +ocpp-station-ca\n +before +issued\n[\s\S]*reason +cessationOfOperation\n/,
  );
  const stolen = await service.evpki(revoke(id, 'cACompromise'));
  expect([stolen.status, stolen.stdout]).toEqual([
    0,
    `${subject} is revoked (cACompromise) now.\n`,
  ]);
  const late = await second('approve', proposal.id, '--sha256', proposal.sha256);
  expect(late.status).toBe(5);
  expect(late.stderr).toMatch(/cannot take effect/);
});

test('what is listed by state', async () => {
  for (const state of ['waiting', 'issuing', 'approved']) {
    const { status, stderr } = await second('list', '--state', state);
    expect(status, stderr).toBe(0);
  }
});
