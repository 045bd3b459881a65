/** OpenSSL and GnuTLS read, verify and apply the CRLs that evpki builds. */

import { spawnSync } from 'node:child_process';
import { createHash, createSign } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../src/pki/certificate.ts';
import { chainPem } from '../../src/pki/chain.ts';
import { assembleCrl, type CrlTemplate, crlMessage, crlTbs } from '../../src/pki/crl/build.ts';
import { lintCrlEntries } from '../../src/pki/crl/lint-entries.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import { type CrlEntry, crlTemplateFor, encodeCrlEntries, issueCrl } from '../support/crls.ts';
import {
  authorityExtensions,
  commonName,
  generateKey,
  issue,
  keyId,
  leafExtensions,
  type TestKey,
  templateFor,
} from '../support/issuing.ts';
import { workbench } from '../support/openssl.ts';
import { noGnutls, noOpenssl } from '../support/other-tools.ts';

const bench = workbench();
afterAll(() => bench.remove());

/** Everything that a program says, and whether it was content. */
function run(command: string, ...args: string[]): { readonly ok: boolean; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: bench.folder,
    encoding: 'utf8',
  });
  return { ok: status === 0, text: stdout + stderr };
}

const url = 'http://pki.example/crl/1.crl';
const revokedSerial = Buffer.from('7f00112233445566778899aabbccddee', 'hex');
const goodSerial = Buffer.from('7f00112233445566778899aabbccddef', 'hex');
const revokedAt = new Date('2020-03-01T12:00:00Z');
/** certtool takes no time to verify at, so everything holds for as long as anybody runs this. */
const validity = {
  notBefore: new Date('2020-01-01T00:00:00Z'),
  notAfter: new Date('2049-12-31T00:00:00Z'),
};
const updates = {
  thisUpdate: new Date('2020-06-01T00:00:00Z'),
  nextUpdate: new Date('2049-06-08T00:00:00Z'),
};

interface Issuer {
  readonly key: TestKey;
  readonly root: Certificate;
}

function issuerOf(algorithm: KeyAlgorithm): Issuer {
  const key = generateKey(algorithm);
  const template = templateFor(key, key, {
    ...validity,
    subject: commonName('Root'),
    extensions: authorityExtensions(key, key),
  });
  return { key, root: issue(template, key) };
}

const leafOf = ({ key }: Issuer, serialNumber: Uint8Array): Certificate =>
  issue(
    templateFor(key, key, {
      ...validity,
      serialNumber,
      extensions: {
        ...leafExtensions(key, key),
        crlDistributionPoints: { critical: false, urls: [url] },
      },
    }),
    key,
  );

const few: readonly CrlEntry[] = [
  { serialNumber: revokedSerial, revokedAt, reason: 'keyCompromise' },
  { serialNumber: new Uint8Array([0x01]), revokedAt, reason: 'cessationOfOperation' },
  { serialNumber: new Uint8Array([0x02]), revokedAt, reason: 'certificateHold' },
  { serialNumber: new Uint8Array([0x03]), revokedAt },
  { serialNumber: new Uint8Array([0x04]), revokedAt: new Date('2051-01-01T00:00:00Z') },
];

/** Writes root, CRL and leaves; the names of the files. */
function files(issuer: Issuer, entries: readonly CrlEntry[], changes: Partial<CrlTemplate> = {}) {
  const der = issueCrl(crlTemplateFor(issuer.key, entries, { ...updates, ...changes }), issuer.key);
  const pem = `-----BEGIN X509 CRL-----\n${(
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  ).join('\n')}\n-----END X509 CRL-----\n`;
  return {
    root: bench.write('root.pem', chainPem([issuer.root])),
    der: bench.write('list.crl', der),
    pem: bench.write('list.pem', pem),
    revoked: bench.write('revoked.pem', chainPem([leafOf(issuer, revokedSerial)])),
    good: bench.write('good.pem', chainPem([leafOf(issuer, goodSerial)])),
  };
}

const point = { issuingDistributionPoint: { urls: [url] } };

describe.skipIf(noOpenssl)('OpenSSL', () => {
  const verifies = (crl: string, root: string) => {
    const { text } = run('openssl', 'crl', '-inform', 'DER', '-in', crl, '-CAfile', root, '-noout');
    return text;
  };

  test.each<KeyAlgorithm>(['P-256', 'P-384', 'P-521', 'Ed25519', 'Ed448', 'RSA-2048'])(
    'verifies empty and small CRLs of %s, and not with another root',
    (algorithm) => {
      const issuer = issuerOf(algorithm);
      for (const entries of [[], few]) {
        const { der, root } = files(issuer, entries);
        expect(verifies(der, root)).toContain('verify OK');
      }
      const { der } = files(issuer, few);
      const other = bench.write('other.pem', chainPem([issuerOf(algorithm).root]));
      expect(verifies(der, other)).not.toContain('verify OK');
    },
  );

  test('RFC 5280 5.2, 5.3.1: shows number, key identifier, times and reasons', () => {
    const issuer = issuerOf('P-256');
    const { der } = files(issuer, few, { crlNumber: 0x1234n });
    const { text } = run('openssl', 'crl', '-inform', 'DER', '-in', der, '-noout', '-text');
    const id = Buffer.from(keyId(issuer.key)).toString('hex').toUpperCase();
    for (const expected of [
      'Version 2 (0x1)',
      'Signature Algorithm: ecdsa-with-SHA256',
      'Issuer: CN = Root',
      'Last Update: Jun  1 00:00:00 2020 GMT',
      'Next Update: Jun  8 00:00:00 2049 GMT',
      `X509v3 Authority Key Identifier: \n                ${id.replace(/..(?!$)/g, '$&:')}`,
      'X509v3 CRL Number: \n                4660',
      'Serial Number: 7F00112233445566778899AABBCCDDEE',
      'Revocation Date: Mar  1 12:00:00 2020 GMT',
      'Revocation Date: Jan  1 00:00:00 2051 GMT',
      'X509v3 CRL Reason Code: \n                Key Compromise',
      'X509v3 CRL Reason Code: \n                Cessation Of Operation',
      'X509v3 CRL Reason Code: \n                Certificate Hold',
    ]) {
      expect(text).toContain(expected);
    }
    expect(text.match(/Serial Number:/g)).toHaveLength(5);
    expect(text.match(/CRL Reason Code/g)).toHaveLength(3);
    expect(text).not.toContain('critical');
  });

  test('RFC 5280 5.1.2.6, R2: shows no list when nothing is revoked', () => {
    const { der } = files(issuerOf('P-256'), []);
    const { text } = run('openssl', 'crl', '-inform', 'DER', '-in', der, '-noout', '-text');
    expect(text).toContain('No Revoked Certificates.');
  });

  test.each([
    ['without', {}],
    ['R3: with', point],
  ])('%s distribution point: refuses the revoked leaf and takes the other', (_, changes) => {
    const { root, pem, revoked, good } = files(issuerOf('P-256'), few, changes);
    const check = ['verify', '-x509_strict', '-crl_check'];
    const given = [...check, '-CAfile', root, '-CRLfile', pem];
    expect(run('openssl', ...given, good)).toMatchObject({ ok: true });
    const refused = run('openssl', ...given, revoked);
    expect(refused.ok).toBe(false);
    expect(refused.text).toContain('certificate revoked');
  });

  test('R3: takes no CRL for a certificate whose distribution point is elsewhere', () => {
    const elsewhere = { issuingDistributionPoint: { urls: ['http://pki.example/crl/2.crl'] } };
    const { root, pem, good } = files(issuerOf('P-256'), few, elsewhere);
    const check = ['verify', '-crl_check'];
    const { ok, text } = run('openssl', ...check, '-CAfile', root, '-CRLfile', pem, good);
    expect(ok).toBe(false);
    expect(text).toContain('different CRL scope');
  });

  test('R6: verifies a CRL of a million entries', { timeout: 180_000 }, () => {
    const issuer = issuerOf('P-256');
    const root = bench.write('million.pem', chainPem([issuer.root]));
    const segments: Uint8Array[] = [];
    for (let i = 0; i < SEGMENTS; i++) segments.push(encodeCrlEntries(entriesOfSegment(i)));
    const pieces = crlTbs(crlTemplateFor(issuer.key, [], { segments }));
    const signing = createSign('sha256');
    for (const piece of crlMessage(pieces)) signing.update(piece);
    const signature = signing.sign(issuer.key.privateKey);
    const { chunks, length } = assembleCrl(pieces, 'ecdsa-with-SHA256', signature);
    const frame = length - SEGMENTS * PER_SEGMENT * ENTRY_OCTETS;
    expect(frame).toBeGreaterThan(0);
    expect(frame).toBeLessThan(1000);
    // A start, the segments as they were, an end.
    expect(chunks).toHaveLength(SEGMENTS + 2);

    const checking = lintCrlEntries(pieces.segments);
    let step = checking.next();
    let count = 0;
    for (; !step.done; step = checking.next()) count = step.value;
    expect(step.value).toEqual([]);
    expect(count).toBe(SEGMENTS * PER_SEGMENT);

    const file = openSync(join(bench.folder, 'million.crl'), 'w');
    for (const chunk of chunks) writeSync(file, chunk);
    closeSync(file);
    expect(verifies('million.crl', root)).toContain('verify OK');
  });
});

describe.skipIf(noGnutls)('GnuTLS', () => {
  const verifies = (crl: string, root: string) =>
    run('certtool', '--verify-crl', '--load-ca-certificate', root, '--infile', crl);

  test.each<KeyAlgorithm>(['P-256', 'P-384', 'P-521', 'Ed25519', 'Ed448', 'RSA-2048'])(
    'verifies empty and small CRLs of %s, and not with another root',
    (algorithm) => {
      const issuer = issuerOf(algorithm);
      const other = bench.write('other.pem', chainPem([issuerOf(algorithm).root]));
      for (const entries of [[], few]) {
        const { pem, root } = files(issuer, entries);
        expect(verifies(pem, root)).toMatchObject({ ok: true });
        expect(verifies(pem, other)).toMatchObject({ ok: false });
      }
    },
  );

  test('RFC 5280 5.2: shows number, key identifier, times and serial numbers', () => {
    const issuer = issuerOf('P-256');
    const { der } = files(issuer, few);
    const { ok, text } = run('certtool', '--crl-info', '--inder', '--infile', der);
    expect(ok).toBe(true);
    for (const expected of [
      'Version: 2',
      'Issued: Mon Jun 01 00:00:00 UTC 2020',
      'Next at: Tue Jun 08 00:00:00 UTC 2049',
      `Authority Key Identifier (not critical):\n\t\t\t${Buffer.from(keyId(issuer.key)).toString('hex')}`,
      'CRL Number (not critical): 07',
      'Revoked certificates (5):',
      'Serial Number (hex): 7f00112233445566778899aabbccddee\n\t\tRevoked at: Sun Mar 01 12:00:00 UTC 2020',
      'Serial Number (hex): 04\n\t\tRevoked at: Sun Jan 01 00:00:00 UTC 2051',
    ]) {
      expect(text).toContain(expected);
    }
  });

  test.each([
    ['without', {}],
    ['R3: with', point],
  ])('%s distribution point: refuses the revoked leaf and takes the other', (_, changes) => {
    const { root, pem, good, revoked } = files(issuerOf('P-256'), few, changes);
    expect(verifies(pem, root)).toMatchObject({ ok: true });
    const given = ['--verify', '--load-ca-certificate', root, '--load-crl', pem];
    expect(run('certtool', ...given, '--infile', good)).toMatchObject({ ok: true });
    const refused = run('certtool', ...given, '--infile', revoked);
    expect(refused.ok).toBe(false);
    expect(refused.text).toContain('The certificate chain is revoked.');
  });
});

const SEGMENTS = 250;
const PER_SEGMENT = 4000;
/** Two octets of header, 18 of serial number, 15 of time and 14 of reason. */
const ENTRY_OCTETS = 49;

/** Entries with distinct, random-looking serial numbers. */
const entriesOfSegment = (index: number): readonly CrlEntry[] =>
  Array.from({ length: PER_SEGMENT }, (_, i) => {
    const serialNumber = createHash('md5').update(`${index} ${i}`).digest();
    serialNumber[0] = 0x11;
    return { serialNumber, revokedAt, reason: 'superseded' };
  });
