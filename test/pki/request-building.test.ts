import * as pkijs from 'pkijs';
import { describe, expect, test } from 'vitest';
import { readExtensionSet } from '../../src/pki/extensions/read.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import { readRequest } from '../../src/pki/request.ts';
import { assembleRequest, buildRequestInfo } from '../../src/pki/request-building.ts';
import { signatureAlgorithmFor } from '../../src/pki/signature-algorithm.ts';
import type { ExtensionSet } from '../../src/pki/template.ts';
import { commonName, generateKey, signWith } from '../support/issuing.ts';

const wanted: ExtensionSet = {
  basicConstraints: { critical: true, ca: true, pathLength: 0 },
  keyUsage: { critical: true, usages: ['keyCertSign', 'cRLSign'] },
};
const subject = {
  attributes: [
    { type: 'C', value: 'DE' },
    { type: 'O', value: 'Operator' },
    { type: 'CN', value: 'CPO Sub-CA 2' },
    { type: 'DC', value: 'V2G' },
  ],
};

describe('requests for authorities of ours', () => {
  const algorithms: KeyAlgorithm[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'Ed448', 'RSA-2048'];
  test.each(algorithms)('our own reader takes one of %s', (algorithm) => {
    const key = generateKey(algorithm);
    const info = buildRequestInfo(subject, key.publicKey, wanted);
    const der = assembleRequest(info, signatureAlgorithmFor(algorithm), signWith(key, info));
    const read = readRequest(der);
    if (!read.ok) throw new Error(JSON.stringify(read.violations));
    expect(read.value.subject).toEqual(subject);
    expect(read.value.publicKey.algorithm).toBe(algorithm);
    expect(readExtensionSet(read.value.extensions)).toEqual(wanted);
  });

  test('without extensions the attributes are empty, and present (RFC 2986 4.1)', () => {
    const key = generateKey();
    const info = buildRequestInfo(commonName('x'), key.publicKey, {});
    expect(Buffer.from(info.subarray(-2)).toString('hex')).toBe('a000');
    const der = assembleRequest(info, 'ecdsa-with-SHA256', signWith(key, info));
    expect(readRequest(der).ok).toBe(true);
  });

  test('pkijs reads the same request and verifies it', async () => {
    const key = generateKey();
    const info = buildRequestInfo(subject, key.publicKey, wanted);
    const der = assembleRequest(info, 'ecdsa-with-SHA256', signWith(key, info));
    const other = pkijs.CertificationRequest.fromBER(new Uint8Array(der));
    expect(other.version).toBe(0);
    expect(
      other.subject.typesAndValues.map(({ type, value }) => [type, value.valueBlock.value]),
    ).toEqual([
      ['2.5.4.6', 'DE'],
      ['2.5.4.10', 'Operator'],
      ['2.5.4.3', 'CPO Sub-CA 2'],
      ['0.9.2342.19200300.100.1.25', 'V2G'],
    ]);
    expect(other.attributes?.map(({ type, values }) => [type, values.length])).toEqual([
      ['1.2.840.113549.1.9.14', 1],
    ]);
    const extensions = new pkijs.Extensions({ schema: other.attributes?.[0]?.values[0] });
    expect(
      extensions.extensions.map(({ extnID, critical, parsedValue }) => [
        extnID,
        critical,
        parsedValue,
      ]),
    ).toMatchObject([
      ['2.5.29.19', true, { cA: true, pathLenConstraint: 0 }],
      ['2.5.29.15', true, {}],
    ]);
    const engine = new pkijs.CryptoEngine({ name: 'node', crypto: globalThis.crypto });
    expect(await other.verify(engine)).toBe(true);
  });
});
