/** What is done with authorities by roles that are for some kinds of certificates only. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Principal, parseAccessPolicy } from '../../src/services/access-policy.ts';
import { activateAuthority } from '../../src/services/activation.ts';
import { rollOver } from '../../src/services/authorities.ts';
import { grantAuthority, withdrawGrant } from '../../src/services/authority-grants.ts';
import { crossCertification } from '../../src/services/cross-certification.ts';
import { ServiceError } from '../../src/services/errors.ts';
import { applyDeclaration, declareAuthority } from '../../src/services/hierarchy-requests.ts';
import { type TestDatabase, testBackends } from '../support/databases.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { type Services, servicesOver, start } from '../support/services.ts';

const everything = [
  ...['authorities:create', 'authorities:create-root', 'authorities:activate'],
  ...['authorities:roll-over', 'authorities:cross-certify', 'authorities:grant'],
  'hierarchies:apply',
];
const parsed = parseAccessPolicy(
  {
    roles: {
      roots: { description: 'x', actions: everything, kinds: ['root-ca'] },
      subs: { description: 'x', actions: everything, kinds: ['sub-ca'] },
      stations: { description: 'x', actions: everything, kinds: ['station'] },
      all: { description: 'x', actions: everything },
      // Either has half of what a root takes.
      'root-maker': { description: 'x', actions: ['authorities:create'], kinds: ['root-ca'] },
      'root-crowner': {
        description: 'x',
        actions: ['authorities:create', 'authorities:create-root'],
        kinds: ['sub-ca'],
      },
    },
  },
  'access.yaml',
);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
const { policy: access } = parsed;

const as = (...roles: string[]): Principal => ({
  ...{ actor: 'client:a', organizationId: 'demo-cpo', roles },
});

const [sqlite] = testBackends;

describe('C7 a role that is for some kinds of certificates', () => {
  let opened: TestDatabase;
  let services: Services & { instance: { demo: boolean; missingSettings: string[] } };
  let made = 0;

  beforeAll(async () => {
    if (!sqlite) throw new Error('there is no SQLite');
    opened = await sqlite.open();
    const declarations = { ...demoDeclarations(), access };
    services = {
      ...(await servicesOver(opened.database, {
        ...{ declarations, dataDir: '', vault: 'known', processId: 'process-1' },
      })),
      instance: { demo: true, missingSettings: [] },
    };
    services.keep = async () => undefined;
    await start(services);
  });
  afterAll(() => opened?.remove());

  /** `done`, or the codes of what stood against it. */
  const outcome = async (act: Promise<unknown>): Promise<string[]> => {
    try {
      await act;
      return ['done'];
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const found = error.violations.map(({ code, field }) => `${code} ${field}`);
      return found.length > 0 ? found : [error.code];
    }
  };
  const authority = async (id: string) => {
    const found = await services.authorities.findAuthority(id);
    if (!found) throw new Error(`there is no ${id}`);
    return found;
  };
  const sub = { profile: 'ocpp-station-ca', key: 'P-256', under: 'ocpp-root' };
  const root = { profile: 'ocpp-root', key: 'P-256' };
  const create = (roles: string[], details: object) => {
    const id = `made-${++made}`;
    const wanted = { id, title: `Made ${made}`, ...sub, ...details };
    return outcome(declareAuthority(services, as(...roles), wanted));
  };
  const createRoot = (roles: string[]) => create(roles, { ...root, under: undefined });
  const field = () => `authorities.made-${made}`;

  test('creates authorities of these kinds only', async () => {
    expect(await create(['subs'], {})).toEqual(['done']);
    expect(await create(['all'], {})).toEqual(['done']);
    expect(await create(['roots'], {})).toEqual([`not-permitted ${field()}.profile`]);
    expect(await create(['stations'], {})).toEqual([`not-permitted ${field()}.profile`]);
    expect(await create(['stations'], { under: 'external' })).toEqual([
      `not-permitted ${field()}.profile`,
    ]);
    expect(await services.authorities.findAuthority(`made-${made}`)).toBeUndefined();
  });

  test('creates roots if one role permits that for roots; two are never added up', async () => {
    expect(await createRoot(['roots'])).toEqual(['done']);
    expect(await createRoot(['subs'])).toEqual([
      ...[`not-permitted ${field()}.profile`, `not-permitted ${field()}`],
    ]);
    expect(await createRoot(['root-maker', 'root-crowner'])).toEqual([`not-permitted ${field()}`]);
  });

  test('applies hierarchies of these kinds only, and hears of every authority', async () => {
    const document = {
      ...{ hierarchy: 'kinds', demo: true, organizations: {} },
      authorities: {
        'kinds-root': { title: 'Root', organization: 'demo-cpo', ...root },
        'kinds-sub': { title: 'Sub', organization: 'demo-cpo', ...sub, under: 'kinds-root' },
      },
    };
    const apply = (role: string, dryRun: boolean) =>
      outcome(applyDeclaration(services, as(role), document, { dryRun, allowDemo: false }));
    for (const dryRun of [true, false]) {
      expect(await apply('subs', dryRun)).toEqual([
        'not-permitted authorities.kinds-root.profile',
        'not-permitted authorities.kinds-root',
      ]);
      expect(await apply('roots', dryRun)).toEqual(['not-permitted authorities.kinds-sub.profile']);
    }
    expect(await services.authorities.findAuthority('kinds-root')).toBeUndefined();
    expect(await apply('all', false)).toEqual(['done']);
    // What is there already takes nothing.
    expect(await apply('stations', false)).toEqual(['done']);
  });

  test('rolls over authorities of these kinds only', async () => {
    const station = await authority('ocpp-station-ca');
    const over = (role: string) => outcome(rollOver(services, as(role), station));
    expect(await over('roots')).toEqual(['not-permitted']);
    expect(await over('stations')).toEqual(['not-permitted']);
    expect(await services.authorities.listIssuers(station.id)).toHaveLength(1);
    expect(await over('subs')).toEqual(['done']);
  });

  test('activates authorities of these kinds only', async () => {
    await create(['subs'], { profile: 'iso15118-2-cpo-sub-ca-1', under: 'external' });
    const awaiting = await authority(`made-${made}`);
    const activate = (role: string) =>
      outcome(activateAuthority(services, as(role), awaiting, 'nothing'));
    expect(await activate('roots')).toEqual(['not-permitted']);
    expect(await activate('subs')).toEqual(['activation-unreadable certificateChain']);
  });

  test('grants authorities of these kinds only, and takes those back', async () => {
    const grant = (role: string) =>
      outcome(grantAuthority(services, as(role), 'ocpp-station-ca', 'demo-mo'));
    const withdraw = (role: string) =>
      outcome(withdrawGrant(services, as(role), 'ocpp-station-ca', 'demo-mo'));
    expect(await grant('roots')).toEqual(['not-permitted']);
    expect(await grant('subs')).toEqual(['done']);
    expect(await withdraw('roots')).toEqual(['not-permitted']);
    expect(await withdraw('subs')).toEqual(['done']);
  });

  test('cross-certifies only if it is for that', async () => {
    const certified = await authority('ocpp-root');
    const cross = (role: string) =>
      outcome(crossCertification(services, as(role), certified, foreignRoot().pem));
    expect(await cross('roots')).toEqual(['not-permitted']);
    // No profile lets this one do so: it was asked.
    expect(await cross('all')).toEqual(['issuer-not-allowed issuer']);
  });
});
