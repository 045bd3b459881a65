/**
 * Strings that refer to earlier ones (EXI 1.0, 7.3.3). The standards forbid them ([V2G2-099]), and some
 * encoders write them all the same: they are read, counted, and written out.
 */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeIso2, encodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import { decodeIso20 } from '../../../src/iso15118/exi/iso20.ts';
import { KeptElements } from '../../../src/iso15118/exi/kept-elements.ts';
import { encodeSignedInfo } from '../../../src/iso15118/exi/xmldsig.ts';
import { seed } from '../../support/chance.ts';
import { iso2ByHand, iso20ByHand } from '../../support/exi-by-hand.ts';
import { iso2Messages, iso20Messages } from '../../support/exi-messages.ts';
import {
  exiErrorOf,
  iso2,
  iso2Request,
  iso2Response,
  iso2UpdateRequest,
  iso20Request,
  octets,
  reference,
  root,
  signature,
  times,
} from '../../support/exi-samples.ts';
import { HandWriter } from '../../support/hand-writer.ts';
import { writeSignedInfo } from '../../support/signature-by-hand.ts';
import { fromHex, readVector } from '../../support/vectors.ts';

test('hits in the table of a name', () => {
  const message = iso2({ ...iso2Request, rootCertificateIds: [root, root, root] });
  const { octets: document, hits } = iso2ByHand(message, true);
  expect(hits).toBe(2);
  expect(decodeIso2(document)).toEqual({
    message,
    stringTableHits: 2,
    trailingZeros: 0,
    reencodes: 'without-table-hits',
    kept: expect.any(KeptElements),
  });
  expect(encodeIso2(message).length).toBeGreaterThan(document.length);
  expect(decodeIso2(encodeIso2(message)).reencodes).toBe('identically');
});

test('hits in the table of all names', () => {
  // The Id of the request is that of SignedInfo, and both are no one else's.
  const message = iso2(
    { ...iso2Request, id: 'same', rootCertificateIds: [{ ...root, issuerName: 'same' }] },
    { signature: { ...signature, signedInfo: { ...signature.signedInfo, id: 'same' } } },
  );
  const { octets: document, hits } = iso2ByHand(message, true);
  expect(hits).toBe(3);
  expect(decodeIso2(document)).toMatchObject({
    message,
    stringTableHits: 3,
    reencodes: 'without-table-hits',
  });
});

test('Ids of different namespaces have tables of their own', () => {
  const message = iso2(
    {
      ...iso2Response,
      contractCertificateChain: { id: 'c', certificate: octets(3) },
      encryptedPrivateKey: { id: 'c', value: octets(48) },
      dhPublicKey: { id: 'a', value: octets(65) },
    },
    { signature: { ...signature, id: 'a', signatureValueId: 'b' } },
  );
  // The second c is the only Id of its namespace so far, and has no index; a is in the other one.
  const { octets: document, hits } = iso2ByHand(message, true);
  expect(hits).toBe(3);
  expect(decodeIso2(document)).toMatchObject({ message, stringTableHits: 3 });
});

test('a response of four references is as short as known of an encoder with a table', () => {
  const vector = readVector('iso2-install-2subs').response;
  const { signedInfo } = decodeIso2(fromHex(vector.exiHex)).message.header.signature ?? signature;
  const w = new HandWriter(true);
  w.code(0x80, 8);
  w.code(32, 6);
  writeSignedInfo(w, signedInfo);
  w.code(46, 6);
  expect(encodeSignedInfo(signedInfo)).toHaveLength(559);
  expect(w.finish()).toHaveLength(304);
});

describe(`any message, EVPKI_TEST_SEED=${seed}`, () => {
  const runs = { numRuns: 60, seed: createHash('sha256').update(seed).digest().readInt32BE(4) };
  const reencodes = (hits: number): string => (hits === 0 ? 'identically' : 'without-table-hits');

  test.each(['CertificateUpdateReq', 'CertificateUpdateRes'] as const)('of -2: %s', (name) => {
    fc.assert(
      fc.property(iso2Messages(name), (message) => {
        const { octets: document, hits } = iso2ByHand(message, true);
        const kept = expect.any(KeptElements);
        const expected = { message, stringTableHits: hits, trailingZeros: 0, kept };
        expect(decodeIso2(document)).toEqual({ ...expected, reencodes: reencodes(hits) });
      }),
      runs,
    );
  });

  test('of -20', () => {
    fc.assert(
      fc.property(iso20Messages('CertificateInstallationReq'), (message) => {
        const { octets: document, hits } = iso20ByHand(message, true);
        const kept = expect.any(KeptElements);
        const expected = { message, stringTableHits: hits, trailingZeros: 0, kept };
        expect(decodeIso20(document)).toEqual({ ...expected, reencodes: reencodes(hits) });
      }),
      runs,
    );
  });
});

test('hits have the limits of what they stand for', () => {
  const prioritizedEmaids = ['x'.repeat(300)];
  const message = {
    ...iso20Request,
    rootCertificateIds: [{ ...root, issuerName: 'x'.repeat(300) }],
    prioritizedEmaids,
  };
  const document = iso20ByHand(message, true).octets;
  const error = exiErrorOf(() => decodeIso20(document));
  expect(error.code).toBe('limit');
  expect(error.bit).toBeLessThan(document.length * 8);
  expect(error.path).toBe('CertificateInstallationReq/PrioritizedEMAIDs/EMAID');
});

test('hits are no shorter than what they stand for, either, in characters', () => {
  const read = (emaid: string) => {
    const { octets: document, hits } = iso2ByHand(
      iso2({ ...iso2UpdateRequest, id: emaid, emaid }),
      true,
    );
    expect(hits).toBe(1);
    return decodeIso2(document);
  };
  const short = exiErrorOf(() => read('x'.repeat(13)));
  expect([short.code, short.path]).toEqual([
    'limit',
    'V2G_Message/Body/CertificateUpdateReq/eMAID',
  ]);
  // Of two halves each.
  expect(exiErrorOf(() => read('\u{10000}'.repeat(13))).code).toBe('limit');
  for (const count of [14, 15]) {
    const { message } = read('\u{10000}'.repeat(count));
    expect(message.body).toHaveProperty('emaid', '\u{10000}'.repeat(count));
  }
});

test.each([
  [0, 'its own table'],
  [1, 'the table of all'],
])('a hit in an empty table (%d: %s) is none', (kind) => {
  const w = new HandWriter();
  w.code(0x80, 8);
  w.code(7, 6);
  w.code(0, 2);
  w.code(0, 1);
  w.binary(octets(8));
  w.code(0, 3);
  w.unsigned(1);
  w.code(0, 1);
  w.code(1, 2); // no signature
  w.code(0, 1);
  w.code(0, 1);
  w.unsigned(kind); // Id
  w.unsigned(0);
  const error = exiErrorOf(() => decodeIso20(w.finish()));
  expect(error.code).toBe('bad-value');
  expect(error.path).toBe('CertificateInstallationReq/OEMProvisioningCertificateChain/@Id');
});

test('hits excuse nothing else: the bits after the end', () => {
  const message = iso2({ ...iso2Request, rootCertificateIds: [root, root] });
  const { octets: document } = iso2ByHand(message, true);
  expect(decodeIso2(document).stringTableHits).toBe(1);
  const changed = document.slice();
  changed[changed.length - 1] = (changed.at(-1) as number) | 1;
  expect(exiErrorOf(() => decodeIso2(changed)).code).toBe('not-canonical');
});

test('what a document can make of its hits is bounded', () => {
  const long = 'x'.repeat(1024);
  const signed = {
    canonicalizationMethod: long,
    signatureMethod: long,
    references: times(16, {
      ...reference,
      type: long,
      uri: long,
      transforms: times(4, long),
      digestMethod: long,
    }),
  };
  const message = iso2(
    { ...iso2Request, rootCertificateIds: times(20, { ...root, issuerName: long }) },
    { signature: { ...signature, signedInfo: signed } },
  );
  const { octets: document } = iso2ByHand(message, true);
  expect(document.length).toBeLessThan(4_000);
  // Written out it would be more than a document may be.
  const error = exiErrorOf(() => decodeIso2(document));
  expect(error.code).toBe('limit');
});
