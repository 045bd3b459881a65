/** Options of `evpki contract` that say more than one word. */

import { usageFailure } from './failure.ts';
import { readCertificates } from './input.ts';
import type { Io } from './io.ts';

export interface BundleWords {
  readonly certificateChain?: string;
  readonly dhPublicKey?: string;
  readonly encryptedPrivateKey?: string;
}

/** A bundle as the API takes it; undefined when none of its parts is named. */
export async function bundleOf(
  { certificateChain, dhPublicKey, encryptedPrivateKey }: BundleWords,
  io: Io,
): Promise<Required<BundleWords> | undefined> {
  if (!certificateChain && !dhPublicKey && !encryptedPrivateKey) return undefined;
  if (!certificateChain || !dhPublicKey || !encryptedPrivateKey) {
    throw usageFailure(
      'a bundle is --certificate-chain, --dh-public-key and --encrypted-private-key together',
    );
  }
  return {
    certificateChain: await readCertificates(io, certificateChain),
    dhPublicKey,
    encryptedPrivateKey,
  };
}

export function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw usageFailure(`${name} is a whole number`);
}
