/** `evpki client` against a running service. */

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { loginCertificate } from '../support/client-certificates.ts';

describe('evpki client', () => {
  let service: CliService;
  beforeAll(async () => {
    service = await startCliService();
    await service.evpki(['login', '--url', service.url, '--bootstrap']);
  });
  afterAll(() => service?.close());

  const file = (name: string): string => join(service.folder, name);
  const create = (...more: string[]) =>
    service.evpki([
      ...['client', 'create', '--name', 'csms-1', '--organization', 'demo-cpo', '--role', 'csms'],
      ...more,
    ]);
  const newClient = async (): Promise<{ clientId: string; clientSecret: string }> =>
    JSON.parse((await create('--json')).stdout);
  const login = (clientId: string, secret: string) =>
    service.evpki(
      ['login', '--url', service.url, '--client-id', clientId, '--client-secret-file', '-'],
      {
        stdin: secret,
        env: { EVPKI_CLIENT_CONFIG: file('other.json') },
      },
    );

  test('create writes the secret to standard output and nothing else there', async () => {
    const result = await create();
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/^evpki_sec_[\w-]{43}\n$/);
    const [, id = ''] = /id +(cli_\w+)/.exec(result.stderr) ?? [];
    expect(result.stderr).not.toContain(result.stdout.trim());
    expect((await login(id, result.stdout)).status).toBe(0);
  });

  test('create writes the secret to a new file that only its owner can read', async () => {
    const target = file('csms.secret');
    const result = await create('--secret-file', target);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(statSync(target).mode & 0o777).toBe(0o600);
    const secret = readFileSync(target, 'utf8');
    expect(result.stdout).not.toContain(secret.trim());
    const [, id = ''] = /id +(cli_\w+)/.exec(result.stdout) ?? [];
    expect((await login(id, secret)).status).toBe(0);

    const again = await create('--secret-file', target, '--json');
    expect([again.status, again.stdout]).toEqual([2, '']);
    expect(readFileSync(target, 'utf8')).toBe(secret);
    const asJson = await create('--secret-file', file('json.secret'), '--json');
    expect(Object.keys(JSON.parse(asJson.stdout))).toEqual(['clientId']);
  });

  test('a refusal leaves no file and names everything', async () => {
    const target = file('none.secret');
    const argv = ['--role', 'nobody', '--secret-file', target];
    const result = await create(...argv, '--expires', '2001-01-01');
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/nobody is none of[\s\S]*in the future/);
    expect(existsSync(target)).toBe(false);
    writeFileSync(file('folder-in-the-way'), '');
    expect((await create('--secret-file', file('folder-in-the-way/x'))).status).toBe(2);
  });

  test('list and show tell of clients, and never a secret', async () => {
    const { clientId, clientSecret } = await newClient();
    const listed = await service.evpki(['client', 'list', '--organization', 'demo-cpo']);
    expect(listed.stdout).toMatch(/^ID +STATE +LAST USED +OF +ROLES +NAME\n/);
    expect(listed.stdout).toMatch(new RegExp(`${clientId} +active +- +demo-cpo +csms +csms-1\n`));
    const page = JSON.parse(
      (await service.evpki(['client', 'list', '--limit', '1', '--json'])).stdout,
    );
    expect(page.items).toHaveLength(1);
    expect(page.nextCursor).toEqual(expect.any(String));
    const shown = await service.evpki(['client', 'show', clientId]);
    expect(shown.stdout).toMatch(/state +active\n +roles +csms\n[\s\S]*last used +never\n/);
    expect(`${listed.stdout}${shown.stdout}`).not.toContain(clientSecret);
    expect((await service.evpki(['client', 'show', 'cli_none'])).status).toBe(4);
  });

  test('rotate gives a new secret beside the old one, or instead of it', async () => {
    const { clientId, clientSecret } = await newClient();
    const target = file('next.secret');
    const rotated = await service.evpki(['client', 'rotate', clientId, '--secret-file', target]);
    expect(rotated.status, rotated.stderr).toBe(0);
    expect(rotated.stdout).toMatch(/the old one holds until/);
    const next = readFileSync(target, 'utf8');
    const both = [await login(clientId, clientSecret), await login(clientId, next)];
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    const last = await service.evpki(['client', 'rotate', clientId, '--overlap', '0']);
    const all = [clientSecret, next, last.stdout];
    const statuses = [];
    for (const secret of all) statuses.push((await login(clientId, secret)).status);
    expect(statuses).toEqual([3, 3, 0]);
    for (const overlap of ['604801', '-1', 'x', '']) {
      const argv = ['client', 'rotate', clientId, `--overlap=${overlap}`];
      expect((await service.evpki(argv)).status).toBe(2);
    }
  });

  test('disable ends a client', async () => {
    const { clientId, clientSecret } = await newClient();
    const result = await service.evpki(['client', 'disable', clientId]);
    expect(result.stdout).toMatch(/state +disabled\n/);
    expect((await login(clientId, clientSecret)).status).toBe(3);
    const own = JSON.parse(readFileSync(service.credentialsFile, 'utf8')).clientId;
    const last = await service.evpki(['client', 'disable', own]);
    expect([last.status, last.stderr]).toEqual([5, expect.stringMatching(/last client/)]);
  });

  test('certificate add, list and remove', async () => {
    const { clientId } = await newClient();
    const { cert, key, sha256 } = loginCertificate();
    const target = file('csms.pem');
    writeFileSync(target, cert);
    const certificate = (...argv: string[]) =>
      service.evpki(['client', 'certificate', argv[0] as string, clientId, ...argv.slice(1)]);
    const none = await certificate('list');
    expect([none.status, none.stdout]).toEqual([0, '']);
    expect(none.stderr).toMatch(/no certificates/);
    const added = await certificate('add', target);
    expect(added).toMatchObject({ status: 0, stderr: '' });
    expect(added.stdout).toContain(sha256);
    expect((await certificate('add', target)).stderr).toMatch(/before/);
    expect((await certificate('list')).stdout).toMatch(new RegExp(`^${sha256} .*CN=csms-1`, 'm'));
    const listed = JSON.parse((await certificate('list', '--json')).stdout);
    expect(listed.items).toMatchObject([{ sha256 }]);

    const byOpenssl = sha256.toUpperCase().replace(/..(?=.)/g, '$&:');
    for (const named of [byOpenssl, target]) {
      const removed = await certificate('remove', named);
      expect([removed.status, removed.stderr]).toEqual([0, '']);
      expect((await certificate('remove', named)).status).toBe(4);
      await certificate('add', target);
    }
    writeFileSync(file('both.pem'), cert + key);
    for (const named of ['both.pem', 'none.pem']) {
      expect((await certificate('add', file(named))).status).toBe(2);
      expect((await certificate('remove', file(named))).status).toBe(2);
    }
    writeFileSync(file('two.pem'), cert + cert);
    expect((await certificate('remove', file('two.pem'))).status).toBe(2);
    const refused = await certificate('add', file('two.pem'));
    expect([refused.status, refused.stderr]).toEqual([6, expect.stringMatching(/2 PEM blocks/)]);
  });
});
