/** `evpki cert revoke` and `evpki cert release` against a running service. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { stationRequest } from '../support/stations.ts';

let service: CliService;
beforeAll(async () => {
  service = await startCliService();
  await service.evpki(['login', '--url', service.url, '--bootstrap']);
});
afterAll(() => service?.close());

let count = 0;
/** A certificate of a station: its id, and the file with its chain. */
async function issued(): Promise<{ id: string; subject: string; file: string }> {
  const name = `SN-REVOKE-${++count}`;
  const csr = toPem('CERTIFICATE REQUEST', stationRequest(name));
  const argv = ['cert', 'issue', '--profile', 'ocpp-station', '--csr', '-', '--json'];
  const result = await service.evpki(argv, { stdin: csr });
  expect(result).toMatchObject({ status: 0 });
  const { id, subject, certificateChain } = JSON.parse(result.stdout);
  const file = join(service.folder, `${name}.pem`);
  writeFileSync(file, certificateChain);
  return { id, subject, file };
}

const revoke = (certificate: string, reason: string, ...more: string[]) =>
  service.evpki(['cert', 'revoke', certificate, '--reason', reason, ...more]);
const release = (certificate: string, ...more: string[]) =>
  service.evpki(['cert', 'release', certificate, ...more]);
const shown = async (id: string) => {
  const { state, revocationReason } = JSON.parse(
    (await service.evpki(['cert', 'show', id, '--json'])).stdout,
  );
  return [state, revocationReason];
};

describe('cert revoke', () => {
  test('by id', async () => {
    const { id, subject } = await issued();
    expect(await revoke(id, 'superseded')).toEqual({
      ...{ status: 0, stderr: '' },
      stdout: `${subject} is revoked (superseded) now.\n`,
    });
    expect(await shown(id)).toEqual(['revoked', 'superseded']);
  });

  test('by file, once a CRL lists it', async () => {
    const { id, file } = await issued();
    const result = await revoke(file, 'cessationOfOperation', '--wait-for-crl');
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(await shown(id)).toEqual(['revoked', 'cessationOfOperation']);
  });

  test('--json prints the certificate', async () => {
    const { id } = await issued();
    const { status, stdout } = await revoke(id, 'keyCompromise', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ id, state: 'revoked', revocationReason: 'keyCompromise' },
    });
  });

  test('the same again is fine, another reason a conflict', async () => {
    const { id } = await issued();
    expect((await revoke(id, 'superseded')).status).toBe(0);
    expect((await revoke(id, 'superseded')).status).toBe(0);
    const other = await revoke(id, 'cessationOfOperation');
    expect(other).toMatchObject({ status: 5, stdout: '' });
    expect(await shown(id)).toEqual(['revoked', 'superseded']);
  });

  test.each([
    // Which is for delta CRLs: a hold is released instead.
    ['removeFromCRL'],
    ['bored'],
    [''],
  ])('the reason %j is none to revoke for', async (reason) => {
    const { id } = await issued();
    const result = await revoke(id, reason);
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toContain('reason');
    expect(await shown(id)).toEqual(['issued', undefined]);
  });

  test('a reason there has to be', async () => {
    const { id } = await issued();
    const result = await service.evpki(['cert', 'revoke', id]);
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toContain('--reason');
    expect(await shown(id)).toEqual(['issued', undefined]);
  });

  test('what is not there cannot be revoked, nor released', async () => {
    for (const result of [await revoke('crt_none', 'superseded'), await release('crt_none')]) {
      expect(result).toMatchObject({ status: 4, stdout: '' });
    }
    const file = join(service.folder, 'text');
    writeFileSync(file, 'no certificate');
    for (const result of [await revoke(file, 'superseded'), await release(file)]) {
      expect(result).toMatchObject({ status: 2, stdout: '' });
      expect(result.stderr).toContain('neither an id nor a file with a certificate');
    }
  });
});

describe('cert release', () => {
  test('lifts a hold, by id', async () => {
    const { id, subject } = await issued();
    expect((await revoke(id, 'certificateHold')).stdout).toBe(
      `${subject} is held (certificateHold) now.\n`,
    );
    expect(await shown(id)).toEqual(['held', 'certificateHold']);
    expect(await release(id)).toEqual({
      ...{ status: 0, stdout: `${subject} is issued now.\n`, stderr: '' },
    });
    expect(await shown(id)).toEqual(['issued', undefined]);
  });

  test('by file, with --json', async () => {
    const { id, file } = await issued();
    await revoke(file, 'certificateHold');
    const { status, stdout } = await release(file, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id, state: 'issued' });
  });

  test('what is revoked for good stays so: a conflict', async () => {
    const { id } = await issued();
    await revoke(id, 'certificateHold');
    await revoke(id, 'superseded');
    const result = await release(id);
    expect(result).toMatchObject({ status: 5, stdout: '' });
    expect(await shown(id)).toEqual(['revoked', 'superseded']);
  });
});
