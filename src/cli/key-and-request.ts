/** Keys of devices with their certification requests, as devices make them, for playing one. */

import { generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { type CurveName, curves } from '../pki/curves.ts';
import { toPem } from '../pki/pem.ts';
import { readPublicKey } from '../pki/public-key.ts';
import { assembleRequest, buildRequestInfo } from '../pki/request-building.ts';
import { nodeDigest, signatureAlgorithmFor } from '../pki/signature-algorithm.ts';

const generate = promisify(generateKeyPair);

export interface KeyAndRequest {
  readonly privateKey: KeyObject;
  /** PEM, PKCS#8. */
  readonly key: string;
  /** PEM, PKCS#10 signed by the key. */
  readonly request: string;
  /** DER of the SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
}

/** A key with a request for `commonName`, which asks for nothing else. */
export async function makeKeyAndRequest(
  commonName: string,
  curve: CurveName,
): Promise<KeyAndRequest> {
  const { privateKey, publicKey } = await generate('ec', { namedCurve: curves[curve].nodeName });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const read = readPublicKey(spki);
  if (!read.ok) throw new Error(`a fresh ${curve} key does not have the form of one`);
  const subject = { attributes: [{ type: 'CN', value: commonName } as const] };
  const info = buildRequestInfo(subject, read.value, {});
  const algorithm = signatureAlgorithmFor(curve);
  const signature = sign(nodeDigest(algorithm), info, privateKey);
  return {
    ...{ privateKey, spki },
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    request: toPem('CERTIFICATE REQUEST', assembleRequest(info, algorithm, signature)),
  };
}
