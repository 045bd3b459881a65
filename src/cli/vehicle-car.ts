/** A car as the command line plays one: its key and provisioning certificate, and what it asks. */

import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { parsePcid } from '../identifiers/pcid.ts';
import { ExiError } from '../iso15118/exi/exi-error.ts';
import {
  buildIso2InstallationRequest,
  buildIso20InstallationRequest,
} from '../iso15118/installation/car-requests.ts';
import type { TransportCurve } from '../iso15118/key-transport/agreement.ts';
import type { Iso15118Standard } from '../ocpp/contract-certificate.ts';
import { sameBytes } from '../pki/byte-order.ts';
import { type Certificate, isSelfIssued } from '../pki/certificate.ts';
import { attributeValue, nameText } from '../pki/names.ts';
import { keyAlgorithmOf, nodeDigest, signatureAlgorithmFor } from '../pki/signature-algorithm.ts';
import type { Signer } from '../pki/signer.ts';
import { usageFailure } from './failure.ts';

export const carCurves: Readonly<Record<Iso15118Standard, TransportCurve>> = {
  'iso15118-2': 'P-256',
  'iso15118-20': 'P-521',
};

export interface Car {
  readonly standard: Iso15118Standard;
  readonly curve: TransportCurve;
  readonly pcid: string;
  readonly privateKey: KeyObject;
  /** The provisioning certificate. */
  readonly certificate: Certificate;
  /** Those above it, the nearest first, without the root. */
  readonly subCertificates: readonly Certificate[];
}

/** A value with the file that it is from, by which people are told of it. */
export interface FromFile<T> {
  readonly file: string;
  readonly value: T;
}

/**
 * A car of a key and the certificate for it; the key says of which standard.
 * @param key PEM
 * @throws Failure for what is no key of a car, no certificate of one, or not of the same car
 */
export function carOf(
  key: FromFile<string>,
  { file, value: chain }: FromFile<readonly Certificate[]>,
): Car {
  const privateKey = readPrivateKey(key);
  const algorithm = keyAlgorithmOf(privateKey);
  const standards = Object.keys(carCurves) as Iso15118Standard[];
  const standard = standards.find((one) => carCurves[one] === algorithm);
  if (!standard) {
    throw usageFailure(
      `${key.file} holds no key that evpki plays a car with`,
      'Cars of ISO 15118-2 have P-256 keys, those of -20 P-521 keys; Ed448 is not played.',
    );
  }
  const [certificate, ...above] = chain;
  if (!certificate || !sameBytes(certificate.spki, spkiOf(privateKey))) {
    throw usageFailure(
      `${key.file} is not the key of the first certificate in ${file}`,
      'Name the key of the car with its provisioning certificate.',
    );
  }
  const pcid = parsePcid(attributeValue(certificate.subject, 'CN') ?? '');
  if (!pcid.ok) throw usageFailure(`the CN of ${file} is no PCID: ${pcid.reason}`);
  return {
    ...{ standard, curve: carCurves[standard], privateKey, certificate },
    pcid: pcid.value.normal,
    subCertificates: above.filter((one) => !isSelfIssued(one)),
  };
}

function readPrivateKey({ file, value }: FromFile<string>): KeyObject {
  try {
    return createPrivateKey(value);
  } catch {
    // What the library says may repeat what it was given.
    throw usageFailure(
      `${file} holds no private key that can be read`,
      'A key is PEM without a passphrase, as `openssl genpkey` writes it.',
    );
  }
}

const spkiOf = (key: KeyObject): Uint8Array =>
  createPublicKey(key).export({ type: 'spki', format: 'der' });

/** The private key as a number: big-endian, of the curve's length. */
export const scalarOf = ({ privateKey }: Pick<Car, 'privateKey'>): Uint8Array =>
  Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');

export interface CarRequest {
  /** Without V2GTP header. */
  readonly exi: Uint8Array;
  readonly sessionId: Uint8Array;
}

/**
 * CertificateInstallationReq of a car in a session of its own.
 * @param roots the V2G roots that it has
 * @param emaids the contracts that it would have, the first most of all; ISO 15118-20 only
 * @throws Failure for what does not fit into the message
 */
export async function askForContract(
  car: Car,
  roots: readonly Certificate[],
  at: Date,
  emaids: readonly string[] = [],
): Promise<CarRequest> {
  const sessionId = randomBytes(8);
  const common = {
    sessionId,
    certificate: car.certificate.der,
    rootCertificateIds: roots.map((root) => ({
      issuerName: nameText(root.issuer),
      serialNumber: BigInt(`0x${Buffer.from(root.serialNumber).toString('hex')}`),
    })),
  };
  const signer = signerOf(car);
  try {
    if (car.standard === 'iso15118-2') {
      return { sessionId, exi: await buildIso2InstallationRequest(common, signer) };
    }
    const request = {
      ...{ ...common, at, maximumContractCertificateChains: 1 },
      subCertificates: car.subCertificates.map(({ der }) => der),
      ...(emaids.length > 0 ? { prioritizedEmaids: emaids } : {}),
    };
    return { sessionId, exi: await buildIso20InstallationRequest(request, signer) };
  } catch (error) {
    if (!(error instanceof ExiError)) throw error;
    throw usageFailure(`the car cannot ask so: ${error.message}`);
  }
}

function signerOf({ privateKey, curve, certificate }: Car): Signer {
  const digest = nodeDigest(signatureAlgorithmFor(curve));
  return {
    ...{ algorithm: curve, spki: certificate.spki },
    sign: async (message) => sign(digest, message, privateKey),
    signPieces: async (pieces) => sign(digest, Buffer.concat(pieces), privateKey),
  };
}
