/**
 * The key and certificate of the API listener: from an authority of this evpki
 * (docs/adr/0004-api-key-in-memory.md), or from files that somebody else looks after.
 */

import { createPrivateKey } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/settings.ts';
import type { Listener, TlsIdentity } from '../http/listener.ts';
import { generateKey } from '../keystore/generate.ts';
import { toPem } from '../pki/pem.ts';
import { replaceFile } from '../replaced-file.ts';
import { issueApiCertificate } from '../services/api-certificate.ts';
import type { AuthorityParts } from '../services/authorities.ts';
import type { Clock } from '../services/clock.ts';
import type { Logger } from '../services/logger.ts';
import { type ApiTlsFiles, identityOfFiles, readTlsFiles } from './api-tls-files.ts';
import { every } from './lifecycle.ts';

/** The certificate is replaced when a third of its life is left; looked at this often. */
const RENEWAL_CHECK_MILLISECONDS = 3_600_000;
const FILE_CHECK_MILLISECONDS = 60_000;

type ApiConfig = Pick<Config, 'apiUrl' | 'apiTlsAuthority' | 'apiTlsCertificate' | 'apiTlsKey'>;

/** The names under which clients reach the API: from its URL, or those of this machine. */
export function apiHosts(config: Pick<Config, 'apiUrl'>): readonly [string, ...string[]] {
  const local = ['localhost', '127.0.0.1', '::1'] as const;
  if (config.apiUrl !== undefined) {
    return [new URL(config.apiUrl).hostname.replace(/^\[|\]$/g, ''), ...local];
  }
  return local;
}

export interface ApiIdentity extends Renewable {
  /**
   * Keeps what the listener presents from running out.
   * @returns stops doing so
   */
  keepFresh(listener: Listener): () => Promise<void>;
}

interface Renewable {
  readonly identity: TlsIdentity;
  /** PEM of the root that clients trust; undefined when the files end below it. */
  readonly root: string | undefined;
  /** The files that it is from; none when an authority certifies it. */
  readonly files: readonly string[];
  /** Has the listener present what is newer, if there is something newer that fits. */
  refresh(listener: Listener): Promise<void>;
}

/**
 * What the API listener presents.
 * @throws StartError for files that do not fit together, ServiceError as issuing does
 */
export async function apiIdentity(
  parts: AuthorityParts & { readonly clock: Clock; readonly logger: Logger },
  config: ApiConfig,
): Promise<ApiIdentity> {
  const files = readTlsFiles(config);
  const found = files ? await ofFiles(parts, files) : await ofAuthority(parts, config);
  const milliseconds = files ? FILE_CHECK_MILLISECONDS : RENEWAL_CHECK_MILLISECONDS;
  return {
    ...found,
    keepFresh: (listener) => every(milliseconds, () => found.refresh(listener), parts.logger),
  };
}

async function ofAuthority(
  parts: AuthorityParts & { readonly clock: Clock; readonly logger: Logger },
  config: ApiConfig,
): Promise<Renewable> {
  const { clock, logger } = parts;
  const issue = () => newIdentity(parts, config.apiTlsAuthority, apiHosts(config));
  let current = await issue();
  let lifetime = current.notAfter.getTime() - clock().getTime();
  return {
    identity: current.identity,
    root: current.root,
    files: [],
    async refresh(listener) {
      if (current.notAfter.getTime() - clock().getTime() > lifetime / 3) return;
      current = await issue();
      listener.present(current.identity);
      lifetime = current.notAfter.getTime() - clock().getTime();
      logger.info('api-certificate-renewed', { notAfter: current.notAfter.toISOString() });
    },
  };
}

/** A fresh key with a certificate for these hosts. */
async function newIdentity(
  parts: AuthorityParts,
  authorityId: string,
  hosts: readonly [string, ...string[]],
): Promise<{ identity: TlsIdentity; root: string; notAfter: Date }> {
  const { spki, pkcs8 } = await generateKey('P-256');
  const { chain, root, notAfter } = await issueApiCertificate(parts, authorityId, spki, hosts);
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  pkcs8.fill(0);
  return {
    identity: {
      key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      chain: chain.map((der) => toPem('CERTIFICATE', der)).join(''),
    },
    root: toPem('CERTIFICATE', root),
    notAfter,
  };
}

/** Leaves the root for the clients of this machine. @returns the file, if there is one */
export async function keepApiRoot(
  dataDir: string,
  root: string | undefined,
): Promise<string | undefined> {
  const file = join(dataDir, 'api-ca.pem');
  if (root === undefined) {
    await rm(file, { force: true });
    return undefined;
  }
  await replaceFile(file, root, 0o644);
  return file;
}

/** Of files that do not fit nothing is presented: the one before stays. */
async function ofFiles(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  files: ApiTlsFiles,
): Promise<Renewable> {
  let current = await identityOfFiles(files, clock());
  return {
    ...current,
    files: [files.certificate, files.key],
    async refresh(listener) {
      const found = await identityOfFiles(files, clock());
      if (found.identity.chain === current.identity.chain) return;
      listener.present(found.identity);
      current = found;
      logger.info('api-certificate-replaced', { file: files.certificate });
    },
  };
}
