/** Who may be the second person for what, and what a proposal is held against when one agrees. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Principal, parseAccessPolicy } from '../../src/services/access-policy.ts';
import { grantOrPropose } from '../../src/services/authority-grant-proposals.ts';
import { ServiceError } from '../../src/services/errors.ts';
import { approveProposal } from '../../src/services/proposal-approval.ts';
import { proposalHash } from '../../src/services/proposal-records.ts';
import { withdrawProposal } from '../../src/services/proposals.ts';
import { revokeOrPropose } from '../../src/services/revocation-proposals.ts';
import { storeClient } from '../support/clients.ts';
import { type TestDatabase, testBackends } from '../support/databases.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { allListed, approver, haveWait, proposer } from '../support/proposing.ts';
import { type Services, servicesOver, start } from '../support/services.ts';

const approving = (kind: string) => ({
  ...{ description: 'x', actions: ['proposals:approve'], kinds: [kind], everyOrganization: true },
});
const parsed = parseAccessPolicy(
  {
    roles: {
      super: { description: 'x', actions: 'all', mayGrant: 'all', everyOrganization: true },
      roots: approving('root-ca'),
      subs: approving('sub-ca'),
      crosses: approving('cross-ca'),
      stations: approving('station'),
      limited: {
        ...{ description: 'x', kinds: ['station'], everyOrganization: true },
        actions: [
          ...['trust-anchors:trust', 'authorities:grant', 'authorities:cross-certify'],
          ...['authorities:revoke', 'certificates:revoke'],
        ],
      },
    },
  },
  'access.yaml',
);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
const { policy: access } = parsed;

const [sqlite] = testBackends;

/** What `haveWait` has wait in turn, and the role that may agree. */
const TRUST = 0;
const GRANT = 1;
const CROSS = 2;
const REVOKE = 3;

let opened: TestDatabase;
let services: Services;
beforeAll(async () => {
  if (!sqlite) throw new Error('there is no SQLite');
  opened = await sqlite.open();
  const declarations = { ...allListed(demoDeclarations()), access };
  services = await servicesOver(opened.database, {
    ...{ declarations, dataDir: '', vault: 'known', processId: 'process-1' },
  });
  services.keep = async () => undefined;
  await start(services);
  await storeClient(services, proposer);
});
afterAll(() => opened?.remove());

let count = 0;
const newName = () => `Second-${++count}`;
const as = (...roles: string[]): Principal => ({ ...approver, actor: 'client:second', roles });

/** `done`, or the codes of what stood against it. */
async function outcome(act: Promise<unknown>): Promise<string[]> {
  try {
    await act;
    return ['done'];
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return [error.code, ...error.violations.map(({ code }) => code)];
  }
}

describe.each([
  ['trusting a root', TRUST, 'roots'],
  ['granting a root', GRANT, 'roots'],
  ['cross-certifying', CROSS, 'crosses'],
  ['revoking a sub-CA', REVOKE, 'subs'],
])('%s', (_name, way, role) => {
  test('is agreed to by those who are for its kind', async () => {
    const { proposal } = await haveWait(services, way, newName());
    const approve = (...roles: string[]) =>
      outcome(approveProposal(services, as(...roles), proposal.id, proposal.sha256));
    for (const other of ['roots', 'subs', 'crosses', 'stations'].filter((one) => one !== role)) {
      expect(await approve(other), other).toEqual(['not-permitted']);
    }
    expect(await approve(role)).toEqual(['done']);
  });

  test('does not come of what its proposer may not do for this kind any more', async () => {
    const demoted = { ...proposer, actor: `client:demoted-${way}` };
    await storeClient(services, { ...demoted, roles: ['limited'] });
    const { proposal } = await haveWait(services, way, newName(), demoted);
    expect(
      await outcome(approveProposal(services, approver, proposal.id, proposal.sha256)),
    ).toEqual(['proposal-refused', 'proposer-not-permitted']);
    expect((await withdrawProposal(services, demoted, proposal.id)).state).toBe('withdrawn');
  });

  test('that is on record as something that it cannot be has no effect', async () => {
    const { proposal } = await haveWait(services, way, newName());
    // As somebody could write it who can write the log as well: the hash is right.
    const { recordProposal } = services.proposals;
    const odd = { ...proposal, id: `${proposal.id}x`, command: { note: 'odd', profile: 'v2g' } };
    const sha256 = proposalHash(odd);
    const audit = {
      ...{ at: services.clock(), organizationId: odd.organizationId, actor: 'client:x' },
      ...{ action: 'proposal.made', subject: odd.id, details: {} },
    };
    await recordProposal({ proposal: { ...odd, sha256 }, audit });
    expect(await outcome(approveProposal(services, approver, odd.id, sha256))).toEqual([
      'proposal-changed',
    ]);
  });
});

test('a cross-certificate by a profile that has changed is not what was approved', async () => {
  const { proposal } = await haveWait(services, CROSS, newName());
  const profiles = new Map(
    [...services.profiles].map(([name, profile]) => [name, { ...profile, hash: 'another' }]),
  );
  const approve = (parts: Services) =>
    outcome(approveProposal(parts, approver, proposal.id, proposal.sha256));
  expect(await approve({ ...services, profiles })).toEqual([
    ...['proposal-refused', 'proposal-outdated'],
  ]);
  expect(await approve(services)).toEqual(['done']);
});

describe('a process whose declarations are superseded', () => {
  // It may have a list that says that nothing needs anybody else.
  const older = (): Services => ({
    ...services,
    secondPerson: new Set(),
    declarations: {
      ...services.declarations,
      requireActive: async () => {
        throw new ServiceError('declarations-superseded', 'others have newer ones');
      },
    },
  });
  const authority = async () => {
    const { proposal } = await haveWait(services, REVOKE, newName());
    return proposal;
  };

  test('grants nothing, revokes no authority and approves nothing', async () => {
    const { id, sha256, subject } = await authority();
    const refused = ['declarations-superseded'];
    expect(await outcome(grantOrPropose(older(), proposer, 'v2g-root', 'demo-mo'))).toEqual(
      refused,
    );
    expect(await outcome(revokeOrPropose(older(), proposer, subject, 'superseded'))).toEqual(
      refused,
    );
    expect(await outcome(approveProposal(older(), approver, id, sha256))).toEqual(refused);
  });

  test('revokes an authority whose key is stolen', async () => {
    const { subject } = await authority();
    expect(await outcome(revokeOrPropose(older(), proposer, subject, 'keyCompromise'))).toEqual([
      'done',
    ]);
  });
});
