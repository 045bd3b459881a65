/** The secrets that webhook messages are signed with: derived, so that none is stored. */

import type { WebhookSecrets } from '../services/webhook-records.ts';
import type { Vault } from './vault.ts';

export const webhookSecrets = (vault: Pick<Vault, 'derive'>): WebhookSecrets => ({
  secretOf(endpointId) {
    const octets = vault.derive('webhook', endpointId);
    const secret = `evpki_whs_${octets.toString('base64url')}`;
    octets.fill(0);
    return secret;
  },
});
