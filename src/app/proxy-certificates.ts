/** The certificates by which proxies in front of the API are known, in a file of the operator's. */

import { readFile } from 'node:fs/promises';
import type { Config } from '../config/settings.ts';
import type { ProxyParts } from '../http/client-certificate.ts';
import { fingerprint, readCertificate } from '../pki/certificate.ts';
import { DerError } from '../pki/der-element.ts';
import { PemError, readPemBlocks } from '../pki/pem.ts';
import { certificateFault, type StandingParts } from '../services/certificate-standing.ts';
import type { Clock } from '../services/clock.ts';
import type { Logger } from '../services/logger.ts';
import { every } from './lifecycle.ts';
import { StartError } from './start-error.ts';

const FILE_CHECK_MILLISECONDS = 60_000;

export interface Proxies extends ProxyParts {
  /** The file; none when there are no proxies. */
  readonly files: readonly string[];
  /**
   * Reads the file again. Of one that cannot be read nothing is taken: those of before stay.
   * @throws StartError
   */
  refresh(): Promise<void>;
  /** Does so again and again. @returns stops it */
  keepFresh(): () => Promise<void>;
}

type ProxyConfig = Pick<Config, 'proxyCertificates' | 'proxyHeader'>;

/**
 * The proxies that the operator names. Of one the old and the new certificate stand in the file while
 * it changes over.
 * @throws StartError when the file cannot be read, or holds anything but certificates
 */
export async function knownProxies(
  parts: StandingParts & { readonly clock: Clock; readonly logger: Logger },
  { proxyCertificates: file, proxyHeader: header }: ProxyConfig,
): Promise<Proxies> {
  let known = await fingerprintsOf(file);
  const refresh = async () => {
    const found = await fingerprintsOf(file);
    const isSame = found.size === known.size && [...found].every((sha256) => known.has(sha256));
    if (isSame) return;
    known = found;
    parts.logger.info('proxy-certificates-replaced', { file, sha256: [...known] });
  };
  return {
    header,
    files: file === undefined ? [] : [file],
    isProxy: (sha256) => known.has(sha256),
    holds: async (der) => {
      const certificate = readCertificate(der);
      return (await certificateFault(parts, certificate, parts.clock())) === undefined;
    },
    refresh,
    keepFresh: () =>
      file === undefined
        ? async () => undefined
        : every(FILE_CHECK_MILLISECONDS, refresh, parts.logger),
  };
}

async function fingerprintsOf(file: string | undefined): Promise<ReadonlySet<string>> {
  if (file === undefined) return new Set();
  const wrong = (why: string) => new StartError(`EVPKI_PROXY_CERTIFICATES: ${file} ${why}`);
  let text: string;
  try {
    text = await readFile(file, 'latin1');
  } catch (error) {
    throw wrong(`cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    const blocks = readPemBlocks(text);
    if (blocks.length === 0) throw wrong('holds no certificate in PEM');
    const other = blocks.find(({ label }) => label !== 'CERTIFICATE');
    if (other) throw wrong(`holds a ${other.label}: only certificates belong there`);
    return new Set(blocks.map(({ der }) => fingerprint(readCertificate(der).der)));
  } catch (error) {
    if (!(error instanceof PemError || error instanceof DerError)) throw error;
    throw wrong(`holds something else than certificates in PEM: ${error.message}`);
  }
}
