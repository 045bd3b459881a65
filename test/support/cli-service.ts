/** A running service as the `evpki` command finds it: nobody is its administrator yet. */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createLogger } from '../../src/observe/log.ts';
import { type CliOptions, type CliResult, evpki } from './cli.ts';
import { checkingValidator } from './validator.ts';

export interface CliService {
  readonly url: string;
  /** A temporary folder with the data directory and the credentials in it. */
  readonly folder: string;
  readonly dataDir: string;
  readonly credentialsFile: string;
  /** What the service has logged so far, a line each. */
  readonly log: readonly string[];
  /** Runs the command on the machine of the service. */
  evpki(argv: readonly string[], options?: CliOptions): Promise<CliResult>;
  close(): Promise<void>;
}

/** Starts the demo hierarchy, or what the environment says, on free ports. */
export async function startCliService(
  more: Readonly<Record<string, string>> = {},
  policies?: string,
): Promise<CliService> {
  const folder = await mkdtemp(join(tmpdir(), 'evpki-cli-'));
  const dataDir = join(folder, 'data');
  const result = loadConfig({
    env: {
      EVPKI_DATA_DIR: dataDir,
      EVPKI_PUBLIC_PORT: '0',
      ...(policies === undefined ? {} : { EVPKI_POLICIES: policies }),
      EVPKI_API_PORT: '0',
      EVPKI_METRICS_PORT: 'off',
      ...more,
    },
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  const log: string[] = [];
  const logger = createLogger({
    level: 'debug',
    format: 'json',
    stream: { write: (line) => log.push(line) },
  });
  const app = await startApp({ config: result.config, logger, validator: checkingValidator() });
  const env = { EVPKI_DATA_DIR: dataDir, XDG_CONFIG_HOME: join(folder, 'config'), USER: 'ada' };
  return {
    url: app.apiUrl,
    folder,
    dataDir,
    credentialsFile: join(folder, 'config', 'evpki', 'credentials.json'),
    log,
    evpki: (argv, options = {}) => evpki(argv, { ...options, env: { ...env, ...options.env } }),
    async close() {
      await app.stop();
      await rm(folder, { recursive: true });
    },
  };
}
