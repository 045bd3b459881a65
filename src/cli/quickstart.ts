/**
 * `evpki quickstart`: plays a charger and its back end against the running service, from the key to
 * the revoked certificate. Every step checks what it was given, and shows the line of a shell that
 * does the same.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { sameBytes } from '../pki/byte-order.ts';
import { type Certificate, readCertificate, verifyIssuedBy } from '../pki/certificate.ts';
import { readPemBlocks } from '../pki/pem.ts';
import type {
  Authority,
  AuthorityWithIssuers,
  Certificate as CertificateBody,
  Page,
  Problem,
} from './api-bodies.ts';
import { credentialsFile, requireCredentials } from './credentials.ts';
import { exitStatus, Failure, problemFailure, usageFailure } from './failure.ts';
import type { Io } from './io.ts';
import { makeKeyAndRequest } from './key-and-request.ts';
import { narrator } from './narration.ts';
import { makeFolder } from './new-folder.ts';
import {
  askOcsp,
  keyOf,
  lookUpInCrl,
  type PublishedStatus,
  statusLocations,
} from './published-status.ts';
import { type QuickstartLines, quickstartLines } from './quickstart-lines.ts';
import { pathOf, type Session, withSession } from './session.ts';

const PROFILE_OF_AUTHORITY = 'ocpp-station-ca';
const DEFAULT_FOLDER = 'quickstart';

interface QuickstartOptions {
  readonly out?: string;
  readonly organization?: string;
  readonly station: string;
}

interface SignCertificateResult {
  readonly status: string;
  readonly certificateChain?: string;
  readonly violations?: Problem['violations'];
}

export function addQuickstart(program: Command, io: Io): void {
  program
    .command('quickstart')
    .summary('play a charger: from its key to its revoked certificate')
    .description(
      'Plays a charger and its back end: key and certification request, a signed chain, OCSP good, ' +
        'revocation, OCSP and CRL revoked. Shows for each step the lines of a shell that do the same.',
    )
    .option(
      '--out <folder>',
      `a new folder for the files (default: ${DEFAULT_FOLDER}, or with a number)`,
    )
    .option('--organization <id>', 'whose charger it is (default: the one with a station CA)')
    .option('--station <id>', 'its OCPP identity, registered for it', 'CS-QUICKSTART')
    .action((options: QuickstartOptions) => quickstart(options, io));
}

async function quickstart(options: QuickstartOptions, io: Io): Promise<void> {
  const { url, ca } = await requireCredentials(io);
  const identity = options.station;
  const serialNumber = identity.replace(/^CS-/, 'SN-');
  await withSession(io, async (session) => {
    const authority = await stationAuthority(session, options.organization);
    const registration = `${pathOf('/v1/stations', identity)}?organization=${encodeURIComponent(authority.organization)}`;
    await session.put(registration, { serialNumber });

    const folder = await makeFolder(options.out, DEFAULT_FOLDER);
    const file = (name: string) => join(folder, name);
    const lines = quickstartLines({
      url,
      folder,
      identity,
      serialNumber,
      organization: authority.organization,
      authority: authority.id,
      credentials: credentialsFile(io),
    });
    await writeFile(file('api-ca.pem'), ca);
    const narrate = narrator(io);
    const tell = (step: keyof QuickstartLines, said: string) => narrate(said, lines[step]);
    tell(
      'prepare',
      `This plays a charger of ${authority.organization}. Its files are in ${folder}/.`,
    );

    tell('register', `${identity} is registered with the serial number ${serialNumber}.`);

    const charger = await makeKeyAndRequest(serialNumber, 'P-256');
    await writeFile(file('charger.key'), charger.key, { mode: 0o600, flag: 'wx' });
    await writeFile(file('charger.csr'), charger.request);
    tell(
      'request',
      `A P-256 key in charger.key, and a request for CN=${serialNumber} in charger.csr.`,
    );

    const chainPem = await signedChain(session, {
      stationId: identity,
      organization: authority.organization,
      ocppVersion: '2.0.1',
      certificateType: 'ChargingStationCertificate',
      csr: charger.request,
    });
    await writeFile(file('charger.pem'), chainPem);
    const [leaf] = readPem(chainPem);
    if (!leaf?.publicKey || !sameBytes(leaf.publicKey.spki, charger.spki)) {
      throw failure('the certificate is not for the key of the charger');
    }
    tell('sign', `The chain is in charger.pem; the certificate holds until ${day(leaf.notAfter)}.`);

    const [issuer, root] = await issuerAndRoot(session, authority.id, leaf);
    await writeFile(file('authorities.pem'), issuer.pem + root.pem);
    tell('verify', `It is signed by ${authority.title}, and that by its root.`);

    const where = statusLocations(leaf);
    const status = (ask: typeof askOcsp, at: string) =>
      ask(at, leaf, issuer.certificate, io.clock());
    expectStatus('OCSP', await status(askOcsp, where.ocsp), 'good');
    tell('ocsp-good', 'OCSP says good, signed by a responder of the issuer.');

    const { id } = await findBySerial(session, leaf);
    await session.post(`${pathOf('/v1/certificates', id)}/revocation?wait=crl`, {
      reason: 'superseded',
    });
    tell('revoke', 'Its administrator has revoked it as superseded.');

    expectStatus('OCSP', await status(askOcsp, where.ocsp), 'revoked', 'superseded');
    tell('ocsp-revoked', 'OCSP says revoked (superseded), at once.');

    expectStatus('the CRL', await status(lookUpInCrl, where.crl), 'revoked', 'superseded');
    tell('crl', 'The CRL lists it too.');
    io.stdout.write(
      '\nNext: send the requests of real chargers through your CSMS (POST /v1/ocpp/sign-certificate),\n' +
        'or have one signed by hand: evpki cert issue --help\n',
    );
  });
}

/** The one active station CA that the caller sees, or the one of the organization named. */
async function stationAuthority(
  session: Session,
  organization: string | undefined,
): Promise<Authority> {
  const { items } = await session.get<Page<Authority>>('/v1/authorities');
  const fitting = items.filter(
    (authority) =>
      authority.profile === PROFILE_OF_AUTHORITY &&
      authority.state === 'active' &&
      (organization === undefined || authority.organization === organization),
  );
  const [only, another] = fitting;
  if (!only) {
    throw usageFailure(
      `there is no active authority with the profile ${PROFILE_OF_AUTHORITY}`,
      'The demo hierarchy has one: apply ca/demo.yaml with `evpki ca apply`, or start evpki with it.',
    );
  }
  if (another && another.organization !== only.organization) {
    const ids = [...new Set(fitting.map((one) => one.organization))].join(', ');
    throw usageFailure(`stations are certified for ${ids}`, 'Name one of them: --organization ID.');
  }
  return only;
}

async function signedChain(session: Session, body: Record<string, string>): Promise<string> {
  const answer = await session.post('/v1/ocpp/sign-certificate', body);
  const { status, certificateChain, violations = [] } = answer.body as SignCertificateResult;
  if (status === 'issued' && certificateChain !== undefined) return certificateChain;
  throw problemFailure({
    code: 'csr-refused',
    detail: `the request of the charger is ${status}`,
    remedy: 'Name another station: --station ID.',
    requestId: '-',
    violations,
  });
}

interface InPem {
  readonly certificate: Certificate;
  readonly pem: string;
}

/** The certificates above the leaf, each verified with the key of the next. */
async function issuerAndRoot(
  session: Session,
  authorityId: string,
  leaf: Certificate,
): Promise<[InPem, InPem]> {
  const authority = await session.get<AuthorityWithIssuers>(pathOf('/v1/authorities', authorityId));
  for (const { certificateChain = '' } of authority.issuers) {
    const chain = readPem(certificateChain);
    const pems = certificateChain.split(/(?<=-----END CERTIFICATE-----\r?\n)/);
    const [issuer, root] = [chain[0], chain.at(-1)];
    if (!issuer || !root || !verifyIssuedBy(leaf, keyOf(issuer))) continue;
    const links = chain.map((child, index) => [child, chain[index + 1] ?? child] as const);
    if (!links.every(([child, above]) => verifyIssuedBy(child, keyOf(above)))) continue;
    return [
      { certificate: issuer, pem: pems.slice(0, -1).join('') },
      { certificate: root, pem: pems.at(-1) ?? '' },
    ];
  }
  throw failure(`the certificate is not signed by ${authorityId}`);
}

async function findBySerial(session: Session, leaf: Certificate): Promise<CertificateBody> {
  const serialNumber = Buffer.from(leaf.serialNumber).toString('hex');
  const { items } = await session.get<Page<CertificateBody>>('/v1/certificates', { serialNumber });
  const [found] = items;
  if (!found) throw failure('the certificate is not in the list of certificates');
  return found;
}

function expectStatus(
  who: string,
  { status, reason }: PublishedStatus,
  expected: PublishedStatus['status'],
  why?: string,
): void {
  if (status === expected && reason === why) return;
  throw failure(
    `${who} says ${status}${reason === undefined ? '' : ` (${reason})`}, not ${expected}`,
  );
}

const readPem = (text: string): Certificate[] =>
  readPemBlocks(text).map(({ der }) => readCertificate(der));

const day = (date: Date): string => date.toISOString().slice(0, 10);

const failure = (message: string): Failure =>
  new Failure(exitStatus.unknown, message, {
    remedy: 'This should not happen; please report it.',
  });
