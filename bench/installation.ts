/**
 * Contract installation, EXI in, EXI out, against the cryptographic operations that it cannot do
 * without: verifying the request and the one certificate of the chain that is new with each vehicle,
 * hashing the signed elements, signing the answer. Then the OCPP door at 20 installations a second.
 */

import { type ChildProcess, fork } from 'node:child_process';
import crypto, { type KeyObject, sign, verify } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeIso2 } from '../src/iso15118/exi/iso2.ts';
import { decodeIso20 } from '../src/iso15118/exi/iso20.ts';
import { encodeSignedInfo } from '../src/iso15118/exi/xmldsig.ts';
import {
  signedInIso2Request,
  signedInIso2Response,
  signedInIso20Request,
  signedInIso20Response,
} from '../src/iso15118/installation/signed-elements.ts';
import { signatureProfileFor } from '../src/iso15118/signature/signature-profile.ts';
import { readCertificate } from '../src/pki/certificate.ts';
import { ecdsaRawToDer } from '../src/pki/ecdsa.ts';
import { importPublicKey } from '../src/pki/public-key.ts';
import { nodeDigest } from '../src/pki/signature-algorithm.ts';
import type { PncStandard } from '../src/services/contract-records.ts';
import { answerCar } from '../src/services/installation.ts';
import type { InstallationParts } from '../src/services/installation-records.ts';
import { startTestApp } from '../test/support/app.ts';
import { freshKeyPair } from '../test/support/public-keys.ts';
import { type Car, demo, makeCars, openInstallations } from './installed-cars.ts';
import { cpuRounds, median, report } from './measure.ts';

const CARS = 25;
const PER_SECOND = 20;
const SECONDS = 15;
const ROUNDS = 3;

/** Who signed what, and what was hashed, as it stands in the messages. */
function operationsOf(standard: PncStandard, car: Car, answer: Uint8Array) {
  const { signature, signed } = signedParts(standard, car.exi, answer);
  if (!signature) throw new Error('the request is not signed');
  const leaf = readCertificate(car.vehicle.certificate);
  const issuer = readCertificate(car.vehicle.subCertificates[0] ?? new Uint8Array());
  const { publicKey } = leaf;
  const profile = publicKey && signatureProfileFor(standard, publicKey.algorithm);
  if (!publicKey || !profile || !issuer.publicKey) throw new Error('a key is none of evpki');
  const digest = nodeDigest(profile.algorithm);
  const issuerKey = importPublicKey(issuer.publicKey);
  const info = encodeSignedInfo(signature.signedInfo);
  const value = ecdsaRawToDer(signature.signatureValue);
  const name = standard === 'iso15118-2' ? 'P-256' : 'P-521';
  const { privateKey } = freshKeyPair(name) as { privateKey: KeyObject };
  return () => {
    // The vehicle's key comes with its request; that of its issuer is at hand.
    const key = importPublicKey({ ...publicKey });
    if (!verify(digest, info, key, value)) throw new Error('bad signature');
    if (!verify(digest, leaf.tbs, issuerKey, leaf.signature)) throw new Error('bad chain');
    for (const fragment of signed) profile.digest(fragment);
    sign(digest, info, privateKey);
  };
}

function signedParts(standard: PncStandard, question: Uint8Array, answer: Uint8Array) {
  if (standard === 'iso15118-2') {
    const { header, body } = decodeIso2(question).message;
    const { body: answered } = decodeIso2(answer).message;
    if (body.name !== 'CertificateInstallationReq') throw new Error(body.name);
    if (answered.name !== 'CertificateInstallationRes') throw new Error(answered.name);
    const elements = [...signedInIso2Request(body), ...signedInIso2Response(answered)];
    return { signature: header.signature, signed: elements.map((one) => one.fragment()) };
  }
  const { message } = decodeIso20(question);
  const { message: answered } = decodeIso20(answer);
  if (message.name !== 'CertificateInstallationReq') throw new Error(message.name);
  if (answered.name !== 'CertificateInstallationRes') throw new Error(answered.name);
  const elements = [...signedInIso20Request(message), ...signedInIso20Response(answered)];
  return { signature: message.header.signature, signed: elements.map((one) => one.fragment()) };
}

/**
 * The same work of ISO 15118-2, but that every key is at hand, every signature holds, signing costs
 * nothing and every hash is known. What it is cheaper by is what its cryptography costs where it
 * stands, between other work: more than in a loop, where all that it needs stays in the caches of
 * the processor.
 * @param run the same installation each time, so that its hashes come in the same order
 */
async function withoutCryptography(run: (times: number) => Promise<void>) {
  const { publicKey, privateKey } = freshKeyPair('P-256') as {
    readonly [key in 'publicKey' | 'privateKey']: KeyObject;
  };
  const signature = sign('sha256', new Uint8Array(1), privateKey);
  // Not as imported, which is what they are replaced by.
  const { createPublicKey, hash } = crypto;
  const use = (functions: object) => {
    Object.assign(crypto, functions);
    syncBuiltinESMExports();
  };
  const real = { verify: crypto.verify, sign: crypto.sign, createPublicKey, hash };
  const hashes: unknown[] = [];
  const kept = (...args: Parameters<typeof hash>) => {
    const made = hash(...args);
    hashes.push(made);
    return made;
  };
  // What is remembered of authorities is hashed for the first one only.
  await run(1);
  use({ hash: kept });
  await run(1).finally(() => use(real));
  return async (times: number) => {
    let count = 0;
    use({
      verify: () => true,
      sign: () => signature,
      createPublicKey: () => publicKey,
      hash: () => hashes[count++ % hashes.length],
    });
    await run(times).finally(() => use(real));
  };
}

async function measureCost(standard: PncStandard, dataDir: string, cars: readonly Car[]) {
  const { parts, withoutDatabase, commandFor, close } = await openInstallations(dataDir, standard);
  try {
    const [first] = cars;
    if (!first) throw new Error('no car');
    let count = 0;
    const install = (own: InstallationParts, next: () => Car) => async (times: number) => {
      for (let i = 0; i < times; i++) {
        const { responseCode } = await answerCar(own, commandFor(next()));
        if (responseCode !== 'OK') throw new Error(responseCode);
      }
    };
    const { exi } = await answerCar(parts, commandFor(first));
    const operations = operationsOf(standard, first, exi);
    const bare = install(withoutDatabase, () => first);
    const rounds = await cpuRounds([
      {
        name: 'raw',
        run: (times) => {
          for (let i = 0; i < times; i++) operations();
        },
      },
      { name: 'pure', run: bare },
      ...(standard === 'iso15118-2'
        ? [{ name: 'rest', run: await withoutCryptography(bare) }]
        : []),
      { name: 'whole', run: install(parts, () => cars[count++ % cars.length] ?? first) },
    ]);
    reportCost(standard, rounds);
  } finally {
    await close();
  }
}

function reportCost(standard: PncStandard, rounds: ReadonlyMap<string, readonly number[]>) {
  const of = (name: string) => rounds.get(name) ?? [];
  const [raw, pure, whole] = [of('raw'), of('pure'), of('whole')];
  const inPlace = of('rest').map((rest, round) => (pure[round] ?? Number.NaN) - rest);
  const what = `installation of ${standard}`;
  const ratio = (a: readonly number[], b: readonly number[]) =>
    `${median(b.map((value, round) => (a[round] ?? Number.NaN) / value)).toFixed(2)}x`;
  const cpu = (name: string, values: readonly number[]) =>
    report(`  ${what}, ${name}, CPU`, `${median(values).toFixed(0)} us`, '');
  if (inPlace.length > 0) {
    report(`${what}, without database / its cryptography`, ratio(pure, inPlace), 'under 1.5x');
  }
  report(`  ${what}, without database / the same in a loop`, ratio(pure, raw), '');
  report(`  ${what}, SQLite included / the same in a loop`, ratio(whole, raw), '');
  cpu('its cryptography in a loop', raw);
  if (inPlace.length > 0) cpu('its cryptography where it stands', inPlace);
  cpu('without database', pure);
  cpu('SQLite included', whole);
}

interface Door {
  readonly child: ChildProcess;
  readonly ask: (car: Car) => Promise<void>;
}

async function openDoor(standard: PncStandard, dataDir: string, token: string): Promise<Door> {
  const file = fileURLToPath(
    new URL(`installation-server${extname(import.meta.url)}`, import.meta.url),
  );
  const child = fork(file, [dataDir, demo[standard].hierarchy]);
  const [{ apiUrl }] = (await once(child, 'message')) as [{ apiUrl: string }];
  const agent = new Agent({ keepAlive: true, ca: readFileSync(join(dataDir, 'api-ca.pem')) });
  const url = new URL('/v1/ocpp/contract-certificate', apiUrl);
  const ask = ({ exi }: Car): Promise<void> =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify({
        iso15118SchemaVersion: demo[standard].schema,
        action: 'Install',
        exiRequest: Buffer.from(exi).toString('base64'),
      });
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const asked = request(url, { method: 'POST', agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (response.statusCode === 200 && text.includes('"responseCode":"OK"')) resolve();
          else reject(new Error(`${response.statusCode} ${text}`));
        });
      });
      asked.on('error', reject);
      asked.end(body);
    });
  return { child, ask };
}

/** Milliseconds from each moment at which a vehicle asks to its answer, whoever is waiting. */
async function load({ ask }: Door, cars: readonly Car[], seconds: number): Promise<number[]> {
  const begin = performance.now();
  const one = async (index: number): Promise<number> => {
    const due = begin + (index * 1000) / PER_SECOND;
    await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
    const asked = performance.now();
    await ask(cars[index % cars.length] as Car);
    return performance.now() - asked;
  };
  const took = await Promise.all(Array.from({ length: seconds * PER_SECOND }, (_, i) => one(i)));
  return took.sort((a, b) => a - b);
}

async function measureDoor(
  standard: PncStandard,
  dataDir: string,
  cars: readonly Car[],
  token: string,
) {
  const door = await openDoor(standard, dataDir, token);
  try {
    await load(door, cars, SECONDS);
    const rounds: { p50: number; p99: number; heldP99: number; heldMax: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await held(door);
      const took = await load(door, cars, SECONDS);
      const { p99: heldP99, max: heldMax } = await held(door);
      const at = (share: number) => took[Math.floor(took.length * share)] ?? Number.NaN;
      rounds.push({ p50: at(0.5), p99: at(0.99), heldP99, heldMax });
    }
    const of = (what: keyof (typeof rounds)[number]) =>
      `${median(rounds.map((round) => round[what])).toFixed(1)} ms`;
    const door20 = `20 a second of ${standard} over HTTPS, wall`;
    report(`${door20}, p50 / p99`, `${of('p50')} / ${of('p99')}`, '');
    report(`  ${door20}, event loop p99 / max`, `${of('heldP99')} / ${of('heldMax')}`, '');
  } finally {
    door.child.disconnect();
    await once(door.child, 'exit');
  }
}

async function held({ child }: Door): Promise<{ p99: number; max: number }> {
  const told = once(child, 'message');
  child.send('held');
  const [answer] = (await told) as [{ p99: number; max: number }];
  return answer;
}

for (const standard of ['iso15118-2', 'iso15118-20'] as const) {
  const dataDir = await mkdtemp(join(tmpdir(), 'evpki-bench-'));
  try {
    const { hierarchy, organizations } = demo[standard];
    const evpki = await startTestApp({ hierarchy, dataDir });
    const cars = await makeCars(evpki, standard, CARS);
    const token = await evpki.tokenOf(organizations.cpo, ['csms']);
    await evpki.close();
    await measureCost(standard, dataDir, cars);
    await measureDoor(standard, dataDir, cars, token);
  } finally {
    await rm(dataDir, { recursive: true });
  }
}
process.exit(0);
