/**
 * Says in words what a SubjectPublicKeyInfo is that evpki does not accept, so that whoever sent it
 * learns what to change: another encoding, another kind of key, or a stronger one. Nothing is
 * decided here: the caller has already refused the key.
 */

import { DerReader } from './der.ts';
import { type DerElement, DerError, tags } from './der-element.ts';
import { algorithms } from './oids.ts';
import { type Violation, violation } from './violations.ts';

/** Larger than RSA-16384; nothing beyond is worth a description. */
const MAX_SPKI = 4096;

/** Smaller moduli have been factored, or could be by those who can afford it. */
const MIN_RSA_BITS = 2048;
const ALLOWED_RSA_BITS = '2048, 3072 or 4096 are expected';

const foreignAlgorithms: Readonly<Record<string, string>> = {
  '1.2.840.10040.4.1': 'it is a DSA key',
  '1.2.840.10046.2.1': 'it is a Diffie-Hellman key',
  '1.2.840.113549.1.3.1': 'it is a Diffie-Hellman key',
  '1.2.840.113549.1.1.7': 'it is an RSA-OAEP key; rsaEncryption is expected',
  '1.2.840.113549.1.1.10': 'it is an RSA-PSS key; rsaEncryption is expected',
  '1.3.132.1.12': 'it is an id-ecDH key; id-ecPublicKey is expected',
  '1.3.132.1.13': 'it is an id-ecMQV key; id-ecPublicKey is expected',
  '1.3.101.110': 'it is an X25519 key, which cannot sign',
  [algorithms.x448]: 'it is an X448 key, which cannot sign',
};

const curveNames: Readonly<Record<string, string>> = {
  '1.2.840.10045.3.1.1': 'secp192r1',
  '1.3.132.0.33': 'secp224r1',
  '1.3.132.0.10': 'secp256k1',
  '1.3.36.3.3.2.8.1.1.7': 'brainpoolP256r1',
  '1.3.36.3.3.2.8.1.1.11': 'brainpoolP384r1',
  '1.3.36.3.3.2.8.1.1.13': 'brainpoolP512r1',
};

/** The octets of an uncompressed point on each accepted curve. */
const pointOctets: Readonly<Record<string, number>> = {
  '1.2.840.10045.3.1.7': 65,
  '1.3.132.0.34': 97,
  '1.3.132.0.35': 133,
};

/** Which of the three it is, and a phrase without a full stop such as `its point is compressed`. */
interface Description {
  readonly code: 'key-malformed' | 'key-type' | 'key-weak';
  readonly what: string;
}

const malformed = (what: string): Description => ({ code: 'key-malformed', what });
/** In good form, and of a kind or size that no profile can allow. */
const ofOtherType = (what: string): Description => ({ code: 'key-type', what });
const weak = (what: string): Description => ({ code: 'key-weak', what });

/**
 * Why a SubjectPublicKeyInfo outside the accepted encodings is refused: `key-malformed` only if it
 * is no key in DER as its standard writes it, `key-weak` if others could find its private key,
 * `key-type` for every other kind, curve, size or exponent. Never throws.
 */
export function foreignKeyViolation(spki: Uint8Array): Violation {
  const { code, what } = described(spki);
  return violation(code, `The public key is not accepted: ${what}.`, 'publicKey');
}

function described(spki: Uint8Array): Description {
  try {
    return describe(spki);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return malformed(`it is not a SubjectPublicKeyInfo in DER: ${error.message}`);
  }
}

function describe(spki: Uint8Array): Description {
  const outer = DerReader.over(spki, MAX_SPKI);
  const fields = outer.sequence();
  outer.end();
  const identifier = fields.sequence();
  const { unusedBits, bytes } = fields.bitString();
  fields.end();
  const oid = identifier.oid();
  const parameters = identifier.atEnd ? undefined : identifier.read();
  identifier.end();

  if (unusedBits !== 0) return malformed('its bit string has unused bits');
  const foreign = Object.hasOwn(foreignAlgorithms, oid) ? foreignAlgorithms[oid] : undefined;
  if (foreign !== undefined) return ofOtherType(foreign);
  switch (oid) {
    case algorithms.ecPublicKey:
      return describeEc(parameters, bytes);
    case algorithms.rsaEncryption:
      return describeRsa(parameters, bytes);
    case algorithms.ed25519:
    case algorithms.ed448: {
      const name = oid === algorithms.ed25519 ? 'Ed25519' : 'Ed448';
      if (parameters) {
        return malformed(`${name} has no parameters (RFC 8410 3), but these bytes have`);
      }
      const expected = oid === algorithms.ed25519 ? 32 : 57;
      return malformed(`an ${name} key has ${expected} octets, this one ${bytes.length}`);
    }
    default:
      return ofOtherType(`its algorithm ${oid} is not known`);
  }
}

function describeEc(parameters: DerElement | undefined, point: Uint8Array): Description {
  if (!parameters) {
    return malformed('the parameters that name its curve are missing (RFC 5480 2.1.1)');
  }
  if (parameters.tag === tags.sequence) {
    return malformed(
      'its curve is given by explicit parameters; a named curve is expected (RFC 5480 2.1.1)',
    );
  }
  if (parameters.tag === tags.null) {
    return malformed('its curve is left implicit; a named curve is expected (RFC 5480 2.1.1)');
  }
  const curve = DerReader.over(parameters.raw, MAX_SPKI).oid();
  const octets = Object.hasOwn(pointOctets, curve) ? pointOctets[curve] : undefined;
  if (octets === undefined) {
    const name = Object.hasOwn(curveNames, curve) ? `${curveNames[curve]} (${curve})` : curve;
    return ofOtherType(`its curve is ${name}; P-256, P-384 or P-521 is expected`);
  }
  return malformed(describePoint(point, octets));
}

function describePoint(point: Uint8Array, octets: number): string {
  switch (point[0]) {
    case 0x04:
      return `its point has ${point.length} octets, ${octets} are expected`;
    case 0x02:
    case 0x03:
      return 'its point is compressed; the uncompressed form is expected';
    case 0x06:
    case 0x07:
      return 'its point is in hybrid form, which RFC 5480 2.2 forbids';
    case 0x00:
      return 'its point is the point at infinity';
    default:
      return 'its point has no known form (RFC 5480 2.2)';
  }
}

function describeRsa(parameters: DerElement | undefined, bytes: Uint8Array): Description {
  if (parameters?.tag !== tags.null || parameters.content.length !== 0) {
    return malformed('the parameters of an RSA key are NULL (RFC 3279 2.3.1), but not here');
  }
  const outer = DerReader.over(bytes, MAX_SPKI);
  const fields = outer.sequence();
  outer.end();
  const modulus = fields.integerBytes();
  const exponent = fields.integerBytes();
  fields.end();
  if ((modulus[0] ?? 0) >= 0x80) return malformed('its RSA modulus is negative');
  const bits = bitLength(modulus);
  if (bits < MIN_RSA_BITS) return weak(`its RSA modulus has ${bits} bits; ${ALLOWED_RSA_BITS}`);
  const hex = Buffer.from(exponent).toString('hex');
  const shown = hex.length > 20 ? `${hex.slice(0, 20)}…` : hex;
  const what = `its RSA exponent is ${shown} hex; 010001 (65537) is expected`;
  if (hex === '01') return weak(what);
  if (!isRsaExponent(exponent)) return malformed(what);
  if (bits !== 2048 && bits !== 3072 && bits !== 4096) {
    return ofOtherType(`its RSA modulus has ${bits} bits; ${ALLOWED_RSA_BITS}`);
  }
  return ofOtherType(what);
}

/** Odd and positive: an even one has no private key to it (RFC 8017 3.1). */
const isRsaExponent = (content: Uint8Array): boolean =>
  (content[0] ?? 0x80) < 0x80 && ((content.at(-1) ?? 0) & 1) === 1;

/** The bits of a non-negative integer's content octets. */
function bitLength(content: Uint8Array): number {
  const start = content[0] === 0 ? 1 : 0;
  const first = content[start];
  return first === undefined ? 0 : 8 * (content.length - start) - (Math.clz32(first) - 24);
}
