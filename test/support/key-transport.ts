/** The transport of contract keys, as the test vectors and tests of both standards need it. */

import { createECDH, type ECDH } from 'node:crypto';
import { KeyTransportError } from '../../src/iso15118/key-transport/key-transport-error.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { type CurveName, curves } from '../../src/pki/curves.ts';
import { fromHex, readVector, vectorNames } from './vectors.ts';

/** One vector: what sender and car know, and every step between. Octets as the field names say. */
export interface KeyTransport {
  readonly name: string;
  readonly expect: { readonly contractKeyMatchesCertificate?: boolean };
  /** The car's private key: of its provisioning certificate, or of the old contract. */
  readonly privateKey: Uint8Array;
  readonly recipientSpki: Uint8Array;
  readonly contractSpki: Uint8Array;
  readonly contractKeyIdentifier: Uint8Array;
  readonly steps: Readonly<Record<string, string>>;
}

/** All vectors of one protocol that give every step of a key transport. */
export const keyTransports = (protocol: 'iso2' | 'iso20'): readonly KeyTransport[] =>
  vectorNames(`${protocol}-`).flatMap((name) => {
    const { pki, expect, response } = readVector(name);
    const steps = response?.keyTransport;
    if (steps?.ephemeralPrivateScalarHex === undefined) return [];
    const car = pki.oldContract ?? pki.oemProv;
    return [
      {
        name,
        expect,
        privateKey: fromHex(car.privateScalarHex),
        recipientSpki: spkiOf(car),
        contractSpki: spkiOf(pki.contract),
        contractKeyIdentifier: fromHex(pki.contract.skiHex),
        steps,
      },
    ];
  });

const spkiOf = ({ certDerHex }: { readonly certDerHex: string }): Uint8Array =>
  readCertificate(fromHex(certDerHex)).spki;

/** The ephemeral key pair of a vector. */
export function ecdhOf(curve: CurveName, scalar: Uint8Array): ECDH {
  const pair = createECDH(curves[curve].nodeName);
  pair.setPrivateKey(scalar);
  return pair;
}

/** A number as a private key of the curve's length. */
export const scalarOf = (curve: CurveName, value: bigint): Uint8Array =>
  fromHex(value.toString(16).padStart(2 * curves[curve].octets, '0'));

/** A copy with one bit changed. */
export function flipped(octets: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(octets);
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
}

/** The code that it is refused with. */
export function refusal(act: () => unknown): string {
  try {
    act();
    return 'none';
  } catch (error) {
    if (error instanceof KeyTransportError) return error.code;
    throw error;
  }
}
