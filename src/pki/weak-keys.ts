/**
 * Keys in a perfectly good encoding whose private key others can find, or that no private key has.
 *
 * Not found by looking at one key, and therefore not here: keys that are already known. The weak
 * keys of Debian's OpenSSL (CVE-2008-0166), keys from documentation and firmware images, and keys
 * revoked as compromised are a matter of lists, which are asked by SPKI SHA-256 (`spkiFingerprint`)
 * before a certificate is issued. Two moduli that share a prime are found only by comparing all
 * keys ever seen. That an RSA modulus is itself a prime, and its private key an inversion away, is
 * not asked either: it takes milliseconds, and harms nobody but who asks for such a certificate.
 */

import { bigEndian, curveOf } from './curves.ts';
import { edwardsPointExists } from './edwards-points.ts';
import { type PublicKey, rsaModulus } from './public-key.ts';
import { type Violation, violation } from './violations.ts';
import { isFromConstantSeed, isSmallMultiple } from './weak-points.ts';
import { rsaWeaknesses } from './weak-rsa.ts';

/**
 * Everything that speaks against certifying this key: `key-weak` if its private key could be
 * found (RSA: a factor below 2048, ROCA, Fermat with 100 rounds; EC: a private key up to 8 or
 * its negative; EdDSA: a constant seed), `key-malformed` if an EdDSA key is no point of its curve.
 * @param key as `readPublicKey` returned it
 */
export function keyWeaknesses(key: PublicKey): readonly Violation[] {
  const { algorithm, bits } = key;
  const modulus = rsaModulus(key);
  if (modulus) return rsaWeaknesses(bigEndian(modulus)).map(weak);

  const curve = curveOf(algorithm);
  if (curve) {
    return isSmallMultiple(curve, bits)
      ? [weak('its private key is trivial, a number next to zero or to the order of the curve')]
      : [];
  }
  if (algorithm !== 'Ed25519' && algorithm !== 'Ed448') return [];
  if (isFromConstantSeed(algorithm, bits)) {
    return [weak('its private key is a constant')];
  }
  if (!edwardsPointExists(algorithm, bits)) {
    const message = `The public key is not accepted: it is not a point of ${algorithm}.`;
    return [violation('key-malformed', message, 'publicKey')];
  }
  return [];
}

const weak = (why: string): Violation =>
  violation('key-weak', `The public key is weak: ${why}.`, 'publicKey');
