/** `evpki login`: makes the first administrator, or takes given credentials, and remembers them. */

import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { bootstrapSecretFile } from '../bootstrap-secret.ts';
import { baseUrl } from '../config/setting-types.ts';
import { PemError, readPemBlocks } from '../pki/pem.ts';
import { errorCodes } from '../services/errors.ts';
import type { ClientCredentials } from './api-bodies.ts';
import { connect, type Service } from './client.ts';
import {
  type Credentials,
  credentialsFile,
  draftCredentials,
  readCredentials,
  requireCredentials,
} from './credentials.ts';
import { Failure, usageFailure } from './failure.ts';
import { askSecret, readInput, readSecret } from './input.ts';
import { type Io, printable } from './io.ts';
import { proveCredentials } from './session.ts';

const USUAL_PORT = '8543';
/** As the API limits it. */
const MAX_NAME = 100;

interface LoginOptions {
  readonly url?: string;
  readonly ca?: string;
  /** `true` without a file. */
  readonly bootstrap?: string | true;
  readonly clientId?: string;
  readonly clientSecretFile?: string;
  readonly name?: string;
}

export function addLogin(program: Command, io: Io): void {
  program
    .command('login')
    .summary('remember a service and the credentials for it')
    .description(
      'Remembers a service and the credentials for it, after proving them.\n' +
        'Without credentials: proves the remembered ones.',
    )
    .option(
      '--url <url>',
      `the API of the service (default: the remembered one, or https://localhost:${USUAL_PORT})`,
    )
    .option(
      '--ca <file>',
      'PEM of the CA of its certificate (default: api-ca.pem of the data directory)',
    )
    .option(
      '--bootstrap [file]',
      'make the first administrator with the bootstrap secret (default: of the data directory)',
    )
    .option('--client-id <id>', 'the API client to be')
    .option(
      '--client-secret-file <file>',
      'file with its secret, - for standard input (default: asks)',
    )
    .option(
      '--name <name>',
      'with --bootstrap: what to call the administrator (default: user@host)',
    )
    .action((options: LoginOptions) => login(options, io));
}

async function login(options: LoginOptions, io: Io): Promise<void> {
  const { bootstrap, clientId, clientSecretFile, name } = options;
  if (bootstrap !== undefined) {
    if (clientId !== undefined || clientSecretFile !== undefined) {
      throw usageFailure('--bootstrap makes a new client: leave out --client-id and its secret');
    }
    return makeAdministrator(options, bootstrap, io);
  }
  if (name !== undefined) throw usageFailure('--name goes with --bootstrap');
  if (clientId !== undefined) return takeCredentials(options, clientId, io);
  if (clientSecretFile !== undefined) throw usageFailure('--client-secret-file needs --client-id');
  return proveStored(options, io);
}

/** Makes the first administrator; its secret is stored before anything else can fail. */
async function makeAdministrator(
  options: LoginOptions,
  bootstrap: string | true,
  io: Io,
): Promise<void> {
  const service: Service = {
    url: serviceUrl(options.url ?? usualUrl(io)),
    ca: await readAuthority(options.ca, io),
  };
  const name = options.name ?? defaultName(io);
  const secret = await bootstrapSecret(bootstrap, io);
  const draft = await draftCredentials(io);
  let credentials: Credentials;
  let moved: string | undefined;
  try {
    credentials = { ...service, ...(await createFirstClient(service, secret, name)) };
    moved = await draft.keep(credentials);
  } finally {
    await draft.end();
  }
  await proveCredentials(credentials);
  io.stdout.write(`Made ${printable(name)} the first administrator of ${service.url}.\n`);
  tellStored(credentials, moved, io, NEXT_OF_ADMINISTRATOR);
}

async function takeCredentials(options: LoginOptions, clientId: string, io: Io): Promise<void> {
  // Only the place of the service is of interest; what is damaged will be replaced.
  const stored = await readCredentials(io).catch(() => undefined);
  const service = await serviceOf(options, stored, io);
  const clientSecret =
    options.clientSecretFile === undefined
      ? await askSecret(io, `Secret of ${clientId}`)
      : await readSecret(io, options.clientSecretFile);
  if (clientSecret === undefined) {
    throw usageFailure('there is no terminal to ask for the secret', 'Name --client-secret-file.');
  }
  const credentials = { ...service, clientId, clientSecret };
  await proveCredentials(credentials);
  tellStored(credentials, await store(credentials, io), io);
}

async function proveStored(options: LoginOptions, io: Io): Promise<void> {
  const stored = await requireCredentials(io);
  const credentials = { ...stored, ...(await serviceOf(options, stored, io)) };
  await proveCredentials(credentials);
  if (credentials.url === stored.url && credentials.ca === stored.ca) {
    io.stdout.write(`You are logged in to ${stored.url} as ${printable(stored.clientId)}.\n`);
    return;
  }
  tellStored(credentials, await store(credentials, io), io);
}

async function store(credentials: Credentials, io: Io): Promise<string | undefined> {
  const draft = await draftCredentials(io);
  try {
    return await draft.keep(credentials);
  } finally {
    await draft.end();
  }
}

const NEXT_OF_ADMINISTRATOR = [
  '',
  'Next: play a charger from its key to its revoked certificate, or see what can be certified:',
  '  evpki quickstart',
  '  evpki profile list',
];

/** Says what is remembered; what somebody can do next depends on their roles. */
function tellStored(
  credentials: Credentials,
  moved: string | undefined,
  io: Io,
  next: readonly string[] = [],
): void {
  const { url, clientId } = credentials;
  const lines = [
    `Logged in to ${url} as ${printable(clientId)}.`,
    `The URL, its CA and the client's secret are in ${credentialsFile(io)}, for your eyes only.`,
    ...(moved === undefined ? [] : [`Those of the client before are in ${moved}.`]),
    ...next,
  ];
  io.stdout.write(`${lines.join('\n')}\n`);
}

async function createFirstClient(
  service: Service,
  secret: string,
  name: string,
): Promise<ClientCredentials> {
  const client = connect(service);
  try {
    const call = {
      method: 'POST',
      path: '/v1/api-clients',
      body: { name },
      token: secret,
    } as const;
    const { clientId, clientSecret } = (await client.send(call)).body as ClientCredentials;
    return { clientId, clientSecret };
  } finally {
    client.close();
  }
}

/** The secret from the named file, the data directory, or whoever sits at the terminal. */
async function bootstrapSecret(file: string | true, io: Io): Promise<string> {
  if (file !== true) return checkedBootstrap(await readSecret(io, file), file);
  const usual = bootstrapSecretFile(dataDirectory(io));
  if (existsSync(usual)) return checkedBootstrap(await readSecret(io, usual), usual);
  const typed = await askSecret(io, 'Bootstrap secret');
  if (typed !== undefined) return checkedBootstrap(typed, 'what you typed');
  throw new Failure(errorCodes['bootstrap-used'].exit, `there is no bootstrap secret in ${usual}`, {
    remedy:
      'It works once: if it has been used, ask an administrator for an API client. If the service has another data directory, name it in EVPKI_DATA_DIR, or the file after --bootstrap.',
  });
}

/** Nothing but a bootstrap secret is sent as one: the file may have been another secret's. */
function checkedBootstrap(secret: string, source: string): string {
  if (/^evpki_boot_[\w-]+$/.test(secret)) return secret;
  throw usageFailure(`${source} is not a bootstrap secret`, 'They start with evpki_boot_.');
}

async function serviceOf(
  options: LoginOptions,
  stored: Service | undefined,
  io: Io,
): Promise<Service> {
  const url = serviceUrl(options.url ?? stored?.url ?? usualUrl(io));
  if (options.ca === undefined && stored?.url === url) return { url, ca: stored.ca };
  return { url, ca: await readAuthority(options.ca, io) };
}

function serviceUrl(text: string): string {
  const result = baseUrl.safeParse(text);
  if (!result.success || !result.data.startsWith('https://')) {
    throw usageFailure(`${text} is not an https:// URL without query, fragment and user`);
  }
  return result.data;
}

/** PEM of the CA in a file, by default the one that the service writes beside its data. */
async function readAuthority(named: string | undefined, io: Io): Promise<string> {
  const file = named ?? join(dataDirectory(io), 'api-ca.pem');
  if (named === undefined && !existsSync(file)) {
    throw usageFailure(
      `the CA of the service is not known: there is no ${file}`,
      'Name it with --ca FILE; the service writes it to api-ca.pem in its data directory.',
    );
  }
  const text = (await readInput(io, file)).toString('latin1');
  try {
    const blocks = readPemBlocks(text);
    if (blocks.length > 0 && blocks.every(({ label }) => label === 'CERTIFICATE')) {
      return blocks.map(({ der }) => new X509Certificate(der).toString()).join('');
    }
  } catch (error) {
    if (!(error instanceof PemError) && !(error instanceof Error && 'code' in error)) throw error;
  }
  throw usageFailure(`${file} is not a certificate in PEM`);
}

const dataDirectory = ({ env }: Io): string => env.EVPKI_DATA_DIR || './data';

/** Where the service is that is started with the settings of this shell. */
const usualUrl = ({ env }: Io): string =>
  env.EVPKI_API_URL || `https://localhost:${env.EVPKI_API_PORT || USUAL_PORT}`;

const defaultName = ({ env }: Io): string =>
  `${env.USER || env.LOGNAME || 'administrator'}@${hostname()}`.slice(0, MAX_NAME);
