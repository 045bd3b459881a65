/** Certification requests as text, in the many forms in which stations and their CSMS send them. */

import { decodeBase64, PemError, readPemBlocks } from './pem.ts';
import { accepted, type Checked, refused, violation } from './violations.ts';

/** Enough for the largest request that `readRequest` takes, in hex, and for its PEM with comments. */
export const MAX_REQUEST_CHARACTERS = 16 * 1024;

/** The second is what older Microsoft and Netscape tools write (RFC 7468 7). */
const labels: readonly string[] = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'];

/**
 * The DER in the text of a request: one PEM block (CRLF, missing line ends, line ends escaped as
 * backslash and n, and text around the block are forgiven), or bare base64 or hex as the OCPP 1.6
 * security whitepaper's first edition allowed. Only the wrapping is forgiven: what is inside goes
 * through the strict `readRequest`.
 * @returns the DER, or csr-too-large or csr-malformed with what is wrong
 */
export function decodeRequestText(text: string): Checked<Uint8Array> {
  if (text.length > MAX_REQUEST_CHARACTERS) {
    return refused(
      violation(
        'csr-too-large',
        `The request has ${text.length} characters; ${MAX_REQUEST_CHARACTERS} are allowed.`,
      ),
    );
  }
  // Base64, hex and PEM labels have no backslash, so an escaped line end can be nothing else.
  const unescaped = text.replace(/\\r|\\n/g, '\n');
  return unescaped.includes('-----') ? fromPem(unescaped) : fromBareText(unescaped);
}

function fromPem(text: string): Checked<Uint8Array> {
  try {
    const [block, another] = readPemBlocks(text);
    if (block === undefined) return malformed('The request has no PEM block.');
    if (another !== undefined) return malformed('The request has more than one PEM block.');
    if (!labels.includes(block.label)) {
      return malformed(`The request is a PEM block of type ${block.label}, not a CSR.`);
    }
    return accepted(block.der);
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    return malformed(`The request is not PEM: ${error.message}.`);
  }
}

/** DER of a SEQUENCE starts with 0x30: `30` in hex and `M` in base64, so the two never meet. */
function fromBareText(text: string): Checked<Uint8Array> {
  const compact = text.replace(/[ \t\r\n]+/g, '');
  if (compact.startsWith('30')) {
    return /^(?:[0-9A-Fa-f]{2})+$/.test(compact)
      ? accepted(new Uint8Array(Buffer.from(compact, 'hex')))
      : malformed('The request starts like hex, but is not hex throughout.');
  }
  const der = compact.startsWith('M') ? decodeBase64(compact) : undefined;
  return der === undefined
    ? malformed('The request is neither PEM nor DER in base64 or hex.')
    : accepted(der);
}

const malformed = (message: string): Checked<never> => refused(violation('csr-malformed', message));
