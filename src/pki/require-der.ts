import type { DerReader } from './der.ts';

/**
 * Refuses what is not DER among elements that nobody interprets, such as policy qualifiers or the
 * parameters of unknown algorithms: tags, lengths and nesting, down to the primitive values.
 * @param reader is read to its end
 * @throws DerError
 */
export function requireDer(reader: DerReader): void {
  while (!reader.atEnd) {
    const element = reader.read();
    if ((element.tag & 0x20) !== 0) requireDer(reader.inside(element));
  }
}
