/**
 * Other people's cases: a file in the form of C2SP x509-limbo, named by EVPKI_LIMBO, judges the
 * validation. Where ours departs from its verdict on purpose, the table says so and why, as
 * docs/path-validation.md does; a row whose difference is gone fails.
 */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Certificate, readCertificate, serialHex } from '../../../src/pki/certificate.ts';
import { readCrl, verifyCrlSignedBy } from '../../../src/pki/crl/read.ts';
import { DerError } from '../../../src/pki/der-element.ts';
import { sameName } from '../../../src/pki/names.ts';
import type { CertificateStatus } from '../../../src/pki/path/rules.ts';
import { type PathInput, validatePath } from '../../../src/pki/path/validate-path.ts';
import { readPemBlocks } from '../../../src/pki/pem.ts';
import { hasPeerName, type PeerName } from '../../support/peer-names.ts';
import { readRepositoryFile } from '../../support/repository.ts';

interface LimboCase {
  readonly id: string;
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly validation_time: string | null;
  readonly extended_key_usage: readonly string[];
  readonly expected_peer_name: PeerName | null;
  readonly expected_peer_names: readonly PeerName[];
  readonly max_chain_depth: number | null;
  readonly crls?: readonly string[];
}

/** Cases that we judge otherwise, and why. */
const differences: ReadonlyMap<string, string> = new Map([
  [
    'rfc5280::aki::cross-signed-root-missing-aki',
    'The anchor lacks the key identifier of its issuer, whom nobody looks for: a path ends at its anchor (RFC 5280 6.1). The case cve::cve-2024-0567 has an anchor of the same form and wants it accepted.',
  ],
]);

describe('the table of differences', () => {
  test.each([...differences])('%s has a reason, here and in the documentation', (id, reason) => {
    expect(id).toMatch(/^[a-z0-9-]+(?:::[a-z0-9-]+)+$/);
    expect(reason.length).toBeGreaterThan(40);
    expect(readRepositoryFile('docs/path-validation.md')).toContain(`| \`${id}\` |`);
  });

  test('the documentation has no others', () => {
    const page = readRepositoryFile('docs/path-validation.md');
    const ids = [...page.matchAll(/^\| `([a-z0-9:-]+::[a-z0-9:-]+)` \|/gm)].map(([, id]) => id);
    expect(ids).toEqual([...differences.keys()]);
  });
});

const file = process.env.EVPKI_LIMBO;
if (file) {
  const { testcases }: { testcases: readonly LimboCase[] } = JSON.parse(readFileSync(file, 'utf8'));

  describe('x509-limbo', () => {
    test('has cases', () => expect(testcases.length).toBeGreaterThan(0));

    test.each(testcases)('A3 $id: $expected_result', (given) => {
      const wanted = (given.expected_result === 'SUCCESS') !== differences.has(given.id);
      expect(accepts(given)).toBe(wanted);
    });
  });
}

/**
 * A certificate that cannot be read is refused, or is no candidate and no anchor. What a case wants
 * beyond path validation is added here: the name of the peer, and that its status is known where
 * there are CRLs.
 */
function accepts(given: LimboCase): boolean {
  const [certificate] = readAll([given.peer_certificate]);
  if (certificate === undefined) return false;
  const [purpose] = given.extended_key_usage;
  const crls = (given.crls ?? []).map((pem) => readPemBlocks(pem)[0]?.der ?? new Uint8Array());
  const at = new Date(given.validation_time ?? '2026-06-01T00:00:00Z');
  const verdict = validatePath({
    certificate,
    candidates: readAll(given.untrusted_intermediates),
    anchors: readAll(given.trusted_certs),
    at,
    ...(purpose !== undefined && { purpose }),
    ...(given.max_chain_depth !== null && { maximumPathLength: given.max_chain_depth }),
    statusOf: statusIn(crls, at),
  });
  expect(verdict.signatureChecks).toBeLessThanOrEqual(200);
  if (!verdict.ok) {
    expect(verdict.problems).not.toEqual([]);
    return false;
  }
  const statusIsKnown = crls.length === 0 || !verdict.withoutStatus.includes(certificate);
  const peers = [...given.expected_peer_names, given.expected_peer_name ?? []].flat();
  return statusIsKnown && peers.every((peer) => hasPeerName(certificate, peer));
}

const readAll = (pems: readonly string[]): Certificate[] =>
  pems.flatMap((pem) => {
    try {
      return readPemBlocks(pem).map(({ der }) => readCertificate(der));
    } catch (error) {
      if (error instanceof DerError) return [];
      throw error;
    }
  });

/** The status by CRLs of the issuer that hold at the time (RFC 5280 6.3, without the rest of it). */
const statusIn =
  (ders: readonly Uint8Array[], at: Date): NonNullable<PathInput['statusOf']> =>
  (certificate, issuer): CertificateStatus => {
    const { publicKey, extensions } = issuer;
    if (publicKey === undefined || extensions.keyUsage?.usages.includes('cRLSign') === false) {
      return 'unknown';
    }
    for (const der of ders) {
      const crl = readCrl(der, { maxBytes: 1024 * 1024 });
      const holds =
        sameName(crl.issuer, certificate.issuer) &&
        crl.unknownCriticalExtensions.length === 0 &&
        crl.thisUpdate <= at &&
        (crl.nextUpdate === undefined || at <= crl.nextUpdate) &&
        verifyCrlSignedBy(crl, publicKey);
      if (!holds) continue;
      const serial = serialHex(certificate);
      const isListed = [...crl.entries()].some((entry) => serialHex(entry.serialNumber) === serial);
      return isListed ? 'revoked' : 'good';
    }
    return 'unknown';
  };
