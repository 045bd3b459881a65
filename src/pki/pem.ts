/** PEM, the textual encoding of DER (RFC 7468). */

export interface PemBlock {
  /** What follows BEGIN, such as `CERTIFICATE REQUEST`. */
  readonly label: string;
  readonly der: Uint8Array;
}

/** Text that is not PEM. The message never repeats the text: it may hold a private key. */
export class PemError extends Error {
  override readonly name = 'PemError';
}

export interface PemLimits {
  readonly characters: number;
  readonly blocks: number;
}

/** Room for a certificate chain or a small trust store. */
const defaultLimits: PemLimits = { characters: 256 * 1024, blocks: 64 };

const BEGIN = '-----BEGIN ';
const END = '-----END ';
const DASHES = '-----';
const labelForm = /^[A-Z0-9]+(?: [A-Z0-9]+)*$/;
const MAX_LABEL = 64;

/**
 * DER as PEM: 64 columns, LF, with a final newline.
 * @throws PemError if the label is not made of upper-case words
 */
export function toPem(label: string, der: Uint8Array): string {
  if (!isLabel(label)) throw new PemError('a PEM label is made of upper-case words');
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return [`${BEGIN}${label}${DASHES}`, ...lines, `${END}${label}${DASHES}`, ''].join('\n');
}

/**
 * All blocks in a text, in order; none is an empty list. White space inside a block does not
 * matter, so CRLF, long lines and a missing last newline are fine; text around blocks is skipped.
 * The base64 must be canonical, and encapsulated headers (encrypted keys) are not supported.
 * @throws PemError if a block is broken, or the text exceeds `limits`
 */
export function readPemBlocks(text: string, limits: PemLimits = defaultLimits): PemBlock[] {
  if (text.length > limits.characters) {
    throw new PemError(`${text.length} characters are more than the ${limits.characters} allowed`);
  }
  const blocks: PemBlock[] = [];
  let position = 0;
  for (;;) {
    const begin = text.indexOf(BEGIN, position);
    const between = text.slice(position, begin < 0 ? undefined : begin);
    if (between.includes(END)) throw new PemError('an END line without its BEGIN line');
    if (begin < 0) return blocks;
    if (blocks.length === limits.blocks) {
      throw new PemError(`more than ${limits.blocks} PEM blocks`);
    }
    const { block, end } = readBlock(text, begin + BEGIN.length);
    blocks.push(block);
    position = end;
  }
}

function readBlock(text: string, labelStart: number): { block: PemBlock; end: number } {
  const labelEnd = text.indexOf(DASHES, labelStart);
  const label = labelEnd < 0 ? '' : text.slice(labelStart, labelEnd);
  if (!isLabel(label)) throw new PemError('a BEGIN line has no proper label');
  const bodyStart = labelEnd + DASHES.length;
  const bodyEnd = text.indexOf(DASHES, bodyStart);
  const endLine = `${END}${label}${DASHES}`;
  if (bodyEnd < 0 || !text.startsWith(endLine, bodyEnd)) {
    throw new PemError(`a ${label} block does not end with its END line`);
  }
  const der = decodeBase64(text.slice(bodyStart, bodyEnd));
  if (der === undefined || der.length === 0) {
    throw new PemError(`a ${label} block does not hold base64`);
  }
  return { block: { label, der }, end: bodyEnd + endLine.length };
}

const isLabel = (label: string): boolean => label.length <= MAX_LABEL && labelForm.test(label);

/**
 * The bytes of base64 text with any white space in it. Undefined unless it is canonical (RFC 4648
 * 3.5): padded, and without stray bits in the last character.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const compact = text.replace(/[ \t\r\n]+/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undefined;
  const bytes = Buffer.from(compact, 'base64');
  return bytes.toString('base64') === compact ? new Uint8Array(bytes) : undefined;
}
