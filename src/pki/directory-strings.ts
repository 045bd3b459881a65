/** Attribute values of names: which string types, characters and lengths they may have, and how
 * they are read and written (RFC 5280 4.1.2.4 and appendix A.1). */

import { sameBytes } from './byte-order.ts';
import { type DerElement, tags } from './der-element.ts';
import { ia5String, printableString, utf8String } from './der-writer.ts';

type DirectoryStringKind = 'utf8' | 'printable' | 'ia5';

/** How an attribute's value is written, and how long it may be in characters. */
interface AttributeRule {
  readonly kind: DirectoryStringKind;
  readonly maximum: number;
}

/** The upper bounds of RFC 5280 appendix A.1; street is X.520's, DC that of a DNS label. */
const ruleByType = new Map<string, AttributeRule>([
  ['CN', { kind: 'utf8', maximum: 64 }],
  ['serialNumber', { kind: 'printable', maximum: 64 }],
  ['C', { kind: 'printable', maximum: 2 }],
  ['L', { kind: 'utf8', maximum: 128 }],
  ['ST', { kind: 'utf8', maximum: 128 }],
  ['street', { kind: 'utf8', maximum: 128 }],
  ['O', { kind: 'utf8', maximum: 64 }],
  ['OU', { kind: 'utf8', maximum: 64 }],
  ['DC', { kind: 'ia5', maximum: 63 }],
  ['emailAddress', { kind: 'ia5', maximum: 255 }],
]);
const ruleOfOthers: AttributeRule = { kind: 'utf8', maximum: 128 };
const ruleOf = (type: string): AttributeRule => ruleByType.get(type) ?? ruleOfOthers;

/** The string types that a value of each kind may be read from. */
const tagsByKind: Record<DirectoryStringKind, readonly number[]> = {
  utf8: [tags.utf8String, tags.printableString],
  printable: [tags.printableString],
  ia5: [tags.ia5String],
};

const printableCharacters = /^[A-Za-z0-9 '()+,\-./:=?]*$/;
const twoLetters = /^[A-Z]{2}$/;
const ia5Characters = /^[ -~]*$/;
/** Controls, bidi and zero-width characters, fillers, private use, unassigned, lone surrogates. */
const unwantedCharacter = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const nothingVisible = /^\p{White_Space}*$/u;
/** None of it is unwanted, and every normal form leaves it as it is. */
const plainText = /^[ -~]*[!-~][ -~]*$/;

/** A value's text, or what is wrong with its encoding. */
export type StringReading = { readonly text: string } | { readonly problem: string };

/** Reads an attribute value of one of the string types that evpki accepts for its type. */
export function readString(type: string, { tag, content }: DerElement): StringReading {
  if (!tagsByKind[ruleOf(type).kind].includes(tag)) {
    return { problem: `${stringTypeName(tag)} is not accepted here` };
  }
  if (tag === tags.utf8String) {
    const text = fromUtf8(content);
    return text === undefined ? { problem: 'the value is not valid UTF-8' } : { text };
  }
  const text = latin1(content);
  return tag === tags.printableString && !printableCharacters.test(text)
    ? { problem: 'a PrintableString has characters outside its set' }
    : { text };
}

/**
 * The text of a value in somebody else's name, in whatever string type; `#` and the hex of its
 * DER when it is not text (RFC 4514 2.4).
 */
export function readForeignString({ tag, content, raw }: DerElement): string {
  const text = foreignText(tag, content);
  return text ?? `#${Buffer.from(raw).toString('hex')}`;
}

function foreignText(tag: number, content: Uint8Array): string | undefined {
  switch (tag) {
    case tags.utf8String:
      return fromUtf8(content);
    case tags.printableString:
    case tags.ia5String:
    case tags.visibleString:
    case tags.teletexString:
      // T.61 proper is extinct; what certificates call TeletexString is Latin-1.
      return latin1(content);
    case tags.bmpString:
      return fromUtf16(content);
    default:
      return undefined;
  }
}

/** What forbids this text as a value of ours, read or written; undefined if nothing does. */
export function problemOfValue(type: string, value: string): string | undefined {
  const { kind, maximum } = ruleOf(type);
  if (type === 'C' && !twoLetters.test(value)) return 'the value is not two upper-case letters';
  // A character has at most two UTF-16 units; asking that first keeps long values cheap.
  if (value.length > maximum && (value.length > 2 * maximum || [...value].length > maximum)) {
    return `the value has more than ${maximum} characters`;
  }
  if (plainText.test(value)) return kind === 'printable' ? printableProblem(value) : undefined;
  if (nothingVisible.test(value)) return 'the value is empty';
  const unwanted = unwantedCharacter.exec(value);
  if (unwanted) return `the value has the unwanted character ${codePoint(unwanted[0])}`;
  if (kind === 'ia5' && !ia5Characters.test(value)) {
    return 'the value has characters outside ASCII';
  }
  if (kind === 'printable') return printableProblem(value);
  if (value !== value.normalize('NFC')) {
    return 'the value is not in Unicode normalization form C';
  }
  return undefined;
}

const printableProblem = (value: string): string | undefined =>
  printableCharacters.test(value) ? undefined : 'the value has characters outside PrintableString';

/** The DER of a value that {@link problemOfValue} has nothing against. */
export function writeString(type: string, value: string): Uint8Array {
  const { kind } = ruleOf(type);
  if (kind === 'printable') return printableString(value);
  return kind === 'ia5' ? ia5String(value) : utf8String(value);
}

/** Undefined unless it is UTF-8. A byte order mark stays, for others to refuse. */
function fromUtf8(content: Uint8Array): string | undefined {
  if (isAscii(content)) return latin1(content);
  const text = Buffer.from(content).toString('utf8');
  // Decoding replaces what is invalid, so only valid bytes come back as they were.
  return sameBytes(Buffer.from(text, 'utf8'), content) ? text : undefined;
}

function isAscii(content: Uint8Array): boolean {
  for (let i = 0; i < content.length; i++) if ((content[i] as number) >= 0x80) return false;
  return true;
}

/** Undefined unless it is UTF-16BE, which is what BMPString has become. */
function fromUtf16(content: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}

/** Most values are short, and then a loop is faster than the call. */
const MAX_LOOPED = 32;

function latin1(content: Uint8Array): string {
  if (content.length > MAX_LOOPED) {
    return Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
  }
  let text = '';
  for (let i = 0; i < content.length; i++) text += String.fromCharCode(content[i] as number);
  return text;
}

function stringTypeName(tag: number): string {
  const known = Object.entries(tags).find(([, octet]) => octet === tag);
  return known ? known[0] : `a value with tag 0x${tag.toString(16).padStart(2, '0')}`;
}

const codePoint = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
