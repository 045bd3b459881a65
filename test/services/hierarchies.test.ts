import { describe, expect, test } from 'vitest';
import { type KnownHierarchy, parseHierarchy } from '../../src/services/hierarchies.ts';
import { demoDeclarations } from '../support/declarations.ts';

const { profiles } = demoDeclarations();

const organizations = { cpo: { name: 'CPO', roles: ['cpo'] } };
const root = { title: 'Root', organization: 'cpo', profile: 'ocpp-root', key: 'P-256' };
const sub = {
  ...{ title: 'Sub', organization: 'cpo', profile: 'ocpp-station-ca', key: 'P-256' },
  under: 'root',
};

const known: KnownHierarchy = {
  organizations: new Set(['known']),
  authorities: new Map([['known-root', { profile: 'ocpp-root' }]]),
};

const faults = (
  authorities: object,
  more: { organizations?: object; known?: KnownHierarchy } = {},
): string[] => {
  const document = {
    hierarchy: 'h',
    organizations: more.organizations ?? organizations,
    authorities,
  };
  const result = parseHierarchy(document, 'h.yaml', profiles, more.known);
  return result.ok ? [] : result.errors.map(({ path, message }) => `${path} ${message}`);
};

describe('a declaration', () => {
  test('is in order', () => {
    expect(faults({ root, sub })).toEqual([]);
  });

  test('says which WMIs and providers are whose', () => {
    const oem = { name: 'OEM', roles: ['oem'], wmis: ['dem', 'DEM', '1EV'], providers: ['de8ev'] };
    const document = { hierarchy: 'h', organizations: { oem }, authorities: {} };
    const result = parseHierarchy(document, 'h.yaml', profiles);
    expect(result.ok && result.hierarchy.organizations).toEqual([
      { ...{ id: 'oem', name: 'OEM', roles: ['oem'] }, wmis: ['DEM', '1EV'], providers: ['DE8EV'] },
    ]);
    const wrong = { ...oem, wmis: ['DEMO', 123], providers: ['12345'] };
    const errors = faults({}, { organizations: { oem: wrong } });
    expect(errors.map((error) => error.split(' ')[0])).toEqual([
      'organizations.oem.wmis[0]',
      'organizations.oem.wmis[1]',
      'organizations.oem.providers[0]',
    ]);
  });

  test('may be empty', () => {
    expect(faults({}, { organizations: {} })).toEqual([]);
  });

  test('stands by itself as a file; what is known may be named by callers', () => {
    const own = { ...sub, organization: 'known', under: 'known-root' };
    expect(faults({ own })).toEqual([
      'authorities.own.organization there is no organization known',
      'authorities.own.under there is no authority known-root',
    ]);
    expect(faults({ own }, { known })).toEqual([]);
  });

  test('of one that is known, the profile counts as of one that is declared', () => {
    const own = { ...sub, profile: 'iso15118-2-cpo-sub-ca-2', under: 'known-root' };
    const [fault, ...others] = faults({ own }, { known });
    expect(fault).toMatch(/^authorities\.own\.under iso15118-2-cpo-sub-ca-2 is issued by iso/);
    expect(others).toEqual([]);
  });

  test.each<[string, object, RegExp[]]>([
    [
      'a root under somebody',
      { root, sub: { ...root, under: 'root' } },
      [/sub\.under a root stands/],
    ],
    ['a sub-CA under nobody', { sub: { ...sub, under: undefined } }, [/sub\.under names the/]],
    ['an unknown profile', { root: { ...root, profile: 'x' } }, [/root\.profile no profile x/]],
    [
      'a profile of leaves',
      { root: { ...root, profile: 'ocpp-station' } },
      [/is not a profile of authorities/, /under/],
    ],
    [
      'a key that the profile does not allow',
      { root: { ...root, key: 'Ed448' } },
      [/root\.key ocpp-root allows/],
    ],
    [
      'a key that there is not',
      { root: { ...root, key: 'P-257' } },
      [/root\.key must be one of .*P-256/],
    ],
    [
      'an authority called external',
      { external: root },
      [/authorities\.external is what stands above/],
    ],
    [
      'what every object has',
      { sub: { ...sub, organization: 'constructor', under: 'constructor' } },
      [/no organization constructor/, /no authority constructor/],
    ],
    [
      'a circle',
      { a: { ...sub, under: 'b' }, b: { ...sub, under: 'a' } },
      [/a\.under/, /b\.under/],
    ],
    [
      'C3 an invisible character in a title',
      { root: { ...root, title: 'Ro\u200bot' } },
      [/root\.title .*invisible/],
    ],
    [
      'a title without room for generations',
      { root: { ...root, title: 'x'.repeat(61) } },
      [/root\.title must have at most 60/],
    ],
  ])('is refused for %s', (_what, authorities, expected) => {
    const found = faults(authorities);
    for (const pattern of expected)
      expect(
        found.some((text) => pattern.test(text)),
        found.join('\n'),
      ).toBe(true);
  });

  test('A1 is refused for a path length that does not fit below the other', () => {
    // As if a profile let authorities of its own kind be above it.
    const looped = new Map(profiles);
    const profile = profiles.get('ocpp-station-ca');
    if (!profile) throw new Error('the profile is missing');
    looped.set('ocpp-station-ca', { ...profile, issuedBy: [] });
    const document = {
      hierarchy: 'h',
      organizations,
      authorities: { root, sub, low: { ...sub, under: 'sub' } },
    };
    const result = parseHierarchy(document, 'h.yaml', looped);
    expect(result.ok ? [] : result.errors.map(({ path, message }) => `${path} ${message}`)).toEqual(
      ['authorities.low.under a path length of 0 does not fit below sub, which has 0'],
    );
  });

  test('does not declare evpki itself', () => {
    const instance = { name: 'evpki', roles: ['cpo'] };
    expect(faults({}, { organizations: { instance } })).toEqual([
      'organizations.instance is evpki itself, which is not declared',
    ]);
  });
});
