/** What a second person is needed for about authorities, where policies/access.yaml lists all of it. */

import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { nameOf } from '../support/policy.ts';
import { agree, policiesListing } from '../support/second-person.ts';

interface Person {
  readonly call: (method: string, path: string, body?: unknown) => Promise<Answer>;
  /** As audit entries name it. */
  readonly actor: string;
  readonly id: string;
}

let policies: string;
let evpki: TestApp;
let officer: Person;
let colleague: Person;
let approver: Person;
let stranger: Person;

beforeAll(async () => {
  policies = policiesListing(
    ...['trust-anchors:trust', 'authorities:grant', 'authorities:cross-certify'],
    'authorities:revoke',
  );
  const env = { EVPKI_CLIENT_RATE: '0', EVPKI_ADDRESS_RATE: '0' };
  evpki = await startTestApp({ env, policies });
  officer = await person('pki-officer');
  colleague = await person('pki-officer');
  approver = await person('approver');
  stranger = await person('approver', 'demo-oem');
});
afterAll(async () => {
  await evpki?.close();
  rmSync(policies, { recursive: true });
});

function sent({ status, json, text }: Answer, wanted: number) {
  expect(status, text).toBe(wanted);
  return json;
}

async function person(role: string, organization = 'demo-v2g'): Promise<Person> {
  const body = { name: role, organization, roles: [role] };
  const credentials = sent(await evpki.call('POST', '/v1/api-clients', body), 201);
  const authorization = `Bearer ${await evpki.renewedToken(credentials)}`;
  return {
    id: credentials.clientId,
    actor: `client:${credentials.clientId}`,
    call: (method, path, asked) => evpki.call(method, path, asked, { authorization }),
  };
}

const approve = ({ call }: Person, { id, sha256 }: { id: string; sha256: string }) =>
  call('POST', `/v1/proposals/${id}/approval`, { sha256 });
const withdraw = ({ call }: Person, { id }: { id: string }) =>
  call('POST', `/v1/proposals/${id}/withdrawal`);
const stateOf = async ({ id }: { id: string }) =>
  sent(await approver.call('GET', `/v1/proposals/${id}`), 200).state;
const entries = async (subject: string) =>
  sent(await evpki.call('GET', `/v1/audit?subject=${subject}`), 200).items;
const codes = ({ status, json }: Answer) => [
  ...[status, json.code],
  ...(json.violations ?? []).map(({ code }: { code: string }) => code),
];
const OUTDATED = [409, 'proposal-refused', 'proposal-outdated'];

let count = 0;
/** A new authority under ours: its id, and that of its certificate. */
async function newAuthority(organization = 'demo-v2g') {
  const id = `made-${++count}`;
  const body = {
    ...{ id, title: `Made ${count}`, organization, profile: 'iso15118-2-cpo-sub-ca-1' },
    ...{ key: 'P-256', under: 'v2g-root' },
  };
  sent(await evpki.call('POST', '/v1/authorities', body), 201);
  const profile = 'profile=iso15118-2-cpo-sub-ca-1&limit=200';
  const { items } = sent(await evpki.call('GET', `/v1/certificates?${profile}`), 200);
  const made = items.find(({ subject }: { subject: string }) => subject.includes(body.title));
  return { id, certificate: made.id as string };
}
const revoke = ({ call }: Person, certificate: string, reason: string) =>
  call('POST', `/v1/certificates/${certificate}/revocation`, { reason });
const certificateState = async (id: string) =>
  sent(await evpki.call('GET', `/v1/certificates/${id}`), 200).state;
const authorityState = async (id: string) =>
  sent(await evpki.call('GET', `/v1/authorities/${id}`), 200).state;

const crossCertify = ({ call }: Person, certificate = newRoot()) =>
  call('POST', '/v1/authorities/v2g-root/cross-certificates', { certificate });
const newRoot = () =>
  foreignRoot({ subject: nameOf('DC=V2G', 'O=Other', `CN=Other ${++count}`) }).pem;
const crossOf = async (name: string) => {
  const { items } = sent(
    await evpki.call('GET', '/v1/certificates?profile=iso15118-2-cross&limit=200'),
    200,
  );
  return items.filter(({ subject }: { subject: string }) => subject.includes(name));
};

const grant = ({ call }: Person, organization: string) =>
  call('PUT', `/v1/authorities/v2g-root/grants/${organization}`);
const takeBack = ({ call }: Person, organization: string) =>
  call('DELETE', `/v1/authorities/v2g-root/grants/${organization}`);
const isGranted = async (organization: string): Promise<boolean> =>
  sent(await officer.call('GET', '/v1/authorities/v2g-root/grants'), 200).items.some(
    (one: { organization: string }) => one.organization === organization,
  );

describe('a grant', () => {
  test('is there once somebody else agrees, and the logs of both name both', async () => {
    const answer = await grant(officer, 'demo-mo');
    const proposal = sent(answer, 202);
    expect(answer.headers.location).toBe(`/v1/proposals/${proposal.id}`);
    expect(proposal).toMatchObject({
      ...{ state: 'waiting', organization: 'demo-v2g', action: 'authorities:grant' },
      ...{ subject: 'v2g-root', proposer: officer.actor },
      command: { organization: 'demo-mo', before: 'not-granted', profile: 'iso15118-2-v2g-root' },
    });
    expect(await isGranted('demo-mo')).toBe(false);
    expect(sent(await grant(officer, 'demo-mo'), 202)).toEqual(proposal);
    expect(codes(await approve(colleague, proposal))).toEqual([403, 'not-permitted']);
    expect(codes(await approve(stranger, proposal))).toEqual([404, 'not-found']);

    const approved = sent(await approve(approver, proposal), 200);
    expect(approved).toMatchObject({ state: 'approved', decidedBy: approver.actor });
    expect(approved.certificate).toBeUndefined();
    expect(sent(await approve(approver, proposal), 200)).toEqual(approved);
    expect(await isGranted('demo-mo')).toBe(true);
    expect((await entries('v2g-root'))[0]).toMatchObject({
      ...{ action: 'authority-grant.granted', actor: officer.actor },
      details: { organization: 'demo-mo', proposal: proposal.id, approvedBy: approver.actor },
    });
    const auditor = await person('auditor', 'demo-mo');
    const log = sent(await auditor.call('GET', '/v1/audit?subject=v2g-root'), 200).items;
    expect(log[0]).toMatchObject({ action: 'authority-grant.granted' });
    // What is there is nothing to propose, and what takes it away asks nobody.
    expect((await grant(officer, 'demo-mo')).status).toBe(200);
    expect((await takeBack(officer, 'demo-mo')).status).toBe(204);
  });

  test('is refused as it would be without', async () => {
    expect(codes(await grant(officer, 'nowhere'))).toEqual([404, 'not-found']);
    expect(codes(await grant(officer, 'demo-v2g'))).toEqual([409, 'conflict']);
    expect(codes(await grant(approver, 'demo-oem'))).toEqual([403, 'not-permitted']);
    const other = await person('pki-officer', 'demo-oem');
    expect(codes(await grant(other, 'demo-oem'))).toEqual([404, 'not-found']);
  });

  test('that somebody else has given meanwhile is outdated', async () => {
    const mine = sent(await grant(officer, 'demo-oem'), 202);
    const theirs = sent(await grant(colleague, 'demo-oem'), 202);
    expect(theirs.id).not.toBe(mine.id);
    sent(await approve(approver, theirs), 200);
    expect(codes(await approve(approver, mine))).toEqual(OUTDATED);
    expect(await stateOf(mine)).toBe('waiting');
    sent(await withdraw(officer, mine), 200);
    expect((await takeBack(officer, 'demo-oem')).status).toBe(204);
  });

  test('does not come of what a client asked for that is shut out', async () => {
    const leaving = await person('pki-officer');
    const proposal = sent(await grant(leaving, 'demo-oem'), 202);
    sent(await evpki.call('DELETE', `/v1/api-clients/${leaving.id}`), 200);
    expect(codes(await approve(approver, proposal))).toEqual([
      ...[409, 'proposal-refused', 'proposer-ended'],
    ]);
    expect(await isGranted('demo-oem')).toBe(false);
  });

  test('does not come along with an authority or a hierarchy', async () => {
    const wanted = {
      ...{ title: 'CPO under V2G', organization: 'demo-oem', key: 'P-256', under: 'v2g-root' },
      profile: 'iso15118-2-cpo-sub-ca-1',
    };
    const authorities = { roundabout: wanted };
    const hierarchy = { hierarchy: 'mine', demo: true, organizations: {}, authorities };
    const together = { id: 'roundabout', ...wanted };
    const ways = () =>
      Promise.all([
        evpki.call('POST', '/v1/hierarchies', hierarchy),
        evpki.call('POST', '/v1/hierarchies?dryRun=true', hierarchy),
        evpki.call('POST', '/v1/authorities', together),
      ]);
    for (const answer of await ways()) {
      expect(codes(answer)).toEqual([422, 'declaration-invalid', 'second-person-needed']);
    }
    // Nor below an authority that the same hierarchy would make.
    const upper = { ...wanted, organization: 'demo-v2g' };
    const lower = { ...wanted, under: 'upper', profile: 'iso15118-2-cpo-sub-ca-2' };
    const deeper = { ...hierarchy, authorities: { upper, lower } };
    expect(codes(await evpki.call('POST', '/v1/hierarchies', deeper))).toEqual([
      ...[422, 'declaration-invalid', 'second-person-needed'],
    ]);
    expect((await evpki.call('GET', '/v1/authorities/upper')).status).toBe(404);
    expect(await isGranted('demo-oem')).toBe(false);
    await agree(approver.call, await grant(officer, 'demo-oem'));
    expect(sent(await evpki.call('POST', '/v1/hierarchies', hierarchy), 200).applied).toBe(true);
    expect(await authorityState('roundabout')).toBe('active');
  });
});

describe('a cross-certificate', () => {
  test('is issued once somebody else agrees, who hears which it is', async () => {
    const { pem, certificate } = foreignRoot();
    const answer = await crossCertify(officer, pem);
    const proposal = sent(answer, 202);
    expect(answer.headers.location).toBe(`/v1/proposals/${proposal.id}`);
    expect(proposal).toMatchObject({
      ...{ organization: 'demo-v2g', action: 'authorities:cross-certify', subject: 'v2g-root' },
      command: {
        ...{ certificate: pem, root: 'CN=Other V2G Root,OU=PKI,O=Other Operator,DC=V2G' },
        ...{ profile: 'iso15118-2-cross', notAfter: certificate.notAfter.toISOString() },
      },
    });
    expect(await crossOf('Other V2G Root')).toEqual([]);
    // The same root in another wrapping is the same proposal.
    expect(sent(await crossCertify(officer, `${pem}\n\n`), 202)).toEqual(proposal);
    expect(codes(await approve(officer, proposal))).toEqual([403, 'not-permitted']);

    const approved = sent(await approve(approver, proposal), 200);
    const [issued, ...others] = await crossOf('Other V2G Root');
    expect(others).toEqual([]);
    expect(approved).toMatchObject({ state: 'approved', certificate: issued.id });
    expect(sent(await approve(approver, proposal), 200)).toEqual(approved);
    expect(await crossOf('Other V2G Root')).toHaveLength(1);
    expect(await entries(issued.id)).toMatchObject([
      {
        ...{ action: 'certificate.issued', actor: officer.actor },
        details: { proposal: proposal.id, approvedBy: approver.actor },
      },
    ]);
    expect(await entries(proposal.id)).toMatchObject([
      {
        ...{ action: 'proposal.approved', actor: approver.actor },
        details: { certificate: issued.id, about: 'v2g-root' },
      },
      { action: 'proposal.made', actor: officer.actor },
    ]);
  });

  test('is refused as it would be without', async () => {
    expect(codes(await crossCertify(officer, 'hello'))).toEqual([
      ...[422, 'root-refused', 'root-unreadable'],
    ]);
    expect(codes(await crossCertify(approver))).toEqual([403, 'not-permitted']);
    const other = await person('pki-officer', 'demo-oem');
    expect(codes(await crossCertify(other))).toEqual([404, 'not-found']);
  });

  test('that is not allowed any more is not issued, for every reason', async () => {
    const root = newRoot();
    const proposal = sent(await crossCertify(officer, root), 202);
    const theirs = sent(await crossCertify(colleague, root), 202);
    const { certificate } = sent(await approve(approver, theirs), 200);
    sent(await revoke(officer, certificate, 'keyCompromise'), 200);
    expect(codes(await approve(approver, proposal))).toEqual([...OUTDATED, 'key-blocked']);
    expect(await stateOf(proposal)).toBe('waiting');
    expect(await crossOf(`Other ${count}`)).toHaveLength(1);
  });

  test('by another key than its approver has seen is not issued', async () => {
    const proposal = sent(await crossCertify(officer), 202);
    sent(await evpki.call('POST', '/v1/authorities/v2g-root/rollover'), 201);
    expect(codes(await approve(approver, proposal))).toEqual(OUTDATED);
    expect(await crossOf(`Other ${count}`)).toEqual([]);
  });
});

describe('revoking an authority', () => {
  test('takes effect once somebody else agrees', async () => {
    const { id, certificate } = await newAuthority();
    const answer = await revoke(officer, certificate, 'superseded');
    const proposal = sent(answer, 202);
    expect(answer.headers.location).toBe(`/v1/proposals/${proposal.id}`);
    expect(proposal).toMatchObject({
      ...{ organization: 'demo-v2g', action: 'authorities:revoke', subject: certificate },
      command: { authority: id, before: 'issued', reason: 'superseded' },
    });
    expect(await certificateState(certificate)).toBe('issued');
    expect(sent(await revoke(officer, certificate, 'superseded'), 202)).toEqual(proposal);
    sent(await approve(approver, proposal), 200);
    expect(await certificateState(certificate)).toBe('revoked');
    expect(await authorityState(id)).toBe('revoked');
    expect((await entries(certificate))[0]).toMatchObject({
      ...{ action: 'certificate.revoked', actor: officer.actor },
      details: { reason: 'superseded', proposal: proposal.id, approvedBy: approver.actor },
    });
    // What is so already is nothing to propose.
    expect((await revoke(officer, certificate, 'superseded')).status).toBe(200);
    expect(codes(await revoke(officer, certificate, 'unspecified'))).toEqual([409, 'conflict']);
  });

  test.each(['keyCompromise', 'cACompromise'])('waits for nobody for %s', async (reason) => {
    const { id, certificate } = await newAuthority();
    const proposal = sent(await revoke(officer, certificate, 'superseded'), 202);
    expect(sent(await revoke(officer, certificate, reason), 200).state).toBe('revoked');
    expect(await authorityState(id)).toBe('revoked');
    const [entry] = await entries(certificate);
    expect(entry).toMatchObject({
      ...{ action: 'certificate.revoked', actor: officer.actor },
      details: { reason, withoutSecondPerson: true, blocksKey: true },
    });
    // What was proposed before does not make it less.
    expect(codes(await approve(approver, proposal))).toEqual(OUTDATED);
    const now = sent(await evpki.call('GET', `/v1/certificates/${certificate}`), 200);
    expect(now.revocationReason).toBe(reason);
  });

  test('is refused as it would be without', async () => {
    const { certificate } = await newAuthority();
    expect(codes(await revoke(officer, certificate, 'certificateHold'))).toEqual([
      ...[422, 'revocation-refused'],
    ]);
    expect(codes(await revoke(approver, certificate, 'superseded'))).toEqual([
      ...[403, 'not-permitted'],
    ]);
    const other = await person('pki-officer', 'demo-oem');
    expect(codes(await revoke(other, certificate, 'superseded'))).toEqual([404, 'not-found']);
  });

  test('of another organization under ours is agreed to by ours', async () => {
    await agree(approver.call, await grant(officer, 'demo-mo'));
    const { id, certificate } = await newAuthority('demo-mo');
    const proposal = sent(await revoke(officer, certificate, 'privilegeWithdrawn'), 202);
    expect(proposal.organization).toBe('demo-v2g');
    const theirs = await person('approver', 'demo-mo');
    expect(codes(await approve(theirs, proposal))).toEqual([404, 'not-found']);
    sent(await approve(approver, proposal), 200);
    expect(await authorityState(id)).toBe('revoked');
  });

  test('does not hold up ending trust in somebody else’s root', async () => {
    const proposed = await crossCertify(officer);
    const { certificate } = await agree(approver.call, proposed);
    expect(sent(await revoke(officer, certificate, 'superseded'), 200).state).toBe('revoked');
    expect((await entries(certificate))[0].details.withoutSecondPerson).toBeUndefined();
  });

  test('does not come of what a client asked for that may not do it any more', async () => {
    const leaving = await person('pki-officer');
    const { id, certificate } = await newAuthority();
    const proposal = sent(await revoke(leaving, certificate, 'superseded'), 202);
    sent(await evpki.call('DELETE', `/v1/api-clients/${leaving.id}`), 200);
    expect(codes(await approve(approver, proposal))).toEqual([
      ...[409, 'proposal-refused', 'proposer-ended'],
    ]);
    expect(await authorityState(id)).toBe('active');
  });
});

describe('of many who decide at once one wins', () => {
  const cases: [string, () => Promise<{ proposed: Answer; isDone: () => Promise<boolean> }>][] = [
    [
      'on a grant',
      async () => {
        await takeBack(officer, 'demo-mo');
        return { proposed: await grant(officer, 'demo-mo'), isDone: () => isGranted('demo-mo') };
      },
    ],
    [
      'on a cross-certificate',
      async () => {
        const proposed = await crossCertify(officer);
        const name = `Other ${count}`;
        return { proposed, isDone: async () => (await crossOf(name)).length === 1 };
      },
    ],
    [
      'on revoking an authority',
      async () => {
        const { certificate } = await newAuthority();
        return {
          proposed: await revoke(officer, certificate, 'superseded'),
          isDone: async () => (await certificateState(certificate)) === 'revoked',
        };
      },
    ],
  ];

  test.each(cases)('%s', async (_name, prepare) => {
    const second = await person('approver');
    for (let round = 0; round < 3; round += 1) {
      const { proposed, isDone } = await prepare();
      const proposal = sent(proposed, 202);
      const answers = await Promise.all([
        approve(approver, proposal),
        withdraw(officer, proposal),
        approve(second, proposal),
      ]);
      const won = answers.filter(({ status }) => status === 200);
      expect(won, answers.map(({ text }) => text).join()).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(2);
      const { state } = won[0]?.json ?? {};
      expect(await isDone()).toBe(state === 'approved');
      const decisions = (await entries(proposal.id)).map(
        ({ action }: { action: string }) => action,
      );
      expect(decisions).toEqual([`proposal.${state}`, 'proposal.made']);
    }
  });
});
