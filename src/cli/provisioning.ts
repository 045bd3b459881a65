/** `evpki provisioning`: what a maker registers of its vehicles. */

import type { Command } from 'commander';
import { PemError, readPemBlocks, toPem } from '../pki/pem.ts';
import type { ProvisioningCertificate, RegisteredCertificate, Vehicle } from './api-bodies.ts';
import { readChain } from './chain-file.ts';
import { usageFailure } from './failure.ts';
import { readInput, timeOption } from './input.ts';
import { colorsFor, type Io, note, printable, printableJson } from './io.ts';
import { addPageOptions, listPages, type PagedListing, type PageOptions } from './pages.ts';
import { pathOf, withSession } from './session.ts';
import { day, fields, moment, stateColor } from './table.ts';

const PATH = '/v1/provisioning-certificates';

interface JsonOption {
  readonly json?: true;
}

interface RegisterOptions extends JsonOption {
  readonly chain?: readonly string[];
  readonly x448PublicKey?: string;
  readonly organization?: string;
}

interface ListOptions extends PageOptions {
  readonly organization?: string;
  readonly pcid?: string;
  readonly standard?: string;
  readonly state?: string;
  readonly expiresBefore?: string;
}

interface ShowOptions extends JsonOption {
  readonly pem?: true;
}

export function addProvisioning(program: Command, io: Io): void {
  const group = program
    .command('provisioning')
    .description('provisioning certificates of vehicles: register, list, show, delete, lookup')
    .helpCommand(false);
  group
    .command('register')
    .description('Registers the provisioning certificate of a vehicle, in place of an earlier one.')
    .argument('<file>', 'the certificate, PEM or DER; those behind it in the file are its chain')
    .option('--chain <file...>', 'more certificates of its chain, PEM or DER')
    .option('--x448-public-key <base64>', 'what an Ed448 certificate needs beside it')
    .option('--organization <id>', 'the maker (default: your organization)')
    .option('--json', "print the API's answer")
    .action((file: string, options: RegisterOptions) => register(file, options, io));
  addPageOptions(
    group
      .command('list')
      .description('Lists provisioning certificates, newest first.')
      .option('--organization <id>', 'only those of this maker')
      .option('--pcid <pcid>', 'only those of this vehicle')
      .option('--standard <name>', 'only those for iso15118-2 or iso15118-20')
      .option('--state <state>', 'those that are registered, replaced or deleted')
      .option('--expires-before <time>', 'only those that end before this day or RFC 3339 time'),
  ).action((options: ListOptions) => list(options, io));
  group
    .command('show')
    .description('Shows a provisioning certificate.')
    .argument('<id>', 'its id, as in the list')
    .option('--pem', 'print the chain as PEM, leaf first, without the root')
    .option('--json', "print the API's answer")
    .action((id: string, options: ShowOptions) => show(id, options, io));
  group
    .command('delete')
    .description('Deletes the provisioning certificate of a vehicle: its contracts end.')
    .argument('<id>', 'its id, as in the list')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption) => remove(id, options, io));
  group
    .command('lookup')
    .description('Looks up to whom the contract keys of a vehicle are encrypted.')
    .argument('<pcid>', 'its PCID')
    .option('--json', "print the API's answer")
    .action((pcid: string, options: JsonOption) => lookUp(pcid, options, io));
}

async function register(file: string, options: RegisterOptions, io: Io): Promise<void> {
  const { chain = [], x448PublicKey, organization } = options;
  const [certificate = '', ...behind] = await readCertificates(io, file);
  const above = await Promise.all(chain.map((one) => readCertificates(io, one)));
  const body = { certificate, chain: [...behind, ...above.flat()], x448PublicKey };
  const query = organization === undefined ? '' : `?${new URLSearchParams({ organization })}`;
  const answer = await withSession(io, (session) => session.post(`${PATH}${query}`, body));
  const registered = answer.body as RegisteredCertificate;
  if (!options.json && answer.status === 200) note(io, 'It was registered already.');
  if (!options.json && answer.status !== 200 && registered.replaces !== undefined) {
    note(io, `It takes the place of ${printable(registered.replaces)}.`);
  }
  tell(registered, options, io);
}

/** The certificates of a file as the API takes them, one text each: at least one. */
async function readCertificates(io: Io, file: string): Promise<string[]> {
  const bytes = await readInput(io, file);
  // No text starts like this, and DER does.
  if (bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80) return [bytes.toString('base64')];
  const text = bytes.toString('latin1');
  if (text.includes('PRIVATE KEY-----')) {
    throw usageFailure(`${file} holds a private key and is not sent anywhere`);
  }
  try {
    const blocks = readPemBlocks(text);
    if (blocks.length > 0) return blocks.map(({ label, der }) => toPem(label, der));
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
  }
  throw usageFailure(`${file} has no certificate, neither as PEM nor as DER`);
}

async function list(options: ListOptions, io: Io): Promise<void> {
  const { organization, pcid, standard, state } = options;
  const expiresBefore = timeOption('--expires-before', options.expiresBefore);
  const query = { organization, pcid, standard, state, expiresBefore };
  const color = stateColor(colorsFor(io, io.stdout));
  const listing: PagedListing<ProvisioningCertificate> = {
    path: PATH,
    query,
    none: 'There are no such provisioning certificates.',
    columns: [
      { title: 'ID', value: ({ id }) => id },
      { title: 'STATE', value: ({ state: now }) => now, color },
      { title: 'EXPIRES', value: ({ notAfter }) => day(notAfter) },
      { title: 'OF', value: (one) => one.organization },
      { title: 'STANDARD', value: (one) => one.standard },
      { title: 'PCID', value: (one) => one.pcid },
    ],
  };
  await listPages(listing, options, io);
}

async function show(id: string, options: ShowOptions, io: Io): Promise<void> {
  const path = pathOf(PATH, id);
  const found = await withSession(io, (session) => session.get<RegisteredCertificate>(path));
  if (options.pem) io.stdout.write(readChain(found.certificateChain).pem);
  else tell(found, options, io);
}

async function remove(id: string, options: JsonOption, io: Io): Promise<void> {
  const path = pathOf(PATH, id);
  const { body } = await withSession(io, (session) => session.delete(path));
  tell(body as RegisteredCertificate, options, io);
}

async function lookUp(pcid: string, { json }: JsonOption, io: Io): Promise<void> {
  const path = pathOf(`${PATH}/lookup`, pcid);
  const vehicle = await withSession(io, (session) => session.get<Vehicle>(path));
  if (json) {
    io.stdout.write(`${printableJson(vehicle)}\n`);
    return;
  }
  io.stdout.write(
    fields([
      ['pcid', vehicle.pcid],
      ['standards', vehicle.keys.map(({ standard }) => standard).join(', ')],
    ]),
  );
}

function tell(certificate: RegisteredCertificate, { json }: JsonOption, io: Io): void {
  if (json) {
    io.stdout.write(`${printableJson(certificate)}\n`);
    return;
  }
  io.stdout.write(
    fields([
      ['pcid', certificate.pcid],
      ['standard', certificate.standard],
      ['state', certificate.state],
      ['since', certificate.endedAt && moment(certificate.endedAt, io)],
      ['of', certificate.organization],
      ['from', moment(certificate.notBefore, io)],
      ['until', moment(certificate.notAfter, io)],
      ['registered', moment(certificate.registeredAt, io)],
      ['id', certificate.id],
      ['replaces', certificate.replaces],
      ['sha-256', readChain(certificate.certificateChain).fingerprint],
      ['x448 key', certificate.x448PublicKey],
    ]),
  );
}
