/** What is written once and copied is, bit for bit, what would have been written twice. */

import { expect, test } from 'vitest';
import { BitWriter } from '../../../src/iso15118/exi/bit-writer.ts';
import { decodeIso2, encodeIso2, encodeIso2Fragment } from '../../../src/iso15118/exi/iso2.ts';
import type {
  Iso2InstallationRequest,
  Iso2InstallationResponse,
  Iso2SignedElement,
} from '../../../src/iso15118/exi/iso2-messages.ts';
import { KeptElements } from '../../../src/iso15118/exi/kept-elements.ts';

const octets = (length: number, from = 1) =>
  Uint8Array.from({ length }, (_, index) => (from + index * 37) & 0xff);
const sessionId = octets(8);

/** Ids and certificates of every length shift what follows by bits of their own. */
const response = (certificate: number): Iso2InstallationResponse => ({
  name: 'CertificateInstallationRes',
  responseCode: 'OK',
  provisioningCertificateChain: { certificate: octets(3) },
  contractCertificateChain: {
    id: 'id1',
    certificate: octets(certificate),
    subCertificates: [octets(certificate + 1, 0xfe), octets(700)],
  },
  encryptedPrivateKey: { id: 'id2', value: octets(48) },
  dhPublicKey: { id: 'id3', value: octets(65, 4) },
  emaid: { id: 'id4', value: 'DE8EVC00000001' },
});

const signedIn = (body: Iso2InstallationResponse): Iso2SignedElement[] => [
  { element: 'ContractSignatureCertChain', value: body.contractCertificateChain },
  { element: 'ContractSignatureEncryptedPrivateKey', value: body.encryptedPrivateKey },
  { element: 'DHpublickey', value: body.dhPublicKey },
];

test.each([1, 2, 63, 127, 128, 700])('fragments first, then the message; %s octets', (length) => {
  const body = response(length);
  const message = { header: { sessionId }, body };
  const signed = signedIn(body);
  const kept = new KeptElements(signed.map(({ value }) => value));
  for (const one of signed) expect(encodeIso2Fragment(one, kept)).toEqual(encodeIso2Fragment(one));
  const again = signed.map((one) => encodeIso2Fragment(one, kept));
  expect(again).toEqual(signed.map((one) => encodeIso2Fragment(one)));
  expect(encodeIso2(message, kept)).toEqual(encodeIso2(message));
});

test('the message first, then its fragments', () => {
  const value: Iso2InstallationRequest = {
    name: 'CertificateInstallationReq',
    id: 'ID1',
    oemProvisioningCertificate: octets(600),
    rootCertificateIds: [{ issuerName: 'CN=V2G Root,O=ü', serialNumber: 2n ** 120n + 5n }],
  };
  const document = encodeIso2({ header: { sessionId }, body: value });
  const { message, kept } = decodeIso2(document);
  const element = 'CertificateInstallationReq';
  const signed = { element, value: message.body as Iso2InstallationRequest } as const;
  expect(kept.wants(signed.value)).toBe(true);
  expect(encodeIso2Fragment(signed, kept)).toEqual(encodeIso2Fragment({ element, value }));
});

test('a value that is equal and not the same is written by itself', () => {
  const [first, second] = [response(40), response(41)];
  const [chain] = signedIn(first);
  const [other] = signedIn(second);
  if (!chain || !other) throw new Error('nothing is signed');
  const kept = new KeptElements([chain.value]);
  encodeIso2Fragment(chain, kept);
  expect(encodeIso2Fragment(other, kept)).toEqual(encodeIso2Fragment(other));
});

test('bits from anywhere to anywhere, and none besides', () => {
  const source = octets(40, 0xb7);
  const bitOf = (array: Uint8Array, bit: number) =>
    ((array[bit >>> 3] ?? 0) >>> (7 - (bit & 7))) & 1;
  for (let before = 0; before < 8; before++) {
    for (let from = 0; from < 17; from++) {
      for (const count of [0, 1, 5, 7, 8, 9, 16, 23, 200]) {
        const writer = new BitWriter();
        writer.bits(0, before);
        writer.copy(source, from, from + count);
        writer.bits(1, 1);
        const written = writer.finish();
        const bits = Array.from({ length: written.length * 8 }, (_, bit) => bitOf(written, bit));
        const wanted = Array.from({ length: count }, (_, bit) => bitOf(source, from + bit));
        const end = before + count + 1;
        expect(bits.slice(0, end)).toEqual([...Array(before).fill(0), ...wanted, 1]);
        expect(bits.slice(end)).toEqual(Array((8 - (end & 7)) & 7).fill(0));
      }
    }
  }
});
