/** `evpki organization`: whose everything is. */

import type { Command } from 'commander';
import type { Organization, Page, ReceivedGrant } from './api-bodies.ts';
import { usageFailure } from './failure.ts';
import { type Io, note, printable, printableJson } from './io.ts';
import { type Listing, tellListing } from './listing.ts';
import { pathOf, withSession } from './session.ts';
import { day, fields } from './table.ts';

const PATH = '/v1/organizations';

interface JsonOption {
  readonly json?: true;
}

interface CreateOptions extends JsonOption {
  readonly name: string;
  readonly role: readonly string[];
  readonly country?: string;
  readonly stationsOnFirstSight?: true;
  readonly wmi?: readonly string[];
  readonly provider?: readonly string[];
  readonly operator?: readonly string[];
}

interface ChangeOptions extends JsonOption {
  readonly name?: string;
  readonly role?: readonly string[];
  /** False takes it away. */
  readonly country?: string | false;
  readonly stationsOnFirstSight?: boolean;
  /** False takes all away. */
  readonly wmi?: readonly string[] | false;
  readonly provider?: readonly string[] | false;
  readonly operator?: readonly string[] | false;
}

export function addOrganizations(program: Command, io: Io): void {
  const group = program
    .command('organization')
    .description('organizations: list, show, create, change, grants')
    .helpCommand(false);
  group
    .command('list')
    .description('Lists the organizations that you reach.')
    .option('--json', "print the API's answer")
    .action((options: JsonOption) => list(options, io));
  group
    .command('show')
    .description('Shows an organization.')
    .argument('<id>', 'its id, as in the list')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption) => show(id, options, io));
  group
    .command('create')
    .description('Makes an organization.')
    .argument('<id>', 'lower-case letters, digits and single hyphens; its name for good')
    .requiredOption('--name <name>', 'the O of its certificates')
    .requiredOption('--role <role...>', 'what it is: v2g-operator, cpo, mo, oem, cps, manufacturer')
    .option('--country <code>', 'the C of its certificates, two upper-case letters')
    .option('--stations-on-first-sight', 'register stations when they first ask')
    .option('--wmi <code...>', 'the WMIs of the vehicles that it registers, as a maker')
    .option('--provider <code...>', 'the EMAIDs of its contracts, such as DE8EV')
    .option('--operator <code...>', 'the EVSE and SECC ids of its stations, such as DEICE')
    .option('--json', "print the API's answer")
    .action((id: string, options: CreateOptions) => create(id, options, io));
  group
    .command('change')
    .description('Changes an organization; what is not named stays as it is.')
    .argument('<id>', 'its id, as in the list')
    .option('--name <name>', 'the O of its certificates from now on')
    .option('--role <role...>', 'all that it is from now on')
    .option('--country <code>', 'the C of its certificates from now on')
    .option('--no-country', 'no C in its certificates from now on')
    .option('--stations-on-first-sight', 'register stations when they first ask')
    .option('--no-stations-on-first-sight', 'have stations registered before they ask')
    .option('--wmi <code...>', 'all WMIs of vehicles that it registers from now on')
    .option('--no-wmi', 'no vehicles from now on')
    .option('--provider <code...>', 'all EMAIDs of contracts from now on, such as DE8EV')
    .option('--no-provider', 'no contracts from now on')
    .option('--operator <code...>', 'all EVSE and SECC ids of stations from now on, such as DEICE')
    .option('--no-operator', 'EVSE and SECC ids that no organization has, from now on')
    .option('--json', "print the API's answer")
    .action((id: string, options: ChangeOptions) => change(id, options, io));
  group
    .command('grants')
    .description('Lists the authorities of others that an organization may be under.')
    .argument('<id>', 'its id, as in the list')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption) => listGrants(id, options, io));
}

async function list(options: JsonOption, io: Io): Promise<void> {
  const page = await withSession(io, (session) => session.get<Page<Organization>>(PATH));
  const listing: Listing<Organization> = {
    columns: [
      { title: 'ID', value: ({ id }) => id },
      { title: 'COUNTRY', value: ({ country }) => country ?? '-' },
      { title: 'ROLES', value: ({ roles }) => roles.join(', ') },
      { title: 'NAME', value: ({ name }) => name },
    ],
  };
  tellListing(page, listing, options, io);
}

async function show(id: string, options: JsonOption, io: Io): Promise<void> {
  const path = pathOf(PATH, id);
  tell(await withSession(io, (session) => session.get<Organization>(path)), options, io);
}

async function create(id: string, options: CreateOptions, io: Io): Promise<void> {
  const { name, role: roles, country, stationsOnFirstSight } = options;
  const { wmi: wmis, provider: providers, operator: operators } = options;
  const body = { id, name, roles, country, stationsOnFirstSight, wmis, providers, operators };
  const answer = await withSession(io, (session) => session.post(PATH, body));
  if (!options.json && answer.status === 200) note(io, 'It was there already, exactly so.');
  tell(answer.body as Organization, options, io);
}

async function change(id: string, options: ChangeOptions, io: Io): Promise<void> {
  const path = pathOf(PATH, id);
  const { name, role: roles, stationsOnFirstSight } = options;
  const country = options.country === false ? null : options.country;
  const wmis = options.wmi === false ? [] : options.wmi;
  const providers = options.provider === false ? [] : options.provider;
  const operators = options.operator === false ? [] : options.operator;
  const body = { name, roles, country, stationsOnFirstSight, wmis, providers, operators };
  if (Object.values(body).every((value) => value === undefined)) {
    throw usageFailure('nothing is to be changed', 'Name what is to be otherwise; see --help.');
  }
  const answer = await withSession(io, (session) => session.patch(path, body));
  tell(answer.body as Organization, options, io);
}

async function listGrants(id: string, options: JsonOption, io: Io): Promise<void> {
  const path = `${pathOf(PATH, id)}/grants`;
  const page = await withSession(io, (session) => session.get<Page<ReceivedGrant>>(path));
  const listing: Listing<ReceivedGrant> = {
    none: `No authority of others is granted to ${printable(id)}.`,
    columns: [
      { title: 'AUTHORITY', value: ({ authority }) => authority },
      { title: 'SINCE', value: ({ grantedAt }) => day(grantedAt) },
      { title: 'PROFILE', value: ({ profile }) => profile },
      { title: 'TITLE', value: ({ title }) => title },
    ],
  };
  tellListing(page, listing, options, io);
}

function tell(organization: Organization, { json }: JsonOption, io: Io): void {
  if (json) {
    io.stdout.write(`${printableJson(organization)}\n`);
    return;
  }
  io.stdout.write(
    fields([
      ['name', organization.name],
      ['country', organization.country],
      ['roles', organization.roles.join(', ')],
      ['stations', organization.stationsOnFirstSight ? 'at first sight' : 'once registered'],
      ['WMIs', organization.wmis.join(', ') || undefined],
      ['providers', organization.providers.join(', ') || undefined],
      ['operators', organization.operators.join(', ') || undefined],
      ['id', organization.id],
    ]),
  );
}
