/** `evpki profile`: what can be certified. */

import type { Command } from 'commander';
import type { Page, Profile } from './api-bodies.ts';
import { type Io, printableJson } from './io.ts';
import { withSession } from './session.ts';
import { table, widthOf } from './table.ts';

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
  if (options.json) {
    io.stdout.write(`${printableJson(page)}\n`);
    return;
  }
  const columns = [
    { title: 'NAME', value: ({ name }: Profile) => name },
    { title: 'KIND', value: ({ kind }: Profile) => kind },
    { title: 'KEYS', value: ({ keys }: Profile) => keys.join(', ') },
    { title: 'TITLE', value: ({ title }: Profile) => title },
  ];
  io.stdout.write(table(columns, page.items, widthOf(io.stdout)));
}
