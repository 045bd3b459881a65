/** `evpki audit` against a running service; broken logs are in `test/scenario`. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliService, startCliService } from '../support/cli-service.ts';

let service: CliService;
beforeAll(async () => {
  service = await startCliService();
  const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
  expect(login.status, login.stderr).toBe(0);
});
afterAll(() => service.close());

const file = (name: string): string => join(service.folder, name);

describe('audit list', () => {
  test('prints a table of the newest entries, and says that there are more', async () => {
    const result = await service.evpki([
      'audit',
      'list',
      '--organization',
      'demo-cpo',
      '--limit',
      '2',
    ]);
    expect(result.status).toBe(0);
    const [titles, ...rows] = result.stdout.trimEnd().split('\n');
    expect(titles).toMatch(/^TIME +ACTION +SUBJECT +ORGANIZATION +ACTOR +DETAILS$/);
    expect(rows).toHaveLength(2);
    for (const row of rows)
      expect(row).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ +\S+ .* demo-cpo /);
    expect(result.stderr).toMatch(/--all/);
  });

  test('filters, and prints the answer of the API', async () => {
    const filter = ['--action', 'authority.created', '--actor', 'evpki', '--subject', 'mo-root'];
    const times = ['--since', '2020-01-01', '--until', '2999-01-01'];
    const result = await service.evpki(['audit', 'list', ...filter, ...times, '--all', '--json']);
    const { items } = JSON.parse(result.stdout);
    expect(items.map(({ action, subject }: Record<string, string>) => [action, subject])).toEqual([
      ['authority.created', 'mo-root'],
    ]);
    const none = await service.evpki(['audit', 'list', ...filter, '--until', '2020-01-01']);
    expect(none).toMatchObject({ status: 0, stdout: '', stderr: 'There are no such entries.\n' });
  });

  test('by the id of a station as they are', async () => {
    const station = 'DE*DEM*E1';
    const put = ['station', 'put', station, '--organization', 'demo-cpo'];
    expect(await service.evpki(put)).toMatchObject({ status: 0 });
    const result = await service.evpki(['audit', 'list', '--subject', station, '--json']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    const { items } = JSON.parse(result.stdout);
    expect(items).toMatchObject([{ action: 'station.registered', subject: station }]);
  });

  test.each([
    ['--since', 'yesterday'],
    ['--limit', '0'],
  ])('%s %s makes no sense', async (...options) => {
    expect((await service.evpki(['audit', 'list', ...options])).status).toBe(2);
  });
});

describe('audit checkpoint and verify', () => {
  test('a checkpoint is one line that verifies the log later', async () => {
    const kept = await service.evpki(['audit', 'checkpoint', '--out', file('kept.json')]);
    expect(kept).toMatchObject({ status: 0, stderr: '' });
    expect(kept.stdout).toContain(`evpki audit verify --checkpoint ${file('kept.json')}`);
    expect(readFileSync(file('kept.json'), 'utf8')).toMatch(/^\{"number":\d+,.*\}\n$/);

    const verified = await service.evpki(['audit', 'verify', '--checkpoint', file('kept.json')]);
    expect(verified).toMatchObject({ status: 0, stderr: '' });
    expect(verified.stdout).toMatch(
      /^The audit log is as it was written: entries: \d+, streams: \d+, checkpoints: \d+\.\n$/,
    );

    const piped = await service.evpki(['audit', 'checkpoint']);
    const again = await service.evpki(['audit', 'verify', '--checkpoint', '-', '--json'], {
      stdin: piped.stdout,
    });
    expect([again.status, JSON.parse(again.stdout).ok]).toEqual([0, true]);
  });

  test('without a kept one it says what that leaves open', async () => {
    const result = await service.evpki(['audit', 'verify']);
    expect(result.status).toBe(0);
    expect(result.stderr).toMatch(/Without a kept checkpoint/);
  });

  test('a damaged checkpoint is a damaged file, and no alarm about the log', async () => {
    await service.evpki(['audit', 'checkpoint', '--out', file('damaged.json')]);
    const body = JSON.parse(readFileSync(file('damaged.json'), 'utf8'));
    writeFileSync(file('damaged.json'), JSON.stringify({ ...body, number: body.number + 1 }));
    const damaged = await service.evpki(['audit', 'verify', '--checkpoint', file('damaged.json')]);
    expect([damaged.status, damaged.stdout]).toEqual([2, '']);
    expect(damaged.stderr).toMatch(/the kept checkpoint \d+ is damaged/);
    expect(damaged.stderr).not.toMatch(/not as it was written/);
  });

  test.each([
    ['nothing to read', 'missing.json', undefined],
    ['no JSON', 'text.json', 'hello'],
    ['not a checkpoint', 'other.json', '{"number": 1}'],
  ])('%s is a usage error', async (_name, name, content) => {
    if (content !== undefined) writeFileSync(file(name), content);
    const result = await service.evpki(['audit', 'verify', '--checkpoint', file(name)]);
    expect(result.status).toBe(2);
  });

  test('an --out that cannot be written is one too', async () => {
    const result = await service.evpki(['audit', 'checkpoint', '--out', file('no/where.json')]);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/cannot be written/);
  });
});
