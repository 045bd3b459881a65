/** The ISO 15118 vectors as messages and keys. */

import { createDecipheriv, createECDH, createHash } from 'node:crypto';
import { type Certificate, readCertificate } from '../../src/pki/certificate.ts';
import type { PublicKey } from '../../src/pki/public-key.ts';
import { type SigningKey, vectorKey } from './signed-messages.ts';
import { fromHex, readVector, vectorNames } from './vectors.ts';

/** A parsed file: see the README beside them. */
// biome-ignore lint/suspicious/noExplicitAny: the files differ, and each test knows what it reads.
export type Vector = any;

/** About identifiers, not messages. */
const otherFiles = ['emaid-check-digits'];

export const messageVectorNames = (): string[] =>
  vectorNames().filter((name) => !otherFiles.includes(name));

export const standardOf = ({ id }: Vector): 'iso15118-2' | 'iso15118-20' =>
  id.startsWith('iso20') ? 'iso15118-20' : 'iso15118-2';

export const isUpdate = ({ pki }: Vector): boolean => pki?.oldContract !== undefined;

/** That of the request. One file has the request of another and a zero octet, and does not say. */
export function sessionIdOf({ id, request }: Vector): Uint8Array {
  if (request.sessionIdHex !== undefined) return fromHex(request.sessionIdHex);
  const same = messageVectorNames()
    .map(readVector)
    .find((other) => request.exiHex === `${other.request?.exiHex}00`);
  if (!same) throw new Error(`${id} has the request of no other file`);
  return fromHex(same.request.sessionIdHex);
}

/** Certificate of a role such as `oemProv`. */
export const certificateOf = (vector: Vector, role: string): Certificate =>
  readCertificate(fromHex(vector.pki[role].certDerHex));

/** Key of a role such as `cpsLeaf`. */
export const keyOf = (vector: Vector, role: string): SigningKey => {
  const { publicKey } = certificateOf(vector, role);
  if (!publicKey) throw new Error(`the key of ${role} is none that evpki accepts`);
  return vectorKey(publicKey, vector.pki[role].privateKeyPkcs8Hex);
};

/** DER of the sub-CAs of a branch as they stand in a message: the issuer of the leaf first. */
export const subCertificatesOf = (vector: Vector, branch: 'mo' | 'oem' | 'cps'): Uint8Array[] =>
  vector.pki[`${branch}SubCAsTopDown`]
    .map(({ certDerHex }: { certDerHex: string }) => fromHex(certDerHex))
    .reverse();

/** Whom the contract key is encrypted for. */
const recipientOf = (vector: Vector): string => (isUpdate(vector) ? 'oldContract' : 'oemProv');

export interface Sealed {
  readonly dhPublicKey: Uint8Array;
  readonly encryptedPrivateKey: Uint8Array;
}

/** Whether the car finds the private key of this public key in what it is sent. */
export function decryptsTo(vector: Vector, sealed: Sealed, contractKey: PublicKey): boolean {
  const privateScalar = fromHex(vector.pki[recipientOf(vector)].privateScalarHex);
  const [curve, scalar] =
    standardOf(vector) === 'iso15118-2'
      ? ['prime256v1', openIso2(sealed, privateScalar)]
      : ['secp521r1', openIso20(vector, sealed, privateScalar)];
  const pair = createECDH(curve);
  pair.setPrivateKey(scalar);
  return pair.getPublicKey().equals(contractKey.bits);
}

/** [V2G2-818] */
function openIso2({ dhPublicKey, encryptedPrivateKey }: Sealed, scalar: Uint8Array): Buffer {
  const key = sharedKey('prime256v1', scalar, dhPublicKey, 'sha256').subarray(0, 16);
  const decipher = createDecipheriv('aes-128-cbc', key, encryptedPrivateKey.subarray(0, 16));
  decipher.setAutoPadding(false);
  return Buffer.concat([decipher.update(encryptedPrivateKey.subarray(16)), decipher.final()]);
}

/** [V2G20-2492] to [V2G20-2510] */
function openIso20(
  vector: Vector,
  { dhPublicKey, encryptedPrivateKey }: Sealed,
  scalar: Uint8Array,
): Buffer {
  const key = sharedKey('secp521r1', scalar, dhPublicKey, 'sha512').subarray(0, 32);
  const decipher = createDecipheriv('aes-256-gcm', key, encryptedPrivateKey.subarray(0, 12));
  const pcid = /CN=([A-Z0-9]+)/.exec(vector.pki.oemProv.subject)?.[1] ?? '';
  decipher.setAAD(Buffer.from(pcid + vector.pki.contract.skiHex.toUpperCase()));
  decipher.setAuthTag(encryptedPrivateKey.subarray(-16));
  return Buffer.concat([decipher.update(encryptedPrivateKey.subarray(12, -16)), decipher.final()]);
}

function sharedKey(curve: string, scalar: Uint8Array, point: Uint8Array, hash: string): Buffer {
  const pair = createECDH(curve);
  pair.setPrivateKey(scalar);
  const input = [Buffer.of(0, 0, 0, 1), pair.computeSecret(point), Buffer.of(0x01, 0x55, 0x56)];
  return createHash(hash).update(Buffer.concat(input)).digest();
}
