/**
 * Every type of certificate before the verifiers of other people. docs/interop.md says which of
 * them accept it, and why the others do not: each row of its table is a test here.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadPolicies } from '../../src/declarations.ts';
import { type InteropRow, interopTable } from '../support/interop-table.ts';
import { type IssuedType, isRoot, issueEveryType, typeName } from '../support/issued-types.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import {
  noOpenssl,
  type OtherTool,
  opensslVerify,
  type Path,
  testToolRequirements,
  usedTools,
} from '../support/other-tools.ts';
import { tampered } from '../support/tampering.ts';

const table = interopTable();
const refusedForSignature = { accepted: false, badSignature: true };
const isCritical = ({ profile }: InteropRow) => profile.endsWith('.annex-b');

testToolRequirements();

// The keys and requests of what is verified are made with openssl.
describe.skipIf(noOpenssl)('certificate types', () => {
  let bench: Workbench;
  let issued: ReadonlyMap<string, IssuedType>;
  beforeAll(async () => {
    bench = workbench();
    issued = await issueEveryType(bench);
  }, 120_000);
  afterAll(() => bench?.remove());

  const typeOf = (row: Pick<InteropRow, 'profile' | 'key'>): IssuedType => {
    const type = issued.get(typeName(row));
    if (!type) throw new Error(`${typeName(row)} has not been issued`);
    return type;
  };
  /** What shows whether a tool accepts the type, and the same with a bit flipped in the type. */
  const pathsFor = (tool: OtherTool, type: IssuedType): { intact: Path; spoiled: Path } => {
    if (tool.looksAtRoots || !isRoot(type)) {
      return { intact: type, spoiled: { ...type, certificate: tampered(type.certificate) } };
    }
    const below = [...issued.values()].find((each) => each.root === type.root && !isRoot(each));
    if (!below) throw new Error(`nothing was issued below ${typeName(type)}`);
    return { intact: below, spoiled: { ...below, root: tampered(type.root) } };
  };

  test('docs/interop.md has a row for every type that is issued, and for every profile', () => {
    expect(table.rows.map(typeName).sort()).toEqual([...issued.keys()].sort());
    const profiles = new Set(table.rows.map(({ profile }) => profile));
    expect([...profiles].sort()).toEqual([...loadPolicies().profiles.keys()].sort());
  });

  describe.concurrent.each(usedTools)('$title', (tool) => {
    const versions = `the table is about ${tool.title} ${table.versions[tool.name]}, this is ${tool.version}`;

    test.each(table.rows)('$profile with $key', async (row) => {
      const { intact, spoiled } = pathsFor(tool, typeOf(row));
      const [verdict, ofSpoiled] = [await tool.verify(intact), await tool.verify(spoiled)];
      expect(ofSpoiled, ofSpoiled.output).toMatchObject(refusedForSignature);
      const exclusion = row.exclusions[tool.name];
      expect(verdict.accepted, `${versions}; ${verdict.output}`).toBe(exclusion === undefined);
      if (exclusion !== undefined) expect(verdict.output, versions).toContain(exclusion.message);
    });
  });

  test.each(table.rows.filter(isCritical))(
    'OpenSSL has nothing against $profile with $key but its critical extensions',
    async (row) => {
      const type = typeOf(row);
      const spoiled = { ...type, certificate: tampered(type.certificate) };
      const verdict = await opensslVerify(['-ignore_critical'], type);
      expect(verdict.accepted, verdict.output).toBe(true);
      expect(await opensslVerify(['-ignore_critical'], spoiled)).toMatchObject(refusedForSignature);
    },
  );

  test.each([
    ['iso15118-2-secc', 'P-256', 'sslserver', true],
    ['iso15118-20-secc', 'P-521', 'sslserver', true],
    ['iso15118-20-secc', 'Ed448', 'sslclient', false],
    ['iso15118-20-vehicle', 'P-521', 'sslclient', true],
    ['iso15118-20-vehicle', 'Ed448', 'sslserver', false],
    ['ocpp-station', 'RSA-2048', 'sslclient', true],
    ['ocpp-station', 'P-256', 'sslserver', false],
    ['ocpp-station-combined', 'P-256', 'sslserver', true],
    ['ocpp-station-combined', 'P-256', 'sslclient', true],
    ['ocpp-csms-server', 'P-256', 'sslserver', true],
    ['ocpp-csms-server', 'RSA-2048', 'sslclient', false],
    ['ocpp-local-controller', 'P-384', 'sslserver', true],
    ['api-server', 'P-256', 'sslserver', true],
  ] as const)('OpenSSL on %s with %s as %s: %s', async (profile, key, purpose, fits) => {
    const options = ['-x509_strict', '-purpose', purpose];
    const verdict = await opensslVerify(options, typeOf({ profile, key }));
    expect(verdict.accepted, verdict.output).toBe(fits);
  });

  test.each([
    [
      'iso15118-2-v2g-root',
      'P-256',
      ['Basic Constraints: critical', 'CA:TRUE'],
      ['Key Usage: critical', 'Certificate Sign, CRL Sign'],
    ],
    [
      'iso15118-2-mo-sub-ca-2',
      'P-256',
      ['Basic Constraints: critical', 'CA:TRUE, pathlen:0'],
      ['Key Usage: critical', 'Digital Signature, Non Repudiation, Certificate Sign, CRL Sign'],
    ],
    [
      'iso15118-2-contract',
      'P-256',
      ['Basic Constraints: critical', 'CA:FALSE'],
      [
        'Key Usage: critical',
        'Digital Signature, Non Repudiation, Key Encipherment, Key Agreement',
      ],
    ],
    [
      'iso15118-20-secc',
      'Ed448',
      ['Basic Constraints: critical', 'CA:FALSE'],
      ['Key Usage: critical', 'Digital Signature'],
      ['Extended Key Usage:', 'TLS Web Server Authentication'],
    ],
    [
      'ocpp-station',
      'RSA-2048',
      ['Basic Constraints: critical', 'CA:FALSE'],
      ['Key Usage: critical', 'Digital Signature, Key Encipherment'],
      ['Extended Key Usage:', 'TLS Web Client Authentication'],
    ],
    [
      'ocpp-firmware-signing',
      'P-384',
      ['Basic Constraints: critical', 'CA:FALSE'],
      ['Key Usage: critical', 'Digital Signature'],
      ['Extended Key Usage:', 'Code Signing'],
    ],
    [
      'ocsp-responder',
      'P-256',
      ['Basic Constraints: critical', 'CA:FALSE'],
      ['Key Usage: critical', 'Digital Signature'],
      ['Extended Key Usage:', 'OCSP Signing'],
    ],
    [
      'iso15118-20-cross.annex-b',
      'P-521',
      ['Basic Constraints: critical', 'CA:TRUE, pathlen:2'],
      ['Key Usage: critical', 'Certificate Sign, CRL Sign'],
    ],
  ] as const)('OpenSSL reads the constraints of %s with %s', (profile, key, ...expected) => {
    const text = extensionsOf(profile, key, 'basicConstraints,keyUsage,extendedKeyUsage');
    const lines = expected.flatMap(([title, value]) => [`X509v3 ${title}`, value]);
    expect(
      text
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean),
    ).toEqual(lines);
  });

  test.each([
    ['iso15118-20-secc', 0],
    ['iso15118-20-secc.annex-b', 4],
  ] as const)(
    'OpenSSL finds %s to mark %i identifiers and addresses critical',
    (profile, count) => {
      const names =
        'subjectKeyIdentifier,authorityKeyIdentifier,crlDistributionPoints,authorityInfoAccess';
      const titles = extensionsOf(profile, 'P-521', names)
        .split('\n')
        .filter((line) => /^(X509v3|Authority Information)/.test(line));
      expect(titles).toHaveLength(4);
      expect(titles.filter((line) => line.includes('critical'))).toHaveLength(count);
    },
  );

  function extensionsOf(profile: string, key: IssuedType['key'], names: string): string {
    bench.write('shown.pem', typeOf({ profile, key }).certificate);
    return bench.openssl('x509', '-in', 'shown.pem', '-noout', '-ext', names);
  }
});
