/** `evpki ca apply` against services that start with nothing. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { HierarchyStep } from '../../src/cli/api-bodies.ts';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';

const files = readdirSync('ca').filter((name) => name.endsWith('.yaml'));

const EMPTY = 'hierarchy: empty\ndemo: true\norganizations: {}\nauthorities: {}\n';

const services: CliService[] = [];
afterAll(() => Promise.all(services.map((service) => service.close())));

/** A service without authorities but its own, whose administrator is logged in. */
async function emptyService(more: Readonly<Record<string, string>> = {}): Promise<CliService> {
  const bench = workbench();
  bench.write('empty.yaml', EMPTY);
  const service = await startCliService({
    EVPKI_HIERARCHY: join(bench.folder, 'empty.yaml'),
    ...more,
  });
  bench.remove();
  services.push(service);
  const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
  expect(login.status, login.stderr).toBe(0);
  return service;
}

const actionsOf = (json: string): string[] => [
  ...new Set((JSON.parse(json).steps as HierarchyStep[]).map(({ action }) => action)),
];

describe.each(files)('ca/%s comes up from empty', (name) => {
  let service: CliService;
  beforeAll(async () => {
    service = await emptyService();
  });
  const file = `ca/${name}`;
  const isExternal = name === 'cpo-under-external-root.yaml';

  test('a dry run changes nothing', async () => {
    const { status, stdout, stderr } = await service.evpki(['ca', 'apply', file, '--dry-run']);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Plan for [\w-]+:\nACTION\s+WHAT\s+ID\ncreate\s+organization/);
    const list = await service.evpki(['authority', 'list', '--json']);
    expect(JSON.parse(list.stdout).items.map(({ id }: { id: string }) => id)).toEqual([
      'instance-ca',
    ]);
  });

  test('applied, every authority is active or awaits; applied again, nothing is done', async () => {
    const applied = await service.evpki(['ca', 'apply', file, '--yes', '--json']);
    expect(applied.status, applied.stderr).toBe(0);
    expect(actionsOf(applied.stdout).sort()).toEqual(
      isExternal ? ['create', 'create-request'] : ['create'],
    );
    const before = (await service.evpki(['authority', 'list', '--json'])).stdout;
    const declared = Object.keys(parse(readFileSync(file, 'utf8')).authorities);
    const items = JSON.parse(before).items as { id: string; state: string }[];
    expect(items.map(({ id }) => id)).toEqual([...declared, 'instance-ca'].sort());
    const waiting = items.filter(({ state }) => state !== 'active').map(({ id }) => id);
    expect(waiting).toEqual(isExternal ? ['cpo-sub-ca-1', 'cpo-sub-ca-2'] : []);

    const again = await service.evpki(['ca', 'apply', file, '--yes', '--json']);
    expect(actionsOf(again.stdout).sort()).toEqual(
      isExternal ? ['await', 'unchanged'] : ['unchanged'],
    );
    expect((await service.evpki(['authority', 'list', '--json'])).stdout).toBe(before);
    const told = await service.evpki(['ca', 'apply', file, '--yes']);
    expect(told.stdout).toContain('There is nothing to do.');
  });
});

describe('what is declared', () => {
  let service: CliService;
  beforeAll(async () => {
    service = await emptyService();
  });
  const write = (name: string, content: unknown): string => {
    const file = join(service.folder, name);
    writeFileSync(file, typeof content === 'string' ? content : stringify(content));
    return file;
  };
  const demo = parse(readFileSync('ca/private-environment.yaml', 'utf8'));

  test.each<[string, string, RegExp]>([
    ['no YAML', 'a: [', /is not YAML/],
    ['no mapping', '- a', /the request does not match|must be a mapping/],
  ])('%s is refused before anything is sent', async (_what, text, message) => {
    const result = await service.evpki(['ca', 'apply', write('wrong.yaml', text), '--yes']);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(message);
  });

  test('every error is told with its place and what is allowed there', async () => {
    const wrong = {
      hierarchy: 'Wrong',
      organisations: {},
      organizations: { a: { name: '', roles: ['owner'] } },
      authorities: { b: { title: 'B', organization: 'c', profile: 'd', key: 'P-1' } },
    };
    const result = await service.evpki(['ca', 'apply', write('wrong.yaml', wrong), '--yes']);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/organisations\W.*did you mean "organizations"/);
    expect(result.stderr).toMatch(/organizations\.a\.roles\[0\].*v2g-operator/);
    expect(result.stderr).toMatch(/authorities\.b\.key.*P-256/);
    const shapely = {
      hierarchy: 'wrong',
      organizations: {},
      authorities: {
        root: { title: 'R', organization: 'nowhere', profile: 'ocpp-root', key: 'Ed25519' },
        sub: {
          ...{ title: 'S', organization: 'nowhere', key: 'P-256' },
          profile: 'ocpp-root',
          under: 'root',
        },
        low: { title: 'L', organization: 'nowhere', key: 'P-256', profile: 'nothing' },
      },
    };
    const second = await service.evpki(['ca', 'apply', write('wrong.yaml', shapely), '--yes']);
    for (const place of ['root.organization', 'root.key', 'sub.under', 'low.profile']) {
      expect(second.stderr).toContain(`authorities.${place}`);
    }
  });

  test('without a terminal nothing is done without --yes', async () => {
    const result = await service.evpki(['ca', 'apply', 'ca/private-environment.yaml']);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/nobody to ask/);
  });

  test.each(['n\n', '\n', '', 'yesterday\n'])('typing %j is no yes', async (stdin) => {
    const argv = ['ca', 'apply', 'ca/private-environment.yaml'];
    const result = await service.evpki(argv, { stdin, typed: true });
    expect(result.status).toBe(0);
    expect(result.stderr).toBe('Apply this? [y/N] Nothing was changed.\n');
    const list = await service.evpki(['authority', 'list', '--json']);
    expect(JSON.parse(list.stdout).items).toHaveLength(1);
  });

  test('typing yes is', async () => {
    const argv = ['ca', 'apply', 'ca/private-environment.yaml'];
    const result = await service.evpki(argv, { stdin: 'yes\n', typed: true });
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/^Plan for .*[\s\S]*\nApplied [\w-]+\.\n$/);
  });

  test('a contradiction is refused with every difference and nothing is changed', async () => {
    const changed = structuredClone(demo);
    const [first = ''] = Object.keys(changed.authorities);
    changed.authorities[first].title = 'Another title';
    changed.authorities[first].organization = 'another';
    changed.organizations.another = { name: 'Another', roles: ['cpo'] };
    changed.authorities.fresh = { ...changed.authorities[first], title: 'Fresh' };
    const [organization = ''] = Object.keys(changed.organizations);
    changed.organizations[organization].name = 'Renamed';
    const before = (await service.evpki(['authority', 'list', '--json'])).stdout;
    const file = write('changed.yaml', changed);
    for (const options of [['--yes'], ['--dry-run']]) {
      const result = await service.evpki(['ca', 'apply', file, ...options]);
      expect(result.status).toBe(2);
      expect(result.stderr).toContain('declared Another title, exists as ');
      expect(result.stderr).toContain('organization: declared another, exists as ');
    }
    expect((await service.evpki(['authority', 'list', '--json'])).stdout).toBe(before);
    const plan = await service.evpki(['ca', 'apply', file, '--dry-run']);
    expect(plan.stdout).toMatch(/differs +authority/);
    expect(plan.stdout).toMatch(/create +organization +another/);

    // Organizations are not contradicted but changed, if nothing else stands against it.
    const renamed = structuredClone(demo);
    renamed.organizations[organization].name = 'Renamed';
    const result = await service.evpki(['ca', 'apply', write('renamed.yaml', renamed), '--yes']);
    expect([result.status, result.stderr]).toEqual([0, '']);
    expect(result.stdout).toMatch(/update\s+organization[\s\S]*declared Renamed, exists as/);
  });
});

describe('demos and production', () => {
  test('what is no demo is not applied where keys lie beside their passphrase', async () => {
    const service = await emptyService();
    const file = join(service.folder, 'production.yaml');
    const { demo: _, ...production } = parse(readFileSync('ca/private-environment.yaml', 'utf8'));
    writeFileSync(file, stringify(production));
    const result = await service.evpki(['ca', 'apply', file, '--yes']);
    expect(result.status).toBe(5);
    expect(result.stderr).toMatch(/EVPKI_KEY_PASSPHRASE.*EVPKI_PUBLIC_URL/);
  });

  test('a demo is applied to a production service only if that is meant', async () => {
    const bench = workbench();
    bench.write('real.yaml', EMPTY.replace('demo: true\n', ''));
    const service = await emptyService({
      EVPKI_HIERARCHY: join(bench.folder, 'real.yaml'),
      EVPKI_KEY_PASSPHRASE: 'correct horse battery staple',
      EVPKI_PUBLIC_URL: 'http://pki.example',
    });
    bench.remove();
    const argv = ['ca', 'apply', 'ca/private-environment.yaml', '--yes'];
    const refused = await service.evpki(argv);
    expect([refused.status, refused.stderr]).toEqual([5, expect.stringMatching(/is a demo/)]);
    expect((await service.evpki([...argv, '--allow-demo'])).status).toBe(0);
  });
});

// Which is OpenSSL's.
describe.skipIf(noOpenssl)('an authority under an external root', () => {
  let service: CliService;
  let bench: Workbench;
  beforeAll(async () => {
    bench = workbench();
    service = await emptyService();
  });
  afterAll(() => bench?.remove());
  const path = (name: string) => join(bench.folder, name);

  const sign = (out: string) => {
    bench.write(
      'extensions.cnf',
      'basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n' +
        'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n',
    );
    bench.openssl(
      ...['x509', '-req', '-in', 'sub.csr', '-CA', 'root.pem', '-CAkey', 'root.key'],
      ...['-extfile', 'extensions.cnf', '-out', out, '-days', '400', '-set_serial', '0x1234'],
    );
    bench.write('chain.pem', bench.read(out) + bench.read('root.pem'));
  };

  test('apply says what is next, and doing that activates it and what is below', async () => {
    const applied = await service.evpki([
      ...['ca', 'apply', 'ca/cpo-under-external-root.yaml', '--yes'],
    ]);
    expect(applied.stdout).toContain(
      '  evpki authority csr cpo-sub-ca-1 --out cpo-sub-ca-1.csr\n' +
        '  evpki authority activate cpo-sub-ca-1 --chain chain.pem\n',
    );
    expect(applied.stdout).not.toContain('authority csr cpo-sub-ca-2');
    const csr = await service.evpki(['authority', 'csr', 'cpo-sub-ca-1', '--out', path('sub.csr')]);
    expect([csr.status, csr.stderr]).toEqual([0, '']);
    const printed = await service.evpki(['authority', 'csr', 'cpo-sub-ca-1']);
    expect(printed.stdout).toBe(bench.read('sub.csr'));
    bench.openssl(
      ...['req', '-x509', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
      ...['-nodes', '-keyout', 'root.key', '-out', 'root.pem', '-days', '4000'],
      ...['-subj', '/CN=External V2G Root', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    );
    sign('sub.pem');
    const activate = ['authority', 'activate', 'cpo-sub-ca-1', '--chain'];
    const alone = await service.evpki([...activate, path('sub.pem')]);
    expect([alone.status, alone.stderr]).toEqual([6, expect.stringMatching(/self-signed root/)]);
    const secret = await service.evpki([...activate, path('root.key')]);
    expect([secret.status, secret.stderr]).toEqual([2, expect.stringMatching(/private key/)]);
    const activated = await service.evpki([...activate, path('chain.pem')]);
    expect(activated.status, activated.stderr).toBe(0);
    expect(activated.stdout).toMatch(/state +active/);
    const below = await service.evpki(['authority', 'show', 'cpo-sub-ca-2', '--json']);
    expect(JSON.parse(below.stdout).state).toBe('active');
  });

  test('rollover gives it a key that awaits, and one below it a certificate', async () => {
    const below = await service.evpki(['authority', 'rollover', 'cpo-sub-ca-2', '--json']);
    expect(JSON.parse(below.stdout).issuers[0]).toMatchObject({ generation: 2, state: 'active' });
    const upper = await service.evpki(['authority', 'rollover', 'cpo-sub-ca-1']);
    expect(upper.stdout).toMatch(/Issuer, generation 2\n.*\n.*awaiting-certificate/);
    expect(upper.stderr).toContain('Next: evpki authority csr cpo-sub-ca-1');
    const again = await service.evpki(['authority', 'rollover', 'cpo-sub-ca-1']);
    expect(again.status).toBe(5);
  });
});
