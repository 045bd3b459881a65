/** `evpki trust-anchor`: roots of others, and what they are trusted for. */

import type { Command } from 'commander';
import type { Proposal, TrustAnchor } from './api-bodies.ts';
import { readChain } from './chain-file.ts';
import { readCertificates } from './input.ts';
import { type Io, note, printable, printableJson } from './io.ts';
import { addPageOptions, listPages, type PagedListing, type PageOptions } from './pages.ts';
import { waits } from './proposals.ts';
import { pathOf, withSession } from './session.ts';
import { day, fields, moment } from './table.ts';

const PATH = '/v1/trust-anchors';

interface JsonOption {
  readonly json?: true;
}

interface ImportOptions extends JsonOption {
  readonly certificate: string;
  readonly organization?: string;
  readonly rootType?: string;
}

interface ShowOptions extends JsonOption {
  readonly pem?: true;
}

interface TrustOptions extends JsonOption {
  readonly purpose: readonly string[];
}

interface ListOptions extends PageOptions {
  readonly organization?: string;
  readonly purpose?: string;
}

export function addTrustAnchors(program: Command, io: Io): void {
  const group = program
    .command('trust-anchor')
    .description('roots of others: import, trust, show, list, remove')
    .helpCommand(false);
  group
    .command('import')
    .description('Imports a root, to be handed on; it is trusted for nothing else yet.')
    .requiredOption(
      '--certificate <file>',
      'PEM of the certificate that it has signed itself, - for standard input',
    )
    .option('--organization <id>', 'whose it is to be (default: your organization)')
    .option('--root-type <type>', 'as what the pool of roots lists it: V2G, MO, OEM, PE')
    .option('--json', "print the API's answer")
    .action((options: ImportOptions) => importRoot(options, io));
  group
    .command('trust')
    .description('Says what a root is trusted for, from now on and instead of before.')
    .argument('<id>', 'its id, as in the list')
    .requiredOption(
      '--purpose <purpose...>',
      'all that it is for: distribute, oem-provisioning, contract-validation, v2g, est-client',
    )
    .option('--json', "print the API's answer")
    .action((id: string, options: TrustOptions) => trust(id, options, io));
  group
    .command('show')
    .description('Shows an imported root.')
    .argument('<id>', 'its id, as in the list')
    .option('--pem', 'print its certificate')
    .option('--json', "print the API's answer")
    .action((id: string, options: ShowOptions) => show(id, options, io));
  addPageOptions(
    group
      .command('list')
      .description('Lists imported roots, newest first.')
      .option('--organization <id>', 'only those of this organization')
      .option('--purpose <purpose>', 'only those that are for this'),
  ).action((options: ListOptions) => list(options, io));
  group
    .command('remove')
    .description('Removes an imported root: no chain is accepted for it any more.')
    .argument('<id>', 'its id, as in the list')
    .action((id: string) => remove(id, io));
}

async function importRoot(options: ImportOptions, io: Io): Promise<void> {
  const certificate = await readCertificates(io, options.certificate);
  const { organization, rootType } = options;
  const body = { certificate, organization, rootType };
  const answer = await withSession(io, (session) => session.post(PATH, body));
  const anchor = answer.body as TrustAnchor;
  if (!options.json && answer.status === 200) note(io, 'It was imported before.');
  tell(anchor, options, io);
  if (options.json || answer.status === 200) return;
  note(
    io,
    'Compare the fingerprint with what its owner tells you, then say what it is trusted for:\n' +
      `  evpki trust-anchor trust ${printable(anchor.id)} --purpose distribute oem-provisioning`,
  );
}

async function trust(id: string, options: TrustOptions, io: Io): Promise<void> {
  const path = `${pathOf(PATH, id)}/purposes`;
  const body = { purposes: options.purpose };
  const answer = await withSession(io, (session) => session.put(path, body));
  if (answer.status === 202) throw waits(answer.body as Proposal, options.json, io);
  tell(answer.body as TrustAnchor, options, io);
}

async function show(id: string, options: ShowOptions, io: Io): Promise<void> {
  const path = pathOf(PATH, id);
  const anchor = await withSession(io, (session) => session.get<TrustAnchor>(path));
  if (options.pem) io.stdout.write(readChain(anchor.certificate).pem);
  else tell(anchor, options, io);
}

async function remove(id: string, io: Io): Promise<void> {
  await withSession(io, (session) => session.delete(pathOf(PATH, id)));
  io.stdout.write(`No chain that ends at ${printable(id)} is accepted any more.\n`);
}

async function list(options: ListOptions, io: Io): Promise<void> {
  const { organization, purpose } = options;
  const listing: PagedListing<TrustAnchor> = {
    path: PATH,
    query: { organization, purpose },
    none: 'There are no imported roots that you may see.',
    columns: [
      { title: 'ID', value: ({ id }) => id },
      { title: 'UNTIL', value: ({ notAfter }) => day(notAfter) },
      { title: 'OF', value: (anchor) => anchor.organization },
      { title: 'FOR', value: ({ purposes }) => purposes.join(', ') },
      { title: 'SUBJECT', value: ({ subject }) => subject },
    ],
  };
  await listPages(listing, options, io);
}

function tell(anchor: TrustAnchor, { json }: JsonOption, io: Io): void {
  if (json) {
    io.stdout.write(`${printableJson(anchor)}\n`);
    return;
  }
  io.stdout.write(
    fields([
      ['subject', anchor.subject],
      ['for', anchor.purposes.join(', ')],
      ['listed as', anchor.rootType],
      ['of', anchor.organization],
      ['valid from', moment(anchor.notBefore, io)],
      ['valid until', moment(anchor.notAfter, io)],
      ['SHA-256', readChain(anchor.certificate).fingerprint],
      ['imported', moment(anchor.addedAt, io)],
      ['id', anchor.id],
    ]),
  );
}
