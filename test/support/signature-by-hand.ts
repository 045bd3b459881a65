/** The XML signatures of `exi-by-hand.ts`. */

import type { SignedInfo, XmlSignature } from '../../src/iso15118/exi/xml-signature.ts';
import { attribute, element, type HandWriter } from './hand-writer.ts';

export function writeSignature(w: HandWriter, signature: XmlSignature): void {
  if (signature.id === undefined) {
    w.code(1, 2);
  } else {
    w.code(0, 2);
    w.string('Id', signature.id);
    w.code(0, 1);
  }
  writeSignedInfo(w, signature.signedInfo);
  w.code(0, 1);
  if (signature.signatureValueId === undefined) {
    w.code(1, 2);
  } else {
    w.code(0, 2);
    w.string('Id', signature.signatureValueId);
    w.code(0, 1);
  }
  w.binary(signature.signatureValue);
  w.code(0, 1);
  w.code(2, 2);
}

export function writeSignedInfo(w: HandWriter, signedInfo: SignedInfo): void {
  if (signedInfo.id === undefined) {
    w.code(1, 2);
  } else {
    w.code(0, 2);
    w.string('Id', signedInfo.id);
    w.code(0, 1);
  }
  method(w, signedInfo.canonicalizationMethod, 1, 2);
  w.code(0, 1);
  method(w, signedInfo.signatureMethod, 2, 3);
  signedInfo.references.forEach((reference, index) => {
    if (index === 0) w.code(0, 1);
    else w.code(0, 2);
    // {Id, Type, URI, Transforms, DigestMethod}: what was passed by has no code any more.
    let passed = 0;
    const next = (place: number): void => {
      w.code(place - passed, [3, 3, 2, 2, 1][passed] as number);
      passed = place + 1;
    };
    const attributes = [reference.id, reference.type, reference.uri];
    attributes.forEach((attributeValue, place) => {
      if (attributeValue === undefined) return;
      next(place);
      w.string(['Id', 'Type', 'URI'][place] as string, attributeValue);
    });
    if (reference.transforms) {
      next(3);
      reference.transforms.forEach((transform, i) => {
        w.code(0, i === 0 ? 1 : 2);
        method(w, transform, 2, 3);
      });
      w.code(1, 2);
    }
    next(4);
    method(w, reference.digestMethod, 1, 2);
    element(w, () => w.binary(reference.digestValue));
    w.code(0, 1);
  });
  w.code(1, 2);
}

/** An element with an attribute Algorithm, and the code of its end. */
function method(w: HandWriter, algorithm: string, end: number, width: number): void {
  attribute(w, 'Algorithm', algorithm);
  w.code(end, width);
}
