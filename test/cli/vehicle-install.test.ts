/** `evpki vehicle install` against a running service: a car from the factory to its contract. */

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseEmaid } from '../../src/identifiers/emaid.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { readPemBlocks } from '../../src/pki/pem.ts';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { withOpenssl } from '../support/other-tools.ts';

const standards = {
  'iso15118-2': { hierarchy: 'ca/demo.yaml', maker: 'demo-oem', operator: 'demo-mo' },
  'iso15118-20': { hierarchy: 'ca/iso15118-20.yaml', maker: 'oem', operator: 'mo' },
} as const;

describe.each(Object.keys(standards) as (keyof typeof standards)[])('a car of %s', (standard) => {
  const { hierarchy, maker, operator } = standards[standard];
  let service: CliService;
  let bench: Workbench;
  beforeAll(async () => {
    bench = workbench();
    service = await startCliService({ EVPKI_HIERARCHY: hierarchy });
    const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
    expect(login.status).toBe(0);
  });
  afterAll(async () => {
    await service?.close();
    bench?.remove();
  });

  const folder = (name: string): string => join(service.folder, name);
  const file = (car: string, name: string): string => join(folder(car), name);
  const install = (car: string, ...words: string[]) =>
    service.evpki(['vehicle', 'install', '--standard', standard, '--out', folder(car), ...words]);
  /** The options by which a car is brought. */
  const brought = (car: string): string[] => [
    ...['--certificate', file(car, 'vehicle.pem'), '--key', file(car, 'vehicle.key')],
  ];
  const contractsOf = async (...words: string[]) =>
    JSON.parse((await service.evpki(['contract', 'list', '--json', ...words])).stdout).items;
  const certificatesIn = (path: string) =>
    readPemBlocks(readFileSync(path, 'utf8')).map(({ der }) => readCertificate(der));
  const commonName = (path: string) =>
    certificatesIn(path)[0]?.subject.attributes.find(({ type }) => type === 'CN')?.value ?? '';

  test('gets its contract and loses it again', async () => {
    const result = await install('walk', '--end');
    expect(result).toMatchObject({ status: 0, stderr: '' });
    for (const said of [
      ...['1. ✓', '13. ✓', 'OCSP says good', 'OCSP says revoked'],
      ...[`plays a car of ${maker}`, `Authorize says Invalid (CertificateRevoked)`],
    ]) {
      expect(result.stdout).toContain(said);
    }
    expect(readdirSync(folder('walk')).sort()).toEqual([
      ...['api-ca.pem', 'contract.key', 'contract.pem', 'cps-authorities.pem'],
      ...['mo-authorities.pem', 'request.exi', 'response.exi'],
      ...['vehicle.csr', 'vehicle.key', 'vehicle.pem'],
    ]);
    for (const name of ['vehicle.key', 'contract.key']) {
      expect(statSync(file('walk', name)).mode & 0o777).toBe(0o600);
    }
    expect(statSync(folder('walk')).mode & 0o777).toBe(0o700);
    // The service says the same as the narration.
    const [contract] = await contractsOf('--pcid', commonName(file('walk', 'vehicle.pem')));
    expect(contract).toMatchObject({ state: 'ended', organization: operator, standard });
    expect(contract.emaid).toBe(commonName(file('walk', 'contract.pem')));
    expect(parseEmaid(contract.emaid)).toMatchObject({
      ok: true,
      value: { checkDigit: expect.any(String) },
    });
  });

  test('has a chain and a key that others take', async () => {
    expect(await install('files')).toMatchObject({ status: 0, stderr: '' });
    const [leaf] = certificatesIn(file('files', 'contract.pem'));
    const key = createPrivateKey(readFileSync(file('files', 'contract.key')));
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
    expect(Buffer.from(leaf?.spki ?? [])).toEqual(spki);
    withOpenssl(() => {
      const [contract, anchors] = ['contract.pem', 'mo-authorities.pem'].map((name) =>
        file('files', name),
      );
      const options = ['-CAfile', anchors ?? '', '-untrusted', contract ?? '', contract ?? ''];
      expect(bench.openssl('verify', '-x509_strict', ...options)).toBe(`${contract}: OK\n`);
      expect(bench.openssl('pkey', '-in', file('files', 'contract.key'), '-pubout')).toBe(
        bench.openssl('x509', '-in', contract ?? '', '-noout', '-pubkey'),
      );
    });
  });

  test('asks again and gets the same, and another one that it asks for', async () => {
    const first = await install('first');
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toContain('evpki contract end con_');
    const again = await install('again', ...brought('first'));
    expect(again).toMatchObject({ status: 0, stderr: '' });
    expect(again.stdout).toContain('had registered it before');
    expect(again.stdout).toContain('has the contract');
    for (const name of ['contract.pem', 'contract.key']) {
      expect(readFileSync(file('again', name))).toEqual(readFileSync(file('first', name)));
    }
    // The car's own files stay where they are.
    expect(readdirSync(folder('again'))).not.toContain('vehicle.key');

    const pcid = commonName(file('first', 'vehicle.pem'));
    const [{ id, emaid }] = await contractsOf('--pcid', pcid);
    await service.evpki(['contract', 'default', id]);
    const other = await install('other', ...brought('first'), '--emaid', 'de-8ev-c00000042');
    if (standard === 'iso15118-20') {
      expect(other).toMatchObject({ status: 0, stderr: '' });
      expect(commonName(file('other', 'contract.pem'))).toBe('DE8EVC00000042');
    } else {
      // Nothing in -2 lets a car say which it would have.
      expect(other.status).toBe(10);
      expect(other.stderr).toContain(`the car has got ${emaid}, not DE8EVC00000042`);
      expect(other.stderr).toContain('evpki contract default con_');
    }
    expect(await contractsOf('--pcid', pcid)).toHaveLength(2);
  });

  test('says why it gets none', async () => {
    expect(await install('held')).toMatchObject({ status: 0, stderr: '' });
    const revoked = await service.evpki([
      ...['cert', 'revoke', file('held', 'contract.pem'), '--reason', 'keyCompromise'],
    ]);
    expect(revoked.status).toBe(0);
    const refused = await install('none', ...brought('held'));
    expect(refused.status).toBe(10);
    expect(refused.stderr).toMatch(
      /gets no contract: (FAILED|WARNING)_[\s\S]*\(contract-missing\)/,
    );
    expect(refused.stderr).toContain('evpki contract list --pcid DEMP');
    // The car has no contract then, and what it was answered is there to be looked at.
    expect(readdirSync(folder('none'))).toContain('response.exi');
    expect(readdirSync(folder('none'))).not.toContain('contract.key');
  });

  test('keeps its secrets to itself', async () => {
    const result = await install('quiet');
    const { clientSecret } = JSON.parse(readFileSync(service.credentialsFile, 'utf8'));
    const logged = `${result.stdout}${result.stderr}${service.log.join('\n')}`;
    expect(logged).not.toContain(clientSecret);
    expect(logged).not.toContain('PRIVATE KEY');
    for (const name of ['vehicle.key', 'contract.key']) {
      const key = createPrivateKey(readFileSync(file('quiet', name)));
      const { d = '' } = key.export({ format: 'jwk' });
      for (const form of ['hex', 'base64', 'base64url'] as const) {
        expect(logged).not.toContain(Buffer.from(d, 'base64url').toString(form));
      }
    }
  });

  test('is not made when something is missing, and nothing is written over', async () => {
    const other = standard === 'iso15118-2' ? 'iso15118-20' : 'iso15118-2';
    const cases: [string, string[], RegExp][] = [
      ['unknown-standard', ['--standard', 'din70121'], /--standard is iso15118-2 or iso15118-20/],
      ['other-standard', ['--standard', other], /you reach no maker[\s\S]*EVPKI_HIERARCHY/],
      ['no-emaid', ['--emaid', 'DE8EV'], /--emaid DE8EV: An EMAID has/],
      [
        'no-provider',
        ['--emaid', 'FRXYZC12345678'],
        /no mobility operator with the provider FRXYZ/,
      ],
      ['no-maker', ['--oem', operator], new RegExp(`${operator} is no maker[\\s\\S]*${maker}`)],
      ['no-operator', ['--mo', maker], new RegExp(`${maker} is no mobility operator`)],
      ['half-a-car', ['--key', 'vehicle.key'], /--certificate and --key/],
      ['no-file', ['--key', 'no.key', '--certificate', 'no.pem'], /there is no file no\.pem/],
    ];
    for (const [name, words, said] of cases) {
      const result = await install(name, ...words);
      expect([name, result.status, result.stdout]).toEqual([name, 2, '']);
      expect(result.stderr).toMatch(said);
      expect(existsSync(folder(name))).toBe(false);
    }
    mkdirSync(folder('mine'));
    const result = await install('mine');
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/is there already[\s\S]*--out/);
    expect(readdirSync(folder('mine'))).toEqual([]);
  });
});

test('whoever is not logged in is told how to', async () => {
  const service = await startCliService();
  try {
    const result = await service.evpki(['vehicle', 'install']);
    expect(result.status).toBe(3);
    expect(result.stderr).toMatch(/you are not logged in[\s\S]*login --bootstrap/);
  } finally {
    await service.close();
  }
});
