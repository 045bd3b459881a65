/**
 * The two encodings of an ECDSA signature: Ecdsa-Sig-Value in DER, as certificates, CRLs and OCSP
 * carry it (RFC 3279 2.2.3), and r followed by s in fixed length, as XML signatures carry it
 * (RFC 4050, XML Signature 1.1 6.4.3). Both are read strictly: one value has one encoding.
 */

import { type Curve, type CurveName, curves, isScalar } from './curves.ts';
import { DerReader } from './der.ts';
import { DerError } from './der-element.ts';
import { sequence, unsignedInteger } from './der-writer.ts';

/** Two integers of P-521 with their headers, and some room for saying what is wrong. */
const MAX_SIGNATURE = 160;

/**
 * From DER to r || s, each zero-padded to the curve's length: 64, 96 or 132 octets.
 * @throws DerError unless the input is one SEQUENCE of two integers between 1 and the order - 1
 */
export function ecdsaDerToRaw(der: Uint8Array, curve: CurveName): Uint8Array {
  const { octets } = curves[curve];
  const [r, s] = readSignature(der, curves[curve]);
  const raw = new Uint8Array(2 * octets);
  raw.set(r, octets - r.length);
  raw.set(s, 2 * octets - s.length);
  return raw;
}

/**
 * From r || s to DER. The length tells the curve: 64, 96 or 132 octets.
 * @throws RangeError for another length, or unless r and s are between 1 and the order - 1
 */
export function ecdsaRawToDer(raw: Uint8Array): Uint8Array {
  const curve = Object.values(curves).find(({ octets }) => raw.length === 2 * octets);
  if (!curve) throw new RangeError(`no ECDSA signature of ours has ${raw.length} octets`);
  const r = raw.subarray(0, curve.octets);
  const s = raw.subarray(curve.octets);
  if (!isScalar(curve, r) || !isScalar(curve, s)) {
    throw new RangeError('r and s of an ECDSA signature lie between 1 and the order of the curve');
  }
  return sequence(unsignedInteger(r), unsignedInteger(s));
}

/** Whether these bytes are an Ecdsa-Sig-Value that {@link ecdsaDerToRaw} reads. */
export function isStrictEcdsaSignature(der: Uint8Array, curve: Curve): boolean {
  try {
    readSignature(der, curve);
    return true;
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

/** r and s without the zero octet that keeps them positive. */
function readSignature(der: Uint8Array, curve: Curve): [r: Uint8Array, s: Uint8Array] {
  const outer = DerReader.over(der, MAX_SIGNATURE);
  const fields = outer.sequence();
  outer.end();
  const r = readScalar(fields, curve);
  const s = readScalar(fields, curve);
  fields.end();
  return [r, s];
}

function readScalar(fields: DerReader, curve: Curve): Uint8Array {
  const start = fields.offset;
  const content = fields.integerBytes();
  if ((content[0] ?? 0) >= 0x80) throw new DerError('r or s is negative', start);
  const magnitude = content[0] === 0 ? content.subarray(1) : content;
  if (!isScalar(curve, magnitude)) {
    throw new DerError(`r or s is not between 1 and the order of ${curve.name}`, start);
  }
  return magnitude;
}
