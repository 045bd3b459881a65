/**
 * Labels that are told to answer 202 (RFC 7030 4.2.3), in a whole evpki with policies of its
 * operator's own: what waits, who has it certified, and how its sender hears of it.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import {
  application,
  askEst,
  bearer,
  certificatesIn,
  type EstApplication,
} from '../support/est.ts';
import { leavePolicies } from '../support/policies.ts';
import { spkiOf } from '../support/public-keys.ts';
import { headerOf, type RawAnswer } from '../support/raw-https.ts';
import { readRepositoryFile } from '../support/repository.ts';
import { askFor, newRequest } from '../support/requests.ts';
import { sent } from '../support/vehicles.ts';

const DAY = 24 * 60 * 60 * 1000;
const reviewed = 'organization: demo-cpo, certificates: { unnamed: { profile: reviewed-station } }';
const est = `
labels:
  reviewed: { ${reviewed}, pending: answer-202 }
  impatient: { ${reviewed} }
  hosts:
    organization: demo-cpo
    certificates: { unnamed: { profile: ocpp-local-controller } }
    pending: answer-202
`;

let folder: string;
let evpki: TestApp;
/** How far the clock of the service is ahead. */
let ahead = 0;
let csms: () => Promise<string>;
let administrator: () => Promise<string>;
let approver: () => Promise<string>;
let stations = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evpki-waiting-'));
  const policies = join(folder, 'policies');
  leavePolicies(policies, {
    'est.yaml': est,
    // A second person looks at each of these, whoever asks.
    'reviewed-station.yaml': readRepositoryFile('policies/ocpp-station.yaml').replace(
      'approval: false',
      'approval: true',
    ),
  });
  evpki = await startTestApp({
    env: { EVPKI_POLICIES: policies },
    clock: () => new Date(Date.now() + ahead),
  });
  [csms, administrator, approver] = [
    await clientOf('csms'),
    await clientOf('super'),
    await clientOf('approver'),
  ];
});
afterAll(async () => {
  await evpki?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** An API client of the operator's whose tokens are fetched anew when time has passed. */
async function clientOf(role: string): Promise<() => Promise<string>> {
  const wanted = { name: role, organization: 'demo-cpo', roles: [role] };
  const credentials = sent(await evpki.call('POST', '/v1/api-clients', wanted), 201);
  return () => evpki.renewedToken(credentials);
}

async function newStation(): Promise<string> {
  const serialNumber = `SN-WAITS-${++stations}`;
  const path = `/v1/stations/CS-WAITS-${stations}?organization=demo-cpo`;
  const authorization = `Bearer ${await administrator()}`;
  sent(await evpki.call('PUT', path, { serialNumber }, { authorization }), 201);
  return serialNumber;
}

const enrol = async (
  { body }: EstApplication,
  label = 'reviewed',
  credentials?: readonly [string, string],
): Promise<RawAnswer> =>
  askEst(evpki, {
    target: `/.well-known/est/${label}/simpleenroll`,
    headers: [credentials ?? bearer(await csms())],
    body,
  });

/** The id of the request that waits. */
function waiting(answer: RawAnswer): string {
  expect(answer.status, answer.body).toBe(202);
  expect(headerOf(answer, 'Retry-After')).toMatch(/^[1-9]\d*$/);
  expect(headerOf(answer, 'Content-Type')).toMatch(/^text\/plain/);
  const [, id] = /^waiting: the request (req_\w+) waits for approval\n$/.exec(answer.body) ?? [];
  if (id === undefined) throw new Error(answer.body);
  return id;
}

const decide = async (
  id: string,
  verdict: 'approval' | 'rejection',
  as: () => Promise<string>,
  body?: unknown,
) => {
  const authorization = `Bearer ${await as()}`;
  return evpki.call('POST', `/v1/requests/${id}/${verdict}`, body, { authorization });
};
const read = async (path: string) => {
  const authorization = `Bearer ${await administrator()}`;
  return sent(await evpki.call('GET', path, undefined, { authorization }), 200);
};
const stateOf = async (id: string): Promise<string> => (await read(`/v1/requests/${id}`)).state;
const inState = async (state: string): Promise<string[]> =>
  (await read(`/v1/requests?state=${state}&limit=200`)).items.map(({ id }: { id: string }) => id);

describe('what waits', () => {
  test('RFC 7030 4.2.3: is 202 with Retry-After, and after a second person’s approval a certificate', async () => {
    const made = application(`CN=${await newStation()}`);
    const id = waiting(await enrol(made));
    expect(await read(`/v1/requests/${id}`)).toMatchObject({
      ...{ state: 'waiting-for-approval', channel: 'est', profile: 'reviewed-station' },
    });
    // The same request again is the same one; nothing else waits for it.
    expect(waiting(await enrol(made))).toBe(id);
    expect(await inState('waiting-for-approval')).toEqual([id]);

    sent(await decide(id, 'approval', approver), 201);
    const answer = await enrol(made);
    expect(answer.status, answer.body).toBe(200);
    expect(headerOf(answer, 'Content-Type')).toBe('application/pkcs7-mime; smime-type=certs-only');
    const [leaf, ...others] = certificatesIn(answer);
    expect(others).toEqual([]);
    expect(Buffer.from(leaf?.spki ?? [])).toEqual(Buffer.from(spkiOf(made.pair)));
    expect((await enrol(made)).body).toBe(answer.body);
    expect(await stateOf(id)).toBe('issued');
  });

  test('C7 is approved by nobody who asked for it, and given to nobody else', async () => {
    const both = await clientOf('super');
    const made = application(`CN=${await newStation()}`);
    const id = waiting(await enrol(made, 'reviewed', bearer(await both())));
    expect(await decide(id, 'approval', both)).toMatchObject({
      ...{ status: 403, json: { code: 'approval-own-request' } },
    });
    // Somebody else with the very same request waits for their own.
    const other = waiting(await enrol(made));
    expect(other).not.toBe(id);
    sent(await decide(id, 'approval', approver), 201);
    expect(waiting(await enrol(made))).toBe(other);
    const nobody = await askEst(evpki, {
      ...{ target: '/.well-known/est/reviewed/simpleenroll', body: made.body },
    });
    expect(nobody.status).toBe(401);
  });

  test('is not answered to another request with the same credentials', async () => {
    const name = await newStation();
    const [first, second] = [application(`CN=${name}`), application(`CN=${name}`)];
    const id = waiting(await enrol(first));
    const other = waiting(await enrol(second));
    expect(other).not.toBe(id);
    sent(await decide(id, 'approval', approver), 201);
    expect(waiting(await enrol(second))).toBe(other);
    const [leaf] = certificatesIn(await enrol(first));
    expect(Buffer.from(leaf?.spki ?? [])).toEqual(Buffer.from(spkiOf(first.pair)));
  });

  test('that is rejected is refused with the reason; another request waits anew', async () => {
    const name = await newStation();
    const made = application(`CN=${name}`);
    const id = waiting(await enrol(made));
    const reason = 'That station was sold.';
    sent(await decide(id, 'rejection', approver, { reason }), 200);
    for (let turn = 0; turn < 2; turn++) {
      const answer = await enrol(made);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatch(
        /^request-rejected: .*That station was sold\.\nremedy: .*new certification request\.\n/,
      );
    }
    expect(await inState('rejected')).toContain(id);
    expect(waiting(await enrol(application(`CN=${name}`)))).not.toBe(id);
  });

  test('is looked at before it waits: what is hopeless is refused at once', async () => {
    const before = await inState('waiting-for-approval');
    const answer = await enrol(application(`CN=${await newStation()}`, 'P-521'));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatch(/^csr-refused: .*\nkey-type \(publicKey\): /);
    expect(await inState('waiting-for-approval')).toEqual(before);
  });

  test('is a matter of the label: another one refuses the same request', async () => {
    const made = application(`CN=${await newStation()}`);
    for (let turn = 0; turn < 2; turn++) {
      const answer = await enrol(made, 'impatient');
      expect(answer.status).toBe(403);
      expect(answer.body).toMatch(/^approval-needed: .+\nremedy: .*answer-202/);
      // Nor does it tell of what waits elsewhere.
      if (turn === 0) waiting(await enrol(made));
    }
  });

  test('C7 is not approved for a station that nothing is to be certified for any more', async () => {
    const serialNumber = await newStation();
    const path = `/v1/stations/CS-WAITS-${stations}?organization=demo-cpo`;
    const put = async (enrolment: string) => {
      const authorization = `Bearer ${await administrator()}`;
      sent(await evpki.call('PUT', path, { serialNumber, enrolment }, { authorization }), 200);
    };
    const made = application(`CN=${serialNumber}`);
    const id = waiting(await enrol(made));
    await put('refused');
    const refused = await decide(id, 'approval', approver);
    expect([refused.status, refused.json.violations[0].code]).toEqual([422, 'station-refused']);
    expect(await stateOf(id)).toBe('refused');
    const answer = await enrol(made);
    expect(answer.body).toMatch(/^csr-refused: .*\nstation-refused \(station\): /);
    await put('allowed');
    sent(await decide(waiting(await enrol(made)), 'approval', approver), 201);
    expect(certificatesIn(await enrol(made))).toHaveLength(1);
  });

  test('C7 are names that nobody has registered, where the profile would let others through', async () => {
    const operator = bearer(await evpki.tokenOf('demo-cpo', ['cpo-operator']));
    const names = { extensions: [askFor.names('controller.example')] };
    const body = newRequest('CN=controller.example', names);
    const made = { ...application('CN=controller.example'), body };
    const id = waiting(await enrol(made, 'hosts', operator));
    sent(await decide(id, 'approval', approver), 201);
    expect(certificatesIn(await enrol(made, 'hosts', operator))).toHaveLength(1);
  });
});

describe('a one-time secret', () => {
  test.each(['reviewed', 'impatient'])(
    'is not made for what it would be no use for: %s',
    async (label) => {
      const commonName = await newStation();
      const path = '/v1/enrolment-secrets?organization=demo-cpo';
      const { status, json } = await evpki.call('POST', path, { label, commonName });
      expect([status, json.code]).toEqual([400, 'request-malformed']);
      expect(json.violations).toEqual([
        {
          ...{ code: 'approval-needed', field: 'body.label' },
          message: expect.stringContaining('have the station enrolled by an API client'),
        },
      ]);
      expect((await read('/v1/enrolment-secrets')).items).toEqual([]);
    },
  );
});

describe('a key that evpki would make', () => {
  test('does not wait: nobody would be left to hand it to', async () => {
    const client = bearer(await evpki.tokenOf('demo-cpo', ['est-client']));
    const made = application(`CN=${await newStation()}`);
    const answer = await askEst(evpki, {
      target: '/.well-known/est/reviewed/serverkeygen',
      headers: [client],
      body: made.body,
    });
    expect(answer.status).toBe(403);
    expect(answer.body).toMatch(/^approval-needed: /);
  });
});

// Last: time does not go back.
describe('as time passes', () => {
  test('what was approved is there for a week, and then waits anew', async () => {
    const made = application(`CN=${await newStation()}`);
    const id = waiting(await enrol(made));
    ahead = 29 * DAY;
    sent(await decide(id, 'approval', approver), 201);
    ahead += 6 * DAY;
    const answer = await enrol(made);
    expect(answer.status, answer.body).toBe(200);
    ahead += 2 * DAY;
    expect(waiting(await enrol(made))).not.toBe(id);
  });

  test('what nobody has decided on within 30 days waits anew, and is not approved any more', async () => {
    const made = application(`CN=${await newStation()}`);
    const id = waiting(await enrol(made));
    ahead += 31 * DAY;
    expect(await stateOf(id)).toBe('expired');
    expect((await decide(id, 'approval', approver)).status).toBe(409);
    const anew = waiting(await enrol(made));
    expect(anew).not.toBe(id);
    sent(await decide(anew, 'approval', approver), 201);
    expect(certificatesIn(await enrol(made))).toHaveLength(1);
  });
});
