/**
 * Key pairs of which somebody else gets a copy. There is no way to one from a key that is sealed
 * already: what is handed out is made for it.
 */

import type { GenerateExportedKey } from '../services/export-records.ts';
import { encryptPkcs8 } from './encrypted-pkcs8.ts';
import { generateKey } from './generate.ts';
import type { Vault } from './vault.ts';

export const exportedKeys =
  (vault: Pick<Vault, 'seal'>): GenerateExportedKey =>
  async (algorithm, { keyId, authorityId }, passphrase) => {
    const { spki, pkcs8 } = await generateKey(algorithm);
    try {
      const encryptedKey = await encryptPkcs8(pkcs8, passphrase);
      const envelope = vault.seal(pkcs8, { keyId, authorityId });
      return { spki, encryptedKey, key: { keyId, authorityId, envelope } };
    } finally {
      pkcs8.fill(0);
    }
  };
