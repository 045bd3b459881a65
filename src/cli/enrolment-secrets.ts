/** `evpki enrolment-secret`: one-time secrets with which stations enrol by EST. */

import type { Command } from 'commander';
import type { CreatedEnrolmentSecret, EnrolmentSecret } from './api-bodies.ts';
import { usageFailure } from './failure.ts';
import { colorsFor, type Io, printable, printableJson } from './io.ts';
import { addPageOptions, listPages, type PagedListing, type PageOptions } from './pages.ts';
import { secretPlace } from './secret-file.ts';
import { pathOf, withSession } from './session.ts';
import { day, fields, moment, stateColor } from './table.ts';

const PATH = '/v1/enrolment-secrets';

interface CreateOptions {
  readonly label: string;
  readonly name: string;
  readonly organization?: string;
  readonly valid?: string;
  readonly secretFile?: string;
  readonly json?: true;
}

interface ListOptions extends PageOptions {
  readonly organization?: string;
}

interface JsonOption {
  readonly json?: true;
}

export function addEnrolmentSecrets(program: Command, io: Io): void {
  const group = program
    .command('enrolment-secret')
    .description('one-time secrets of stations that enrol by EST: create, list, withdraw')
    .helpCommand(false);
  group
    .command('create')
    .description('Makes a secret for one certificate; it is shown this one time.')
    .requiredOption(
      '--label <label>',
      'the label of EST that it is for: cpo, cso, or a declared one',
    )
    .requiredOption('--name <name>', 'the common name that the certificate is to have')
    .option('--valid <seconds>', 'how long it can be used (default: 86400, a day)')
    .option('--organization <id>', 'whose station it is (default: your organization)')
    .option('--secret-file <file>', 'a new file for the secret (default: -, standard output)')
    .option('--json', "print the API's answer")
    .action((options: CreateOptions) => create(options, io));
  addPageOptions(
    group
      .command('list')
      .description('Lists secrets, newest first; what they are is not shown.')
      .option('--organization <id>', 'only those of this organization'),
  ).action((options: ListOptions) => list(options, io));
  group
    .command('withdraw')
    .description('Withdraws a secret that has not been used.')
    .argument('<id>', 'its id, as in the list')
    .option('--json', "print the API's answer")
    .action((id: string, options: JsonOption) => withdraw(id, options, io));
}

async function create(options: CreateOptions, io: Io): Promise<void> {
  const { label, name: commonName, organization, json } = options;
  const validSeconds = validOption(options.valid);
  const query = organization === undefined ? '' : `?${new URLSearchParams({ organization })}`;
  const body = { label, commonName, ...(validSeconds === undefined ? {} : { validSeconds }) };
  // There before anything is asked of the service: a secret that has no place is lost.
  const place = await secretPlace(io, options.secretFile);
  try {
    const answer = await withSession(io, (session) => session.post(`${PATH}${query}`, body));
    const created = answer.body as CreatedEnrolmentSecret;
    const { enrolmentSecret, ...rest } = created;
    const inFile = place.file !== undefined;
    if (inFile || !json) await place.keep(enrolmentSecret);
    if (json) {
      io.stdout.write(`${printableJson(inFile ? rest : created)}\n`);
      return;
    }
    const secret = inFile
      ? `${place.file}, for your eyes only`
      : 'on standard output, this one time';
    const summary = fields([
      ['id', created.id],
      ['user name', created.commonName],
      ['secret', secret],
      ['expires', moment(created.expiresAt, io)],
    ]);
    const heading = `Made a secret for ${printable(commonName)}:`;
    (inFile ? io.stdout : io.stderr).write(`${heading}\n${summary}`);
  } finally {
    await place.end();
  }
}

async function list(options: ListOptions, io: Io): Promise<void> {
  const { organization } = options;
  const color = stateColor(colorsFor(io, io.stdout));
  const listing: PagedListing<EnrolmentSecret> = {
    path: PATH,
    query: { organization },
    none: 'There are no enrolment secrets that you may see.',
    columns: [
      { title: 'ID', value: ({ id }) => id },
      { title: 'STATE', value: ({ state }) => state, color },
      { title: 'EXPIRES', value: ({ expiresAt }) => day(expiresAt) },
      { title: 'OF', value: (secret) => secret.organization },
      { title: 'LABEL', value: ({ label }) => label },
      { title: 'NAME', value: ({ commonName }) => commonName },
    ],
  };
  await listPages(listing, options, io);
}

async function withdraw(id: string, { json }: JsonOption, io: Io): Promise<void> {
  const { body } = await withSession(io, (session) => session.delete(pathOf(PATH, id)));
  const secret = body as EnrolmentSecret;
  if (json) io.stdout.write(`${printableJson(secret)}\n`);
  else {
    io.stdout.write(
      fields([
        ['id', secret.id],
        ['state', secret.state],
        ['label', secret.label],
        ['name', secret.commonName],
      ]),
    );
  }
}

function validOption(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 60 && seconds <= 7_776_000) return seconds;
  throw usageFailure('--valid is a number of seconds from 60 to 7776000, which is 90 days');
}
