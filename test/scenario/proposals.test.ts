/** What needs a second person in a running service, from the proposal to its effect, or its end. */

import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { foreignRoot } from '../support/foreign-roots.ts';

type Call = (method: string, path: string, body?: unknown) => Promise<Answer>;
interface Person {
  readonly call: Call;
  /** As audit entries name it. */
  readonly actor: string;
  readonly id: string;
}

const HOUR = 3_600_000;
const PROPOSALS = '/v1/proposals';

let later = 0;
let evpki: TestApp;
let officer: Person;
let approver: Person;
let anchor: string;

beforeAll(async () => {
  evpki = await startTestApp({
    clock: () => new Date(Date.now() + later),
    env: { EVPKI_CLIENT_RATE: '0', EVPKI_ADDRESS_RATE: '0' },
  });
  officer = await person('pki-officer');
  approver = await person('approver');
});
afterAll(() => evpki?.close());
beforeEach(async () => {
  anchor = sent(
    await officer.call('POST', '/v1/trust-anchors', { certificate: foreignRoot().pem }),
    201,
  ).id;
});

function sent({ status, json, text }: Answer, wanted: number) {
  expect(status, text).toBe(wanted);
  return json;
}

/** A new API client, with a token of the moment at each call. */
async function person(
  role: string,
  organization = 'demo-oem',
  maker: Pick<Person, 'call'> = evpki,
): Promise<Person> {
  const body = { name: role, organization, roles: [role] };
  const credentials = sent(await maker.call('POST', '/v1/api-clients', body), 201);
  return {
    id: credentials.clientId,
    actor: `client:${credentials.clientId}`,
    call: async (method, path, asked) => {
      const token = await evpki.renewedToken(credentials);
      return evpki.call(method, path, asked, { authorization: `Bearer ${token}` });
    },
  };
}

const purposesPath = () => `/v1/trust-anchors/${anchor}/purposes`;
const put = ({ call }: Person, ...purposes: string[]) => call('PUT', purposesPath(), { purposes });
const propose = async (by = officer, ...purposes: string[]) =>
  sent(await put(by, ...(purposes.length > 0 ? purposes : ['oem-provisioning'])), 202);
const decide = ({ call }: Person, id: string, what: string, body?: unknown) =>
  call('POST', `${PROPOSALS}/${id}/${what}`, body);
const approve = (by: Person, { id, sha256 }: { id: string; sha256: string }) =>
  decide(by, id, 'approval', { sha256 });
const purposes = async (): Promise<string[]> =>
  sent(await officer.call('GET', `/v1/trust-anchors/${anchor}`), 200).purposes;
const entries = async (subject: string) =>
  sent(await evpki.call('GET', `/v1/audit?subject=${subject}`), 200).items;
const refused = ({ status, json }: Answer) => [status, json.code];
const reasons = ({ json }: Answer) => json.violations.map(({ code }: { code: string }) => code);

/** Writes into the database behind the back of the service. */
const behindItsBack = (statement: string, ...values: string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const database = new sqlite3.Database(join(evpki.dataDir, 'evpki.sqlite'));
    database.configure('busyTimeout', 5_000);
    database.run(statement, values, function ended(this: sqlite3.RunResult, failed) {
      const { changes } = this ?? {};
      database.close(() => {
        if (failed ?? changes !== 1) reject(failed ?? new Error(`${changes} rows`));
        else resolve();
      });
    });
  });

describe('a root that is to be trusted', () => {
  test('is trusted once somebody else agrees, and the log names both', async () => {
    const answer = await put(officer, 'distribute', 'oem-provisioning');
    const proposal = sent(answer, 202);
    expect(answer.headers.location).toBe(`${PROPOSALS}/${proposal.id}`);
    expect(proposal).toMatchObject({
      ...{ state: 'waiting', organization: 'demo-oem', action: 'trust-anchors:trust' },
      ...{ subject: anchor, proposer: officer.actor },
      command: { before: ['distribute'], purposes: ['distribute', 'oem-provisioning'] },
    });
    const week = Date.parse(proposal.expiresAt) - Date.parse(proposal.createdAt);
    expect(week).toBe(7 * 24 * HOUR);
    expect(await purposes()).toEqual(['distribute']);
    // The same again is the same.
    expect(sent(await put(officer, 'oem-provisioning', 'distribute'), 202)).toEqual(proposal);
    expect(sent(await approver.call('GET', `${PROPOSALS}/${proposal.id}`), 200)).toEqual(proposal);
    const waiting = sent(await approver.call('GET', `${PROPOSALS}?state=waiting`), 200).items;
    expect(waiting).toContainEqual(proposal);

    const approved = sent(await approve(approver, proposal), 200);
    expect(approved).toEqual({
      ...{ ...proposal, state: 'approved', decidedBy: approver.actor },
      decidedAt: expect.stringMatching(/Z$/),
    });
    expect(await purposes()).toEqual(['distribute', 'oem-provisioning']);
    // The same again changes nothing, and says the same.
    expect(sent(await approve(approver, proposal), 200)).toEqual(approved);
    const about = { action: 'trust-anchors:trust', about: anchor, sha256: proposal.sha256 };
    expect(await entries(proposal.id)).toMatchObject([
      { action: 'proposal.approved', actor: approver.actor, details: about },
      { action: 'proposal.made', actor: officer.actor, details: about },
    ]);
    expect((await entries(anchor))[0]).toMatchObject({
      ...{ action: 'trust-anchor.trusted', actor: officer.actor },
      details: { proposal: proposal.id, approvedBy: approver.actor, before: ['distribute'] },
    });
  });

  test('is trusted for less, or handed on, at once', async () => {
    sent(await approve(approver, await propose(officer, 'oem-provisioning', 'v2g')), 200);
    expect(sent(await put(officer, 'v2g'), 200).purposes).toEqual(['v2g']);
    expect(sent(await put(officer, 'distribute', 'v2g'), 200).purposes).toEqual([
      ...['distribute', 'v2g'],
    ]);
    await propose(officer, 'v2g', 'contract-validation');
    expect(sent(await put(officer, 'distribute'), 200).purposes).toEqual(['distribute']);
  });

  test('is proposed by nobody who may not trust it', async () => {
    expect(refused(await put(approver, 'v2g'))).toEqual([403, 'not-permitted']);
    const stranger = await person('pki-officer', 'demo-mo');
    expect(refused(await put(stranger, 'v2g'))).toEqual([404, 'not-found']);
  });
});

describe('a proposal has no effect', () => {
  test('by the agreement of its proposer, who may do everything', async () => {
    const all = await person('super', 'instance');
    const proposal = await propose(all);
    expect(refused(await approve(all, proposal))).toEqual([403, 'approval-own-request']);
    expect(refused(await approve(officer, proposal))).toEqual([403, 'not-permitted']);
    expect(await purposes()).toEqual(['distribute']);
    sent(await approve(approver, proposal), 200);
  });

  test('by the agreement of who has made its proposer, or whom its proposer has made', async () => {
    const above = await person('super', 'instance');
    const between = await person('super', 'instance', above);
    const below = await person('super', 'instance', between);
    for (const [by, others] of [
      [below, [between, above]],
      [between, [above, below]],
      [above, [between, below]],
    ] as const) {
      const proposal = await propose(by);
      for (const other of others) {
        const answer = await approve(other, proposal);
        expect(refused(answer)).toEqual([403, 'approver-not-independent']);
        const isAbove = other === above || by === below;
        expect(answer.json.detail).toContain(
          isAbove
            ? `you have made ${by.actor}, directly or`
            : `${by.actor} has made you, directly or`,
        );
      }
      expect(await purposes()).toEqual(['distribute']);
      sent(await decide(by, proposal.id, 'withdrawal'), 200);
    }
    // Nor has the first administrator anybody here, who has made them all.
    const first = sent(
      await evpki.call('PUT', purposesPath(), { purposes: ['oem-provisioning'] }),
      202,
    );
    expect(refused(await approve(approver, first))).toEqual([403, 'approver-not-independent']);
    // Two whom one administrator has made are two, and the log says who that was.
    const [one, two] = [
      await person('super', 'instance', above),
      await person('super', 'instance', above),
    ];
    const shown = sent(await evpki.call('GET', `/v1/api-clients/${two.id}`), 200);
    expect(shown.createdBy).toBe(above.actor);
    const proposal = await propose(one);
    sent(await approve(two, proposal), 200);
    expect((await entries(proposal.id))[0]).toMatchObject({
      ...{ action: 'proposal.approved', actor: two.actor },
      details: { proposerMadeBy: above.actor, approverMadeBy: above.actor },
    });
  });

  test('by agreement to something else', async () => {
    const proposal = await propose();
    const other = await propose(officer, 'v2g');
    for (const sha256 of [other.sha256, '0'.repeat(64)]) {
      const answer = await approve(approver, { ...proposal, sha256 });
      expect(refused(answer)).toEqual([409, 'proposal-changed']);
    }
    expect(refused(await decide(approver, proposal.id, 'approval', {}))[0]).toBe(400);
    expect(await purposes()).toEqual(['distribute']);
  });

  test('after a week', async () => {
    const proposal = await propose();
    try {
      later = 7 * 24 * HOUR + 60_000;
      const answer = await approve(approver, proposal);
      expect(refused(answer)).toEqual([409, 'conflict']);
      expect(answer.json.detail).toContain('has waited too long');
      const shown = await approver.call('GET', `${PROPOSALS}/${proposal.id}`);
      expect(shown.json.state).toBe('expired');
      expect(refused(await decide(officer, proposal.id, 'withdrawal'))[0]).toBe(409);
      expect(await purposes()).toEqual(['distribute']);
      // Who still wants it proposes it anew.
      expect((await propose()).id).not.toBe(proposal.id);
    } finally {
      later = 0;
    }
  });

  test.each([
    ['what is to be done', 'command', '{"purposes":["v2g"]}'],
    ['who proposed it', 'proposer', 'client:cli_other'],
    ['until when it waits', 'expires_at', '2099-01-01T00:00:00.000Z'],
    ['its hash', 'sha256', 'f'.repeat(64)],
  ])('when somebody has changed in the database %s', async (_name, column, value) => {
    const proposal = await propose();
    await behindItsBack(`UPDATE proposals SET ${column} = ? WHERE id = ?`, value, proposal.id);
    expect(refused(await approve(approver, proposal))).toEqual([409, 'proposal-changed']);
    const shown = sent(await approver.call('GET', `${PROPOSALS}/${proposal.id}`), 200);
    expect(refused(await approve(approver, shown))).toEqual([409, 'proposal-changed']);
    expect(await purposes()).toEqual(['distribute']);
  });

  test('when its proposer has been disabled', async () => {
    const leaving = await person('pki-officer');
    const proposal = await propose(leaving);
    sent(await evpki.call('DELETE', `/v1/api-clients/${leaving.id}`), 200);
    const answer = await approve(approver, proposal);
    expect(refused(answer)).toEqual([409, 'proposal-refused']);
    expect(reasons(answer)).toEqual(['proposer-ended']);
    expect(await purposes()).toEqual(['distribute']);
    expect((await approver.call('GET', `${PROPOSALS}/${proposal.id}`)).json.state).toBe('waiting');
  });

  test('when its proposer may not do it any more', async () => {
    const moving = await person('pki-officer');
    const proposal = await propose(moving);
    const roles = 'UPDATE api_clients SET roles = ? WHERE id = ?';
    await behindItsBack(roles, '["read-only"]', moving.id);
    const answer = await approve(approver, proposal);
    expect([...refused(answer), ...reasons(answer)]).toEqual([
      ...[409, 'proposal-refused', 'proposer-not-permitted'],
    ]);
    expect(await purposes()).toEqual(['distribute']);
  });

  test('when what the root is for has changed, or it is gone', async () => {
    sent(await approve(approver, await propose(officer, 'distribute', 'v2g')), 200);
    const proposal = await propose(officer, 'v2g', 'oem-provisioning');
    sent(await put(officer, 'distribute'), 200);
    const answer = await approve(approver, proposal);
    expect([...refused(answer), ...reasons(answer)]).toEqual([
      ...[409, 'proposal-refused', 'proposal-outdated'],
    ]);
    expect(await purposes()).toEqual(['distribute']);
    const next = await propose();
    sent(await officer.call('DELETE', `/v1/trust-anchors/${anchor}`), 204);
    expect(reasons(await approve(approver, next))).toEqual(['proposal-outdated']);
  });

  test('once it is rejected or taken back', async () => {
    const rejected = await propose();
    const reason = 'not its fingerprint';
    const ended = sent(await decide(approver, rejected.id, 'rejection', { reason }), 200);
    expect(ended).toMatchObject({ state: 'rejected', rejectionReason: reason });
    expect(ended.decidedBy).toBe(approver.actor);
    expect(sent(await decide(approver, rejected.id, 'rejection', { reason }), 200)).toEqual(ended);
    const withdrawn = await propose();
    expect(withdrawn.id).not.toBe(rejected.id);
    const other = await person('pki-officer');
    expect(refused(await decide(other, withdrawn.id, 'withdrawal'))).toEqual([
      ...[403, 'not-permitted'],
    ]);
    const taken = sent(await decide(officer, withdrawn.id, 'withdrawal'), 200);
    expect(taken).toMatchObject({ state: 'withdrawn', decidedBy: officer.actor });
    expect(sent(await decide(officer, withdrawn.id, 'withdrawal'), 200)).toEqual(taken);
    for (const proposal of [rejected, withdrawn]) {
      expect(refused(await approve(approver, proposal))).toEqual([409, 'conflict']);
    }
    expect(await purposes()).toEqual(['distribute']);
    expect((await entries(rejected.id))[0]).toMatchObject({ action: 'proposal.rejected' });
    expect((await entries(withdrawn.id))[0]).toMatchObject({ action: 'proposal.withdrawn' });
  });
});

test('W8 a proposal does not exist for an approver of another organization', async () => {
  const proposal = await propose();
  const stranger = await person('approver', 'demo-mo');
  expect(refused(await stranger.call('GET', `${PROPOSALS}/${proposal.id}`))[0]).toBe(404);
  expect(refused(await approve(stranger, proposal))).toEqual([404, 'not-found']);
  const reason = { reason: 'x' };
  expect(refused(await decide(stranger, proposal.id, 'rejection', reason))[0]).toBe(404);
  expect(sent(await stranger.call('GET', PROPOSALS), 200).items).toEqual([]);
  expect(await purposes()).toEqual(['distribute']);
});

test('of many who decide at once one wins', async () => {
  const second = await person('approver');
  const third = await person('approver');
  const proposal = await propose();
  const answers = await Promise.all([
    approve(approver, proposal),
    approve(second, proposal),
    decide(third, proposal.id, 'rejection', { reason: 'no' }),
    decide(officer, proposal.id, 'withdrawal'),
  ]);
  const won = answers.filter(({ status }) => status === 200);
  expect(won, answers.map(({ text }) => text).join()).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 409)).toHaveLength(3);
  const { state } = won[0]?.json ?? {};
  expect(await purposes()).toEqual(state === 'approved' ? ['oem-provisioning'] : ['distribute']);
  const decisions = (await entries(proposal.id)).map(({ action }: { action: string }) => action);
  expect(decisions).toEqual([`proposal.${state}`, 'proposal.made']);
});
