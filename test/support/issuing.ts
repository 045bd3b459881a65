/** Keys and signed certificates for tests: our own builder with a key of node:crypto. */

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { assembleCertificate, buildTbs } from '../../src/pki/build-certificate.ts';
import { type Certificate, readCertificate } from '../../src/pki/certificate.ts';
import { type DistinguishedName, writeName } from '../../src/pki/names.ts';
import { type KeyAlgorithm, type PublicKey, readPublicKey } from '../../src/pki/public-key.ts';
import { nodeDigest, signatureAlgorithmFor } from '../../src/pki/signature-algorithm.ts';
import type { CertificateTemplate, ExtensionSet } from '../../src/pki/template.ts';

export interface TestKey {
  readonly publicKey: PublicKey;
  readonly privateKey: KeyObject;
}

export function generateKey(algorithm: KeyAlgorithm = 'P-256'): TestKey {
  const { publicKey, privateKey } = keyPair(algorithm);
  const read = readPublicKey(publicKey.export({ format: 'der', type: 'spki' }));
  if (!read.ok) throw new Error(JSON.stringify(read.violations));
  return { publicKey: read.value, privateKey };
}

function keyPair(algorithm: KeyAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  switch (algorithm) {
    case 'P-256':
    case 'P-384':
    case 'P-521':
      return generateKeyPairSync('ec', { namedCurve: algorithm });
    case 'Ed25519':
      return generateKeyPairSync('ed25519');
    case 'Ed448':
      return generateKeyPairSync('ed448');
    case 'RSA-2048':
    case 'RSA-3072':
    case 'RSA-4096':
      return generateKeyPairSync('rsa', { modulusLength: Number(algorithm.slice(4)) });
  }
}

/** A signature as certificates carry it: ECDSA in DER. */
export const signWith = (key: TestKey, message: Uint8Array): Uint8Array =>
  sign(nodeDigest(signatureAlgorithmFor(key.publicKey.algorithm)), message, key.privateKey);

export const commonName = (value: string): DistinguishedName => ({
  attributes: [{ type: 'CN', value }],
});

/** SHA-1 of the key, as RFC 5280 4.2.1.2 method 1. */
export const keyId = (key: TestKey): Uint8Array =>
  new Uint8Array(createHash('sha1').update(key.publicKey.bits).digest());

let serial = 0;

/** A template with sensible values for what a test does not care about. */
export function templateFor(
  subjectKey: TestKey,
  issuerKey: TestKey,
  changes: Partial<CertificateTemplate> = {},
): CertificateTemplate {
  serial++;
  return {
    serialNumber: new Uint8Array([0x11, serial >> 8, serial & 0xff]),
    signatureAlgorithm: signatureAlgorithmFor(issuerKey.publicKey.algorithm),
    issuerName: writeName(commonName('Root')),
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2036-01-01T00:00:00Z'),
    subject: commonName('Leaf'),
    keyAlgorithm: subjectKey.publicKey.algorithm,
    spki: subjectKey.publicKey.spki,
    extensions: leafExtensions(subjectKey, issuerKey),
    ...changes,
  };
}

/** Signs a template with `issuerKey`. */
export function issue(template: CertificateTemplate, issuerKey: TestKey): Certificate {
  const tbs = buildTbs(template);
  const signature = signWith(issuerKey, tbs);
  return readCertificate(assembleCertificate(tbs, template.signatureAlgorithm, signature));
}

export const leafExtensions = (subjectKey: TestKey, issuerKey: TestKey): ExtensionSet => ({
  basicConstraints: { critical: true, ca: false },
  keyUsage: { critical: true, usages: ['digitalSignature'] },
  subjectKeyIdentifier: { critical: false, value: keyId(subjectKey) },
  authorityKeyIdentifier: { critical: false, value: keyId(issuerKey) },
});

export const authorityExtensions = (
  subjectKey: TestKey,
  issuerKey: TestKey,
  pathLength?: number,
): ExtensionSet => ({
  basicConstraints: {
    critical: true,
    ca: true,
    ...(pathLength !== undefined && { pathLength }),
  },
  keyUsage: { critical: true, usages: ['keyCertSign', 'cRLSign'] },
  subjectKeyIdentifier: { critical: false, value: keyId(subjectKey) },
  ...(subjectKey !== issuerKey && {
    authorityKeyIdentifier: { critical: false, value: keyId(issuerKey) },
  }),
});

/**
 * The certificate with another curve named in it (secp192r1 for P-256, secp224r1 for P-521): one whose
 * key evpki does not know what to do with. Its signature no longer holds.
 */
export function withForeignKey(der: Uint8Array): Uint8Array {
  const hex = Buffer.from(der).toString('hex');
  const foreign = hex
    .replace('06082a8648ce3d030107', '06082a8648ce3d030101')
    .replace('06052b81040023', '06052b81040021');
  if (foreign === hex) throw new Error('its key is on neither curve');
  return new Uint8Array(Buffer.from(foreign, 'hex'));
}
