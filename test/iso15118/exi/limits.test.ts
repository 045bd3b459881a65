/** The limits of the schema of -2, both ways: what is at a limit passes, what is beyond one does not. */

import { describe, expect, test } from 'vitest';
import { decodeIso2, encodeIso2, encodeIso2Fragment } from '../../../src/iso15118/exi/iso2.ts';
import type { Iso2Message } from '../../../src/iso15118/exi/iso2-messages.ts';
import type { XmlSignature } from '../../../src/iso15118/exi/xml-signature.ts';
import { iso2ByHand } from '../../support/exi-by-hand.ts';
import { badValue, type Case, check, limit, noCode } from '../../support/exi-limits.ts';
import {
  exiErrorOf,
  iso2,
  iso2Request,
  iso2Response,
  iso2UpdateRequest,
  iso2UpdateResponse,
  octets,
  reference,
  root,
  signature,
  times,
} from '../../support/exi-samples.ts';

const signed = (part: Partial<XmlSignature['signedInfo']>): XmlSignature => ({
  ...signature,
  signedInfo: { ...signature.signedInfo, ...part },
});
const referring = (part: object): XmlSignature =>
  signed({ references: [{ ...reference, ...part }] });

const request = (part: object, header: object = {}): Iso2Message =>
  iso2({ ...iso2Request, ...part }, header);
const response = (part: object): Iso2Message => iso2({ ...iso2Response, ...part });
const update = (part: object): Iso2Message => iso2({ ...iso2UpdateResponse, ...part });
const updateRequest = (part: object): Iso2Message => iso2({ ...iso2UpdateRequest, ...part });

const req = 'V2G_Message/Body/CertificateInstallationReq';
const res = 'V2G_Message/Body/CertificateInstallationRes';
const updateReq = 'V2G_Message/Body/CertificateUpdateReq';
const subs = `${res}/ContractSignatureCertChain/SubCertificates`;
const roots = `${req}/ListOfRootCertificateIDs`;
const info = 'V2G_Message/Header/Signature/SignedInfo';
const chain = { certificate: octets(1) };
const named = (issuerName: string) => ({ rootCertificateIds: [{ ...root, issuerName }] });
const numbered = (serialNumber: bigint) => ({ rootCertificateIds: [{ ...root, serialNumber }] });

const iso2Cases: Case<Iso2Message>[] = [
  ['a session id of 8 octets', '', request({}, { sessionId: octets(8) }), undefined],
  ['an empty session id', '', request({}, { sessionId: octets(0) }), undefined],
  ['9', 'V2G_Message/Header/SessionID', request({}, { sessionId: octets(9) }), limit],
  ['a certificate of 800', '', request({ oemProvisioningCertificate: octets(800) }), undefined],
  [
    '801',
    `${req}/OEMProvisioningCert`,
    request({ oemProvisioningCertificate: octets(801) }),
    limit,
  ],
  [
    'four sub-certificates of 800',
    '',
    response({ contractCertificateChain: { ...chain, subCertificates: times(4, octets(800)) } }),
    undefined,
  ],
  [
    'five',
    subs,
    response({ contractCertificateChain: { ...chain, subCertificates: times(5, octets(1)) } }),
    noCode,
  ],
  ['none', subs, response({ contractCertificateChain: { ...chain, subCertificates: [] } }), noCode],
  [
    'a sub-certificate of 801',
    `${subs}/Certificate`,
    response({ contractCertificateChain: { ...chain, subCertificates: [octets(801)] } }),
    limit,
  ],
  [
    'a contract certificate of 800 and one of a CPS',
    '',
    response({
      provisioningCertificateChain: { certificate: octets(800) },
      contractCertificateChain: { id: 'i', certificate: octets(800) },
    }),
    undefined,
  ],
  [
    'a contract certificate of 801',
    `${res}/ContractSignatureCertChain/Certificate`,
    response({ contractCertificateChain: { id: 'i', certificate: octets(801) } }),
    limit,
  ],
  [
    'one of a CPS of 801',
    `${res}/SAProvisioningCertificateChain/Certificate`,
    response({ provisioningCertificateChain: { certificate: octets(801) } }),
    limit,
  ],
  [
    'one that is to be updated of 801',
    `${updateReq}/ContractSignatureCertChain/Certificate`,
    updateRequest({ contractCertificateChain: { certificate: octets(801) } }),
    limit,
  ],
  ['20 roots', '', request({ rootCertificateIds: times(20, root) }), undefined],
  ['21 roots', roots, request({ rootCertificateIds: times(21, root) }), noCode],
  ['no root', roots, request({ rootCertificateIds: [] }), noCode],
  ['an empty Id', `${req}/@Id`, request({ id: '' }), badValue],
  ['an Id with a colon', `${req}/@Id`, request({ id: 'a:b' }), badValue],
  ['an Id that starts with a digit', `${req}/@Id`, request({ id: '1' }), badValue],
  ['an Id with a space', `${req}/@Id`, request({ id: 'a b' }), badValue],
  ['an Id of 1024', '', request({ id: 'x'.repeat(1024) }), undefined],
  ['1025', `${req}/@Id`, request({ id: 'x'.repeat(1025) }), limit],
  ['an eMAID of 14', '', response({ emaid: { id: 'i', value: 'x'.repeat(14) } }), undefined],
  ['15', '', response({ emaid: { id: 'i', value: 'x'.repeat(15) } }), undefined],
  ['13', `${res}/eMAID`, response({ emaid: { id: 'i', value: 'x'.repeat(13) } }), limit],
  ['16', `${res}/eMAID`, response({ emaid: { id: 'i', value: 'x'.repeat(16) } }), limit],
  ['14 of an update', '', updateRequest({ emaid: 'x'.repeat(14) }), undefined],
  ['15 of an update', '', updateRequest({ emaid: 'x'.repeat(15) }), undefined],
  ['13 of an update', `${updateReq}/eMAID`, updateRequest({ emaid: 'x'.repeat(13) }), limit],
  ['16 of an update', `${updateReq}/eMAID`, updateRequest({ emaid: 'x'.repeat(16) }), limit],
  ['20 roots of an update', '', updateRequest({ rootCertificateIds: times(20, root) }), undefined],
  [
    '21 roots of an update',
    `${updateReq}/ListOfRootCertificateIDs`,
    updateRequest({ rootCertificateIds: times(21, root) }),
    noCode,
  ],
  // Characters are code points, not halves of them.
  ['15 beyond U+FFFF', '', response({ emaid: { id: 'i', value: '𝔼'.repeat(15) } }), undefined],
  [
    '16 beyond U+FFFF',
    `${res}/eMAID`,
    response({ emaid: { id: 'i', value: '𝔼'.repeat(16) } }),
    limit,
  ],
  [
    'an encrypted key of 49',
    `${res}/ContractSignatureEncryptedPrivateKey`,
    response({ encryptedPrivateKey: { id: 'i', value: octets(49) } }),
    limit,
  ],
  ['an empty one', '', response({ encryptedPrivateKey: { id: 'i', value: octets(0) } }), undefined],
  [
    'a DH key of 66',
    `${res}/DHpublickey`,
    response({ dhPublicKey: { id: 'i', value: octets(66) } }),
    limit,
  ],
  ['the largest retry counter', '', update({ retryCounter: 0x7fff }), undefined],
  ['the smallest', '', update({ retryCounter: -0x8000 }), undefined],
  [
    'one more',
    'V2G_Message/Body/CertificateUpdateRes/RetryCounter',
    update({ retryCounter: 0x8000 }),
    badValue,
  ],
  [
    'one less',
    'V2G_Message/Body/CertificateUpdateRes/RetryCounter',
    update({ retryCounter: -0x8001 }),
    badValue,
  ],
  ['an issuer of 1024', '', request(named('Ü'.repeat(1024))), undefined],
  ['1025', `${roots}/RootCertificateID/X509IssuerName`, request(named('Ü'.repeat(1025))), limit],
  ['a serial of 512 bits', '', request(numbered(2n ** 512n - 1n)), undefined],
  ['513', `${roots}/RootCertificateID/X509SerialNumber`, request(numbered(2n ** 512n)), limit],
  [
    'much more',
    `${roots}/RootCertificateID/X509SerialNumber`,
    request(numbered(2n ** 5000n)),
    limit,
  ],
  ['a negative serial of 512', '', request(numbered(-(2n ** 512n))), undefined],
  [
    '513',
    `${roots}/RootCertificateID/X509SerialNumber`,
    request(numbered(-(2n ** 512n) - 1n)),
    limit,
  ],
  [
    'a fault message of 64',
    '',
    request({}, { notification: { faultCode: 'ParsingError', faultMessage: 'x'.repeat(64) } }),
    undefined,
  ],
  [
    '65',
    'V2G_Message/Header/Notification/FaultMsg',
    request({}, { notification: { faultCode: 'ParsingError', faultMessage: 'x'.repeat(65) } }),
    limit,
  ],
  [
    '16 references',
    '',
    request({}, { signature: signed({ references: times(16, reference) }) }),
    undefined,
  ],
  ['17', info, request({}, { signature: signed({ references: times(17, reference) }) }), limit],
  [
    'four transforms',
    '',
    request({}, { signature: referring({ transforms: times(4, 'x') }) }),
    undefined,
  ],
  [
    'five',
    `${info}/Reference/Transforms`,
    request({}, { signature: referring({ transforms: times(5, 'x') }) }),
    limit,
  ],
  [
    'a signature and a digest of 1024 octets, and a URI of 1024',
    '',
    request(
      {},
      {
        signature: {
          ...referring({ digestValue: octets(1024), uri: 'x'.repeat(1024) }),
          signatureValue: octets(1024),
        },
      },
    ),
    undefined,
  ],
  [
    'a digest of 1025 octets',
    `${info}/Reference/DigestValue`,
    request({}, { signature: referring({ digestValue: octets(1025) }) }),
    limit,
  ],
  [
    'a URI of 1025',
    `${info}/Reference/@URI`,
    request({}, { signature: referring({ uri: 'x'.repeat(1025) }) }),
    limit,
  ],
  [
    'a signature of 1025 octets',
    'V2G_Message/Header/Signature/SignatureValue',
    request({}, { signature: { ...signature, signatureValue: octets(1025) } }),
    limit,
  ],
  // Not characters: what XML has no place for, and halves of characters.
  ...[0x00, 0x08, 0x1f, 0xd800, 0xdfff, 0xfffe, 0xffff].map(
    (code): Case<Iso2Message> => [
      `U+${code.toString(16)} in a name`,
      `${roots}/RootCertificateID/X509IssuerName`,
      request(named(`a${String.fromCharCode(code)}b`)),
      badValue,
    ],
  ),
];

describe('ISO 15118-2', () => {
  test.each(iso2Cases)('%s %s', (...row) => check(row, decodeIso2, encodeIso2, iso2ByHand));
});

test('a retry counter of 1.5 has no bits to be written in', () => {
  expect(exiErrorOf(() => encodeIso2(update({ retryCounter: 1.5 }))).code).toBe('bad-value');
});

test('a document is at most 32,768 octets long, read or written', () => {
  const message = request({
    rootCertificateIds: times(20, { ...root, issuerName: '\u{10000}'.repeat(1024) }),
  });
  expect(exiErrorOf(() => encodeIso2(message)).code).toBe('limit');
  const { octets: document } = iso2ByHand(message);
  expect(document.length).toBeGreaterThan(32_768);
  expect(exiErrorOf(() => decodeIso2(document)).code).toBe('limit');
});

test('zero octets behind a document count as its length', () => {
  const document = encodeIso2(request({}));
  const padded = (length: number) => Buffer.concat([document], length);
  expect(decodeIso2(padded(32_768)).trailingZeros).toBe(32_768 - document.length);
  expect(exiErrorOf(() => decodeIso2(padded(32_769))).code).toBe('limit');
});

test('a response code that the schema does not have has no bits to be written in', () => {
  const error = exiErrorOf(() => encodeIso2(response({ responseCode: 'FINE' })));
  expect([error.code, error.path]).toEqual(['bad-value', `${res}/ResponseCode`]);
});

test('a fragment has the limits of its element', () => {
  const error = exiErrorOf(() =>
    encodeIso2Fragment({ element: 'DHpublickey', value: { id: 'i', value: octets(66) } }),
  );
  expect([error.code, error.path]).toEqual(['limit', 'DHpublickey']);
  const emaid = exiErrorOf(() =>
    encodeIso2Fragment({ element: 'eMAID', value: { id: 'i', value: 'short' } }),
  );
  expect([emaid.code, emaid.path]).toEqual(['limit', 'eMAID']);
});
