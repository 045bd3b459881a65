/** `evpki authority`: lists and shows authorities; see also the other `authority-*.ts`. */

import type { Command } from 'commander';
import { errorCodes } from '../services/errors.ts';
import type { Authority, AuthorityWithIssuers, Page } from './api-bodies.ts';
import { addAuthorityCertificates } from './authority-certificates.ts';
import { addAuthorityCreation } from './authority-creation.ts';
import { addAuthorityExports } from './authority-exports.ts';
import { addAuthorityGrants } from './authority-grants.ts';
import { authorityText } from './authority-text.ts';
import { readChain } from './chain-file.ts';
import { Failure } from './failure.ts';
import { colorsFor, type Io, printableJson } from './io.ts';
import { type Listing, tellListing } from './listing.ts';
import { pathOf, withSession } from './session.ts';
import { stateColor } from './table.ts';

interface ShowOptions {
  readonly pem?: true;
  readonly json?: true;
}

export function addAuthorities(program: Command, io: Io): void {
  const group = program
    .command('authority')
    .description('certification authorities: their certificates, and whom they are granted to')
    .helpCommand(false);
  group
    .command('list')
    .description('Lists the authorities that you may see.')
    .option('--json', "print the API's answer")
    .action((options: { readonly json?: true }) => list(options, io));
  group
    .command('show')
    .description('Shows an authority and its issuers, newest first.')
    .argument('<id>', 'its id, as in the list')
    .option('--pem', 'print the chain of its active issuer as PEM, the root last')
    .option('--json', "print the API's answer")
    .action((id: string, options: ShowOptions) => show(id, options, io));
  addAuthorityCreation(group, io);
  addAuthorityCertificates(group, io);
  addAuthorityGrants(group, io);
  addAuthorityExports(group, io);
}

async function list(options: { readonly json?: true }, io: Io): Promise<void> {
  const page = await withSession(io, (session) => session.get<Page<Authority>>('/v1/authorities'));
  const color = stateColor(colorsFor(io, io.stdout));
  const listing: Listing<Authority> = {
    none: 'There are no authorities that you may see.',
    columns: [
      { title: 'ID', value: ({ id }) => id },
      { title: 'STATE', value: ({ state }) => state, color },
      { title: 'UNDER', value: ({ under }) => under ?? '-' },
      { title: 'KEY', value: ({ key }) => key },
      { title: 'PROFILE', value: ({ profile }) => profile },
      { title: 'TITLE', value: ({ title }) => title },
    ],
  };
  tellListing(page, listing, options, io);
}

async function show(id: string, options: ShowOptions, io: Io): Promise<void> {
  const path = pathOf('/v1/authorities', id);
  const authority = await withSession(io, (session) => session.get<AuthorityWithIssuers>(path));
  if (options.pem) {
    io.stdout.write(activeChain(authority));
    return;
  }
  if (options.json) {
    io.stdout.write(`${printableJson(authority)}\n`);
    return;
  }
  io.stdout.write(authorityText(authority, io));
}

function activeChain({ id, issuers }: AuthorityWithIssuers): string {
  const chain = issuers.find(({ state }) => state === 'active')?.certificateChain;
  if (chain !== undefined) return readChain(chain).pem;
  throw new Failure(
    errorCodes['authority-not-active'].exit,
    `authority ${id} has no active issuer`,
    {
      remedy: `See its issuers with \`evpki authority show ${id}\`.`,
    },
  );
}
