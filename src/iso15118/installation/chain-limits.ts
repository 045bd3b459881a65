/** How much of a chain the messages have room for; no answer can be written that exceeds it. */

import type { Standard } from '../signature/signature-profile.ts';

/** As the schemas have it. */
export const chainLimits = {
  'iso15118-2': {
    /** Of each certificate, as DER. */
    octets: 800,
    /** Certificates above a leaf, without the root. */
    above: 4,
    leastAboveContract: 0,
  },
  'iso15118-20': { octets: 1600, above: 3, leastAboveContract: 1 },
} as const satisfies Readonly<
  Record<Standard, Readonly<Record<'octets' | 'above' | 'leastAboveContract', number>>>
>;

export interface ChainFault {
  readonly code: 'chain' | 'size';
  readonly message: string;
}

/**
 * Why no message can carry these certificates above a leaf; empty when one can.
 * @param subCertificates DER, without the root
 * @param least how many there have to be
 */
export function chainFaults(
  standard: Standard,
  subCertificates: readonly Uint8Array[],
  least = 0,
): ChainFault[] {
  const { octets, above } = chainLimits[standard];
  const faults: ChainFault[] = [];
  const count = subCertificates.length;
  if (count < least || count > above) {
    const message = `${count} certificates stand between leaf and root; ${standard} has room for ${least} to ${above}`;
    faults.push({ code: 'chain', message });
  }
  subCertificates.forEach(({ length }, index) => {
    if (length <= octets) return;
    const message = `certificate ${index + 1} above the leaf has ${length} octets; ${standard} has room for ${octets}`;
    faults.push({ code: 'size', message });
  });
  return faults;
}
