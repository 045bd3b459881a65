/** CertificateInstallationRes of ISO 15118-20: with a contract, or without. */

import { encodeIso20 } from '../exi/iso20.ts';
import type {
  EcdhCurve,
  Iso20ResponseCode,
  SignedInstallationData,
} from '../exi/iso20-messages.ts';
import { KeptElements } from '../exi/kept-elements.ts';
import { signElements } from '../signature/sign-elements.ts';
import { chainOf } from './chain-element.ts';
import type { CpsSigner } from './cps-signer.ts';
import { signedInIso20Response } from './signed-elements.ts';

/** A contract as it goes into a car: certificates are DER, the issuer of the leaf comes first. */
export interface Iso20Delivery {
  /** That of the request, 8 octets. */
  readonly sessionId: Uint8Array;
  readonly at: Date;
  readonly certificate: Uint8Array;
  /** 1 to 3, without the root. */
  readonly subCertificates: readonly Uint8Array[];
  readonly curve: EcdhCurve;
  /** An uncompressed point of P-521, 133 octets, or an X448 key, 56 octets. */
  readonly dhPublicKey: Uint8Array;
  /** IV, ciphertext and tag: 94 octets with P-521, 84 with X448. */
  readonly encryptedPrivateKey: Uint8Array;
  /** How many more contracts the car could ask for, 0 to 255. */
  readonly remainingContractCertificateChains: number;
}

const lengths: Readonly<Record<EcdhCurve, { dhPublicKey: number; encryptedPrivateKey: number }>> = {
  SECP521: { dhPublicKey: 133, encryptedPrivateKey: 94 },
  X448: { dhPublicKey: 56, encryptedPrivateKey: 84 },
};

/**
 * The EXI of an answer with a contract, its SignedInstallationData signed by the CPS.
 * @throws RangeError if a value has not the form that {@link Iso20Delivery} says
 * @throws ExiError if something else does not fit into the schema
 */
export async function buildIso20Response(
  delivery: Iso20Delivery,
  cps: CpsSigner,
): Promise<Uint8Array> {
  const { curve, dhPublicKey, encryptedPrivateKey } = delivery;
  checkLength(curve, 'dhPublicKey', dhPublicKey);
  checkLength(curve, 'encryptedPrivateKey', encryptedPrivateKey);
  const signedInstallationData: SignedInstallationData = {
    id: 'id1',
    contractCertificateChain: {
      certificate: delivery.certificate,
      subCertificates: delivery.subCertificates,
    },
    ecdhCurve: curve,
    dhPublicKey,
    encryptedPrivateKey: { form: curve, value: encryptedPrivateKey },
  };
  const kept = new KeptElements([signedInstallationData]);
  const elements = signedInIso20Response({ signedInstallationData }, kept);
  const signature = await signElements('iso15118-20', elements, cps.signer);
  const timeStamp = secondsSince1970(delivery.at);
  return encodeIso20(
    {
      name: 'CertificateInstallationRes',
      header: { sessionId: delivery.sessionId, timeStamp, signature },
      responseCode: 'OK',
      evseProcessing: 'Finished',
      cpsCertificateChain: chainOf(cps),
      signedInstallationData,
      remainingContractCertificateChains: delivery.remainingContractCertificateChains,
    },
    kept,
  );
}

function checkLength(
  curve: EcdhCurve,
  what: 'dhPublicKey' | 'encryptedPrivateKey',
  { length }: Uint8Array,
): void {
  const wanted = lengths[curve][what];
  if (length === wanted) return;
  throw new RangeError(`the ${what} of ${curve} has ${wanted} octets, not ${length}`);
}

const secondsSince1970 = (at: Date): bigint => BigInt(Math.floor(at.getTime() / 1000));

/** One octet, as an empty value cannot be read by some stacks. */
const dummy = Uint8Array.of(0);

/** In the lengths that the schema fixes for P-521. */
const dummyInstallationData: SignedInstallationData = {
  id: 'id1',
  contractCertificateChain: { certificate: dummy, subCertificates: [dummy] },
  ecdhCurve: 'SECP521',
  dhPublicKey: new Uint8Array(lengths.SECP521.dhPublicKey),
  encryptedPrivateKey: {
    form: 'SECP521',
    value: new Uint8Array(lengths.SECP521.encryptedPrivateKey),
  },
};

/**
 * The EXI of an answer without a contract: what the schema demands is there as dummies, and nothing
 * is signed.
 * @param sessionId 8 octets
 * @throws RangeError if the code is neither FAILED nor a WARNING
 */
export function buildIso20Failure(
  sessionId: Uint8Array,
  at: Date,
  responseCode: Iso20ResponseCode,
): Uint8Array {
  if (responseCode.startsWith('OK')) throw new RangeError(`${responseCode} is no failure`);
  return encodeIso20({
    name: 'CertificateInstallationRes',
    header: { sessionId, timeStamp: secondsSince1970(at) },
    responseCode,
    evseProcessing: 'Finished',
    cpsCertificateChain: { certificate: dummy },
    signedInstallationData: dummyInstallationData,
    remainingContractCertificateChains: 0,
  });
}
