/**
 * The answer to a request for a key that the server makes (RFC 7030 4.4.2): multipart/mixed of
 * the private key and its certificate, both in base64 (RFC 2046 5.1, RFC 2045 6.8).
 */

/** RFC 2046 5.1.1, without the characters that would need quotes in a header. */
const boundaryForm = /^[0-9A-Za-z'_+.-]{1,70}$/;
const COLUMNS = 64;

/** The Content-Type of {@link keyAndCertificate}. */
export const multipartType = (boundary: string): string =>
  `multipart/mixed; boundary=${checkedBoundary(boundary)}`;

/**
 * The body, ASCII with CRLF. The key comes first, as in RFC 7030's own example.
 *
 * It is made as octets and never as a string, which could not be overwritten: the caller wipes
 * the body when it has been sent, as well as the key that went into it.
 * @param boundary any of RFC 2046 without spaces and quotes; `--` does not occur in base64, so it
 *   needs not be random
 * @param privateKey PKCS#8, DER
 * @param certificates certs-only CMS, DER
 * @throws RangeError on another boundary
 */
export function keyAndCertificate(
  boundary: string,
  privateKey: Uint8Array,
  certificates: Uint8Array,
): Uint8Array {
  const delimiter = `--${checkedBoundary(boundary)}`;
  const pieces = [
    header(delimiter, 'application/pkcs8'),
    privateKey,
    header(`\r\n${delimiter}`, 'application/pkcs7-mime; smime-type=certs-only'),
    certificates,
    `\r\n${delimiter}--\r\n`,
  ];
  const body = new Uint8Array(
    pieces.reduce(
      (sum, piece) => sum + (typeof piece === 'string' ? piece.length : wrappedLength(piece)),
      0,
    ),
  );
  let position = 0;
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      for (let i = 0; i < piece.length; i++) body[position + i] = piece.charCodeAt(i);
      position += piece.length;
    } else {
      position = writeWrapped(body, position, piece);
    }
  }
  return body;
}

function checkedBoundary(boundary: string): string {
  if (!boundaryForm.test(boundary)) throw new RangeError('no boundary of RFC 2046');
  return boundary;
}

const header = (delimiter: string, type: string): string =>
  `${delimiter}\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\n\r\n`;

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = 0x3d;

/** Of base64 in lines, without an end of the last one. */
function wrappedLength({ length }: Uint8Array): number {
  const characters = 4 * Math.ceil(length / 3);
  return characters + 2 * Math.max(0, Math.ceil(characters / COLUMNS) - 1);
}

/** Writes `octets` into `body` as base64 in lines; the position after it. */
function writeWrapped(body: Uint8Array, start: number, octets: Uint8Array): number {
  let position = start;
  for (let i = 0; i < octets.length; i += 3) {
    if (i > 0 && (i / 3) % (COLUMNS / 4) === 0) {
      body[position++] = 0x0d;
      body[position++] = 0x0a;
    }
    const [first = 0, second, third] = octets.subarray(i, i + 3);
    const group = (first << 16) | ((second ?? 0) << 8) | (third ?? 0);
    body[position++] = alphabet[group >> 18] as number;
    body[position++] = alphabet[(group >> 12) & 0x3f] as number;
    body[position++] = second === undefined ? PADDING : (alphabet[(group >> 6) & 0x3f] as number);
    body[position++] = third === undefined ? PADDING : (alphabet[group & 0x3f] as number);
  }
  return position;
}
