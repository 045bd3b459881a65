/** The lines that `evpki quickstart` shows, typed into a shell: openssl and curl do the same. */

import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { cannotRunLines, shownLines } from '../support/shown-lines.ts';

const run = promisify(execFile);

describe.skipIf(cannotRunLines)('the shown lines', () => {
  let service: CliService;
  beforeAll(async () => {
    service = await startCliService();
    const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
    expect(login).toMatchObject({ status: 0, stderr: '' });
  });
  afterAll(() => service.close());

  test('play the charger again, step by step', async () => {
    const folder = join(service.folder, 'a folder');
    const shown = await service.evpki(['quickstart', '--out', folder]);
    expect(shown).toMatchObject({ status: 0, stderr: '' });
    const script = shownLines(shown.stdout);
    // Not synchronously: the service runs in this very process.
    const { stdout, stderr } = await run('bash', ['-euo', 'pipefail', '-c', script], {
      timeout: 55_000,
    });
    const leaf = `${folder}/charger.pem`;
    const said = stdout.split('\n');
    expect(said).toContain(`${leaf}: OK`);
    // The same question before and after the revocation.
    const answers = said.filter((line) => line === `${leaf}: good` || line === `${leaf}: revoked`);
    expect(answers).toEqual([`${leaf}: good`, `${leaf}: revoked`]);
    expect(stderr.match(/Response verify OK/g)).toHaveLength(2);
    const serial = execFileSync('openssl', ['x509', '-in', leaf, '-noout', '-serial'], {
      encoding: 'utf8',
    });
    expect(stdout).toContain(`Serial Number: ${serial.trim().split('=')[1]}`);
  });
});
