/**
 * What an installation of ISO 15118-20 does with keys that take milliseconds is done on the thread
 * pool, so that everybody else is answered meanwhile: seen by who calls node:crypto, and not by time.
 */

import type { KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { startTestApp } from '../support/app.ts';
import { askToInstall, leaveFactory, rootIdOf, rootOf, sent } from '../support/vehicles.ts';

interface Call {
  readonly operation: 'sign' | 'verify' | 'agree' | 'generate';
  readonly key: string;
  readonly where: 'event loop' | 'thread pool';
}

const { calls } = vi.hoisted(() => ({ calls: [] as Call[] }));

const isKey = (value: unknown): value is KeyObject =>
  typeof value === 'object' && value !== null && 'asymmetricKeyType' in value;

vi.mock('node:crypto', async (original) => {
  const actual = await original<typeof import('node:crypto')>();
  const watched =
    (operation: 'sign' | 'verify') =>
    (...given: unknown[]): unknown => {
      const holder = given[2] as KeyObject | { readonly key: KeyObject };
      const key = isKey(holder) ? holder : holder.key;
      calls.push({
        operation,
        key: key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? 'unknown',
        where: typeof given.at(-1) === 'function' ? 'thread pool' : 'event loop',
      });
      return (actual[operation] as (...given: unknown[]) => unknown)(...given);
    };
  const agreeing = (curve: string) => {
    calls.push({ operation: 'agree', key: curve, where: 'event loop' });
    return actual.createECDH(curve);
  };
  const generating = (...given: [never, never]) => {
    const pair = actual.generateKeyPairSync(...given) as unknown as { publicKey: KeyObject };
    const key = pair.publicKey.asymmetricKeyDetails?.namedCurve ?? 'unknown';
    calls.push({ operation: 'generate', key, where: 'event loop' });
    return pair;
  };
  return {
    ...actual,
    ...{ sign: watched('sign'), verify: watched('verify') },
    ...{ createECDH: agreeing, generateKeyPairSync: generating },
  };
});

const slow = new Set(['secp384r1', 'secp521r1', 'ed448']);
const withSlowKeys = () => calls.filter(({ key }) => slow.has(key));

test('a contract and its installation with P-521 hold the event loop with no key', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'evpki-test-'));
  const options = { hierarchy: 'ca/iso15118-20.yaml', dataDir };
  const standard = 'iso15118-20';
  let evpki = await startTestApp(options);
  try {
    const as = async (organization: string, role: string) => ({
      authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
    });
    const [maker, operator] = [await as('oem', 'oem'), await as('mo', 'emsp-operator')];
    const csms = await as('cpo', 'csms');
    const roots = [rootIdOf(await rootOf(evpki, 'v2g-root'))];
    const vehicle = await leaveFactory(evpki, maker, standard);
    const contract = { emaid: 'DE8EVC00000001', pcid: vehicle.pcid, standard };

    calls.length = 0;
    sent(await evpki.call('POST', '/v1/contracts', contract, operator), 201);
    expect(withSlowKeys().length).toBeGreaterThan(0);
    expect(withSlowKeys().map(({ where }) => where)).not.toContain('event loop');

    // A process that has just started remembers no signature of any authority.
    await evpki.close();
    evpki = await startTestApp(options);
    const { exi } = await askToInstall(vehicle, roots);
    const question = {
      iso15118SchemaVersion: 'urn:iso:std:iso:15118:-20:CommonMessages',
      action: 'Install',
      exiRequest: Buffer.from(exi).toString('base64'),
    };
    calls.length = 0;
    const path = '/v1/ocpp/contract-certificate';
    expect(sent(await evpki.call('POST', path, question, csms), 200).responseCode).toBe('OK');
    expect(withSlowKeys().map(({ where }) => where)).not.toContain('event loop');
    const count = (operation: Call['operation']) =>
      withSlowKeys().filter((call) => call.operation === operation && call.key === 'secp521r1')
        .length;
    // The request's signature, the chain's three, and the answer's; jobs of the start may add theirs.
    expect(count('verify')).toBeGreaterThanOrEqual(4);
    expect(count('sign')).toBeGreaterThanOrEqual(1);
  } finally {
    await evpki.close();
    await rm(dataDir, { recursive: true });
  }
});
