/**
 * `evpki authority csr|activate|rollover|cross-certify`: how an authority comes by its certificates,
 * and how another root gets one.
 */

import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { AuthorityWithIssuers, IssuedCertificate, Proposal } from './api-bodies.ts';
import { authorityText } from './authority-text.ts';
import { certificateFields } from './certificate-fields.ts';
import { checkTarget, readChain, writeChain } from './chain-file.ts';
import { unwritable } from './file-failure.ts';
import { readCertificates } from './input.ts';
import { type Io, note, printable, printableJson } from './io.ts';
import { waits } from './proposals.ts';
import { pathOf, withSession } from './session.ts';

interface ActivateOptions {
  readonly chain: string;
  readonly json?: true;
}

interface CrossCertifyOptions {
  readonly certificate: string;
  readonly out?: string;
  readonly json?: true;
}

export function addAuthorityCertificates(group: Command, io: Io): void {
  group
    .command('csr')
    .description('Gets the certification request of an authority that is certified elsewhere.')
    .argument('<id>', 'its id, as in the list')
    .option('--out <file>', 'where to write it as PEM (default: -, standard output)')
    .action((id: string, options: { readonly out?: string }) => request(id, options, io));
  group
    .command('activate')
    .description('Brings the certificate that was signed elsewhere.')
    .argument('<id>', 'its id, as in the list')
    .requiredOption(
      '--chain <file>',
      'PEM of the certificate and those above it, root included, - for standard input',
    )
    .option('--json', "print the API's answer")
    .action((id: string, options: ActivateOptions) => activate(id, options, io));
  group
    .command('rollover')
    .description(
      'Gives an authority a new key and certificate; what the old one signed still holds.',
    )
    .argument('<id>', 'its id, as in the list')
    .option('--json', "print the API's answer")
    .action((id: string, options: { readonly json?: true }) => rollOver(id, options, io));
  group
    .command('cross-certify')
    .description('Has another root certified by an authority of yours.')
    .argument('<id>', 'the id of your authority')
    .requiredOption(
      '--certificate <file>',
      'PEM of the certificate that the other root has signed itself, - for standard input',
    )
    .option('--out <file>', 'where to write the cross-certificate (default: -, standard output)')
    .option('--json', "print the API's answer")
    .action((id: string, options: CrossCertifyOptions) => crossCertify(id, options, io));
}

async function request(id: string, { out }: { readonly out?: string }, io: Io): Promise<void> {
  const file = out === '-' ? undefined : out;
  const path = `${pathOf('/v1/authorities', id)}/csr`;
  if (file !== undefined) await checkTarget(file);
  const { csr } = await withSession(io, (session) => session.get<{ csr: string }>(path));
  if (file === undefined) {
    io.stdout.write(csr);
    return;
  }
  try {
    await writeFile(file, csr);
  } catch (error) {
    throw unwritable(file, error);
  }
  io.stdout.write(
    `The request is in ${file}. Have it signed, then bring the certificate and those above it:\n` +
      `  evpki authority activate ${printable(id)} --chain chain.pem\n`,
  );
}

async function activate(id: string, options: ActivateOptions, io: Io): Promise<void> {
  const certificateChain = await readCertificates(io, options.chain);
  const path = `${pathOf('/v1/authorities', id)}/activation`;
  const answer = await withSession(io, (session) => session.post(path, { certificateChain }));
  tell(answer.body as AuthorityWithIssuers, options, io);
}

async function crossCertify(id: string, options: CrossCertifyOptions, io: Io): Promise<void> {
  const out = options.out === '-' ? undefined : options.out;
  const certificate = await readCertificates(io, options.certificate);
  if (out !== undefined) await checkTarget(out);
  const path = `${pathOf('/v1/authorities', id)}/cross-certificates`;
  const answer = await withSession(io, (session) => session.post(path, { certificate }));
  if (answer.status === 202) throw waits(answer.body as Proposal, options.json, io);
  await tellIssued(answer.body as IssuedCertificate, { ...options, out }, io);
}

async function tellIssued(
  certificate: IssuedCertificate,
  { out, json }: { readonly out: string | undefined; readonly json?: true },
  io: Io,
): Promise<void> {
  if (out !== undefined) await writeChain(out, certificate);
  if (json) {
    io.stdout.write(`${printableJson(certificate)}\n`);
    return;
  }
  const summary = `Certified the other root:\n${certificateFields(certificate, io, [['file', out]])}`;
  if (out === undefined) {
    // The certificate may be on its way into a file or another program; people read stderr.
    io.stderr.write(`${summary}\n`);
    io.stdout.write(readChain(certificate.certificateChain).pem);
    return;
  }
  io.stdout.write(summary);
}

async function rollOver(id: string, options: { readonly json?: true }, io: Io): Promise<void> {
  const path = `${pathOf('/v1/authorities', id)}/rollover`;
  const answer = await withSession(io, (session) => session.post(path));
  const authority = answer.body as AuthorityWithIssuers;
  tell(authority, options, io);
  if (authority.issuers[0]?.state === 'awaiting-certificate') {
    note(io, `Its new key awaits a certificate. Next: evpki authority csr ${printable(id)}`);
  }
}

function tell(authority: AuthorityWithIssuers, { json }: { readonly json?: true }, io: Io): void {
  io.stdout.write(json ? `${printableJson(authority)}\n` : authorityText(authority, io));
}
