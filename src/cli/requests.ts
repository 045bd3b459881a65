/** `evpki request`: enrolment requests, and deciding on those that wait. */

import type { Command } from 'commander';
import { errorCodes } from '../services/errors.ts';
import type { EnrolmentRequest, EnrolmentRequestDetails, IssuedCertificate } from './api-bodies.ts';
import { certificateFields } from './certificate-fields.ts';
import { Failure } from './failure.ts';
import { colorsFor, type Io, printable, printableJson } from './io.ts';
import { addPageOptions, listPages, type PagedListing, type PageOptions } from './pages.ts';
import { pathOf, withSession } from './session.ts';
import { day, fields, moment, stateColor } from './table.ts';

interface JsonOption {
  readonly json?: true;
}

interface ListOptions extends PageOptions {
  readonly state?: string;
  readonly profile?: string;
  readonly authority?: string;
  readonly requester?: string;
}

interface ShowOptions extends JsonOption {
  readonly csr?: true;
}

export function addRequests(program: Command, io: Io): void {
  const group = program
    .command('request')
    .description('enrolment requests: list, show, approve, reject, withdraw')
    .helpCommand(false);
  addPageOptions(
    group
      .command('list')
      .description('Lists enrolment requests, newest first.')
      .option('--state <state>', 'only those in this state, such as waiting-for-approval')
      .option('--profile <name>', 'only those for this profile')
      .option('--authority <id>', 'only those that this authority is to sign')
      .option('--requester <name>', 'only those of this requester, such as client:cli_...'),
  ).action((options: ListOptions) => list(options, io));
  group
    .command('show')
    .description('Shows an enrolment request and what it asks for.')
    .argument('<id>', 'its id, as in the list')
    .option('--csr', 'print the certification request as PEM')
    .option('--json', "print the API's answer")
    .action((id: string, options: ShowOptions) => show(id, options, io));
  group
    .command('approve')
    .description("Approves somebody else's request, and has its certificate issued.")
    .argument('<id>', 'its id, as in the list')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption) => approve(id, options, io));
  group
    .command('reject')
    .description('Rejects a request for good; the requester hears the reason.')
    .argument('<id>', 'its id, as in the list')
    .requiredOption('--reason <text>', 'why, in words for the requester')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption & { readonly reason: string }) =>
      reject(id, options, io),
    );
  group
    .command('withdraw')
    .description('Takes back a request of your own that waits, for good.')
    .argument('<id>', 'its id, as in the list')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption) => withdraw(id, options, io));
}

async function list(options: ListOptions, io: Io): Promise<void> {
  const { state, profile, authority, requester } = options;
  const query = { state, profile, authority, requester };
  const color = stateColor(colorsFor(io, io.stdout));
  const listing: PagedListing<EnrolmentRequest> = {
    path: '/v1/requests',
    query,
    none: 'There are no such requests.',
    columns: [
      { title: 'ID', value: ({ id }) => id },
      { title: 'STATE', value: (request) => request.state, color },
      { title: 'ASKED', value: ({ createdAt }) => day(createdAt) },
      { title: 'BY', value: ({ requester: by }) => by },
      { title: 'PROFILE', value: (request) => request.profile },
      { title: 'SUBJECT', value: ({ subject }) => subject ?? '-' },
    ],
  };
  await listPages(listing, options, io);
}

async function show(id: string, options: ShowOptions, io: Io): Promise<void> {
  const path = pathOf('/v1/requests', id);
  const request = await withSession(io, (session) => session.get<EnrolmentRequestDetails>(path));
  if (options.csr) io.stdout.write(`${printableLines(request.csr)}\n`);
  else if (options.json) io.stdout.write(`${printableJson(request)}\n`);
  else io.stdout.write(requestText(request, io));
}

async function approve(id: string, { json }: JsonOption, io: Io): Promise<void> {
  const path = `${pathOf('/v1/requests', id)}/approval`;
  const answer = await withSession(io, (session) => session.post(path));
  const certificate = answer.body as IssuedCertificate;
  if (json) {
    io.stdout.write(`${printableJson(certificate)}\n`);
    return;
  }
  const heading = answer.status === 200 ? 'It is approved already' : 'Approved';
  io.stdout.write(
    `${heading}. The certificate:\n${certificateFields(certificate, io, [])}\n` +
      'Next: the requester gets it by asking again, or with\n' +
      `  evpki cert show ${printable(certificate.id)} --pem\n`,
  );
}

async function reject(
  id: string,
  { reason, json }: JsonOption & { readonly reason: string },
  io: Io,
): Promise<void> {
  const path = `${pathOf('/v1/requests', id)}/rejection`;
  const answer = await withSession(io, (session) => session.post(path, { reason }));
  tellState(answer.body as EnrolmentRequestDetails, json, io);
}

async function withdraw(id: string, { json }: JsonOption, io: Io): Promise<void> {
  const path = `${pathOf('/v1/requests', id)}/withdrawal`;
  const answer = await withSession(io, (session) => session.post(path));
  tellState(answer.body as EnrolmentRequestDetails, json, io);
}

function tellState(request: EnrolmentRequestDetails, json: true | undefined, io: Io): void {
  if (json) io.stdout.write(`${printableJson(request)}\n`);
  else io.stdout.write(`${printable(request.id)} is ${printable(request.state)} now.\n`);
}

function requestText(request: EnrolmentRequestDetails, io: Io): string {
  const { asked, violations = [] } = request;
  const time = (text: string | undefined) => text && moment(text, io);
  const told = fields([
    ['state', request.state],
    ['why', request.rejectionReason],
    ['asks for', asked.subject || '(empty)'],
    ['names', asked.alternativeNames.join(', ') || undefined],
    ['key', asked.keyAlgorithm],
    ['key sha-256', asked.spkiSha256],
    ['extensions', asked.extensions.join(', ') || undefined],
    ['until', time(request.notAfter)],
    ['profile', request.profile],
    ['of', request.organization],
    ['authority', request.authority],
    ['station', request.station],
    ['renews', request.renews],
    ['by', `${request.requester}, over ${request.channel}`],
    ['asked', time(request.createdAt)],
    [
      'waits until',
      request.state === 'waiting-for-approval' ? time(request.approveUntil) : undefined,
    ],
    ['decided by', request.decidedBy],
    ['decided', time(request.decidedAt)],
    ['certificate', request.certificate],
    ['id', request.id],
  ]);
  const reasons = violations.map(
    ({ message, code }) => `  - ${printable(`${message} (${code})`)}\n`,
  );
  return `${told}${reasons.join('')}`;
}

/** PEM is lines of printable characters: whatever else came is no request. */
function printableLines(pem: string): string {
  const text = pem.trimEnd();
  if (/^[\x20-\x7e\n]+$/.test(text)) return text;
  throw new Failure(errorCodes.internal.exit, 'the service answered without a request in PEM');
}
