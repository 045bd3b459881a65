/** `evpki request` and `evpki cert renew`, as an operator and an approver type them. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { callApi } from '../support/app.ts';
import type { CliOptions, CliResult } from '../support/cli.ts';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { stationRequest } from '../support/stations.ts';

let service: CliService;
let operator: (argv: readonly string[], options?: CliOptions) => Promise<CliResult>;
let approver: typeof operator;

beforeAll(async () => {
  service = await startCliService();
  await service.evpki(['login', '--url', service.url, '--bootstrap']);
  operator = await as('cpo-operator');
  approver = await as('super');
});
afterAll(() => service?.close());

const file = (name: string): string => join(service.folder, name);

/** Runs the command as a new API client of the demo CPO. */
async function as(role: string): Promise<typeof operator> {
  const stored = JSON.parse(readFileSync(service.credentialsFile, 'utf8'));
  const send = async (path: string, body: object, headers: Record<string, string> = {}) =>
    (await callApi(new URL(path, service.url), stored.ca, 'POST', body, headers)).json;
  const { access_token: token } = await send('/oauth/token', {
    ...{ grant_type: 'client_credentials', client_id: stored.clientId },
    client_secret: stored.clientSecret,
  });
  const client = await send(
    '/v1/api-clients',
    { name: role, organization: 'demo-cpo', roles: [role] },
    { authorization: `Bearer ${token}` },
  );
  const config = file(`${role}.json`);
  writeFileSync(config, JSON.stringify({ ...stored, ...client }), { mode: 0o600 });
  const env = { EVPKI_CLIENT_CONFIG: config };
  return (argv, options = {}) =>
    service.evpki(argv, { ...options, env: { ...env, ...options.env } });
}

const issue = (csr: string, ...more: string[]) =>
  ['cert', 'issue', '--profile', 'ocpp-station', '--csr', csr, ...more] as const;

let count = 0;
/** A file with the request of a station that nobody has registered. */
function newRequest(name = `SN-CLI-${++count}`): string {
  const path = file(`${name}-${++count}.csr`);
  writeFileSync(path, toPem('CERTIFICATE REQUEST', stationRequest(name)));
  return path;
}

async function waiting(csr = newRequest()): Promise<string> {
  const result = await operator([...issue(csr), '--json']);
  expect(result.status).toBe(8);
  return JSON.parse(result.stdout).id;
}

describe('cert issue of what has to be approved', () => {
  test('exits with 8, writes nothing, and says who has to do what', async () => {
    const csr = newRequest();
    const out = file('chain.pem');
    const result = await operator(issue(csr, '--out', out));
    expect(result).toMatchObject({ status: 8, stdout: '' });
    const [, id = ''] = /request (req_\w+) waits/.exec(result.stderr) ?? [];
    expect(result.stderr).toContain(`evpki request approve ${id}`);
    expect(result.stderr).toContain(`evpki request show ${id}`);
    expect(() => readFileSync(out)).toThrow();

    const approved = await approver(['request', 'approve', id]);
    expect(approved).toMatchObject({ status: 0, stderr: '' });
    expect(approved.stdout).toMatch(/^Approved\. The certificate:\n {2}subject .*CN=SN-CLI/);
    // The same command, word for word, gets the certificate.
    const again = await operator(issue(csr, '--out', out));
    expect(again.status).toBe(0);
    expect(readFileSync(out, 'utf8')).toMatch(/^-----BEGIN CERTIFICATE-----/);
    const repeated = await approver(['request', 'approve', id]);
    expect(repeated.stdout).toMatch(/^It is approved already\./);
  });

  test('--json prints the request', async () => {
    const result = await operator([...issue(newRequest()), '--json']);
    expect(result.status).toBe(8);
    expect(JSON.parse(result.stdout)).toMatchObject({ state: 'waiting-for-approval' });
  });
});

describe('request', () => {
  test('show tells what is asked, and by whom', async () => {
    const csr = newRequest('SN-SHOWN');
    const id = await waiting(csr);
    const { stdout, status } = await approver(['request', 'show', id]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}state +waiting-for-approval$/m);
    expect(stdout).toMatch(/^ {2}asks for +CN=SN-SHOWN$/m);
    expect(stdout).toMatch(/^ {2}key +P-256$/m);
    expect(stdout).toMatch(/^ {2}by +client:cli_\w+, over rest$/m);
    expect(stdout).toMatch(/^ {2}waits until +\d{4}-.*, in (29|30) days$/m);
    const pem = await approver(['request', 'show', id, '--csr']);
    expect(pem.stdout).toBe(readFileSync(csr, 'utf8'));
    const json = await approver(['request', 'show', id, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ id, asked: { subject: 'CN=SN-SHOWN' } });
  });

  test('list has what waits, and follows pages', async () => {
    const ids = [await waiting(), await waiting()];
    const filter = ['request', 'list', '--state', 'waiting-for-approval'];
    const { stdout } = await approver(filter);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ID +STATE +ASKED +BY +PROFILE +SUBJECT$/);
    for (const id of ids) expect(stdout).toContain(id);
    const some = await approver([...filter, '--limit', '1', '--json']);
    expect(JSON.parse(some.stdout).items).toHaveLength(1);
    const { requester } = JSON.parse(some.stdout).items[0];
    const all = await approver(['request', 'list', '--requester', requester, '--all', '--json']);
    expect(JSON.parse(all.stdout).items.map(({ id }: { id: string }) => id)).toEqual(
      expect.arrayContaining(ids),
    );
    const none = await approver(['request', 'list', '--profile', 'ocpp-csms-server']);
    expect(none).toEqual({ status: 0, stdout: '', stderr: 'There are no such requests.\n' });
  });

  test('reject tells the requester why', async () => {
    const csr = newRequest();
    const id = await waiting(csr);
    const rejected = await approver(['request', 'reject', id, '--reason', 'not ours']);
    expect(rejected).toEqual({ status: 0, stdout: `${id} is rejected now.\n`, stderr: '' });
    const again = await operator(issue(csr));
    expect(again).toMatchObject({ status: 6, stdout: '' });
    expect(again.stderr).toContain('the request was rejected: not ours');
    expect((await approver(['request', 'approve', id])).status).toBe(5);
    expect((await operator(['request', 'show', id])).stdout).toMatch(/^ {2}why +not ours$/m);
  });

  test('withdraw takes back one’s own', async () => {
    const csr = newRequest();
    const id = await waiting(csr);
    expect((await approver(['request', 'withdraw', id])).status).toBe(3);
    const taken = await operator(['request', 'withdraw', id]);
    expect(taken).toEqual({ status: 0, stdout: `${id} is rejected now.\n`, stderr: '' });
    expect((await operator(issue(csr))).stderr).toContain('taken back by its requester');
    const json = await operator(['request', 'withdraw', id, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ id, state: 'rejected' });
  });

  test.each<[string, string[], number]>([
    ['an unknown request', ['show', 'req_none'], 4],
    ['an id of another path', ['approve', '..'], 2],
    ['a rejection without a reason', ['reject', 'req_none'], 2],
    ['an unknown state', ['list', '--state', 'lost'], 2],
  ])('%s has its exit status', async (_name, argv, status) => {
    expect(await approver(['request', ...argv])).toMatchObject({ status, stdout: '' });
  });

  test('nobody approves without the role', async () => {
    const id = await waiting();
    expect((await operator(['request', 'approve', id])).status).toBe(3);
  });

  test('policy’s reasons are listed', async () => {
    const refused = await operator([...issue(newRequest()), '--not-after', '2099-01-01']);
    expect(refused.status).toBe(6);
    const list = await approver([
      'request',
      'list',
      '--state',
      'refused',
      '--limit',
      '1',
      '--json',
    ]);
    const { stdout } = await approver(['request', 'show', JSON.parse(list.stdout).items[0].id]);
    expect(stdout).toMatch(/\n {2}- .*\(validity-too-long\)\n$/);
  });
});

describe('cert renew', () => {
  test('takes the certificate by file or id, and needs no approval', async () => {
    const old = file('old.pem');
    await approver(issue(newRequest('SN-RENEW'), '--out', old));
    const young = file('young.pem');
    const renewed = await operator([
      ...['cert', 'renew', old, '--csr', newRequest('SN-RENEW'), '--out', young],
    ]);
    expect(renewed).toMatchObject({ status: 0, stderr: '' });
    expect(renewed.stdout).toMatch(/^Issued a certificate:\n[\s\S]*\n {2}renews +crt_/);
    const [, id = ''] = /renews +(crt_\w+)/.exec(renewed.stdout) ?? [];
    const shown = await operator(['cert', 'show', id]);
    expect(shown.stdout).toMatch(/\n {2}renewed by +crt_/);
    const again = await operator(['cert', 'renew', id, '--csr', newRequest('SN-RENEW'), '--json']);
    expect(again.status).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ renews: id });
  });

  test('says what differs', async () => {
    const old = file('other.pem');
    await approver(issue(newRequest('SN-SAME'), '--out', old));
    const result = await operator(['cert', 'renew', old, '--csr', newRequest('SN-DIFFERENT')]);
    expect(result).toMatchObject({ status: 6, stdout: '' });
    expect(result.stderr).toMatch(/\n {2}- subject\.CN: .*\(renewal-mismatch\)\n/);
  });
});
