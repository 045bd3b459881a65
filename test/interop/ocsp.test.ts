/** OpenSSL and GnuTLS ask, and read and verify what evpki answers. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Certificate } from '../../src/pki/certificate.ts';
import { chainPem } from '../../src/pki/chain.ts';
import { keyIdentifier } from '../../src/pki/key-identifier.ts';
import { writeName } from '../../src/pki/names.ts';
import {
  assembleOcspResponse,
  buildOcspResponseData,
  ocspError,
  type SingleAnswer,
} from '../../src/pki/ocsp/build-response.ts';
import type { OcspCertId } from '../../src/pki/ocsp/cert-id.ts';
import type { CertificateStatus } from '../../src/pki/ocsp/certificate-status.ts';
import { issuerHashes, ocspHashes } from '../../src/pki/ocsp/hashes.ts';
import { lintOcspResponseData } from '../../src/pki/ocsp/lint.ts';
import { readOcspResponse } from '../../src/pki/ocsp/read-response.ts';
import { type OcspRequest, readOcspRequest } from '../../src/pki/ocsp/request.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import { signatureAlgorithmFor, verifySignature } from '../../src/pki/signature-algorithm.ts';
import {
  authorityExtensions,
  commonName,
  generateKey,
  issue,
  leafExtensions,
  signWith,
  type TestKey,
  templateFor,
} from '../support/issuing.ts';
import { hex } from '../support/ocsp.ts';
import { noGnutls, noOpenssl } from '../support/other-tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'evpki-ocsp-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
const fileOf = (name: string): string => join(folder, name);
const pem = (certificate: Certificate): string => chainPem([certificate]);

const openssl = (...args: string[]): string =>
  execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });

/** Both outputs: "Response verify OK", for one, comes on standard error. */
function run(command: string, args: string[]): { output: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8' });
  return { output: stdout + stderr, status };
}
const opensslOcsp = (...args: string[]) => run('openssl', ['ocsp', ...args]);
const ocsptool = (...args: string[]) => run('ocsptool', args);

const start = Math.floor(Date.now() / 1000) * 1000;
const day = 86_400_000;
const now = new Date(start);
const validity = { notBefore: new Date(start - day), notAfter: new Date(start + 30 * day) };

interface World {
  readonly name: string;
  readonly caKey: TestKey;
  readonly ca: Certificate;
  readonly caFile: string;
  readonly leaves: readonly Certificate[];
  readonly leafFiles: readonly string[];
  readonly responderKey: TestKey;
  readonly responder: Certificate;
}

/** A CA with three leaves and a delegated responder; all keys of one kind. */
function worldOf(algorithm: KeyAlgorithm, name: string = algorithm): World {
  const caKey = generateKey(algorithm);
  const leafKey = generateKey('P-256');
  const responderKey = generateKey(algorithm);
  const issuer = { issuerName: writeName(commonName(`CA ${name}`)), ...validity };
  const ca = issue(
    templateFor(caKey, caKey, {
      ...issuer,
      subject: commonName(`CA ${name}`),
      extensions: authorityExtensions(caKey, caKey),
    }),
    caKey,
  );
  const leaves = [1, 2, 3].map((number) =>
    issue(templateFor(leafKey, caKey, { ...issuer, subject: commonName(`Leaf ${number}`) }), caKey),
  );
  const responder = issue(
    templateFor(responderKey, caKey, {
      ...issuer,
      subject: commonName('OCSP'),
      extensions: {
        ...leafExtensions(responderKey, caKey),
        extendedKeyUsage: { critical: false, purposes: ['OCSPSigning'] },
        ocspNoCheck: { critical: false },
      },
    }),
    caKey,
  );
  return {
    name,
    caKey,
    ca,
    caFile: file(`${name}-ca.pem`, pem(ca)),
    leaves,
    leafFiles: leaves.map((leaf, index) => file(`${name}-leaf-${index + 1}.pem`, pem(leaf))),
    responderKey,
    responder,
  };
}

const strangers = new Map<KeyAlgorithm, Certificate>();

/** A CA of the same name and kind of key that has signed none of this. */
function strangerOf(algorithm: KeyAlgorithm): Certificate {
  const known = strangers.get(algorithm);
  if (known) return known;
  const key = generateKey(algorithm);
  const names = { issuerName: writeName(commonName(`CA ${algorithm}`)), ...validity };
  const extensions = authorityExtensions(key, key);
  const subject = commonName(`CA ${algorithm}`);
  const stranger = issue(templateFor(key, key, { ...names, subject, extensions }), key);
  strangers.set(algorithm, stranger);
  return stranger;
}

/** Good, revoked and unknown, as the three leaves of a world. */
const statuses: readonly CertificateStatus[] = [
  { kind: 'good' },
  { kind: 'revoked', at: new Date('2026-02-03T04:05:06Z'), reason: 'keyCompromise' },
  { kind: 'unknown' },
];

/** The whole way of a responder: request in, response out; linted and read back. */
function respond(world: World, request: OcspRequest, by: 'ca' | 'responder'): Uint8Array {
  const hashes = issuerHashes(world.ca.subjectDer, world.ca.publicKey?.bits ?? new Uint8Array(0));
  const statusOf = (certId: OcspCertId): CertificateStatus => {
    const { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber } = certId;
    if (hashAlgorithm === undefined) return { kind: 'unknown' };
    const { nameHash, keyHash } = hashes[hashAlgorithm];
    if (nameHash !== hex(issuerNameHash) || keyHash !== hex(issuerKeyHash)) {
      return { kind: 'unknown' };
    }
    const leaf = world.leaves.findIndex((one) => hex(one.serialNumber) === hex(serialNumber));
    return statuses[leaf] ?? { kind: 'unknown' };
  };
  const key = by === 'ca' ? world.caKey : world.responderKey;
  const responderKeyHash = keyIdentifier(key.publicKey, 20);
  const responses: SingleAnswer[] = request.certIds.map((certId) => ({
    certIdDer: certId.certIdDer,
    status: statusOf(certId),
    thisUpdate: now,
    nextUpdate: new Date(start + day),
  }));
  const { nonce } = request;
  const withNonce = nonce === undefined ? {} : { nonce };
  const tbs = buildOcspResponseData({ responderKeyHash, producedAt: now, responses, ...withNonce });
  const certIds = request.certIds.map((certId) => certId.certIdDer);
  expect(lintOcspResponseData(tbs, { now, certIds, responderKeyHash, ...withNonce })).toEqual([]);
  const algorithm = signatureAlgorithmFor(key.publicKey.algorithm);
  const certificates = by === 'ca' ? [] : [world.responder.der];
  const der = assembleOcspResponse(tbs, algorithm, signWith(key, tbs), certificates);
  const read = readOcspResponse(der);
  expect(read.status).toBe('successful');
  return der;
}

function parsedRequest(path: string): OcspRequest {
  const request = readOcspRequest(readFileSync(path));
  if ('fault' in request) throw new Error(request.message);
  return request;
}

/** Has OpenSSL write a request about these leaves. */
function ask(world: World, leaves: readonly number[], ...options: string[]): string {
  const path = fileOf(`${world.name}-${leaves.join('')}.req`);
  const certificates = leaves.flatMap((leaf) => ['-cert', world.leafFiles[leaf] ?? '']);
  openssl('ocsp', ...options, '-issuer', world.caFile, ...certificates, '-reqout', path);
  return path;
}

describe.skipIf(noOpenssl)('openssl asks', () => {
  const world = worldOf('P-256', 'requests');
  const { subjectDer, publicKey } = world.ca;
  const hashes = issuerHashes(subjectDer, publicKey?.bits ?? new Uint8Array(0));

  test.each(ocspHashes)('RFC 6960 4.1.1: by %s, with a nonce', (hash) => {
    const { certIds, nonce } = parsedRequest(ask(world, [0], `-${hash}`));
    expect(nonce).toHaveLength(16);
    expect(certIds).toHaveLength(1);
    const [certId] = certIds;
    expect(certId?.hashAlgorithm).toBe(hash);
    expect(hex(certId?.issuerNameHash ?? subjectDer)).toBe(hashes[hash].nameHash);
    expect(hex(certId?.issuerKeyHash ?? subjectDer)).toBe(hashes[hash].keyHash);
    expect(certId?.serialNumber).toEqual(Buffer.from(world.leaves[0]?.serialNumber ?? []));
  });

  test('without a nonce, three CertIDs and one of them twice', () => {
    const { certIds, nonce } = parsedRequest(ask(world, [0, 1, 2, 0], '-no_nonce'));
    expect(nonce).toBeUndefined();
    expect(certIds).toHaveLength(4);
    expect(hex(certIds[3]?.certIdDer ?? subjectDer)).toBe(hex(certIds[0]?.certIdDer ?? subjectDer));
  });

  test('by a hash function that we do not know', () => {
    expect(parsedRequest(ask(world, [0], '-sha224')).certIds[0]?.hashAlgorithm).toBeUndefined();
  });

  test('RFC6960-4.1.2-2: a signed request with requestorName and certificate', () => {
    const pkcs8 = world.responderKey.privateKey.export({ format: 'pem', type: 'pkcs8' });
    const signer = ['-signer', file('signer.pem', pem(world.responder))];
    const key = ['-signkey', file('signer.key', pkcs8)];
    const path = ask(world, [1], ...signer, ...key);
    expect(openssl('ocsp', '-reqin', path, '-req_text')).toContain('Signature Algorithm: ecdsa');
    expect(parsedRequest(path).certIds).toHaveLength(1);
  });
});

/** Key by key, how its signature is called by OpenSSL. */
const algorithms: readonly KeyAlgorithm[] = [
  'P-256',
  'P-384',
  'P-521',
  'RSA-2048',
  'Ed25519',
  'Ed448',
];

describe.skipIf(noOpenssl).each(algorithms)('openssl verifies answers of %s', (algorithm) => {
  const world = worldOf(algorithm);
  const verify = (request: string, response: string, leaves: readonly number[]) =>
    opensslOcsp(
      // Without -no_nonce it would put a nonce of its own into the request that it reads.
      ...['-no_nonce', '-reqin', request, '-respin', response],
      ...['-CAfile', world.caFile, '-issuer', world.caFile],
      ...leaves.flatMap((leaf) => ['-cert', world.leafFiles[leaf] ?? '']),
    );

  describe.each(['ca', 'responder'] as const)('signed by the %s', (by) => {
    test('O4: good, revoked and unknown in one response with the nonce', () => {
      const request = ask(world, [0, 1, 2]);
      const response = file(`${algorithm}-${by}.resp`, respond(world, parsedRequest(request), by));
      const { output, status } = verify(request, response, [0, 1, 2]);
      expect(output).toContain('Response verify OK');
      expect(output).not.toMatch(/WARNING|error/i);
      expect(output).toContain(`${world.leafFiles[0]}: good`);
      expect(output).toContain(`${world.leafFiles[1]}: revoked`);
      expect(output).toContain('Reason: keyCompromise');
      expect(output).toContain('Revocation Time: Feb  3 04:05:06 2026 GMT');
      expect(output).toContain(`${world.leafFiles[2]}: unknown`);
      expect(status).toBe(0);
    });

    test('another CA did not sign it', () => {
      const request = ask(world, [0], '-no_nonce');
      const der = respond(world, parsedRequest(request), by);
      const response = file(`${algorithm}-${by}-other.resp`, der);
      const { output } = verify(request, response, [0]);
      expect(output).toContain('Response verify OK');
      // OpenSSL trusts what it is told to be the issuer.
      const stranger = file(`${algorithm}-other.pem`, pem(strangerOf(algorithm)));
      const trust = ['-CAfile', stranger, '-issuer', stranger];
      const other = opensslOcsp('-reqin', request, '-respin', response, ...trust);
      expect(other.output).toMatch(/Response Verify Failure/i);
    });
  });

  test('a forged status is noticed', () => {
    const request = ask(world, [0, 2], '-no_nonce');
    const der = Buffer.from(respond(world, parsedRequest(request), 'responder'));
    const at = der.indexOf(Buffer.from('8200180f', 'hex'));
    expect(at).toBeGreaterThan(0);
    der[at] = 0x80;
    const response = file(`${algorithm}-forged.resp`, der);
    const { output } = verify(request, response, [0, 2]);
    expect(output).toMatch(/Response Verify Failure/i);
  });
});

describe.skipIf(noOpenssl)('openssl reads', () => {
  const world = worldOf('P-256', 'shapes');

  test('O4: another nonce is noticed', () => {
    const request = ask(world, [0]);
    const changed = { ...parsedRequest(request), nonce: new Uint8Array(16) };
    const response = file('nonce.resp', respond(world, changed, 'ca'));
    const trust = ['-CAfile', world.caFile, '-issuer', world.caFile];
    const { output } = opensslOcsp('-no_nonce', '-reqin', request, '-respin', response, ...trust);
    expect(output).toContain('Nonce Verify error');
  });

  test.each(ocspHashes)('a CertID by %s is recognized', (hash) => {
    const request = ask(world, [0], `-${hash}`, '-no_nonce');
    const response = file(`${hash}.resp`, respond(world, parsedRequest(request), 'responder'));
    const { output } = opensslOcsp(
      ...['-reqin', request, '-respin', response, '-CAfile', world.caFile],
      ...[`-${hash}`, '-issuer', world.caFile, '-cert', world.leafFiles[0] ?? ''],
    );
    expect(output).toContain('Response verify OK');
    expect(output).toContain(`${world.leafFiles[0]}: good`);
  });

  test('what the response says', () => {
    const key = world.caKey;
    const [certId] = parsedRequest(ask(world, [0], '-no_nonce')).certIds;
    const tbs = buildOcspResponseData({
      responderKeyHash: keyIdentifier(key.publicKey, 20),
      producedAt: now,
      extendedRevoke: true,
      responses: [
        {
          certIdDer: certId?.certIdDer ?? new Uint8Array(0),
          status: { kind: 'revoked', at: new Date(0), reason: 'certificateHold' },
          thisUpdate: now,
          nextUpdate: new Date('2050-06-07T08:09:10Z'),
          archiveCutoff: new Date('2020-01-01T00:00:00Z'),
        },
      ],
    });
    const der = assembleOcspResponse(tbs, 'ecdsa-with-SHA256', signWith(key, tbs), []);
    const { output } = opensslOcsp('-respin', file('said.resp', der), '-resp_text', '-noverify');
    for (const expected of [
      'OCSP Response Status: successful (0x0)',
      'Version: 1 (0x0)',
      `Responder Id: ${hex(keyIdentifier(key.publicKey, 20)).toUpperCase()}`,
      'Cert Status: revoked',
      'Revocation Time: Jan  1 00:00:00 1970 GMT',
      'Revocation Reason: certificateHold (0x6)',
      'Next Update: Jun  7 08:09:10 2050 GMT',
      'OCSP Archive Cutoff: \n',
      'Jan  1 00:00:00 2020 GMT',
      'Signature Algorithm: ecdsa-with-SHA256',
    ]) {
      expect(output).toContain(expected);
    }
  });

  test.each([
    ['malformedRequest', 'malformedrequest (1)'],
    ['internalError', 'internalerror (2)'],
    ['tryLater', 'trylater (3)'],
    ['sigRequired', 'sigrequired (5)'],
    ['unauthorized', 'unauthorized (6)'],
  ] as const)('%s as an error', (status, shown) => {
    const { output } = opensslOcsp('-respin', file(`${status}.resp`, ocspError(status)));
    expect(output).toContain(`Responder Error: ${shown}`);
  });
});

describe.skipIf(noOpenssl)("openssl's own answers", () => {
  test.each(['P-256', 'RSA-2048'] as const)('are read and verified: %s', (algorithm) => {
    const world = worldOf(algorithm, `answers-${algorithm}`);
    const [good, revoked, unknown] = world.leaves.map((leaf) =>
      hex(leaf.serialNumber).toUpperCase(),
    );
    file('index.attr', 'unique_subject = no\n');
    const index = file(
      `index-${algorithm}`,
      `V\t360101000000Z\t\t${good}\tunknown\t/CN=Leaf 1\nR\t360101000000Z\t260203040506Z,superseded\t${revoked}\tunknown\t/CN=Leaf 2\n`,
    );
    expect(unknown).toBeDefined();
    const request = ask(world, [0, 1, 2]);
    const pkcs8 = world.responderKey.privateKey.export({ format: 'pem', type: 'pkcs8' });
    const response = fileOf(`answers-${algorithm}.resp`);
    openssl(
      ...['ocsp', '-index', index, '-CA', world.caFile, '-reqin', request, '-respout', response],
      ...['-rsigner', file(`${algorithm}-r.pem`, pem(world.responder)), '-ndays', '1'],
      ...['-rkey', file(`${algorithm}-r.key`, pkcs8)],
    );
    const read = readOcspResponse(readFileSync(response));
    if (read.status !== 'successful') throw new Error(read.status);
    expect(read.data.responses.map((one) => one.status)).toEqual([
      { kind: 'good' },
      { kind: 'revoked', at: new Date('2026-02-03T04:05:06Z'), reason: 'superseded' },
      { kind: 'unknown' },
    ]);
    expect(read.data.nonce).toEqual(parsedRequest(request).nonce);
    expect(read.data.responderId.kind).toBe('name');
    expect(read.certificates.map(hex)).toContain(hex(world.responder.der));
    const { signatureAlgorithm, tbs, signature } = read;
    if (signatureAlgorithm === undefined) throw new Error('unknown signature algorithm');
    const { publicKey } = world.responderKey;
    expect(verifySignature(publicKey, signatureAlgorithm, tbs, signature)).toBe(true);
  });
});

describe.skipIf(noGnutls)('GnuTLS', () => {
  test.each(algorithms)('asks, and verifies the answers of %s', (algorithm) => {
    const world = worldOf(algorithm, `gnutls-${algorithm}`);
    const request = fileOf(`gnutls-${algorithm}.req`);
    ocsptool(
      ...['--generate-request', '--load-issuer', world.caFile],
      ...['--load-cert', world.leafFiles[1] ?? '', '--outfile', request],
    );
    const parsed = parsedRequest(request);
    expect(parsed.certIds.map((certId) => certId.hashAlgorithm)).toEqual(['sha1']);
    // Its --nonce is for --ask only.
    expect(parsed.nonce).toBeUndefined();
    const nonce = new Uint8Array(32).fill(0xa7);

    for (const by of ['ca', 'responder'] as const) {
      const response = file(
        `gnutls-${algorithm}-${by}.resp`,
        respond(world, { ...parsed, nonce }, by),
      );
      const signer = file(
        `gnutls-${algorithm}-${by}.pem`,
        pem(by === 'ca' ? world.ca : world.responder),
      );
      const trusting = (path: string) =>
        ocsptool('--verify-response', '--load-response', response, '--load-signer', path);
      expect(trusting(signer)).toMatchObject({
        output: expect.stringContaining('Verifying OCSP Response: Success'),
        status: 0,
      });
      const stranger = file('gnutls-stranger.pem', pem(strangerOf(algorithm)));
      expect(trusting(stranger).output).toMatch(/Verifying OCSP Response: (?!Success)/);

      const { output } = ocsptool('--response-info', '--load-response', response);
      expect(output).toContain('Response Status: Successful');
      expect(output).toContain('Certificate Status: revoked');
      expect(output).toContain('Revocation time: Tue Feb 03 04:05:06 UTC 2026');
      expect(output).toContain(`Nonce: ${hex(nonce)}`);
    }
  });
});
