/** The command with openssl on both sides: its request goes in, its verdict comes out. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { opensslRequest, type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';

describe.skipIf(noOpenssl)('the page docs/cli.md, as it is written', () => {
  let service: CliService;
  let bench: Workbench;
  beforeAll(async () => {
    bench = workbench();
    service = await startCliService();
    const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
    expect(login).toMatchObject({ status: 0, stderr: '' });
  });
  afterAll(async () => {
    await service.close();
    bench.remove();
  });

  test.each(['P-256', 'P-384', 'RSA-3072'])(
    'a %s charger gets a chain that verifies',
    async (key) => {
      const name = `charger-${key}`;
      opensslRequest(bench, `/CN=SN-${key}`, { key, name });
      const path = (extension: string) => `${bench.folder}/${name}.${extension}`;
      const argv = ['cert', 'issue', '--profile', 'ocpp-station', '--csr', path('csr')];
      expect(await service.evpki([...argv, '--out', path('pem')])).toMatchObject({ status: 0 });

      const authorities = await service.evpki(['authority', 'show', 'ocpp-station-ca', '--pem']);
      bench.write('authorities.pem', authorities.stdout);
      const verified = bench.openssl('verify', '-CAfile', 'authorities.pem', `${name}.pem`);
      expect(verified).toBe(`${name}.pem: OK\n`);
      const certified = bench.openssl('x509', '-in', `${name}.pem`, '-noout', '-pubkey');
      expect(certified).toBe(bench.openssl('pkey', '-in', `${name}.key`, '-pubout'));
    },
  );
});
