/**
 * Bounds that evpki sets where the schemas leave sizes open. They are far above what messages
 * carry, and they bound what a document can cost: a hit in the string table is a few bits that
 * stand for a whole string.
 */

/** Octets of a document: the largest responses are about 13,000. */
export const MAX_DOCUMENT = 32_768;
/** Characters of a URI, an Id or the name of an issuer. */
export const MAX_CHARACTERS = 1_024;
/** Octets of a digest or signature value. */
export const MAX_OCTETS = 1_024;
/** Bits of a certificate's serial number: RFC 5280 allows 160. */
export const MAX_INTEGER_BITS = 512;
/** References of a signature: ISO 15118-2 allows four ([V2G2-909]). */
export const MAX_REFERENCES = 16;
/** Transforms of a reference: both standards have one. */
export const MAX_TRANSFORMS = 4;
