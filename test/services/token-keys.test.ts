/** The life of the keys that tokens are signed with, by a clock that is moved. */

import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { readToken, signToken, type TokenClaims } from '../../src/services/access-tokens.ts';
import {
  forgedToken,
  type KeyedProcess,
  privateKeyOf,
  processOver,
  readForged,
  testKeyring,
  tokenKeysInMemory,
} from '../support/tokens.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const start = new Date('2026-11-28T12:00:00Z');

describe('token keys', () => {
  let now: Date;
  let memory: ReturnType<typeof tokenKeysInMemory>;
  let one: KeyedProcess;
  let other: KeyedProcess;
  beforeEach(() => {
    now = start;
    memory = tokenKeysInMemory();
    one = processOver(memory.store, () => now);
    other = processOver(memory.store, () => now);
  });
  const passed = (milliseconds: number) => {
    now = new Date(start.getTime() + milliseconds);
  };
  const kids = async (process: KeyedProcess) =>
    (await process.tokenKeys.published()).map(({ kid }) => kid);
  const signing = async (process: KeyedProcess) => (await process.tokenKeys.signing()).keyId;

  test('there is none before the first start, and then one that signs at once', async () => {
    await expect(one.tokenKeys.signing()).rejects.toThrow('no key');
    passed(1000);
    expect(await one.renew()).toEqual(new Date(now.getTime() + 6 * DAY));
    passed(2000);
    const first = await signing(one);
    expect(await kids(one)).toEqual([first]);
    expect(memory.audit).toEqual([`token-key.created ${first}`]);
  });

  test('the next is published a day before it signs, and the last one deleted an hour after', async () => {
    const due = await one.renew();
    const first = await signing(one);
    passed(6 * DAY - 1);
    expect(await one.renew()).toEqual(due);
    expect(await kids(one)).toEqual([first]);

    passed(6 * DAY);
    const change = new Date(start.getTime() + 7 * DAY);
    expect(await one.renew()).toEqual(new Date(change.getTime() + HOUR));
    expect(await one.renew()).toEqual(new Date(change.getTime() + HOUR));
    passed(6 * DAY + 31_000);
    const [second, ...older] = await kids(one);
    expect(older).toEqual([first]);
    passed(7 * DAY - 1);
    expect(await signing(one)).toBe(first);
    passed(7 * DAY);
    expect(await signing(one)).toBe(second);
    expect(await one.tokenKeys.find(first)).toBeDefined();

    passed(7 * DAY + HOUR);
    expect(await one.renew()).toEqual(new Date(start.getTime() + 13 * DAY));
    passed(7 * DAY + HOUR + 31_000);
    expect(await kids(one)).toEqual([second]);
    expect(await one.tokenKeys.find(first)).toBeUndefined();
    expect(memory.audit).toEqual([
      `token-key.created ${first}`,
      `token-key.created ${second}`,
      `token-key.deleted ${first}`,
    ]);
  });

  test('a token of the last key holds until its own end, here and elsewhere', async () => {
    const apiUrl = 'https://pki.example';
    await one.renew();
    passed(6 * DAY);
    await one.renew();
    passed(7 * DAY - 1000);
    const claims = (seconds: number): TokenClaims => ({
      ...{ iss: apiUrl, aud: apiUrl, sub: 'cli_a', jti: 'a', organization: 'demo', scope: '' },
      ...{ iat: now.getTime() / 1000, exp: now.getTime() / 1000 + seconds },
    });
    const token = await signToken(one.tokenKeys, claims(900));
    const read = (process: KeyedProcess) => readToken(process.tokenKeys, token, { apiUrl, now });
    passed(7 * DAY + 898_000);
    await one.renew();
    expect(await signing(one)).not.toBe(readForged(token).header.kid);
    for (const process of [one, other]) expect(await read(process)).toMatchObject({ jti: 'a' });
    passed(7 * DAY + 899_000);
    for (const process of [one, other]) await expect(read(process)).rejects.toThrow('has expired');
    passed(7 * DAY + HOUR);
    await one.renew();
    passed(7 * DAY + HOUR + 31_000);
    for (const process of [one, other]) await expect(read(process)).rejects.toThrow('none of ours');
  });

  test('after a long standstill the next one is published a day before as well', async () => {
    await one.renew();
    const first = await signing(one);
    passed(100 * DAY);
    await one.renew();
    passed(100 * DAY + 31_000);
    expect(await kids(one)).toHaveLength(2);
    expect(await signing(one)).toBe(first);
    passed(101 * DAY);
    expect(await signing(one)).not.toBe(first);
  });

  test('behind a clock that was put back the oldest one signs', async () => {
    await one.renew();
    const first = await signing(one);
    now = new Date(start.getTime() - DAY);
    expect(await signing(processOver(memory.store, () => now))).toBe(first);
  });

  test('of two processes that make one at once, one does, and both have the same', async () => {
    await Promise.all([one.renew(), other.renew()]);
    expect(memory.audit).toHaveLength(1);
    expect(await kids(one)).toEqual(await kids(other));
    passed(6 * DAY);
    await Promise.all([one.renew(), other.renew()]);
    expect(memory.audit).toHaveLength(2);
    passed(6 * DAY + 31_000);
    expect(await kids(one)).toEqual(await kids(other));
    expect(await kids(one)).toHaveLength(2);
  });

  test('what another process has made is found at once, and made-up ids cost little', async () => {
    expect(await kids(other)).toEqual([]);
    passed(1000);
    await one.renew();
    const first = await signing(one);
    expect(await other.tokenKeys.find(first)).toBeDefined();
    const before = memory.questions();
    for (let count = 0; count < 50; count++) {
      expect(await other.tokenKeys.find(`key_${count}`)).toBeUndefined();
    }
    expect(memory.questions()).toBe(before);
    passed(2000);
    await Promise.all(['a', 'b', 'c'].map((id) => other.tokenKeys.find(id)));
    expect(memory.questions()).toBe(before + 1);
  });

  test('a key that evpki has not made is none, whatever the database says', async () => {
    await one.renew();
    const [kept] = await memory.store.listTokenKeys();
    if (!kept) throw new Error('no key');
    // Somebody's own key, sealed for another place; and a public key put over a private one.
    const foreign = await testKeyring.generate('P-256', { keyId: 'x', authorityId: 'ocpp-ca' });
    memory.put({ ...kept, generation: 2, keyId: 'key_planted', envelope: foreign.key.envelope });
    memory.put({ ...kept, generation: 3, keyId: kept.keyId, spki: foreign.spki });
    expect(await kids(other)).toEqual([kept.keyId]);
    expect(await other.tokenKeys.find('key_planted')).toBeUndefined();
    expect(other.log).toEqual(['token-key-unusable', 'token-key-unusable']);
  });

  test('the set says what RFC 7517 needs, and a signature verifies with it by node:crypto', async () => {
    await one.renew();
    const [jwk] = await one.tokenKeys.published();
    expect(jwk).toEqual({
      ...{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', kid: await signing(one) },
      x: expect.stringMatching(/^[\w-]{43}$/),
      y: expect.stringMatching(/^[\w-]{43}$/),
    });
    const [row] = await memory.store.listTokenKeys();
    if (!row) throw new Error('no key');
    const [header, claims, signature = ''] = forgedToken({}, {}, privateKeyOf(row)).split('.');
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    const dsaEncoding = 'ieee-p1363';
    const octets = Buffer.from(signature, 'base64url');
    expect(verify('sha256', Buffer.from(`${header}.${claims}`), { key, dsaEncoding }, octets)).toBe(
      true,
    );
  });
});
