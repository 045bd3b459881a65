/** OCSP requests for tests, written by hand so that they can be wrong in any way. */

import { createHash } from 'node:crypto';
import { explicit, octetString, sequence } from '../../src/pki/der-writer.ts';
import { writeCertId } from '../../src/pki/ocsp/cert-id.ts';
import type { OcspHash } from '../../src/pki/ocsp/hashes.ts';
import { ocsp } from '../../src/pki/oids.ts';
import { writeRawExtension } from '../../src/pki/raw-extensions.ts';

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const bytes = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'));

/** A CertID of an issuer that is called `issuer`. */
export const certIdOf = (serial: number, hash: OcspHash = 'sha1', issuer = 'issuer'): Uint8Array =>
  writeCertId({
    hashAlgorithm: hash,
    issuerNameHash: createHash(hash).update(`${issuer} name`).digest(),
    issuerKeyHash: createHash(hash).update(`${issuer} key`).digest(),
    serialNumber: new Uint8Array([0x11, serial]),
  });

/** A Request with its single extensions, each an Extension as DER. */
export const single = (certId: Uint8Array, ...extensions: Uint8Array[]): Uint8Array =>
  sequence(certId, ...(extensions.length > 0 ? [explicit(0, sequence(...extensions))] : []));

export const nonceExtension = (nonce: Uint8Array, critical = false): Uint8Array =>
  writeRawExtension(ocsp.nonce, critical, octetString(nonce));

export const extensionsField = (...extensions: Uint8Array[]): Uint8Array =>
  explicit(2, sequence(...extensions));

/** An OCSPRequest of the parts of its TBSRequest. */
export const requestOf = (...parts: Uint8Array[]): Uint8Array => sequence(sequence(...parts));

/** An OCSPRequest for these CertIDs. */
export const requestFor = (
  certIds: readonly Uint8Array[],
  ...extensions: Uint8Array[]
): Uint8Array =>
  requestOf(
    sequence(...certIds.map((certId) => single(certId))),
    ...(extensions.length > 0 ? [extensionsField(...extensions)] : []),
  );

/** Numbers below `limit`, the same ones every time. */
export function randomNumbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** The bytes with one to three things done to them: flipped, set, cut, grown, moved. */
export function mutated(original: Uint8Array, random: (limit: number) => number): Uint8Array {
  let current = Buffer.from(original);
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(current.length);
    switch (random(6)) {
      case 0:
        current[at] = (current[at] ?? 0) ^ (1 << random(8));
        break;
      case 1:
        current[at] = random(256);
        break;
      case 2:
        current = current.subarray(0, at);
        break;
      case 3:
        current = Buffer.concat([
          current.subarray(0, at),
          Buffer.from([random(256)]),
          current.subarray(at),
        ]);
        break;
      case 4:
        current = Buffer.concat([current.subarray(0, at), current.subarray(at + 1 + random(4))]);
        break;
      default: {
        const piece = current.subarray(at, at + 1 + random(60));
        const to = random(current.length);
        current = Buffer.concat([current.subarray(0, to), piece, current.subarray(to)]);
      }
    }
    if (current.length === 0) return current;
  }
  return current;
}
