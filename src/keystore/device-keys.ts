/** Key pairs for devices that cannot make their own: generated here, handed out, never kept. */

import { createPrivateKey } from 'node:crypto';
import type { KeyAlgorithm } from '../pki/public-key.ts';
import type { DeviceKey } from '../services/est-key-generation.ts';
import { generateKey } from './generate.ts';
import { createSigner } from './signer.ts';

/** Makes a key pair on the thread pool. */
export async function generateDeviceKey(algorithm: KeyAlgorithm): Promise<DeviceKey> {
  const { spki, pkcs8 } = await generateKey(algorithm);
  const key = createPrivateKey({
    key: Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length),
    format: 'der',
    type: 'pkcs8',
  });
  const signer = createSigner(key, algorithm, spki);
  return { spki, pkcs8, sign: (message) => signer.sign(message) };
}
