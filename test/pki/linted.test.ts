import { createPublicKey, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { buildTbs } from '../../src/pki/build-certificate.ts';
import { IssueError, signLinted } from '../../src/pki/issue.ts';
import type { LintContext } from '../../src/pki/lint/rule.ts';
import { consume, LintedTbs, LintedTbsError, lintAndSeal } from '../../src/pki/linted.ts';
import { decide } from '../../src/pki/policy.ts';
import { importPublicKey } from '../../src/pki/public-key.ts';
import type { Signer } from '../../src/pki/signer.ts';
import { generateKey, signWith, type TestKey } from '../support/issuing.ts';
import { issuerFacts, issuerKey, stationInput, stationProfile } from '../support/policy.ts';

const { subjectDer, keyIdentifier, notBefore, notAfter } = issuerFacts;

const context: LintContext = {
  profile: stationProfile,
  issuer: { subjectDer, keyIdentifier, notBefore, notAfter },
  issuerKeyAlgorithm: 'P-256',
};

function bytes(): Uint8Array {
  const decision = decide(stationInput);
  if (!decision.ok) throw new Error(JSON.stringify(decision.violations));
  return buildTbs(decision.value);
}

function sealed(tbs: Uint8Array = bytes()): LintedTbs {
  const result = lintAndSeal(tbs, context);
  if (!result.ok) throw new Error(JSON.stringify(result.findings));
  return result.linted;
}

const signerWith = (
  key: TestKey,
  sign = (message: Uint8Array) => signWith(key, message),
): Signer => ({
  algorithm: key.publicKey.algorithm,
  spki: key.publicKey.spki,
  sign: async (message) => sign(message),
  signPieces: async (pieces) => sign(Buffer.concat(pieces)),
});

const verificationKey = importPublicKey(issuerKey.publicKey);

describe('the token between lint and signer', () => {
  test('S3 gives the linted bytes, as a copy', () => {
    const tbs = bytes();
    const consumed = consume(sealed(tbs));
    expect(consumed).toEqual(Uint8Array.from(tbs));
    expect(consumed.buffer).not.toBe(tbs.buffer);
  });

  test('S3 works once', () => {
    const linted = sealed();
    consume(linted);
    expect(() => consume(linted)).toThrow(LintedTbsError);
  });

  test('S4 bytes that break a rule get none', () => {
    const result = lintAndSeal(bytes(), { ...context, profile: { ...stationProfile, keys: [] } });
    expect(result).toMatchObject({ ok: false, findings: [{ rule: 'public-key-of-profile' }] });
    expect(result).not.toHaveProperty('linted');
  });

  test.each<[string, () => unknown]>([
    ['made from the prototype', () => Object.create(LintedTbs.prototype)],
    ['made with the constructor', () => Reflect.construct(LintedTbs, [])],
    [
      'made with the constructor, for octets of its own',
      () => Reflect.construct(LintedTbs, [{ tbs: bytes(), seen: bytes() }]),
    ],
    ['copied', () => Object.assign(Object.create(LintedTbs.prototype), sealed())],
    ['cloned', () => structuredClone(sealed())],
    ['wrapped', () => new Proxy(sealed(), {})],
    ['inherited', () => Object.create(sealed())],
    ['a plain object', () => ({ tbs: bytes() })],
    ['the bytes themselves', () => bytes()],
    ['nothing', () => undefined],
  ])('S4 a forged one is refused: %s', (_, forge) => {
    expect(() => consume(forge() as LintedTbs)).toThrow(LintedTbsError);
  });

  test('S4 shows nothing of what it stands for', () => {
    expect(Reflect.ownKeys(sealed())).toEqual([]);
  });

  test('S4 bytes that changed after lint are refused, and stay refused', () => {
    for (const position of [0, 40, bytes().length - 1]) {
      const tbs = bytes();
      const linted = sealed(tbs);
      tbs[position] = (tbs[position] ?? 0) ^ 1;
      expect(() => consume(linted)).toThrow('have changed');
      tbs[position] = (tbs[position] ?? 0) ^ 1;
      expect(() => consume(linted)).toThrow(LintedTbsError);
    }
  });
});

describe('signing', () => {
  test('S3 yields a certificate that others read and verify', async () => {
    const tbs = bytes();
    const der = await signLinted(sealed(tbs), signerWith(issuerKey), verificationKey);
    expect(Buffer.from(der).includes(Buffer.from(tbs))).toBe(true);
    const certificate = new X509Certificate(der);
    expect(certificate.verify(verificationKey)).toBe(true);
    expect(certificate.subject).toBe('CN=DE-ABC-1\nO=Example Charging\nC=DE\nDC=CPO');
    expect(der.length).toBeLessThanOrEqual(800);
  });

  test('S4 a token signs once', async () => {
    const linted = sealed();
    await signLinted(linted, signerWith(issuerKey), verificationKey);
    await expect(signLinted(linted, signerWith(issuerKey), verificationKey)).rejects.toThrow(
      LintedTbsError,
    );
  });

  test('S4 of two at the same time, one signs', async () => {
    const linted = sealed();
    const both = await Promise.allSettled([
      signLinted(linted, signerWith(issuerKey), verificationKey),
      signLinted(linted, signerWith(issuerKey), verificationKey),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  const flipped = (signature: Uint8Array) => {
    const last = signature.length - 1;
    return Uint8Array.from(signature, (octet, index) => (index === last ? octet ^ 1 : octet));
  };
  test.each<[string, Signer]>([
    ['of another key', signerWith(generateKey())],
    [
      'with a flipped bit',
      signerWith(issuerKey, (message) => flipped(signWith(issuerKey, message))),
    ],
    ['of other bytes', signerWith(issuerKey, () => signWith(issuerKey, new Uint8Array(10)))],
    ['that is empty', signerWith(issuerKey, () => new Uint8Array())],
    [
      'of bytes that the signer changed',
      signerWith(issuerKey, (message) => {
        message[40] = (message[40] ?? 0) ^ 1;
        return signWith(issuerKey, message);
      }),
    ],
  ])('S3 a signature %s never becomes a certificate', async (_, signer) => {
    const signing = signLinted(sealed(), signer, verificationKey);
    await expect(signing).rejects.toMatchObject({
      name: 'IssueError',
      reason: 'signature-invalid',
    });
  });

  test('S3 the key to verify with is the given one, whatever the signer says', async () => {
    const other = createPublicKey(generateKey().privateKey);
    await expect(signLinted(sealed(), signerWith(issuerKey), other)).rejects.toThrow(IssueError);
  });

  test('S6 a signer with another algorithm is not even asked', async () => {
    let asked = false;
    const p384 = generateKey('P-384');
    const signer = signerWith(p384, (message) => {
      asked = true;
      return signWith(p384, message);
    });
    const linted = sealed();
    const signing = signLinted(linted, signer, importPublicKey(p384.publicKey));
    await expect(signing).rejects.toMatchObject({ reason: 'wrong-algorithm' });
    expect(asked).toBe(false);
    expect(() => consume(linted)).toThrow(LintedTbsError);
  });

  test('what the signer throws is passed on, and the token is gone', async () => {
    const linted = sealed();
    const signer: Signer = {
      ...signerWith(issuerKey),
      sign: () => Promise.reject(new Error('token unplugged')),
    };
    await expect(signLinted(linted, signer, verificationKey)).rejects.toThrow('token unplugged');
    expect(() => consume(linted)).toThrow(LintedTbsError);
  });
});
