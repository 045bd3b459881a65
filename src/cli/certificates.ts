/** `evpki cert`: has requests signed, lists and shows certificates; see also `revocation.ts`. */

import type { Command } from 'commander';
import type { Certificate, IssuedCertificate } from './api-bodies.ts';
import { checkTarget, readChain, writeChain } from './chain-file.ts';
import { usageFailure } from './failure.ts';
import { readInput } from './input.ts';
import { colorsFor, type Io, note, printable, printableJson } from './io.ts';
import { DEFAULT_LIMIT, fetchPages, limitOption, timeOption } from './listing.ts';
import { addRevocation } from './revocation.ts';
import { pathOf, withSession } from './session.ts';
import { day, fields, moment, stateColor, table, widthOf } from './table.ts';

interface IssueOptions {
  readonly profile: string;
  readonly csr: string;
  readonly authority?: string;
  readonly notAfter?: string;
  readonly out?: string;
  readonly json?: true;
}

interface ListOptions {
  readonly profile?: string;
  readonly authority?: string;
  readonly state?: string;
  readonly expiresBefore?: string;
  readonly limit?: string;
  readonly all?: true;
  readonly json?: true;
}

interface ShowOptions {
  readonly pem?: true;
  readonly json?: true;
}

export function addCertificates(program: Command, io: Io): void {
  const group = program
    .command('cert')
    .description('certificates: issue, list, show, revoke, release')
    .helpCommand(false);
  group
    .command('issue')
    .description(
      'Has a certification request signed; writes the chain as PEM, leaf first, without the root.',
    )
    .requiredOption('--profile <name>', 'what to certify; `evpki profile list` shows all')
    .requiredOption('--csr <file>', 'PKCS#10 as PEM or DER, - for standard input')
    .option('--authority <id>', 'who signs, where several could')
    .option(
      '--not-after <time>',
      "end of validity, as a day or RFC 3339 time (default: the profile's)",
    )
    .option('--out <file>', 'where to write the chain (default: -, standard output)')
    .option('--json', "print the API's answer")
    .action((options: IssueOptions) => issue(options, io));
  group
    .command('list')
    .description('Lists certificates, newest first.')
    .option('--profile <name>', 'only those of this profile')
    .option('--authority <id>', 'only those that this authority signed')
    .option('--state <state>', 'only those that are pending, abandoned, issued, held or revoked')
    .option('--expires-before <time>', 'only those that end before this day or RFC 3339 time')
    .option('--limit <number>', `at most so many (default: ${DEFAULT_LIMIT})`)
    .option('--all', 'as many as there are')
    .option('--json', "print the API's answer")
    .action((options: ListOptions) => list(options, io));
  group
    .command('show')
    .description('Shows a certificate.')
    .argument('<id>', 'its id, as in the list')
    .option('--pem', 'print the chain as PEM, leaf first, without the root')
    .option('--json', "print the API's answer")
    .action((id: string, options: ShowOptions) => show(id, options, io));
  addRevocation(group, io);
}

async function issue(options: IssueOptions, io: Io): Promise<void> {
  const { profile, authority } = options;
  const out = options.out === '-' ? undefined : options.out;
  const notAfter = timeOption('--not-after', options.notAfter);
  const csr = await readRequest(options.csr, io);
  if (out !== undefined) await checkTarget(out);
  const body = {
    profile,
    csr,
    ...(authority === undefined ? {} : { authority }),
    ...(notAfter === undefined ? {} : { notAfter }),
  };
  const answer = await withSession(io, (session) => session.post('/v1/certificates', body));
  const certificate = answer.body as IssuedCertificate;
  if (out !== undefined) await writeChain(out, certificate);
  if (options.json) {
    io.stdout.write(`${printableJson(certificate)}\n`);
    return;
  }

  const { pem, count } = readChain(certificate.certificateChain);
  const heading =
    answer.status === 200
      ? 'The same request was given this certificate before:\n'
      : 'Issued a certificate:\n';
  const target = out === undefined ? undefined : `${out} (certificates: ${count}, leaf first)`;
  const summary = `${heading}${certificateFields(certificate, io, [['chain', target]])}`;
  if (out === undefined) {
    // The chain may be on its way into a file or another program; people read stderr.
    io.stderr.write(`${summary}\n`);
    io.stdout.write(pem);
    return;
  }
  io.stdout.write(
    `${summary}\n` +
      'Next: install the chain beside its private key. To see it again:\n' +
      `  evpki cert show ${printable(certificate.id)}\n`,
  );
}

async function list(options: ListOptions, io: Io): Promise<void> {
  const limit = limitOption(options);
  const query = {
    profile: options.profile,
    authority: options.authority,
    state: options.state,
    expiresBefore: timeOption('--expires-before', options.expiresBefore),
  };
  const page = await withSession(io, (session) =>
    fetchPages<Certificate>(session, '/v1/certificates', query, limit),
  );
  if (options.json) {
    io.stdout.write(`${printableJson(page)}\n`);
    return;
  }
  if (page.items.length === 0) {
    note(io, 'There are no such certificates.');
    return;
  }
  const color = stateColor(colorsFor(io, io.stdout));
  const columns = [
    { title: 'ID', value: ({ id }: Certificate) => id },
    { title: 'STATE', value: stateOf, color },
    { title: 'EXPIRES', value: ({ notAfter }: Certificate) => day(notAfter) },
    { title: 'PROFILE', value: ({ profile }: Certificate) => profile },
    { title: 'SUBJECT', value: ({ subject }: Certificate) => subject },
  ];
  io.stdout.write(table(columns, page.items, widthOf(io.stdout)));
  if (page.nextCursor !== undefined) note(io, 'There are more: --all, or a higher --limit.');
}

async function show(id: string, options: ShowOptions, io: Io): Promise<void> {
  const path = pathOf('/v1/certificates', id);
  const certificate = await withSession(io, (session) => session.get<IssuedCertificate>(path));
  if (options.pem) io.stdout.write(readChain(certificate.certificateChain).pem);
  else if (options.json) io.stdout.write(`${printableJson(certificate)}\n`);
  else {
    const { fingerprint } = readChain(certificate.certificateChain);
    io.stdout.write(certificateFields(certificate, io, [['sha-256', fingerprint]]));
  }
}

const certificateFields = (
  certificate: Certificate,
  io: Io,
  more: readonly (readonly [string, string | undefined])[],
): string =>
  fields([
    ['subject', certificate.subject || '(empty)'],
    ['state', stateOf(certificate)],
    ['reason', certificate.revocationReason],
    ['since', certificate.revokedAt && moment(certificate.revokedAt, io)],
    ['from', moment(certificate.notBefore, io)],
    ['until', moment(certificate.notAfter, io)],
    ['profile', certificate.profile],
    ['of', certificate.organization],
    ['issuer', certificate.issuer],
    ['serial', certificate.serialNumber],
    ['id', certificate.id],
    ...more,
  ]);

const stateOf = ({ state, expired }: Certificate): string =>
  expired && state === 'issued' ? 'expired' : state;

/** The request as text for the API: PEM as it is, DER as base64. */
async function readRequest(file: string, io: Io): Promise<string> {
  const content = await readInput(io, file);
  if (content.length === 0) throw usageFailure(`${file} is empty`);
  const text = content.toString('latin1');
  if (text.includes('PRIVATE KEY-----')) {
    throw usageFailure(
      `${file} holds a private key, which nobody else needs; nothing was sent`,
      'Send the certification request that `openssl req -new` makes of it.',
    );
  }
  const isDer = content[0] === 0x30 && content[1] !== undefined && content[1] > 0x7f;
  return isDer ? content.toString('base64') : text;
}
