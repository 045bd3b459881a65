/** A sub-CA under another organization's authority: granted, used, withdrawn. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditStore } from '../../src/storage/audit.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { workbench } from '../support/openssl.ts';
import { withOpenssl } from '../support/other-tools.ts';

let dataDir: string;
let evpki: TestApp;
let owner: (method: string, path: string, body?: unknown) => Promise<Answer>;
let other: typeof owner;
let stranger: typeof owner;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'evpki-grants-'));
  evpki = await startTestApp({ dataDir });
  const administratorOf = async (organization: string) => {
    const token = await evpki.tokenOf(organization, ['pki-officer']);
    const headers = { authorization: `Bearer ${token}` };
    return (method: string, path: string, body?: unknown) =>
      evpki.call(method, path, body, headers);
  };
  owner = await administratorOf('demo-v2g');
  other = await administratorOf('demo-mo');
  stranger = await administratorOf('demo-oem');
});
afterAll(async () => {
  await evpki?.close();
  rmSync(dataDir, { recursive: true });
});

const sub = {
  ...{ id: 'mo-under-v2g', title: 'MO under V2G', profile: 'iso15118-2-cpo-sub-ca-1' },
  ...{ key: 'P-256', under: 'v2g-root' },
};
const GRANT = '/v1/authorities/v2g-root/grants/demo-mo';

describe('W8 before it is granted', () => {
  test('the authority does not exist for the other organization', async () => {
    const hidden = await other('POST', '/v1/authorities', sub);
    const missing = await other('POST', '/v1/authorities', { ...sub, under: 'nowhere' });
    expect([hidden.status, hidden.json.code]).toEqual([422, 'declaration-invalid']);
    const withoutIds = ({ status, json: { requestId: _, ...json } }: Answer) =>
      JSON.stringify([status, json]).replaceAll('nowhere', 'v2g-root');
    expect(withoutIds(hidden)).toBe(withoutIds(missing));
    const hierarchy = {
      hierarchy: 'mine',
      organizations: {},
      authorities: { 'mo-under-v2g': { ...sub, id: undefined, organization: 'demo-mo' } },
    };
    const applied = await other('POST', '/v1/hierarchies', hierarchy);
    expect(applied.json.violations).toEqual(hidden.json.violations);
    expect((await other('GET', '/v1/authorities/mo-under-v2g')).status).toBe(404);
  });

  test('nor can it grant itself what is not its own', async () => {
    for (const caller of [other, stranger]) {
      expect((await caller('PUT', GRANT)).status).toBe(404);
      expect((await caller('DELETE', GRANT)).status).toBe(404);
      expect((await caller('GET', '/v1/authorities/v2g-root/grants')).status).toBe(404);
    }
    expect((await other('GET', '/v1/organizations/demo-mo/grants')).json.items).toEqual([]);
  });

  test('its owner grants nothing to nobody, nor to itself', async () => {
    const to = (id: string) => owner('PUT', `/v1/authorities/v2g-root/grants/${id}`);
    expect((await to('nowhere')).status).toBe(404);
    expect((await to('demo-v2g')).status).toBe(409);
  });
});

describe('granted', () => {
  test('both hear of it, and of no more than they need', async () => {
    const given = await owner('PUT', GRANT);
    expect(given.status, given.text).toBe(201);
    const { grantedAt } = given.json;
    expect(given.json).toEqual({ authority: 'v2g-root', organization: 'demo-mo', grantedAt });
    const again = await owner('PUT', GRANT);
    expect([again.status, again.json]).toEqual([200, given.json]);
    const received = await other('GET', '/v1/organizations/demo-mo/grants');
    expect(received.json.items).toEqual([
      {
        authority: 'v2g-root',
        title: 'Demo V2G Root CA',
        profile: 'iso15118-2-v2g-root',
        grantedAt,
      },
    ]);
    // The authority itself stays hidden, and so does its list of grants.
    expect((await other('GET', '/v1/authorities/v2g-root')).status).toBe(404);
    expect((await other('GET', '/v1/authorities/v2g-root/grants')).status).toBe(404);
    const granted = (await owner('GET', '/v1/authorities/v2g-root/grants')).json.items;
    expect(granted.map(({ organization }: { organization: string }) => organization)).toEqual([
      'demo-cpo',
      'demo-cps',
      'demo-mo',
    ]);
  });

  test('an authority is made under it, once, and OpenSSL accepts its chain', async () => {
    const made = await other('POST', '/v1/authorities', sub);
    expect([made.status, made.json.state], made.text).toEqual([201, 'active']);
    expect(made.json).toMatchObject({ organization: 'demo-mo', under: 'v2g-root' });
    const again = await other('POST', '/v1/authorities', sub);
    expect([again.status, again.json]).toEqual([200, made.json]);
    const differing = await other('POST', '/v1/authorities', { ...sub, title: 'X' });
    expect([differing.status, differing.json.violations[0].message]).toEqual([
      409,
      'title: declared X, exists as MO under V2G',
    ]);

    const chain: string = made.json.issuers[0].certificateChain;
    withOpenssl(() => {
      const bench = workbench();
      bench.write('chain.pem', chain);
      bench.write('root.pem', chain.slice(chain.lastIndexOf('-----BEGIN')));
      const verified = bench.openssl(
        ...['verify', '-x509_strict', '-CAfile', 'root.pem', 'chain.pem'],
      );
      expect(verified).toBe('chain.pem: OK\n');
      bench.remove();
    });
  });

  test('its own organization rolls it over', async () => {
    const { status, json } = await other('POST', '/v1/authorities/mo-under-v2g/rollover');
    expect([status, json.issuers[0].state, json.issuers[0].generation]).toEqual([201, 'active', 2]);
  });

  test('W8 it is for that organization alone', async () => {
    const made = await stranger('POST', '/v1/authorities', { ...sub, id: 'oem-under-v2g' });
    expect([made.status, made.json.code]).toEqual([422, 'declaration-invalid']);
    // Nor for another organization that the caller does not reach.
    const forOther = { ...sub, id: 'oem-under-v2g', organization: 'demo-oem' };
    const asked = await other('POST', '/v1/authorities', forOther);
    const messages = asked.json.violations.map(({ message }: { message: string }) => message);
    expect(messages).toEqual(['there is no organization demo-oem']);
    const rolled = await stranger('POST', '/v1/authorities/mo-under-v2g/rollover');
    expect(rolled.status).toBe(404);
  });

  test('W8 a taken id is only that', async () => {
    const { status, json } = await stranger('POST', '/v1/authorities', {
      ...{ id: 'mo-under-v2g', title: 'OEM', profile: 'iso15118-2-oem-sub-ca-1' },
      ...{ key: 'P-256', under: 'oem-root' },
    });
    expect([status, json.code, json.violations]).toEqual([409, 'conflict', undefined]);
    expect(json.detail).toBe('there is another authority mo-under-v2g');
  });
});

describe('withdrawn', () => {
  test('nothing new is certified, for nobody', async () => {
    expect((await owner('DELETE', GRANT)).status).toBe(204);
    expect((await owner('DELETE', GRANT)).status).toBe(404);
    const rolled = await other('POST', '/v1/authorities/mo-under-v2g/rollover');
    expect([rolled.status, rolled.json.code]).toEqual([409, 'authority-not-granted']);
    const made = await other('POST', '/v1/authorities', { ...sub, id: 'mo-under-v2g-2' });
    expect([made.status, made.json.code]).toEqual([422, 'declaration-invalid']);
    const administrator = await evpki.call('POST', '/v1/authorities/mo-under-v2g/rollover');
    expect([administrator.status, administrator.json.code]).toEqual([409, 'authority-not-granted']);
    const { issuers } = (await other('GET', '/v1/authorities/mo-under-v2g')).json;
    expect(issuers.map(({ generation }: { generation: number }) => generation)).toEqual([2, 1]);
  });

  test('what is certified goes on', async () => {
    expect((await other('GET', '/v1/authorities/mo-under-v2g')).json.state).toBe('active');
    const below = {
      ...{ id: 'mo-below', title: 'MO below', profile: 'iso15118-2-cpo-sub-ca-2' },
      ...{ key: 'P-256', under: 'mo-under-v2g' },
    };
    const made = await other('POST', '/v1/authorities', below);
    expect([made.status, made.json.state], made.text).toEqual([201, 'active']);
  });
});

test('whoever signed takes it back, with or without a grant', async () => {
  const query = 'profile=iso15118-2-cpo-sub-ca-1';
  const [newest] = (await other('GET', `/v1/certificates?${query}`)).json.items;
  const path = `/v1/certificates/${newest.id}/revocation`;
  expect((await stranger('POST', path, { reason: 'cACompromise' })).status).toBe(404);
  expect((await owner('POST', path, { reason: 'cACompromise' })).status).toBe(200);
  expect((await other('GET', '/v1/authorities/mo-under-v2g')).json.state).toBe('revoked');
});

test('K6 both organizations have all of it in their logs', async () => {
  await evpki.close();
  const database = await openDatabase(`sqlite:${join(dataDir, 'evpki.sqlite')}`, {
    clock: () => new Date(),
    processId: 'reader',
  });
  const audit = auditStore(database);
  const streams = await audit.listStreams();
  const entries = (
    await Promise.all(streams.map(({ stream }) => audit.readStream(stream, 0, 10_000)))
  ).flat();
  await database.close();
  const crossing = (organization: string) =>
    entries
      .filter(({ organizationId }) => organizationId === organization)
      .filter(({ actor }) => actor !== 'evpki')
      .filter(
        ({ action, details }) =>
          /^authority-grant|^certificate.revoked/.test(action) || /MO under V2G/.test(details),
      )
      .map(({ action }) => action);
  const both = [
    'authority-grant.granted',
    'certificate.issued',
    'certificate.issued',
    'authority-grant.withdrawn',
    'certificate.revoked',
  ];
  expect(crossing('demo-v2g')).toEqual(both);
  expect(crossing('demo-mo')).toEqual(both);
});
