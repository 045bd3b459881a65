import { describe, expect, test } from 'vitest';
import { checkRenewal, type RenewalInput } from '../../../src/pki/policy/renewal.ts';
import type { Profile } from '../../../src/pki/profile.ts';
import { nameOf, stationProfile } from '../../support/policy.ts';

const spki = Uint8Array.of(1);
const same: RenewalInput = {
  renewed: {
    subject: nameOf('CN=S1', 'O=Before', 'C=DE'),
    names: [
      { kind: 'dns', value: 'a.example' },
      { kind: 'ip', value: '192.0.2.1' },
    ],
    spki,
  },
  profile: stationProfile,
  subject: nameOf('CN=S1', 'O=After', 'C=DE'),
  names: [
    { kind: 'ip', value: '192.0.2.1' },
    { kind: 'dns', value: 'a.example' },
  ],
  spki: Uint8Array.of(2),
};

const found = (change: Partial<RenewalInput>): string[] =>
  checkRenewal({ ...same, ...change }).map(({ code, field }) => `${code} ${field}`);

const { subjectAltName: _, ...nameless } = stationProfile.extensions;
const withSameKey: Profile = {
  ...stationProfile,
  request: { ...stationProfile.request, sameKeyRenewal: true },
};

describe('C7 a renewal', () => {
  test('changes the key, and what is registered', () => {
    expect(found({})).toEqual([]);
  });

  test.each<[string, Partial<RenewalInput>, string[]]>([
    ['another name', { subject: nameOf('CN=S2') }, ['renewal-mismatch subject.CN']],
    ['a name in another case', { subject: nameOf('CN=s1') }, ['renewal-mismatch subject.CN']],
    ['no name', { subject: nameOf('O=After') }, ['renewal-mismatch subject.CN']],
    ['fewer names', { names: [] }, ['renewal-mismatch extensions.subjectAltName']],
    [
      'more names',
      { names: [...same.names, { kind: 'dns', value: 'b.example' }] },
      ['renewal-mismatch extensions.subjectAltName'],
    ],
    [
      'a name of another kind',
      { names: [{ kind: 'uri', value: 'a.example' }, ...same.names.slice(0, 1)] },
      ['renewal-mismatch extensions.subjectAltName'],
    ],
    ['the same key', { spki }, ['renewal-same-key publicKey']],
    [
      'everything at once',
      { subject: nameOf('CN=S2'), names: [], spki },
      [
        'renewal-mismatch subject.CN',
        'renewal-mismatch extensions.subjectAltName',
        'renewal-same-key publicKey',
      ],
    ],
  ])('does not take %s', (_name, change, codes) => {
    expect(found(change)).toEqual(codes);
  });

  test('takes the same key where the profile says so', () => {
    expect(found({ spki, profile: withSameKey })).toEqual([]);
  });

  test('looks at no names where the profile gives none', () => {
    expect(found({ names: [], profile: { ...stationProfile, extensions: nameless } })).toEqual([]);
  });

  test('says what it was, and keeps hostile text in its quotes', () => {
    const [violation] = checkRenewal({ ...same, subject: nameOf('CN=x\u202ey') });
    expect(violation?.message).toBe(
      '"x\\u{202e}y" is not the CN of the renewed certificate, "S1".',
    );
  });
});
