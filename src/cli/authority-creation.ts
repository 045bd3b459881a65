/** `evpki authority create`: a single authority; whole hierarchies are `evpki ca apply`. */

import type { Command } from 'commander';
import type { AuthorityWithIssuers } from './api-bodies.ts';
import { authorityText } from './authority-text.ts';
import { type Io, note, printable, printableJson } from './io.ts';
import { withSession } from './session.ts';

interface CreateOptions {
  readonly title: string;
  readonly profile: string;
  readonly key: string;
  readonly organization?: string;
  readonly under?: string;
  readonly json?: true;
}

export function addAuthorityCreation(group: Command, io: Io): void {
  group
    .command('create')
    .description('Makes an authority with its key; a root unless --under says otherwise.')
    .argument('<id>', 'lower-case letters, digits and single hyphens; its name for good')
    .requiredOption('--title <text>', 'the CN of its certificates')
    .requiredOption('--profile <name>', 'what it is; `evpki profile list` shows all')
    .requiredOption('--key <algorithm>', 'the algorithm of its key, as its profile allows')
    .option('--organization <id>', 'whose it is (default: your organization)')
    .option('--under <id>', 'the authority above it, or external (default: it is a root)')
    .option('--json', "print the API's answer")
    .action((id: string, options: CreateOptions) => create(id, options, io));
}

async function create(id: string, { json, ...details }: CreateOptions, io: Io): Promise<void> {
  const body = { id, ...details };
  const answer = await withSession(io, (session) => session.post('/v1/authorities', body));
  const authority = answer.body as AuthorityWithIssuers;
  if (json) {
    io.stdout.write(`${printableJson(authority)}\n`);
    return;
  }
  if (answer.status === 200) note(io, 'It was there already, exactly so.');
  io.stdout.write(authorityText(authority, io));
  if (authority.under === 'external' && authority.state === 'awaiting-certificate') {
    note(io, `Its key awaits a certificate. Next: evpki authority csr ${printable(id)}`);
  }
}
