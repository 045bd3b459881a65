import { expect, test } from 'vitest';
import { loadPolicies } from '../../src/declarations.ts';
import { warnOfIssuerEnds } from '../../src/services/issuer-ends.ts';
import { capture } from '../support/captured-log.ts';

const now = new Date('2026-06-01T00:00:00Z');
const days = (count: number): Date => new Date(now.getTime() + count * 86_400_000);

test.each([
  ['a station CA with as long to live as a station certificate', 'ocpp-station-ca', 365, 0],
  ['the same a second later', 'ocpp-station-ca', 365 - 1 / 86_400, 1],
  ['one whose CSMS signs as long', 'ocpp-exported-station-ca', 365, 0],
  ['the same a second later', 'ocpp-exported-station-ca', 365 - 1 / 86_400, 1],
  ['an authority that signs no leaves', 'iso15118-2-cpo-sub-ca-1', 1, 0],
  ['a profile that is not there any more', 'gone', 1, 0],
])('%s: %s, %d days', async (_name, profile, left, warnings) => {
  const { logger, lines } = capture();
  const end = {
    ...{ issuerId: 'i1', authorityId: 'ca', organizationId: 'o', profile },
    notAfter: days(left),
  };
  const asked: Date[] = [];
  const count = await warnOfIssuerEnds({
    issuerEnds: {
      listEndsBefore: async (moment) => {
        asked.push(moment);
        return end.notAfter < moment ? [end] : [];
      },
    },
    profiles: loadPolicies().profiles,
    clock: () => now,
    logger,
  });
  expect(count).toBe(warnings);
  expect(lines).toHaveLength(warnings);
  if (warnings > 0)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ authority: 'ca', issuer: 'i1' });
  // Everything that could be too short is asked for, however long the leaves of other profiles.
  expect(asked[0]?.getTime()).toBeGreaterThanOrEqual(days(365).getTime());
});
