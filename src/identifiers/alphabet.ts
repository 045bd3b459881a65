/**
 * Which characters an identifier may be made of. Everything evpki reads as an identifier is ASCII:
 * with no other script there are no look-alikes, and with no control, bidirectional or zero-width
 * characters what a person reads is what was signed.
 */

export interface Alphabet {
  /** Matches what is made of allowed characters only. */
  readonly text: RegExp;
  /** For the reason given to people, e.g. `letters A-Z, digits and '-'`. */
  readonly description: string;
}

export const lettersAndDigits: Alphabet = {
  text: /^[A-Za-z0-9]*$/,
  description: 'ASCII letters and digits',
};

export const lettersDigitsAndHyphen: Alphabet = {
  text: /^[A-Za-z0-9-]*$/,
  description: "ASCII letters, digits and '-'",
};

export const printableAscii: Alphabet = {
  text: /^[\x20-\x7e]*$/,
  description: 'printable ASCII characters',
};

/** A character as a message may show it: hostile ones would garble a log line or a terminal. */
const shown = (character: string): string => {
  if (printableAscii.text.test(character)) return `'${character}'`;
  const codePoint = character.codePointAt(0) ?? 0;
  return `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
};

/**
 * Checks the length of a text (in characters, both ends included) and that it is made of the
 * alphabet. Returns undefined if so, else the sentence that says what is wrong; `what` is its
 * subject, e.g. `An EMAID`. The sentence never contains characters other than printable ASCII.
 */
export const textProblem = (
  text: string,
  what: string,
  length: { readonly min: number; readonly max: number },
  alphabet: Alphabet,
): string | undefined => {
  if (text.length === 0) return `${what} must not be empty`;
  // Too long comes before the scan, so that a huge text costs nothing.
  if (text.length > length.max) {
    return `${what} has at most ${length.max} characters, this one has ${text.length}`;
  }
  if (!alphabet.text.test(text)) {
    const characters = [...text];
    const wrong = characters.findIndex((character) => !alphabet.text.test(character));
    const character = shown(characters[wrong] ?? '');
    return `${what} is made of ${alphabet.description}; character ${wrong + 1} is ${character}`;
  }
  if (text.length < length.min) {
    return `${what} has at least ${length.min} characters, this one has ${text.length}`;
  }
  return undefined;
};
