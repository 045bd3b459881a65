/** Keys for access tokens without a database, and tokens as somebody else would make them. */

import { createSecretKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { openEnvelope, sealEnvelope } from '../../src/keystore/envelope.ts';
import { vaultKeyring } from '../../src/keystore/keyring.ts';
import type { Clock } from '../../src/services/clock.ts';
import type { Keyring } from '../../src/services/keyring.ts';
import type { TokenKey, TokenKeyStore } from '../../src/services/token-key-records.ts';
import { createTokenKeys, renewTokenKeys } from '../../src/services/token-keys.ts';

const kek = createSecretKey(Buffer.alloc(32, 9));

export const testKeyring: Keyring = vaultKeyring({
  seal: (pkcs8, ids) => sealEnvelope(kek, pkcs8, ids),
  open: (envelope, ids) => openEnvelope(kek, envelope, ids),
});

/** The private key of a row, which nobody but a test ever sees. */
export const privateKeyOf = ({ keyId, envelope }: TokenKey): KeyObject =>
  openEnvelope(kek, envelope, { keyId, authorityId: 'evpki:tokens' });

/** A store that is asked like the real one, and counts how often. */
export function tokenKeysInMemory() {
  let keys: TokenKey[] = [];
  const audit: string[] = [];
  let questions = 0;
  const store: TokenKeyStore = {
    listTokenKeys: async () => {
      questions += 1;
      return [...keys].sort((a, b) => b.generation - a.generation);
    },
    createTokenKey: async ({ key, audit: { action, subject } }) => {
      if (keys.some(({ generation }) => generation === key.generation)) return 'exists';
      keys.push(key);
      audit.push(`${action} ${subject}`);
      return 'created';
    },
    removeTokenKey: async ({ keyId, audit: { action, subject } }) => {
      const left = keys.filter((key) => key.keyId !== keyId);
      if (left.length === keys.length) return 'missing';
      keys = left;
      audit.push(`${action} ${subject}`);
      return 'removed';
    },
  };
  return { store, audit, questions: () => questions, put: (key: TokenKey) => keys.push(key) };
}

export interface KeyedProcess {
  readonly tokenKeys: ReturnType<typeof createTokenKeys>;
  readonly renew: () => Promise<Date>;
  /** What has been logged. */
  readonly log: string[];
}

/** A process over such a store. */
export function processOver(tokenKeyStore: TokenKeyStore, clock: Clock): KeyedProcess {
  const log: string[] = [];
  const note = (event: string) => void log.push(event);
  const logger = { debug: note, info: note, warn: note, error: note, child: () => logger };
  const parts = {
    ...{ tokenKeyStore, keyring: testKeyring, clock, random: randomBytes, logger },
  };
  return { tokenKeys: createTokenKeys(parts), renew: () => renewTokenKeys(parts), log };
}

const segment = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT with whatever header and claims, signed with this key as ES256. */
export function forgedToken(header: object, claims: object, key: KeyObject): string {
  const input = `${segment(header)}.${segment(claims)}`;
  const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

/** A token's parts, unchecked. */
export function readForged(token: string): {
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
} {
  const [header, claims] = token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
  return { header, claims };
}
