/** What was applied over the API outlives restarts with other, and with the same, declarations. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';
import { newRequest } from '../support/requests.ts';

let dataDir: string;
let bench: Workbench;
let evpki: TestApp | undefined;
let headers: Record<string, string> | undefined;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'evpki-later-'));
  bench = workbench();
  headers = undefined;
});
afterEach(async () => {
  await evpki?.close();
  evpki = undefined;
  rmSync(dataDir, { recursive: true });
  bench.remove();
});

/** Stops what runs and starts with this hierarchy; the first start's administrator stays. */
async function start(hierarchy: string): Promise<TestApp> {
  await evpki?.close();
  evpki = await startTestApp({ hierarchy, dataDir });
  headers ??= { authorization: `Bearer ${await evpki.tokenOf('instance', ['super'])}` };
  return evpki;
}
const call = async (method: string, path: string, body?: unknown) => {
  if (!evpki) throw new Error('nothing runs');
  return evpki.call(method, path, body, headers);
};
const authorities = async () => (await call('GET', '/v1/authorities')).json.items;
const write = (name: string, content: unknown): string => {
  writeFileSync(join(dataDir, name), stringify(content));
  return join(dataDir, name);
};

const PRIVATE = 'ca/private-environment.yaml';

describe('a hierarchy that was applied later', { timeout: 180_000 }, () => {
  test('stays, and signs, whatever file the next start names', async () => {
    await start(PRIVATE);
    const demo = parse(readFileSync('ca/demo.yaml', 'utf8'));
    const applied = await call('POST', '/v1/hierarchies', demo);
    expect([applied.status, applied.json.applied], applied.text).toEqual([200, true]);
    const before = await authorities();
    const empty = { hierarchy: 'empty', demo: true, organizations: {}, authorities: {} };
    for (const file of [PRIVATE, write('empty.yaml', empty)]) {
      await start(file);
      expect(await authorities()).toEqual(before);
      const csr = newRequest('CN=SN-1');
      const issued = await call('POST', '/v1/certificates', { profile: 'ocpp-station', csr });
      expect(issued.status, issued.text).toBe(201);
    }
  });

  test('a start does not take back what was changed since its file was written', async () => {
    await start(PRIVATE);
    await call('PATCH', '/v1/organizations/depot', { name: 'Renamed Depot', roles: ['cpo'] });
    const changed = (await call('GET', '/v1/organizations/depot')).json;
    const { log } = await start(PRIVATE);
    expect((await call('GET', '/v1/organizations/depot')).json).toEqual(changed);
    expect(log.join('')).toContain('organization-differs');
    // Applying it does: that has been asked for.
    const declaration = parse(readFileSync(PRIVATE, 'utf8'));
    const plan = (await call('POST', '/v1/hierarchies?dryRun=true', declaration)).json;
    expect([plan.applied, plan.steps[0].action]).toEqual([false, 'update']);
    expect((await call('GET', '/v1/organizations/depot')).json).toEqual(changed);
    await call('POST', '/v1/hierarchies', declaration);
    expect((await call('GET', '/v1/organizations/depot')).json.name).toBe('Example Depot');
  });

  test('WMIs, providers and operators are in the plan, and become as declared', async () => {
    await start(PRIVATE);
    const declaration = parse(readFileSync(PRIVATE, 'utf8'));
    Object.assign(declaration.organizations.depot, {
      ...{ wmis: ['dep', 'DEP'], providers: ['NLDEP'], operators: ['nldep'] },
    });
    const { steps } = (await call('POST', '/v1/hierarchies?dryRun=true', declaration)).json;
    expect(steps[0]).toMatchObject({
      ...{ kind: 'organization', id: 'depot', action: 'update' },
      differences: [
        'wmis: declared DEP, exists as none',
        'providers: declared NLDEP, exists as none',
        'operators: declared NLDEP, exists as none',
      ],
    });
    await call('POST', '/v1/hierarchies', declaration);
    expect((await call('GET', '/v1/organizations/depot')).json).toMatchObject({
      ...{ wmis: ['DEP'], providers: ['NLDEP'], operators: ['NLDEP'] },
    });
    const again = (await call('POST', '/v1/hierarchies?dryRun=true', declaration)).json;
    expect(again.steps[0].action).toBe('unchanged');
  });

  test('W1 a declaration of more than 256 KiB is not read', async () => {
    await start(PRIVATE);
    const { status, json } = await call('POST', '/v1/hierarchies', { x: 'x'.repeat(257 * 1024) });
    expect([status, json.code]).toEqual([413, 'body-too-large']);
  });
});

const withdrawn = 'a grant that was withdrawn while an authority awaited';
// Until OpenSSL signs for it.
describe.skipIf(noOpenssl)(withdrawn, { timeout: 180_000 }, () => {
  const declaration = {
    hierarchy: 'crossing',
    demo: true,
    organizations: {
      upper: { name: 'Upper', roles: ['cpo'] },
      lower: { name: 'Lower', roles: ['cpo'] },
    },
    authorities: {
      'upper-ca': {
        ...{ title: 'Upper CA', organization: 'upper', profile: 'iso15118-2-cpo-sub-ca-1' },
        ...{ key: 'P-256', under: 'external' },
      },
      'lower-ca': {
        ...{ title: 'Lower CA', organization: 'lower', profile: 'iso15118-2-cpo-sub-ca-2' },
        ...{ key: 'P-256', under: 'upper-ca' },
      },
    },
  };
  const GRANT = '/v1/authorities/upper-ca/grants/lower';
  const lower = async () => (await call('GET', '/v1/authorities/lower-ca')).json.state;

  const activate = async () => {
    bench.openssl(
      ...['req', '-x509', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
      ...['-nodes', '-keyout', 'root.key', '-out', 'root.pem', '-days', '4000'],
      ...['-subj', '/CN=Root', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    );
    bench.write('sub.csr', (await call('GET', '/v1/authorities/upper-ca/csr')).json.csr);
    bench.write(
      'extensions.cnf',
      'basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n' +
        'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n',
    );
    bench.openssl(
      ...['x509', '-req', '-in', 'sub.csr', '-CA', 'root.pem', '-CAkey', 'root.key'],
      ...['-extfile', 'extensions.cnf', '-out', 'sub.pem', '-days', '400', '-set_serial', '7'],
    );
    const certificateChain = bench.read('sub.pem') + bench.read('root.pem');
    return call('POST', '/v1/authorities/upper-ca/activation', { certificateChain });
  };

  test('W8 is not overlooked: nothing is certified, starts go on, and a new one finishes it', async () => {
    const file = write('crossing.yaml', declaration);
    await start(file);
    // Declaring it has granted it.
    expect((await call('GET', '/v1/organizations/lower/grants')).json.items).toHaveLength(1);
    expect(await lower()).toBe('awaiting-certificate');
    expect((await call('DELETE', GRANT)).status).toBe(204);
    const activated = await activate();
    expect([activated.status, activated.json.state], activated.text).toEqual([200, 'active']);
    expect(await lower()).toBe('awaiting-certificate');
    await start(file);
    expect(await lower()).toBe('awaiting-certificate');
    const plan = (await call('POST', '/v1/hierarchies?dryRun=true', declaration)).json.steps;
    expect(plan.at(-1)).toEqual({
      ...{ kind: 'authority', id: 'lower-ca', action: 'await', differences: [] },
    });

    expect((await call('PUT', GRANT)).status).toBe(201);
    const applied = (await call('POST', '/v1/hierarchies', declaration)).json.steps;
    expect(applied.at(-1)).toMatchObject({ id: 'lower-ca', action: 'certify' });
    expect(await lower()).toBe('active');
  });
});
