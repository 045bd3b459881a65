import { describe, expect, test } from 'vitest';
import { loadPolicies } from '../../../src/declarations.ts';
import { buildTbs } from '../../../src/pki/build-certificate.ts';
import { readTbs, type TbsCertificate } from '../../../src/pki/certificate.ts';
import { keepsRulesAsBefore } from '../../../src/pki/lint/recurring.ts';
import type { LintContext, LintIssuer } from '../../../src/pki/lint/rule.ts';
import { lintRules } from '../../../src/pki/lint/rules.ts';
import { lintInFull, lintTbs } from '../../../src/pki/lint.ts';
import { decide, type PolicyInput } from '../../../src/pki/policy.ts';
import type { Profile } from '../../../src/pki/profile.ts';
import { generateKey } from '../../support/issuing.ts';
import { issuerFacts, NOW, nameOf } from '../../support/policy.ts';

const profiles = loadPolicies().profiles;
const DAY = 86_400_000;

/** Issuers have names of their own, so that nothing is known of them before. */
function freshIssuer(profile: Profile): LintIssuer & { facts: PolicyInput['issuer'] } {
  const facts = {
    ...issuerFacts,
    profile: profile.issuedBy[0] ?? 'sub-ca',
    notBefore: new Date(NOW.getTime() - 100 * DAY),
    notAfter: new Date(NOW.getTime() + 20_000 * DAY),
    subjectDer: new Uint8Array(issuerFacts.subjectDer),
    keyIdentifier: new Uint8Array(issuerFacts.keyIdentifier),
  };
  const { subjectDer, keyIdentifier, notBefore, notAfter } = facts;
  return { subjectDer, keyIdentifier, notBefore, notAfter, facts };
}

function tbsFor(
  profile: Profile,
  issuer: ReturnType<typeof freshIssuer>,
  name = 'SN-0001',
  key = generateKey(),
  serial = 0x42,
) {
  const decision = decide({
    request: { subject: nameOf(`CN=${name}`), publicKey: key.publicKey, extensions: [] },
    profile,
    issuer: issuer.facts,
    facts: { 'organization.name': 'Example', 'organization.country': 'DE' },
    keyHistory: { blocked: false, ofAuthority: false, certifiedForOther: false },
    now: NOW,
    serialNumber: new Uint8Array(16).fill(serial),
  });
  if (!decision.ok) throw new Error(JSON.stringify(decision.violations));
  return buildTbs(decision.value);
}

const station = profiles.get('ocpp-station') as Profile;
const secc = profiles.get('iso15118-2-secc') as Profile;

/** A profile and an issuer for which a certificate has been linted. */
function warm(profile = station) {
  const issuer = freshIssuer(profile);
  const context: LintContext = { profile, issuer, issuerKeyAlgorithm: 'P-256' };
  const tbs = tbsFor(profile, issuer);
  expect(keepsRulesAsBefore(tbs, context)).toBe(false);
  expect(lintTbs(tbs, context)).toEqual([]);
  return { issuer, context, tbs };
}

describe('what recurs is compared, what differs is read and judged', () => {
  test('another subject, key and serial number of the same profile and issuer', () => {
    const { issuer, context } = warm();
    const other = tbsFor(station, issuer, 'SN-0007', generateKey(), 0x17);
    expect(keepsRulesAsBefore(other, context)).toBe(true);
  });

  test.each([1, 0x80, 0xff])('nothing passes that the rules refuse: every octet xor %i', (mask) => {
    const { issuer, context } = warm();
    const tbs = tbsFor(station, issuer, 'SN-0002', generateKey(), 0x17);
    let refused = 0;
    for (let at = 0; at < tbs.length; at++) {
      const spoilt = new Uint8Array(tbs);
      spoilt[at] = (spoilt[at] as number) ^ mask;
      const findings = lintInFull(spoilt, context);
      if (findings.length > 0) refused += 1;
      if (findings.length > 0)
        expect([at, keepsRulesAsBefore(spoilt, context)]).toEqual([at, false]);
      expect(lintTbs(spoilt, context)).toEqual(findings);
    }
    // Serial number, times, and letters of the name and of addresses may be others.
    expect(refused).toBeGreaterThan(tbs.length - 150);
  });

  test('nothing passes that is cut off or goes on', () => {
    const { tbs, context } = warm();
    for (let length = 0; length < tbs.length; length++) {
      expect(keepsRulesAsBefore(tbs.subarray(0, length), context)).toBe(false);
    }
    expect(keepsRulesAsBefore(Uint8Array.of(...tbs, 0), context)).toBe(false);
  });

  test('octets taken out or put in, everywhere', () => {
    const { tbs, context } = warm();
    for (let at = 0; at < tbs.length; at++) {
      for (const spoilt of [
        Uint8Array.of(...tbs.subarray(0, at), ...tbs.subarray(at + 1)),
        Uint8Array.of(...tbs.subarray(0, at), 0, ...tbs.subarray(at)),
      ]) {
        expect([at, keepsRulesAsBefore(spoilt, context)]).toEqual([at, false]);
      }
    }
  });

  test('another context is judged anew', () => {
    const { tbs, context, issuer } = warm();
    expect(keepsRulesAsBefore(tbs, context)).toBe(true);
    const others: LintContext[] = [
      { ...context, issuerKeyAlgorithm: 'P-384' },
      { ...context, issuer: { ...issuer } },
      { ...context, issuer: 'self' },
      { ...context, profile: { ...station } },
      { ...context, profile: secc },
    ];
    for (const other of others) expect(keepsRulesAsBefore(tbs, other)).toBe(false);
  });

  test('an issuer whose octets change in place is another', () => {
    const { tbs, context, issuer } = warm();
    const identifier = issuer.keyIdentifier as Uint8Array;
    identifier[0] = (identifier[0] as number) ^ 1;
    expect(keepsRulesAsBefore(tbs, context)).toBe(false);
    expect(lintTbs(tbs, context).map(({ rule }) => rule)).toContain('aki-of-issuer');
  });

  test('an issuer that gets an empty key identifier is another', () => {
    const { keyIdentifier: _, ...issuer } = freshIssuer(station);
    const context: LintContext = { profile: station, issuer, issuerKeyAlgorithm: 'P-256' };
    const tbs = tbsFor(station, freshIssuer(station));
    expect(lintTbs(tbs, context)).toEqual([]);
    expect(keepsRulesAsBefore(tbs, context)).toBe(true);
    Object.assign(issuer, { keyIdentifier: new Uint8Array(0) });
    expect(lintTbs(tbs, context)).toEqual(lintInFull(tbs, context));
    expect(lintTbs(tbs, context).map(({ rule }) => rule)).toEqual(['aki-of-issuer']);
  });

  test('octets that change after they were linted are not taken for those', () => {
    const { tbs, context, issuer } = warm();
    const before = tbsFor(station, issuer, 'SN-0003');
    tbs.fill(0);
    expect(keepsRulesAsBefore(before, context)).toBe(true);
    expect(keepsRulesAsBefore(tbs, context)).toBe(false);
  });

  test('what was refused is not remembered', () => {
    const issuer = freshIssuer(station);
    const context: LintContext = { profile: station, issuer, issuerKeyAlgorithm: 'P-384' };
    const tbs = tbsFor(station, issuer);
    expect(lintTbs(tbs, context)).not.toEqual([]);
    expect(keepsRulesAsBefore(tbs, context)).toBe(false);
  });

  test('a profile that can be changed is not remembered', () => {
    const issuer = freshIssuer(station);
    const context = { profile: { ...station }, issuer, issuerKeyAlgorithm: 'P-256' } as const;
    const tbs = tbsFor(context.profile, issuer);
    expect(lintTbs(tbs, context)).toEqual([]);
    expect(keepsRulesAsBefore(tbs, context)).toBe(false);
  });
});

describe('each rule looks only at what its mark says', () => {
  const { tbs, context } = warm();
  const read = readTbs(tbs);

  /** The certificate, in which these fields cannot be looked at. */
  const without = (fields: readonly string[], changes: object = {}): TbsCertificate =>
    new Proxy({ ...read, ...changes } as TbsCertificate, {
      get(target, field) {
        if (fields.includes(String(field))) throw new Error(`it looks at ${String(field)}`);
        return Reflect.get(target, field);
      },
    });

  const varying = ['tbs', 'serialNumber', 'notBefore', 'notAfter', 'subject', 'subjectDer', 'spki'];
  // Writing an OCTET STRING of other octets again gives it again, so what this rule says of one
  // key identifier holds for any of its length.
  const constant = lintRules.filter(
    ({ varies, id }) => !varies && id !== 'extensions-nothing-unread',
  );
  const changing = lintRules.filter(({ varies }) => varies);

  test.each(constant)('$id: at nothing that differs', ({ check }) => {
    const hidden = {
      publicKey: { algorithm: read.publicKey?.algorithm },
      extensions: {
        ...read.extensions,
        subjectKeyIdentifier: {
          critical: read.extensions.subjectKeyIdentifier?.critical,
          get value(): Uint8Array {
            throw new Error('it looks at the key identifier');
          },
        },
      },
      rawExtensions: read.rawExtensions.map(({ oid, critical }) => ({ oid, critical })),
    };
    expect(check(without([...varying, 'extensionsDer'], hidden), context)).toBeUndefined();
  });

  test.each(changing)('$id: not at extensions as octets', ({ check }) => {
    expect(check(without(['rawExtensions']), context)).toBeUndefined();
  });
});
