/** `evpki client certificate`: the certificates by which an API client is known without a secret. */

import type { Command } from 'commander';
import { fingerprint } from '../pki/certificate.ts';
import { PemError, readPemBlocks } from '../pki/pem.ts';
import type { ApiClientCertificate } from './api-bodies.ts';
import { usageFailure } from './failure.ts';
import { readCertificates } from './input.ts';
import { type Io, note, printable, printableJson } from './io.ts';
import { type Listing, tellListing } from './listing.ts';
import { pathOf, withSession } from './session.ts';
import { day, fields, moment } from './table.ts';

const CLIENTS = '/v1/api-clients';

interface JsonOption {
  readonly json?: true;
}

export function addClientCertificates(clients: Command, io: Io): void {
  const group = clients
    .command('certificate')
    .description('certificates that it logs in with: add, list, remove')
    .helpCommand(false);
  group
    .command('add')
    .description('Lets an API client log in with a certificate instead of a token.')
    .argument('<id>', 'the id of the client')
    .argument('<file>', 'PEM of the certificate, without those above it, - for standard input')
    .option('--json', "print the API's answer")
    .action((id: string, file: string, options: JsonOption) => add(id, file, options, io));
  group
    .command('list')
    .description('Lists the certificates of an API client, oldest first.')
    .argument('<id>', 'the id of the client')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption) => list(id, options, io));
  group
    .command('remove')
    .description('Ends the login of an API client with a certificate, at once.')
    .argument('<id>', 'the id of the client')
    .argument('<sha256>', 'its SHA-256 as in the list or as OpenSSL prints it, or its PEM file')
    .action((id: string, sha256: string) => remove(id, sha256, io));
}

const pathTo = (id: string): string => `${pathOf(CLIENTS, id)}/certificates`;

async function add(id: string, file: string, options: JsonOption, io: Io): Promise<void> {
  const certificate = await readCertificates(io, file);
  const answer = await withSession(io, (session) => session.post(pathTo(id), { certificate }));
  const added = answer.body as ApiClientCertificate;
  if (options.json) {
    io.stdout.write(`${printableJson(added)}\n`);
    return;
  }
  if (answer.status === 200) note(io, 'It was there before.');
  io.stdout.write(
    fields([
      ['subject', added.subject],
      ['from', moment(added.notBefore, io)],
      ['until', moment(added.notAfter, io)],
      ['SHA-256', added.sha256],
    ]),
  );
}

async function list(id: string, options: JsonOption, io: Io): Promise<void> {
  const answer = await withSession(io, (session) =>
    session.get<{ readonly items: readonly ApiClientCertificate[] }>(pathTo(id)),
  );
  const listing: Listing<ApiClientCertificate> = {
    none: 'It has no certificates: it logs in with its secret alone.',
    columns: [
      { title: 'SHA-256', value: ({ sha256 }) => sha256 },
      { title: 'UNTIL', value: ({ notAfter }) => day(notAfter) },
      { title: 'SUBJECT', value: ({ subject }) => subject },
    ],
  };
  tellListing(answer, listing, options, io);
}

async function remove(id: string, named: string, io: Io): Promise<void> {
  const sha256 = await fingerprintOf(named, io);
  await withSession(io, (session) => session.delete(`${pathTo(id)}/${sha256}`));
  io.stdout.write(`${printable(id)} is not known by ${sha256} any more.\n`);
}

/** SHA-256 in hex, with or without colons, or that of the one certificate in a file. */
async function fingerprintOf(named: string, io: Io): Promise<string> {
  const hex = named.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  const text = await readCertificates(io, named);
  try {
    const [block, ...others] = readPemBlocks(text);
    if (block?.label === 'CERTIFICATE' && others.length === 0) return fingerprint(block.der);
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
  }
  throw usageFailure(`${named} is no SHA-256 and no file with one certificate`);
}
