/** `evpki contract`: Plug & Charge contracts of a mobility operator. */

import type { Command } from 'commander';
import type { Contract, ContractWithBundle } from './api-bodies.ts';
import { readChain } from './chain-file.ts';
import { bundleOf, wholeNumber } from './contract-options.ts';
import { colorsFor, type Io, printableJson } from './io.ts';
import { addPageOptions, listPages, type PagedListing, type PageOptions } from './pages.ts';
import { pathOf, withSession } from './session.ts';
import { day, fields, moment, stateColor } from './table.ts';

const PATH = '/v1/contracts';

interface JsonOption {
  readonly json?: true;
}

interface BundleOptions extends JsonOption {
  readonly certificateChain?: string;
  readonly dhPublicKey?: string;
  readonly encryptedPrivateKey?: string;
}

interface CreateOptions extends BundleOptions {
  readonly emaid: string;
  readonly pcid: string;
  readonly standard?: string;
  readonly default?: true;
  readonly priority?: string;
  readonly authority?: string;
  readonly profile?: string;
  readonly validityDays?: string;
  readonly organization?: string;
}

interface ListOptions extends PageOptions {
  readonly organization?: string;
  readonly emaid?: string;
  readonly pcid?: string;
  readonly state?: string;
}

interface ShowOptions extends JsonOption {
  readonly pem?: true;
}

interface RenewOptions extends BundleOptions {
  readonly revokeFormer?: true;
}

interface ReasonOptions extends JsonOption {
  readonly reason?: string;
}

interface RankOptions extends JsonOption {
  readonly off?: true;
  readonly priority?: string;
}

const JSON_OPTION = ['--json', "print the API's answer"] as const;
const BUNDLE_OPTIONS = [
  ['--certificate-chain <file>', 'of a bundle made elsewhere: its certificates, leaf first'],
  ['--dh-public-key <base64>', 'of a bundle made elsewhere: its public key'],
  ['--encrypted-private-key <base64>', 'of a bundle made elsewhere: its encrypted key'],
] as const;

export function addContracts(program: Command, io: Io): void {
  const group = program
    .command('contract')
    .description(
      'Plug & Charge contracts: create, list, show, renew, suspend, resume, end, default',
    )
    .helpCommand(false);
  const create = group
    .command('create')
    .description('Creates a contract for an EMAID and a vehicle that its maker has registered.')
    .requiredOption('--emaid <emaid>', 'with or without hyphens and check digit')
    .requiredOption('--pcid <pcid>', 'of the vehicle')
    .option('--standard <name>', 'iso15118-2 (default) or iso15118-20')
    .option('--default', 'make it the default of the vehicle')
    .option('--priority <number>', 'from 0 (default) to 100; the higher comes first')
    .option('--authority <id>', 'needed only where several could issue it')
    .option('--profile <name>', 'needed only where the authority issues several')
    .option('--validity-days <number>', 'how long its certificates hold (default: the profile’s)')
    .option('--organization <id>', 'whose it is (default: your organization)');
  for (const [flags, what] of [...BUNDLE_OPTIONS, JSON_OPTION]) create.option(flags, what);
  create.action((options: CreateOptions) => createContract(options, io));
  addPageOptions(
    group
      .command('list')
      .description('Lists contracts, newest first.')
      .option('--organization <id>', 'only those of this mobility operator')
      .option('--emaid <emaid>', 'only those of this EMAID')
      .option('--pcid <pcid>', 'only those of this vehicle')
      .option('--state <state>', 'only those that are active, suspended or ended'),
  ).action((options: ListOptions) => list(options, io));
  group
    .command('show')
    .description('Shows a contract.')
    .argument('<id>', 'its id, as in the list')
    .option('--pem', 'print the chain of its certificate as PEM, without the root')
    .option(...JSON_OPTION)
    .action((id: string, options: ShowOptions) => show(id, options, io));
  const renew = group
    .command('renew')
    .description('Renews a contract: a new key and certificate.')
    .argument('<id>', 'its id, as in the list')
    .option('--revoke-former', 'revoke its certificates so far at once');
  for (const [flags, what] of [...BUNDLE_OPTIONS, JSON_OPTION]) renew.option(flags, what);
  renew.action((id: string, options: RenewOptions) => renewContract(id, options, io));
  addStates(group, io);
  group
    .command('default')
    .description('Makes a contract the default of its vehicle, or says which priority it has.')
    .argument('<id>', 'its id, as in the list')
    .option('--off', 'it is the default no more')
    .option('--priority <number>', 'only this: from 0 to 100; the higher comes first')
    .option(...JSON_OPTION)
    .action((id: string, options: RankOptions) => rank(id, options, io));
}

function addStates(group: Command, io: Io): void {
  group
    .command('suspend')
    .description('Suspends a contract: its certificates are on hold.')
    .argument('<id>', 'its id, as in the list')
    .option('--reason <text>', 'for people')
    .option(...JSON_OPTION)
    .action((id: string, options: ReasonOptions) => stop(id, 'suspension', options, io));
  group
    .command('resume')
    .description('Resumes a suspended contract.')
    .argument('<id>', 'its id, as in the list')
    .option(...JSON_OPTION)
    .action((id: string, options: JsonOption) => resume(id, options, io));
  group
    .command('end')
    .description('Ends a contract for good: its certificates are revoked.')
    .argument('<id>', 'its id, as in the list')
    .option('--reason <text>', 'for people')
    .option(...JSON_OPTION)
    .action((id: string, options: ReasonOptions) => stop(id, 'end', options, io));
}

async function createContract(options: CreateOptions, io: Io): Promise<void> {
  const { emaid, pcid, standard, authority, profile, organization } = options;
  const body = {
    ...{ emaid, pcid, standard, authority, profile, default: options.default },
    priority: wholeNumber('--priority', options.priority),
    validityDays: wholeNumber('--validity-days', options.validityDays),
    bundle: await bundleOf(options, io),
  };
  const query = organization === undefined ? '' : `?${new URLSearchParams({ organization })}`;
  const answer = await withSession(io, (session) => session.post(`${PATH}${query}`, body));
  tell(answer.body as ContractWithBundle, options, io);
}

async function list(options: ListOptions, io: Io): Promise<void> {
  const { organization, emaid, pcid, state } = options;
  const color = stateColor(colorsFor(io, io.stdout));
  const listing: PagedListing<Contract> = {
    path: PATH,
    query: { organization, emaid, pcid, state },
    none: 'There are no such contracts.',
    columns: [
      { title: 'ID', value: ({ id }) => id },
      { title: 'STATE', value: ({ state: now }) => now, color },
      { title: 'SINCE', value: ({ changedAt }) => day(changedAt) },
      { title: 'OF', value: (contract) => contract.organization },
      { title: 'EMAID', value: (contract) => contract.emaid },
      { title: 'RANK', value: rankOf },
      { title: 'PCID', value: (contract) => contract.pcid },
    ],
  };
  await listPages(listing, options, io);
}

async function show(id: string, options: ShowOptions, io: Io): Promise<void> {
  const path = pathOf(PATH, id);
  const found = await withSession(io, (session) => session.get<ContractWithBundle>(path));
  if (options.pem) io.stdout.write(readChain(found.bundle.certificateChain).pem);
  else tell(found, options, io);
}

async function renewContract(id: string, options: RenewOptions, io: Io): Promise<void> {
  const body = { revokeFormer: options.revokeFormer, bundle: await bundleOf(options, io) };
  const path = `${pathOf(PATH, id)}/renewal`;
  const answer = await withSession(io, (session) => session.post(path, body));
  tell(answer.body as ContractWithBundle, options, io);
}

async function stop(
  id: string,
  how: 'suspension' | 'end',
  options: ReasonOptions,
  io: Io,
): Promise<void> {
  const path = `${pathOf(PATH, id)}/${how}`;
  const { reason } = options;
  const answer = await withSession(io, (session) => session.post(path, { reason }));
  tell(answer.body as ContractWithBundle, options, io);
}

async function resume(id: string, options: JsonOption, io: Io): Promise<void> {
  const path = `${pathOf(PATH, id)}/suspension`;
  const answer = await withSession(io, (session) => session.delete(path));
  tell(answer.body as ContractWithBundle, options, io);
}

async function rank(id: string, options: RankOptions, io: Io): Promise<void> {
  const priority = wholeNumber('--priority', options.priority);
  const says = options.off === true || priority === undefined;
  const body = { ...(says ? { default: options.off !== true } : {}), priority };
  const answer = await withSession(io, (session) => session.patch(pathOf(PATH, id), body));
  tell(answer.body as ContractWithBundle, options, io);
}

const rankOf = (contract: Contract): string =>
  contract.default ? `default, ${contract.priority}` : String(contract.priority);

function tell(contract: ContractWithBundle, { json }: JsonOption, io: Io): void {
  if (json) {
    io.stdout.write(`${printableJson(contract)}\n`);
    return;
  }
  const { bundle } = contract;
  io.stdout.write(
    fields([
      ['emaid', contract.emaid],
      ['pcid', contract.pcid],
      ['standard', contract.standard],
      ['state', contract.state],
      ['since', moment(contract.changedAt, io)],
      ['reason', contract.reason],
      ['of', contract.organization],
      ['rank', rankOf(contract)],
      ['id', contract.id],
      ['issued by', contract.authority ?? 'others: its bundles are brought'],
      ['bundle', `${bundle.generation}, ${bundle.reason} ${moment(bundle.createdAt, io)}`],
      ['certificate', bundle.certificate],
      ['its state', bundle.state],
      ['until', moment(bundle.notAfter, io)],
      ['sha-256', readChain(bundle.certificateChain).fingerprint],
    ]),
  );
}
