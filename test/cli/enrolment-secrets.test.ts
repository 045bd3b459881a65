/** `evpki enrolment-secret` against a running service. */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliService, startCliService } from '../support/cli-service.ts';

let service: CliService;
beforeAll(async () => {
  service = await startCliService();
  const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
  expect(login.status, login.stderr).toBe(0);
});
afterAll(() => service?.close());

const OF_CPO = ['--organization', 'demo-cpo'];
const secret = (...argv: string[]) => service.evpki(['enrolment-secret', ...argv]);
const create = (...argv: string[]) =>
  secret('create', '--label', 'cpo', '--name', 'DE*ICE*E1', ...OF_CPO, ...argv);

test('create writes the secret to standard output and nothing else there', async () => {
  const made = await create();
  expect(made.status, made.stderr).toBe(0);
  expect(made.stdout).toMatch(/^evpki_enr_[\w-]{43}\n$/);
  expect(made.stderr).toMatch(/^Made a secret for DE\*ICE\*E1:\n +id +ens_\w+\n/);
  expect(made.stderr).not.toContain(made.stdout.trim());
});

test('create writes the secret to a new file that only its owner can read', async () => {
  const target = join(service.folder, 'station.secret');
  const made = await create('--secret-file', target, '--valid', '60');
  expect(made).toMatchObject({ status: 0, stderr: '' });
  expect(statSync(target).mode & 0o777).toBe(0o600);
  const text = readFileSync(target, 'utf8').trim();
  expect(text).toMatch(/^evpki_enr_/);
  expect(made.stdout).not.toContain(text);
  expect(service.log.join('\n')).not.toContain(text);
});

test('list tells what has become of them, withdraw ends one', async () => {
  const made = JSON.parse((await create('--json')).stdout);
  expect(made).toMatchObject({ state: 'open', enrolmentSecret: expect.any(String) });
  const withdrawn = await secret('withdraw', made.id);
  expect(withdrawn.stdout).toMatch(/state +withdrawn\n +label +cpo\n +name +DE\*ICE\*E1\n/);
  expect(JSON.parse((await secret('withdraw', made.id, '--json')).stdout)).toMatchObject({
    state: 'withdrawn',
  });
  const listed = await secret('list', ...OF_CPO, '--limit', '1');
  expect(listed.stdout).toMatch(
    /^ID +STATE +EXPIRES +OF +LABEL +NAME\nens_\w+ +withdrawn +\S+ +demo-cpo +cpo +DE\*ICE\*E1\n$/,
  );
  expect(listed.stderr).toMatch(/--all/);
  const all = await secret('list', '--all', '--json');
  expect(JSON.parse(all.stdout).items.length).toBeGreaterThan(1);
  expect(all.stdout).not.toContain(made.enrolmentSecret);
  expect((await secret('list', '--organization', 'demo-mo')).stderr).toMatch(/^There are no/);
});

test.each([
  ['a time that is too short', ['--valid', '59'], 2],
  ['a time that is none', ['--valid', 'soon'], 2],
  ['a label that there is not', ['--label', 'x'], 2],
  ['a name that HTTP Basic has no room for', ['--name', 'CS:1'], 2],
])('%s is refused', async (_name, argv, status) => {
  const made = await create(...argv);
  expect([made.status, made.stdout], made.stderr).toEqual([status, '']);
});
