/** `evpki proposal`: what waits for a second person, and deciding on it. */

import type { Command } from 'commander';
import type { Proposal } from './api-bodies.ts';
import { exitStatus, Failure } from './failure.ts';
import { colorsFor, type Io, printable, printableJson } from './io.ts';
import { addPageOptions, listPages, type PagedListing, type PageOptions } from './pages.ts';
import { pathOf, withSession } from './session.ts';
import { day, fields, moment, stateColor } from './table.ts';

const PATH = '/v1/proposals';

interface JsonOption {
  readonly json?: true;
}

interface ListOptions extends PageOptions {
  readonly state?: string;
}

export function addProposals(program: Command, io: Io): void {
  const group = program
    .command('proposal')
    .description('what needs a second person: list, show, approve, reject, withdraw')
    .helpCommand(false);
  addPageOptions(
    group
      .command('list')
      .description('Lists proposals, newest first.')
      .option('--state <state>', 'only those in this state, such as waiting'),
  ).action((options: ListOptions) => list(options, io));
  group
    .command('show')
    .description('Shows a proposal, with the hash to approve it by.')
    .argument('<id>', 'its id, as in the list')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption) => show(id, options, io));
  group
    .command('approve')
    .description("Approves somebody else's proposal, which takes effect with it.")
    .argument('<id>', 'its id, as in the list')
    .requiredOption('--sha256 <hash>', 'of the proposal as you have seen it, from `proposal show`')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption & { readonly sha256: string }) =>
      decide(id, 'approval', { sha256: options.sha256 }, options, io),
    );
  group
    .command('reject')
    .description('Rejects a proposal for good; nothing changes.')
    .argument('<id>', 'its id, as in the list')
    .requiredOption('--reason <text>', 'why, in words for its proposer')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption & { readonly reason: string }) =>
      decide(id, 'rejection', { reason: options.reason }, options, io),
    );
  group
    .command('withdraw')
    .description('Takes back a proposal of your own that waits.')
    .argument('<id>', 'its id, as in the list')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption) => decide(id, 'withdrawal', undefined, options, io));
}

/** Nothing has changed yet: a script must not go on as if it had. With `json` it has the proposal. */
export function waits(proposal: Proposal, json: true | undefined, io: Io): Failure {
  if (json) io.stdout.write(`${printableJson(proposal)}\n`);
  const { id, expiresAt } = proposal;
  return new Failure(
    exitStatus.waiting,
    `nothing has changed yet: proposal ${id} waits for somebody else to approve it, ` +
      `until ${day(expiresAt)}`,
    {
      remedy:
        'Somebody whose role permits proposals:approve, and whom you have not made, looks at it with ' +
        `\`evpki proposal show ${id}\`, and approves it with \`evpki proposal approve\`.`,
    },
  );
}

async function list(options: ListOptions, io: Io): Promise<void> {
  const { state } = options;
  const color = stateColor(colorsFor(io, io.stdout));
  const listing: PagedListing<Proposal> = {
    path: PATH,
    query: { state },
    none: 'There are no such proposals.',
    columns: [
      { title: 'ID', value: ({ id }) => id },
      { title: 'STATE', value: (proposal) => proposal.state, color },
      { title: 'UNTIL', value: ({ expiresAt }) => day(expiresAt) },
      { title: 'BY', value: ({ proposer }) => proposer },
      { title: 'ACTION', value: ({ action }) => action },
      { title: 'ABOUT', value: ({ subject }) => subject },
    ],
  };
  await listPages(listing, options, io);
}

async function show(id: string, { json }: JsonOption, io: Io): Promise<void> {
  const path = pathOf(PATH, id);
  const proposal = await withSession(io, (session) => session.get<Proposal>(path));
  io.stdout.write(json ? `${printableJson(proposal)}\n` : proposalText(proposal, io));
}

async function decide(
  id: string,
  decision: 'approval' | 'rejection' | 'withdrawal',
  body: object | undefined,
  { json }: JsonOption,
  io: Io,
): Promise<void> {
  const path = `${pathOf(PATH, id)}/${decision}`;
  const answer = await withSession(io, (session) => session.post(path, body));
  const proposal = answer.body as Proposal;
  if (json) io.stdout.write(`${printableJson(proposal)}\n`);
  else io.stdout.write(`${printable(proposal.id)} is ${printable(proposal.state)} now.\n`);
}

/** PEM is for other programs to read: the certificate is in the API's answer. */
const isPem = (value: unknown): boolean => String(value).startsWith('-----BEGIN');

const proposalText = (proposal: Proposal, io: Io): string =>
  fields([
    ['state', proposal.state],
    ['why', proposal.rejectionReason],
    ['action', proposal.action],
    ['about', proposal.subject],
    ...Object.entries(proposal.command)
      .filter(([, value]) => !isPem(value))
      .map(([name, value]): [string, string] => [
        name,
        Array.isArray(value) ? value.join(', ') : String(value),
      ]),
    ['of', proposal.organization],
    ['by', proposal.proposer],
    ['proposed', moment(proposal.createdAt, io)],
    ['waits until', proposal.state === 'waiting' ? moment(proposal.expiresAt, io) : undefined],
    ['decided by', proposal.decidedBy],
    ['decided', proposal.decidedAt && moment(proposal.decidedAt, io)],
    ['certificate', proposal.certificate],
    ['SHA-256', proposal.sha256],
    ['id', proposal.id],
  ]);
