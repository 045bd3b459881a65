/**
 * Text that people read in a name, such as that of an organization. Identifiers have grammars of
 * their own; here any script is welcome, but nothing that a reader cannot see.
 */

import { type Parsed, parsed, unparsed } from '../../identifiers/parsed.ts';

/** ub-common-name and ub-organization-name of RFC 5280 appendix A.1, in characters. */
export const MAX_NAME_CHARACTERS = 64;

// Controls, formatting (bidirectional overrides, zero-width), unassigned, private use, lone
// surrogates; what a renderer leaves out; the blank Braille cell, which only looks like a space.
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;
/** Words of visible ASCII with single spaces between them. */
const PLAIN_WORDS = /^[!-~]+(?: [!-~]+)*$/;
const ODD_SPACE = /(?! )\p{Zs}/u;

/**
 * The text itself if it is 1 to 64 visible characters in Unicode normal form C, with single
 * spaces between words and none around them, so that no two names differ in what nobody sees.
 * Letters of two scripts that look alike are not told apart.
 */
export function parseFreeText(text: string): Parsed<string> {
  // Nothing in it that any of what follows would find.
  if (text.length <= MAX_NAME_CHARACTERS && PLAIN_WORDS.test(text)) return parsed(text);
  const characters = [...text].length;
  if (characters === 0) return unparsed('it is empty');
  if (characters > MAX_NAME_CHARACTERS) {
    return unparsed(`it has ${characters} characters, more than ${MAX_NAME_CHARACTERS}`);
  }
  if (UNSEEN.test(text)) return unparsed('it holds a control or an invisible character');
  if (ODD_SPACE.test(text)) return unparsed('it holds a space other than U+0020');
  if (text !== text.normalize('NFC')) return unparsed('it is not in Unicode normal form C');
  if (/^ | $| {2}/.test(text)) return unparsed('it has spaces around it or two in a row');
  return parsed(text);
}
