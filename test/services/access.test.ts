import { createHash, createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { type AccessParts, authenticateToken } from '../../src/services/access.ts';
import type { AccessStore, ApiClient } from '../../src/services/access-records.ts';
import { ServiceError } from '../../src/services/errors.ts';
import type { OrganizationRole } from '../../src/services/organizations.ts';
import { NotAuthenticated } from '../../src/services/refusals.ts';
import { sha256 } from '../../src/services/secrets.ts';
import { grantToken, type TokenWish } from '../../src/services/token-grant.ts';
import {
  forgedToken,
  type KeyedProcess,
  privateKeyOf,
  processOver,
  readForged,
  tokenKeysInMemory,
} from '../support/tokens.ts';

const start = new Date('2026-11-28T12:00:00Z');
const later = (seconds: number) => new Date(start.getTime() + seconds * 1000);
const seconds = (at: Date) => at.getTime() / 1000;
const secret = `evpki_sec_${'s'.repeat(43)}`;
const old = `evpki_sec_${'o'.repeat(43)}`;
const apiUrl = 'https://pki.example:8543';
const certificate = [Uint8Array.of(1, 2, 3), Uint8Array.of(4)];
const otherCertificate = [Uint8Array.of(9)];
const thumbprint = createHash('sha256')
  .update(Uint8Array.of(1, 2, 3))
  .digest('base64url');

const memory = tokenKeysInMemory();
let keyed: KeyedProcess;
let privateKey: KeyObject;
let keyId: string;
beforeAll(async () => {
  keyed = processOver(memory.store, () => start);
  await keyed.renew();
  const [row] = await memory.store.listTokenKeys();
  if (!row) throw new Error('no key');
  privateKey = privateKeyOf(row);
  keyId = row.keyId;
});

/** The parts over one client, which can be changed, and a clock that can be moved. */
function accessOver(change: Partial<ApiClient> = {}, roles: OrganizationRole[] = ['cpo', 'mo']) {
  const state = {
    now: start,
    client: {
      ...{ id: 'cli_a', organizationId: 'demo', name: 'a', roles: ['csms', 'auditor'] },
      ...{ secretSha256: sha256(secret), createdAt: start },
      ...change,
    } as ApiClient,
    /** Whose the certificate is. */
    owner: 'client:cli_a' as string | undefined,
    questions: 0,
    uses: [] as Date[],
  };
  const store = {
    findClient: async (id: string) => {
      state.questions += 1;
      return id === state.client.id ? state.client : undefined;
    },
    noteUse: async (_id: string, at: Date) => void state.uses.push(at),
  } as unknown as AccessStore;
  const parts: AccessParts = {
    store,
    organizations: { findOrganization: async (id) => ({ id, name: 'Demo', roles }) },
    tokenKeys: keyed.tokenKeys,
    certificateLogin: async ([leaf]) => {
      if (state.owner === 'broken') throw new ServiceError('not-authenticated', 'revoked');
      if (leaf !== certificate[0] || state.owner === undefined) return undefined;
      return { actor: state.owner, organizationId: 'demo', roles: [] };
    },
    apiUrl: () => apiUrl,
    clock: () => state.now,
    random: (octets) => new Uint8Array(octets),
  };
  const grant = (wish: Partial<TokenWish> = {}) =>
    grantToken(parts, { clientId: 'cli_a', clientSecret: secret, ...wish });
  const whoHas = (token: string, presented?: readonly Uint8Array[]) =>
    authenticateToken(parts, token, presented);
  return { parts, state, grant, whoHas };
}

const claimsOf = (token: string) => readForged(token).claims;
const refusalOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof NotAuthenticated ? error.refusal : error),
  );

describe('a token', () => {
  test('is a JWT that says who its holder is, to us and to clients of platforms', async () => {
    const { grant, whoHas } = accessOver();
    const granted = await grant();
    expect(granted).toMatchObject({ expiresInSeconds: 900, scope: 'csms auditor' });
    const { header, claims } = readForged(granted.accessToken);
    expect(header).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: keyId });
    expect(claims).toEqual({
      ...{ iss: apiUrl, aud: apiUrl, sub: 'cli_a', client_id: 'cli_a' },
      ...{
        iat: seconds(start),
        exp: seconds(later(900)),
        jti: expect.stringMatching(/^[\w-]{22}$/),
      },
      ...{ organization: 'demo', roles: ['csms', 'auditor'], scope: 'csms auditor' },
      credential: expect.stringMatching(/^[\w-]{43}$/),
      [`${apiUrl}/role`]: ['CPO', 'MO'],
    });
    const text = JSON.stringify(claims);
    for (const hash of [
      secret,
      sha256(secret),
      Buffer.from(sha256(secret), 'hex').toString('base64url'),
    ]) {
      expect(text).not.toContain(hash);
    }
    expect(await whoHas(granted.accessToken)).toEqual({
      ...{ actor: 'client:cli_a', organizationId: 'demo', roles: ['csms', 'auditor'] },
    });
  });

  test('has no role on a platform where its organization has none', async () => {
    const { accessToken } = await accessOver({}, ['manufacturer', 'v2g-operator']).grant();
    expect(Object.keys(claimsOf(accessToken)).filter((name) => name.endsWith('/role'))).toEqual([]);
  });

  test.each<[string, string | undefined, string]>([
    ['asked for as ours', 'https://PKI.example:8543/', 'https://PKI.example:8543/'],
    ['of this machine', 'https://localhost:8543', 'https://localhost:8543'],
    ['that we do not know', 'https://evpki.example', apiUrl],
    ['left out', undefined, apiUrl],
  ])('has the audience %s', async (_name, audience, expected) => {
    const { grant, whoHas } = accessOver();
    const { accessToken } = await grant(audience === undefined ? {} : { audience });
    expect(claimsOf(accessToken).aud).toBe(expected);
    expect(await whoHas(accessToken)).toMatchObject({ actor: 'client:cli_a' });
  });

  test.each([
    ['csms', ['csms']],
    ['auditor  csms', ['csms', 'auditor']],
    ['', ['csms', 'auditor']],
    [' ', ['csms', 'auditor']],
  ])('for the scope %j has the roles %j', async (scope, roles) => {
    const { grant, whoHas } = accessOver();
    const granted = await grant({ scope });
    expect(granted.scope).toBe(roles.join(' '));
    expect(claimsOf(granted.accessToken)).toMatchObject({ roles, scope: roles.join(' ') });
    expect((await whoHas(granted.accessToken)).roles).toEqual(roles);
  });

  test.each(['super', 'csms super', 'CSMS', 'csms,auditor', 'csms\tauditor'])(
    'is not given for the scope %j',
    async (scope) => {
      await expect(accessOver().grant({ scope })).rejects.toMatchObject({ code: 'scope-refused' });
      const wrong = accessOver().grant({ scope, clientSecret: old });
      await expect(wrong).rejects.toMatchObject({ code: 'not-authenticated' });
    },
  );

  test('is good for no role that its client has lost', async () => {
    const { grant, whoHas, state } = accessOver();
    const { accessToken } = await grant();
    state.client = { ...state.client, roles: ['auditor', 'super'] };
    expect((await whoHas(accessToken)).roles).toEqual(['auditor']);
  });

  test('leaves a note of its client, to the minute', async () => {
    const { grant, state } = accessOver({ lastUsedAt: later(-59) });
    await grant();
    expect(state.uses).toEqual([]);
    state.now = later(1);
    await grant();
    expect(state.uses).toEqual([later(1)]);
  });
});

describe('W3 what passes for a token', () => {
  const claims = () => ({
    ...{ iss: apiUrl, aud: apiUrl, sub: 'cli_a', jti: 'x', organization: 'demo' },
    ...{ iat: seconds(start), exp: seconds(later(60)), scope: 'csms' },
    credential: createHash('sha256')
      .update(`evpki token credential ${sha256(secret)}`)
      .digest('base64url'),
  });
  const header = () => ({ alg: 'ES256', typ: 'at+jwt', kid: keyId });
  const own = (moreClaims: object = {}, moreHeader: object = {}) =>
    forgedToken({ ...header(), ...moreHeader }, { ...claims(), ...moreClaims }, privateKey);
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  test('one that is made like ours, by our key, is ours', async () => {
    const { whoHas, state } = accessOver();
    expect(await whoHas(own())).toMatchObject({ actor: 'client:cli_a', roles: ['csms'] });
    expect(state.questions).toBe(1);
  });

  /** With the public key in the forms in which others have taken it for a secret. */
  const hmac = async (form: 'pem' | 'der' | 'x') => {
    const [row] = await memory.store.listTokenKeys();
    const spki = Buffer.from(row?.spki ?? []);
    const pem = `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END PUBLIC KEY-----\n`;
    const [jwk] = await keyed.tokenKeys.published();
    const key = { pem, der: spki, x: Buffer.from(jwk?.x ?? '', 'base64url') }[form];
    const input = `${part({ ...header(), alg: 'HS256' })}.${part(claims())}`;
    return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`;
  };
  const cut = (token: string, ...parts: number[]) =>
    parts.map((index) => token.split('.')[index]).join('.');
  const jwk = () => stranger.publicKey.export({ format: 'jwk' });

  test.each<[string, () => string | Promise<string>]>([
    [
      'alg none without a signature',
      () => `${part({ ...header(), alg: 'none' })}.${part(claims())}.`,
    ],
    ['alg none with one', () => `${part({ ...header(), alg: 'none' })}.${part(claims())}.AAAA`],
    ['alg None', () => own({}, { alg: 'None' })],
    ['no alg', () => own({}, { alg: undefined })],
    ['HS256 with our public key in PEM', () => hmac('pem')],
    ['HS256 with our public key in DER', () => hmac('der')],
    ['HS256 with our public point', () => hmac('x')],
    ['another curve', () => own({}, { alg: 'ES384' })],
    ['an alg that is a list', () => own({}, { alg: ['ES256'] })],
    ['a signature of somebody else', () => forgedToken(header(), claims(), stranger.privateKey)],
    [
      'the key of somebody else beside it',
      () => forgedToken({ ...header(), jwk: jwk() }, claims(), stranger.privateKey),
    ],
    ['our signature and a jwk', () => own({}, { jwk: jwk() })],
    ['a jku', () => own({}, { jku: 'https://evil.example/jwks.json' })],
    ['a jku of ours', () => own({}, { jku: `${apiUrl}/.well-known/jwks.json` })],
    ['an x5u', () => own({}, { x5u: 'http://169.254.169.254/' })],
    ['an x5c', () => own({}, { x5c: ['AAAA'] })],
    ['a crit', () => own({}, { crit: ['exp'] })],
    ['an unencoded payload', () => own({}, { b64: false, crit: ['b64'] })],
    ['a compressed payload', () => own({}, { zip: 'DEF' })],
    ['no kid', () => own({}, { kid: undefined })],
    ['a kid that is a path', () => own({}, { kid: '../../dev/null' })],
    ['a kid that is SQL', () => own({}, { kid: `${keyId}' OR '1'='1` })],
    ['a kid of prototypes', () => own({}, { kid: '__proto__' })],
    ['a kid that is a list', () => own({}, { kid: [keyId] })],
    ['a kid in other letters', () => own({}, { kid: keyId.toUpperCase() })],
    ['no typ', () => own({}, { typ: undefined })],
    ['another typ', () => own({}, { typ: 'JWT' })],
    ['another issuer', () => own({ iss: 'https://evil.example' })],
    ['no issuer', () => own({ iss: undefined })],
    ['another audience', () => own({ aud: 'https://evil.example' })],
    ['no audience', () => own({ aud: undefined })],
    ['several audiences', () => own({ aud: [apiUrl, 'https://evil.example'] })],
    ['a time at which it begins', () => own({ nbf: seconds(later(1)) })],
    ['a beginning that is text', () => own({ nbf: '0' })],
    ['no end', () => own({ exp: undefined })],
    ['an end that is text', () => own({ exp: '9999999999' })],
    ['an end that is none', () => own({ exp: null })],
    ['no client', () => own({ sub: undefined })],
    ['an unknown client', () => own({ sub: 'cli_b' })],
    ['no credential', () => own({ credential: undefined })],
    ['the credential of another secret', () => own({ credential: 'A'.repeat(43) })],
    ['no scope', () => own({ scope: undefined })],
    ['claims that are a list', () => forgedToken(header(), [claims()], privateKey)],
    ['two parts', () => cut(own(), 0, 1)],
    ['four parts', () => cut(own(), 0, 1, 2, 2)],
    ['an empty signature', () => `${cut(own(), 0, 1)}.`],
    ['half a signature', () => own().slice(0, -43)],
    ['a bit more', () => `${own()}A`],
    ['padding', () => `${own()}==`],
    ['a space at its end', () => `${own()} `],
    ['a newline at its end', () => `${own()}\n`],
    ['an old token', () => `evpki_tok_${'A'.repeat(43)}`],
    ['a secret', () => secret],
    ['nothing', () => ''],
  ])('%s is refused', async (_name, make) => {
    const { whoHas } = accessOver();
    expect(await refusalOf(whoHas(await make()))).toMatchObject({
      reason: expect.stringMatching(/^token-(unknown|expired)$/),
    });
  });

  test('no change of one character is taken', async () => {
    const { whoHas } = accessOver();
    const token = own();
    for (let at = 0; at < token.length; at += 7) {
      const other = token[at] === 'A' ? 'B' : 'A';
      const changed = token.slice(0, at) + other + token.slice(at + 1);
      expect(await refusalOf(whoHas(changed)), `at ${at}`).toEqual({ reason: 'token-unknown' });
    }
  });

  test('signed by another JOSE implementation with our key, it is as good', async () => {
    const token = await new SignJWT(claims()).setProtectedHeader(header()).sign(privateKey);
    expect(await accessOver().whoHas(token)).toMatchObject({ actor: 'client:cli_a' });
  });

  test.each<[string, () => string]>([
    ['4,097 characters', () => own({ more: 'x'.repeat(3000) }).padEnd(4097, 'A')],
    ['megabytes', () => `${part(header())}.${'A'.repeat(4_000_000)}.AAAA`],
    ['dots', () => '.'.repeat(4_000_000)],
    ['JWE', () => 'a.b.c.d.e'],
  ])('%s cost neither a signature nor a question', async (_name, make) => {
    const { whoHas, state, parts } = accessOver();
    let asked = 0;
    Object.assign(parts, { tokenKeys: { ...keyed.tokenKeys, find: async () => void asked++ } });
    expect(await refusalOf(whoHas(make()))).toEqual({ reason: 'token-unknown' });
    expect([asked, state.questions]).toEqual([0, 0]);
  });

  test('a database that does not answer is no refusal', async () => {
    const { parts } = accessOver();
    const down = { ...keyed.tokenKeys, find: () => Promise.reject(new Error('down')) };
    await expect(authenticateToken({ ...parts, tokenKeys: down }, own())).rejects.toThrow('down');
  });
});

describe('W4 a token ends', () => {
  test.each<[string, Partial<ApiClient>, string]>([
    ['with its client', { expiresAt: start }, 'client-ended'],
    ['with a client that is disabled', { disabledAt: start }, 'client-ended'],
    ['with its secret', { secretSha256: sha256('next') }, 'token-expired'],
    [
      'when the overlap does',
      { secretSha256: sha256('next'), oldSecret: { sha256: sha256(secret), until: start } },
      'token-expired',
    ],
  ])('%s, at once', async (_name, change, reason) => {
    const { grant, whoHas, state } = accessOver();
    const { accessToken } = await grant();
    state.client = { ...state.client, ...change };
    expect(await refusalOf(whoHas(accessToken))).toEqual({
      ...{ reason, actor: 'client:cli_a', organizationId: 'demo' },
    });
  });

  test('not before the overlap of its secret does', async () => {
    const { grant, whoHas, state } = accessOver();
    const { accessToken } = await grant();
    const until = later(1);
    const next = { secretSha256: sha256('next'), oldSecret: { sha256: sha256(secret), until } };
    state.client = { ...state.client, ...next };
    expect(await whoHas(accessToken)).toMatchObject({ actor: 'client:cli_a' });
    state.now = until;
    expect(await refusalOf(whoHas(accessToken))).toMatchObject({ reason: 'token-expired' });
  });

  test('at its time, of which the audit log hears whose it was', async () => {
    const { grant, whoHas, state } = accessOver();
    const { accessToken } = await grant();
    state.now = later(899);
    expect(await whoHas(accessToken)).toMatchObject({ actor: 'client:cli_a' });
    state.now = later(900);
    state.questions = 0;
    expect(await refusalOf(whoHas(accessToken))).toEqual({
      ...{ reason: 'token-expired', actor: 'client:cli_a', organizationId: 'demo' },
    });
    expect(state.questions).toBe(0);
  });
});

describe('W4 a token is given', () => {
  const withOld = (until: Date) => ({ oldSecret: { sha256: sha256(old), until } });

  test.each<[string, Partial<ApiClient>, string, number]>([
    ['for a secret', {}, secret, 900],
    ['until the end of the client', { expiresAt: later(30) }, secret, 30],
    ['until the end of the old secret', withOld(later(40)), old, 40],
    ['for 15 minutes of a longer overlap', withOld(later(4000)), old, 900],
    ['for the new secret beside an old one', withOld(later(40)), secret, 900],
    ['until whichever end is first', { ...withOld(later(40)), expiresAt: later(20) }, old, 20],
  ])('%s', async (_name, change, clientSecret, expected) => {
    const { grant, whoHas } = accessOver(change);
    const issued = await grant({ clientSecret });
    expect(issued.expiresInSeconds).toBe(expected);
    expect(claimsOf(issued.accessToken).exp).toBe(seconds(later(expected)));
    expect(await whoHas(issued.accessToken)).toMatchObject({ actor: 'client:cli_a' });
  });

  test.each<[string, Partial<ApiClient>, string, string]>([
    ['a wrong secret', {}, 'cli_a', old],
    ['an empty one', {}, 'cli_a', ''],
    ['an unknown client', {}, 'cli_b', secret],
    ['an unknown client and an empty secret', {}, 'cli_b', ''],
    ['an old secret at its end', withOld(start), 'cli_a', old],
    ['an expired client', { expiresAt: start }, 'cli_a', secret],
    ['a disabled client', { disabledAt: start }, 'cli_a', secret],
  ])('but not for %s, and always with the same words', async (_name, change, id, given) => {
    const access = accessOver(change);
    const wish = access.grant({ clientId: id, clientSecret: given });
    await expect(wish).rejects.toMatchObject({
      code: 'not-authenticated',
      message: 'unknown client or wrong secret',
    });
    expect(access.state.uses).toEqual([]);
  });
});

describe('a token that is bound to a certificate (RFC 8705)', () => {
  const bare = { clientId: 'cli_a' };

  test('is given where the client presents its own, and counts with it alone', async () => {
    const { grant, whoHas, state } = accessOver();
    const { accessToken } = await grant({ certificate });
    expect(claimsOf(accessToken)).toMatchObject({
      ...{ cnf: { 'x5t#S256': thumbprint }, credential: expect.anything() },
    });
    expect(await whoHas(accessToken, certificate)).toMatchObject({ actor: 'client:cli_a' });
    const missing = {
      ...{ reason: 'token-certificate-missing', actor: 'client:cli_a', organizationId: 'demo' },
    };
    for (const presented of [
      undefined,
      [],
      otherCertificate,
      [...otherCertificate, ...certificate],
    ]) {
      expect(await refusalOf(whoHas(accessToken, presented))).toEqual(missing);
    }
    // Taken from the client, or revoked.
    state.owner = undefined;
    expect(await refusalOf(whoHas(accessToken, certificate))).toEqual(missing);
    state.owner = 'client:cli_b';
    expect(await refusalOf(whoHas(accessToken, certificate))).toEqual(missing);
    state.owner = 'broken';
    await expect(whoHas(accessToken, certificate)).rejects.toMatchObject({
      code: 'not-authenticated',
    });
  });

  test('also ends with the secret that it was given for', async () => {
    const { grant, whoHas, state } = accessOver();
    const { accessToken } = await grant({ certificate });
    state.client = { ...state.client, secretSha256: sha256('next') };
    expect(await refusalOf(whoHas(accessToken, certificate))).toMatchObject({
      reason: 'token-expired',
    });
  });

  test('needs no secret, and then does not end with one', async () => {
    const { parts, whoHas, state } = accessOver();
    const granted = await grantToken(parts, { ...bare, certificate });
    expect(granted.expiresInSeconds).toBe(900);
    expect(claimsOf(granted.accessToken)).not.toHaveProperty('credential');
    state.client = { ...state.client, secretSha256: sha256('next') };
    expect(await whoHas(granted.accessToken, certificate)).toMatchObject({
      roles: ['csms', 'auditor'],
    });
    expect(await refusalOf(whoHas(granted.accessToken))).toMatchObject({
      reason: 'token-certificate-missing',
    });
    state.client = { ...state.client, disabledAt: start };
    expect(await refusalOf(whoHas(granted.accessToken, certificate))).toMatchObject({
      reason: 'client-ended',
    });
  });

  test.each<[string, string | undefined, readonly Uint8Array[] | undefined]>([
    ['no certificate', 'client:cli_a', undefined],
    ['another certificate', 'client:cli_a', otherCertificate],
    ["somebody else's", 'client:cli_b', certificate],
    ["nobody's", undefined, certificate],
  ])('is not given for %s and no secret', async (_name, owner, presented) => {
    const { parts, state } = accessOver();
    state.owner = owner;
    const wish = { ...bare, ...(presented ? { certificate: presented } : {}) };
    expect(await refusalOf(grantToken(parts, wish))).toEqual({
      ...{ reason: 'certificate-unknown', actor: 'client:cli_a', organizationId: 'demo' },
    });
    const unknown = grantToken(parts, { ...wish, clientId: 'cli_b' });
    expect(await refusalOf(unknown)).toEqual({ reason: 'client-unknown' });
  });

  test.each<[string, string | undefined]>([
    ["somebody else's", 'client:cli_b'],
    ["nobody's", undefined],
    ['one that is revoked', 'broken'],
  ])('is an ordinary one where there is a secret beside %s', async (_name, owner) => {
    const { grant, whoHas, state } = accessOver();
    state.owner = owner;
    const { accessToken } = await grant({ certificate });
    expect(claimsOf(accessToken)).not.toHaveProperty('cnf');
    expect(await whoHas(accessToken)).toMatchObject({ actor: 'client:cli_a' });
  });

  test('is not given to an ended client', async () => {
    const { parts } = accessOver({ disabledAt: start });
    expect(await refusalOf(grantToken(parts, { ...bare, certificate }))).toMatchObject({
      reason: 'client-ended',
    });
  });
});
