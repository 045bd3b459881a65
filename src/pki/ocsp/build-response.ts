/**
 * OCSP responses (RFC 6960 4.2), built in two steps with the signature between them. The builder
 * adds nothing of its own: what is true of a certificate and for how long is for others to say.
 */

import { DerReader } from '../der.ts';
import { tags } from '../der-element.ts';
import {
  bitString,
  explicit,
  generalizedTime,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
} from '../der-writer.ts';
import { ocsp } from '../oids.ts';
import { writeRawExtension } from '../raw-extensions.ts';
import { algorithmIdentifier, type SignatureAlgorithm } from '../signature-algorithm.ts';
import { type CertificateStatus, writeCertificateStatus } from './certificate-status.ts';
import { writeNonce } from './extensions.ts';
import { type OcspErrorStatus, responseStatuses } from './response-status.ts';

/** The answer to one CertID. All times in whole seconds. */
export interface SingleAnswer {
  /** As it stood in the request, byte for byte. */
  readonly certIdDer: Uint8Array;
  readonly status: CertificateStatus;
  /** When the status was known to be correct (RFC 6960 2.5). */
  readonly thisUpdate: Date;
  /** Required by RFC 5019 2.2.4: without it no answer could be cached. */
  readonly nextUpdate: Date;
  /** How far back expired certificates are answered for (RFC 6960 4.4.4). */
  readonly archiveCutoff?: Date;
}

export interface OcspAnswers {
  /** SHA-1 of the signer's key, which is `keyIdentifier(key, 20)` (RFC 6960 4.2.1 KeyHash). */
  readonly responderKeyHash: Uint8Array;
  /** When this is being signed; whole seconds. */
  readonly producedAt: Date;
  /** One for each CertID of the request, in its order. */
  readonly responses: readonly SingleAnswer[];
  /** That of the request, 1 to 128 octets. */
  readonly nonce?: Uint8Array;
  /** Says that `revoked` may also mean: never issued (RFC 6960 4.4.8). */
  readonly extendedRevoke?: boolean;
}

/** A CertID with the longest hashes and serial number of its own 8 KiB request stays below. */
const MAX_CERT_ID_BYTES = 8 * 1024;

/**
 * The ResponseData, DER: what is signed. ResponderID is byKey, version v1 by being absent.
 * @throws RangeError on no answers, a key hash or nonce of a wrong length, a time with a fraction
 *   of a second, a CertID that is no DER SEQUENCE
 */
export function buildOcspResponseData(answers: OcspAnswers): Uint8Array {
  const { responderKeyHash, producedAt, responses } = answers;
  if (responderKeyHash.length !== 20) {
    throw new RangeError(`a key hash of ${responderKeyHash.length} octets is not SHA-1`);
  }
  if (responses.length === 0) throw new RangeError('a response without answers');
  const extensions = responseExtensions(answers);
  return sequence(
    explicit(2, octetString(responderKeyHash)),
    wholeSeconds(producedAt),
    sequence(...responses.map(singleResponse)),
    ...(extensions.length > 0 ? [explicit(1, sequence(...extensions))] : []),
  );
}

function responseExtensions({ nonce, extendedRevoke }: OcspAnswers): Uint8Array[] {
  const extensions: Uint8Array[] = [];
  if (nonce) extensions.push(writeNonce(nonce));
  if (extendedRevoke) extensions.push(writeRawExtension(ocsp.extendedRevoke, false, nullValue()));
  return extensions;
}

function singleResponse(answer: SingleAnswer): Uint8Array {
  const { certIdDer, status, thisUpdate, nextUpdate, archiveCutoff } = answer;
  if (status.kind === 'revoked') requireWholeSeconds(status.at);
  const parts = [
    oneSequence(certIdDer),
    writeCertificateStatus(status),
    wholeSeconds(thisUpdate),
    explicit(0, wholeSeconds(nextUpdate)),
  ];
  if (archiveCutoff) {
    const cutoff = writeRawExtension(ocsp.archiveCutoff, false, wholeSeconds(archiveCutoff));
    parts.push(explicit(1, sequence(cutoff)));
  }
  return sequence(...parts);
}

/** RFC 5019 2.2.4: GeneralizedTime in UTC, with seconds and without fractions. */
function wholeSeconds(time: Date): Uint8Array {
  requireWholeSeconds(time);
  return generalizedTime(time);
}

function requireWholeSeconds(time: Date): void {
  if (!Number.isInteger(time.getTime() / 1000)) {
    throw new RangeError('a time has a fraction of a second, or is no time at all');
  }
}

function oneSequence(der: Uint8Array): Uint8Array {
  const input = DerReader.over(der, MAX_CERT_ID_BYTES);
  const whole = input.has(tags.sequence) && input.read().raw.length === der.length;
  if (!whole) throw new RangeError('a CertID is not one DER SEQUENCE');
  return der;
}

/**
 * The OCSPResponse, DER, with status successful.
 * @param tbs as `buildOcspResponseData` made it
 * @param signature of `tbs` as a signer made it: ECDSA in DER, the others raw
 * @param certificates DER, the signer's first; none if the CA itself signs (RFC 5019 2.2.1)
 */
export function assembleOcspResponse(
  tbs: Uint8Array,
  signatureAlgorithm: SignatureAlgorithm,
  signature: Uint8Array,
  certificates: readonly Uint8Array[],
): Uint8Array {
  const basic = sequence(
    tbs,
    algorithmIdentifier(signatureAlgorithm),
    bitString(signature),
    ...(certificates.length > 0 ? [explicit(0, sequence(...certificates))] : []),
  );
  return sequence(
    integer(responseStatuses.successful, tags.enumerated),
    explicit(0, sequence(oid(ocsp.basicResponse), octetString(basic))),
  );
}

/** An OCSPResponse that says only what went wrong (RFC 6960 2.3, 4.2.1): never signed. DER. */
export const ocspError = (status: OcspErrorStatus): Uint8Array =>
  sequence(integer(responseStatuses[status], tags.enumerated));
