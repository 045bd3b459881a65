import { bitStringOf, DerReader } from './der.ts';
import { type DerElement, DerError, tags } from './der-element.ts';

/**
 * Refuses what is not DER among elements that nobody interprets, such as policy qualifiers or
 * attributes of other people's: tags, lengths and nesting, and the values of those types that have
 * one encoding in DER and several in BER.
 * @param reader is read to its end
 * @throws DerError
 */
export function requireDer(reader: DerReader): void {
  while (!reader.atEnd) requireDerElement(reader.read(), reader);
}

/**
 * The same for one element.
 * @param reader the one that returned it
 * @throws DerError
 */
export function requireDerElement(element: DerElement, reader: DerReader): void {
  if ((element.tag & 0x20) !== 0) requireDer(reader.inside(element));
  else requirePrimitive(element);
}

/** X.690 8.3.2, 8.8.2, 8.19.2, 11.1, 11.2. Strings and times are left to whoever reads them. */
function requirePrimitive(element: DerElement): void {
  const { tag, offset } = element;
  switch (tag) {
    case tags.boolean:
      alone(element).boolean();
      return;
    case tags.integer:
    case tags.enumerated:
      alone(element).integerBytes(tag);
      return;
    case tags.bitString:
      bitStringOf(element.content, offset);
      return;
    case tags.null:
      alone(element).null();
      return;
    case tags.oid:
      if (!isOid(element.content))
        throw new DerError('an object identifier is not in its shortest form', offset);
  }
}

const alone = ({ raw }: DerElement): DerReader => DerReader.over(raw, raw.length);

/** Of any length: whoever wants to know which one it is reads it, and that has a limit. */
function isOid(content: Uint8Array): boolean {
  let before = 0;
  for (const octet of content) {
    if (octet === 0x80 && before < 0x80) return false;
    before = octet;
  }
  return content.length > 0 && before < 0x80;
}
