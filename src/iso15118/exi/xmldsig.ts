import { encodeFragment } from './document.ts';
import { writeElement } from './element.ts';
import { signedInfo } from './signature-grammar.ts';
import type { SignedInfo } from './xml-signature.ts';

/** What a fragment of the schema of XML Signature alone may be: 45 elements, any, or the end. */
const xmldsigFragment = { width: 6, end: 46 } as const;
const SIGNED_INFO = 32;

/**
 * What a signature signs: the fragment SignedInfo by the schema of XML Signature alone
 * ([V2G2-771], [V2G20-1449]). It is not hashed before it is signed.
 * @throws ExiError for what the schema does not allow
 */
export const encodeSignedInfo = (value: SignedInfo): Uint8Array =>
  encodeFragment(xmldsigFragment, 'SignedInfo', SIGNED_INFO, (writer) =>
    writeElement(writer, signedInfo, value),
  );
