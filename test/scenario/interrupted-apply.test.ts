/** Applying a hierarchy that breaks off anywhere, is applied again, and by several at once. */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ensureInstanceAuthority } from '../../src/services/api-certificate.ts';
import { applyDeclaration } from '../../src/services/hierarchy-requests.ts';
import { brokenPromises } from '../support/broken-promises.ts';
import { type TestDatabase, testBackends } from '../support/databases.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { type Services, servicesOver } from '../support/services.ts';

const document = parse(readFileSync('ca/demo.yaml', 'utf8'));
const declared = Object.keys(document.authorities).sort();
const administrator = { actor: 'client:a', organizationId: 'instance', roles: ['super'] };

class Interrupted extends Error {}

describe.each(testBackends)('ca/demo.yaml on $name', ({ open }) => {
  let dataDir: string;
  let opened: TestDatabase;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'evpki-apply-'));
  });
  afterAll(() => rm(dataDir, { recursive: true }));

  /** Services that break off at a point, once it has been passed so often. */
  const services = async (point?: string, times = 1, processId = 'process-1') => {
    let left = times;
    const pass = (passed: string) => {
      if (passed !== point) return;
      left -= 1;
      if (left === 0) throw new Interrupted(point);
    };
    const database = processId === 'process-1' ? opened.database : await opened.open(processId);
    return servicesOver(database, {
      ...{ declarations: demoDeclarations(), dataDir, vault: 'known', processId, pass },
    });
  };
  const apply = (over: Services) =>
    applyDeclaration(
      { ...over, instance: { demo: true, missingSettings: [] } },
      administrator,
      document,
      { dryRun: false, allowDemo: false },
    );
  const prepared = async () => {
    opened = await open();
    const over = await services();
    await over.declarations.activate();
    await ensureInstanceAuthority(over);
  };
  /** Everything as declared, once; and no promise broken. */
  const expectComplete = async () => {
    const over = await services();
    const authorities = await over.authorities.listAuthorities();
    const there = authorities.filter(({ id }) => id !== 'instance-ca');
    expect(there.map(({ id }) => id)).toEqual(declared);
    expect(there.filter(({ state }) => state !== 'active')).toEqual([]);
    for (const { id } of there) expect(await over.authorities.listIssuers(id)).toHaveLength(1);
    const again = await apply(over);
    expect(new Set(again.steps.map(({ action }) => action))).toEqual(new Set(['unchanged']));
    await over.store.abandonExpired(new Date(Date.now() + 120_000));
    expect(await brokenPromises(over.database, { handedOut: [] })).toEqual([]);
  };

  test.each([
    ['createOrganization:before', 1],
    ['createOrganization:after', 3],
    ['generate:after', 2],
    ['createAuthority:before', 4],
    ['createAuthority:after', 1],
    ['createAuthority:after', 6],
    ['recordPending:before', 2],
    ['recordPending:after', 5],
    ['sign:after', 3],
    ['recordIssued:before', 7],
    ['findAuthority:after', 8],
  ])('broken off at %s, passing %i, it is finished when applied again', async (point, times) => {
    await prepared();
    try {
      await expect(apply(await services(point, times))).rejects.toThrow(Interrupted);
      await apply(await services());
      await expectComplete();
    } finally {
      await opened.remove();
    }
  });

  test('applied by several at once, everything is there once', async () => {
    await prepared();
    try {
      const others = opened.url.startsWith('sqlite:')
        ? [await services(), await services()]
        : [await services(undefined, 1, 'process-2'), await services(undefined, 1, 'process-3')];
      const all = [await services(), ...others];
      await Promise.all(all.map(apply));
      await expectComplete();
    } finally {
      await opened.remove();
    }
  });
});
