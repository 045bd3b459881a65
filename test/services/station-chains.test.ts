import { expect, test } from 'vitest';
import type { CertificateState } from '../../src/services/certificate-records.ts';
import { findOcppChain } from '../../src/services/station-chains.ts';

/** Parts that know one certificate without bytes. */
const partsWith = (state: CertificateState) =>
  ({
    certificates: {
      findCertificate: async () => ({
        id: 'crt_1',
        organizationId: 'cpo',
        state,
        notAfter: new Date(0),
      }),
    },
    access: new Map(),
    clock: () => new Date(0),
  }) as unknown as Parameters<typeof findOcppChain>[0];
const principal = { organizationId: 'cpo', roles: [] } as unknown as Parameters<
  typeof findOcppChain
>[1];

test.each<CertificateState>(['pending', 'abandoned'])('what is %s has no chain', async (state) => {
  await expect(findOcppChain(partsWith(state), principal, 'crt_1')).rejects.toMatchObject({
    code: 'conflict',
    message: `crt_1 is ${state}: it has no chain`,
  });
});
