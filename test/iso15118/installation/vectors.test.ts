/** Every message vector, with the verdict that its file states. */

import { describe, expect, test } from 'vitest';
import { decodeIso2 } from '../../../src/iso15118/exi/iso2.ts';
import { decodeIso20 } from '../../../src/iso15118/exi/iso20.ts';
import type { XmlSignature } from '../../../src/iso15118/exi/xml-signature.ts';
import { encodeSignedInfo } from '../../../src/iso15118/exi/xmldsig.ts';
import { responseCodeFor } from '../../../src/iso15118/installation/failures.ts';
import {
  readIso2Installation,
  readIso2Update,
} from '../../../src/iso15118/installation/iso2-request.ts';
import { buildIso2Failure } from '../../../src/iso15118/installation/iso2-response.ts';
import { readIso20Installation } from '../../../src/iso15118/installation/iso20-request.ts';
import {
  checkIso2Response,
  checkIso20Response,
} from '../../../src/iso15118/installation/response-check.ts';
import { signedInIso20Request } from '../../../src/iso15118/installation/signed-elements.ts';
import type { LenientReading } from '../../../src/iso15118/signature/lenient-readings.ts';
import { verifySignature } from '../../../src/iso15118/signature/verify-signature.ts';
import { ecdsaRawToDer } from '../../../src/pki/ecdsa.ts';
import {
  signatureAlgorithmFor,
  verifySignature as verifies,
} from '../../../src/pki/signature-algorithm.ts';
import {
  certificateOf,
  decryptsTo,
  isUpdate,
  keyOf,
  messageVectorNames,
  sessionIdOf,
  standardOf,
  type Vector,
} from '../../support/vector-messages.ts';
import { fromHex, readVector, toHex } from '../../support/vectors.ts';

/** All certificates of the vectors that are not about expiry are valid then. */
const now = new Date('2026-06-01T00:00:00Z');

const isIso20 = (vector: Vector): boolean => standardOf(vector) === 'iso15118-20';

async function readRequest(vector: Vector, readings?: ReadonlySet<LenientReading>) {
  const exi = fromHex(vector.request.exiHex);
  if (isIso20(vector)) return readIso20Installation(exi, readings);
  return isUpdate(vector) ? readIso2Update(exi, readings) : readIso2Installation(exi, readings);
}

function checkResponse(vector: Vector, readings?: ReadonlySet<LenientReading>) {
  const { exiHex, sessionIdHex } = vector.response;
  const question = { exi: fromHex(exiHex), sessionId: fromHex(sessionIdHex), readings };
  if (isIso20(vector)) return checkIso20Response(question);
  const name = isUpdate(vector) ? 'CertificateUpdateRes' : 'CertificateInstallationRes';
  return checkIso2Response(name, question);
}

/** What the request is refused for, in one word. */
async function refusal(vector: Vector, readings?: ReadonlySet<LenientReading>): Promise<string> {
  const read = await readRequest(vector, readings);
  if (read.ok) return 'none';
  return read.failure.signatureFault ?? read.failure.reason;
}

const readingsOf = (...readings: readonly LenientReading[]) => new Set(readings);

/** The header's signature of the request, and whether its value belongs to its SignedInfo. */
function valueIsValid(vector: Vector): boolean {
  const exi = fromHex(vector.request.exiHex);
  const signature: XmlSignature | undefined = isIso20(vector)
    ? decodeIso20(exi).message.header.signature
    : decodeIso2(exi).message.header.signature;
  if (!signature) return false;
  const { publicKey } = keyOf(vector, isUpdate(vector) ? 'oldContract' : 'oemProv');
  return verifies(
    publicKey,
    signatureAlgorithmFor(publicKey.algorithm),
    encodeSignedInfo(signature.signedInfo),
    ecdsaRawToDer(signature.signatureValue),
  );
}

/** A P-256 car in -20: out of profile, but signed as -2 would have it. */
function signedAsIso2(vector: Vector): boolean {
  const { message } = decodeIso20(fromHex(vector.request.exiHex));
  if (message.name !== 'CertificateInstallationReq') return false;
  return verifySignature({
    standard: 'iso15118-2',
    signature: message.header.signature,
    elements: signedInIso20Request(message),
    key: keyOf(vector, 'oemProv').publicKey,
  }).ok;
}

type Judge = (vector: Vector) => void | Promise<void>;

/** What is to be looked at for each statement. A statement that is not here fails the test. */
const judges: Readonly<Record<string, Readonly<Record<string, Judge>>>> = {
  requestSignature: {
    valid: async (vector) => {
      if (vector.expect.profile) return expect(signedAsIso2(vector)).toBe(true);
      const read = await readRequest(vector);
      expect(read).toMatchObject({ ok: true, request: { readings: [] } });
      if (!read.ok) return;
      expect(read.request.sessionId).toEqual(sessionIdOf(vector));
      const signer = isUpdate(vector) ? 'oldContract' : 'oemProv';
      expect(toHex(read.request.certificate.der)).toBe(vector.pki[signer].certDerHex);
    },
    invalid: async (vector) => {
      expect(await refusal(vector)).toBe('value-invalid');
      expect(valueIsValid(vector)).toBe(false);
    },
    missing: async (vector) => expect(await refusal(vector)).toBe('signature-missing'),
    'valid over SignedInfo': async (vector) => expect(valueIsValid(vector)).toBe(true),
    'invalid under stand-alone xmldsig grammar, valid under combined grammar': async (vector) => {
      expect(await refusal(vector)).toBe('value-invalid');
      const lenient = await readRequest(vector, readingsOf('signed-info-grammar'));
      expect(lenient).toMatchObject({ ok: true, request: { readings: ['signed-info-grammar'] } });
    },
  },
  requestDigest: {
    // Digests are looked at before the value.
    match: async (vector) => expect(['none', 'value-invalid']).toContain(await refusal(vector)),
    mismatch: async (vector) => expect(await refusal(vector)).toBe('digest-mismatch'),
  },
  responseSignature: {
    valid: async (vector) => {
      const check = checkResponse(vector);
      expect(check).toMatchObject({ ok: true, response: { readings: [] } });
      if (!check.ok) return;
      expect(toHex(check.response.cps.certificate.der)).toBe(vector.pki.cpsLeaf.certDerHex);
      const { contract } = check.response;
      expect(toHex(contract.certificate.der)).toBe(vector.pki.contract.certDerHex);
    },
  },
  responseDigest: {
    'eMAID differs (cbv2g variant)': async (vector) => {
      expect(checkResponse(vector)).toMatchObject({ ok: false, signatureFault: 'digest-mismatch' });
      const lenient = checkResponse(vector, readingsOf('older-emaid-digest'));
      expect(lenient).toMatchObject({ ok: true, response: { readings: ['older-emaid-digest'] } });
    },
  },
  contractKeyMatchesCertificate: {
    true: async (vector) => expect(deliversItsKey(vector)).toBe(true),
    false: async (vector) => expect(deliversItsKey(vector)).toBe(false),
  },
  responseCode: {
    FAILED_SignatureError: async (vector) =>
      expect(await readRequest(vector)).toMatchObject({
        ok: false,
        failure: { responseCode: 'FAILED_SignatureError' },
      }),
    FAILED_CertificateExpired: async (vector) => {
      const read = await readRequest(vector);
      const expired = read.ok && read.request.certificate.notAfter < now;
      const reason = expired ? 'certificate-expired' : 'chain-untrusted';
      expect(responseCodeFor('iso15118-2', reason)).toBe('FAILED_CertificateExpired');
    },
  },
  chain: {
    expired: async (vector) => {
      const read = await readRequest(vector);
      expect(read.ok && read.request.certificate.notAfter.getTime()).toBeLessThan(now.getTime());
    },
  },
  decode: {
    ok: async (vector) => {
      const read = await readRequest(vector);
      expect(read).toMatchObject({ ok: true, request: { decoding: { trailingZeros: 1 } } });
    },
    'error for every input': async (vector) => {
      expect(vector.request.inputs.length).toBeGreaterThan(0);
      for (const { name, hex } of vector.request.inputs) {
        const read = readIso2Installation(fromHex(hex));
        expect([name, read.ok ? 'read' : read.failure.reason]).toEqual([
          name,
          'request-unreadable',
        ]);
        expect(read).toMatchObject({ failure: { responseCode: 'FAILED' } });
      }
    },
  },
  exactBytes: {
    true: ({ response }) => {
      const sessionId = fromHex(response.sessionIdHex);
      const exi = buildIso2Failure('CertificateInstallationRes', sessionId, response.responseCode);
      expect(toHex(exi)).toBe(response.exiHex);
    },
  },
  codecOnly: {
    // Its values are no key transport, but its signatures are signatures.
    true: async (vector) => {
      expect(await readRequest(vector)).toMatchObject({ ok: true });
      const check = checkResponse(vector);
      expect(check).toMatchObject({ ok: true, response: { ecdhCurve: 'X448' } });
    },
  },
  profile: {
    'violation (P-256)': async (vector) =>
      expect(await readRequest(vector)).toMatchObject({
        ok: false,
        failure: {
          reason: 'key-transport-impossible',
          responseCode: 'WARNING_NoCertificateAvailable',
        },
      }),
  },
};

function deliversItsKey(vector: Vector): boolean {
  const check = checkResponse(vector);
  if (!check.ok) throw new Error(check.message);
  const { dhPublicKey, encryptedPrivateKey } = check.response;
  const sealed =
    encryptedPrivateKey instanceof Uint8Array ? encryptedPrivateKey : encryptedPrivateKey.value;
  const { publicKey } = certificateOf(vector, 'contract');
  if (!publicKey) throw new Error('the contract key is none that evpki accepts');
  return decryptsTo(vector, { dhPublicKey, encryptedPrivateKey: sealed }, publicKey);
}

describe.each(messageVectorNames())('%s', (name) => {
  const vector = readVector(name);
  const statements = Object.entries(vector.expect).map(
    ([key, value]) => [key, String(value)] as const,
  );

  test('states what to expect', () => {
    expect(statements.length).toBeGreaterThan(0);
  });

  test.each(statements)('%s: %s', async (key, value) => {
    const judge = judges[key]?.[value];
    if (!judge) throw new Error(`nobody knows how to judge ${key}: ${value}`);
    await judge(vector);
  });

  if (vector.request?.decoded) {
    test('its request is unchanged by how leniently it is read', async () => {
      const strict = await readRequest(vector);
      if (strict.ok)
        expect(await readRequest(vector, new Set(['missing-transforms']))).toEqual(strict);
    });
  }
});

test('every kind of statement occurs', () => {
  const stated = messageVectorNames().flatMap((name) => Object.keys(readVector(name).expect));
  expect(Object.keys(judges).filter((key) => !stated.includes(key))).toEqual([]);
});
