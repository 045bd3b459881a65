/** The obligations of RFC 5280 on whoever validates paths, each with the cases that show it. */

import { describe, expect, test } from 'vitest';
import { validatePath } from '../../../src/pki/path/validate-path.ts';
import { pathCases } from '../../support/path-cases.ts';

/** What it is about, cases that are refused for it, cases that are not. */
const obligations: readonly (readonly [string, string, string])[] = [
  ['RFC 5280 4.1.1.2 one signature algorithm', 'fields/two-signature-algorithms', ''],
  [
    'RFC 5280 4.1.2.2 serial numbers are positive, and of up to 20 octets',
    'serial/zero serial/negative serial/twenty-one-octets',
    'serial/twenty-octets',
  ],
  [
    'RFC 5280 4.1.2.5 both ends of a validity are in it',
    'validity/expired validity/not-yet',
    'validity/last-second validity/first-second',
  ],
  [
    'RFC 5280 4.2 unknown critical extensions and duplicates',
    'extensions/critical-unknown-leaf extensions/critical-unknown-authority extensions/duplicate',
    'extensions/unknown',
  ],
  [
    'RFC 5280 4.2.1.4 qualifiers of critical policies are understood',
    'extensions/critical-qualifier',
    '',
  ],
  [
    'RFC 5280 4.2.1.9 only authorities sign certificates',
    'extensions/leaf-signs-leaf extensions/authority-without-basic-constraints',
    'pathlen/leaf-is-authority',
  ],
  [
    'RFC 5280 4.2.1.10 names of a form that cannot be compared',
    'nc/unknown-form nc/registered-id',
    'nc/unknown-form-unused',
  ],
  [
    'RFC 5280 4.2.1.10 directory names, of subject and alternative names',
    'nc/dn-subject-outside nc/dn-alternative-name-outside nc/dn-right-alternative-name-wrong-subject',
    'nc/dn-prefix',
  ],
  [
    'RFC 5280 4.2.1.10 URIs without a host',
    'nc/uri-without-host nc/uri-with-address',
    'nc/uri-host',
  ],
  ['RFC 5280 4.2.1.10 mail addresses of the subject', 'nc/email-in-subject', 'nc/email-host'],
  [
    'RFC 5280 4.2.1.12 purposes',
    'eku/wrong eku/of-authority',
    'eku/right eku/none eku/any eku/not-asked',
  ],
  [
    'RFC 5280 6.1 no certificate is twice in a path',
    'pathological/cycle',
    'pathological/cycle-with-a-way-out',
  ],
  [
    'RFC 5280 6.1.3 (a) (1) signatures, by the key and not by the name',
    'building/tampered building/right-name-wrong-key',
    'building/several-anchors-of-one-name',
  ],
  [
    'RFC 5280 6.1.3 (a) (3) revocation',
    'crl/leaf-revoked crl/authority-revoked',
    'crl/another-path',
  ],
  [
    'RFC 5280 6.1.3 (b), (c) names under all constraints above',
    'nc/narrowed nc/not-widened nc/of-authority nc/self-issued-leaf',
    'nc/self-issued-authority',
  ],
  [
    'RFC 5280 6.1.4 (k) to (n) version, cA, path length, keyCertSign',
    'fields/version-1-authority pathlen/two-below-one extensions/authority-without-key-cert-sign',
    'pathlen/self-issued pathlen/may-increase',
  ],
  [
    'RFC 5280 7.1 names are compared without regard to case and space',
    'building/no-root-name',
    'building/names-differ-in-case-and-space',
  ],
];

describe.each(obligations)('%s', (_what, refused, held) => {
  test.each(refused.split(' ').filter(Boolean))('refused: %s', (id) => {
    expect(holds(id)).toBe(false);
  });

  test.each(held.split(' ').filter(Boolean))('not refused: %s', (id) => {
    expect(holds(id)).toBe(true);
  });
});

function holds(id: string): boolean {
  const given = pathCases.find((each) => each.id === id);
  if (given === undefined) throw new Error(`there is no case ${id}`);
  const { certificate, candidates = [], anchors, revoked = [] } = given;
  const { at = '2030-01-01T00:00:00Z', ...rules } = given.rules ?? {};
  return validatePath({
    ...rules,
    ...{ certificate, candidates, anchors, at: new Date(at) },
    statusOf: (each) => (revoked.includes(each) ? 'revoked' : 'good'),
  }).ok;
}
