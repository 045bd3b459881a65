/** The extensions of a CRL as a whole (RFC 5280 5.2): those that evpki writes and understands. */

import { bitStringOf, DerReader } from '../der.ts';
import { contextConstructed, contextPrimitive, DerError } from '../der-element.ts';
import { explicit, implicit, integer, sequence } from '../der-writer.ts';
import { readExtensionSet } from '../extensions/read.ts';
import { readDistributionPointUrls } from '../extensions/read-locations.ts';
import { writeDistributionPoint } from '../extensions/write.ts';
import { extensions as oids } from '../oids.ts';
import { type RawExtension, writeRawExtension } from '../raw-extensions.ts';

/** What a CRL of ours says about the certificates that it covers. */
export interface IssuedDistributionPoint {
  /** Exactly the URLs of the certificates' crlDistributionPoints, in their order. */
  readonly urls: readonly string[];
  /** The CRL covers certificates of authorities only. */
  readonly onlyCaCerts?: boolean;
  /** The CRL covers certificates of end entities only. */
  readonly onlyUserCerts?: boolean;
}

export interface IssuedCrlExtensions {
  readonly crlNumber: bigint;
  /** The subject key identifier of the issuer's certificate. */
  readonly authorityKeyIdentifier: Uint8Array;
  /**
   * To be left out of a CRL that covers everything its issuer signed, as RFC 5280 5.2.5 allows and
   * all CRLs of evpki do. The extension is critical, and whoever does not know it must not use the
   * CRL: OpenSSL and GnuTLS take it, but Mbed TLS, common in small devices, loads no CRL with any
   * critical extension (Mbed-TLS/mbedtls issues 6175 and 10560). It also ties the CRL to one URL,
   * so that a mirror or a cache under another name could not serve it. What it is good for, telling
   * apart the partial lists of one issuer, does not arise until there are any.
   */
  readonly issuingDistributionPoint?: IssuedDistributionPoint;
}

const MAX_CRL_NUMBER_OCTETS = 20;
/** The largest number that an INTEGER of 20 octets holds (RFC 5280 5.2.3). */
const MAX_CRL_NUMBER = (1n << BigInt(8 * MAX_CRL_NUMBER_OCTETS - 1)) - 1n;

/**
 * The field crlExtensions, with its context tag.
 * @throws RangeError on a number below 0 or of more than 20 octets (RFC 5280 5.2.3), an empty key
 *   identifier, and a distribution point without absolute http URLs or of an empty scope
 */
export function writeCrlExtensions(set: IssuedCrlExtensions): Uint8Array {
  const { crlNumber, authorityKeyIdentifier, issuingDistributionPoint } = set;
  if (crlNumber < 0n || crlNumber > MAX_CRL_NUMBER) {
    throw new RangeError(`a CRL number of ${crlNumber}`);
  }
  if (authorityKeyIdentifier.length === 0) throw new RangeError('an empty key identifier');
  const keyIdentifier = sequence(implicit(0, authorityKeyIdentifier));
  const parts = [
    writeRawExtension(oids.authorityKeyIdentifier, false, keyIdentifier),
    writeRawExtension(oids.crlNumber, false, integer(crlNumber)),
  ];
  if (issuingDistributionPoint) {
    const point = writeIssuingDistributionPoint(issuingDistributionPoint);
    parts.push(writeRawExtension(oids.issuingDistributionPoint, true, point));
  }
  return explicit(0, sequence(...parts));
}

/** RFC 5280 5.2.5. What is FALSE is not encoded (X.690 11.5). */
function writeIssuingDistributionPoint(point: IssuedDistributionPoint): Uint8Array {
  const { urls, onlyCaCerts = false, onlyUserCerts = false } = point;
  if (onlyCaCerts && onlyUserCerts) throw new RangeError('a CRL for neither users nor authorities');
  return sequence(
    writeDistributionPoint(urls),
    ...(onlyUserCerts ? [implicit(1, TRUE)] : []),
    ...(onlyCaCerts ? [implicit(2, TRUE)] : []),
  );
}

const TRUE = new Uint8Array([0xff]);

/** RFC 5280 5.2.5, from anybody's CRL. */
export interface IssuingDistributionPoint {
  readonly critical: boolean;
  /** DER of the field distributionPoint, to be compared with a certificate's; undefined if absent. */
  readonly distributionPointDer: Uint8Array | undefined;
  /** The URLs in it. */
  readonly urls: readonly string[];
  readonly onlyUserCerts: boolean;
  readonly onlyCaCerts: boolean;
  /** Whether revocations for other reasons are listed elsewhere. */
  readonly onlySomeReasons: boolean;
  readonly indirectCrl: boolean;
  readonly onlyAttributeCerts: boolean;
}

export interface CrlExtensions {
  readonly crlNumber?: { readonly critical: boolean; readonly value: bigint };
  /** `value` is absent when the issuer is named by its issuer and serial number only. */
  readonly authorityKeyIdentifier?: { readonly critical: boolean; readonly value?: Uint8Array };
  readonly issuingDistributionPoint?: IssuingDistributionPoint;
}

/** The OIDs of the extensions that {@link readCrlExtensions} interprets. */
export const understoodCrlExtensions: ReadonlySet<string> = new Set([
  oids.crlNumber,
  oids.authorityKeyIdentifier,
  oids.issuingDistributionPoint,
]);

/**
 * Interprets the extensions that evpki understands and passes over the others, critical ones too.
 * @throws DerError on a malformed extension, a CRL number below 0 or of more than 20 octets, and on
 *   any extension occurring twice; `offset` counts within the extension's value
 */
export function readCrlExtensions(raw: readonly RawExtension[]): CrlExtensions {
  const byOid = new Map(raw.map((extension) => [extension.oid, extension]));
  if (byOid.size < raw.length) throw new DerError('an extension of a CRL is repeated', 0);
  const number = byOid.get(oids.crlNumber);
  const keyIdentifier = byOid.get(oids.authorityKeyIdentifier);
  const point = byOid.get(oids.issuingDistributionPoint);
  const { authorityKeyIdentifier } = readExtensionSet(keyIdentifier ? [keyIdentifier] : []);
  return {
    ...(number && { crlNumber: { critical: number.critical, value: readCrlNumber(number) } }),
    ...(authorityKeyIdentifier && { authorityKeyIdentifier }),
    ...(point && { issuingDistributionPoint: readIssuingDistributionPoint(point) }),
  };
}

function readCrlNumber({ value }: RawExtension): bigint {
  const reader = DerReader.over(value, 2 + MAX_CRL_NUMBER_OCTETS);
  const octets = reader.integerBytes();
  reader.end();
  if ((octets[0] ?? 0) >= 0x80) throw new DerError('a CRL number below 0', 0);
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`);
}

function readIssuingDistributionPoint({ critical, value }: RawExtension): IssuingDistributionPoint {
  const outer = DerReader.over(value, value.length);
  const fields = outer.sequence();
  outer.end();
  if (fields.atEnd) throw new DerError('an issuing distribution point says nothing', 0);
  const pointTag = contextConstructed(0);
  const hasPoint = fields.has(pointTag);
  const distributionPointDer = hasPoint ? fields.read(pointTag).raw : undefined;
  const urls = distributionPointDer
    ? readDistributionPointUrls(DerReader.over(distributionPointDer, value.length))
    : [];
  const onlyUserCerts = readFlag(fields, 1);
  const onlyCaCerts = readFlag(fields, 2);
  const onlySomeReasons = fields.has(contextPrimitive(3));
  if (onlySomeReasons) {
    const { content, offset } = fields.read();
    bitStringOf(content, offset);
  }
  const indirectCrl = readFlag(fields, 4);
  const onlyAttributeCerts = readFlag(fields, 5);
  fields.end();
  return {
    ...{ critical, distributionPointDer, urls, onlyUserCerts, onlyCaCerts },
    ...{ onlySomeReasons, indirectCrl, onlyAttributeCerts },
  };
}

/** `[number] IMPLICIT BOOLEAN DEFAULT FALSE`. */
function readFlag(fields: DerReader, number: number): boolean {
  if (!fields.has(contextPrimitive(number))) return false;
  const { content, offset } = fields.read();
  if (content.length !== 1 || content[0] !== 0xff) {
    throw new DerError('a boolean is not FF, or a default value is encoded', offset);
  }
  return true;
}
