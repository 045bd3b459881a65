/** When roots that end are told of, and as what; with a clock that is moved. */

import { describe, expect, test } from 'vitest';
import { fingerprint } from '../../src/pki/certificate.ts';
import type { Profile } from '../../src/pki/profile.ts';
import type { AuditEvent } from '../../src/services/audit.ts';
import { noteRootEnds, type RootEnd } from '../../src/services/root-ends.ts';

const START = new Date('2026-11-28T12:00:00Z');
const later = (minutes: number) => new Date(START.getTime() + minutes * 60_000);
const DER = Buffer.from('a certificate');

const anchor = (id: string, notAfter: Date): RootEnd => ({
  ...{ id, organizationId: 'org', certificate: DER, subject: 'CN=Root', notAfter },
  rootType: 'MO',
});
const own = (notAfter: Date): RootEnd => ({
  ...{ id: 'iss', organizationId: 'v2g', certificate: DER, subject: 'CN=V2G', notAfter },
  own: { authorityId: 'v2g-root', certificateId: 'crt', profile: 'v2g-root' },
});
const profiles = new Map([
  ['v2g-root', { name: 'v2g-root', rootType: 'V2G' } as Profile],
  ['leaf', { name: 'leaf' } as Profile],
]);

/** What a database does whose port the conformance suite is about. */
async function run(roots: readonly RootEnd[], now = START) {
  const noted: AuditEvent[] = [];
  const asked: (readonly string[])[] = [];
  const next = await noteRootEnds({
    rootEnds: {
      nextEnds: async (names, limit) => {
        asked.push(names);
        return roots.slice(0, limit);
      },
      noteEnd: async ({ audit }) => {
        noted.push(audit);
        return 'noted';
      },
    },
    profiles,
    clock: () => now,
  });
  return { noted, next, asked };
}

describe('a root that has ended', () => {
  test('is told of in the log of its organization, as an anchor or as one of ours', async () => {
    const { noted, asked } = await run([anchor('anc', later(-2)), own(later(-1))]);
    const details = { sha256: fingerprint(DER), name: 'CN=Root', rootType: 'MO' };
    expect(noted).toEqual([
      {
        ...{ at: START, organizationId: 'org', actor: 'evpki' },
        ...{ action: 'trust-anchor.expired', subject: 'anc' },
        details: { ...details, notAfter: later(-2).toISOString() },
      },
      {
        ...{ at: START, organizationId: 'v2g', actor: 'evpki' },
        ...{ action: 'root-certificate.expired', subject: 'crt' },
        details: {
          ...{ ...details, name: 'CN=V2G', rootType: 'V2G', notAfter: later(-1).toISOString() },
          ...{ authority: 'v2g-root', issuer: 'iss' },
        },
      },
    ]);
    // Roots that no pool lists are nobody's business.
    expect(asked).toEqual([['v2g-root']]);
  });

  test('is one after its last second, not in it', async () => {
    expect((await run([anchor('anc', START)])).noted).toEqual([]);
    const second = (count: number) => new Date(START.getTime() + count * 1_000);
    expect((await run([anchor('anc', START)], second(0.999))).noted).toEqual([]);
    expect((await run([anchor('anc', START)], second(1))).noted).toHaveLength(1);
  });
});

test('the next look is when the next root ends, within an hour', async () => {
  expect((await run([])).next).toEqual(later(60));
  expect((await run([anchor('a', later(-1)), own(later(90))])).next).toEqual(later(60));
  const soon = await run([anchor('a', later(-1)), own(later(5)), anchor('b', later(7))]);
  expect(soon.next).toEqual(new Date(later(5).getTime() + 1_000));
});

test('where a hundred have ended there may be more: at once', async () => {
  const roots = Array.from({ length: 101 }, (_, n) => anchor(`anc-${n}`, later(-200 + n)));
  const { noted, next } = await run(roots);
  expect([noted.length, next]).toEqual([100, START]);
});
