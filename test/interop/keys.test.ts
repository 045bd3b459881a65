/** Keys, signatures and key identifiers as openssl makes them. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ecdsaDerToRaw, ecdsaRawToDer } from '../../src/pki/ecdsa.ts';
import { keyIdentifier } from '../../src/pki/key-identifier.ts';
import { type KeyAlgorithm, readPublicKey } from '../../src/pki/public-key.ts';
import { type SignatureAlgorithm, verifySignature } from '../../src/pki/signature-algorithm.ts';
import { keyWeaknesses } from '../../src/pki/weak-keys.ts';
import { noOpenssl } from '../support/other-tools.ts';
import { acceptedKey } from '../support/public-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'evpki-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

const path = (name: string): string => join(folder, name);

function openssl(...args: string[]): Buffer {
  return execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Generates a private key `name.pem` and returns the DER of its public key. */
function generate(
  name: string,
  args: readonly string[],
  pubout: readonly string[] = [],
): Uint8Array {
  openssl('genpkey', ...args, '-out', `${name}.pem`);
  const out = openssl('pkey', '-in', `${name}.pem`, '-pubout', '-outform', 'DER', ...pubout);
  return new Uint8Array(out);
}

const onCurve = (curve: string, encoding = 'named_curve'): string[] => [
  '-algorithm',
  'EC',
  '-pkeyopt',
  `ec_paramgen_curve:${curve}`,
  '-pkeyopt',
  `ec_param_enc:${encoding}`,
];

const rsaOf = (bits: number, ...more: string[]): string[] => [
  '-algorithm',
  'RSA',
  '-pkeyopt',
  `rsa_keygen_bits:${bits}`,
  ...more,
];

const accepted: readonly [KeyAlgorithm, args: string[], algorithms: SignatureAlgorithm[]][] = [
  ['P-256', onCurve('P-256'), ['ecdsa-with-SHA256', 'ecdsa-with-SHA384', 'ecdsa-with-SHA512']],
  ['P-384', onCurve('P-384'), ['ecdsa-with-SHA256', 'ecdsa-with-SHA384', 'ecdsa-with-SHA512']],
  ['P-521', onCurve('P-521'), ['ecdsa-with-SHA256', 'ecdsa-with-SHA384', 'ecdsa-with-SHA512']],
  ['Ed25519', ['-algorithm', 'ED25519'], ['Ed25519']],
  ['Ed448', ['-algorithm', 'ED448'], ['Ed448']],
  ['RSA-2048', rsaOf(2048), ['sha256WithRSAEncryption', 'sha384WithRSAEncryption']],
  ['RSA-3072', rsaOf(3072), ['sha256WithRSAEncryption', 'sha512WithRSAEncryption']],
  ['RSA-4096', rsaOf(4096), ['sha256WithRSAEncryption']],
];

describe.skipIf(noOpenssl).each(accepted)('a key of %s from openssl', (name, args, algorithms) => {
  const spki = noOpenssl ? new Uint8Array(0) : generate(name, args);

  test('is accepted and not weak', () => {
    const key = acceptedKey(spki);
    expect(key.algorithm).toBe(name);
    expect(keyWeaknesses(key)).toEqual([]);
  });

  test('RFC 5280 4.2.1.2: openssl derives the same key identifier', () => {
    openssl('req', '-x509', '-key', `${name}.pem`, '-subj', '/CN=x', '-out', `${name}.crt`);
    const text = openssl('x509', '-in', `${name}.crt`, '-noout', '-ext', 'subjectKeyIdentifier');
    const expected = Buffer.from(keyIdentifier(acceptedKey(spki), 20)).toString('hex');
    expect(text.toString().replaceAll(':', '').toLowerCase()).toContain(expected);
  });

  test.each(algorithms)('its signature with %s is valid', (algorithm) => {
    const message = Buffer.from('signed by openssl');
    writeFileSync(path('message'), message);
    const digest = /SHA\d+|sha\d+/.exec(algorithm)?.[0].toLowerCase();
    const options = digest === undefined ? [] : ['-digest', digest];
    const files = ['-rawin', '-in', 'message', '-out', 'signature'];
    openssl('pkeyutl', '-sign', '-inkey', `${name}.pem`, ...files, ...options);
    const signature = readFileSync(path('signature'));
    const key = acceptedKey(spki);
    expect(verifySignature(key, algorithm, message, signature)).toBe(true);
    expect(verifySignature(key, algorithm, message.subarray(1), signature)).toBe(false);
    if (name !== 'P-256' && name !== 'P-384' && name !== 'P-521') return;
    expect(ecdsaRawToDer(ecdsaDerToRaw(signature, name))).toEqual(new Uint8Array(signature));
  });
});

const compressed = ['-ec_conv_form', 'compressed'];
const hybrid = ['-ec_conv_form', 'hybrid'];

describe.skipIf(noOpenssl)('C2: keys from openssl that are refused', () => {
  test.each<[name: string, args: string[], pubout: string[], says: string]>([
    ['explicit parameters', onCurve('P-256', 'explicit'), [], 'explicit parameters'],
    ['explicit parameters, P-384', onCurve('P-384', 'explicit'), [], 'explicit parameters'],
    ['compressed point', onCurve('P-256'), compressed, 'compressed'],
    ['hybrid point', onCurve('P-256'), hybrid, 'hybrid'],
    ['compressed point, P-521', onCurve('P-521'), compressed, 'compressed'],
    ['secp224r1', onCurve('secp224r1'), [], 'secp224r1'],
    ['secp256k1', onCurve('secp256k1'), [], 'secp256k1'],
    ['brainpoolP256r1', onCurve('brainpoolP256r1'), [], 'brainpoolP256r1'],
    ['brainpoolP384r1', onCurve('brainpoolP384r1'), [], 'brainpoolP384r1'],
    ['brainpoolP512r1', onCurve('brainpoolP512r1'), [], 'brainpoolP512r1'],
    ['X25519', ['-algorithm', 'X25519'], [], 'X25519'],
    ['X448', ['-algorithm', 'X448'], [], 'X448'],
    ['RSA 1024', rsaOf(1024), [], '1024 bits'],
    ['RSA 2056', rsaOf(2056), [], '2056 bits'],
    ['RSA e = 3', rsaOf(2048, '-pkeyopt', 'rsa_keygen_pubexp:3'), [], 'exponent is 03'],
    ['RSA-PSS', ['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048'], [], 'RSA-PSS'],
  ])('%s', (name, args, pubout, says) => {
    const read = readPublicKey(generate(name.replaceAll(/\W+/g, '-'), args, pubout));
    expect(read.ok).toBe(false);
    if (read.ok) return;
    expect(read.violations).toHaveLength(1);
    const isMalformed = /parameters|point/.test(name);
    const code = isMalformed ? 'key-malformed' : name === 'RSA 1024' ? 'key-weak' : 'key-type';
    expect(read.violations[0]).toMatchObject({ code });
    expect(read.violations[0]?.message).toContain(says);
  });
});
