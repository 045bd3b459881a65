/** `evpki quickstart` against a running service, and what it says when it cannot go on. */

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { readPemBlocks } from '../../src/pki/pem.ts';
import { type CliService, startCliService } from '../support/cli-service.ts';

let service: CliService;
beforeAll(async () => {
  service = await startCliService();
});
afterAll(() => service.close());

const folder = (name: string): string => join(service.folder, name);

test('whoever is not logged in is told how to', async () => {
  const result = await service.evpki(['quickstart', '--out', folder('early')]);
  expect(result.status).toBe(3);
  expect(result.stderr).toMatch(/you are not logged in[\s\S]*login --bootstrap/);
});

describe('logged in', () => {
  beforeAll(async () => {
    const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
    expect(login.status).toBe(0);
    expect(login.stdout).toContain('evpki quickstart');
  });

  test('a charger gets its certificate, and loses it again', async () => {
    const result = await service.evpki(['quickstart', '--out', folder('walk')]);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    for (const said of ['1. ✓', '8. ✓', 'OCSP says good', 'OCSP says revoked (superseded)']) {
      expect(result.stdout).toContain(said);
    }
    expect(readdirSync(folder('walk')).sort()).toEqual([
      ...['api-ca.pem', 'authorities.pem', 'charger.csr', 'charger.key', 'charger.pem'],
    ]);
    expect(statSync(join(folder('walk'), 'charger.key')).mode & 0o777).toBe(0o600);

    // The service says the same as the narration.
    const pem = readFileSync(join(folder('walk'), 'charger.pem'), 'utf8');
    const leaf = readCertificate(readPemBlocks(pem)[0]?.der ?? new Uint8Array());
    expect(leaf.subject.attributes.find(({ type }) => type === 'CN')?.value).toBe('SN-QUICKSTART');
    const list = await service.evpki(['cert', 'list', '--state', 'revoked', '--json']);
    const [revoked] = JSON.parse(list.stdout).items;
    expect(revoked.revocationReason).toBe('superseded');
    expect(revoked.serialNumber).toBe(
      Buffer.from(leaf.serialNumber).toString('hex').replace(/^0+/, ''),
    );
  });

  test('it can be played again, and with another station', async () => {
    const again = await service.evpki(['quickstart', '--out', folder('again')]);
    expect(again).toMatchObject({ status: 0, stderr: '' });
    const argv = [
      'quickstart',
      '--out',
      folder('other'),
      '--station',
      'CS-2|*@=.',
      '--organization',
    ];
    const other = await service.evpki([...argv, 'demo-cpo']);
    expect(other).toMatchObject({ status: 0, stderr: '' });
  });

  test('an identity that cannot be is refused before anything is written', async () => {
    const argv = ['quickstart', '--out', folder('wrong'), '--station', "CS-O'Neill"];
    const result = await service.evpki(argv);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/A station identity is made of/);
    expect(existsSync(folder('wrong'))).toBe(false);
  });

  test('what is in a folder already is left alone', async () => {
    mkdirSync(folder('mine'));
    const result = await service.evpki(['quickstart', '--out', folder('mine')]);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/is there already/);
    expect(readdirSync(folder('mine'))).toEqual([]);
  });

  test('an organization without a station CA is named as the reason', async () => {
    const argv = ['quickstart', '--out', folder('none'), '--organization', 'demo-oem'];
    const result = await service.evpki(argv);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/no active authority/);
  });

  test('the secrets of the client and of the charger are not shown', async () => {
    const result = await service.evpki(['quickstart', '--out', folder('quiet')]);
    const { clientSecret } = JSON.parse(readFileSync(service.credentialsFile, 'utf8'));
    expect(result.stdout).not.toContain(clientSecret);
    expect(result.stdout).not.toContain('PRIVATE KEY');
  });
});
