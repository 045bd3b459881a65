/** What the settings must be for the hierarchy that they name. */

import type { Config } from './config/settings.ts';
import type { Hierarchy } from './services/hierarchies.ts';

/**
 * Only a demo may run with a passphrase that lies beside its keys, and under a made-up URL.
 * @returns what is missing, as a sentence; undefined when nothing is
 */
export function missingForHierarchy(config: Config, hierarchy: Hierarchy): string | undefined {
  if (hierarchy.demo) {
    if (config.keyPassphrase !== undefined || isLoopback(config.host)) return undefined;
    return `a demo's keys lie beside their passphrase: set EVPKI_KEY_PASSPHRASE to listen on ${config.host}`;
  }
  const missing = missingSettings(config);
  if (missing.length === 0) return undefined;
  return `hierarchy ${hierarchy.id} is not marked \`demo: true\`: set ${missing.join(' and ')}`;
}

/** What only a demo can do without. */
export const missingSettings = (config: Config): string[] => [
  ...(config.keyPassphrase === undefined ? ['EVPKI_KEY_PASSPHRASE (or _FILE)'] : []),
  ...(config.publicUrl === undefined ? ['EVPKI_PUBLIC_URL'] : []),
];

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.');
