/** `evpki station`: what is registered of charging stations. */

import type { Command } from 'commander';
import type { Station, StationTruststore, TruststoreRoot } from './api-bodies.ts';
import { usageFailure } from './failure.ts';
import { type Io, note, printableJson } from './io.ts';
import { addPageOptions, listPages, type PagedListing, type PageOptions } from './pages.ts';
import { pathOf, withSession } from './session.ts';
import { day, fields, moment, table, widthOf } from './table.ts';

const PATH = '/v1/stations';

interface StationOptions {
  readonly organization?: string;
  readonly json?: true;
}

interface PutOptions extends StationOptions {
  readonly serialNumber?: string;
  readonly seccId?: string;
  readonly evseId?: readonly string[];
  readonly type?: string;
  readonly securityProfile?: string;
  readonly chainWithRoot?: true;
  readonly chainSize?: string;
  readonly enrolment?: string;
}

interface TruststoreOptions extends StationOptions {
  readonly type?: string;
  readonly pem?: true;
}

interface ListOptions extends StationOptions, PageOptions {}

export function addStations(program: Command, io: Io): void {
  const group = program
    .command('station')
    .description('charging stations: put, show, truststore, list')
    .helpCommand(false);
  group
    .command('put')
    .description('Registers a station, or replaces all that is registered of it.')
    .argument('<id>', 'its OCPP identity')
    .option('--serial-number <text>', 'the common name of its certificates towards the CSMS')
    .option('--secc-id <text>', 'the common name of its certificates towards vehicles')
    .option('--evse-id <id...>', 'its EVSEs')
    .option('--type <type>', 'what it means by leaving out the type in OCPP 2.x: combined, station')
    .option('--security-profile <number>', 'its OCPP security profile, 0 to 3')
    .option('--chain-with-root', 'send it chains with their root')
    .option('--chain-size <characters>', 'the longest chain that it takes: 500 to 10000')
    .option(
      '--enrolment <state>',
      'whether anything is certified for it: allowed, refused (default: as it is)',
    )
    .option('--organization <id>', 'whose it is (default: your organization)')
    .option('--json', "print the API's answer")
    .action((id: string, options: PutOptions) => put(id, options, io));
  group
    .command('show')
    .description('Shows what is registered of a station.')
    .argument('<id>', 'its OCPP identity')
    .option('--organization <id>', 'whose it is (default: your organization)')
    .option('--json', "print the API's answer")
    .action((id: string, options: StationOptions) => show(id, options, io));
  group
    .command('truststore')
    .description('Lists the roots that a station should have installed.')
    .argument('<id>', 'its OCPP identity')
    .option('--type <type>', 'only those for this use, such as CSMSRootCertificate')
    .option('--organization <id>', 'whose it is (default: your organization)')
    .option('--pem', 'print them as PEM')
    .option('--json', "print the API's answer")
    .action((id: string, options: TruststoreOptions) => truststore(id, options, io));
  addPageOptions(
    group
      .command('list')
      .description('Lists stations, newest first.')
      .option('--organization <id>', 'only those of this organization'),
  ).action((options: ListOptions) => list(options, io));
}

async function put(id: string, options: PutOptions, io: Io): Promise<void> {
  const { serialNumber, seccId, evseId: evseIds, type: certificateType } = options;
  const securityProfile = securityProfileOption(options.securityProfile);
  const { organization, enrolment } = options;
  const query = organization === undefined ? '' : `?${new URLSearchParams({ organization })}`;
  const path = `${pathOf(PATH, id)}${query}`;
  const chain = chainOptions(options);
  const names = { serialNumber, seccId, evseIds };
  const body = { ...names, certificateType, securityProfile, chain, enrolment };
  const answer = await withSession(io, (session) => session.put(path, body));
  if (!options.json && answer.status === 200) note(io, 'It was registered before; now it is:');
  tell(answer.body as Station, options, io);
}

async function show(id: string, options: StationOptions, io: Io): Promise<void> {
  const path = pathOf(PATH, id);
  const { organization } = options;
  tell(
    await withSession(io, (session) => session.get<Station>(path, { organization })),
    options,
    io,
  );
}

async function truststore(id: string, options: TruststoreOptions, io: Io): Promise<void> {
  const { organization, type: certificateType } = options;
  const query = { organization, certificateType };
  const path = `${pathOf(PATH, id)}/truststore`;
  const answer = await withSession(io, (session) => session.get<StationTruststore>(path, query));
  if (options.json) {
    io.stdout.write(`${printableJson(answer)}\n`);
    return;
  }
  if (answer.items.length === 0) {
    note(io, 'There are no such roots.');
    return;
  }
  if (options.pem) {
    io.stdout.write([...new Set(answer.items.map(({ certificate }) => certificate))].join(''));
    return;
  }
  const columns = [
    { title: 'TYPE', value: ({ certificateType }: TruststoreRoot) => certificateType },
    { title: 'EXPIRES', value: ({ notAfter }: TruststoreRoot) => day(notAfter) },
    { title: 'SUBJECT', value: ({ subject }: TruststoreRoot) => subject },
  ];
  io.stdout.write(table(columns, answer.items, widthOf(io.stdout)));
}

async function list(options: ListOptions, io: Io): Promise<void> {
  const { organization } = options;
  const listing: PagedListing<Station> = {
    path: PATH,
    query: { organization },
    none: 'There are no stations that you may see.',
    columns: [
      { title: 'ID', value: ({ id }) => id },
      { title: 'LAST SEEN', value: ({ lastSeenAt }) => (lastSeenAt ? day(lastSeenAt) : '-') },
      { title: 'OF', value: (station) => station.organization },
      { title: 'SERIAL NUMBER', value: ({ serialNumber }) => serialNumber ?? '-' },
      { title: 'SECC ID', value: ({ seccId }) => seccId ?? '-' },
    ],
  };
  await listPages(listing, options, io);
}

function tell(station: Station, { json }: StationOptions, io: Io): void {
  if (json) {
    io.stdout.write(`${printableJson(station)}\n`);
    return;
  }
  io.stdout.write(
    fields([
      ['id', station.id],
      ['of', station.organization],
      ['serial number', station.serialNumber],
      ['SECC id', station.seccId],
      ['EVSEs', station.evseIds.join(', ') || undefined],
      ['type', station.certificateType],
      ['security profile', station.securityProfile?.toString()],
      ['chains', chainText(station.chain)],
      ['enrolment', station.enrolment],
      ['registered', moment(station.createdAt, io)],
      ['last seen', station.lastSeenAt ? moment(station.lastSeenAt, io) : 'never'],
    ]),
  );
}

function chainText(chain: Station['chain']): string | undefined {
  if (!chain) return undefined;
  const { includeRoot, maximumSize } = chain;
  const root = includeRoot ? 'with root' : 'without root';
  return maximumSize === undefined ? root : `${root}, at most ${maximumSize} characters`;
}

/** What is no size of a chain the service says. */
function chainOptions({ chainWithRoot, chainSize }: PutOptions): Station['chain'] {
  if (chainSize !== undefined && !/^\d{1,9}$/.test(chainSize)) {
    throw usageFailure('--chain-size is a number of characters');
  }
  if (chainWithRoot === undefined && chainSize === undefined) return undefined;
  return {
    ...(chainWithRoot ? { includeRoot: true } : {}),
    ...(chainSize === undefined ? {} : { maximumSize: Number(chainSize) }),
  };
}

function securityProfileOption(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-3]$/.test(text)) return Number(text);
  throw usageFailure('--security-profile is 0, 1, 2 or 3');
}
