/** Who may make one-time secrets, for what, and what becomes of them. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createSecret,
  findSecret,
  listSecrets,
  type WantedSecret,
  withdrawSecret,
} from '../../src/services/enrolment-secrets.ts';
import { sha256 } from '../../src/services/secrets.ts';
import {
  administrator,
  client,
  csrOf,
  type EstHouse,
  openEstHouse,
  operator,
  refused,
} from '../support/est-house.ts';

let house: EstHouse;
beforeAll(async () => {
  house = await openEstHouse({
    est: (shipped) => {
      const label = shipped.labels.get('demo-cpo');
      if (!label) throw new Error('there is no demo-cpo');
      const { role: _, ...rest } = label;
      return {
        ...shipped,
        labels: new Map([
          ...shipped.labels,
          ['none', { ...label, name: 'none', authentication: ['api-client'] }],
          ['far', { ...label, name: 'far', organizationId: 'demo-mo' }],
          [
            'mixed',
            {
              ...{ ...rest, name: 'mixed' },
              certificates: {
                unnamed: { profile: 'ocpp-station' },
                'iso15118-2': { profile: 'iso15118-2-cps' },
              },
            },
          ],
        ]),
      };
    },
  });
  await house.station('CS-1', { serialNumber: 'SN-1' });
});
afterAll(() => house?.close());

const create = (change: Partial<WantedSecret> = {}, principal = operator) =>
  createSecret(house.services, principal, { label: 'cpo', commonName: 'CS-1', ...change });
const violationsOf = async (asked: Promise<unknown>) =>
  (await refused(asked, 'request-malformed')).violations.map(({ code, field }) => [code, field]);

describe('making secrets', () => {
  test('they last a day unless somebody says so, and are kept as a hash', async () => {
    const { secret, text } = await create();
    expect(secret.expiresAt.getTime() - secret.createdAt.getTime()).toBe(86_400_000);
    expect(secret.secretSha256).toBe(sha256(text));
    const short = await create({ seconds: 60 });
    expect(short.secret.expiresAt.getTime() - short.secret.createdAt.getTime()).toBe(60_000);
    expect(short.text).not.toBe(text);
  });

  test('C7 they are for names that are registered', async () => {
    const unknown = [['station-unknown', 'body.commonName']];
    expect(await violationsOf(create({ commonName: 'CS-2' }))).toEqual(unknown);
    await create({ commonName: 'sn-1', label: 'cso' });
    await house.takeAtFirstSight(true);
    await create({ commonName: 'CS-2' }).finally(() => house.takeAtFirstSight(false));
  });

  test.each(['CS:1', ' CS-1', 'CS-1 ', 'CS-ä', 'CS\n1', ''])(
    'HTTP Basic has no room for the name %j',
    async (commonName) => {
      expect(await violationsOf(create({ commonName }))).toEqual([['invalid', 'body.commonName']]);
    },
  );

  test('C7 they are for labels of stations of the organization that take them', async () => {
    const label = 'body.label';
    const cases = [
      ['nothing', 'est-label-unknown'],
      ['far', 'est-label-unknown'],
      ['none', 'credentials-not-taken'],
      ['mo', 'not-of-stations'],
      ['veh', 'not-of-stations'],
      ['cps', 'not-of-stations'],
      ['mixed', 'not-of-stations'],
    ] as const;
    for (const [name, code] of cases) {
      expect(await violationsOf(create({ label: name })), name).toEqual([[code, label]]);
      const asked = create({ label: name, organization: 'demo-cpo' }, administrator);
      expect(await violationsOf(asked), name).toEqual([[code, label]]);
    }
    await create({ label: 'demo-cpo' });
    const both = create({ label: 'nothing', commonName: 'CS:1' });
    expect(await violationsOf(both)).toHaveLength(2);
  });

  test('C7 nobody hands on more than it has, or to others', async () => {
    await create({}, client(['station-registrar']));
    await refused(create({}, client(['emsp-operator'])), 'not-permitted');
    const other = client(['cpo-operator'], 'demo-mo');
    await refused(create({ organization: 'demo-cpo' }, other), 'not-found');
    expect(await violationsOf(create({}, administrator))).toEqual([['required', 'organization']]);
  });
});

describe('what becomes of them', () => {
  const stateOf = async (id: string) => (await findSecret(house.services, operator, id)).state;

  test('they are open, used, withdrawn or expired', async () => {
    const open = await house.secret('CS-1');
    expect(await stateOf(open.secret.id)).toBe('open');
    const used = await house.secret('CS-1');
    await house.enrol(used.caller, csrOf('CN=CS-1'));
    expect(await stateOf(used.secret.id)).toBe('used');
    await refused(withdrawSecret(house.services, operator, used.secret.id), 'conflict');
    await withdrawSecret(house.services, operator, open.secret.id);
    await withdrawSecret(house.services, operator, open.secret.id);
    expect(await stateOf(open.secret.id)).toBe('withdrawn');
    const brief = await house.secret('CS-1', 'cpo', 60);
    house.pass(60_000);
    expect(await stateOf(brief.secret.id)).toBe('expired');
    const audited = await house.audited('enrolment-secret.withdrawn');
    expect(audited).toHaveLength(1);
  });

  test('W8 of other organizations there are none', async () => {
    const { secret } = await house.secret('CS-1');
    const other = client(['cpo-operator'], 'demo-mo');
    await refused(findSecret(house.services, other, secret.id), 'not-found');
    await refused(withdrawSecret(house.services, other, secret.id), 'not-found');
    expect((await listSecrets(house.services, other, { limit: 10 })).items).toEqual([]);
    const asked = listSecrets(house.services, other, { organization: 'demo-cpo', limit: 10 });
    await refused(asked, 'not-found');
    const all = await listSecrets(house.services, administrator, { limit: 200 });
    expect(all.items.map(({ secret: { id } }) => id)).toContain(secret.id);
    const wrong = listSecrets(house.services, operator, { limit: 1, cursor: 'x' });
    expect(await violationsOf(wrong)).toEqual([['cursor-invalid', 'cursor']]);
  });
});
