/** A TLS certificate and key that the operator brings as files. */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Config } from '../config/settings.ts';
import type { TlsIdentity } from '../http/listener.ts';
import { PemError, readPemBlocks, toPem } from '../pki/pem.ts';
import { StartError } from './start-error.ts';

export interface ApiTlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/**
 * The files that are set.
 * @throws StartError when only one of the two is
 */
export function readTlsFiles({
  apiTlsCertificate: certificate,
  apiTlsKey: key,
}: Pick<Config, 'apiTlsCertificate' | 'apiTlsKey'>): ApiTlsFiles | undefined {
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  const missing = certificate === undefined ? 'EVPKI_API_TLS_CERTIFICATE' : 'EVPKI_API_TLS_KEY';
  throw new StartError(`${missing} is not set: certificate and key go together`);
}

/**
 * Reads and checks both files.
 * @throws StartError when one cannot be read, they do not belong together, or the certificate
 *   does not hold at `now`
 */
export async function identityOfFiles(
  files: ApiTlsFiles,
  now: Date,
): Promise<{ readonly identity: TlsIdentity; readonly root: string | undefined }> {
  const chain = chainOf(files.certificate, await textOf(files.certificate));
  const key = keyOf(files.key, await textOf(files.key));
  const [leaf] = chain;
  const last = chain.at(-1);
  if (!leaf || !last) throw new StartError(`${files.certificate} holds no certificate`);
  if (!leaf.checkPrivateKey(key)) {
    throw new StartError(
      `${files.key} is not the key of the first certificate of ${files.certificate}`,
    );
  }
  if (new Date(leaf.validTo) < now || new Date(leaf.validFrom) > now) {
    throw new StartError(
      `the certificate in ${files.certificate} is valid from ${leaf.validFrom} until ${leaf.validTo}`,
    );
  }
  const isRoot = last.checkIssued(last);
  const sent = isRoot && chain.length > 1 ? chain.slice(0, -1) : chain;
  return {
    identity: {
      key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      chain: sent.map(({ raw }) => toPem('CERTIFICATE', raw)).join(''),
    },
    root: isRoot ? toPem('CERTIFICATE', last.raw) : undefined,
  };
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'latin1');
  } catch (error) {
    throw new StartError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function chainOf(file: string, text: string): X509Certificate[] {
  try {
    const blocks = readPemBlocks(text);
    if (blocks.every(({ label }) => label === 'CERTIFICATE')) {
      return blocks.map(({ der }) => new X509Certificate(der));
    }
  } catch (error) {
    if (!(error instanceof PemError) && !(error instanceof Error && 'code' in error)) throw error;
  }
  throw new StartError(`${file} is not a chain of certificates in PEM`);
}

function keyOf(file: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    throw new StartError(`${file} is not a private key in PEM without a passphrase`);
  }
}
