import { describe, expect, test } from 'vitest';
import { loadPolicies } from '../../../src/declarations.ts';
import { checkCommonName } from '../../../src/pki/policy/common-name.ts';
import { decide } from '../../../src/pki/policy.ts';
import type { Profile } from '../../../src/pki/profile.ts';
import type { GeneralName } from '../../../src/pki/template.ts';
import {
  issuerFacts,
  nameOf,
  stationProfile,
  subCaProfile,
  withRequest,
} from '../../support/policy.ts';

const { extendedKeyUsage: _, ...withoutPurposes } = stationProfile.extensions;
const profileFor = (...purposes: readonly string[]): Profile => ({
  ...stationProfile,
  extensions: {
    ...withoutPurposes,
    ...(purposes.length > 0 && { extendedKeyUsage: { critical: false, purposes } }),
  },
});
const server = profileFor('serverAuth', 'clientAuth');
const dns = (value: string): GeneralName => ({ kind: 'dns', value });
const ip = (value: string): GeneralName => ({ kind: 'ip', value });
const codesFor = (profile: Profile, commonName: string, ...names: readonly GeneralName[]) =>
  checkCommonName(profile, commonName, names).map(({ code, field }) => `${code} ${field}`);

describe('C5, C6: a common name that a client would take for a host', () => {
  test.each<[string, Profile, string, readonly GeneralName[]]>([
    ['a host name', server, 'bank.example', []],
    ['a host name beside addresses, where no DNS name stands', server, 'bank.example', [ip('::1')]],
    ['a host name other than those given', server, 'bank.example', [dns('a.example')]],
    ['an address', server, '192.0.2.1', [dns('a.example')]],
    ['a URL', server, 'https://bank.example/', [dns('bank.example')]],
    ['without purposes, which is for all of them', profileFor(), 'bank.example', []],
  ])('%s is refused', (_name, profile, commonName, names) => {
    expect(codesFor(profile, commonName, ...names)).toEqual([
      'subject-attribute-invalid subject.CN',
    ]);
  });

  test.each<[string, Profile, string, readonly GeneralName[]]>([
    ['a name of people', server, 'Local controller 7', []],
    ['a host that is among the names', server, 'LC.example', [dns('lc.example')]],
    ['an address among them, in another spelling', server, '2001:DB8:0::1', [ip('2001:db8::1')]],
    ['certificates of clients', profileFor('clientAuth'), 'bank.example', []],
    ['authorities', subCaProfile, 'bank.example', []],
  ])('%s is no matter', (_name, profile, commonName, names) => {
    expect(codesFor(profile, commonName, ...names)).toEqual([]);
  });

  test.each(['iso15118-2-cps', 'iso15118-20-cps'])('%s certifies no web server', (name) => {
    const profile = loadPolicies().profiles.get(name) as Profile;
    const issuer = { ...issuerFacts, profile: profile.issuedBy[0] ?? '' };
    const decision = decide(
      withRequest({ subject: nameOf('CN=bank.example') }, { profile, issuer }),
    );
    expect(decision.ok ? [] : decision.violations.map(({ field }) => field)).toContain(
      'subject.CN',
    );
  });
});
