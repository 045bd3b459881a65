/** `evpki authority grant|withdraw|grants`: whose authorities may stand under one of yours. */

import type { Command } from 'commander';
import type { AuthorityGrant, Page, Proposal } from './api-bodies.ts';
import { type Io, printable, printableJson } from './io.ts';
import { type Listing, tellListing } from './listing.ts';
import { waits } from './proposals.ts';
import { pathOf, withSession } from './session.ts';
import { day } from './table.ts';

interface JsonOption {
  readonly json?: true;
}

export function addAuthorityGrants(group: Command, io: Io): void {
  group
    .command('grant')
    .description('Lets another organization have authorities under one of yours.')
    .argument('<id>', 'the id of your authority')
    .argument('<organization>', 'the id of the organization')
    .option('--json', "print the API's answer")
    .action((id: string, organization: string, options: JsonOption) =>
      grant(id, organization, options, io),
    );
  group
    .command('withdraw')
    .description('Takes a grant back; what is certified under it goes on.')
    .argument('<id>', 'the id of your authority')
    .argument('<organization>', 'the id of the organization')
    .action((id: string, organization: string) => withdraw(id, organization, io));
  group
    .command('grants')
    .description('Lists whose authorities may stand under one of yours.')
    .argument('<id>', 'the id of your authority')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption) => list(id, options, io));
}

async function grant(
  id: string,
  organization: string,
  { json }: JsonOption,
  io: Io,
): Promise<void> {
  const answer = await withSession(io, (session) => session.put(grantPath(id, organization)));
  if (answer.status === 202) throw waits(answer.body as Proposal, json, io);
  if (json) {
    io.stdout.write(`${printableJson(answer.body)}\n`);
    return;
  }
  const already = answer.status === 200 ? ' already' : '';
  io.stdout.write(
    `${printable(organization)} may${already} have authorities under ${printable(id)}, ` +
      `by \`evpki authority create --under ${printable(id)}\`.\n`,
  );
}

async function withdraw(id: string, organization: string, io: Io): Promise<void> {
  await withSession(io, (session) => session.delete(grantPath(id, organization)));
  io.stdout.write(
    `Nothing new is certified under ${printable(id)} for ${printable(organization)}; ` +
      'what is certified goes on until it ends or is revoked.\n',
  );
}

async function list(id: string, options: JsonOption, io: Io): Promise<void> {
  const path = `${pathOf('/v1/authorities', id)}/grants`;
  const page = await withSession(io, (session) => session.get<Page<AuthorityGrant>>(path));
  const listing: Listing<AuthorityGrant> = {
    none: `${printable(id)} is granted to nobody.`,
    columns: [
      { title: 'ORGANIZATION', value: ({ organization }) => organization },
      { title: 'SINCE', value: ({ grantedAt }) => day(grantedAt) },
    ],
  };
  tellListing(page, listing, options, io);
}

const grantPath = (id: string, organization: string): string =>
  pathOf(`${pathOf('/v1/authorities', id)}/grants`, organization);
