/**
 * What is wrong with an EXI document, or with a value that is to become one.
 *
 * - `not-exi`: the first octet is not that of these messages (0x80: no cookie, no options)
 * - `truncated`: the document ends too early
 * - `unexpected-event`: an event that the schema does not have at this place
 * - `other-message`: a message of the standard, but none about contract certificates
 * - `not-supported`: what the schema allows and the standard's profile forbids ([V2G2-771])
 * - `limit`: longer, larger or more of them than the schema, or evpki, allows
 * - `bad-value`: a value that its type does not have
 * - `not-canonical`: readable, but nothing that this codec would write
 * - `trailing-data`: something other than zero octets behind the document
 */
export type ExiErrorCode =
  | 'not-exi'
  | 'truncated'
  | 'unexpected-event'
  | 'other-message'
  | 'not-supported'
  | 'limit'
  | 'bad-value'
  | 'not-canonical'
  | 'trailing-data';

export class ExiError extends Error {
  override readonly name = 'ExiError';
  readonly code: ExiErrorCode;
  /** Position of the item that is wrong, in bits from the start of the document. */
  readonly bit: number;
  /** Names of the elements around it, such as `V2G_Message/Header/SessionID`; may be empty. */
  readonly path: string;

  constructor(code: ExiErrorCode, problem: string, bit: number, path: string) {
    super(`${path === '' ? '' : `${path}: `}${problem} (at bit ${bit})`);
    this.code = code;
    this.bit = bit;
    this.path = path;
  }
}
