/** Any message that the schemas allow, written, written by hand, and read again. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeIso2, encodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import { decodeIso20, encodeIso20 } from '../../../src/iso15118/exi/iso20.ts';
import { encodeSignedInfo } from '../../../src/iso15118/exi/xmldsig.ts';
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
        expect(decodeIso2(document)).toEqual({ ...plain, message });
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
        expect(decodeIso20(document)).toEqual({ ...plain, message });
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
