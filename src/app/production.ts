/** What a hierarchy that is no demo does not start without. */

import type { Config } from '../config/settings.ts';
import type { Hierarchy } from '../services/hierarchies.ts';
import { StartError } from './start-error.ts';

/** Only a demo may run with a passphrase that lies beside its keys, and under a made-up URL. */
export function requireProductionSettings(config: Config, hierarchy: Hierarchy): void {
  if (hierarchy.demo) {
    if (config.keyPassphrase === undefined && !isLoopback(config.host)) {
      throw new StartError(
        `a demo's keys lie beside their passphrase: set EVPKI_KEY_PASSPHRASE to listen on ${config.host}`,
      );
    }
    return;
  }
  const missing = missingSettings(config);
  if (missing.length > 0) {
    const names = missing.join(' and ');
    throw new StartError(`hierarchy ${hierarchy.id} is not marked \`demo: true\`: set ${names}`);
  }
}

/** What only a demo can do without. */
export const missingSettings = (config: Config): string[] => [
  ...(config.keyPassphrase === undefined ? ['EVPKI_KEY_PASSPHRASE (or _FILE)'] : []),
  ...(config.publicUrl === undefined ? ['EVPKI_PUBLIC_URL'] : []),
];

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.');
