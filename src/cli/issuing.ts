/** `evpki cert issue` and `evpki cert renew`: having requests signed, at once or once approved. */

import type { Command } from 'commander';
import type { EnrolmentRequest, IssuedCertificate } from './api-bodies.ts';
import { certificateFields } from './certificate-fields.ts';
import { certificateId } from './certificate-id.ts';
import { checkTarget, readChain, writeChain } from './chain-file.ts';
import type { Answer } from './client.ts';
import { exitStatus, Failure, usageFailure } from './failure.ts';
import { readInput, timeOption } from './input.ts';
import { type Io, printable, printableJson } from './io.ts';
import { pathOf, type Session, withSession } from './session.ts';
import { day } from './table.ts';

interface RequestOptions {
  readonly csr: string;
  readonly notAfter?: string;
  readonly out?: string;
  readonly json?: true;
}

interface IssueOptions extends RequestOptions {
  readonly profile: string;
  readonly authority?: string;
  readonly station?: string;
}

export function addIssuing(group: Command, io: Io): void {
  const issue = group
    .command('issue')
    .description(
      'Has a certification request signed; writes the chain as PEM, leaf first, without the root.',
    )
    .requiredOption('--profile <name>', 'what to certify; `evpki profile list` shows all')
    .requiredOption('--csr <file>', 'PKCS#10 as PEM or DER, - for standard input')
    .option('--authority <id>', 'who signs, where several could')
    .option('--station <id>', 'the registered station that it is for')
    .action((options: IssueOptions) => {
      const { profile, authority, station } = options;
      const more = { profile, authority, station };
      return request(options, io, (session, body) =>
        session.post('/v1/certificates', { ...more, ...body }),
      );
    });
  const renew = group
    .command('renew')
    .description('Has a certificate issued again for a new key; the old one stays valid.')
    .argument('<id>', 'its id, as in the list, or a file with the certificate')
    .requiredOption('--csr <file>', 'PKCS#10 as PEM or DER, - for standard input')
    .action((id: string, options: RequestOptions) =>
      request(options, io, async (session, body) => {
        const path = pathOf('/v1/certificates', await certificateId(session, id));
        return session.post(`${path}/renewal`, body);
      }),
    );
  for (const command of [issue, renew]) {
    command
      .option(
        '--not-after <time>',
        "end of validity, as a day or RFC 3339 time (default: the profile's)",
      )
      .option('--out <file>', 'where to write the chain (default: -, standard output)')
      .option('--json', "print the API's answer");
  }
}

async function request(
  options: RequestOptions,
  io: Io,
  send: (session: Session, body: object) => Promise<Answer>,
): Promise<void> {
  const out = options.out === '-' ? undefined : options.out;
  const notAfter = timeOption('--not-after', options.notAfter);
  const csr = await readRequest(options.csr, io);
  if (out !== undefined) await checkTarget(out);
  const body = { csr, ...(notAfter === undefined ? {} : { notAfter }) };
  const answer = await withSession(io, (session) => send(session, body));
  if (answer.status === 202) {
    if (options.json) io.stdout.write(`${printableJson(answer.body)}\n`);
    throw waits(answer.body as EnrolmentRequest);
  }
  await tell(answer, out, options.json, io);
}

/** No certificate yet: a script must not go on as if there were one. */
const waits = ({ id, approveUntil }: EnrolmentRequest): Failure =>
  new Failure(
    exitStatus.waiting,
    `nothing is issued yet: request ${id} waits for somebody else to approve it` +
      `${approveUntil === undefined ? '' : `, until ${day(approveUntil)}`}`,
    {
      remedy:
        `Somebody whose role permits requests:approve does so with \`evpki request approve ${id}\`. ` +
        'Then the same command gets the certificate; ' +
        `\`evpki request show ${id}\` tells how it stands.`,
    },
  );

async function tell(
  answer: Answer,
  out: string | undefined,
  json: true | undefined,
  io: Io,
): Promise<void> {
  const certificate = answer.body as IssuedCertificate;
  if (out !== undefined) await writeChain(out, certificate);
  if (json) {
    io.stdout.write(`${printableJson(certificate)}\n`);
    return;
  }
  const { pem, count } = readChain(certificate.certificateChain);
  const heading =
    answer.status === 200
      ? 'The same request was given this certificate before:\n'
      : 'Issued a certificate:\n';
  const target = out === undefined ? undefined : `${out} (certificates: ${count}, leaf first)`;
  const summary = `${heading}${certificateFields(certificate, io, [['chain', target]])}`;
  if (out === undefined) {
    // The chain may be on its way into a file or another program; people read stderr.
    io.stderr.write(`${summary}\n`);
    io.stdout.write(pem);
    return;
  }
  io.stdout.write(
    `${summary}\n` +
      'Next: install the chain beside its private key. To see it again:\n' +
      `  evpki cert show ${printable(certificate.id)}\n`,
  );
}

/** The request as text for the API: PEM as it is, DER as base64. */
async function readRequest(file: string, io: Io): Promise<string> {
  const content = await readInput(io, file);
  if (content.length === 0) throw usageFailure(`${file} is empty`);
  const text = content.toString('latin1');
  if (text.includes('PRIVATE KEY-----')) {
    throw usageFailure(
      `${file} holds a private key, which nobody else needs; nothing was sent`,
      'Send the certification request that `openssl req -new` makes of it.',
    );
  }
  const isDer = content[0] === 0x30 && content[1] !== undefined && content[1] > 0x7f;
  return isDer ? content.toString('base64') : text;
}
