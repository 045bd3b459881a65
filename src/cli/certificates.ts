/** `evpki cert`: lists and shows certificates; see also `issuing.ts` and `revocation.ts`. */

import type { Command } from 'commander';
import type { Certificate, IssuedCertificate } from './api-bodies.ts';
import { certificateFields, stateOf } from './certificate-fields.ts';
import { certificateId } from './certificate-id.ts';
import { readChain } from './chain-file.ts';
import { timeOption } from './input.ts';
import { colorsFor, type Io, note, printableJson } from './io.ts';
import { addIssuing } from './issuing.ts';
import { DEFAULT_LIMIT, fetchPages, limitOption } from './pages.ts';
import { addRevocation } from './revocation.ts';
import { pathOf, withSession } from './session.ts';
import { day, stateColor, table, widthOf } from './table.ts';

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
  readonly ocppChain?: true;
  readonly json?: true;
}

export function addCertificates(program: Command, io: Io): void {
  const group = program
    .command('cert')
    .description('certificates: issue, renew, list, show, revoke, release')
    .helpCommand(false);
  addIssuing(group, io);
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
    .argument('<id>', 'its id, as in the list, or a file with the certificate')
    .option('--pem', 'print the chain as PEM, leaf first, without the root')
    .option('--ocpp-chain', 'print the chain as its station takes it in CertificateSigned')
    .option('--json', "print the API's answer")
    .action((idOrFile: string, options: ShowOptions) => show(idOrFile, options, io));
  addRevocation(group, io);
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

async function show(idOrFile: string, options: ShowOptions, io: Io): Promise<void> {
  const certificate = await withSession(io, async (session) => {
    const id = await certificateId(session, idOrFile);
    const format = options.ocppChain ? 'ocpp-chain' : undefined;
    return session.get<IssuedCertificate>(pathOf('/v1/certificates', id), { format });
  });
  if (options.pem || options.ocppChain) {
    for (const warning of certificate.warnings ?? []) note(io, `Warning: ${warning}.`);
    io.stdout.write(readChain(certificate.certificateChain).pem);
  } else if (options.json) io.stdout.write(`${printableJson(certificate)}\n`);
  else {
    const { fingerprint } = readChain(certificate.certificateChain);
    io.stdout.write(certificateFields(certificate, io, [['sha-256', fingerprint]]));
  }
}
