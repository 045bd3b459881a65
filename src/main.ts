/** The process: reads its configuration, starts evpki, and drains it on SIGTERM or SIGINT. */

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
  if (process.stdout.isTTY) welcome(app, config);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, async () => {
      logger.info('stopping', { signal });
      await app.stop();
      logger.info('stopped');
      process.exit(0);
    });
  }
} catch (error) {
  const known = operatorErrors.some((kind) => error instanceof kind);
  const violations = error instanceof ServiceError ? error.violations : [];
  logger.error(
    'start-failed',
    known ? { message: (error as Error).message, violations } : { error },
  );
  process.exit(known ? EXIT_USAGE : EXIT_FAILURE);
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
