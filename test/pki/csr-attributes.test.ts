import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { csrAttributes } from '../../src/pki/csr-attributes.ts';
import { DerReader } from '../../src/pki/der.ts';
import { tags } from '../../src/pki/der-element.ts';
import { writeExtensions } from '../../src/pki/extensions/write.ts';
import { checkRequestedExtensions } from '../../src/pki/policy/requested-extensions.ts';
import type { Profile } from '../../src/pki/profile.ts';
import { parseProfiles } from '../../src/pki/profile-file.ts';
import { readRequest } from '../../src/pki/request.ts';
import { readSignatureAlgorithm } from '../../src/pki/signature-algorithm.ts';
import { workbench } from '../support/openssl.ts';
import { withOpenssl } from '../support/other-tools.ts';
import { stationProfile } from '../support/policy.ts';
import { hex } from '../support/public-keys.ts';
import { buildRequest } from '../support/requests.ts';

const folder = new URL('../../policies/', import.meta.url);

function profileNamed(file: string): Profile {
  const path = `${file}.yaml`;
  const document: unknown = parse(readFileSync(new URL(path, folder), 'utf8'));
  const result = parseProfiles(file, document, `policies/${path}`);
  if (!result.ok) throw new Error(JSON.stringify(result));
  const [profile] = result.profiles;
  if (profile === undefined) throw new Error(`no profile in ${path}`);
  return profile;
}

interface Item {
  readonly type: string;
  /** Undefined for a mere identifier. */
  readonly values?: readonly Uint8Array[];
}

/** CsrAttrs as RFC 8951 4 defines them, read as a client would. */
function itemsOf(der: Uint8Array): Item[] {
  const input = DerReader.over(der, 4096);
  const list = input.sequence();
  input.end();
  const items: Item[] = [];
  while (!list.atEnd) {
    if (list.has(tags.oid)) {
      items.push({ type: list.oid() });
      continue;
    }
    const attribute = list.sequence();
    const type = attribute.oid();
    const { elements } = attribute.setOf();
    attribute.end();
    items.push({ type, values: elements.map(({ raw }) => raw) });
  }
  return items;
}

const ecPublicKey = '1.2.840.10045.2.1';
const rsaEncryption = '1.2.840.113549.1.1.1';
const extensionRequest = '1.2.840.113549.1.9.14';
const typesOf = (profile: Profile): string[] =>
  itemsOf(csrAttributes(profile)).map(({ type }) => type);

describe('RFC 7030 4.5.2, RFC 8951 4, RFC 9908 3.2: what requests should contain', () => {
  test('a kind of key, how to sign, and the extensions', () => {
    expect(itemsOf(csrAttributes(profileNamed('iso15118-2-secc')))).toEqual([
      { type: ecPublicKey, values: [hex('06082a8648ce3d030107')] },
      { type: '1.2.840.10045.4.3.2' },
      {
        type: extensionRequest,
        values: [
          writeExtensions({
            basicConstraints: { critical: true, ca: false },
            keyUsage: { critical: true, usages: ['digitalSignature', 'keyAgreement'] },
          }),
        ],
      },
    ]);
  });

  const withKeys = (...keys: Profile['keys']): Profile => ({ ...stationProfile, keys });
  test.each<[Profile['keys'][number], string, string | undefined, string]>([
    ['P-256', ecPublicKey, '06082a8648ce3d030107', '1.2.840.10045.4.3.2'],
    ['P-384', ecPublicKey, '06052b81040022', '1.2.840.10045.4.3.3'],
    ['P-521', ecPublicKey, '06052b81040023', '1.2.840.10045.4.3.4'],
    ['RSA-3072', rsaEncryption, '02020c00', '1.2.840.113549.1.1.11'],
  ])('RFC 7030 4.5.2: %s with its curve or size, and its hash', (key, type, value, signature) => {
    const [first, second] = itemsOf(csrAttributes(withKeys(key)));
    expect(first).toEqual({ type, values: [hex(value ?? '')] });
    expect(second).toEqual({ type: signature });
  });

  test.each([
    ['Ed25519', '1.3.101.112'],
    ['Ed448', '1.3.101.113'],
  ] as const)('%s is key and signature in one', (key, type) => {
    const items = itemsOf(csrAttributes(withKeys(key)));
    expect(items.filter((item) => item.type === type)).toEqual([{ type }]);
    expect(items.map((item) => item.type)).not.toContain(ecPublicKey);
  });

  test('RFC 9908 3.2: of several kinds of key one, of one curve: the first', () => {
    const profile = profileNamed('ocpp-station');
    expect(profile.keys.length).toBeGreaterThan(1);
    const [first, ...rest] = itemsOf(csrAttributes(profile));
    expect(first).toEqual({ type: ecPublicKey, values: [hex('06082a8648ce3d030107')] });
    expect(rest.map(({ type }) => type)).not.toContain(ecPublicKey);
    expect(rest.map(({ type }) => type)).not.toContain(rsaEncryption);
  });

  test('RFC 7030 4.5.2: challengePassword is not demanded', () => {
    expect(typesOf(profileNamed('iso15118-2-secc'))).not.toContain('1.2.840.113549.1.9.7');
  });

  test('RFC 8951 4: nothing to say is an empty sequence', () => {
    const request = { ...stationProfile.request, allowedExtensions: [] };
    const nothing = { ...stationProfile, keys: [], request };
    expect(csrAttributes(nothing)).toEqual(hex('3000'));
    expect(typesOf({ ...stationProfile, request })).not.toContain(extensionRequest);
  });
});

describe('a client that does as it is told', () => {
  test.each([
    'iso15118-2-secc',
    'iso15118-20-secc',
    'iso15118-20-vehicle',
    'iso15118-2-oem-provisioning',
    'iso15118-2-cps',
    'ocpp-station',
    'ocpp-station-combined',
    'ocpp-csms-server',
  ])('is not refused for it: %s', (file) => {
    const profile = profileNamed(file);
    const [key] = profile.keys;
    if (key === undefined) throw new Error('no key');
    const items = itemsOf(csrAttributes(profile));
    const wanted = items.find(({ type }) => type === extensionRequest);
    const attributes = items
      .filter(({ type }) => type === extensionRequest)
      .map(({ values = [] }) => attributeOf(values));
    const request = readRequest(buildRequest({ key, attributes }));
    if (!request.ok) throw new Error(JSON.stringify(request.violations));
    expect(request.value.extensions).toHaveLength(wanted === undefined ? 0 : countOf(wanted));
    for (const granted of profile.keys) {
      const { violations } = checkRequestedExtensions(request.value.extensions, profile, granted);
      expect(violations, granted).toEqual([]);
    }
    const signature = items.map(({ type }) => type);
    const used = DerReader.over(request.value.der, 8192).sequence();
    used.read();
    const identifier = used.read(tags.sequence).raw;
    expect(readSignatureAlgorithm(identifier)).toBeDefined();
    expect(signature).toContain(DerReader.over(identifier, 100).sequence().oid());
  });

  test('OpenSSL reads it', () => {
    withOpenssl(() => {
      const bench = workbench();
      try {
        bench.write('attributes', csrAttributes(profileNamed('ocpp-station')));
        const shown = bench.openssl('asn1parse', '-inform', 'DER', '-in', 'attributes');
        for (const name of ['id-ecPublicKey', 'prime256v1', 'ecdsa-with-SHA256']) {
          expect(shown).toContain(name);
        }
        expect(shown).toContain('Extension Request');
      } finally {
        bench.remove();
      }
    });
  });
});

/** The attribute as a request carries it. */
function attributeOf(values: readonly Uint8Array[]): Uint8Array {
  const set = Buffer.concat(values);
  const type = hex('06092a864886f70d01090e');
  const inside = Buffer.concat([type, Buffer.from([0x31, set.length]), set]);
  return new Uint8Array(Buffer.concat([Buffer.from([0x30, inside.length]), inside]));
}

/** Extensions in the one value. */
function countOf({ values: [value] = [] }: Item): number {
  const list = DerReader.over(value ?? new Uint8Array(0), 4096).sequence();
  let count = 0;
  for (; !list.atEnd; count++) list.read();
  return count;
}
