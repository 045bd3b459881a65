/** What is in a bundle that was made elsewhere, once nothing that can be seen is wrong with it. */

import { type Certificate, readCertificate } from '../pki/certificate.ts';
import { DerError } from '../pki/der-element.ts';
import { decodeBase64, PemError, readPemBlocks } from '../pki/pem.ts';
import {
  type BundleText,
  type ContentName,
  chainFaults,
  curveOf,
  fault,
  leafFaults,
  sealFaults,
} from './brought-faults.ts';
import type { ContractCar } from './contract-creation.ts';
import type { SealedBundle } from './contract-records.ts';
import { type FieldViolation, ServiceError } from './errors.ts';

export interface BroughtContent
  extends Pick<SealedBundle, 'subCertificates' | 'dhPublicKey' | 'encryptedPrivateKey' | 'curve'> {
  readonly leaf: Certificate;
  /** DER of the leaf. */
  readonly certificate: Uint8Array;
}

/**
 * Reads a bundle and looks at all of it.
 * @param car what its key is encrypted for, if anybody has said
 * @returns every reason why it is none, or what is in it
 */
export function readContent(
  contract: ContentName,
  car: ContractCar | undefined,
  text: BundleText,
  now: Date,
): BroughtContent | readonly FieldViolation[] {
  const certificates = readChain(text.certificateChain);
  if ('code' in certificates) return [certificates];
  const dhPublicKey = decodeBase64(text.dhPublicKey);
  const encryptedPrivateKey = decodeBase64(text.encryptedPrivateKey);
  const [leaf, ...above] = certificates;
  if (!leaf) return [fault('chain', 'there is no certificate', 'certificateChain')];
  const faults = [
    ...leafFaults(contract, leaf, now),
    ...chainFaults(contract, certificates, now),
    ...sealFaults(leaf, car, dhPublicKey, encryptedPrivateKey),
  ];
  const curve = curveOf(leaf);
  if (faults.length > 0 || !dhPublicKey || !encryptedPrivateKey || !curve) return faults;
  const subCertificates = above.map(({ der }) => der);
  return {
    ...{ leaf, certificate: leaf.der, subCertificates, dhPublicKey, encryptedPrivateKey, curve },
  };
}

/** {@link readContent}. @throws ServiceError `bundle-refused` with every reason */
export function requireContent(...asked: Parameters<typeof readContent>): BroughtContent {
  const content = readContent(...asked);
  if ('leaf' in content) return content;
  throw bundleRefused(content);
}

export const bundleRefused = (faults: readonly FieldViolation[]): ServiceError =>
  new ServiceError('bundle-refused', 'the bundle does not fit', faults);

function readChain(pem: string): readonly Certificate[] | FieldViolation {
  try {
    return readPemBlocks(pem).map(({ der }) => readCertificate(der));
  } catch (error) {
    if (!(error instanceof PemError || error instanceof DerError)) throw error;
    return fault('chain', `cannot be read: ${error.message}`, 'certificateChain');
  }
}
