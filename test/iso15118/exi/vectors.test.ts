/** Every vector: read, compared with what independent codecs read, and written again. */

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ExiError } from '../../../src/iso15118/exi/exi-error.ts';
import {
  decodeIso2,
  encodeIso2,
  encodeIso2Fragment,
  encodeIso2SignedInfo,
  encodeOlderEmaidFragment,
} from '../../../src/iso15118/exi/iso2.ts';
import type {
  Iso2Message,
  Iso2SignedElement,
  RootCertificateId,
} from '../../../src/iso15118/exi/iso2-messages.ts';
import {
  decodeIso20,
  encodeIso20,
  encodeIso20Fragment,
  encodeIso20SignedInfo,
} from '../../../src/iso15118/exi/iso20.ts';
import type { Iso20Message, Iso20SignedElement } from '../../../src/iso15118/exi/iso20-messages.ts';
import { encodeSignedInfo } from '../../../src/iso15118/exi/xmldsig.ts';
import { factsOfIso2, factsOfIso20 } from '../../support/exi-facts.ts';
import { fromHex, readVector, toHex, vectorNames } from '../../support/vectors.ts';

/** Every document of the vectors: name of the file, which half of it, and that half. */
// biome-ignore lint/suspicious/noExplicitAny: as untyped as the vectors are.
const documents = (prefix: string): [string, string, any][] =>
  vectorNames(prefix).flatMap((name) => {
    const vector = readVector(name);
    return (
      ['request', 'response']
        .filter((half) => vector[half]?.exiHex)
        // biome-ignore lint/suspicious/noExplicitAny: as above.
        .map((half): [string, string, any] => [name, half, vector[half]])
    );
  });

describe.each(documents('iso2-'))('%s, %s', (name, _, vector) => {
  // What the file says of the element is what was signed; then its serial number was changed.
  const tampered = name === 'iso2-neg-tampered-element';
  const { message, trailingZeros, kept: _kept, ...rest } = decodeIso2(fromHex(vector.exiHex));
  const { header, body } = message;

  test('is read whole, and written as it was', () => {
    expect(rest).toEqual({ stringTableHits: 0, reencodes: 'identically' });
    expect(toHex(encodeIso2(message)) + '00'.repeat(trailingZeros)).toBe(vector.exiHex);
    expect(trailingZeros).toBe(vector.sameAs === 'request without last byte' ? 1 : 0);
  });

  test('says what others read in it', () => {
    if (vector.sessionIdHex) expect(toHex(header.sessionId)).toBe(vector.sessionIdHex);
    if (vector.decoded && !vector.decoded.err && !tampered) {
      expect(factsOfIso2(message)).toEqual(vector.decoded);
    }
    if (vector.rootCertificateIds && !tampered) {
      expect('rootCertificateIds' in body && body.rootCertificateIds.map(decimal)).toEqual(
        // biome-ignore lint/suspicious/noExplicitAny: as above.
        vector.rootCertificateIds.map(({ issuerName, serialDec }: any) => [issuerName, serialDec]),
      );
    }
    if (vector.responseCode) expect(body).toHaveProperty('responseCode', vector.responseCode);
    if (vector.emaid) expect(body).toHaveProperty('emaid.value', vector.emaid);
  });

  test('has the fragments that are digested', () => {
    for (const signed of vector.signedElements ?? []) {
      const fragment = encodeIso2Fragment(iso2Element(message, signed.name));
      expect(toHex(fragment) === signed.fragmentExiHex).toBe(!tampered);
      expect(sha256(fragment) === signed.sha256Hex).toBe(!tampered);
      if (signed.libcbv2gNonConformantFragmentHex && 'emaid' in body) {
        if (typeof body.emaid === 'string')
          throw new Error('an update request has no such element');
        const older = encodeOlderEmaidFragment(body.emaid);
        expect(toHex(older)).toBe(signed.libcbv2gNonConformantFragmentHex);
        expect(sha256(older)).toBe(signed.libcbv2gNonConformantSha256Hex);
      }
    }
  });

  test('has the SignedInfo that is signed, and the one by the other grammar', () => {
    const expected = vector.signedInfoExiFragmentXmldsigHex;
    expect(header.signature !== undefined).toBe(
      expected !== undefined || vector.sameAs !== undefined,
    );
    if (!header.signature || !expected) return;
    expect(toHex(header.signature.signatureValue)).toBe(vector.signatureValueHex);
    expect(toHex(encodeSignedInfo(header.signature.signedInfo))).toBe(expected);
    expect(toHex(encodeIso2SignedInfo(header.signature.signedInfo))).toBe(
      vector.signedInfoExiFragmentMsgDefHex_WRONG_GRAMMAR,
    );
  });
});

describe.each(documents('iso20-'))('%s, %s', (name, _, vector) => {
  // The chain was changed after it was signed.
  const tampered = name === 'iso20-neg-tampered-chain';
  const { message, kept: _kept, ...rest } = decodeIso20(fromHex(vector.exiHex));
  const { header } = message;

  test('is read whole, and written as it was', () => {
    expect(rest).toEqual({ stringTableHits: 0, trailingZeros: 0, reencodes: 'identically' });
    expect(toHex(encodeIso20(message))).toBe(vector.exiHex);
  });

  test('says what others read in it', () => {
    expect(toHex(header.sessionId)).toBe(vector.sessionIdHex);
    expect(header.timeStamp).toBe(BigInt(vector.timeStamp));
    if (!vector.decoded.err) expect(factsOfIso20(message)).toEqual(vector.decoded);
    if (message.name === 'CertificateInstallationReq') {
      expect(message.maximumContractCertificateChains).toBe(
        vector.maximumContractCertificateChains,
      );
      expect(message.prioritizedEmaids ?? null).toEqual(vector.prioritizedEMAIDs);
    } else {
      expect(message.responseCode).toBe(vector.responseCode);
      expect(message.evseProcessing).toBe(vector.evseProcessing);
      expect(message.remainingContractCertificateChains).toBe(vector.remaining);
      const { dhPublicKey, ecdhCurve, encryptedPrivateKey } = message.signedInstallationData;
      const { keyTransport } = vector;
      expect(ecdhCurve).toBe(keyTransport.ecdhCurve);
      expect(toHex(dhPublicKey)).toBe(keyTransport.dhPublicKeyHex);
      expect(encryptedPrivateKey.form).toBe(keyTransport.ecdhCurve);
      expect(toHex(encryptedPrivateKey.value)).toBe(
        keyTransport.enc ?? keyTransport.secp521EncryptedPrivateKeyHex,
      );
    }
  });

  test('has the fragments that are digested', () => {
    for (const signed of vector.signedElements) {
      const fragment = encodeIso20Fragment(iso20Element(message, signed.name));
      expect(toHex(fragment) === signed.fragmentExiHex).toBe(!tampered);
    }
  });

  test('has the SignedInfo that is signed, and the one by the other grammar', () => {
    const { signature } = header;
    if (!signature) throw new Error('every vector is signed');
    expect(toHex(signature.signatureValue)).toBe(vector.signatureValueHex);
    expect(toHex(encodeSignedInfo(signature.signedInfo))).toBe(
      vector.signedInfoExiFragmentXmldsigHex,
    );
    expect(toHex(encodeIso20SignedInfo(signature.signedInfo))).toBe(
      vector.signedInfoExiFragmentCommonMessagesHex_OTHER_GRAMMAR,
    );
  });
});

describe('iso2-neg-malformed', () => {
  const codes: Readonly<Record<string, string>> = {
    empty: 'truncated',
    'header only': 'truncated',
    'truncated at half': 'truncated',
    'truncated by 1 byte': 'truncated',
    'wrong distinguishing bits': 'not-exi',
    'EXI cookie + options bit': 'not-exi',
    'certificate length claims 2^31': 'limit',
    text: 'not-exi',
  };
  const { inputs } = readVector('iso2-neg-malformed').request;

  test('has the inputs that are known', () => {
    expect(inputs.map(({ name }: { name: string }) => name).sort()).toEqual(
      Object.keys(codes).sort(),
    );
  });

  test.each(inputs as { name: string; hex: string }[])('$name', ({ name, hex }) => {
    const error = errorOf(() => decodeIso2(fromHex(hex)));
    expect(error.code).toBe(codes[name]);
    expect(error.bit).toBeLessThanOrEqual(hex.length * 4);
    expect(errorOf(() => decodeIso20(fromHex(hex)))).toBeInstanceOf(ExiError);
  });
});

test('the example of a fragment of eMAID', () => {
  const value = { id: 'id4', value: 'DEABCC123ABC56' };
  expect(toHex(encodeIso2Fragment({ element: 'eMAID', value }))).toBe(
    '80ec0202b4b21a40041111505090d0cc4c8cd05090cd4dbd3d00',
  );
  expect(toHex(encodeOlderEmaidFragment(value))).toBe(
    '80ec02b4b21a041111505090d0cc4c8cd05090cd4d9e80',
  );
});

const sha256 = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex');

function errorOf(read: () => unknown): ExiError {
  try {
    read();
  } catch (error) {
    if (error instanceof ExiError) return error;
    throw error;
  }
  throw new Error('it was read');
}

function iso2Element({ body }: Iso2Message, name: string): Iso2SignedElement {
  const values: Record<string, unknown> =
    'responseCode' in body
      ? {
          ContractSignatureCertChain: body.contractCertificateChain,
          ContractSignatureEncryptedPrivateKey: body.encryptedPrivateKey,
          DHpublickey: body.dhPublicKey,
          eMAID: body.emaid,
        }
      : { [body.name]: body };
  return { element: name, value: values[name] } as Iso2SignedElement;
}

function iso20Element(message: Iso20Message, name: string): Iso20SignedElement {
  const value =
    message.name === 'CertificateInstallationReq'
      ? message.oemProvisioningCertificateChain
      : message.signedInstallationData;
  return { element: name, value } as Iso20SignedElement;
}

const decimal = ({ issuerName, serialNumber }: RootCertificateId): [string, string] => [
  issuerName,
  serialNumber.toString(),
];
