/** `evpki config`: what the service would start with here, without a running service. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/settings.ts';
import { type ShownSetting, showConfig } from '../config/show.ts';
import { DeclarationsInvalid, loadHierarchy, loadPolicies } from '../declarations.ts';
import { missingForHierarchy } from '../hierarchy-settings.ts';
import type { DeclarationError } from '../pki/declaration-errors.ts';
import { errorCodes } from '../services/errors.ts';
import { Failure } from './failure.ts';
import { type Io, printableJson } from './io.ts';
import { table, widthOf } from './table.ts';

interface ConfigOptions {
  readonly file?: string;
  readonly json?: true;
}

export function addConfig(program: Command, io: Io): void {
  const group = program
    .command('config')
    .description('the configuration of the service in this environment: check, show')
    .helpCommand(false);
  const fileOption = [
    '--file <file>',
    'the YAML file with settings (default: the one of EVPKI_CONFIG)',
  ] as const;
  group
    .command('check')
    .description(
      'Checks the settings of environment and file, and the hierarchy and policies that they name, as the service does when it starts.',
    )
    .option(...fileOption)
    .action((options: ConfigOptions) => {
      const { config } = configurationOf(options, io);
      const errors = declarationErrors(config);
      if (errors.length > 0) throw configurationFailure(errors);
      io.stdout.write('The configuration has no errors.\n');
    });
  group
    .command('show')
    .description('Shows every setting, its value and where that comes from; never a secret.')
    .option(...fileOption)
    .option('--json', 'print as JSON')
    .action((options: ConfigOptions) => show(options, io));
}

function show(options: ConfigOptions, io: Io): void {
  const { config, sources } = configurationOf(options, io);
  const settings = showConfig(config, sources);
  if (options.json) {
    io.stdout.write(`${printableJson(settings)}\n`);
    return;
  }
  const columns = [
    { title: 'SETTING', value: ({ variable }: ShownSetting) => variable },
    { title: 'VALUE', value: ({ value }: ShownSetting) => value || '-' },
    { title: 'FROM', value: ({ source }: ShownSetting) => source },
  ];
  io.stdout.write(table(columns, settings, widthOf(io.stdout)));
}

/** @throws Failure with every error of the configuration */
function configurationOf({ file }: ConfigOptions, io: Io) {
  const result = loadConfig({
    env: io.env,
    readFile: (path) => readFileSync(path, 'utf8'),
    ...(file === undefined ? {} : { file }),
  });
  if (result.ok) return result;
  throw configurationFailure(result.errors);
}

/** What is wrong with policies or hierarchy, or with the settings for it. */
function declarationErrors(config: Config): readonly DeclarationError[] {
  try {
    const hierarchy = loadHierarchy(config.hierarchy, loadPolicies(config.policies).profiles);
    const message = missingForHierarchy(config, hierarchy);
    return message === undefined ? [] : [{ source: config.hierarchy, path: '', message }];
  } catch (error) {
    if (error instanceof DeclarationsInvalid) return error.errors;
    throw error;
  }
}

const configurationFailure = (errors: readonly DeclarationError[]): Failure =>
  new Failure(errorCodes['declaration-invalid'].exit, 'the configuration has errors', {
    violations: errors.map(({ source, path, message }) => ({
      code: 'setting-invalid',
      message: path === '' ? message : `${path} ${message}`,
      field: source,
    })),
    remedy: 'Correct them; the README lists every setting.',
  });
