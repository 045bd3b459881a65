/** The lines that `evpki vehicle install` shows, typed into a shell: they play the car again. */

import { execFile } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCliService } from '../support/cli-service.ts';
import { makeOneFile, type OneFile } from '../support/one-file.ts';
import { cannotRunLines, shownLines } from '../support/shown-lines.ts';

const run = promisify(execFile);

describe.skipIf(cannotRunLines)('the shown lines', () => {
  let command: OneFile;
  beforeAll(async () => {
    command = await makeOneFile('src/cli/main.ts');
  });
  afterAll(() => command?.remove());

  test.each([
    ['iso15118-2', 'ca/demo.yaml'],
    ['iso15118-20', 'ca/iso15118-20.yaml'],
  ])(
    'play the car of %s again, step by step',
    { timeout: 120_000 },
    async (standard, hierarchy) => {
      const service = await startCliService({ EVPKI_HIERARCHY: hierarchy });
      try {
        const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
        expect(login).toMatchObject({ status: 0, stderr: '' });
        const first = join(service.folder, 'a car');
        const again = join(service.folder, 'the car again');
        const argv = ['vehicle', 'install', '--standard', standard, '--end', '--out', first];
        const shown = await service.evpki(argv);
        expect(shown).toMatchObject({ status: 0, stderr: '' });
        const lines = shownLines(shown.stdout);
        await mkdir(again);
        await copyFile(`${first}/api-ca.pem`, `${again}/api-ca.pem`);
        const script = lines.replaceAll(first, again);
        const evpki = `evpki() { node '${command.script}' "$@"; }`;
        // Not synchronously: the service runs in this very process.
        const { stdout, stderr } = await run(
          'bash',
          ['-euo', 'pipefail', '-c', `${evpki}\n${script}`],
          {
            timeout: 110_000,
            env: { ...process.env, EVPKI_CLIENT_CONFIG: service.credentialsFile },
          },
        );
        const contract = `${again}/contract.pem`;
        const said = stdout.split('\n');
        expect(stdout).toContain('The car takes the answer');
        expect(said).toContain(`${contract}: OK`);
        // The same questions before and after the end of the contract.
        const ocsp = said.flatMap((line) => /contract\.pem: (good|revoked)$/.exec(line)?.[1] ?? []);
        expect(ocsp).toEqual(['good', 'revoked']);
        expect(stderr.match(/Response verify OK/g)).toHaveLength(2);
        const authorized = said.filter((line) => line.includes('"certificateStatus"'));
        expect(authorized.map((line) => JSON.parse(line).certificateStatus)).toEqual([
          'Accepted',
          'CertificateRevoked',
        ]);
      } finally {
        await service.close();
      }
    },
  );
});
