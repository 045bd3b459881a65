/** The provisioning service that signs for a car: one whose V2G root the car has. */

import { ExiError } from '../iso15118/exi/exi-error.ts';
import type { RootCertificateId } from '../iso15118/exi/iso2-messages.ts';
import type { PncStandard } from './contract-records.ts';
import type { ReadyCps } from './cps-signers.ts';
import { NotInstalled } from './installation-cars.ts';
import type { ChosenContract } from './installation-contracts.ts';
import type { Logger } from './logger.ts';

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

/**
 * The EXI of an answer with a contract. Nothing that could not be written should come as far as
 * this; if it does, the car gets an answer all the same.
 * @throws NotInstalled when a value does not fit into the message
 */
export async function written(
  { logger }: { readonly logger: Logger },
  { contract: { id, pcid }, bundle }: ChosenContract,
  cps: ReadyCps,
  build: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  try {
    return await build();
  } catch (error) {
    if (!(error instanceof ExiError || error instanceof RangeError)) throw error;
    const what = { contract: id, bundle: bundle.id, cps: cps.certificateId };
    logger.error('contract-not-written', { ...what, error });
    const message = 'The contract of this vehicle does not fit into the message.';
    throw new NotInstalled('service-unavailable', message, pcid);
  }
}
