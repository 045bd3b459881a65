/**
 * Twenty thousand damaged documents for each codec, and as many of nothing but chance: each is read or
 * ends in an ExiError, and what is read is no larger than a document may be.
 */

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Decoded } from '../../../src/iso15118/exi/document.ts';
import { ExiError } from '../../../src/iso15118/exi/exi-error.ts';
import { decodeIso2, encodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import { decodeIso20, encodeIso20 } from '../../../src/iso15118/exi/iso20.ts';
import { sameBytes } from '../../../src/pki/byte-order.ts';
import { seed } from '../../support/chance.ts';
import { iso2ByHand, iso20ByHand } from '../../support/exi-by-hand.ts';
import {
  iso2,
  iso2Request,
  iso2Response,
  iso2UpdateResponse,
  iso20Request,
  iso20Response,
  octets,
  reference,
  root,
  signature,
} from '../../support/exi-samples.ts';
import { mutated, randomNumbers } from '../../support/ocsp.ts';
import { fromHex, readVector, toHex } from '../../support/vectors.ts';

const INPUTS = 20_000;

const several = {
  ...signature,
  signedInfo: { ...signature.signedInfo, references: [reference, reference] },
};
const exiOf = (name: string): Uint8Array[] => {
  const { request, response } = readVector(name);
  return [request, response].map(({ exiHex }) => fromHex(exiHex));
};

const iso2Update = {
  name: 'CertificateUpdateReq',
  id: 'id1',
  contractCertificateChain: { certificate: octets(9), subCertificates: [octets(8)] },
  emaid: 'DE8AAC12345678',
  rootCertificateIds: [root, { ...root, issuerName: 'Übung 名前' }],
} as const;

/** Large and small documents, with and without hits in a string table. */
const iso2Documents = [
  ...exiOf('iso2-install-2subs'),
  ...[iso2Request, iso2Response, iso2UpdateResponse, iso2Update].flatMap((body) => [
    encodeIso2(iso2(body)),
    iso2ByHand(iso2(body, { signature: several }), true).octets,
    encodeIso2(iso2(body, { notification: { faultCode: 'ParsingError', faultMessage: 'no' } })),
  ]),
];
const signed20 = { ...iso20Request.header, signature: several };
const iso20Documents = [
  ...exiOf('iso20-install-p521'),
  encodeIso20({ ...iso20Request, prioritizedEmaids: ['DE8AAC12345678', 'x'] }),
  iso20ByHand({ ...iso20Request, header: signed20, prioritizedEmaids: ['#id1'] }, true).octets,
  encodeIso20(iso20Response),
  iso20ByHand({ ...iso20Response, header: signed20 }, true).octets,
];

/** Octets, characters and objects in a value. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, item) => sum + sizeOf(item), 1);
}

interface Counts {
  read: number;
  withHits: number;
  readonly refused: Map<string, number>;
}

/** Reads one input. Plain conditions, as an `expect` takes longer than the codec. */
function feed<M>(
  input: Uint8Array,
  decode: (document: Uint8Array) => Decoded<M>,
  encode: (message: M) => Uint8Array,
  counts: Counts,
): void {
  const must = (condition: boolean, what: string): void => {
    if (!condition) throw new Error(`${what}: ${toHex(input)}`);
  };
  let decoded: Decoded<M>;
  try {
    decoded = decode(input);
  } catch (error) {
    if (!(error instanceof ExiError)) throw error;
    must(error.bit >= 0 && error.bit <= Math.max(input.length, 32_768) * 8, 'a bit of no document');
    counts.refused.set(error.code, (counts.refused.get(error.code) ?? 0) + 1);
    return;
  }
  counts.read += 1;
  // All that was read has a place in a document, which is bounded; without hits it is this one.
  must(sizeOf(decoded.message) < 32_768, 'more than a document holds');
  const { message, reencodes, stringTableHits, trailingZeros } = decoded;
  if (stringTableHits > 0) {
    counts.withHits += 1;
    return;
  }
  const document = input.subarray(0, input.length - trailingZeros);
  must(reencodes === 'identically', 'differs without a hit');
  must(sameBytes(encode(message), document), 'is written otherwise');
}

function feedAll<M>(
  documents: readonly Uint8Array[],
  decode: (document: Uint8Array) => Decoded<M>,
  encode: (message: M) => Uint8Array,
): void {
  const random = randomNumbers(createHash('sha256').update(seed).digest().readUInt32BE(12));
  const counts: Counts = { read: 0, withHits: 0, refused: new Map() };
  for (let i = 0; i < INPUTS; i++) {
    const original = documents[i % documents.length] as Uint8Array;
    feed(mutated(original, random), decode, encode, counts);
  }
  // The mutations reach the kinds of error, and leave some documents readable.
  expect(counts.read).toBeGreaterThan(100);
  expect(counts.withHits).toBeGreaterThan(10);
  for (const code of [
    'not-exi',
    'truncated',
    'unexpected-event',
    'not-supported',
    'limit',
    'bad-value',
    'not-canonical',
    'other-message',
  ]) {
    expect([code, counts.refused.get(code) ?? 0]).not.toEqual([code, 0]);
  }
  for (let i = 0; i < INPUTS; i++) {
    const chance = Uint8Array.from({ length: random(200) }, () => random(256));
    // Half of them start as documents of ours do.
    const input = i % 2 === 0 ? chance : Uint8Array.of(...prefixOf(documents, random), ...chance);
    feed(input, decode, encode, counts);
  }
}

const prefixOf = (
  documents: readonly Uint8Array[],
  random: (limit: number) => number,
): Uint8Array => {
  const document = documents[random(documents.length)] as Uint8Array;
  return document.subarray(0, random(Math.min(40, document.length)));
};

describe(`EVPKI_TEST_SEED=${seed}`, () => {
  test('ISO 15118-2', () => feedAll(iso2Documents, decodeIso2, encodeIso2));
  test('ISO 15118-20', () => feedAll(iso20Documents, decodeIso20, encodeIso20));
});

test('every cut of a document ends in an error, at its end or before', () => {
  for (const document of [encodeIso2(iso2(iso2Request)), encodeIso2(iso2(iso2Response))]) {
    for (let length = 0; length < document.length; length++) {
      expect(() => decodeIso2(document.subarray(0, length))).toThrow(ExiError);
    }
  }
});
