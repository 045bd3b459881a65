/** Keys that live in this process while they sign, and sealed in the database otherwise. */

import type { Keyring } from '../services/keyring.ts';
import { generateKey } from './generate.ts';
import { createSigner } from './signer.ts';
import type { Vault } from './vault.ts';

export const vaultKeyring = (vault: Pick<Vault, 'seal' | 'open'>): Keyring => ({
  async generate(algorithm, { keyId, authorityId }) {
    const { spki, pkcs8 } = await generateKey(algorithm);
    const envelope = vault.seal(pkcs8, { keyId, authorityId });
    return { spki, key: { keyId, authorityId, envelope } };
  },

  async open({ keyId, authorityId, envelope }, algorithm, spki) {
    return createSigner(vault.open(envelope, { keyId, authorityId }), algorithm, spki);
  },
});
