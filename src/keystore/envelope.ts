/**
 * The envelope of one private key, as it stands in the database:
 *
 * | octets | what                                             |
 * |--------|--------------------------------------------------|
 * | 1      | version, 1                                       |
 * | 12     | nonce, random                                    |
 * | n      | PKCS#8 (RFC 5958), encrypted with AES-256-GCM    |
 * | 16     | tag                                              |
 *
 * Authenticated with it, without being in it: version, key id and authority id. The key id is
 * also in the derivation of the key that encrypts, so that no two private keys share one.
 */

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { KeystoreError } from './keystore-error.ts';
import { decryptUnder, encryptUnder, SEALING_OVERHEAD } from './sealing.ts';

/** Whose key it is: opening demands the ids that it was sealed with. */
export interface EnvelopeIds {
  readonly keyId: string;
  readonly authorityId: string;
}

const VERSION = 1;

/** Seals a private key (PKCS#8, DER) and fills the given octets with zeros, also on failure. */
export function sealEnvelope(kek: KeyObject, pkcs8: Uint8Array, ids: EnvelopeIds): Uint8Array {
  try {
    const sealed = encryptUnder(kek, purpose(ids), pkcs8, context(ids));
    const envelope = new Uint8Array(1 + sealed.length);
    envelope[0] = VERSION;
    envelope.set(sealed, 1);
    return envelope;
  } finally {
    pkcs8.fill(0);
  }
}

/**
 * Opens an envelope.
 * @throws KeystoreError `envelope-rejected`, whatever is wrong with it
 */
export function openEnvelope(kek: KeyObject, envelope: Uint8Array, ids: EnvelopeIds): KeyObject {
  if (envelope.length <= 1 + SEALING_OVERHEAD) throw rejected(ids, 'it is too short');
  if (envelope[0] !== VERSION) throw rejected(ids, `it is of version ${envelope[0]}, not 1`);
  const pkcs8 = decryptUnder(kek, purpose(ids), envelope.subarray(1), context(ids));
  if (pkcs8 === undefined) {
    throw rejected(ids, 'it was altered, or sealed for another key, authority or vault');
  }
  try {
    return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  } catch {
    // OpenSSL's own words could tell of the content.
    throw rejected(ids, 'it does not contain a private key');
  } finally {
    pkcs8.fill(0);
  }
}

const rejected = ({ keyId, authorityId }: EnvelopeIds, why: string): KeystoreError =>
  new KeystoreError(
    'envelope-rejected',
    `The envelope of key ${keyId} of authority ${authorityId} does not open: ${why}.`,
  );

const purpose = ({ keyId }: EnvelopeIds): string => `evpki key envelope v${VERSION}:${keyId}`;

/** The ids with their lengths before them: no two different pairs give the same octets. */
function context({ keyId, authorityId }: EnvelopeIds): Uint8Array {
  const parts = [keyId, authorityId].flatMap((id) => {
    const octets = Buffer.from(id);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(octets.length);
    return [length, octets];
  });
  return Buffer.concat([Buffer.of(VERSION), ...parts]);
}
