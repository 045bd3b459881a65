/** `evpki profile`: what can be certified. */

import type { Command } from 'commander';
import type { Page, Profile } from './api-bodies.ts';
import type { Io } from './io.ts';
import { type Listing, tellListing } from './listing.ts';
import { withSession } from './session.ts';

export function addProfiles(program: Command, io: Io): void {
  const group = program
    .command('profile')
    .description('certificate profiles: list')
    .helpCommand(false);
  group
    .command('list')
    .description('Lists what can be certified.')
    .option('--json', "print the API's answer")
    .action((options: { readonly json?: true }) => list(options, io));
}

async function list(options: { readonly json?: true }, io: Io): Promise<void> {
  const page = await withSession(io, (session) => session.get<Page<Profile>>('/v1/profiles'));
  const listing: Listing<Profile> = {
    columns: [
      { title: 'NAME', value: ({ name }) => name },
      { title: 'KIND', value: ({ kind }) => kind },
      { title: 'KEYS', value: ({ keys }) => keys.join(', ') },
      { title: 'TITLE', value: ({ title }) => title },
    ],
  };
  tellListing(page, listing, options, io);
}
