/** `evpki provisioning` against a running service. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { type Maker, newMaker, pemOf } from '../support/makers.ts';
import { leaveToAnother, trustAtCommandLine } from '../support/second-person.ts';

let service: CliService;
let maker: Maker;
let edwards: Maker;
beforeAll(async () => {
  service = await startCliService();
  const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
  expect(login.status, login.stderr).toBe(0);
  await leaveToAnother(service);
  maker = newMaker();
  edwards = newMaker({ algorithm: 'Ed448' });
  for (const { root } of [maker, edwards]) {
    const certificate = file('root.pem', pemOf(root));
    const imported = await service.evpki([
      ...['trust-anchor', 'import', '--certificate', certificate, ...OF_OEM, '--json'],
    ]);
    const { id } = JSON.parse(imported.stdout);
    await trustAtCommandLine(service, id, 'oem-provisioning');
  }
});
afterAll(() => service?.close());

const OF_OEM = ['--organization', 'demo-oem'];
const provisioning = (...argv: string[]) => service.evpki(['provisioning', ...argv]);
const register = (...argv: string[]) => provisioning('register', ...argv, ...OF_OEM);

function file(name: string, content: string | Uint8Array): string {
  const path = join(service.folder, name);
  writeFileSync(path, content);
  return path;
}

test('register takes a file with the chain behind the certificate, and show tells it', async () => {
  const chain = pemOf(maker.vehicle('DEMP0000000000001'), ...maker.subCas);
  const vehicle = file('vehicle.pem', chain);
  const made = await register(vehicle);
  expect(made.status, made.stderr).toBe(0);
  expect(made.stderr).toBe('');
  expect(made.stdout).toMatch(
    /^ +pcid +DEMP0000000000001\n +standard +iso15118-2\n +state +registered\n +of +demo-oem\n/,
  );
  const id = /id +(pcp_\w+)\n/.exec(made.stdout)?.[1] ?? '';
  expect(await provisioning('show', id)).toEqual(made);
  expect((await provisioning('show', id, '--pem')).stdout).toBe(chain);
  const again = await register(vehicle);
  expect(again).toEqual({ ...made, stderr: 'It was registered already.\n' });
});

test('register takes DER, a chain in files of its own, and an X448 key', async () => {
  const der = file('vehicle.der', edwards.vehicle('DEMP0000000000002').der);
  const [second, first] = edwards.subCas;
  if (!first || !second) throw new Error('there are two');
  const chain = [file('first.der', first.der), file('second.pem', pemOf(second))];
  const key = Buffer.alloc(56, 9).toString('base64');
  const made = await register(der, '--chain', ...chain, '--x448-public-key', key, '--json');
  expect(made.status, made.stderr).toBe(0);
  expect(JSON.parse(made.stdout)).toMatchObject({ standard: 'iso15118-20', x448PublicKey: key });
});

test('a replacement says so, and delete, list and lookup follow', async () => {
  const pcid = 'DEMP0000000000003';
  const chain = ['--chain', file('chain.pem', pemOf(...maker.subCas))];
  const old = await register(file('old.pem', pemOf(maker.vehicle(pcid))), ...chain, '--json');
  const oldId = JSON.parse(old.stdout).id;
  const young = await register(file('young.pem', pemOf(maker.vehicle(pcid))), ...chain);
  expect(young.stderr).toBe(`It takes the place of ${oldId}.\n`);
  const id = /id +(pcp_\w+)\n/.exec(young.stdout)?.[1] ?? '';

  const listed = await provisioning('list', '--pcid', pcid);
  expect(listed.stdout).toMatch(/^ID +STATE +EXPIRES +OF +STANDARD +PCID\n/);
  expect(listed.stdout).toMatch(
    new RegExp(`\\n${id} +registered +2036-01-01 +demo-oem +iso15118-2 +${pcid}\\n$`),
  );
  const replaced = await provisioning('list', '--pcid', pcid, '--state', 'replaced', '--json');
  expect(JSON.parse(replaced.stdout).items.map((one: { id: string }) => one.id)).toEqual([oldId]);

  const found = await provisioning('lookup', pcid.toLowerCase());
  expect(found.stdout).toBe(`  pcid       ${pcid}\n  standards  iso15118-2\n`);
  const vehicle = JSON.parse((await provisioning('lookup', pcid, '--json')).stdout);
  expect(vehicle.keys[0].publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);

  const deleted = await provisioning('delete', id);
  expect([deleted.status, deleted.stderr]).toEqual([0, '']);
  expect(deleted.stdout).toMatch(/state +deleted\n +since +20/);
  expect((await provisioning('delete', oldId)).status).toBe(5);
  expect((await provisioning('lookup', pcid)).status).toBe(4);
  const none = await provisioning('list', '--pcid', pcid);
  expect(none).toEqual({
    ...{ status: 0, stdout: '', stderr: 'There are no such provisioning certificates.\n' },
  });
  const everything = await provisioning('list', '--limit', '1', '--standard', 'iso15118-2');
  expect(everything.stdout.split('\n')).toHaveLength(3);
});

test('a refusal names the options and what to do', async () => {
  const vehicle = file('foreign.pem', pemOf(maker.vehicle('FRNP0000000000001'), ...maker.subCas));
  const result = await register(vehicle, '--x448-public-key', 'AAAA');
  expect([result.status, result.stdout]).toEqual([6, '']);
  expect(result.stderr).toMatch(/- certificate: FRN is no WMI of demo-oem.*\(wmi-not-allowed\)/);
  expect(result.stderr).toMatch(/- --x448-public-key: it has 3 octets.*\(x448-key-invalid\)/);
  expect(result.stderr).toMatch(/evpki organization change --wmi/);
});

test.each([
  ['a private key', toPem('PRIVATE KEY', new Uint8Array([0x30, 0])), 2],
  ['no certificate', 'a car', 2],
  ['another PEM block', toPem('X509 CRL', new Uint8Array([0x30, 0])), 6],
])('a file with %s is refused', async (_what, content, status) => {
  const result = await register(file('wrong.pem', content));
  expect([result.status, result.stdout], result.stderr).toEqual([status, '']);
});

test.each([
  ['a file that is not there', ['register', 'nowhere.pem'], 2],
  ['an unknown id', ['show', 'pcp_none'], 4],
  ['an id that is another path', ['delete', '..'], 2],
  ['a PCID that is none', ['lookup', 'x'], 2],
  ['a state that there is not', ['list', '--state', 'lost'], 2],
  ['a time that is none', ['list', '--expires-before', 'soon'], 2],
])('%s is refused', async (_name, argv, status) => {
  const result = await provisioning(...argv);
  expect([result.status, result.stdout], result.stderr).toEqual([status, '']);
});
