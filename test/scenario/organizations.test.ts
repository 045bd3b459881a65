/** Organizations over the API: who makes, changes and sees them, and what certificates make of it. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { readPemBlocks } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

let evpki: TestApp;
let administrator: Record<string, string>;
beforeAll(async () => {
  evpki = await startTestApp();
  const token = await evpki.tokenOf('demo-cpo', ['pki-officer']);
  administrator = { authorization: `Bearer ${token}` };
});
afterAll(() => evpki?.close());

const cpo = { id: 'new-cpo', name: 'New CPO', country: 'NL', roles: ['cpo'] };

describe('POST /v1/organizations', () => {
  test('makes one; the same again changes nothing, another by its id is a conflict', async () => {
    const made = await evpki.call('POST', '/v1/organizations', cpo);
    expect([made.status, made.headers.location]).toEqual([201, '/v1/organizations/new-cpo']);
    expect(made.json).toEqual({
      ...{ ...cpo, stationsOnFirstSight: false, wmis: [], providers: [], operators: [] },
    });
    expect((await evpki.call('POST', '/v1/organizations', cpo)).status).toBe(200);
    const other = { ...cpo, name: 'Other', country: 'BE', roles: ['mo'] };
    const { status, json } = await evpki.call('POST', '/v1/organizations', other);
    expect([status, json.code]).toEqual([409, 'conflict']);
    expect(json.violations.map(({ message }: { message: string }) => message)).toEqual([
      'name: declared Other, exists as New CPO',
      'country: declared BE, exists as NL',
      'roles: declared mo, exists as cpo',
    ]);
    expect((await evpki.call('GET', '/v1/organizations/new-cpo')).json).toEqual(made.json);
  });

  test('everything that is wrong is listed', async () => {
    const wrong = {
      id: 'Not an id',
      name: `two  spaces${'x'.repeat(64)}`,
      country: 'de',
      roles: ['cpo'],
    };
    const { status, json } = await evpki.call('POST', '/v1/organizations', wrong);
    expect([status, json.code]).toEqual([400, 'request-malformed']);
    const fields = json.violations.map(({ field }: { field: string }) => field);
    expect(fields).toEqual(['body.id', 'body.name', 'body.country']);
  });

  test.each([
    ['bidirectional override', 'New \u202eCPO'],
    ['zero-width space', 'New\u200bCPO'],
    ['line break', 'New\nCPO'],
    ['65 characters', 'x'.repeat(65)],
    ['nothing', ''],
  ])('C3 a name with %s is none', async (_what, name) => {
    const { status, json } = await evpki.call('POST', '/v1/organizations', {
      ...cpo,
      id: 'odd',
      name,
    });
    expect([status, json.violations[0].field]).toEqual([400, 'body.name']);
    expect((await evpki.call('GET', '/v1/organizations/odd')).status).toBe(404);
  });
});

describe('W8 an organization’s administrator', () => {
  const as = (method: string, path: string, body?: unknown) =>
    evpki.call(method, path, body, administrator);

  test('sees no organization but its own', async () => {
    const { json } = await as('GET', '/v1/organizations');
    expect(json.items.map(({ id }: { id: string }) => id)).toEqual(['demo-cpo']);
    expect((await as('GET', '/v1/organizations/demo-cpo')).status).toBe(200);
    const hidden = await as('GET', '/v1/organizations/demo-mo');
    const missing = await as('GET', '/v1/organizations/nowhere');
    expect([hidden.status, missing.status]).toEqual([404, 404]);
    expect(hidden.json.detail.replace('demo-mo', 'nowhere')).toBe(missing.json.detail);
    expect((await as('GET', '/v1/organizations/demo-mo/grants')).status).toBe(404);
  });

  test.each([
    ['POST', '/v1/organizations', cpo],
    ['PATCH', '/v1/organizations/demo-cpo', { name: 'Mine' }],
    ['PATCH', '/v1/organizations/demo-mo', { name: 'Mine' }],
  ])('changes none: %s %s', async (method, path, body) => {
    const { status, json } = await as(method, path, body);
    expect([status, json.code]).toEqual([403, 'not-permitted']);
  });
});

describe('PATCH /v1/organizations/{id}', () => {
  test('a new name stands in certificates from then on; old ones keep theirs', async () => {
    const renamed = await evpki.call('PATCH', '/v1/organizations/demo-oem', {
      name: 'Renamed OEM',
    });
    expect(renamed.json).toMatchObject({ id: 'demo-oem', name: 'Renamed OEM', roles: ['oem'] });
    const { json } = await evpki.call('POST', '/v1/authorities/oem-sub-ca-2/rollover');
    const organizations = json.issuers.map(({ certificateChain }: { certificateChain: string }) => {
      const [own] = readPemBlocks(certificateChain);
      const { subject } = readCertificate(own?.der ?? new Uint8Array());
      return subject.attributes.find(({ type }) => type === 'O')?.value;
    });
    expect(organizations[0]).toBe('Renamed OEM');
    expect(organizations[1]).not.toBe('Renamed OEM');
  });

  test('what is left out stays, and null takes the country away', async () => {
    const path = '/v1/organizations/new-cpo';
    await evpki.call('PATCH', path, { stationsOnFirstSight: true });
    const { json } = await evpki.call('PATCH', path, { country: null });
    expect(json).toEqual({
      id: 'new-cpo',
      name: 'New CPO',
      roles: ['cpo'],
      stationsOnFirstSight: true,
      ...{ wmis: [], providers: [], operators: [] },
    });
  });

  test('W8 WMIs and providers are lists in upper case, each once', async () => {
    const path = '/v1/organizations/new-cpo';
    const lists = { wmis: ['dem', '1Ev', 'DEM'], providers: ['de8ev', 'NL8EV'] };
    const changed = await evpki.call('PATCH', path, lists);
    expect(changed.json).toMatchObject({ wmis: ['DEM', '1EV'], providers: ['DE8EV', 'NL8EV'] });
    expect((await evpki.call('GET', path)).json).toEqual(changed.json);
    const wrong = { wmis: ['DE', 'Ä12', 'A-1'], providers: ['D18EV', 'DE-EV', 'DE8'] };
    const refused = await evpki.call('PATCH', path, wrong);
    const fields = refused.json.violations.map(({ field }: { field: string }) => field);
    expect([refused.status, fields]).toEqual([
      400,
      ['wmis.0', 'wmis.1', 'wmis.2', 'providers.0', 'providers.1', 'providers.2'].map(
        (field) => `body.${field}`,
      ),
    ]);
    const many = Array.from({ length: 101 }, (_, index) => String(index).padStart(3, '0'));
    expect((await evpki.call('PATCH', path, { wmis: many })).status).toBe(400);
    expect((await evpki.call('GET', path)).json).toEqual(changed.json);
    expect((await evpki.call('PATCH', path, { wmis: [] })).json.wmis).toEqual([]);
  });

  test('W8 operators are a list in upper case, each once', async () => {
    const path = '/v1/organizations/new-cpo';
    const change = (operators: unknown) => evpki.call('PATCH', path, { operators });
    expect((await change(['deice', 'NL123', 'DEICE'])).json.operators).toEqual(['DEICE', 'NL123']);
    const refused = await change(['DE*IC', 'ICE', '12ICE', 'DEIC-']);
    expect([refused.status, refused.json.violations.length]).toEqual([400, 4]);
    expect((await evpki.call('GET', path)).json.operators).toEqual(['DEICE', 'NL123']);
    expect((await change([])).json.operators).toEqual([]);
  });

  test('two people who change different details at once undo nothing of each other', async () => {
    const path = '/v1/organizations/raced-cpo';
    await evpki.call('POST', '/v1/organizations', { ...cpo, id: 'raced-cpo' });
    const changes = [
      { name: 'Raced CPO' },
      { country: 'BE' },
      { roles: ['mo'] },
      { stationsOnFirstSight: true },
    ];
    const answers = await Promise.all(changes.map((one) => evpki.call('PATCH', path, one)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const { json } = await evpki.call('GET', path);
    const start = { id: 'raced-cpo', wmis: [], providers: [], operators: [] };
    expect(json).toEqual(Object.assign(start, ...changes));
    // Each entry says what its own call has changed.
    const log = await evpki.call(
      'GET',
      '/v1/audit?organization=raced-cpo&action=organization.changed',
    );
    const details = log.json.items.map((entry: { details: object }) => entry.details);
    expect(details).toHaveLength(4);
    expect(details).toEqual(expect.arrayContaining(changes));
  });

  test('while a key is named after it and not certified, its name stays', async () => {
    const awaiting = {
      ...{ id: 'new-sub-ca', title: 'New Sub-CA', organization: 'new-cpo', key: 'P-256' },
      ...{ profile: 'iso15118-2-cpo-sub-ca-1', under: 'external' },
    };
    const made = await evpki.call('POST', '/v1/authorities', awaiting);
    expect([made.status, made.json.state], made.text).toEqual([201, 'awaiting-certificate']);
    const path = '/v1/organizations/new-cpo';
    const { status, json } = await evpki.call('PATCH', path, { name: 'Newer CPO' });
    expect([status, json.code]).toEqual([409, 'conflict']);
    expect((await evpki.call('PATCH', path, { roles: ['cpo', 'mo'] })).status).toBe(200);
  });

  test('evpki itself is not renamed', async () => {
    const { status } = await evpki.call('PATCH', '/v1/organizations/instance', { name: 'Mine' });
    expect(status).toBe(409);
  });
});
