/** The key and certification request of a charger, as chargers make them: `evpki quickstart`. */

import { generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { toPem } from '../pki/pem.ts';
import { readPublicKey } from '../pki/public-key.ts';
import { assembleRequest, buildRequestInfo } from '../pki/request-building.ts';

const generate = promisify(generateKeyPair);

export interface ChargerKey {
  /** PEM, PKCS#8. */
  readonly key: string;
  /** PEM, PKCS#10 signed by the key. */
  readonly request: string;
  /** DER of the SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
}

/** A P-256 key with a request for `commonName`, which asks for nothing else. */
export async function makeChargerKey(commonName: string): Promise<ChargerKey> {
  const pair = await generate('ec', { namedCurve: 'P-256' });
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  const publicKey = readPublicKey(spki);
  if (!publicKey.ok) throw new Error('a fresh P-256 key does not have the form of one');
  const subject = { attributes: [{ type: 'CN', value: commonName } as const] };
  const info = buildRequestInfo(subject, publicKey.value, {});
  const request = assembleRequest(info, 'ecdsa-with-SHA256', signature(pair.privateKey, info));
  return {
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    request: toPem('CERTIFICATE REQUEST', request),
    spki,
  };
}

const signature = (key: KeyObject, message: Uint8Array): Uint8Array => sign('sha256', message, key);
