/** `evpki contract` against a running service. */

import { createECDH } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { stationRequest } from '../support/stations.ts';

const PCID = 'DEMP1234567890123';
const OTHER_PCID = 'DEMP1234567890124';
const OF_MO = ['--organization', 'demo-mo'];

let service: CliService;
beforeAll(async () => {
  service = await startCliService();
  const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
  expect(login.status, login.stderr).toBe(0);
  const profile = ['--profile', 'iso15118-2-oem-provisioning'];
  for (const pcid of [PCID, OTHER_PCID]) {
    const request = join(service.folder, `${pcid}.csr`);
    const chain = join(service.folder, `${pcid}.pem`);
    writeFileSync(request, toPem('CERTIFICATE REQUEST', stationRequest(pcid)));
    for (const argv of [
      ['cert', 'issue', '--csr', request, ...profile, '--out', chain],
      ['provisioning', 'register', chain, '--organization', 'demo-oem'],
    ]) {
      const done = await service.evpki(argv);
      expect(done.status, done.stderr).toBe(0);
    }
  }
});
afterAll(() => service?.close());

const contract = (...argv: string[]) => service.evpki(['contract', ...argv]);
const create = (emaid: string, ...more: string[]) =>
  contract('create', '--emaid', emaid, '--pcid', PCID, ...OF_MO, ...more);
const created = async (emaid: string, pcid = PCID) => {
  const made = await contract('create', '--emaid', emaid, '--pcid', pcid, ...OF_MO, '--json');
  expect(made.status, made.stderr).toBe(0);
  return JSON.parse(made.stdout);
};

test('create tells of the contract and its certificate, show tells it again', async () => {
  const made = await create('de-8ev-c00000001', '--default', '--validity-days', '90');
  expect(made.status, made.stderr).toBe(0);
  expect(made.stdout).toMatch(/^ *emaid +DE8EVC00000001\n *pcid +DEMP1234567890123\n/);
  expect(made.stdout).toMatch(
    /\n *rank +default, 0\n[\s\S]*\n *issued by +mo-sub-ca-2\n *bundle +1, created/,
  );
  const id = /\n *id +(con_\w+)/.exec(made.stdout)?.[1] ?? '';
  expect(await contract('show', id)).toEqual(made);
  const pem = await contract('show', id, '--pem');
  expect(pem.stdout.match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
  const listed = await contract('list', ...OF_MO);
  expect(listed.stdout).toMatch(/^ID +STATE +SINCE +OF +EMAID +RANK +PCID\ncon_\w+ +active /);
  const none = await contract('list', '--state', 'ended');
  expect(none).toEqual({ status: 0, stdout: '', stderr: 'There are no such contracts.\n' });
});

test('a contract is renewed, ranked, suspended, resumed and ended', async () => {
  const { id } = await created('DE8EVC00000002');
  expect((await contract('renew', id)).stdout).toMatch(/\n *bundle +2, renewed/);
  expect((await contract('renew', id, '--revoke-former')).stdout).toMatch(/\n *bundle +3, renewed/);
  expect((await contract('default', id)).stdout).toMatch(/\n *rank +default, 0\n/);
  expect((await contract('default', id, '--priority', '7')).stdout).toMatch(
    /\n *rank +default, 7\n/,
  );
  expect((await contract('default', id, '--off')).stdout).toMatch(/\n *rank +7\n/);
  const suspended = await contract('suspend', id, '--reason', 'unpaid');
  expect(suspended.stdout).toMatch(/\n *state +suspended\n[\s\S]*\n *reason +unpaid\n/);
  expect(suspended.stdout).toMatch(/\n *its state +held\n/);
  expect((await contract('resume', id)).stdout).toMatch(/\n *its state +issued\n/);
  const ended = await contract('end', id);
  expect(ended.stdout).toMatch(/\n *state +ended\n[\s\S]*\n *its state +revoked\n/);
  const refused = await contract('resume', id);
  expect([refused.status, refused.stdout]).toEqual([5, '']);
  expect(refused.stderr).toMatch(/contract resume/);
});

test('a bundle that was made elsewhere is brought with its three parts', async () => {
  const { bundle } = await created('DE8EVC00000003');
  const chain = join(service.folder, 'contract.pem');
  writeFileSync(chain, bundle.certificateChain);
  const parts = [
    ...['--certificate-chain', chain],
    ...['--dh-public-key', Buffer.alloc(65).toString('base64')],
    ...['--encrypted-private-key', Buffer.alloc(48).toString('base64')],
  ];
  const brought = await create('DE8EVC00000004', ...parts);
  expect([brought.status, brought.stdout]).toEqual([6, '']);
  expect(brought.stderr).toMatch(/--certificate-chain.*DE8EVC00000004/);
  expect(brought.stderr).toMatch(/--dh-public-key.*point/);
  const partly = await create('DE8EVC00000004', ...parts.slice(0, 2));
  expect([partly.status, partly.stdout]).toEqual([2, '']);
});

test('a bundle that fits is taken, and so is the next one of its contract', async () => {
  const emaid = 'DE8EVC00000005';
  // Its certificate comes from the same EMAID's contract for another vehicle.
  const { bundle } = await created(emaid, OTHER_PCID);
  const chain = join(service.folder, 'brought.pem');
  writeFileSync(chain, bundle.certificateChain);
  const encryptedKey = Buffer.alloc(48, 7).toString('base64');
  const parts = () => [
    ...['--certificate-chain', chain, '--encrypted-private-key', encryptedKey],
    ...['--dh-public-key', createECDH('prime256v1').generateKeys('base64')],
  ];
  const brought = await create(emaid, ...parts());
  expect(brought.status, brought.stderr).toBe(0);
  expect(brought.stdout).toMatch(
    /\n *issued by +others: its bundles are brought\n *bundle +1, created/,
  );
  const own = /\n *id +(con_\w+)/.exec(brought.stdout)?.[1] ?? '';
  const next = await contract('renew', own, ...parts());
  expect(next.stdout, next.stderr).toMatch(/\n *bundle +2, renewed/);
  const made = await contract('renew', own);
  expect([made.status, made.stdout]).toEqual([5, '']);
});

test.each([
  ['an EMAID that is none', ['create', '--emaid', 'X', '--pcid', PCID, ...OF_MO], 2],
  ['an EMAID of others', ['create', '--emaid', 'DE8AAC00000001', '--pcid', PCID, ...OF_MO], 6],
  ['no EMAID', ['create', '--pcid', PCID], 2],
  ['an unknown contract', ['show', 'con_x'], 4],
  ['a priority that is none', ['default', 'con_x', '--priority', 'high'], 2],
  ['an id that is another path', ['end', '..'], 2],
])('%s is refused', async (_name, argv, status) => {
  const result = await contract(...argv);
  expect([result.status, result.stdout], result.stderr).toEqual([status, '']);
});
