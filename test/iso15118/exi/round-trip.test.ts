/** Any message that the schemas allow, written, written by hand, and read again. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeIso2, encodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import type { Iso2Body } from '../../../src/iso15118/exi/iso2-messages.ts';
import { decodeIso20, encodeIso20 } from '../../../src/iso15118/exi/iso20.ts';
import type { Iso20Message } from '../../../src/iso15118/exi/iso20-messages.ts';
import type { KeptElements } from '../../../src/iso15118/exi/kept-elements.ts';
import { encodeSignedInfo } from '../../../src/iso15118/exi/xmldsig.ts';
import {
  signedInIso2Request,
  signedInIso2Response,
  signedInIso20Request,
  signedInIso20Response,
} from '../../../src/iso15118/installation/signed-elements.ts';
import type { SignedElement } from '../../../src/iso15118/signature/signed-element.ts';
import { seed } from '../../support/chance.ts';
import { iso2ByHand, iso20ByHand } from '../../support/exi-by-hand.ts';
import { iso2Messages, iso20Messages, signedInfos } from '../../support/exi-messages.ts';
import { HandWriter } from '../../support/hand-writer.ts';
import { writeSignedInfo } from '../../support/signature-by-hand.ts';
import { toHex } from '../../support/vectors.ts';

const runs = {
  numRuns: 150,
  seed: createHash('sha256').update(seed).digest().readInt32BE(0),
};

const signedInIso2 = (body: Iso2Body, kept?: KeptElements) =>
  'responseCode' in body ? signedInIso2Response(body, kept) : signedInIso2Request(body, kept);

const signedInIso20 = (message: Iso20Message, kept?: KeptElements) =>
  'responseCode' in message
    ? signedInIso20Response(message, kept)
    : signedInIso20Request(message, kept);

/** What a message has been read into gives the fragments that its elements give by themselves. */
function expectSameFragments(
  signedIn: (kept?: KeptElements) => readonly SignedElement[],
  kept: KeptElements,
) {
  const all = signedIn(kept).map((element) => toHex(element.fragment()));
  expect(all).toEqual(signedIn().map((element) => toHex(element.fragment())));
}

/** What every document that the codec writes holds to. */
const plain = { stringTableHits: 0, trailingZeros: 0, reencodes: 'identically' };

describe(`ISO 15118-2, EVPKI_TEST_SEED=${seed}`, () => {
  test.each([
    'CertificateInstallationReq',
    'CertificateInstallationRes',
    'CertificateUpdateReq',
    'CertificateUpdateRes',
  ] as const)('%s', (name) => {
    fc.assert(
      fc.property(iso2Messages(name), (message) => {
        const document = encodeIso2(message);
        expect(toHex(document)).toBe(toHex(iso2ByHand(message).octets));
        const { kept, ...read } = decodeIso2(document);
        expect(read).toEqual({ ...plain, message });
        expectSameFragments((from) => signedInIso2(read.message.body, from), kept);
      }),
      runs,
    );
  });
});

describe(`ISO 15118-20, EVPKI_TEST_SEED=${seed}`, () => {
  test.each(['CertificateInstallationReq', 'CertificateInstallationRes'] as const)('%s', (name) => {
    fc.assert(
      fc.property(iso20Messages(name), (message) => {
        const document = encodeIso20(message);
        expect(toHex(document)).toBe(toHex(iso20ByHand(message).octets));
        const { kept, ...read } = decodeIso20(document);
        expect(read).toEqual({ ...plain, message });
        expectSameFragments((from) => signedInIso20(read.message, from), kept);
      }),
      runs,
    );
  });
});

test(`SignedInfo of XML Signature alone, EVPKI_TEST_SEED=${seed}`, () => {
  fc.assert(
    fc.property(signedInfos, (signedInfo) => {
      const w = new HandWriter();
      w.code(0x80, 8);
      w.code(32, 6);
      writeSignedInfo(w, signedInfo);
      w.code(46, 6);
      expect(toHex(encodeSignedInfo(signedInfo))).toBe(toHex(w.finish()));
    }),
    runs,
  );
});
