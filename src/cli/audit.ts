/** `evpki audit`: reading the audit log, keeping checkpoints of it, and verifying it with them. */

import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { AuditEntry, AuditFinding, AuditVerification } from './api-bodies.ts';
import { exitStatus, Failure, usageFailure } from './failure.ts';
import { unwritable } from './file-failure.ts';
import { readInput, timeOption } from './input.ts';
import { colorsFor, type Io, note, printable, printableJson } from './io.ts';
import { addPageOptions, listPages, type PagedListing, type PageOptions } from './pages.ts';
import { withSession } from './session.ts';

/** A long log takes its time. */
const VERIFICATION_MILLISECONDS = 30 * 60_000;

interface ListOptions extends PageOptions {
  readonly organization?: string;
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
  readonly since?: string;
  readonly until?: string;
}

interface VerifyOptions {
  readonly checkpoint?: string;
  readonly json?: true;
}

export function addAudit(program: Command, io: Io): void {
  const group = program
    .command('audit')
    .description('the audit log: list, checkpoint, verify')
    .helpCommand(false);
  addPageOptions(
    group
      .command('list')
      .description('Lists what was done, newest first.')
      .option('--organization <id>', 'only the log of this organization')
      .option('--actor <name>', 'only what this one did, such as client:<id>, or evpki itself')
      .option('--action <action>', 'only what is called so, such as certificate.issued')
      .option('--subject <id>', 'only what was done to this')
      .option('--since <time>', 'only from this day or RFC 3339 time on')
      .option('--until <time>', 'only before this day or RFC 3339 time'),
  ).action((options: ListOptions) => list(options, io));
  group
    .command('checkpoint')
    .description('Gets a checkpoint that covers everything up to now: keep it elsewhere.')
    .option('--out <file>', 'where to write it (default: -, standard output)')
    .action((options: { readonly out?: string }) => checkpoint(options, io));
  group
    .command('verify')
    .description('Verifies the whole log; finds cut ends and old copies with a kept checkpoint.')
    .option('--checkpoint <file>', 'one that `evpki audit checkpoint` wrote, - for standard input')
    .option('--json', "print the API's answer")
    .action((options: VerifyOptions) => verify(options, io));
}

async function list(options: ListOptions, io: Io): Promise<void> {
  const query = {
    organization: options.organization,
    actor: options.actor,
    action: options.action,
    subject: options.subject,
    since: timeOption('--since', options.since),
    until: timeOption('--until', options.until),
  };
  const listing: PagedListing<AuditEntry> = {
    path: '/v1/audit',
    query,
    none: 'There are no such entries.',
    columns: [
      { title: 'TIME', value: ({ at }) => `${at.slice(0, 19).replace('T', ' ')}Z` },
      { title: 'ACTION', value: ({ action }) => action },
      { title: 'SUBJECT', value: ({ subject }) => subject },
      { title: 'ORGANIZATION', value: ({ organization }) => organization },
      { title: 'ACTOR', value: ({ actor }) => actor },
      { title: 'DETAILS', value: ({ details }) => JSON.stringify(details) },
    ],
  };
  await listPages(listing, options, io);
}

async function checkpoint(options: { readonly out?: string }, io: Io): Promise<void> {
  const out = options.out === '-' ? undefined : options.out;
  const { body } = await withSession(io, (session) => session.post('/v1/audit/checkpoints'));
  const { number, at } = body as { number: number; at: string };
  // JSON on one line: it survives mail and chat as well as a file.
  const text = `${JSON.stringify(body)}\n`;
  if (out === undefined) {
    io.stdout.write(text);
    return;
  }
  try {
    await writeFile(out, text);
  } catch (error) {
    throw unwritable(out, error);
  }
  io.stdout.write(
    `Checkpoint ${number} of ${printable(at)} is in ${printable(out)}.\n` +
      'Keep it where nobody who can write to the database can write. Later:\n' +
      `  evpki audit verify --checkpoint ${printable(out)}\n`,
  );
}

async function verify(options: VerifyOptions, io: Io): Promise<void> {
  const kept =
    options.checkpoint === undefined ? undefined : await readCheckpoint(options.checkpoint, io);
  const body = kept === undefined ? {} : { checkpoint: kept };
  const answer = await withSession(io, (session) =>
    session.post('/v1/audit/verification', body, VERIFICATION_MILLISECONDS),
  );
  const verdict = answer.body as AuditVerification;
  if (options.json) io.stdout.write(`${printableJson(verdict)}\n`);
  if (!verdict.ok) throw broken(verdict);
  if (options.json) return;
  const { green } = colorsFor(io, io.stdout);
  io.stdout.write(`${green('The audit log is as it was written')}: ${counts(verdict)}.\n`);
  if (kept === undefined) {
    note(
      io,
      'Without a kept checkpoint nobody can tell whether its end was cut off:\n' +
        '  evpki audit checkpoint --out FILE, and later evpki audit verify --checkpoint FILE',
    );
  }
}

const broken = (verdict: AuditVerification): Failure =>
  new Failure(
    exitStatus.broken,
    `the audit log is not as it was written (looked at ${counts(verdict)})`,
    {
      violations: verdict.findings.map(findingLine),
      remedy:
        'Keep the database as it is, and find out who could write to it. docs/audit.md helps.',
    },
  );

const findingLine = ({ code, message }: AuditFinding) => ({ code, message });

const counts = ({ streams, entries, checkpoints }: AuditVerification): string =>
  `entries: ${entries}, streams: ${streams}, checkpoints: ${checkpoints}`;

async function readCheckpoint(file: string, io: Io): Promise<unknown> {
  const text = (await readInput(io, file)).toString();
  try {
    return JSON.parse(text);
  } catch {
    throw usageFailure(`${file} is not a checkpoint that \`evpki audit checkpoint\` wrote`);
  }
}
