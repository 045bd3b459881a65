import { describe, expect, test } from 'vitest';
import { authenticateToken, issueToken } from '../../src/services/access.ts';
import type { AccessStore, ApiClient } from '../../src/services/access-records.ts';
import { sha256 } from '../../src/services/secrets.ts';

const now = new Date('2026-11-28T12:00:00Z');
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const secret = `evpki_sec_${'s'.repeat(43)}`;
const old = `evpki_sec_${'o'.repeat(43)}`;
const token = `evpki_tok_${'t'.repeat(43)}`;

/** The parts over one client and its token, and how often the store was asked. */
function accessOver(change: Partial<ApiClient> = {}, tokenEnd = later(60)) {
  const client: ApiClient = {
    ...{ id: 'cli_a', organizationId: 'cpo', name: 'a', roles: ['csms'] },
    ...{ secretSha256: sha256(secret), createdAt: now },
    ...change,
  };
  let questions = 0;
  let until: Date | undefined;
  const asked = <T>(value: T): T => {
    questions += 1;
    return value;
  };
  const store = {
    findToken: async (hash: string) =>
      asked(
        hash === sha256(token)
          ? { token: { tokenSha256: hash, clientId: client.id, expiresAt: tokenEnd }, client }
          : undefined,
      ),
    findClient: async (id: string) => asked(id === client.id ? client : undefined),
    createToken: async (command: Parameters<AccessStore['createToken']>[0]) => {
      until = command.token.expiresAt;
      return 'created';
    },
  } as unknown as AccessStore;
  return {
    parts: { store, clock: () => now, random: (octets: number) => new Uint8Array(octets) },
    questions: () => questions,
    until: () => until,
  };
}

describe('W3 a bearer token', () => {
  test('is looked up once, with its client', async () => {
    const access = accessOver();
    expect(await authenticateToken(access.parts, token)).toEqual({
      ...{ actor: 'client:cli_a', organizationId: 'cpo', roles: ['csms'] },
    });
    expect(access.questions()).toBe(1);
  });

  test.each<[string, string, number]>([
    ['unknown', `evpki_tok_${'u'.repeat(43)}`, 1],
    ['too short', `evpki_tok_${'t'.repeat(42)}`, 0],
    ['too long', `${token}t`, 0],
    ['megabytes long', `evpki_tok_${'t'.repeat(4_000_000)}`, 0],
    ['with a newline at its end', `${token}\n`, 0],
    ['not base64url', `evpki_tok_${'+'.repeat(43)}`, 0],
    ['a secret', secret, 0],
    ['a JWT', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJjbGllbnQ6eCJ9.', 0],
    ['nothing', '', 0],
  ])('%s is refused after %i questions at most', async (_name, text, most) => {
    const access = accessOver();
    await expect(authenticateToken(access.parts, text)).rejects.toMatchObject({
      code: 'not-authenticated',
    });
    expect(access.questions()).toBe(most);
  });

  test.each<[string, Partial<ApiClient>, Date]>([
    ['at its end', {}, now],
    ['of a client at its end', { expiresAt: now }, later(60)],
    ['of a disabled client', { disabledAt: later(-1) }, later(60)],
  ])('%s is refused', async (_name, change, end) => {
    await expect(authenticateToken(accessOver(change, end).parts, token)).rejects.toMatchObject({
      code: 'not-authenticated',
    });
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
  ])('%s', async (_name, change, given, seconds) => {
    const access = accessOver(change);
    const issued = await issueToken(access.parts, 'cli_a', given);
    expect(issued.expiresInSeconds).toBe(seconds);
    expect(access.until()).toEqual(later(seconds));
  });

  test.each<[string, Partial<ApiClient>, string, string]>([
    ['a wrong secret', {}, 'cli_a', old],
    ['an empty one', {}, 'cli_a', ''],
    ['an unknown client', {}, 'cli_b', secret],
    ['an unknown client and an empty secret', {}, 'cli_b', ''],
    ['an old secret at its end', withOld(now), 'cli_a', old],
    ['an expired client', { expiresAt: now }, 'cli_a', secret],
    ['a disabled client', { disabledAt: now }, 'cli_a', secret],
  ])('but not for %s, and always with the same words', async (_name, change, id, given) => {
    const access = accessOver(change);
    await expect(issueToken(access.parts, id, given)).rejects.toMatchObject({
      code: 'not-authenticated',
      message: 'unknown client or wrong secret',
    });
    expect(access.until()).toBeUndefined();
  });
});
