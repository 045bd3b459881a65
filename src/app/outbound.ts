/** The fetcher as the settings have it. */

import { readFile } from 'node:fs/promises';
import type { Config } from '../config/settings.ts';
import { createFetcher } from '../outbound/fetcher.ts';
import { type HostRule, hostRule } from '../outbound/hosts.ts';
import { readPemBlocks } from '../pki/pem.ts';
import type { AskOutbound } from '../services/outbound.ts';
import { StartError } from './start-error.ts';

/** @throws StartError for a file of roots that cannot be read */
export async function outboundFetcher(config: Config): Promise<AskOutbound> {
  const { outboundHosts, outboundInternalHosts, outboundCaFile } = config;
  return createFetcher({
    listed: hostRules(outboundHosts),
    internal: hostRules(outboundInternalHosts),
    ...(outboundCaFile === undefined ? {} : { trusted: await rootsIn(outboundCaFile) }),
  });
}

const hostRules = (list: string): readonly HostRule[] =>
  list.split(',').map((rule) => hostRule(rule.trim()));

async function rootsIn(file: string): Promise<string> {
  try {
    const pem = await readFile(file, 'utf8');
    if (readPemBlocks(pem).length > 0) return pem;
  } catch {
    // Said below.
  }
  throw new StartError(`EVPKI_OUTBOUND_CA_FILE: ${file} cannot be read, or has no certificates`);
}
