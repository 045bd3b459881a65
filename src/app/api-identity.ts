/** The key and certificate of the API listener (docs/adr/0004-api-key-in-memory.md). */

import { createPrivateKey } from 'node:crypto';
import type { Config } from '../config/settings.ts';
import type { Listener, TlsIdentity } from '../http/listener.ts';
import { generateKey } from '../keystore/generate.ts';
import { toPem } from '../pki/pem.ts';
import { issueApiCertificate } from '../services/api-certificate.ts';
import type { AuthorityParts } from '../services/authorities.ts';
import type { Clock } from '../services/clock.ts';
import type { Logger } from '../services/logger.ts';
import { every } from './lifecycle.ts';

/** The certificate is replaced when a third of its life is left; looked at this often. */
const RENEWAL_CHECK_MILLISECONDS = 3_600_000;

/** The names under which clients reach the API: from its URL, or those of this machine. */
export function apiHosts(config: Config): readonly [string, ...string[]] {
  const local = ['localhost', '127.0.0.1', '::1'] as const;
  if (config.apiUrl !== undefined) {
    return [new URL(config.apiUrl).hostname.replace(/^\[|\]$/g, ''), ...local];
  }
  return local;
}

/** A fresh key with a certificate for these hosts. */
export async function newApiIdentity(
  parts: AuthorityParts,
  hosts: readonly [string, ...string[]],
): Promise<{ identity: TlsIdentity; authority: Uint8Array; notAfter: Date }> {
  const { spki, pkcs8 } = await generateKey('P-256');
  const { certificate, authority, notAfter } = await issueApiCertificate(parts, spki, hosts);
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  pkcs8.fill(0);
  return {
    identity: {
      key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      chain: toPem('CERTIFICATE', certificate),
    },
    authority,
    notAfter,
  };
}

/**
 * Keeps the listener's certificate from running out.
 * @returns stops doing so
 */
export function renewApiIdentity(
  parts: AuthorityParts,
  hosts: readonly [string, ...string[]],
  firstNotAfter: Date,
  listener: Listener,
  clock: Clock,
  logger: Logger,
): () => Promise<void> {
  let notAfter = firstNotAfter;
  let lifetime = notAfter.getTime() - clock().getTime();
  return every(
    RENEWAL_CHECK_MILLISECONDS,
    async () => {
      if (notAfter.getTime() - clock().getTime() > lifetime / 3) return;
      const renewed = await newApiIdentity(parts, hosts);
      listener.present(renewed.identity);
      notAfter = renewed.notAfter;
      lifetime = notAfter.getTime() - clock().getTime();
      logger.info('api-certificate-renewed', { notAfter: notAfter.toISOString() });
    },
    logger,
  );
}
