/**
 * `evpki authority export|collect|import-certificates`: an authority whose key goes to a CSMS that
 * signs by itself, and what that has signed.
 */

import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { CollectedExport, ImportedCertificates, Proposal } from './api-bodies.ts';
import { readChain } from './chain-file.ts';
import { usageFailure } from './failure.ts';
import { unwritable } from './file-failure.ts';
import { askSecret, readCertificates, readSecret, timeOption } from './input.ts';
import { type Io, note, printable, printableJson } from './io.ts';
import { waits } from './proposals.ts';
import { pathOf, withSession } from './session.ts';
import { fields, table, widthOf } from './table.ts';

interface JsonOption {
  readonly json?: true;
}

interface ExportOptions extends JsonOption {
  readonly as: string;
  readonly title: string;
  readonly key: string;
  readonly notAfter?: string;
}

interface CollectOptions extends JsonOption {
  readonly out: string;
  readonly passphraseFile?: string;
}

export function addAuthorityExports(group: Command, io: Io): void {
  group
    .command('export')
    .description('Proposes an authority of its own whose key goes to a CSMS that signs by itself.')
    .argument('<id>', 'the authority that is to certify it, such as an OCPP root')
    .requiredOption('--as <id>', 'what it is to be called, such as steve-station-ca')
    .requiredOption('--title <text>', 'the common name of its certificate')
    .option('--key <type>', 'P-256, P-384, RSA-2048, RSA-3072, RSA-4096', 'P-256')
    .option('--not-after <time>', 'until when (default: as long as its profile says)')
    .option('--json', "print the API's answer")
    .action((id: string, options: ExportOptions) => propose(id, options, io));
  group
    .command('collect')
    .description('Collects an export that somebody else has agreed to: its key comes once.')
    .argument('<id>', 'the authority that certifies it')
    .argument('<proposal>', 'the id of your proposal')
    .requiredOption('--out <folder>', 'a new folder for ca.pem, ca-key.pem and ca-chain.pem')
    .option('--passphrase-file <file>', 'what the key is encrypted with, - for standard input')
    .option('--json', "print the API's answer without the key")
    .action((id: string, proposal: string, options: CollectOptions) =>
      collect(id, proposal, options, io),
    );
  group
    .command('import-certificates')
    .description('Brings certificates that an exported authority has signed.')
    .argument('<id>', 'the exported authority')
    .requiredOption('--certificates <file>', 'PEM of 1 to 50 of them, - for standard input')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption & { readonly certificates: string }) =>
      bring(id, options, io),
    );
}

async function propose(id: string, options: ExportOptions, io: Io): Promise<void> {
  const { as, title, key, json } = options;
  const notAfter = timeOption('--not-after', options.notAfter);
  const body = { id: as, title, key, ...(notAfter === undefined ? {} : { notAfter }) };
  const path = `${pathOf('/v1/authorities', id)}/exports`;
  const answer = await withSession(io, (session) => session.post(path, body));
  throw waits(answer.body as Proposal, json, io);
}

async function collect(
  id: string,
  proposal: string,
  { out, passphraseFile, json }: CollectOptions,
  io: Io,
): Promise<void> {
  const passphrase = await passphraseFrom(passphraseFile, io);
  const path = pathOf(`${pathOf('/v1/authorities', id)}/exports`, proposal);
  // There before the key is asked for: one that has no place is lost.
  const place = await keyPlace(out);
  try {
    const answer = await withSession(io, (session) => session.post(path, { passphrase }));
    const { encryptedKey, ...rest } = answer.body as CollectedExport;
    if (encryptedKey === undefined) {
      throw usageFailure(
        `${proposal} was collected before`,
        `Have ${rest.authority} revoked if its key is lost, and propose another one.`,
      );
    }
    await place.keep(encryptedKey, rest);
    if (json) {
      io.stdout.write(`${printableJson(rest)}\n`);
      return;
    }
    io.stdout.write(
      `Made ${printable(rest.authority)}:\n${fields([
        ['certificate', join(out, 'ca.pem')],
        ['key', `${join(out, 'ca-key.pem')}, encrypted with your passphrase`],
        ['chain', join(out, 'ca-chain.pem')],
        ['SHA-256', readChain(rest.certificateChain).fingerprint],
        ['OCSP', rest.ocsp],
        ['CRL', rest.crl],
      ])}`,
    );
    note(io, 'No key is handed out twice. evpki signs no certificates with it.');
  } finally {
    await place.end();
  }
}

async function passphraseFrom(file: string | undefined, io: Io): Promise<string> {
  if (file !== undefined) return readSecret(io, file);
  const typed = await askSecret(io, 'Passphrase for the key, 16 characters or more');
  if (typed === undefined) {
    throw usageFailure('there is nobody to ask for a passphrase', 'Name a --passphrase-file.');
  }
  if ((await askSecret(io, 'The same again')) !== typed) throw usageFailure('they differ');
  return typed;
}

/** A folder of our own with an empty file for the key; nothing is left of it where none came. */
async function keyPlace(folder: string) {
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST'
      ? usageFailure(`${folder} exists and is left alone`, 'Name another --out.')
      : unwritable(folder, error);
  });
  const handle = await open(join(folder, 'ca-key.pem'), 'wx', 0o600);
  let isKept = false;
  return {
    async keep(key: string, { certificate, certificateChain }: CollectedExport): Promise<void> {
      await handle.writeFile(key);
      await handle.sync();
      isKept = true;
      await writeFile(join(folder, 'ca.pem'), certificate);
      await writeFile(join(folder, 'ca-chain.pem'), certificateChain);
    },
    async end(): Promise<void> {
      await handle.close();
      if (!isKept) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function bring(
  id: string,
  options: JsonOption & { readonly certificates: string },
  io: Io,
): Promise<void> {
  const certificates = await readCertificates(io, options.certificates);
  const path = `${pathOf('/v1/authorities', id)}/certificates`;
  const answer = await withSession(io, (session) => session.post(path, { certificates }));
  const imported = answer.body as ImportedCertificates;
  if (options.json) {
    io.stdout.write(`${printableJson(imported)}\n`);
    return;
  }
  type Item = ImportedCertificates['items'][number];
  const columns = [
    { title: 'ID', value: ({ id: of }: Item) => of },
    { title: 'OUTCOME', value: ({ outcome }: Item) => outcome },
    { title: 'SERIAL', value: ({ serialNumber }: Item) => serialNumber },
    { title: 'STATION', value: ({ station }: Item) => station ?? '-' },
    { title: 'FINDINGS', value: ({ findings }: Item) => String(findings.length) },
    { title: 'SUBJECT', value: ({ subject }: Item) => subject },
  ];
  io.stdout.write(table(columns, imported.items, widthOf(io.stdout)));
  const rules = new Set(imported.items.flatMap(({ findings }) => findings.map(({ rule }) => rule)));
  if (rules.size > 0) {
    note(io, `Not as evpki would have made them (${[...rules].join(', ')}): --json says where.`);
  }
}
