/** Certificates as text, in the forms in which people and programs send them. */

import { type Parsed, parsed, unparsed } from '../identifiers/parsed.ts';
import { decodeBase64, PemError, readPemBlocks } from './pem.ts';

/**
 * The DER of every certificate in a text: PEM blocks of certificates and nothing else, or one
 * certificate as bare base64, as OCPP and OPCP write it. What is inside is not looked at.
 * @returns at least one, in the order of the text; or what is wrong, as `it …`
 */
export function certificatesInText(text: string): Parsed<readonly Uint8Array[]> {
  if (text.includes('-----')) return fromPem(text);
  const der = decodeBase64(text);
  // Every certificate is a SEQUENCE.
  if (der === undefined || der[0] !== 0x30) {
    return unparsed('it is neither PEM nor DER in base64');
  }
  return parsed([der]);
}

function fromPem(text: string): Parsed<readonly Uint8Array[]> {
  try {
    const blocks = readPemBlocks(text);
    if (blocks.length === 0) return unparsed('it has no PEM block');
    const other = blocks.find(({ label }) => label !== 'CERTIFICATE');
    if (other) return unparsed(`a PEM block of type ${other.label} is no certificate`);
    return parsed(blocks.map(({ der }) => der));
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    return unparsed(`it is not PEM: ${error.message}`);
  }
}
