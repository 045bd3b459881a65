/** `evpki config`: what the service would start with here, without a running service. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { type ShownSetting, showConfig } from '../config/show.ts';
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
    .description('Checks environment and file as the service does when it starts.')
    .option(...fileOption)
    .action((options: ConfigOptions) => {
      settingsOf(options, io);
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
  const settings = settingsOf(options, io);
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
function settingsOf({ file }: ConfigOptions, io: Io): readonly ShownSetting[] {
  const result = loadConfig({
    env: io.env,
    readFile: (path) => readFileSync(path, 'utf8'),
    ...(file === undefined ? {} : { file }),
  });
  if (result.ok) return showConfig(result.config, result.sources);
  throw new Failure(errorCodes['declaration-invalid'].exit, 'the configuration has errors', {
    violations: result.errors.map(({ source, path, message }) => ({
      code: 'setting-invalid',
      message: path === '' ? message : `${path} ${message}`,
      field: source,
    })),
    remedy: 'Correct them; the README lists every setting.',
  });
}
