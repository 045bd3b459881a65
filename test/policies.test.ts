import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { extensions as extensionOids } from '../src/pki/oids.ts';
import { grantedKeyUsages, keyFamily, type Profile } from '../src/pki/profile.ts';
import { parseProfiles } from '../src/pki/profile-file.ts';
import { checkProfileSet } from '../src/pki/profile-set.ts';

const folder = new URL('../policies/', import.meta.url);
/** Roles, not certificates. */
const otherPolicies = ['access.yaml', 'est.yaml'];
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml') && !otherPolicies.includes(file))
  .sort();

function load(file: string): ReturnType<typeof parseProfiles> {
  const document = parseDocument(readFileSync(new URL(file, folder), 'utf8'), { strict: true });
  expect([...document.errors, ...document.warnings]).toEqual([]);
  return parseProfiles(file.slice(0, -'.yaml'.length), document.toJS(), `policies/${file}`);
}

const profiles: readonly Profile[] = files.flatMap((file) => {
  const result = load(file);
  return result.ok ? result.profiles : [];
});
const byName = new Map(profiles.map((profile) => [profile.name, profile]));

function profileNamed(name: string): Profile {
  const profile = byName.get(name);
  if (profile === undefined) throw new Error(`There is no profile ${name}`);
  return profile;
}

const day = 86_400_000;
const year = 365 * day;
const weeks = (count: number): number => count * 7 * day;

const branches = [
  'v2g-root',
  'cpo-sub-ca-1',
  'cpo-sub-ca-2',
  'secc',
  'cps-sub-ca-1',
  'cps-sub-ca-2',
  'cps',
  'mo-root',
  'mo-sub-ca-1',
  'mo-sub-ca-2',
  'contract',
  'oem-root',
  'oem-sub-ca-1',
  'oem-sub-ca-2',
  'oem-provisioning',
  'private-root',
  'private-secc',
  'cross',
];
const iso2 = branches.map((branch) => `iso15118-2-${branch}`);
const iso20 = [...branches, 'vehicle'].map((branch) => `iso15118-20-${branch}`);
const annexB = iso20.map((name) => `${name}.annex-b`);
const ocpp = [
  'ocpp-root',
  'ocpp-station-ca',
  'ocpp-exported-station-ca',
  'ocpp-server-ca',
  'ocpp-station',
  'ocpp-station-combined',
  'ocpp-csms-server',
  'ocpp-local-controller',
  'ocpp-manufacturer-root',
  'ocpp-firmware-signing',
];
const own = ['ocsp-responder', 'instance-ca', 'api-server'];
const isRoot = (profile: Profile): boolean => profile.kind === 'root-ca';
const isAuthority = (profile: Profile): boolean => profile.extensions.basicConstraints?.ca === true;

describe('the profiles in policies/', () => {
  test.each(files)('%s parses', (file) => {
    const result = load(file);
    expect(result.ok ? [] : result.errors).toEqual([]);
  });

  test('fit together', () => {
    expect(checkProfileSet(profiles)).toEqual([]);
  });

  test('are those that callers name', () => {
    const expected = [...iso2, ...iso20, ...annexB, ...ocpp, ...own];
    expect([...byName.keys()].sort()).toEqual(expected.sort());
  });

  test('have a hash of their own each', () => {
    expect(new Set(profiles.map(({ hash }) => hash)).size).toBe(profiles.length);
  });
});

const certSign = ['keyCertSign', 'cRLSign'];
const sign = ['digitalSignature'];
const signAgree = ['digitalSignature', 'keyAgreement'];

interface Expected {
  readonly usages: readonly string[];
  readonly purposes?: readonly string[];
  /** `false` for a leaf, `none` for an authority without path length. */
  readonly path: number | 'none' | false;
  readonly dc?: string;
  readonly cn: string;
  /** Shortest and longest default validity that the source of the number allows. */
  readonly between: readonly [number, number];
  readonly issuedBy: readonly string[];
}

const ca = (
  path: number | 'none',
  dc: string,
  issuedBy: readonly string[],
  between: readonly [number, number],
  usages: readonly string[] = certSign,
): Expected => ({ usages, path, dc, cn: 'authority.name', between, issuedBy });

/** ISO 15118-2 Annex F; the -20 branches differ where `differences20` says so. */
const isoExpected: Record<string, Expected> = {
  'v2g-root': ca('none', 'V2G', [], [40 * year, 40 * year]),
  'cpo-sub-ca-1': ca(1, 'V2G', ['v2g-root'], [4 * year, 4 * year]),
  'cpo-sub-ca-2': ca(0, 'V2G', ['cpo-sub-ca-1', 'v2g-root'], [year, 2 * year]),
  secc: {
    usages: signAgree,
    path: false,
    dc: 'CPO',
    cn: 'secc-id',
    between: [60 * day, 92 * day],
    issuedBy: ['cpo-sub-ca-2'],
  },
  'cps-sub-ca-1': ca(1, 'CPS', ['v2g-root'], [4 * year, 4 * year]),
  'cps-sub-ca-2': ca(0, 'CPS', ['cps-sub-ca-1', 'v2g-root'], [year, 2 * year]),
  cps: {
    usages: sign,
    path: false,
    dc: 'CPS',
    cn: 'common-name',
    between: [60 * day, 92 * day],
    issuedBy: ['cps-sub-ca-2'],
  },
  'mo-root': ca('none', 'MO', [], [10 * year, 40 * year]),
  'mo-sub-ca-1': ca(1, 'MO', ['mo-root', 'v2g-root'], [4 * year, 4 * year]),
  'mo-sub-ca-2': ca(
    0,
    'MO',
    ['mo-sub-ca-1', 'mo-root', 'v2g-root'],
    [2 * year, 4 * year],
    ['digitalSignature', 'nonRepudiation', ...certSign],
  ),
  contract: {
    usages: ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'keyAgreement'],
    path: false,
    dc: 'MO',
    cn: 'emaid',
    between: [weeks(4), 2 * year],
    issuedBy: ['mo-sub-ca-2'],
  },
  'oem-root': ca('none', 'OEM', [], [30 * year, 50 * year]),
  'oem-sub-ca-1': ca(1, 'OEM', ['oem-root'], [30 * year, 40 * year]),
  'oem-sub-ca-2': ca(0, 'OEM', ['oem-sub-ca-1', 'oem-root'], [30 * year, 40 * year]),
  'oem-provisioning': {
    usages: signAgree,
    path: false,
    dc: 'OEM',
    cn: 'pcid',
    between: [4 * year, 30 * year],
    issuedBy: ['oem-sub-ca-2'],
  },
  'private-root': ca('none', 'V2G', [], [year, 40 * year]),
  'private-secc': {
    usages: signAgree,
    path: false,
    dc: 'CPO',
    cn: 'secc-id',
    between: [60 * day, 4 * year],
    issuedBy: ['private-root'],
  },
  cross: { ...ca(2, 'V2G', ['v2g-root'], [year, 10 * year]), cn: 'common-name' },
};

const { dc: _dc, ...contractWithoutDc } = isoExpected.contract as Expected;
const differences20: Record<string, Expected> = {
  secc: { ...(isoExpected.secc as Expected), purposes: ['serverAuth'] },
  'private-secc': { ...(isoExpected['private-secc'] as Expected), purposes: ['serverAuth'] },
  contract: { ...contractWithoutDc, usages: ['digitalSignature', 'nonRepudiation'] },
  vehicle: {
    usages: signAgree,
    purposes: ['clientAuth'],
    path: false,
    dc: 'OEM',
    cn: 'evcc-id',
    between: [year, 30 * year],
    issuedBy: ['oem-sub-ca-2'],
  },
};

function expectProfile(profile: Profile, expected: Expected): void {
  const { basicConstraints, keyUsage, extendedKeyUsage } = profile.extensions;
  expect(basicConstraints).toEqual({
    critical: true,
    ca: expected.path !== false,
    ...(typeof expected.path === 'number' ? { pathLength: expected.path } : {}),
  });
  expect(keyUsage.critical).toBe(true);
  expect(keyUsage.usages).toEqual(expected.usages);
  expect(extendedKeyUsage?.purposes).toEqual(expected.purposes);
  expect(extendedKeyUsage?.critical ?? false).toBe(false);
  const commonName = profile.subject.find(({ attribute }) => attribute === 'CN')?.source;
  expect(commonName?.from === 'registered' ? commonName.fact : commonName).toEqual(
    expected.path !== false && commonName?.from === 'registered'
      ? expected.cn
      : expect.objectContaining({ from: 'request', form: expected.cn }),
  );
  const component = profile.subject.find(({ attribute }) => attribute === 'DC')?.source;
  expect(component).toEqual(expected.dc && { from: 'fixed', value: expected.dc });
  expect(profile.validity.default).toBeGreaterThanOrEqual(expected.between[0]);
  expect(profile.validity.default).toBeLessThanOrEqual(expected.between[1]);
  expect(profile.issuedBy).toEqual(expected.issuedBy);
}

const prefixed = (expected: Expected, prefix: string, suffix = ''): Expected => ({
  ...expected,
  issuedBy: expected.issuedBy.map((name) => `${prefix}${name}${suffix}`),
});

describe('ISO 15118-2 Annex F', () => {
  test.each(Object.entries(isoExpected))('%s', (branch, expected) => {
    expectProfile(profileNamed(`iso15118-2-${branch}`), prefixed(expected, 'iso15118-2-'));
  });

  test.each(iso2)('%s: P-256 [V2G2-007], 800 bytes [V2G2-010]', (name) => {
    const profile = profileNamed(name);
    expect(profile.keys).toEqual(['P-256']);
    expect(profile.maximumSize).toBe(800);
  });

  test('[V2G2-011] the V2G root may not be asked for longer than 40 years', () => {
    expect(profileNamed('iso15118-2-v2g-root').validity.maximum).toBe(40 * year);
  });

  test('a contract holds from four weeks to two years', () => {
    const { validity } = profileNamed('iso15118-2-contract');
    expect(validity).toMatchObject({ minimum: weeks(4), maximum: 2 * year });
  });

  test('[V2G2-867] no root but a private one [V2G2-868] issues a leaf', () => {
    const issuers = [...iso2, ...iso20]
      .map(profileNamed)
      .filter((profile) => !isAuthority(profile))
      .flatMap(({ issuedBy }) => issuedBy)
      .filter((name) => isRoot(profileNamed(name)));
    expect([...new Set(issuers)].sort()).toEqual([
      'iso15118-2-private-root',
      'iso15118-20-private-root',
    ]);
  });
});

describe('ISO 15118-20 Annex B', () => {
  const expected20 = Object.entries({ ...isoExpected, ...differences20 });

  test.each(expected20)('%s', (branch, expected) => {
    expectProfile(profileNamed(`iso15118-20-${branch}`), prefixed(expected, 'iso15118-20-'));
  });

  test.each(expected20)('%s.annex-b is of an Annex B chain', (branch, expected) => {
    const profile = profileNamed(`iso15118-20-${branch}.annex-b`);
    expectProfile(profile, prefixed(expected, 'iso15118-20-', '.annex-b'));
  });

  test.each(iso20)('%s: 1600 bytes, P-521 [V2G20-2674] and Ed448 [V2G20-2319]', (name) => {
    const profile = profileNamed(name);
    expect(profile.maximumSize).toBe(1600);
    // Contract keys are agreed on with the provisioning key, which Ed448 cannot do.
    const signsOnly = name === 'iso15118-20-oem-provisioning';
    expect(profile.keys).toEqual(signsOnly ? ['P-521'] : ['P-521', 'Ed448']);
  });

  const identifying = [
    'subjectKeyIdentifier',
    'authorityKeyIdentifier',
    'crlDistributionPoints',
    'authorityInfoAccess',
  ] as const;

  test.each(iso20)('%s: the identifying extensions are critical in annex-b only', (name) => {
    const [base, variant] = [profileNamed(name), profileNamed(`${name}.annex-b`)];
    for (const extension of identifying) {
      const present = base.extensions[extension] !== undefined;
      expect(base.extensions[extension]?.critical).toBe(present ? false : undefined);
      expect(variant.extensions[extension]?.critical).toBe(present ? true : undefined);
    }
    expect({ ...variant.extensions, ...pick(base.extensions) }).toEqual(base.extensions);
    expect(variant.subject).toEqual(base.subject);
    expect(variant.keys).toEqual(base.keys);
    expect(variant.validity).toEqual(base.validity);
  });

  const pick = (extensions: Profile['extensions']): object =>
    Object.fromEntries(
      identifying.filter((name) => extensions[name]).map((name) => [name, extensions[name]]),
    );

  test('[V2G20-2590] a contract says where its status is, and has CN and O only', () => {
    const { extensions, subject } = profileNamed('iso15118-20-contract');
    expect(extensions.authorityInfoAccess?.ocsp).toBe(true);
    expect(extensions.crlDistributionPoints).toBeDefined();
    expect(subject.map(({ attribute }) => attribute)).toEqual(['O', 'CN']);
  });

  test('[V2G20-822] a provisioning certificate agrees on keys, whatever its key', () => {
    const profile = profileNamed('iso15118-20-oem-provisioning');
    for (const key of profile.keys) {
      expect(grantedKeyUsages(profile, key)).toContain('keyAgreement');
    }
  });
});

describe('OCPP', () => {
  const ocppKeys = ['P-256', 'P-384', 'RSA-2048', 'RSA-3072', 'RSA-4096'];
  const serial = 'station-serial-number';
  const table: Record<string, Omit<Expected, 'between'>> = {
    'ocpp-root': { usages: certSign, path: 1, cn: 'authority.name', issuedBy: [] },
    'ocpp-station-ca': {
      usages: certSign,
      path: 0,
      cn: 'authority.name',
      issuedBy: ['ocpp-root'],
    },
    'ocpp-exported-station-ca': {
      usages: certSign,
      purposes: ['clientAuth'],
      path: 0,
      cn: 'authority.name',
      issuedBy: ['ocpp-root'],
    },
    'ocpp-server-ca': { usages: certSign, path: 0, cn: 'authority.name', issuedBy: ['ocpp-root'] },
    'ocpp-station': {
      usages: signAgree,
      purposes: ['clientAuth'],
      path: false,
      cn: serial,
      issuedBy: ['ocpp-station-ca'],
    },
    'ocpp-station-combined': {
      usages: signAgree,
      purposes: ['serverAuth', 'clientAuth'],
      path: false,
      dc: 'CPO',
      cn: serial,
      issuedBy: ['iso15118-2-cpo-sub-ca-2', 'ocpp-station-ca'],
    },
    'ocpp-csms-server': {
      usages: signAgree,
      purposes: ['serverAuth'],
      path: false,
      cn: 'dns-name',
      issuedBy: ['ocpp-server-ca'],
    },
    'ocpp-local-controller': {
      usages: signAgree,
      purposes: ['serverAuth', 'clientAuth'],
      path: false,
      cn: 'common-name',
      issuedBy: ['ocpp-server-ca'],
    },
    'ocpp-manufacturer-root': { usages: certSign, path: 0, cn: 'authority.name', issuedBy: [] },
    'ocpp-firmware-signing': {
      usages: sign,
      purposes: ['codeSigning'],
      path: false,
      cn: 'common-name',
      issuedBy: ['ocpp-manufacturer-root'],
    },
  };

  test.each(Object.entries(table))('%s', (name, expected) => {
    const profile = profileNamed(name);
    expectProfile(profile, { ...expected, between: [30 * day, 30 * year] });
    expect(profile.keys).toEqual(name === 'ocpp-station-combined' ? ['P-256'] : ocppKeys);
  });

  test('C7 a station is named by its serial number and its operator', () => {
    const subject = profileNamed('ocpp-station').subject;
    expect(subject.map(({ attribute }) => attribute)).toEqual(['C', 'O', 'CN']);
    expect(subject[1]?.source).toMatchObject({ from: 'registered', fact: 'organization.name' });
    expect(subject[2]?.source).toMatchObject({ equals: 'station.serialNumber' });
  });

  test.each(['ocpp-station', 'ocpp-station-combined', 'iso15118-2-secc', 'iso15118-20-secc'])(
    '%s takes what EVerest asks for, and no subject alternative name',
    (name) => {
      const { extensions, request } = profileNamed(name);
      expect(extensions.subjectAltName).toBeUndefined();
      expect(request.ignoredExtensions).toContain('subjectAltName');
      expect(request.allowedExtensions).toEqual(
        expect.arrayContaining(['keyUsage', 'basicConstraints']),
      );
      expect(extensions.keyUsage.usages).toEqual(expect.arrayContaining(signAgree));
    },
  );

  test.each(['ocpp-csms-server', 'ocpp-local-controller', 'api-server'])(
    '%s: servers are named by subject alternative names, without wildcards (C6)',
    (name) => {
      const { subjectAltName } = profileNamed(name).extensions;
      expect(subjectAltName).toMatchObject({ required: true, wildcards: false });
    },
  );

  test.each(['ocpp-csms-server', 'ocpp-local-controller', 'api-server'])(
    '%s: an RSA key serves the RSA key exchange, an EC key does not encipher (RFC 8813 3)',
    (name) => {
      const profile = profileNamed(name);
      expect(grantedKeyUsages(profile, 'RSA-2048')).toEqual([
        'digitalSignature',
        'keyEncipherment',
      ]);
      expect(grantedKeyUsages(profile, 'P-256')).toEqual(signAgree);
    },
  );

  test('a combined certificate is good as an ISO 15118-2 one', () => {
    const combined = profileNamed('ocpp-station-combined');
    const secc = profileNamed('iso15118-2-secc');
    expect(combined.maximumSize).toBe(secc.maximumSize);
    expect(combined.validity.maximum).toBeLessThanOrEqual(secc.validity.maximum);
    expect(combined.extensions.subjectKeyIdentifier).toEqual(secc.extensions.subjectKeyIdentifier);
  });

  test('firmware signing has no intermediate and waits for a person (L01)', () => {
    const root = profileNamed('ocpp-manufacturer-root');
    expect(root.extensions.basicConstraints?.pathLength).toBe(0);
    expect(profileNamed('ocpp-firmware-signing').request.approval).toBe(true);
  });
});

describe("evpki's own", () => {
  test('O3 an OCSP responder works below every authority', () => {
    const responder = profileNamed('ocsp-responder');
    expect(responder.kind).toBe('ocsp-responder');
    expect(responder.issuedBy).toEqual([]);
    const needed = new Set(profiles.filter(isAuthority).flatMap(({ keys }) => keys));
    expect(responder.keys).toEqual(expect.arrayContaining([...needed]));
    // A responder signs with its own key, which may be of another type than its issuer's.
    expect(responder.extensions.extendedKeyUsage?.purposes).toEqual(['OCSPSigning']);
    expect(responder.extensions.ocspNoCheck).toEqual({ critical: false });
    expect(responder.extensions.keyUsage.usages).toEqual(sign);
    expect(responder.validity.maximum).toBe(30 * day);
    expect(responder.request.allowedExtensions).toEqual([]);
  });

  test('the instance CA is nobody else’s authority', () => {
    const below = profiles.filter(({ issuedBy }) => issuedBy.includes('instance-ca'));
    expect(below.map(({ name }) => name)).toEqual(['api-server']);
    expect(profileNamed('instance-ca').extensions.basicConstraints?.pathLength).toBe(0);
    expect(profileNamed('instance-ca').keys).toEqual(['P-256', 'P-384']);
  });

  test('only responders may be issued by any authority', () => {
    const free = profiles.filter((profile) => profile.issuedBy.length === 0 && !isRoot(profile));
    expect(free.map(({ name }) => name)).toEqual(['ocsp-responder']);
  });
});

describe.each(profiles.map((profile) => [profile.name, profile] as const))(
  '%s',
  (name, profile) => {
    const isIso = name.startsWith('iso15118-') || name === 'ocpp-station-combined';
    const variant = name.endsWith('.annex-b');

    test('subject in the order C, O, CN, DC, each once, O fixed by us (C5)', () => {
      const order = ['C', 'O', 'CN', 'DC'];
      const attributes = profile.subject.map(({ attribute }) => attribute);
      expect(attributes).toEqual(order.filter((each) => attributes.some((one) => one === each)));
      expect(attributes).toEqual(expect.arrayContaining(['O', 'CN']));
      const organization = profile.subject.find(({ attribute }) => attribute === 'O')?.source;
      // A cross-certificate repeats the name of a foreign root.
      expect(organization?.from === 'request').toBe(profile.kind === 'cross-ca');
    });

    test('key identifiers (RFC 5280 4.2.1.1, 4.2.1.2)', () => {
      const { subjectKeyIdentifier, authorityKeyIdentifier } = profile.extensions;
      expect(subjectKeyIdentifier).toEqual({ critical: variant, octets: isIso ? 8 : 20 });
      expect(authorityKeyIdentifier).toEqual(isRoot(profile) ? undefined : { critical: variant });
    });

    test('backdate (S5) and order of validities', () => {
      const { backdate, minimum, default: normal, maximum } = profile.validity;
      expect(backdate).toBe(3_600_000);
      expect([minimum, normal, maximum]).toEqual([minimum, normal, maximum].sort((a, b) => a - b));
    });

    test('where its status is published', () => {
      const { authorityInfoAccess, crlDistributionPoints } = profile.extensions;
      const silent =
        isRoot(profile) ||
        ['private-secc', 'ocsp-responder', 'api-server'].some((own) => name.includes(own));
      expect(authorityInfoAccess?.ocsp ?? false).toBe(!silent);
      if (silent) expect(crlDistributionPoints).toBeUndefined();
    });

    test('OCSP answers hold 8 days for ISO 15118 issuers, 24 hours for others', () => {
      const expected = !isAuthority(profile) ? 0 : isIso ? 8 * day : day;
      expect(profile.ocspValidity).toBe(expected);
      expect(profile.crlValidity > 0).toBe(isAuthority(profile));
    });

    test('C4 requests influence nothing but comparable extensions', () => {
      const { allowedExtensions, ignoredExtensions = [] } = profile.request;
      for (const extension of [...allowedExtensions, ...ignoredExtensions]) {
        expect(Object.keys(extensionOids)).toContain(extension);
      }
      expect(ignoredExtensions).not.toContain('basicConstraints');
      expect(ignoredExtensions).not.toContain('keyUsage');
    });

    test('a request for an authority waits for a person', () => {
      if (isAuthority(profile)) expect(profile.request.approval).toBe(true);
    });

    test('every key can do what its certificate says', () => {
      for (const key of profile.keys) {
        const usages = grantedKeyUsages(profile, key);
        if (keyFamily(key) === 'EdDSA') expect(usages).not.toContain('keyAgreement');
        if (keyFamily(key) === 'RSA') expect(usages).not.toContain('keyAgreement');
      }
    });
  },
);

describe('docs/profiles.md', () => {
  const path = new URL('../docs/profiles.md', import.meta.url);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  const codes = (list: readonly string[]): string => list.join(', ');
  const years = (milliseconds: number): string => {
    const days = milliseconds / day;
    return days % 365 === 0 ? `${days / 365} y` : `${days} d`;
  };

  /** The cells of a profile's row that repeat what its file says. */
  function cells(profile: Profile): string[] {
    const subject = profile.subject.map(({ attribute, source, optional }) => {
      if (source.from === 'fixed') return `${attribute}=${source.value}`;
      return `${attribute}${optional ? '?' : ''}${attribute === 'CN' ? ` (${source.form})` : ''}`;
    });
    const constraints = profile.extensions.basicConstraints;
    const path = constraints?.ca ? `CA ${constraints.pathLength ?? 'any'}` : 'leaf';
    const { usages, byKey = {} } = profile.extensions.keyUsage;
    const families = Object.entries(byKey).map(([family, own]) => `${family}: ${codes(own)}`);
    const purposes = profile.extensions.extendedKeyUsage?.purposes ?? [];
    return [
      codes(subject),
      codes(profile.keys),
      path,
      [codes(usages), ...families].join('; '),
      purposes.length === 0 ? '-' : codes(purposes),
      `${years(profile.validity.default)} / ${years(profile.validity.maximum)}`,
    ];
  }

  test.each(profiles.map(({ name }) => name))('names %s', (name) => {
    expect(rows.some((row) => row.includes(`\`${name}\``))).toBe(true);
  });

  test.each(profiles.map((profile) => [profile.name, profile] as const))(
    'says of %s what its file says',
    (name, profile) => {
      const row = rows.find((line) => line.includes(`\`${name}\``)) ?? '';
      expect(row.split(' | ').slice(2, 8)).toEqual(cells(profile));
    },
  );

  test('shows an example that parses', () => {
    const example = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
    const result = parseProfiles('my-profile', parseDocument(example).toJS(), 'docs/profiles.md');
    expect(result).toMatchObject({ ok: true });
    expect(result.ok && checkProfileSet([...profiles, ...result.profiles])).toEqual([]);
  });

  test.each(iso2)('says of %s what is the standard and what is field practice', (name) => {
    const mentions = rows.filter((row) => row.startsWith(`| \`${name}\` |`));
    expect(mentions).toHaveLength(2);
  });
});
