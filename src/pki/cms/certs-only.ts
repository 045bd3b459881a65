/**
 * Certificates without anything else in CMS (RFC 5652): SignedData that signs nothing, the
 * "certs-only" answer of EST (RFC 7030 4.1.3 and 4.2.3, RFC 5272 4.1).
 */

import { readCertificate } from '../certificate.ts';
import { DerReader } from '../der.ts';
import { contextConstructed, DerError, tags } from '../der-element.ts';
import { element, explicit, integer, oid, sequence, set } from '../der-writer.ts';
import { contentTypes } from '../oids.ts';
import { accepted, type Checked, refused, violation } from '../violations.ts';

/** More than any chain or set of roots and their rollover needs. */
const MAX_CERTIFICATES = 32;
const MAX_BYTES = 256 * 1024;

/** RFC 5652 5.1: 1 for X.509 certificates only, no signers and content of type data. */
const VERSION = 1;

/**
 * ContentInfo with SignedData, DER but for one thing: the certificates stand in the order given.
 * RFC 5652 makes them a SET, which DER would sort; clients in the field take the first as their
 * own, the last as the root and what is between as the chain, and a receiver must take a SET in
 * any order anyway.
 * @param certificates DER, each a whole certificate
 * @throws RangeError without any, or with more than 32
 */
export function certsOnly(certificates: readonly Uint8Array[]): Uint8Array {
  if (certificates.length === 0 || certificates.length > MAX_CERTIFICATES) {
    throw new RangeError(`${certificates.length} certificates are none or too many`);
  }
  return sequence(
    oid(contentTypes.signedData),
    explicit(
      0,
      sequence(
        integer(VERSION),
        // No digest algorithms, as there are no signers.
        set(),
        // No content either, whose absence is not that of the structure.
        sequence(oid(contentTypes.data)),
        element(contextConstructed(0), ...certificates),
        set(),
      ),
    ),
  );
}

/**
 * The certificates of what {@link certsOnly} writes, in the order in which they stand there.
 * @param der at most 256 KiB; the result refers to these bytes
 * @returns one to 32 certificates, each in strict DER; cms-malformed for anything else, such as
 *   content, signers, revocation lists, BER or bytes that follow
 */
export function readCertsOnly(der: Uint8Array): Checked<readonly Uint8Array[]> {
  try {
    return accepted(certificatesOf(der));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    const message = `The answer is not certs-only CMS in strict DER: ${error.message}.`;
    return refused(violation('cms-malformed', message));
  }
}

function certificatesOf(der: Uint8Array): readonly Uint8Array[] {
  const input = DerReader.over(der, MAX_BYTES);
  const info = input.sequence();
  input.end();
  requireType(info, contentTypes.signedData, 'signed data');
  const wrapped = info.enter(contextConstructed(0));
  info.end();
  const signed = wrapped.sequence();
  wrapped.end();

  const { offset } = signed;
  if (signed.smallInteger() !== VERSION) throw new DerError('the version is not 1', offset);
  signed.set().end();
  const content = signed.sequence();
  requireType(content, contentTypes.data, 'data');
  content.end();
  const certificates = readCertificates(signed.enter(contextConstructed(0)));
  signed.set().end();
  signed.end();
  return certificates;
}

function requireType(reader: DerReader, type: string, name: string): void {
  const { offset } = reader;
  if (reader.oid() !== type) throw new DerError(`the content is not of type ${name}`, offset);
}

/** RFC 5652 10.2.2 knows other kinds, with tags of their own; RFC 7030 wants X.509. */
function readCertificates(reader: DerReader): readonly Uint8Array[] {
  if (reader.atEnd) throw new DerError('there is no certificate', reader.offset);
  const certificates: Uint8Array[] = [];
  while (!reader.atEnd) {
    if (certificates.length === MAX_CERTIFICATES) {
      throw new DerError(`more than ${MAX_CERTIFICATES} certificates`, reader.offset);
    }
    const { raw, offset } = reader.read(tags.sequence);
    certificates.push(wholeCertificate(raw, certificates.length + 1, offset));
  }
  return certificates;
}

function wholeCertificate(der: Uint8Array, position: number, offset: number): Uint8Array {
  try {
    return readCertificate(der).der;
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new DerError(`certificate ${position} cannot be read: ${error.message}`, offset);
  }
}
