/** Collecting an export: what is there when its process dies, wherever that happens. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal } from '../../src/services/access-policy.ts';
import { collectExport } from '../../src/services/export-collection.ts';
import { proposeExport } from '../../src/services/exports.ts';
import { approveProposal } from '../../src/services/proposal-approval.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { storeClient } from '../support/clients.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { type PreparedDatabase, preparedBackends } from '../support/prepared-databases.ts';
import { type Services, servicesOver, start } from '../support/services.ts';

const organizationId = 'demo-cpo';
const officer: Principal = { actor: 'client:a', organizationId, roles: ['pki-officer'] };
const approver: Principal = { actor: 'client:b', organizationId, roles: ['approver'] };
const PASSPHRASE = 'a passphrase of the service test';

describe.each(preparedBackends)('on $name, an export whose process dies', (backend) => {
  let prepared: PreparedDatabase;
  let database: Database;
  /** The process after that one. */
  let next: Services;
  /** Where the process dies; nothing of it comes through from then on. */
  let deadly: string | undefined;
  let isDead = false;
  let dying: Services;
  let count = 0;

  beforeAll(async () => {
    prepared = await backend.empty();
    const processId = 'process-1';
    const clock = () => new Date();
    database = await openDatabase(prepared.url, { clock, processId });
    const options = {
      ...{ dataDir: prepared.dataDir, vault: 'known' as const, processId, clock },
      declarations: demoDeclarations(),
    };
    next = await servicesOver(database, options);
    await start(next);
    for (const principal of [officer, approver]) await storeClient(next, principal);
    dying = await servicesOver(database, {
      ...options,
      pass: (point) => {
        isDead ||= point === deadly;
        if (isDead) throw new Error('killed');
      },
    });
  });
  afterAll(async () => {
    await database?.close();
    await prepared?.remove();
  });

  const root = async (services: Services) => {
    const found = await services.authorities.findAuthority('ocpp-root');
    if (!found) throw new Error('there is no ocpp-root');
    return found;
  };
  const approved = async () => {
    const id = `csms-${++count}`;
    const wish = { id, title: `Title of ${id}`, key: 'P-256' as const };
    const { proposal } = await proposeExport(next, officer, await root(next), wish);
    const { sha256 } = proposal;
    await approveProposal(next, approver, proposal.id, sha256);
    return { id, proposal: proposal.id };
  };
  const collect = async (services: Services, proposal: string) =>
    collectExport(services, officer, await root(next), proposal, PASSPHRASE);
  const killedAt = async (point: string) => {
    const wanted = await approved();
    deadly = point;
    try {
      await expect(collect(dying, wanted.proposal)).rejects.toThrow('killed');
    } finally {
      deadly = undefined;
      isDead = false;
    }
    return wanted;
  };

  test('before anything is written: it is collected by the next process', async () => {
    const { id, proposal } = await killedAt('createExported:before');
    expect(await next.authorities.findAuthority(id)).toBeUndefined();
    const made = await collect(next, proposal);
    const key = createPrivateKey({
      ...{ key: Buffer.from(made.encryptedKey), format: 'der', type: 'pkcs8' },
      passphrase: PASSPHRASE,
    });
    expect(new X509Certificate(made.chain[0] ?? '').checkPrivateKey(key)).toBe(true);
    expect(made.authority).toMatchObject({ id, state: 'active', exportedBy: proposal });
  });

  test.each([
    'createExported:after',
    'recordPending:before',
    'recordPending:after',
    'sign:before',
    'sign:after',
    'recordIssued:before',
  ])('at %s: its key is nobody’s, and never becomes an authority’s', async (point) => {
    const { id, proposal } = await killedAt(point);
    await next.store.abandonExpired(new Date(Date.now() + 120_000));
    await start(next);
    expect(await next.authorities.findAuthority(id)).toMatchObject({
      ...{ state: 'awaiting-certificate', exportedBy: proposal },
    });
    await expect(collect(next, proposal)).rejects.toThrow('no key is handed out twice');
    // The same is had by asking anew, under another name.
    expect((await collect(next, (await approved()).proposal)).authority.state).toBe('active');
  });

  test('between the certificate and the answer: it is there to be revoked, the key is not', async () => {
    const { id, proposal } = await killedAt('recordIssued:after');
    expect(await next.authorities.findAuthority(id)).toMatchObject({ state: 'active' });
    await expect(collect(next, proposal)).rejects.toThrow(`made ${id}: no key is handed out twice`);
  });
});
