/** The provisioning service that signs for a car: one whose V2G root the car has. */

import type { RootCertificateId } from '../iso15118/exi/iso2-messages.ts';
import type { PncStandard } from './contract-records.ts';
import type { ReadyCps } from './cps-signers.ts';
import { NotInstalled } from './installation-cars.ts';

export interface CpsParts {
  readonly openCps: (question: {
    readonly standard: PncStandard;
    readonly rootCertificateIds: readonly RootCertificateId[];
  }) => Promise<ReadyCps | undefined>;
}

/** @throws NotInstalled when the car has the root of none of them */
export async function cpsFor(
  { openCps }: CpsParts,
  standard: PncStandard,
  rootCertificateIds: readonly RootCertificateId[],
  pcid: string,
): Promise<ReadyCps> {
  const cps = await openCps({ standard, rootCertificateIds });
  if (cps) return cps;
  const message = 'The vehicle has the V2G root of no provisioning service of this evpki.';
  throw new NotInstalled('root-missing', message, pcid);
}
