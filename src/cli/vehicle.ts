/** `evpki vehicle`: plays cars, in whole and in parts. */

import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { chainPem } from '../pki/chain.ts';
import { nameText } from '../pki/names.ts';
import { checkTarget } from './chain-file.ts';
import { usageFailure } from './failure.ts';
import { unwritable } from './file-failure.ts';
import type { Io } from './io.ts';
import { secretPlace } from './secret-file.ts';
import { fields, moment } from './table.ts';
import { type Installed, takeAnswer } from './vehicle-answer.ts';
import { askForContract } from './vehicle-car.ts';
import { readCar, readMessage, readRoots, sessionOf } from './vehicle-files.ts';
import { DEFAULT_FOLDER, type InstallOptions, installContract } from './vehicle-install.ts';

interface CarOptions {
  readonly certificate: string;
  readonly key: string;
  readonly chain?: readonly string[];
  readonly v2gRoot: readonly string[];
}

interface RequestOptions extends CarOptions {
  readonly emaid?: readonly string[];
  readonly out?: string;
}

interface CheckOptions extends CarOptions {
  readonly request: string;
  readonly response: string;
  readonly moRoot: readonly string[];
  readonly contract?: string;
  readonly contractKey?: string;
}

export function addVehicles(program: Command, io: Io): void {
  const group = program
    .command('vehicle')
    .description('play a car that gets its contract: install, request, check')
    .helpCommand(false);
  group
    .command('install')
    .summary('play a car from the factory to its contract')
    .description(
      'Plays a car from the factory to its contract: key, provisioning certificate, contract, ' +
        'a request as cars make it, the answer checked as cars do, the key decrypted, Authorize, OCSP. ' +
        'Shows for each step the lines of a shell that do the same.',
    )
    .option('--standard <name>', 'iso15118-2 (default) or iso15118-20')
    .option('--emaid <emaid>', "of the contract (default: the car's, or a new one)")
    .option('--certificate <file>', 'of a car that there is: its provisioning certificate')
    .option('--key <file>', 'of a car that there is: its private key, PEM without passphrase')
    .option('--chain <file...>', 'of a car that there is: the certificates above its own')
    .option('--oem <id>', 'the maker, where there are several')
    .option('--mo <id>', 'the mobility operator, where there are several')
    .option('--end', 'end the contract, and see that it is over')
    .option(
      '--out <folder>',
      `a new folder for the files (default: ${DEFAULT_FOLDER}, or with a number)`,
    )
    .action((options: InstallOptions) => installContract(options, io));
  const request = group
    .command('request')
    .description(
      "Makes a car's CertificateInstallationReq, signed with its key; without a service.",
    );
  addCarOptions(request)
    .option('--emaid <emaid...>', 'the contracts that it would have, of ISO 15118-20 only')
    .option('--out <file>', 'where to write the EXI (default: base64 to standard output)')
    .action((options: RequestOptions) => makeRequest(options, io));
  const check = group
    .command('check')
    .description(
      'Checks an answer as a car does, and decrypts the contract key; without a service.',
    )
    .requiredOption('--request <file>', 'what the car has asked, EXI or base64')
    .requiredOption('--response <file>', 'the answer, EXI or base64; - for standard input');
  addCarOptions(check)
    .requiredOption('--mo-root <file...>', 'roots of mobility operators, PEM or DER')
    .option('--contract <file>', 'where to write the chain of the contract')
    .option('--contract-key <file>', 'a new file for the private key of the contract')
    .action((options: CheckOptions) => checkAnswer(options, io));
}

const addCarOptions = (command: Command): Command =>
  command
    .requiredOption('--certificate <file>', 'the provisioning certificate, PEM or DER')
    .requiredOption('--key <file>', 'its private key, PEM without passphrase')
    .option('--chain <file...>', 'those above it, where they are in other files')
    .requiredOption('--v2g-root <file...>', 'the V2G roots of the car, PEM or DER');

async function makeRequest(options: RequestOptions, io: Io): Promise<void> {
  const car = await readCar(io, options);
  const roots = await readRoots(io, options.v2gRoot);
  const { emaid = [], out = '-' } = options;
  if (emaid.length > 0 && car.standard === 'iso15118-2') {
    throw usageFailure('cars of ISO 15118-2 cannot say which contract they would have: no --emaid');
  }
  if (out !== '-') await checkTarget(out);
  const { exi } = await askForContract(car, roots, io.clock(), emaid);
  if (out === '-') {
    io.stdout.write(`${Buffer.from(exi).toString('base64')}\n`);
    return;
  }
  await write(out, exi);
  const size = `${exi.length} octets of EXI, ${Math.ceil(exi.length / 3) * 4} in base64`;
  io.stdout.write(
    fields([
      ['pcid', car.pcid],
      ['standard', car.standard],
      ['request', size],
    ]),
  );
}

async function checkAnswer(options: CheckOptions, io: Io): Promise<void> {
  const car = await readCar(io, options);
  const v2gRoots = await readRoots(io, options.v2gRoot);
  const moRoots = await readRoots(io, options.moRoot);
  const request = await readMessage(io, options.request);
  const sessionId = sessionOf(car.standard, request, options.request);
  const exi = await readMessage(io, options.response);
  const { contract, contractKey } = options;
  if (contract !== undefined) await checkTarget(contract, '--contract');
  const installed = takeAnswer(car, { exi, sessionId, v2gRoots, moRoots, at: io.clock() });
  if (contractKey !== undefined) await keep(io, contractKey, installed.key);
  if (contract !== undefined) await write(contract, chainPem(installed.chain));
  tell(installed, options, io);
}

async function keep(io: Io, file: string, key: string): Promise<void> {
  const place = await secretPlace(io, file, '--contract-key');
  try {
    await place.keep(key.trimEnd());
  } finally {
    await place.end();
  }
}

async function write(file: string, content: string | Uint8Array): Promise<void> {
  await writeFile(file, content).catch((error: unknown) => {
    throw unwritable(file, error);
  });
}

function tell(installed: Installed, { contract, contractKey }: CheckOptions, io: Io): void {
  const { emaid, chain, cps, v2gRoot, moRoot, readings, remaining } = installed;
  const notAfter = chain[0]?.notAfter.toISOString() ?? '';
  io.stdout.write(
    `The car takes the answer:\n${fields([
      ['emaid', emaid],
      ['until', moment(notAfter, io)],
      ['below', nameText(moRoot.subject)],
      ['signed by', nameText(cps.subject)],
      ['below', nameText(v2gRoot.subject)],
      ['key', 'decrypted, and that of the certificate'],
      ['more', remaining === undefined ? undefined : `${remaining} contracts for the car`],
      ['readings', readings.length > 0 ? readings.join(', ') : undefined],
      ['chain', contract],
      ['key in', contractKey],
    ])}`,
  );
}
