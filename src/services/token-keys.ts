/**
 * The keys that access tokens are signed with. All processes on one database have the same ones,
 * sealed in it. The next key is published a day before it signs, so that whoever has fetched our
 * key set knows it in time, and the one before is deleted, private half and all, once no token
 * that it has signed can still hold.
 */

import { type CryptoKey, exportJWK, importSPKI, type JWK } from 'jose';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import { toPem } from '../pki/pem.ts';
import type { Signer } from '../pki/signer.ts';
import { INSTANCE_ORGANIZATION } from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import type { Clock } from './clock.ts';
import { newId } from './ids.ts';
import type { Keyring } from './keyring.ts';
import type { Logger } from './logger.ts';
import type { RandomBytes } from './serial-numbers.ts';
import type { TokenKey, TokenKeyStore } from './token-key-records.ts';

/** ES256 (RFC 7518 3.4) is ECDSA over this curve. */
const CURVE = 'P-256';
export const TOKEN_ALGORITHM = 'ES256';

const HOUR = 3_600_000;
const SIGNS_MILLISECONDS = 7 * 24 * HOUR;
const AHEAD_MILLISECONDS = 24 * HOUR;
/** Longer than any token lives, and clocks of processes differ. */
const KEPT_MILLISECONDS = HOUR;

/** What other processes have done to the keys is known after this. */
const REFRESH_MILLISECONDS = 30_000;
/** Ids that nobody knows make the keys be read again, but no more often than this. */
const SHORTEST_REFRESH_MILLISECONDS = 1_000;

/** Whom the envelopes are bound to: no authority has a colon in its id. */
const KEY_OWNER = 'evpki:tokens';

export interface TokenKeyParts {
  readonly tokenKeyStore: TokenKeyStore;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

/** The keys as one process has them at hand. */
export interface TokenKeys {
  /** The one that signs now. */
  signing(): Promise<{ readonly keyId: string; readonly signer: Signer }>;
  /** The public key of this id, if it is one of ours. */
  find(keyId: string): Promise<CryptoKey | undefined>;
  /** All that may have signed, or will soon (RFC 7517). */
  published(): Promise<readonly JWK[]>;
}

interface OpenKey {
  readonly keyId: string;
  readonly signsFrom: Date;
  readonly signer: Signer;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

export function createTokenKeys(
  parts: Pick<TokenKeyParts, 'tokenKeyStore' | 'keyring' | 'clock' | 'logger'>,
): TokenKeys {
  const { tokenKeyStore, keyring, clock, logger } = parts;
  /** Newest first. */
  let keys: readonly OpenKey[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  const read = async () => {
    const began = clock().getTime();
    const known = new Map(keys.map((key) => [key.keyId, key]));
    const found: OpenKey[] = [];
    for (const key of await tokenKeyStore.listTokenKeys()) {
      try {
        found.push(known.get(key.keyId) ?? (await openKey(keyring, key)));
      } catch (error) {
        // Not one that this evpki has made, or damaged: it verifies nothing.
        logger.error('token-key-unusable', { key: key.keyId, error });
      }
    }
    keys = found;
    readAt = began;
  };
  /** The keys as they were at most this long ago. */
  const within = async (milliseconds: number): Promise<readonly OpenKey[]> => {
    // Whichever way the clock has gone.
    if (Math.abs(clock().getTime() - readAt) >= milliseconds) {
      reading ??= read().finally(() => {
        reading = undefined;
      });
      await reading;
    }
    return keys;
  };
  const byId = (all: readonly OpenKey[], id: string) => all.find(({ keyId }) => keyId === id);

  return {
    async signing() {
      const now = clock();
      const known = await within(REFRESH_MILLISECONDS);
      const all = known.length > 0 ? known : await within(SHORTEST_REFRESH_MILLISECONDS);
      // Behind a clock that was put back there is none yet: the oldest it is then.
      const key = all.find(({ signsFrom }) => signsFrom <= now) ?? all.at(-1);
      if (!key) throw new Error('there is no key to sign tokens with');
      return key;
    },

    async find(keyId) {
      const known = byId(await within(REFRESH_MILLISECONDS), keyId);
      // Another process may just have made its first one.
      return (known ?? byId(await within(SHORTEST_REFRESH_MILLISECONDS), keyId))?.publicKey;
    },

    published: async () => (await within(REFRESH_MILLISECONDS)).map(({ jwk }) => jwk),
  };
}

/**
 * Opens a key, which proves that this evpki has made it: the database cannot.
 * @throws KeystoreError when the envelope does not open, or holds another key
 */
async function openKey(keyring: Keyring, key: TokenKey): Promise<OpenKey> {
  const { keyId, envelope, spki, signsFrom } = key;
  const signer = await keyring.open({ keyId, authorityId: KEY_OWNER, envelope }, CURVE, spki);
  const publicKey = await importSPKI(toPem('PUBLIC KEY', spki), TOKEN_ALGORITHM);
  const jwk = { ...(await exportJWK(publicKey)), kid: keyId, alg: TOKEN_ALGORITHM, use: 'sig' };
  return { keyId, signsFrom, signer, publicKey, jwk };
}

/**
 * Makes the first key, or the next one in time, and deletes those that have had their time.
 * @returns when to look again
 */
export async function renewTokenKeys(
  parts: Pick<TokenKeyParts, 'tokenKeyStore' | 'keyring' | 'clock' | 'random'>,
): Promise<Date> {
  const now = parts.clock();
  const keys = await parts.tokenKeyStore.listTokenKeys();
  const [newest] = keys;
  let last = newest;
  if (!newest || endOf(newest) - AHEAD_MILLISECONDS <= now.getTime()) {
    const signsFrom = newest
      ? new Date(Math.max(endOf(newest), now.getTime() + AHEAD_MILLISECONDS))
      : now;
    last = await createKey(parts, (newest?.generation ?? 0) + 1, signsFrom);
  }
  const ends: number[] = [];
  // Each signs until the one after it does.
  for (const [index, key] of keys.entries()) {
    const next = index === 0 ? last : keys[index - 1];
    if (!next || next === key) continue;
    const end = next.signsFrom.getTime() + KEPT_MILLISECONDS;
    if (end <= now.getTime()) await removeKey(parts, key);
    else ends.push(end);
  }
  const renewal = (last ? endOf(last) : now.getTime() + SIGNS_MILLISECONDS) - AHEAD_MILLISECONDS;
  return new Date(Math.min(renewal, ...ends));
}

const endOf = ({ signsFrom }: TokenKey): number => signsFrom.getTime() + SIGNS_MILLISECONDS;

/** @returns it, or the one that another process has made of this generation meanwhile */
async function createKey(
  parts: Pick<TokenKeyParts, 'tokenKeyStore' | 'keyring' | 'clock' | 'random'>,
  generation: number,
  signsFrom: Date,
): Promise<TokenKey | undefined> {
  const keyId = newId('key', parts.random);
  const { spki, key } = await parts.keyring.generate(CURVE, { keyId, authorityId: KEY_OWNER });
  const made: TokenKey = {
    ...{ generation, keyId, spki, envelope: key.envelope },
    ...{ createdAt: parts.clock(), signsFrom },
  };
  const created = await parts.tokenKeyStore.createTokenKey({
    key: made,
    audit: keyAudit(parts, keyId, 'created', {
      spkiSha256: spkiFingerprint(spki),
      signsFrom: signsFrom.toISOString(),
    }),
  });
  if (created === 'created') return made;
  const keys = await parts.tokenKeyStore.listTokenKeys();
  return keys.find((other) => other.generation === generation);
}

async function removeKey(
  parts: Pick<TokenKeyParts, 'tokenKeyStore' | 'clock'>,
  { keyId }: TokenKey,
): Promise<void> {
  await parts.tokenKeyStore.removeTokenKey({ keyId, audit: keyAudit(parts, keyId, 'deleted') });
}

const keyAudit = (
  { clock }: Pick<TokenKeyParts, 'clock'>,
  keyId: string,
  what: 'created' | 'deleted',
  details: AuditEvent['details'] = {},
): AuditEvent => ({
  at: clock(),
  organizationId: INSTANCE_ORGANIZATION,
  actor: 'evpki',
  action: `token-key.${what}`,
  subject: keyId,
  details,
});
