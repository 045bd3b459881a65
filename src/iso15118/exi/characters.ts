/** Whether XML 1.0 (production 2, Char) allows this code point; surrogates are none. */
export const isXmlCharacter = (codePoint: number): boolean =>
  (codePoint >= 0x20 && codePoint <= 0xd7ff) ||
  codePoint === 0x09 ||
  codePoint === 0x0a ||
  codePoint === 0x0d ||
  (codePoint >= 0xe000 && codePoint <= 0xfffd) ||
  (codePoint >= 0x1_0000 && codePoint <= 0x10_ffff);

/** Whether all characters are those of ASCII that print, the space included. */
export function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e) return false;
  }
  return true;
}

/** Whether this is an NCName (Namespaces in XML 1.0), as an attribute of type ID must be. */
export const isNcName = (text: string): boolean => simpleNcName.test(text) || ncName.test(text);

/** What nearly all are: for those no tables of Unicode are needed. */
const simpleNcName = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

const nameStart =
  'A-Z_a-z\\u{c0}-\\u{d6}\\u{d8}-\\u{f6}\\u{f8}-\\u{2ff}\\u{370}-\\u{37d}\\u{37f}-\\u{1fff}' +
  '\\u{200c}\\u{200d}\\u{2070}-\\u{218f}\\u{2c00}-\\u{2fef}\\u{3001}-\\u{d7ff}' +
  '\\u{f900}-\\u{fdcf}\\u{fdf0}-\\u{fffd}\\u{10000}-\\u{effff}';
const ncName = new RegExp(
  `^[${nameStart}][${nameStart}\\-.0-9\\u{b7}\\u{300}-\\u{36f}\\u{203f}\\u{2040}]*$`,
  'u',
);
