/**
 * W8: every operation of openapi.yaml, asked by every role of policies/access.yaml, of its own
 * organization and of another one. What each hears is derived from the two files.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isForClients } from '../../src/services/access-policy.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { exportAsTwo } from '../support/exports.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import {
  type ApiOperation,
  declaredRoles,
  deviation,
  expected,
  operations,
  pathFor,
  type Row,
  type Side,
  says,
} from '../support/role-matrix.ts';
import { opcpRows } from '../support/role-matrix-opcp.ts';
import { opncRows } from '../support/role-matrix-opnc.ts';
import { leaves, newCertificate, rows as restRows } from '../support/role-matrix-rows.ts';
import { newCaller } from '../support/second-person.ts';

const rows = { ...restRows, ...opcpRows, ...opncRows };
const roles = Object.keys(declaredRoles).filter(isForClients);
const isPublic = ({ action }: ApiOperation) => action === 'public';
const matrix = operations
  .filter((operation) => !isPublic(operation))
  .flatMap((operation) =>
    (rows[operation.id] ?? []).map((row) => ({
      name: `${operation.id}${row.about === undefined ? '' : `, ${row.about}`}`,
      operation,
      row,
    })),
  );
const cases = (row: Row) =>
  roles.flatMap((role) =>
    (row.foreign === 'same' ? (['own'] as const) : (['own', 'foreign'] as const)).map((whose) => ({
      role,
      whose,
    })),
  );

const authorities: readonly (readonly [string, string, string?])[] = [
  ['ocpp-root', 'ocpp-root'],
  ['ocpp-station-ca', 'ocpp-station-ca', 'ocpp-root'],
  ['ocpp-server-ca', 'ocpp-server-ca', 'ocpp-root'],
  ['mo-root', 'iso15118-2-mo-root'],
  ['mo-1', 'iso15118-2-mo-sub-ca-1', 'mo-root'],
  ['mo-2', 'iso15118-2-mo-sub-ca-2', 'mo-1'],
  ['oem-root', 'iso15118-2-oem-root'],
  ['oem-1', 'iso15118-2-oem-sub-ca-1', 'oem-root'],
  ['oem-2', 'iso15118-2-oem-sub-ca-2', 'oem-1'],
  ['maker-root', 'ocpp-manufacturer-root'],
  ['v2g-root', 'iso15118-2-v2g-root'],
  ['cps-1', 'iso15118-2-cps-sub-ca-1', 'v2g-root'],
  ['cps-2', 'iso15118-2-cps-sub-ca-2', 'cps-1'],
  ['awaiting', 'iso15118-2-cpo-sub-ca-1', 'external'],
];

/** Two organizations, each with everything that the matrix asks about. */
const hierarchy = JSON.stringify({
  hierarchy: 'matrix',
  description: 'Two organizations with the same authorities',
  demo: true,
  organizations: Object.fromEntries(
    ['alpha', 'beta'].map((id) => [
      id,
      {
        ...{ name: `Organization ${id}`, country: 'DE', roles: ['cpo', 'mo', 'oem'] },
        ...{ wmis: ['TST'], providers: ['DE8EV'] },
      },
    ]),
  ),
  authorities: Object.fromEntries(
    ['alpha', 'beta'].flatMap((organization) =>
      authorities.map(([id, profile, under]) => [
        `${organization}-${id}`,
        {
          ...{ title: `${organization} ${id}`, organization, profile, key: 'P-256' },
          ...(under === undefined
            ? {}
            : { under: under === 'external' ? under : `${organization}-${under}` }),
        },
      ]),
    ),
  ),
});

describe('W8 the rows of the matrix', () => {
  test('there is one for every operation, and none besides', () => {
    const ids = operations.filter((operation) => !isPublic(operation)).map(({ id }) => id);
    expect(Object.keys(rows).sort()).toEqual(ids.sort());
    expect(Object.entries(rows).filter(([, some]) => some.length === 0)).toEqual([]);
  });

  test('every operation on one thing is asked of another organization, too', () => {
    const missing = matrix.filter(
      ({ operation, row }) => operation.path.includes('{') && row.foreign === 'same',
    );
    expect(missing).toEqual([]);
  });

  test('each has a role that may and one that may not, and what they hear differs', () => {
    for (const { name, operation, row } of matrix) {
      const heard = roles.map((role) => expected(role, operation, row, 'own').statuses);
      const may = heard.filter((statuses) => statuses === row.success);
      const mayNot = heard.filter((statuses) => !statuses.some((one) => row.success.includes(one)));
      expect(may.length, name).toBeGreaterThan(0);
      expect(mayNot.length, name).toBeGreaterThan(0);
    }
  });
});

describe('W8 the matrix', () => {
  let evpki: TestApp;
  let folder: string;
  const sides: Record<string, Side> = {};
  const tokens = new Map<string, string>();
  let count = 0;

  let administrator: Awaited<ReturnType<typeof newCaller>>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'evpki-matrix-'));
    writeFileSync(join(folder, 'matrix.yaml'), hierarchy);
    evpki = await startTestApp({ hierarchy: join(folder, 'matrix.yaml') });
    // Not the first one: what that proposes is approved by nobody whom it has made.
    administrator = await newCaller(evpki);
    sides.own = await sideOf('alpha');
    sides.foreign = await sideOf('beta');
    for (const role of roles) tokens.set(role, await evpki.tokenOf('alpha', [role]));
  });
  afterAll(async () => {
    await evpki?.close();
    rmSync(folder, { recursive: true, force: true });
    process.stdout.write(`role matrix: ${count} cases\n`);
  });

  const made = async (method: string, path: string, body?: unknown) => {
    const answer = await evpki.call(method, path, body);
    expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
    return answer.json;
  };

  async function sideOf(organization: string): Promise<Side> {
    const station = `CS-of-${organization}`;
    await made('PUT', `/v1/stations/${station}?organization=${organization}`, {
      serialNumber: 'CS-1',
    });
    const certificates: Record<string, string> = {};
    let request = '';
    for (const leaf of leaves) {
      const body = newCertificate({ organization, station }, leaf);
      const issued = await made('POST', '/v1/certificates', body);
      certificates[leaf.kind] = issued.id;
      request = issued.request;
    }
    const subCas = await made('GET', `/v1/certificates?authority=${organization}-ocpp-root`);
    const isSubCa = ({ profile }: { profile: string }) => profile === 'ocpp-server-ca';
    certificates['sub-ca'] = subCas.items.find(isSubCa).id;
    const client = { name: 'target', organization, roles: ['read-only'] };
    const root = { certificate: foreignRoot().pem, organization };
    const above = `${organization}-ocpp-root`;
    const exported = await exportAsTwo(evpki, `${organization}-handed-out`, { above });
    return {
      ...{ organization, station, certificates, request },
      exported: exported.authority,
      authority: `${organization}-ocpp-station-ca`,
      awaiting: `${organization}-awaiting`,
      client: (await made('POST', '/v1/api-clients', client)).clientId,
      anchor: (await made('POST', '/v1/trust-anchors', root)).id,
    };
  }

  test.each(matrix)('$name', async ({ operation, row }) => {
    const deviations: string[] = [];
    for (const { role, whose } of cases(row)) {
      const side = sides[whose];
      if (!side) throw new Error(whose);
      const ask = await row.ask(side, administrator);
      const answer = await evpki.call(operation.method, pathFor(operation, ask), ask.body, {
        authorization: `Bearer ${tokens.get(role)}`,
      });
      count += 1;
      const expectation = expected(role, operation, row, whose);
      for (const what of deviation(expectation, answer, row.listed?.(side))) {
        deviations.push(`${role}, ${whose}: ${what}`);
      }
    }
    expect(deviations).toEqual([]);
  });

  test.each(operations.filter((operation) => !isPublic(operation)))(
    '$id, without credentials and with those of nobody',
    async (operation) => {
      const wanted = { status: 401, code: 'not-authenticated', sentence: /token/ };
      const path = operation.path.replace(/\{\w+\}/g, 'x');
      for (const headers of [{}, { authorization: `Bearer evpki_tok_${'A'.repeat(43)}` }]) {
        const answer = await evpki.call(operation.method, path, undefined, headers);
        expect(says(operation, answer, wanted), answer.text).toBe(true);
        count += 1;
      }
    },
  );
});

describe('W8 the bootstrap secret', () => {
  let evpki: TestApp;
  beforeAll(async () => {
    evpki = await startTestApp({ keepBootstrap: true });
  });
  afterAll(() => evpki?.close());

  test('does the one thing that its role lists, once', async () => {
    const secret = readFileSync(join(evpki.dataDir, 'bootstrap-secret'), 'utf8').trim();
    const headers = { authorization: `Bearer ${secret}` };
    const side = {
      ...{ organization: 'demo-cpo', station: 'CS-1', authority: 'ocpp-root' },
      ...{ awaiting: 'ocpp-root', certificates: {}, client: 'cli_x', request: 'req_x' },
      ...{ anchor: 'anc_x', exported: 'ocpp-root' },
    };
    for (const { name, operation, row } of matrix) {
      if (operation.id === 'createApiClient') continue;
      const ask = await row.ask({ ...side, certificates: {} }, async () => ({
        ...{ status: 0, headers: {}, text: '', json: { clientId: 'cli_x' } },
      }));
      const path = pathFor(operation, {
        ...ask,
        params: { ...ask.params, id: ask.params?.id || 'x' },
      });
      const answer = await evpki.call(operation.method, path, ask.body, headers);
      const wanted = { status: 403, code: 'not-permitted', sentence: /permits/ };
      expect(says(operation, answer, wanted), `${name}: ${answer.text}`).toBe(true);
    }
    const create = () => evpki.call('POST', '/v1/api-clients', { name: 'ada' }, headers);
    expect((await create()).status).toBe(201);
    expect((await create()).status).toBe(409);
  });
});
