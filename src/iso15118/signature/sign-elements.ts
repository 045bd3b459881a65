import { curveOf } from '../../pki/curves.ts';
import { ecdsaDerToRaw } from '../../pki/ecdsa.ts';
import type { Signer } from '../../pki/signer.ts';
import type { SignedInfo, XmlSignature } from '../exi/xml-signature.ts';
import { encodeSignedInfo } from '../exi/xmldsig.ts';
import {
  canonicalExi,
  MAX_REFERENCES,
  type Standard,
  signatureProfileFor,
} from './signature-profile.ts';
import type { SignedElement } from './signed-element.ts';

/**
 * The signature of a message over these elements, exactly as its standard has it: one reference for
 * each, in their order.
 * @param elements 1 to 4 [V2G2-909], with Ids of their own
 * @throws RangeError for other elements, or a signer whose key the standard does not sign with
 * @throws ExiError if an element cannot be encoded
 */
export async function signElements(
  standard: Standard,
  elements: readonly SignedElement[],
  signer: Signer,
): Promise<XmlSignature> {
  const profile = signatureProfileFor(standard, signer.algorithm);
  if (!profile) throw new RangeError(`${standard} does not sign with ${signer.algorithm}`);
  if (elements.length === 0 || elements.length > MAX_REFERENCES) {
    throw new RangeError(`1 to ${MAX_REFERENCES} elements can be signed, not ${elements.length}`);
  }
  const ids = new Set(elements.map(({ id }) => id));
  if (ids.size !== elements.length || ids.has('')) {
    throw new RangeError('an element to be signed has no Id, or that of another');
  }
  const signedInfo: SignedInfo = {
    canonicalizationMethod: canonicalExi,
    signatureMethod: profile.signatureMethod,
    references: elements.map((element) => ({
      uri: `#${element.id}`,
      transforms: [canonicalExi],
      digestMethod: profile.digestMethod,
      digestValue: profile.digest(element.fragment()),
    })),
  };
  const signature = await signer.sign(encodeSignedInfo(signedInfo));
  const curve = curveOf(profile.key);
  return {
    signedInfo,
    signatureValue: curve ? ecdsaDerToRaw(signature, curve.name) : signature,
  };
}
