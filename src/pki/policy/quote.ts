/**
 * Outside text inside a message: quoted, cut to 80 characters, with everything but printable
 * ASCII and Latin letters escaped, so that it cannot pose as part of the sentence.
 */
export function quote(text: string): string {
  const characters = [...text];
  const cut = characters.length > 80 ? `${characters.slice(0, 80).join('')}...` : text;
  return JSON.stringify(cut).replace(/[^\x20-\x7e\u00a1-\u00ac\u00ae-\u024f]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
