import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { buildTbs } from '../../../src/pki/build-certificate.ts';
import { keyIdentifier } from '../../../src/pki/key-identifier.ts';
import { lintTbs } from '../../../src/pki/lint.ts';
import type { LintIssuer } from '../../../src/pki/linted.ts';
import { writeName } from '../../../src/pki/names.ts';
import { extensions as oids } from '../../../src/pki/oids.ts';
import type { CertifiedRoot } from '../../../src/pki/policy/certified.ts';
import { decide, type IssuerFacts } from '../../../src/pki/policy.ts';
import type { Profile, RegisteredFact, SubjectRule, ValueForm } from '../../../src/pki/profile.ts';
import { parseProfiles } from '../../../src/pki/profile-file.ts';
import type { KeyAlgorithm, PublicKey } from '../../../src/pki/public-key.ts';
import type { RawExtension } from '../../../src/pki/raw-extensions.ts';
import { generateKey, type TestKey } from '../../support/issuing.ts';
import { issuerFacts, NOW, nameOf, SERIAL } from '../../support/policy.ts';

const folder = new URL('../../../policies/', import.meta.url);

const profiles: readonly Profile[] = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml') && !['access.yaml', 'est.yaml'].includes(file))
  .flatMap((file) => {
    const document: unknown = parse(readFileSync(new URL(file, folder), 'utf8'));
    const result = parseProfiles(file.slice(0, -'.yaml'.length), document, file);
    if (!result.ok) throw new Error(JSON.stringify(result));
    return result.profiles;
  });

const facts: Readonly<Record<RegisteredFact, string>> = {
  'organization.name': 'Example Charging',
  'organization.country': 'DE',
  'authority.name': 'Example CA',
  'station.identity': 'CS-1',
  'station.serialNumber': 'SN-0001',
  'station.seccId': `DEABCS${'1'.repeat(33)}`,
  'contract.emaid': 'DE8AA001234567',
  'provisioning.pcid': 'WBAP1234567890123',
  'vehicle.evccId': `WBAV${'1'.repeat(15)}`,
  'server.host': 'csms.example.com',
};

const valueByForm: Readonly<Record<ValueForm, string>> = {
  'common-name': 'Example',
  'organization-name': facts['organization.name'],
  country: facts['organization.country'],
  'station-serial-number': facts['station.serialNumber'],
  'secc-id': facts['station.seccId'],
  'evcc-id': facts['vehicle.evccId'],
  emaid: facts['contract.emaid'],
  pcid: facts['provisioning.pcid'],
  'dns-name': facts['server.host'],
};

const asked = ({ attribute, source }: SubjectRule): readonly string[] => {
  if (source.from !== 'request') return [];
  return [`${attribute}=${source.equals ? facts[source.equals] : valueByForm[source.form]}`];
};

/** DER of a GeneralNames with the one DNS name. */
const dnsName = Buffer.from(
  `3012 8210 ${Buffer.from('csms.example.com').toString('hex')}`.replaceAll(' ', ''),
  'hex',
);

const askedExtensions = (profile: Profile): readonly RawExtension[] =>
  profile.extensions.subjectAltName?.required
    ? [{ oid: oids.subjectAltName, critical: false, value: dnsName }]
    : [];

const keys = new Map<string, TestKey>();
function keyOf(algorithm: KeyAlgorithm, owner: string): TestKey {
  const id = `${owner} ${algorithm}`;
  const key = keys.get(id) ?? generateKey(algorithm);
  keys.set(id, key);
  return key;
}

/** The facts about an issuer of the first profile that may issue this one. */
function issuerOf(profile: Profile): IssuerFacts | 'self' {
  if (profile.kind === 'root-ca') return 'self';
  const own = profiles.find(({ name }) => name === profile.issuedBy[0]);
  const algorithm = own?.keys[0] ?? 'P-256';
  const { publicKey } = keyOf(algorithm, 'issuer');
  const { pathLength: _, ...others } = issuerFacts;
  const pathLength = own?.extensions.basicConstraints?.pathLength;
  return {
    ...others,
    publicKey,
    keyIdentifier: keyIdentifier(publicKey, own?.extensions.subjectKeyIdentifier?.octets ?? 20),
    notAfter: new Date('2080-01-01T00:00:00Z'),
    profile: own?.name ?? 'any',
    ...(pathLength === undefined ? {} : { pathLength }),
  };
}

/** A root that orders its name otherwise and has a longer key identifier than evpki makes. */
function otherRoot(publicKey: PublicKey): CertifiedRoot {
  const subject = nameOf('DC=V2G', 'CN=Other', 'O=Other Operator', 'C=FR');
  const keyIdentifierOf = keyIdentifier(publicKey, 20);
  return {
    ...{ subject, subjectDer: writeName(subject), spki: publicKey.spki },
    ...{ keyIdentifier: keyIdentifierOf, sha256: '' },
  };
}

// Longer RSA keys take seconds to make and differ in nothing that is judged here.
const slow: readonly KeyAlgorithm[] = ['RSA-3072', 'RSA-4096'];
const cases = profiles.flatMap((profile) =>
  profile.keys
    .filter((algorithm) => !slow.includes(algorithm))
    .map((algorithm) => [profile.name, algorithm, profile] as const),
);

describe('a shipped profile is something that policy grants and lint passes', () => {
  test('there are profiles of both parts of ISO 15118 and of OCPP', () => {
    const prefixes = new Set(
      profiles.map(({ name }) => name.replace(/^(iso15118-\d+|ocpp).*/, '$1')),
    );
    expect([...prefixes]).toEqual(expect.arrayContaining(['iso15118-2', 'iso15118-20', 'ocpp']));
  });

  test.each(cases)('%s with %s', (_, algorithm, profile) => {
    const issuer = issuerOf(profile);
    const { publicKey } = keyOf(algorithm, 'subject');
    const subject = nameOf(...profile.subject.flatMap(asked));
    const certified = profile.kind === 'cross-ca' ? otherRoot(publicKey) : undefined;
    const decision = decide({
      request: {
        subject,
        publicKey,
        extensions: askedExtensions(profile),
      },
      profile,
      issuer,
      facts,
      keyHistory: { blocked: false, ofAuthority: true, certifiedForOther: false },
      authorityKeys: true,
      ...(certified ? { certified } : {}),
      now: NOW,
      serialNumber: SERIAL,
    });
    if (!decision.ok) throw new Error(JSON.stringify(decision.violations));
    const lintIssuer: LintIssuer | 'self' = issuer;
    const findings = lintTbs(buildTbs(decision.value), {
      profile,
      issuer: lintIssuer,
      issuerKeyAlgorithm: issuer === 'self' ? algorithm : issuer.publicKey.algorithm,
      certified,
    });
    expect(findings).toEqual([]);
  });
});
