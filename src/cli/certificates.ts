/** `evpki cert`: lists and shows certificates; see also `issuing.ts` and `revocation.ts`. */

import type { Command } from 'commander';
import type { Certificate, IssuedCertificate } from './api-bodies.ts';
import { certificateFields, stateOf } from './certificate-fields.ts';
import { certificateId } from './certificate-id.ts';
import { readChain } from './chain-file.ts';
import { timeOption } from './input.ts';
import { colorsFor, type Io, note, printableJson } from './io.ts';
import { addIssuing } from './issuing.ts';
import { addPageOptions, listPages, type PagedListing, type PageOptions } from './pages.ts';
import { addRevocation } from './revocation.ts';
import { pathOf, withSession } from './session.ts';
import { day, stateColor } from './table.ts';

interface ListOptions extends PageOptions {
  readonly profile?: string;
  readonly authority?: string;
  readonly state?: string;
  readonly expiresBefore?: string;
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
  addPageOptions(
    group
      .command('list')
      .description('Lists certificates, newest first.')
      .option('--profile <name>', 'only those of this profile')
      .option('--authority <id>', 'only those that this authority signed')
      .option('--state <state>', 'only those that are pending, abandoned, issued, held or revoked')
      .option('--expires-before <time>', 'only those that end before this day or RFC 3339 time'),
  ).action((options: ListOptions) => list(options, io));
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
  const query = {
    profile: options.profile,
    authority: options.authority,
    state: options.state,
    expiresBefore: timeOption('--expires-before', options.expiresBefore),
  };
  const color = stateColor(colorsFor(io, io.stdout));
  const listing: PagedListing<Certificate> = {
    path: '/v1/certificates',
    query,
    none: 'There are no such certificates.',
    columns: [
      { title: 'ID', value: ({ id }) => id },
      { title: 'STATE', value: stateOf, color },
      { title: 'EXPIRES', value: ({ notAfter }) => day(notAfter) },
      { title: 'PROFILE', value: ({ profile }) => profile },
      { title: 'SUBJECT', value: ({ subject }) => subject },
    ],
  };
  await listPages(listing, options, io);
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
