/** A profile, an issuer and a request that fit together, for tests that then spoil one of them. */

import { keyIdentifier } from '../../src/pki/key-identifier.ts';
import type { DistinguishedName } from '../../src/pki/names.ts';
import { writeName } from '../../src/pki/names.ts';
import { extensions as oids } from '../../src/pki/oids.ts';
import type { IssuerFacts, PolicyInput } from '../../src/pki/policy.ts';
import type { Profile } from '../../src/pki/profile.ts';
import type { RawExtension } from '../../src/pki/raw-extensions.ts';
import { generateKey } from './issuing.ts';

export const DAY = 24 * 60 * 60 * 1000;
export const HOUR = 60 * 60 * 1000;
export const NOW = new Date('2026-03-01T12:00:00.750Z');

export const issuerKey = generateKey();
export const stationKey = generateKey();

/** A name from pairs such as `'CN=S1', 'O=Example'`, in that order. */
export const nameOf = (...attributes: readonly string[]): DistinguishedName => ({
  attributes: attributes.map((text) => ({
    type: text.slice(0, text.indexOf('=')),
    value: text.slice(text.indexOf('=') + 1),
  })),
});

export const stationProfile: Profile = {
  name: 'station',
  title: 'Charging station',
  standard: 'ISO 15118-2 Annex F',
  kind: 'secc',
  hash: '00'.repeat(32),
  subject: [
    {
      attribute: 'CN',
      source: { from: 'request', form: 'secc-id', equals: 'station.seccId' },
      optional: false,
    },
    {
      attribute: 'O',
      source: { from: 'registered', fact: 'organization.name', form: 'organization-name' },
      optional: false,
    },
    {
      attribute: 'C',
      source: { from: 'registered', fact: 'organization.country', form: 'country' },
      optional: true,
    },
    { attribute: 'DC', source: { from: 'fixed', value: 'CPO' }, optional: false },
  ],
  keys: ['P-256'],
  issuedBy: ['sub-ca'],
  validity: { default: 90 * DAY, maximum: 100 * DAY, minimum: 7 * DAY, backdate: HOUR },
  extensions: {
    basicConstraints: { critical: true, ca: false },
    keyUsage: { critical: true, usages: ['digitalSignature', 'keyAgreement'] },
    extendedKeyUsage: { critical: false, purposes: ['serverAuth'] },
    subjectKeyIdentifier: { critical: false, octets: 8 },
    authorityKeyIdentifier: { critical: false },
    subjectAltName: {
      critical: false,
      kinds: ['dns', 'ip'],
      required: false,
      wildcards: false,
      includeCommonName: false,
    },
    crlDistributionPoints: { critical: false },
    authorityInfoAccess: { critical: false, ocsp: true, caIssuers: true },
  },
  request: {
    allowedExtensions: ['basicConstraints', 'keyUsage', 'extendedKeyUsage', 'subjectAltName'],
    repeatWindow: 0,
    approval: false,
    renewal: { grace: 30 * DAY },
  },
  ocspValidity: DAY,
  crlValidity: DAY,
  maximumSize: 800,
};

const { subjectAltName: _, extendedKeyUsage: __, ...authorityLike } = stationProfile.extensions;

export const subCaProfile: Profile = {
  ...stationProfile,
  name: 'sub-ca',
  kind: 'sub-ca',
  subject: [
    {
      attribute: 'CN',
      source: { from: 'registered', fact: 'authority.name', form: 'common-name' },
      optional: false,
    },
    { attribute: 'DC', source: { from: 'fixed', value: 'V2G' }, optional: false },
  ],
  issuedBy: ['root'],
  extensions: {
    ...authorityLike,
    basicConstraints: { critical: true, ca: true, pathLength: 0 },
    keyUsage: { critical: true, usages: ['keyCertSign', 'cRLSign'] },
  },
};

const {
  authorityKeyIdentifier: ___,
  crlDistributionPoints: ____,
  authorityInfoAccess: _____,
  ...rootLike
} = subCaProfile.extensions;

export const rootProfile: Profile = {
  ...subCaProfile,
  name: 'root',
  kind: 'root-ca',
  issuedBy: [],
  extensions: { ...rootLike, basicConstraints: { critical: true, ca: true } },
};

const issuerName = nameOf('CN=CPO Sub-CA 2', 'O=Example', 'DC=V2G');

export const issuerFacts: IssuerFacts = {
  subject: issuerName,
  subjectDer: writeName(issuerName),
  publicKey: issuerKey.publicKey,
  keyIdentifier: keyIdentifier(issuerKey.publicKey, 8),
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2028-12-31T23:59:59Z'),
  profile: 'sub-ca',
  state: 'active',
  pathLength: 0,
  urls: {
    ocsp: 'http://pki.example/ocsp',
    crl: 'http://pki.example/crl/1.crl',
    caIssuers: 'http://pki.example/ca/1.cer',
  },
};

export const SERIAL = Uint8Array.from([0x11, ...new Array<number>(15).fill(0x22)]);

/** A station that asks for what it may have. */
export const stationInput: PolicyInput = {
  request: {
    subject: nameOf('CN=DE-ABC-1', 'O=Whatever', 'OU=Firmware'),
    publicKey: stationKey.publicKey,
    extensions: [],
  },
  profile: stationProfile,
  issuer: issuerFacts,
  facts: {
    'station.seccId': 'DE-ABC-1',
    'organization.name': 'Example Charging',
    'organization.country': 'DE',
  },
  keyHistory: { blocked: false, ofAuthority: false, certifiedForOther: false },
  now: NOW,
  serialNumber: SERIAL,
};

/** The station's input with another request; what is left out stays. */
export const withRequest = (
  request: Partial<PolicyInput['request']>,
  rest: Partial<PolicyInput> = {},
): PolicyInput => ({ ...stationInput, ...rest, request: { ...stationInput.request, ...request } });

/** A raw extension by the name that `oids.extensions` has for it, its value as hex. */
export const rawExtension = (name: string, hex: string, critical = false): RawExtension => ({
  oid: (oids as Readonly<Record<string, string>>)[name] ?? name,
  critical,
  value: Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex')),
});
