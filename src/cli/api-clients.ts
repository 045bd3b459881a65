/** `evpki client`: API clients, their secrets and their end. */

import type { Command } from 'commander';
import type { ApiClient, ClientCredentials, RotatedCredentials } from './api-bodies.ts';
import { addClientCertificates } from './client-certificates.ts';
import { readCredentials } from './credentials.ts';
import { usageFailure } from './failure.ts';
import { timeOption } from './input.ts';
import { colorsFor, type Io, note, printable, printableJson } from './io.ts';
import { addPageOptions, listPages, type PagedListing, type PageOptions } from './pages.ts';
import { type SecretPlace, secretPlace } from './secret-file.ts';
import { pathOf, withSession } from './session.ts';
import { day, fields, moment, stateColor } from './table.ts';

const PATH = '/v1/api-clients';

interface CreateOptions {
  readonly name: string;
  readonly organization: string;
  readonly role: readonly string[];
  readonly expires?: string;
  readonly secretFile?: string;
  readonly json?: true;
}

interface ListOptions extends PageOptions {
  readonly organization?: string;
}

interface RotateOptions {
  readonly overlap?: string;
  readonly secretFile?: string;
  readonly json?: true;
}

interface JsonOption {
  readonly json?: true;
}

export function addApiClients(program: Command, io: Io): void {
  const group = program
    .command('client')
    .description('API clients: list, show, create, rotate, disable; their certificates')
    .helpCommand(false);
  addPageOptions(
    group
      .command('list')
      .description('Lists API clients, newest first.')
      .option('--organization <id>', 'only those of this organization'),
  ).action((options: ListOptions) => list(options, io));
  group
    .command('show')
    .description('Shows an API client.')
    .argument('<id>', 'its id, as in the list')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption) => show(id, options, io));
  group
    .command('create')
    .description('Makes an API client; its secret is shown this one time.')
    .requiredOption('--name <name>', 'what to call it')
    .requiredOption('--organization <id>', 'whose it is')
    .requiredOption('--role <role...>', 'what it may do: roles of policies/access.yaml')
    .option(
      '--expires <time>',
      'when it ends by itself, as a day or RFC 3339 time (default: never, or with its maker)',
    )
    .option('--secret-file <file>', 'a new file for the secret (default: -, standard output)')
    .option('--json', "print the API's answer")
    .action((options: CreateOptions) => create(options, io));
  group
    .command('rotate')
    .description('Gives an API client a new secret, which is shown this one time.')
    .argument('<id>', 'its id, as in the list')
    .option('--overlap <seconds>', 'how long the present secret still holds (default: 3600)')
    .option('--secret-file <file>', 'a new file for the secret (default: -, standard output)')
    .option('--json', "print the API's answer")
    .action((id: string, options: RotateOptions) => rotate(id, options, io));
  group
    .command('disable')
    .description('Disables an API client for good; its tokens end at once.')
    .argument('<id>', 'its id, as in the list')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption) => disable(id, options, io));
  addClientCertificates(group, io);
}

async function list(options: ListOptions, io: Io): Promise<void> {
  const { organization } = options;
  const color = stateColor(colorsFor(io, io.stdout));
  const listing: PagedListing<ApiClient> = {
    path: PATH,
    query: { organization },
    columns: [
      { title: 'ID', value: ({ id }) => id },
      { title: 'STATE', value: ({ state }) => state, color },
      { title: 'LAST USED', value: ({ lastUsedAt }) => (lastUsedAt ? day(lastUsedAt) : '-') },
      { title: 'OF', value: (client) => client.organization },
      { title: 'ROLES', value: ({ roles }) => roles.join(', ') },
      { title: 'NAME', value: ({ name }) => name },
    ],
  };
  await listPages(listing, options, io);
}

async function show(id: string, options: JsonOption, io: Io): Promise<void> {
  const path = pathOf(PATH, id);
  tell(await withSession(io, (session) => session.get<ApiClient>(path)), options, io);
}

async function disable(id: string, options: JsonOption, io: Io): Promise<void> {
  const path = pathOf(PATH, id);
  const { body } = await withSession(io, (session) => session.delete(path));
  tell(body as ApiClient, options, io);
}

async function create(options: CreateOptions, io: Io): Promise<void> {
  const { name, organization, role: roles } = options;
  const expiresAt = timeOption('--expires', options.expires);
  const body = { name, organization, roles, ...(expiresAt === undefined ? {} : { expiresAt }) };
  await withSecret(options, io, async (place) => {
    const answer = await withSession(io, (session) => session.post(PATH, body));
    const credentials = answer.body as ClientCredentials;
    const { expiresAt: end } = credentials;
    await tellSecret(credentials, place, options, io, `Made ${printable(name)}:`, [
      ...(end === undefined ? [] : [['expires', moment(end, io)] as const]),
    ]);
  });
}

async function rotate(id: string, options: RotateOptions, io: Io): Promise<void> {
  const path = `${pathOf(PATH, id)}/secret`;
  const overlapSeconds = overlapOption(options.overlap);
  const body = overlapSeconds === undefined ? {} : { overlapSeconds };
  await withSecret(options, io, async (place) => {
    const answer = await withSession(io, (session) => session.post(path, body));
    const credentials = answer.body as RotatedCredentials;
    const until = moment(credentials.oldSecretUntil, io);
    await tellSecret(credentials, place, options, io, 'Made a new secret:', [
      ['the old one holds until', until],
    ]);
  });
  if ((await readCredentials(io))?.clientId === id) {
    note(io, 'You are logged in as this client: log in again with its new secret.');
  }
}

/** Runs `use` with a place for the secret that exists before anything is asked of the service. */
async function withSecret(
  { secretFile }: { readonly secretFile?: string },
  io: Io,
  use: (place: SecretPlace) => Promise<void>,
): Promise<void> {
  const place = await secretPlace(io, secretFile);
  try {
    await use(place);
  } finally {
    await place.end();
  }
}

/** The secret goes to its place and to no other: with a file it is on no screen. */
async function tellSecret(
  credentials: ClientCredentials,
  place: SecretPlace,
  { json }: JsonOption,
  io: Io,
  heading: string,
  more: readonly (readonly [string, string])[],
): Promise<void> {
  const { clientSecret, ...rest } = credentials;
  const inFile = place.file !== undefined;
  if (inFile || !json) await place.keep(clientSecret);
  if (json) {
    io.stdout.write(`${printableJson(inFile ? rest : credentials)}\n`);
    return;
  }
  const secret = inFile ? `${place.file}, for your eyes only` : 'on standard output, this one time';
  const summary = fields([['id', credentials.clientId], ['secret', secret], ...more]);
  (inFile ? io.stdout : io.stderr).write(`${heading}\n${summary}`);
}

function tell(client: ApiClient, { json }: JsonOption, io: Io): void {
  if (json) {
    io.stdout.write(`${printableJson(client)}\n`);
    return;
  }
  const time = (text: string | undefined) => text && moment(text, io);
  io.stdout.write(
    fields([
      ['name', client.name],
      ['state', client.state],
      ['roles', client.roles.join(', ')],
      ['of', client.organization],
      ['made', time(client.createdAt)],
      ['made by', client.createdBy],
      ['last used', time(client.lastUsedAt) ?? 'never'],
      ['expires', time(client.expiresAt)],
      ['disabled', time(client.disabledAt)],
      ['old secret until', time(client.oldSecretUntil)],
      ['id', client.id],
    ]),
  );
}

function overlapOption(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= 604_800) return seconds;
  throw usageFailure('--overlap is a number of seconds from 0 to 604800, which is a week');
}
