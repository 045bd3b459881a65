/** Unlocking the private keys at start. */

import { join } from 'node:path';
import type { Config } from '../config/settings.ts';
import { demoPassphrase } from '../keystore/passphrase.ts';
import { createVault, openVault, type Vault } from '../keystore/vault.ts';
import { INSTANCE_ORGANIZATION } from '../services/access-policy.ts';
import type { Clock } from '../services/clock.ts';
import type { VaultStore } from '../services/vault-records.ts';

/** Opens the vault of the database, or makes it at the first start. */
export async function unlockVault(config: Config, store: VaultStore, clock: Clock): Promise<Vault> {
  const passphrase =
    config.keyPassphrase ?? (await demoPassphrase(join(config.dataDir, 'demo-passphrase')));
  const existing = await store.findVault();
  if (existing) return openVault(passphrase, existing);
  const { record, vault } = await createVault(passphrase);
  const kept = await store.createVault(record, vaultCreated(clock()));
  // Another process may have been faster; its vault counts then.
  return Buffer.compare(kept.salt, record.salt) === 0 ? vault : openVault(passphrase, kept);
}

const vaultCreated = (at: Date) => ({
  at,
  organizationId: INSTANCE_ORGANIZATION,
  actor: 'evpki',
  action: 'vault.created',
  subject: 'vault',
  details: {},
});
