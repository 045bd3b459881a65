/**
 * The process: reads its configuration, starts evpki, and drains it on SIGTERM or SIGINT. SIGHUP has
 * it read its files again; at a terminal it means that this is gone, and evpki ends as well.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { StartError } from './app/start-error.ts';
import { type App, startApp } from './app.ts';
import { bootstrapSecretFile } from './bootstrap-secret.ts';
import { loadConfig } from './config/load.ts';
import type { Config } from './config/settings.ts';
import { DeclarationsInvalid } from './declarations.ts';
import { ListenError } from './http/listener.ts';
import { KeystoreError } from './keystore/keystore-error.ts';
import { createLogger } from './observe/log.ts';
import { ServiceError } from './services/errors.ts';
import { StorageError } from './storage/errors.ts';

const DEFAULT_API_URL = 'https://localhost:8543';
const EXIT_USAGE = 2;
const EXIT_FAILURE = 70;

/** What the operator can mend: told in one sentence, without a stack. */
const operatorErrors = [
  StartError,
  DeclarationsInvalid,
  ListenError,
  KeystoreError,
  StorageError,
  ServiceError,
];

function configuration(): Config {
  const result = loadConfig({
    env: process.env,
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  if (result.ok) return result.config;
  for (const { source, path, message } of result.errors) {
    process.stderr.write(`evpki: ${source}: ${path} ${message}\n`);
  }
  process.exit(EXIT_USAGE);
}

const config = configuration();
const logger = createLogger({ level: config.logLevel, format: config.logFormat });

try {
  const app = await startApp({ config, logger });
  const stop = async (signal: string) => {
    logger.info('stopping', { signal });
    await app.stop();
    logger.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  if (process.stdout.isTTY) {
    process.once('SIGHUP', stop);
    welcome(app, config);
  } else process.on('SIGHUP', () => void reload(app));
} catch (error) {
  logger.error('start-failed', told(error));
  process.exit(isOperators(error) ? EXIT_USAGE : EXIT_FAILURE);
}

function isOperators(error: unknown): error is Error {
  return operatorErrors.some((kind) => error instanceof kind);
}

function told(error: unknown): Readonly<Record<string, unknown>> {
  const violations = error instanceof ServiceError ? error.violations : [];
  return isOperators(error) ? { message: error.message, violations } : { error };
}

/** What does not fit is told in the log, and nothing changes. */
async function reload(app: App): Promise<void> {
  try {
    logger.info('reloaded', { signal: 'SIGHUP', files: await app.reload() });
  } catch (error) {
    logger.error('reload-failed', told(error));
  }
}

/** What `evpki login --bootstrap` cannot guess, when the service is not where it looks. */
function loginOptions(app: App, dataDir: string): string {
  const url = app.apiUrl === DEFAULT_API_URL ? '' : ` --url ${app.apiUrl}`;
  if (resolve(dataDir) === resolve('data')) return url;
  const ca = app.apiAuthorityFile === undefined ? '' : ` --ca ${app.apiAuthorityFile}`;
  return ` ${bootstrapSecretFile(dataDir)}${url}${ca}`;
}

/** What a person at a terminal does next. */
function welcome(app: App, { dataDir }: Config): void {
  const lines = [
    '',
    `  evpki runs the hierarchy ${app.hierarchy.id}`,
    `  API      ${app.apiUrl}  ${app.apiAuthorityFile ? `(its CA: ${app.apiAuthorityFile})` : ''}`,
    `  public   ${app.publicUrl}`,
    '',
    ...(app.awaitsAdministrator
      ? [
          '  Next, in another terminal: make yourself its administrator, then play a charger:',
          `    npx evpki login --bootstrap${loginOptions(app, dataDir)}`,
          '    npx evpki quickstart',
          `  (The bootstrap secret is in ${bootstrapSecretFile(dataDir)} and works once.)`,
        ]
      : ['  Next, in another terminal:  npx evpki login']),
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
