/** `evpki organization`, and `evpki authority` for what organizations give each other. */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { generateKey, leafExtensions } from '../support/issuing.ts';
import { policiesListing } from '../support/second-person.ts';

let policies: string;
let service: CliService;
beforeAll(async () => {
  // What waits for a second person is in proposals.test.ts.
  policies = policiesListing();
  service = await startCliService({}, policies);
  const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
  expect(login.status, login.stderr).toBe(0);
});
afterAll(async () => {
  await service?.close();
  rmSync(policies, { recursive: true });
});

const organization = (...argv: string[]) => service.evpki(['organization', ...argv]);
const authority = (...argv: string[]) => service.evpki(['authority', ...argv]);

describe('evpki organization', () => {
  const create = (id: string, ...more: string[]) =>
    organization('create', id, '--name', 'Example CPO', '--role', 'cpo', 'cps', ...more);

  test('create makes it once, show and list tell of it', async () => {
    const options = ['--country', 'DE', '--stations-on-first-sight'];
    const made = await create('example-cpo', ...options);
    expect(made).toEqual({ status: 0, stdout: expect.any(String), stderr: '' });
    expect(made.stdout).toMatch(/name +Example CPO\n +country +DE\n +roles +cpo, cps\n/);
    expect(made.stdout).toMatch(/stations +at first sight\n +id +example-cpo\n/);
    expect(await organization('show', 'example-cpo')).toEqual(made);

    const again = await create('example-cpo', ...options);
    expect(again).toEqual({ ...made, stderr: 'It was there already, exactly so.\n' });
    const otherwise = await create('example-cpo', '--country', 'FR');
    expect([otherwise.status, otherwise.stdout]).toEqual([5, '']);

    const listed = await organization('list');
    expect(listed.stdout).toMatch(/^ID +COUNTRY +ROLES +NAME\n/);
    expect(listed.stdout).toMatch(/\nexample-cpo +DE +cpo, cps +Example CPO\n/);
    const { items } = JSON.parse((await organization('list', '--json')).stdout);
    expect(items).toContainEqual({
      ...{ id: 'example-cpo', name: 'Example CPO', country: 'DE', roles: ['cpo', 'cps'] },
      ...{ stationsOnFirstSight: true, wmis: [], providers: [], operators: [] },
    });
  });

  test('change changes what is named, and takes away what is negated', async () => {
    await create('changing-cpo', '--country', 'DE', '--stations-on-first-sight');
    const change = async (...options: string[]) =>
      JSON.parse((await organization('change', 'changing-cpo', ...options, '--json')).stdout);
    const start = {
      ...{ id: 'changing-cpo', name: 'Example CPO', country: 'DE', roles: ['cpo', 'cps'] },
      ...{ wmis: [], providers: [], operators: [] },
    };
    expect(await change('--name', 'Other')).toEqual({
      ...{ ...start, name: 'Other', stationsOnFirstSight: true },
    });
    expect(await change('--no-country', '--no-stations-on-first-sight', '--role', 'cpo')).toEqual({
      ...{ id: 'changing-cpo', name: 'Other', roles: ['cpo'], stationsOnFirstSight: false },
      ...{ wmis: [], providers: [], operators: [] },
    });
    expect(await change('--country', 'FR', '--stations-on-first-sight')).toMatchObject({
      country: 'FR',
      stationsOnFirstSight: true,
    });
    const nothing = await organization('change', 'changing-cpo');
    expect([nothing.status, nothing.stderr]).toEqual([
      2,
      expect.stringMatching(/nothing is to be/),
    ]);
  });

  test('operators are given and taken away', async () => {
    const made = await create('new-cpo', '--operator', 'deice', 'NLICE');
    expect(made.stdout).toMatch(/operators +DEICE, NLICE\n/);
    const change = (...options: string[]) => organization('change', 'new-cpo', ...options);
    expect((await change('--operator', 'FRICE')).stdout).toMatch(/operators +FRICE\n/);
    const wrong = await change('--operator', 'ICE');
    expect([wrong.status, wrong.stdout]).toEqual([2, '']);
    expect((await change('--no-operator')).stdout).not.toMatch(/operators/);
  });

  test('WMIs and providers are given and taken away', async () => {
    const made = await create('new-oem', '--wmi', 'dem', '1EV', '--provider', 'de8ev');
    expect(made.stdout).toMatch(/WMIs +DEM, 1EV\n +providers +DE8EV\n/);
    const change = (...options: string[]) => organization('change', 'new-oem', ...options);
    expect((await change('--wmi', 'OTH')).stdout).toMatch(/WMIs +OTH\n +providers +DE8EV\n/);
    const wrong = await change('--wmi', 'DEMO', '--provider', 'D18EV');
    expect([wrong.status, wrong.stdout]).toEqual([2, '']);
    expect(wrong.stderr).toMatch(/--wmi: /);
    const { stdout } = await change('--no-wmi', '--no-provider');
    expect(stdout).not.toMatch(/WMI|provider/);
  });

  test.each([
    ['an unknown one', ['show', 'nowhere'], 4],
    ['a change of an unknown one', ['change', 'nowhere', '--name', 'X'], 4],
    ['grants to an unknown one', ['grants', 'nowhere'], 4],
    ['a role that there is not', ['create', 'x-cpo', '--name', 'X', '--role', 'king'], 2],
    ['a new one without a name', ['create', 'x-cpo', '--role', 'cpo'], 2],
    ['an id that is another path', ['show', '..'], 2],
  ])('%s is refused', async (_name, argv, status) => {
    const result = await organization(...argv);
    expect([result.status, result.stdout]).toEqual([status, '']);
    expect(result.stderr).not.toBe('');
  });
});

describe('evpki authority create', () => {
  const sub = [
    ...['create', 'station-ca-2', '--title', 'Station CA 2', '--profile', 'ocpp-station-ca'],
    ...['--key', 'P-384', '--organization', 'demo-cpo', '--under', 'ocpp-root'],
  ];

  test('makes one below another, once', async () => {
    const made = await authority(...sub);
    expect(made.status, made.stderr).toBe(0);
    expect(made.stdout).toMatch(/^Station CA 2\n +id +station-ca-2\n +state +active\n/);
    expect(made.stdout).toMatch(/under +ocpp-root\n +profile +ocpp-station-ca\n +key +P-384\n/);
    const again = await authority(...sub);
    expect(again).toEqual({ ...made, stderr: 'It was there already, exactly so.\n' });
    const other = await authority(...sub, '--key', 'P-256');
    expect(other.status).toBe(5);
  });

  test('makes a root, and tells what is next for one that is certified elsewhere', async () => {
    const root = await authority(
      ...['create', 'root-2', '--title', 'Root 2', '--profile', 'ocpp-root', '--key', 'P-256'],
      ...['--organization', 'demo-cpo', '--json'],
    );
    const { state, organization: owner, ...rest } = JSON.parse(root.stdout);
    expect([state, owner, 'under' in rest]).toEqual(['active', 'demo-cpo', false]);
    const external = await authority(
      ...['create', 'sub-9', '--title', 'Sub 9', '--profile', 'iso15118-2-cpo-sub-ca-1'],
      ...['--key', 'P-256', '--organization', 'demo-cpo', '--under', 'external'],
    );
    expect(external.stdout).toMatch(/state +awaiting-certificate\n/);
    expect(external.stderr).toMatch(/Next: evpki authority csr sub-9\n$/);
  });

  test('is refused with everything that is wrong', async () => {
    const result = await authority(
      ...['create', 'wrong', '--title', '', '--profile', 'none', '--key', 'P-256'],
      ...['--organization', 'demo-cpo'],
    );
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/- --title: it is empty/);
  });
});

describe('evpki authority cross-certify', () => {
  const file = (name: string): string => join(service.folder, name);

  test('has another root certified, into a file or to standard output', async () => {
    const { pem } = foreignRoot();
    writeFileSync(file('other.pem'), pem);
    const argv = ['cross-certify', 'v2g-root', '--certificate', file('other.pem')];
    const made = await authority(...argv, '--out', file('cross.pem'));
    expect(made.status, made.stderr).toBe(0);
    expect(made.stdout).toMatch(/^Certified the other root:\n +subject +CN=Other V2G Root,/);
    expect(readFileSync(file('cross.pem'), 'utf8')).toMatch(/^-----BEGIN CERTIFICATE-----\n/);

    const piped = await service.evpki(
      ['authority', 'cross-certify', 'v2g-root', '--certificate', '-'],
      { stdin: pem },
    );
    expect(piped.stdout).toMatch(
      /^-----BEGIN CERTIFICATE-----\n[\s\S]*-----END CERTIFICATE-----\n$/,
    );
    expect(piped.stderr).toMatch(/profile +iso15118-2-cross\n/);
    const json = JSON.parse((await authority(...argv, '--json')).stdout);
    expect(json).toMatchObject({ state: 'issued', profile: 'iso15118-2-cross' });
  });

  test('is refused with everything that is wrong, and no private key is sent', async () => {
    const key = generateKey();
    writeFileSync(file('leaf.pem'), foreignRoot({ extensions: leafExtensions(key, key) }).pem);
    const target = file('none.pem');
    const refused = await authority(
      ...['cross-certify', 'v2g-root', '--certificate', file('leaf.pem'), '--out', target],
    );
    expect([refused.status, refused.stdout]).toEqual([6, '']);
    expect(refused.stderr).toMatch(/root-not-ca[\s\S]*root-key-usage/);
    expect(existsSync(target)).toBe(false);
    const pkcs8 = key.privateKey.export({ format: 'pem', type: 'pkcs8' });
    writeFileSync(file('key.pem'), `${foreignRoot().pem}${pkcs8}`);
    const kept = await authority('cross-certify', 'v2g-root', '--certificate', file('key.pem'));
    expect([kept.status, kept.stdout]).toEqual([2, '']);
    expect(kept.stderr).toMatch(/private key and is not sent/);
  });
});

describe('evpki authority grant, grants and withdraw', () => {
  test('what is granted is used, listed on both sides and taken back', async () => {
    const none = await authority('grants', 'oem-root');
    expect(none).toEqual({ status: 0, stdout: '', stderr: 'oem-root is granted to nobody.\n' });
    const toMo = await organization('grants', 'demo-mo');
    expect([toMo.stdout, toMo.stderr]).toEqual(['', expect.stringContaining('demo-mo')]);

    const granted = await authority('grant', 'oem-root', 'demo-mo');
    expect(granted.status, granted.stderr).toBe(0);
    expect(granted.stdout).toMatch(/^demo-mo may have authorities under oem-root/);
    expect((await authority('grant', 'oem-root', 'demo-mo')).stdout).toMatch(/may already have/);
    const body = JSON.parse((await authority('grant', 'oem-root', 'demo-mo', '--json')).stdout);
    expect(body).toMatchObject({ authority: 'oem-root', organization: 'demo-mo' });

    expect((await authority('grants', 'oem-root')).stdout).toMatch(
      /^ORGANIZATION +SINCE\ndemo-mo +\d{4}-\d\d-\d\d\n$/,
    );
    expect((await organization('grants', 'demo-mo')).stdout).toMatch(
      /^AUTHORITY +SINCE +PROFILE +TITLE\noem-root +\S+ +iso15118-2-oem-root +Demo OEM Root CA\n$/,
    );

    const withdrawn = await authority('withdraw', 'oem-root', 'demo-mo');
    expect(withdrawn).toMatchObject({ status: 0, stderr: '' });
    expect(withdrawn.stdout).toMatch(/^Nothing new is certified under oem-root for demo-mo;/);
    expect((await authority('withdraw', 'oem-root', 'demo-mo')).status).toBe(4);
    expect(JSON.parse((await authority('grants', 'oem-root', '--json')).stdout)).toEqual({
      items: [],
    });
  });

  test.each([
    ['an unknown authority', ['grant', 'nowhere', 'demo-mo'], 4],
    ['an unknown organization', ['grant', 'v2g-root', 'nowhere'], 4],
    ['the owner itself', ['grant', 'v2g-root', 'demo-v2g'], 5],
    ['an organization that is another path', ['withdraw', 'v2g-root', '..'], 2],
    ['one word too few', ['grant', 'v2g-root'], 2],
  ])('%s is refused', async (_name, argv, status) => {
    const result = await authority(...argv);
    expect([result.status, result.stdout]).toEqual([status, '']);
  });
});
