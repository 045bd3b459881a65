/**
 * Certification requests as bodies of EST (RFC 7030 4.2.1, RFC 8951 3): base64 by the book, and
 * what clients send instead. Headers decide nothing: RFC 8951 3 has a Content-Transfer-Encoding
 * ignored, and clients name media types at random.
 */

import { tags } from './der-element.ts';
import { decodeBase64 } from './pem.ts';
import { decodeRequestText, MAX_REQUEST_CHARACTERS } from './request-text.ts';
import { accepted, type Checked, refused, violation } from './violations.ts';

/** The largest body, in octets: `readRequest` has a smaller limit of its own for the DER in it. */
export const MAX_REQUEST_BODY_BYTES = MAX_REQUEST_CHARACTERS;

/** What Node's decoders would forgive is none of these. */
const textOctets = /^[\t\n\r -~]*$/;
/** One block from the first character to the last; whether it is a good one is for others. */
const onePemBlock = /^-----BEGIN [^-]*-----[^-]*-----END [^-]*-----$/;

/**
 * The DER in a body: base64 in one line or many (ends of lines, spaces and tabs anywhere), one
 * PEM block with nothing but white space around it, or the DER itself. Only the wrapping is
 * forgiven: what is inside goes through the strict `readRequest`.
 * @returns the DER, which may be a view of `body`; or csr-too-large or csr-malformed
 */
export function readRequestBody(body: Uint8Array): Checked<Uint8Array> {
  if (body.length > MAX_REQUEST_BODY_BYTES) {
    const message = `The body has ${body.length} bytes; ${MAX_REQUEST_BODY_BYTES} are allowed.`;
    return refused(violation('csr-too-large', message));
  }
  // Neither base64 nor PEM starts with the octet of a SEQUENCE, which is the digit 0.
  if (body[0] === tags.sequence) return accepted(body);

  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1');
  if (!textOctets.test(text)) return malformed('is neither base64 nor PEM nor DER');
  const trimmed = text.trim();
  if (trimmed === '') return malformed('is empty');
  return trimmed.includes('-----') ? fromPem(trimmed) : fromBase64(trimmed);
}

function fromPem(text: string): Checked<Uint8Array> {
  if (!onePemBlock.test(text)) {
    return malformed('is not one whole PEM block with nothing before and after it');
  }
  return decodeRequestText(text);
}

function fromBase64(text: string): Checked<Uint8Array> {
  const der = decodeBase64(text);
  if (der === undefined) return malformed('is not base64 with padding');
  return der[0] === tags.sequence ? accepted(der) : malformed('is base64, but not of DER');
}

/** Never with a part of the body: it may be a private key sent by mistake. */
const malformed = (what: string): Checked<never> =>
  refused(violation('csr-malformed', `The body ${what}.`));
