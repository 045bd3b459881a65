import { rm } from 'node:fs/promises';
import type { Knex } from 'knex';
import { afterEach, describe, expect, test } from 'vitest';
import { nameText } from '../../src/pki/names.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import type { Connections } from '../../src/storage/connections.ts';
import { crlStore } from '../../src/storage/crls.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { jobStore } from '../../src/storage/jobs.ts';
import { migrate } from '../../src/storage/migrate.ts';
import type { Migration } from '../../src/storage/migrations/migration.ts';
import { migrations } from '../../src/storage/migrations/migrations.ts';
import { openPostgres } from '../../src/storage/postgres.ts';
import { openSqlite } from '../../src/storage/sqlite.ts';
import { changeStatus, revoked } from '../conformance/fixtures.ts';
import { type TestDatabase, testBackends, testTime } from '../support/databases.ts';

const clock = () => testTime;

const next: Migration = {
  version: (migrations.at(-1)?.version ?? 0) + 1,
  name: 'next',
  statements: ({ text, table }) => [`CREATE TABLE next_things (id ${text} PRIMARY KEY) ${table}`],
};
const broken: Migration = {
  version: next.version,
  name: 'broken',
  statements: ({ text, table }) => [
    `CREATE TABLE half_done (id ${text} PRIMARY KEY) ${table}`,
    'CREATE TABLE organizations (id TEXT)',
  ],
};

/** The database of this URL without a schema. */
async function emptied(url: string): Promise<Connections> {
  if (!url.startsWith('sqlite:')) {
    const connections = await openPostgres(url);
    await connections.writer.raw('DROP SCHEMA public CASCADE');
    await connections.writer.raw('CREATE SCHEMA public');
    return connections;
  }
  const file = url.slice('sqlite:'.length);
  for (const suffix of ['', '-wal', '-shm']) await rm(`${file}${suffix}`, { force: true });
  return openSqlite(file);
}

/** An active root with one leaf, and a generation that awaits its certificate. */
async function insertVersion1Rows(writer: Knex): Promise<void> {
  const at = testTime.toISOString();
  const bytes = Buffer.from('bytes');
  const certificate = {
    organization_id: 'org',
    state: 'issued',
    subject: 'CN=x',
    profile: 'leaf',
    profile_hash: 'hash',
    spki_sha256: 'spki',
    not_before: at,
    not_after: at,
    created_at: at,
    der: bytes,
  };
  const issuer = (id: string, generation: number, state: string) => ({
    id,
    authority_id: 'ca',
    generation,
    state,
    key_id: `key of ${id}`,
    key_algorithm: 'P-256',
    spki: bytes,
    spki_sha256: 'spki',
    subject: bytes,
    public_url: 'http://pki.example',
  });
  await writer('organizations').insert({
    id: 'org',
    name: 'Org',
    roles: '[]',
    created_at: at,
    updated_at: at,
  });
  await writer('authorities').insert({
    id: 'ca',
    title: 'CA',
    organization_id: 'org',
    profile: 'root',
    external: false,
    key_algorithm: 'P-256',
    state: 'active',
  });
  for (const [id, generation] of [
    ['issuer', 1],
    ['next', 2],
  ] as const) {
    await writer('keys').insert({ key_id: `key of ${id}`, authority_id: 'ca', envelope: bytes });
    await writer('issuers').insert(issuer(id, generation, 'awaiting-certificate'));
  }
  await writer('certificates').insert([
    { ...certificate, id: 'own', issuer_id: 'issuer', serial: 'aa' },
    { ...certificate, id: 'cert', issuer_id: 'issuer', serial: 'ab' },
    { ...certificate, id: 'outside', issuer_id: null, serial: 'ac' },
  ]);
  await writer('issuers')
    .where({ id: 'issuer' })
    .update({ state: 'active', certificate_id: 'own' });
}

describe.each(testBackends)('migrations on $name', ({ open }) => {
  let opened: TestDatabase | undefined;
  afterEach(async () => {
    await opened?.remove();
    opened = undefined;
  });

  /** An opened database is closed again, so that the test has it to itself. */
  async function connect() {
    opened = await open();
    await opened.database.close();
    const { url } = opened;
    return url.startsWith('sqlite:') ? openSqlite(url.slice('sqlite:'.length)) : openPostgres(url);
  }

  test('run once, are recorded, and go on from where they were', async () => {
    const { writer, dialect, close } = await connect();
    const recorded = writer('schema_migrations').select('version', 'name', 'applied_at');
    expect(await recorded.orderBy('version')).toEqual(
      migrations.map(({ version, name }) => ({
        version,
        name,
        applied_at: '2026-11-22T10:00:00.000Z',
      })),
    );
    expect(migrations[0]).toMatchObject({ version: 1, name: 'foundation' });
    expect(await migrate(writer, dialect, clock, migrations)).toEqual([]);
    expect(await migrate(writer, dialect, clock, [...migrations, next])).toEqual([next.version]);
    expect(await writer('next_things')).toEqual([]);
    await close();
  });

  test('rows of version 1 go on into version 2, and issuers get their jobs', async () => {
    opened = await open();
    await opened.database.close();
    const { url } = opened;
    const empty = await emptied(url);
    await migrate(empty.writer, empty.dialect, clock, migrations.slice(0, 1));
    await insertVersion1Rows(empty.writer);
    expect(await migrate(empty.writer, empty.dialect, clock, migrations)).toEqual(
      migrations.slice(1).map(({ version }) => version),
    );
    await empty.close();

    const database = await openDatabase(url, { clock, processId: 'process-2' });
    const record = await certificateStore(database).findCertificate('cert');
    expect(record).toMatchObject({ state: 'issued', serial: 'ab' });
    expect(record).not.toHaveProperty('revokedAt');
    const crls = crlStore(database);
    expect(await crls.currentSequence('issuer')).toBe(0);
    expect(await crls.reserveNumber('issuer')).toBe(1);
    const lease = { owner: 'process-2', until: testTime };
    const jobs = await jobStore(database).claim(testTime, lease, 10);
    expect(jobs.map((job) => job.name).sort()).toEqual(['crl:issuer', 'ocsp-signer:issuer']);
    expect(await changeStatus(database, 'cert', revoked)).toEqual({
      outcome: 'changed',
      sequence: 1,
    });
    expect(await crls.filledSegments('issuer')).toEqual(['00']);
    await database.close();
  });

  test('requests of version 4 are the same in version 5', async () => {
    opened = await open();
    await opened.database.close();
    const { url } = opened;
    const empty = await emptied(url);
    await migrate(empty.writer, empty.dialect, clock, migrations.slice(0, 1));
    await insertVersion1Rows(empty.writer);
    const at = testTime.toISOString();
    const asked = {
      ...{ organization_id: 'org', authority_id: 'ca', profile: 'leaf', requester: 'client:a' },
      ...{ channel: 'rest', csr: Buffer.from('csr'), created_at: at },
    };
    await empty.writer('enrolment_requests').insert([
      { ...asked, id: 'issued', state: 'issued', certificate_id: 'cert', repeat_key: 'key' },
      { ...asked, id: 'refused', state: 'refused', violations: '[]', station_id: 'CS-1' },
      { ...asked, id: 'given-up', state: 'abandoned', certificate_id: 'outside' },
    ]);
    const before = await empty.writer('enrolment_requests').orderBy('id');
    await migrate(empty.writer, empty.dialect, clock, migrations);
    const nothing = {
      ...{ subject: null, not_after: null, renews: null, approve_until: null },
      ...{ decided_by: null, decided_at: null, rejection_reason: null },
    };
    expect(await empty.writer('enrolment_requests').orderBy('id')).toEqual(
      before.map((row) => ({ ...row, ...nothing })),
    );
    await empty.close();

    const database = await openDatabase(url, { clock, processId: 'process-2' });
    const record = await certificateStore(database).findCertificate('cert');
    expect(record).toMatchObject({ requestId: 'issued' });
    await database.close();
  });

  test('what crosses organizations before there are grants is granted', async () => {
    opened = await open();
    await opened.database.close();
    const { url } = opened;
    const { writer, dialect, close } = await emptied(url);
    const before = migrations.filter(({ version }) => version < 7);
    await migrate(writer, dialect, clock, before);
    const at = testTime.toISOString();
    await writer('organizations').insert(
      ['v2g', 'cpo'].map((id) => ({ id, name: id, roles: '[]', created_at: at, updated_at: at })),
    );
    const authority = (id: string, organization_id: string, parent_id: string | null) =>
      writer('authorities').insert({
        ...{ id, organization_id, parent_id, title: id, profile: 'x', key_algorithm: 'P-256' },
        ...{ external: dialect === 'postgres' ? false : 0, state: 'active' },
      });
    await authority('root', 'v2g', null);
    await authority('own', 'v2g', 'root');
    await authority('sub-1', 'cpo', 'root');
    await authority('sub-2', 'cpo', 'root');
    await authority('low', 'cpo', 'sub-1');
    await migrate(writer, dialect, clock, migrations);
    expect(await writer('authority_grants')).toEqual([
      { authority_id: 'root', organization_id: 'cpo', created_at: at },
    ]);
    await close();
  });

  test('C7: certificates of version 10 are found by their common names', async () => {
    opened = await open();
    await opened.database.close();
    const { url } = opened;
    const { writer, dialect, close } = await emptied(url);
    await migrate(writer, dialect, clock, migrations.slice(0, 1));
    await insertVersion1Rows(writer);
    await migrate(writer, dialect, clock, migrations.slice(0, 10));
    const certificate = await writer('certificates').where({ id: 'cert' }).first();
    const subjects: [attributes: [type: string, value: string][], found: string][] = [
      [
        [
          ['C', 'DE'],
          ['O', 'CN=fake,CN=fake'],
          ['CN', 'OLD-1'],
          ['DC', 'CPO'],
        ],
        'old-1',
      ],
      [
        [
          ['CN', 'a,b+c\\d"e;<f>=g'],
          ['O', 'x'],
        ],
        'a,b+c\\d"e;<f>=g',
      ],
      [[['CN', '#x ']], '#x'],
      [[['CN', 'Große  Säule\u200b 1']], 'grosse säule 1'],
      [[['CN', '\u{1f50c}\u{e0041}B']], '\u{1f50c}b'],
      [[['O', 'only']], ''],
      [
        [
          ['CN', 'one'],
          ['CN', 'two'],
        ],
        '',
      ],
      [[], ''],
    ];
    // More than one page of them.
    const rows = Array.from({ length: 1100 }, (_, index) => {
      const [attributes, found] = subjects[index % subjects.length] ?? [[], ''];
      const named = { attributes: attributes.map(([type, value]) => ({ type, value })) };
      return { id: `crt-${String(index).padStart(4, '0')}`, subject: nameText(named), found };
    });
    for (const { id, subject } of rows) {
      await writer('certificates').insert({ ...certificate, id, subject, serial: id });
    }
    await migrate(writer, dialect, clock, migrations);
    expect(
      await writer('certificates').whereLike('id', 'crt-%').orderBy('id').pluck('common_name'),
    ).toEqual(rows.map(({ found }) => found));
    expect(await writer('certificates').where({ id: 'own' }).pluck('common_name')).toEqual(['x']);
    if (dialect === 'postgres') {
      // An older process, which knows nothing of the column, may still be running.
      const older = { ...certificate, id: 'older', serial: 'older' };
      await expect(writer('certificates').insert(older)).rejects.toThrow('common_name');
    }
    await close();
  });

  test('C7: stations of version 16 are found by their EVSEs', async () => {
    opened = await open();
    await opened.database.close();
    const { writer, dialect, close } = await emptied(opened.url);
    await migrate(writer, dialect, clock, migrations.slice(0, 1));
    await insertVersion1Rows(writer);
    await migrate(writer, dialect, clock, migrations.slice(0, 16));
    const { id: organization_id } = await writer('organizations').first('id');
    const created_at = '2026-11-22T10:00:00.000Z';
    // More than one page of them.
    const ids = Array.from({ length: 250 }, (_, index) => `CS-${String(index).padStart(3, '0')}`);
    for (const [index, id] of ids.entries()) {
      const evse_ids = JSON.stringify([`DE*ICE*E${index}`, `DE*ICE*E${index}*1`, 'DE*ICE*E9*9*9']);
      await writer('stations').insert({ organization_id, id, evse_ids, created_at });
    }
    await writer('stations').insert({ organization_id, id: 'CS-X', evse_ids: '[]', created_at });
    await migrate(writer, dialect, clock, migrations);
    const found = (evse_id: string) =>
      writer('station_evses').where({ organization_id, evse_id }).orderBy('station_id');
    expect(await found('DEICEE7').pluck('station_id')).toEqual(['CS-007']);
    expect(await found('DEICEE2491').pluck('station_id')).toEqual(['CS-249']);
    expect(await found('DEICEE999').pluck('station_id')).toEqual(ids);
    await close();
  });

  test('API clients of version 27 are made by whom the log says', async () => {
    opened = await open();
    await opened.database.close();
    const { writer, dialect, close } = await emptied(opened.url);
    await migrate(writer, dialect, clock, migrations.slice(0, 1));
    await insertVersion1Rows(writer);
    await migrate(
      ...([writer, dialect, clock] as const),
      migrations.filter(({ version }) => version < 29),
    );
    const at = testTime.toISOString();
    await writer('audit_streams').insert({
      ...{ stream: 's', sequence: 3, hash: Buffer.from('h'), created_at: at },
    });
    for (const [sequence, [id, actor, action]] of [
      ['cli_first', 'bootstrap', 'created'],
      ['cli_next', 'client:cli_first', 'created'],
      ['cli_next', 'client:cli_a', 'secret-rotated'],
      ['cli_lost', 'client:cli_a', 'disabled'],
    ].entries()) {
      const client = { id, organization_id: 'org', name: 'x', roles: '[]', secret_sha256: '' };
      await writer('api_clients')
        .insert({ ...client, created_at: at })
        .onConflict('id')
        .ignore();
      await writer('audit_entries').insert({
        ...{ stream: 's', sequence, at, organization_id: 'org', actor, subject: id },
        ...{ action: `api-client.${action}`, details: '{}', hash: Buffer.from('h') },
      });
    }
    await migrate(writer, dialect, clock, migrations);
    expect(await writer('api_clients').orderBy('id').select('id', 'created_by')).toEqual([
      { id: 'cli_first', created_by: 'bootstrap' },
      { id: 'cli_lost', created_by: null },
      { id: 'cli_next', created_by: 'client:cli_first' },
    ]);
    await close();
  });

  test('one that fails leaves nothing behind', async () => {
    const { writer, dialect, close } = await connect();
    await expect(migrate(writer, dialect, clock, [...migrations, broken])).rejects.toThrow();
    expect(await writer.schema.hasTable('half_done')).toBe(false);
    expect(await writer('schema_migrations').pluck('version')).toHaveLength(migrations.length);
    await close();
  });

  test('a newer schema is refused, and so is one of other people', async () => {
    const { writer, dialect, close } = await connect();
    await migrate(writer, dialect, clock, [...migrations, next]);
    await close();
    const url = opened?.url ?? '';
    const options = { clock, processId: 'process-2' };
    await expect(openDatabase(url, options)).rejects.toMatchObject({
      code: 'schema-newer',
      message: expect.stringContaining(`version ${next.version}`),
    });
    const connections = url.startsWith('sqlite:')
      ? await openSqlite(url.slice('sqlite:'.length))
      : await openPostgres(url);
    await connections.writer('schema_migrations').where({ version: next.version }).delete();
    await connections.writer('schema_migrations').update({ name: 'something else' });
    await connections.close();
    await expect(openDatabase(url, options)).rejects.toMatchObject({ code: 'schema-unknown' });
  });
});
