/** `evpki vehicle request` and `evpki vehicle check`: the parts of a car, without a service. */

import type { KeyObject } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readIso2Installation } from '../../src/iso15118/installation/iso2-request.ts';
import { readIso20Installation } from '../../src/iso15118/installation/iso20-request.ts';
import { fingerprint, readCertificate } from '../../src/pki/certificate.ts';
import { readPemBlocks } from '../../src/pki/pem.ts';
import { type CliOptions, type CliResult, evpki } from '../support/cli.ts';
import { startCliService } from '../support/cli-service.ts';
import { freshKeyPair } from '../support/public-keys.ts';

const standards = { 'iso15118-2': 'ca/demo.yaml', 'iso15118-20': 'ca/iso15118-20.yaml' } as const;
type Standard = keyof typeof standards;

let place: string;
const file = (...names: string[]): string => join(place, ...names);
const text = (...names: string[]): string => readFileSync(file(...names), 'latin1');

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'evpki-cars-'));
  for (const [standard, hierarchy] of Object.entries(standards)) {
    const service = await startCliService({ EVPKI_HIERARCHY: hierarchy });
    try {
      await service.evpki(['login', '--url', service.url, '--bootstrap']);
      for (const name of [standard, `${standard}-other`]) {
        const argv = ['vehicle', 'install', '--standard', standard, '--out', file(name)];
        expect(await service.evpki(argv)).toMatchObject({ status: 0, stderr: '' });
      }
    } finally {
      await service.close();
    }
  }
}, 60_000);
afterAll(() => rmSync(place, { recursive: true }));

/** The words that name a car. */
const car = (name: string): string[] => [
  ...['--certificate', file(name, 'vehicle.pem'), '--key', file(name, 'vehicle.key')],
  ...['--v2g-root', file(name, 'cps-authorities.pem')],
];
/** Has a car check its answer; options that are named take the place of its own. */
const check = (
  name: string,
  named: string[] = [],
  options: CliOptions = {},
): Promise<CliResult> => {
  const own = [
    ...[...car(name), '--request', file(name, 'request.exi')],
    ...['--response', file(name, 'response.exi')],
    ...['--mo-root', file(name, 'mo-authorities.pem')],
  ].filter((_, index, words) => !named.includes(words[index - (index % 2)] ?? ''));
  return evpki(['vehicle', 'check', ...own, ...named], options);
};
const codes = ({ stderr }: CliResult): string[] =>
  [...stderr.matchAll(/\(([a-z-]+)\)$/gm)].map(([, code = '']) => code);

describe.each(Object.keys(standards) as Standard[])('a car of %s', (standard) => {
  const other = `${standard}-other`;

  test('asks as cars do: the request is read, and verified, as the service does it', async () => {
    const result = await evpki(['vehicle', 'request', ...car(standard)]);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toMatch(/^[A-Za-z0-9+/]+={0,2}\n$/);
    const exi = Buffer.from(result.stdout, 'base64');
    const read = await (standard === 'iso15118-2'
      ? readIso2Installation(exi)
      : readIso20Installation(exi));
    if (!read.ok) throw new Error(read.failure.message);
    const [leaf, ...above] = readPemBlocks(text(standard, 'vehicle.pem')).map(({ der }) => der);
    expect(fingerprint(read.request.certificate.der)).toBe(fingerprint(leaf ?? new Uint8Array()));
    expect(read.request.readings).toEqual([]);
    const root = readPemBlocks(text(standard, 'cps-authorities.pem')).at(-1);
    const { serialNumber } = readCertificate(root?.der ?? new Uint8Array());
    expect(read.request.rootCertificateIds.map((id) => id.serialNumber)).toEqual([
      BigInt(`0x${Buffer.from(serialNumber).toString('hex')}`),
    ]);
    if ('subCertificates' in read.request) {
      expect(read.request.subCertificates.map(({ der }) => fingerprint(der))).toEqual(
        above.map(fingerprint),
      );
    }
  });

  test('asks in a session of its own each time, into a file', async () => {
    const requests: string[] = [];
    for (const name of ['one.exi', 'two.exi']) {
      const out = file(standard, name);
      const result = await evpki(['vehicle', 'request', ...car(standard), '--out', out]);
      expect(result).toMatchObject({ status: 0, stderr: '' });
      expect(result.stdout).toMatch(/octets of EXI/);
      requests.push(text(standard, name));
    }
    expect(requests[0]).not.toBe(requests[1]);
    // An answer to one is none to the other.
    const result = await check(standard, ['--request', file(standard, 'one.exi')]);
    expect([result.status, result.stdout, codes(result)]).toEqual([10, '', ['session-other']]);
  });

  test('takes its answer, as EXI and in base64, and keeps what is in it', async () => {
    const [chain, key] = [file(standard, 'chain.pem'), file(standard, 'kept.key')];
    const kept = await check(standard, ['--contract', chain, '--contract-key', key]);
    expect(kept).toMatchObject({ status: 0, stderr: '' });
    expect(kept.stdout).toContain('The car takes the answer');
    expect(text(standard, 'chain.pem')).toBe(text(standard, 'contract.pem'));
    expect(text(standard, 'kept.key')).toBe(text(standard, 'contract.key'));
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(kept.stdout).not.toContain('PRIVATE KEY');

    const base64 = Buffer.from(text(standard, 'response.exi'), 'latin1').toString('base64');
    const piped = await check(standard, ['--response', '-'], { stdin: `${base64}\n` });
    expect(piped).toMatchObject({ status: 0, stderr: '' });
    // A key that is there is not written over, nor does a chain take the place of one.
    for (const option of ['--contract-key', '--contract']) {
      const again = await check(standard, [option, key]);
      expect([again.status, again.stdout]).toEqual([2, '']);
      expect(again.stderr).toMatch(new RegExp(`is left alone[\\s\\S]*another ${option}\\.`));
    }
    expect(text(standard, 'kept.key')).toBe(text(standard, 'contract.key'));
  });

  test('does not take an answer that is for another car', async () => {
    const mine = ['--certificate', file(other, 'vehicle.pem'), '--key', file(other, 'vehicle.key')];
    const key = file(standard, 'stolen.key');
    const result = await check(standard, [...mine, '--contract-key', key]);
    expect([result.status, result.stdout]).toEqual([10, '']);
    expect(result.stderr).toContain('it cannot decrypt its contract key');
    // Nothing is authenticated in -2: what comes out is some number, which is no key, or another.
    expect(codes(result)[0]).toMatch(
      standard === 'iso15118-2' ? /^(key-mismatch|scalar-out-of-range)$/ : /^not-authentic$/,
    );
    expect(existsSync(key)).toBe(false);
  });

  test('does not take an answer whose chains end elsewhere, or have ended', async () => {
    const foreign = await check(standard, [
      ...['--mo-root', file(standard, 'cps-authorities.pem')],
    ]);
    expect([foreign.status, codes(foreign)]).toEqual([10, ['path-not-found']]);
    expect(foreign.stderr).toContain('the certificate of its contract');
    const unknown = await check(standard, [
      ...['--v2g-root', file(standard, 'mo-authorities.pem')],
    ]);
    expect([unknown.status, codes(unknown)]).toEqual([10, ['path-not-found']]);
    expect(unknown.stderr).toContain('the certificate of its CPS');
    const now = new Date(Date.now() + 40 * 365 * 86_400_000);
    const late = await check(standard, [], { now });
    expect(late.status).toBe(10);
    expect(codes(late)).toContain('expired');
  });

  test('does not take an answer that somebody has changed', async () => {
    const exi = Buffer.from(text(standard, 'response.exi'), 'latin1');
    for (let part = 1; part < 8; part++) {
      const changed = Buffer.from(exi);
      const at = Math.floor((exi.length * part) / 8);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      writeFileSync(file(standard, 'changed.exi'), changed);
      const result = await check(standard, ['--response', file(standard, 'changed.exi')]);
      expect([at, result.status, result.stdout]).toEqual([at, 10, '']);
      expect(codes(result)).not.toEqual([]);
    }
    writeFileSync(file(standard, 'cut.exi'), exi.subarray(0, -40));
    const cut = await check(standard, ['--response', file(standard, 'cut.exi')]);
    expect([cut.status, codes(cut)]).toEqual([10, ['response-unreadable']]);
    // What it has asked is no answer.
    const own = await check(standard, ['--response', file(standard, 'request.exi')]);
    expect([own.status, codes(own)]).toEqual([10, ['response-unexpected']]);
  });

  test('is told what is wrong with its files', async () => {
    writeFileSync(file(standard, 'words.txt'), 'neither PEM nor base64!\n');
    writeFileSync(file(standard, 'p384.key'), pem(freshKeyPair('P-384').privateKey));
    const words = file(standard, 'words.txt');
    const cases: [string[], RegExp][] = [
      [['--key', file(other, 'vehicle.key')], /is not the key of the first certificate in/],
      [['--key', words], /words\.txt holds no private key[\s\S]*without a passphrase/],
      [['--key', file(standard, 'p384.key')], /no key that evpki plays a car with[\s\S]*P-521/],
      [['--key', file('none.key')], /there is no file .*none\.key/],
      [['--certificate', words], /words\.txt has no certificate that can be read/],
      [['--v2g-root', file(standard, 'vehicle.pem')], /vehicle\.pem has no root/],
      [['--request', words], /words\.txt holds no message/],
      [['--response', words], /words\.txt holds no message/],
      [['--request', file(standard, 'vehicle.pem')], /vehicle\.pem holds no message/],
    ];
    for (const [more, said] of cases) {
      const result = await check(standard, more);
      expect([more[0], result.status, result.stdout]).toEqual([more[0], 2, '']);
      expect(result.stderr).toMatch(said);
    }
  });
});

test('the key of a car says for which standard it is', async () => {
  const [iso2, iso20] = Object.keys(standards) as [Standard, Standard];
  const wish = ['--emaid', 'DE8EVC12345678'];
  const wishes = await evpki(['vehicle', 'request', ...car(iso2), ...wish]);
  expect(wishes.status).toBe(2);
  expect(wishes.stderr).toContain('ISO 15118-2');
  const heard = await evpki(['vehicle', 'request', ...car(iso20), ...wish]);
  const read = readIso20Installation(Buffer.from(heard.stdout, 'base64'));
  expect(read.ok && read.request.prioritizedEmaids.map(({ normal }) => normal)).toEqual([wish[1]]);
  const mixed = await check(iso2, ['--request', file(iso20, 'request.exi')]);
  expect(mixed.status).toBe(2);
  expect(mixed.stderr).toContain('request.exi is no request of iso15118-2');
  const lost = await check(iso2, ['--response', file(iso20, 'response.exi')]);
  expect([lost.status, codes(lost)]).toEqual([10, ['response-unreadable']]);
});

test('what does not fit into a message is not asked', async () => {
  const wishes = Array.from({ length: 9 }, (_, index) => `DE8EVC0000000${index}`);
  const argv = ['vehicle', 'request', ...car('iso15118-20'), '--emaid', ...wishes];
  const result = await evpki(argv);
  expect([result.status, result.stdout]).toEqual([2, '']);
  expect(result.stderr).toContain('the car cannot ask so');
});

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
