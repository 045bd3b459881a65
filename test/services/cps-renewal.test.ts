import { describe, expect, test } from 'vitest';
import { createCpsMemory } from '../../src/services/cps-memory.ts';
import type { CpsSigner } from '../../src/services/cps-records.ts';
import {
  type CpsParts,
  cpsAuthorityProfiles,
  renewCpsSigner,
  renewCpsSigners,
  standardOfKey,
} from '../../src/services/cps-renewal.ts';
import { capture } from '../support/captured-log.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { start } from '../support/responder.ts';

const HOUR = 3_600_000;
const hours = (count: number) => new Date(start.getTime() + count * HOUR);
const { profiles } = demoDeclarations();

interface Situation {
  readonly present?: Pick<CpsSigner, 'notBefore' | 'notAfter'>;
  readonly issuerEnd?: Date;
  readonly state?: string;
  readonly stateAbove?: string;
  readonly profile?: string;
  readonly keyAlgorithm?: string;
}

/** An issuer in a situation; making a signer fails, since its organization is missing. */
function partsWith(situation: Situation = {}, log = capture('debug')): CpsParts {
  const { present, issuerEnd = hours(90_000), state = 'active', stateAbove = 'active' } = situation;
  const { profile = 'iso15118-2-cps-sub-ca-2', keyAlgorithm = 'P-256' } = situation;
  return {
    clock: () => start,
    cpsMemory: createCpsMemory(),
    cpsSigners: {
      newestSigner: async () => present,
      activeIssuers: async () => ['ca-1', 'ca-2'],
    },
    issuers: {
      byId: async () => ({
        issuer: { id: 'ca', state, signedById: 'root' },
        authority: { id: 'cps', organizationId: 'o', profile, keyAlgorithm },
        facts: { notAfter: issuerEnd },
      }),
    },
    authorities: {
      findIssuer: async () => ({ id: 'root', state: stateAbove, signedById: 'root' }),
    },
    organizations: { findOrganization: async () => undefined },
    profiles,
    logger: log.logger,
  } as unknown as CpsParts;
}
const makesOne = 'an organization that is missing';

describe('renewing CPS signers', () => {
  test('the first is made, and another when a third of its life is left', async () => {
    await expect(renewCpsSigner(partsWith(), 'ca')).rejects.toThrow(makesOne);
    const old = { notBefore: hours(-20), notAfter: hours(10) };
    await expect(renewCpsSigner(partsWith({ present: old }), 'ca')).rejects.toThrow(makesOne);
    const young = { notBefore: hours(-19), notAfter: hours(11) };
    expect(await renewCpsSigner(partsWith({ present: young }), 'ca')).toEqual(hours(1));
  });

  test.each<[string, Situation]>([
    ['A2 is retired', { state: 'retired' }],
    ['awaits its certificate', { state: 'awaiting-certificate' }],
    ['is revoked', { state: 'revoked' }],
    ['is below a revoked one', { stateAbove: 'revoked' }],
    // Seven days are the least that the profile allows.
    ['has not enough life left for one', { issuerEnd: hours(7 * 24 - 1) }],
    ['certifies no CPS signers', { profile: 'iso15118-2-cpo-sub-ca-2' }],
    ['has a key that the profile does not take', { keyAlgorithm: 'P-384' }],
    [
      'would certify another that ends no later',
      { present: { notBefore: hours(-500), notAfter: hours(200) }, issuerEnd: hours(200) },
    ],
  ])('an issuer that %s makes none', async (_, situation) => {
    expect(await renewCpsSigner(partsWith(situation), 'ca')).toBeUndefined();
  });

  test('an issuer with just enough life makes one', async () => {
    await expect(renewCpsSigner(partsWith({ issuerEnd: hours(7 * 24) }), 'ca')).rejects.toThrow(
      makesOne,
    );
  });

  test('whoever asks at once gets the same; a failure is forgotten', async () => {
    const parts = partsWith();
    let asked = 0;
    const organizations = {
      findOrganization: async () => {
        asked += 1;
      },
    };
    const counted = { ...parts, organizations } as unknown as CpsParts;
    const results = await Promise.allSettled([1, 2, 3].map(() => renewCpsSigner(counted, 'ca')));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(asked).toBe(1);
    await expect(renewCpsSigner(counted, 'ca')).rejects.toThrow(makesOne);
    expect(asked).toBe(2);
  });

  test('one that fails keeps no other from being looked after', async () => {
    const log = capture('debug');
    await expect(renewCpsSigners(partsWith({}, log))).rejects.toThrow(makesOne);
    const failed = log.lines.filter((line) => line.includes('cps-signer-not-certified'));
    expect(failed.map((line) => JSON.parse(line).issuer)).toEqual(['ca-1', 'ca-2']);
  });

  test('looks again when the first is due, and within a day', async () => {
    const young = { notBefore: hours(-19), notAfter: hours(11) };
    expect(await renewCpsSigners(partsWith({ present: young }))).toEqual(hours(1));
    const fresh = { notBefore: hours(-1), notAfter: hours(2_000) };
    expect(await renewCpsSigners(partsWith({ present: fresh }))).toEqual(hours(24));
    expect(await renewCpsSigners(partsWith({ state: 'retired' }))).toEqual(hours(24));
  });
});

test('authorities that certify CPS signers are known by the kind of what they issue', () => {
  expect(cpsAuthorityProfiles(profiles)).toEqual([
    'iso15118-2-cps-sub-ca-2',
    'iso15118-20-cps-sub-ca-2',
    'iso15118-20-cps-sub-ca-2.annex-b',
  ]);
  expect(cpsAuthorityProfiles(new Map())).toEqual([]);
});

test('the key of a signer says whose vehicles take it', () => {
  expect(standardOfKey('P-256')).toBe('iso15118-2');
  expect(standardOfKey('P-521')).toBe('iso15118-20');
  expect(standardOfKey('Ed448')).toBe('iso15118-20');
  for (const other of ['P-384', 'Ed25519', 'RSA-2048'] as const) {
    expect(standardOfKey(other)).toBeUndefined();
  }
});
