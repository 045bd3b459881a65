/** `evpki authority export|collect|import-certificates` and `cert revoke --serial`, with OpenSSL as CSMS. */

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { opensslRequest, type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';
import { leaveToAnother, secondAtCommandLine } from '../support/second-person.ts';

const PASSPHRASE = 'typed at a command line once';

describe.skipIf(noOpenssl)('an export at the command line', () => {
  let service: CliService;
  let bench: Workbench;
  let proposal: string;
  let out: string;

  beforeAll(async () => {
    service = await startCliService();
    bench = workbench();
    out = join(bench.folder, 'steve');
    const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
    expect(login.status, login.stderr).toBe(0);
    await leaveToAnother(service);
  });
  afterAll(async () => {
    bench?.remove();
    await service?.close();
  });

  const authority = (...argv: string[]) => service.evpki(['authority', ...argv]);
  const collect = (to = out, file = bench.write('passphrase', `${PASSPHRASE}\n`)) =>
    authority(
      ...['collect', 'ocpp-root', proposal, '--out', to],
      ...['--passphrase-file', join(bench.folder, file)],
    );

  test('waits for somebody else', async () => {
    const asked = ['export', 'ocpp-root', '--as', 'steve-ca', '--title', 'Demo SteVe CA'];
    const answer = await authority(...asked);
    expect([answer.status, answer.stdout], answer.stderr).toEqual([8, '']);
    [, proposal = ''] = /proposal (prp_\w+) waits/.exec(answer.stderr) ?? [];
    const early = await collect();
    expect([early.status, early.stdout], early.stderr).toEqual([5, '']);
    // Nothing of it is left.
    expect(existsSync(out)).toBe(false);

    const second = await secondAtCommandLine(service);
    const shown = await second('show', proposal);
    expect(shown.stdout).toMatch(/action +authorities:export\n +about +ocpp-root\n/);
    expect(shown.stdout).toMatch(/id +steve-ca\n/);
    const sha256 = /SHA-256 +([0-9a-f]{64})\n/.exec(shown.stdout)?.[1] ?? '';
    expect((await second('approve', proposal, '--sha256', sha256)).status).toBe(0);
  });

  test('is collected into files for its owner alone', async () => {
    const short = await collect(out, bench.write('short', 'too short'));
    expect([short.status, existsSync(out)], short.stderr).toEqual([2, false]);
    const answer = await collect();
    expect(answer.status, answer.stderr).toBe(0);
    expect(answer.stdout).toMatch(/key +.*ca-key\.pem, encrypted with your passphrase\n/);
    expect(answer.stdout + answer.stderr).not.toContain('PRIVATE KEY');
    expect(statSync(join(out, 'ca-key.pem')).mode & 0o777).toBe(0o600);
    expect(statSync(out).mode & 0o777).toBe(0o700);
    const chain = readFileSync(join(out, 'ca-chain.pem'), 'utf8');
    const own = readFileSync(join(out, 'ca.pem'), 'utf8');
    expect(chain.startsWith(own)).toBe(true);
    expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);

    const shown = await authority('show', 'steve-ca');
    expect(shown.stdout).toMatch(/key +P-256, handed out\n/);
    const again = await collect(`${out}-2`);
    expect([again.status, existsSync(`${out}-2`)]).toEqual([5, false]);
    expect(again.stderr).toContain('no key is handed out twice');
    expect((await collect()).status).toBe(2);
  });

  test('has what was signed with it imported, and revoked by its number', async () => {
    opensslRequest(bench, '/O=Demo CPO/CN=CS-0001', { name: 'station' });
    bench.write('ext', 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\n');
    bench.openssl(
      ...['x509', '-req', '-in', 'station.csr', '-CA', 'steve/ca.pem', '-CAkey'],
      ...['steve/ca-key.pem', '-passin', `pass:${PASSPHRASE}`, '-set_serial', '0x5f3a90c1b27d4e68'],
      ...['-days', '100', '-extfile', 'ext', '-out', 'station.pem'],
    );
    const file = join(bench.folder, 'station.pem');
    const brought = await authority('import-certificates', 'steve-ca', '--certificates', file);
    expect(brought.status, brought.stderr).toBe(0);
    expect(brought.stdout).toMatch(/crt_\w+ +imported +5f3a90c1b27d4e68 +- +[1-9]\d* +CN=CS-0001/);
    expect(brought.stderr).toContain('Not as evpki would have made them');

    const revoke = (...argv: string[]) =>
      service.evpki(['cert', 'revoke', '--reason', 'superseded', ...argv]);
    const where = ['--authority', 'steve-ca', '--serial'];
    expect((await revoke(...where, '5F3A90C1B27D4E68')).stdout).toBe(
      'CN=CS-0001,O=Demo CPO is revoked (superseded) now.\n',
    );
    expect((await revoke(...where, '4711')).stdout).toBe(
      'The serial number 4711 is revoked (superseded) now.\n',
    );
    for (const wrong of [
      [],
      ['--serial', '1'],
      ['--authority', 'steve-ca'],
      ['crt_x', ...where, '1'],
    ]) {
      expect((await revoke(...wrong)).status, wrong.join(' ')).toBe(2);
    }
    writeFileSync(file, readFileSync(join(out, 'ca-key.pem')));
    const key = await authority('import-certificates', 'steve-ca', '--certificates', file);
    expect([key.status, key.stderr]).toEqual([2, expect.stringContaining('private key')]);
  });
});
