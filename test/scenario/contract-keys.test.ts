/**
 * A contract over the API, from its car's registration to its end; and its keys, which the car gets
 * out of its bundles and nobody finds anywhere else.
 */

import { createECDH, createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toPem } from '../../src/pki/pem.ts';
import { readPublicKey } from '../../src/pki/public-key.ts';
import { assembleRequest, buildRequestInfo } from '../../src/pki/request-building.ts';
import type { Bundle } from '../../src/services/contract-records.ts';
import { listBundles } from '../../src/storage/contract-bundles.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { contractKeysOf, filesWith, spellingsOf } from '../support/contract-promises.ts';
import { freshPcid, leaveFactory } from '../support/vehicles.ts';

const PCID = 'DEMP1234567890123';

describe('a contract over the API', () => {
  let evpki: TestApp;
  let token: string;
  const carKey = createECDH('prime256v1');
  const answers: string[] = [];
  const contracts: string[] = [];
  let vehicle = '';

  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const authorization = `Bearer ${token}`;
    const answer = await evpki.call(method, path, body, { authorization, ...headers });
    answers.push(answer.text, JSON.stringify(answer.headers));
    return answer;
  };
  const create = async (emaid: string, more: object = {}) => {
    const made = await call('POST', '/v1/contracts', { emaid, pcid: PCID, ...more });
    expect(made.status, made.text).toBe(201);
    contracts.push(made.json.id);
    return made.json;
  };

  beforeAll(async () => {
    evpki = await startTestApp({ env: { EVPKI_CLIENT_RATE: '0', EVPKI_ADDRESS_RATE: '0' } });
    token = await evpki.tokenOf('demo-mo', ['emsp-operator']);
    const body = { profile: 'iso15118-2-oem-provisioning', csr: csrOf(carKey) };
    const issued = await evpki.call('POST', '/v1/certificates', body);
    const [certificate] = issued.json.certificateChain.split(/(?<=END CERTIFICATE-----\n)/);
    const path = '/v1/provisioning-certificates?organization=demo-oem';
    const registered = await evpki.call('POST', path, { certificate });
    expect(registered.status, registered.text).toBe(201);
    vehicle = registered.json.id;
  });
  afterAll(() => evpki?.close());

  test('is created once for each Idempotency-Key, and found', async () => {
    const body = { emaid: 'DE-8EV-C00000001', pcid: PCID, default: true, priority: 3 };
    const headers = { 'idempotency-key': randomUUID() };
    const made = await call('POST', '/v1/contracts', body, headers);
    expect(made.status, made.text).toBe(201);
    expect((await call('POST', '/v1/contracts', body, headers)).json).toEqual(made.json);
    contracts.push(made.json.id);
    expect(made.headers.location).toBe(`/v1/contracts/${made.json.id}`);
    expect((await call('GET', `/v1/contracts/${made.json.id}`)).json).toEqual(made.json);
    const again = await call('POST', '/v1/contracts', body);
    expect([again.status, again.json.code]).toEqual([409, 'contract-exists']);
    const found = await call('GET', '/v1/contracts?emaid=de8evc00000001&state=active');
    const { bundle, ...contract } = made.json;
    expect(found.json).toEqual({ items: [contract] });
    expect(Object.keys(bundle)).not.toContain('encryptedPrivateKey');
    const certificate = await call('GET', `/v1/certificates/${bundle.certificate}`);
    expect(certificate.json.subject).toMatch(/CN=DE8EVC00000001/);
  });

  test('that its car is not there is not the last word for an Idempotency-Key', async () => {
    const maker = { authorization: `Bearer ${await evpki.tokenOf('demo-oem', ['oem'])}` };
    const pcid = freshPcid();
    const headers = { 'idempotency-key': randomUUID() };
    const attempt = () => call('POST', '/v1/contracts', { emaid: 'DE8EVC00000006', pcid }, headers);
    for (const _ of [1, 2]) {
      const refused = await attempt();
      expect([refused.status, refused.json.code]).toEqual([422, 'vehicle-unknown']);
      expect(refused.headers['idempotency-replayed']).toBeUndefined();
    }
    await leaveFactory(evpki, maker, 'iso15118-2', pcid);
    const made = await attempt();
    expect(made.status, made.text).toBe(201);
    expect((await attempt()).json).toEqual(made.json);
  });

  test('is renewed, ranked, suspended, resumed and ended', async () => {
    const { id, bundle } = await create('DE8EVC00000002');
    const at = (path: string) => `/v1/contracts/${id}${path}`;
    const renewed = await call('POST', at('/renewal'), { revokeFormer: true });
    expect([renewed.status, renewed.json.bundle.generation]).toEqual([201, 2]);
    const former = await call('GET', `/v1/certificates/${bundle.certificate}`);
    expect(former.json.revocationReason).toBe('superseded');
    expect((await call('POST', at('/renewal'))).json.bundle.generation).toBe(3);
    expect((await call('PATCH', at(''), { default: true })).json.default).toBe(true);
    expect((await call('PATCH', at(''), {})).status).toBe(400);
    const suspended = await call('POST', at('/suspension'), { reason: 'unpaid' });
    expect(suspended.json).toMatchObject({ state: 'suspended', reason: 'unpaid' });
    expect(suspended.json.bundle.state).toBe('held');
    const refused = await call('POST', at('/renewal'));
    expect([refused.status, refused.json.code]).toEqual([409, 'contract-not-active']);
    expect((await call('DELETE', at('/suspension'))).json.bundle.state).toBe('issued');
    expect((await call('POST', at('/end'))).json).toMatchObject({
      ...{ state: 'ended', default: false },
      bundle: { state: 'revoked' },
    });
  });

  test('does not take what is of no use beside a bundle that is brought', async () => {
    const { bundle } = await create('DE8EVC00000003');
    const brought = {
      certificateChain: bundle.certificateChain,
      dhPublicKey: Buffer.alloc(65).toString('base64'),
      encryptedPrivateKey: Buffer.alloc(48).toString('base64'),
    };
    const body = { emaid: 'DE8EVC00000003', pcid: PCID, bundle: brought };
    const wrong = await call('POST', '/v1/contracts', { ...body, validityDays: 90 });
    expect(wrong.status).toBe(400);
    expect(wrong.json.violations[0].field).toBe('body.validityDays');
    const unfitting = await call('POST', '/v1/contracts', body);
    expect([unfitting.status, unfitting.json.code]).toEqual([422, 'bundle-refused']);
    const own = await call('POST', `/v1/contracts/${contracts.at(-1)}/renewal`, {
      bundle: brought,
    });
    expect([own.status, own.json.code]).toEqual([409, 'contract-external']);
  });

  test('ends with the provisioning certificate of its car', async () => {
    const { id } = await create('DE8EVC00000004');
    const path = `/v1/provisioning-certificates/${vehicle}`;
    expect((await evpki.call('DELETE', path)).status).toBe(200);
    const ended = await call('GET', `/v1/contracts/${id}`);
    expect(ended.json).toMatchObject({ state: 'ended', bundle: { state: 'revoked' } });
    const none = await call('POST', '/v1/contracts', { emaid: 'DE8EVC00000005', pcid: PCID });
    expect([none.status, none.json.code]).toEqual([422, 'vehicle-unknown']);
  });

  test('K4 W9 its keys are nowhere but in its car: not in the database, answers, log or metrics', async () => {
    const line = evpki.log.find((one) => one.includes('"listening"')) ?? '';
    const { metrics } = JSON.parse(line).addresses;
    const measured = await (await fetch(`http://${metrics}/metrics`)).text();
    await evpki.app.stop();
    const bundles = await storedBundles();
    const cars = [{ pcid: PCID, privateKey: scalarOf(carKey) }];
    const opened = bundles.map((bundle) => contractKeysOf([bundle], cars));
    const keys = opened.flatMap((one) => one.keys);
    expect(keys).toHaveLength(bundles.length);
    expect(bundles.length).toBeGreaterThan(5);

    expect(await filesWith(evpki.dataDir, keys)).toEqual([]);
    const texts = [...evpki.log, ...answers, measured].join('\n');
    const spelled = keys.flatMap(spellingsOf).map((octets) => octets.toString('latin1'));
    expect(spelled.filter((text) => texts.includes(text))).toEqual([]);
    // It is looked for where it would be: what is there in its place is found.
    const [sealed] = bundles;
    expect(await filesWith(evpki.dataDir, [sealed?.encryptedPrivateKey ?? Buffer.of(0)])).toEqual([
      'evpki.sqlite',
    ]);
  });

  async function storedBundles(): Promise<Bundle[]> {
    const file = join(evpki.dataDir, 'evpki.sqlite');
    expect(readFileSync(file).length).toBeGreaterThan(0);
    const options = { clock: () => new Date(), processId: 'reader' };
    const database = await openDatabase(`sqlite:${file}`, options);
    try {
      const found = await Promise.all(contracts.map((id) => listBundles(database, id)));
      return found.flat();
    } finally {
      await database.close();
    }
  }
});

type KeyPair = ReturnType<typeof createECDH>;

/** Big-endian, 32 octets. */
function scalarOf(pair: KeyPair): Uint8Array {
  const scalar = pair.getPrivateKey();
  return Buffer.concat([Buffer.alloc(32 - scalar.length), scalar]);
}

/** A request for the car's provisioning certificate. */
function csrOf(pair: KeyPair): string {
  const point = pair.generateKeys();
  const prefix = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
  const key = readPublicKey(Buffer.concat([prefix, point]));
  if (!key.ok) throw new Error('no key');
  const info = buildRequestInfo({ attributes: [{ type: 'CN', value: PCID }] }, key.value, {});
  const [x, y] = [point.subarray(1, 33), point.subarray(33)];
  const jwk = { kty: 'EC', crv: 'P-256', x: urlText(x), y: urlText(y), d: urlText(scalarOf(pair)) };
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  const request = assembleRequest(info, 'ecdsa-with-SHA256', sign('sha256', info, privateKey));
  return toPem('CERTIFICATE REQUEST', request);
}

const urlText = (octets: Uint8Array): string => Buffer.from(octets).toString('base64url');
