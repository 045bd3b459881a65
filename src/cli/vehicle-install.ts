/**
 * `evpki vehicle install`: plays a car, its maker, its operator and its charger's back end against
 * the running service, from the key of the car to a contract with which it charges. What the car
 * is given it checks as a car does, and each step shows the lines of a shell that do the same.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEmaid, sameEmaid } from '../identifiers/emaid.ts';
import type { Iso15118Standard } from '../ocpp/contract-certificate.ts';
import { chainPem } from '../pki/chain.ts';
import { nameText } from '../pki/names.ts';
import type { AuthorizeResult, Contract, ContractCertificateResult } from './api-bodies.ts';
import { type Credentials, credentialsFile, requireCredentials } from './credentials.ts';
import { exitStatus, Failure, usageFailure } from './failure.ts';
import { type Io, note, printable } from './io.ts';
import { narrator } from './narration.ts';
import { makeFolder } from './new-folder.ts';
import { askOcsp, ocspLocation } from './published-status.ts';
import { pathOf, type Session, withSession } from './session.ts';
import { type Installed, takeAnswer } from './vehicle-answer.ts';
import { askForContract, type Car, carCurves } from './vehicle-car.ts';
import { type ContractWishes, planContract, provideContract } from './vehicle-contract.ts';
import { freshPcid, makeCar, registerCar, type Stage } from './vehicle-factory.ts';
import { readCar } from './vehicle-files.ts';
import { ocppOf, vehicleLines } from './vehicle-lines.ts';
import {
  type Above,
  certificatesAbove,
  cpsAuthorities,
  makerOf,
  makerOfNew,
  readEcosystem,
} from './vehicle-parties.ts';

export const DEFAULT_FOLDER = 'vehicle';

export interface InstallOptions extends ContractWishes {
  readonly out?: string;
  readonly standard?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly chain?: readonly string[];
  readonly oem?: string;
  readonly end?: true;
}

export async function installContract(options: InstallOptions, io: Io): Promise<void> {
  const credentials = await requireCredentials(io);
  const brought = await broughtCar(options, io);
  const standard = standardOf(options.standard, brought);
  await withSession(io, async (session) => {
    const ecosystem = await readEcosystem(session, standard);
    // Whatever is missing is found out before anything is made.
    const made = brought ? undefined : makerOfNew(ecosystem, options.oem);
    const maker = made?.maker ?? makerOf(ecosystem, brought?.pcid ?? '', options.oem);
    const planned = await planContract(session, ecosystem, brought, options);
    const cps = await cpsAuthorities(session, ecosystem);

    const stage = await setUp(session, credentials, options, io, {
      ...{ standard, maker: maker.id, operator: planned.operator },
      pcid: brought?.pcid ?? freshPcid(maker),
    });
    const car = brought ?? (made ? await makeCar(stage, made.authority) : undefined);
    if (!car) throw new Error('there is neither a car nor somebody who makes one');
    await registerCar(stage, car);
    const contract = await provideContract(stage, planned);
    const { installed, above } = await install(stage, io, { car, contract, cps });
    await use(stage, io, installed, above);
    if (options.end) await end(stage, io, installed, contract);
    tellNext(io, contract, options.end);
  });
}

async function broughtCar(options: InstallOptions, io: Io): Promise<Car | undefined> {
  const { certificate, key, chain } = options;
  if (certificate === undefined && key === undefined && chain === undefined) return undefined;
  if (certificate !== undefined && key !== undefined) {
    return readCar(io, { certificate, key, ...(chain ? { chain } : {}) });
  }
  throw usageFailure('a car that there is has --certificate and --key, and --chain if need be');
}

/** The key of a car says for which standard it is. */
function standardOf(named: string | undefined, brought: Car | undefined): Iso15118Standard {
  const standard = named ?? brought?.standard ?? 'iso15118-2';
  const known = Object.keys(carCurves).find((one) => one === standard);
  if (!known) throw usageFailure('--standard is iso15118-2 or iso15118-20');
  if (brought && brought.standard !== standard) {
    throw usageFailure(`the key of the car is one of ${brought.standard}, not of ${standard}`);
  }
  return known as Iso15118Standard;
}

async function setUp(
  session: Session,
  { url, ca }: Credentials,
  options: InstallOptions,
  io: Io,
  who: Pick<Stage['place'], 'standard' | 'maker' | 'operator' | 'pcid'>,
): Promise<Stage> {
  const folder = await makeFolder(options.out, DEFAULT_FOLDER);
  const place = {
    ...{ ...who, url, folder, credentials: credentialsFile(io), ca: join(folder, 'api-ca.pem') },
    key: options.key ?? join(folder, 'vehicle.key'),
    certificate: options.certificate ?? join(folder, 'vehicle.pem'),
  };
  await writeFile(place.ca, ca);
  const lines = vehicleLines(place);
  const tell = narrator(io);
  tell(
    `This plays a car of ${who.maker} for ${who.standard.replace('iso', 'ISO ')}, and all who have a part in its contract.\n` +
      `The files are in ${folder}/.`,
    lines.prepare,
  );
  return { session, place, lines, tell };
}

/** From the request of the car to its contract. */
async function install(
  { session, place, lines, tell }: Stage,
  io: Io,
  parts: {
    readonly car: Car;
    readonly contract: Contract & { readonly authority: string };
    readonly cps: readonly Above[];
  },
): Promise<{ readonly installed: Installed; readonly above: Above }> {
  const { car, contract, cps } = parts;
  const file = (name: string) => join(place.folder, name);
  const v2gRoots = cps.flatMap(({ roots }) => roots);
  await writeFile(file('cps-authorities.pem'), cps.map(({ pem }) => pem).join(''));
  const emaids = car.standard === 'iso15118-20' ? [contract.emaid] : [];
  const request = await askForContract(car, v2gRoots, io.clock(), emaids);
  await writeFile(file('request.exi'), request.exi);
  tell(
    `At a charger, the car asks for its contract: CertificateInstallationReq, ${request.exi.length} octets of EXI,\n` +
      'signed with its key. It names the V2G root that it was made with.',
    [...lines.roots(cps.map(({ authority }) => authority)), ...lines.request(contract.emaid)],
  );

  const answer = await askAsBackEnd(session, car.standard, request.exi);
  const exi = Buffer.from(answer.exiResponse, 'base64');
  await writeFile(file('response.exi'), exi);
  for (const warning of answer.warnings ?? []) note(io, printable(`evpki: warning: ${warning}`));
  if (answer.reason !== undefined) throw withoutContract(answer, answer.reason, car);
  tell(
    'The charger passes it on to its back end (OCPP Get15118EVCertificate), and that to evpki.\n' +
      `The answer for the car is CertificateInstallationRes, ${exi.length} octets of EXI.`,
    lines.send,
  );

  const above = await certificatesAbove(session, contract.authority);
  await writeFile(file('mo-authorities.pem'), above.pem);
  const { sessionId } = request;
  const question = { exi, sessionId, v2gRoots, moRoots: above.roots, at: io.clock() };
  const installed = takeAnswer(car, question);
  await writeFile(file('contract.pem'), chainPem(installed.chain));
  await writeFile(file('contract.key'), installed.key, { mode: 0o600, flag: 'wx' });
  requireContract(installed, contract);
  tell(
    'The car takes it: it is of its session, signed by a provisioning service (DC=CPS) below\n' +
      `${nameText(installed.v2gRoot.subject)}; the contract is below\n` +
      `${nameText(installed.moRoot.subject)}.`,
    lines.check(above.authority),
  );
  tell(
    'It has decrypted the contract key, and that is the one of the certificate: contract.key.\n' +
      caveats[car.standard],
    lines.verify,
  );
  return { installed, above };
}

const caveats: Readonly<Record<Iso15118Standard, string>> = {
  'iso15118-2': 'Nobody else has it.',
  'iso15118-20':
    'Nobody else has it. No second implementation of this key transport is known: try every kind of car.',
};

/** What a CSMS does with Get15118EVCertificate. */
async function askAsBackEnd(
  session: Session,
  standard: Iso15118Standard,
  exi: Uint8Array,
): Promise<ContractCertificateResult> {
  const exiRequest = Buffer.from(exi).toString('base64');
  const body = { ...ocppOf[standard], action: 'Install', exiRequest };
  return (await session.post('/v1/ocpp/contract-certificate', body))
    .body as ContractCertificateResult;
}

const withoutContract = (
  { responseCode, detail = '' }: ContractCertificateResult,
  reason: string,
  { pcid }: Car,
): Failure =>
  new Failure(exitStatus.notTaken, `the car gets no contract: ${responseCode}`, {
    violations: [{ code: reason, message: detail }],
    remedy: `\`evpki contract list --pcid ${pcid}\` tells how its contracts stand.`,
  });

/** Of ISO 15118-2, a car gets the contract that is its default, whichever was meant. */
function requireContract({ emaid }: Installed, contract: Contract): void {
  const [got, meant] = [parseEmaid(emaid), parseEmaid(contract.emaid)];
  if (got.ok && meant.ok && sameEmaid(got.value, meant.value)) return;
  throw new Failure(exitStatus.notTaken, `the car has got ${emaid}, not ${contract.emaid}`, {
    remedy: `It gets its default, which \`evpki contract default ${contract.id}\` changes.`,
  });
}

/** At a charger, with the contract. */
async function use(stage: Stage, io: Io, installed: Installed, above: Above): Promise<void> {
  const { lines, tell } = stage;
  const { idTokenInfo, certificateStatus, detail } = await authorize(stage, installed);
  if (idTokenInfo.status !== 'Accepted' || certificateStatus !== 'Accepted') {
    throw wrong(`Authorize says ${idTokenInfo.status} (${certificateStatus}): ${detail ?? ''}`);
  }
  tell(
    'It charges with the contract. The back end asks evpki what to answer to OCPP Authorize with\n' +
      'its chain: Accepted, for the contract and for the certificate.',
    lines.authorize(installed.emaid),
  );
  await expectOcsp(io, installed, 'good');
  tell(`OCSP says good, signed by a responder of ${above.authority}.`, lines.ocsp);
}

async function end(
  stage: Stage,
  io: Io,
  installed: Installed,
  { id, organization }: Contract,
): Promise<void> {
  const { session, lines, tell } = stage;
  await session.post(`${pathOf('/v1/contracts', id)}/end`, {});
  tell(
    `${organization} ends the contract, which revokes its certificate.`,
    lines.end(installed.emaid),
  );
  await expectOcsp(io, installed, 'revoked');
  tell('OCSP says revoked, at once.', lines.ocsp);
  const { idTokenInfo, certificateStatus } = await authorize(stage, installed);
  if (idTokenInfo.status === 'Accepted' || certificateStatus === 'Accepted') {
    throw wrong('Authorize still accepts the contract');
  }
  tell(
    `Authorize says ${idTokenInfo.status} (${certificateStatus}): the car charges with it no more.`,
    lines.authorize(installed.emaid),
  );
}

async function authorize(
  { session }: Stage,
  { emaid, chain }: Installed,
): Promise<AuthorizeResult> {
  const idToken = { idToken: emaid, type: 'eMAID' };
  const body = { idToken, certificate: chainPem(chain) };
  return (await session.post('/v1/ocpp/authorize', body)).body as AuthorizeResult;
}

async function expectOcsp(
  io: Io,
  { chain: [leaf, issuer] }: Installed,
  expected: 'good' | 'revoked',
): Promise<void> {
  if (!leaf || !issuer) throw wrong('the contract has no chain');
  const { status } = await askOcsp(ocspLocation(leaf), leaf, issuer, io.clock());
  if (status !== expected) throw wrong(`OCSP says ${status}, not ${expected}`);
}

function tellNext(io: Io, { id }: Contract, ended: true | undefined): void {
  const own = 'send what real cars ask through your CSMS (POST /v1/ocpp/contract-certificate).';
  io.stdout.write(
    ended
      ? `\nNext: ${own}\n`
      : `\nNext: end the contract, \`evpki contract end ${printable(id)}\`, or have the car ask again:\n` +
          `it gets the same. Or ${own}\n`,
  );
}

const wrong = (message: string): Failure =>
  new Failure(exitStatus.unknown, message, {
    remedy: 'This should not happen; please report it.',
  });
