/**
 * Agreeing with a car's key under a fresh ephemeral one, which never leaves OpenSSL's memory.
 * P-256 and X448 agree at once, P-521 on the thread pool: docs/adr/0016-contract-keys.md.
 */

import { createECDH, generateKeyPair, webcrypto } from 'node:crypto';
import { promisify } from 'node:util';
import { type Agreement, agree, recipientPoint } from '../iso15118/key-transport/agreement.ts';
import { agreeOnX448 } from '../iso15118/key-transport/x448.ts';
import { curves } from '../pki/curves.ts';

/** @throws KeyTransportError `recipient-key` */
export function agreeOnP256(recipient: Uint8Array): Agreement {
  const ephemeral = createECDH(curves['P-256'].nodeName);
  ephemeral.generateKeys();
  return agree('P-256', ephemeral, recipient);
}

const p521 = { name: 'ECDH', namedCurve: 'P-521' };

/** @throws KeyTransportError `recipient-key` */
export async function agreeOnP521(recipient: Uint8Array): Promise<Agreement> {
  const point = recipientPoint('P-521', recipient);
  // Of all that Node has, only WebCrypto agrees on a key on the thread pool.
  const { subtle } = webcrypto;
  const car = await subtle.importKey('raw', point, p521, false, []);
  const ephemeral = await subtle.generateKey(p521, false, ['deriveBits']);
  const dhPublicKey = new Uint8Array(await subtle.exportKey('raw', ephemeral.publicKey));
  const bits = 8 * curves['P-521'].octets;
  const from = { name: 'ECDH', public: car };
  const sharedSecret = await subtle.deriveBits(from, ephemeral.privateKey, bits);
  return { dhPublicKey, sharedSecret: new Uint8Array(sharedSecret) };
}

const generate = promisify(generateKeyPair);

/** @throws KeyTransportError `recipient-key`, `shared-secret-zero` */
export async function agreeWithX448(recipient: Uint8Array): Promise<Agreement> {
  const { privateKey } = await generate('x448');
  return agreeOnX448(privateKey, recipient);
}
