/** What a path of EST means: whose label, which authority, which certificates above. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isSelfIssued, readCertificate } from '../../src/pki/certificate.ts';
import { attributeValue } from '../../src/pki/names.ts';
import type { Authority } from '../../src/services/authority-records.ts';
import {
  type EstQuestion,
  estCaCertificates,
  estCsrAttributes,
  estLabel,
} from '../../src/services/est.ts';
import { type EstDeclarations, estAuthentications } from '../../src/services/est-declarations.ts';
import {
  administrator,
  client,
  csrOf,
  type EstHouse,
  machine,
  openEstHouse,
  refused,
} from '../support/est-house.ts';

let house: EstHouse;
beforeAll(async () => {
  house = await openEstHouse();
});
afterAll(() => house?.close());

const ask = (change: Partial<EstQuestion> = {}): EstQuestion => ({
  ...{ label: undefined, standard: undefined, caller: {} },
  ...change,
});
const namesAbove = async (change: Parameters<typeof ask>[0] & object, parts = house.services) =>
  (await estCaCertificates(parts, ask(change))).map((der) =>
    attributeValue(readCertificate(der).subject, 'CN'),
  );
/** The services with other declarations. */
const declaring = (change: Partial<EstDeclarations>) => ({
  ...house.services,
  est: { ...house.services.est, ...change },
});
/** The services with further authorities beside those of the demo. */
const withAuthorities = (...more: Partial<Authority>[]) => {
  const { authorities, est } = house.services;
  return {
    ...house.services,
    est: { ...est, anonymous: { organizations: {} } },
    authorities: {
      ...authorities,
      listAuthorities: async (organizationId?: string) => {
        const own = await authorities.listAuthorities();
        const [first] = own.filter(({ id }) => id === 'cpo-sub-ca-2');
        if (!first) throw new Error('there is no cpo-sub-ca-2');
        return [...own, ...more.map((change) => ({ ...first, ...change }))].filter(
          (one) => organizationId === undefined || one.organizationId === organizationId,
        );
      },
    },
  };
};

describe('labels', () => {
  test.each([
    ['the operator of charge points', machine, 'cpo'],
    ['a mobility operator', client(['emsp-operator'], 'demo-mo'), 'mo'],
    ['a vehicle maker', client(['oem'], 'demo-oem'), 'oem'],
    ['a provisioning service', client(['pki-officer'], 'demo-cps'), 'cps'],
  ])('without one, that of %s is meant', async (_who, principal, name) => {
    const label = await estLabel(house.services, ask({ caller: { principal } }));
    expect(label).toMatchObject({ name, organizationId: principal.organizationId });
  });

  test('those whom nobody knows, and those who run evpki, mean what is declared', async () => {
    for (const caller of [{}, { principal: administrator }]) {
      const meant = await estLabel(house.services, ask({ caller }));
      expect(meant).toMatchObject({ name: 'cpo', organizationId: 'demo-cpo' });
      const mo = await estLabel(house.services, ask({ caller, label: 'mo' }));
      expect(mo.organizationId).toBe('demo-mo');
    }
    const silent = declaring({ anonymous: { organizations: {} } });
    await refused(estLabel(silent, ask()), 'est-label-unknown');
    // There is one that can: nobody has to say which.
    const { organizationId } = await estLabel(silent, ask({ label: 'cso' }));
    expect(organizationId).toBe('demo-cpo');
  });

  test('a declared organization that is not there is passed over', async () => {
    const elsewhere = declaring({ anonymous: { organizations: { cpo: 'not-there' } } });
    const meant = await estLabel(elsewhere, ask({ label: 'cpo' }));
    expect(meant.organizationId).toBe('demo-cpo');
  });

  test('of several organizations none is guessed', async () => {
    const two = withAuthorities({ id: 'other-sub-ca-2', organizationId: 'demo-mo' });
    await refused(estLabel(two, ask({ label: 'cpo' })), 'est-label-ambiguous');
    const known = await estLabel(two, ask({ label: 'cpo', caller: { principal: machine } }));
    expect(known.organizationId).toBe('demo-cpo');
  });

  test('W8 a declared label is there for its organization and for nobody known otherwise', async () => {
    const meant = (caller: EstQuestion['caller']) =>
      estLabel(house.services, ask({ label: 'demo-cpo', caller }));
    expect(await meant({})).toMatchObject({ organizationId: 'demo-cpo', role: 'cpo' });
    expect(await meant({ principal: administrator })).toMatchObject({ name: 'demo-cpo' });
    const other = client(['emsp-operator'], 'demo-mo');
    await refused(meant({ principal: other }), 'est-label-unknown');
    const gone = declaring({
      labels: new Map([
        [
          'gone',
          {
            ...{ name: 'gone', organizationId: 'gone', role: 'cpo', base64: 'auto' },
            ...{ reenrolment: 'profile-values', pending: 'refuse', certificates: {} },
            authentication: estAuthentications,
          } as const,
        ],
      ]),
    });
    await refused(estLabel(gone, ask({ label: 'gone' })), 'est-label-unknown');
    await refused(estLabel(gone, ask({ label: 'demo-cpo' })), 'est-label-unknown');
  });

  test('the certificate that somebody shows says whose, and which', async () => {
    await house.station('CS-1');
    const principal = machine;
    const { certificate } = await house.enrol({ principal }, csrOf('CN=CS-1'), { label: 'cso' });
    const caller = { clientCertificate: [certificate.der] };
    const silent = declaring({ anonymous: { organizations: {} } });
    expect(await estLabel(silent, ask({ caller }))).toMatchObject({ name: 'cso' });
  });
});

describe('certificates above', () => {
  test('are the issuing authority first and the root last', async () => {
    expect(await namesAbove({})).toEqual([
      'Demo CPO Sub-CA 2',
      'Demo CPO Sub-CA 1',
      'Demo V2G Root CA',
    ]);
    expect(await namesAbove({ label: 'cso' })).toEqual([
      'Demo OCPP Station CA',
      'Demo OCPP Root CA',
    ]);
    expect((await namesAbove({ label: 'oem', standard: 'iso15118-2' }))[0]).toBe(
      'Demo OEM Sub-CA 2',
    );
    const chain = await estCaCertificates(house.services, ask());
    const read = chain.map(readCertificate);
    expect(read.map(isSelfIssued)).toEqual([false, false, true]);
  });

  test('are public: whoever has none of a role gets what anybody gets', async () => {
    const caller = { principal: machine };
    expect((await namesAbove({ label: 'mo', caller })).at(-1)).toBe('Demo MO Root CA');
    const stranger = { clientCertificate: [Buffer.from('soup')] };
    expect(await namesAbove({ caller: stranger })).toHaveLength(3);
    const wrong = { basic: { user: 'x', password: 'y' } };
    expect(await namesAbove({ caller: wrong })).toHaveLength(3);
  });

  test('are those of the key that is asked for, and of no other', async () => {
    const caller = {};
    const of = (keyAlgorithm: 'P-256' | 'P-521' | 'Ed448', parts = house.services) =>
      estCaCertificates(parts, { ...ask({ label: 'cpo', caller }), keyAlgorithm });
    expect(await of('P-256')).toHaveLength(3);
    await refused(of('P-521'), 'authority-unknown');
    await refused(of('Ed448'), 'authority-unknown');
    await refused(namesAbove({ standard: 'iso15118-20' }), 'authority-unknown');
    await refused(namesAbove({ label: 'veh', standard: 'iso15118-2' }), 'est-label-unknown');
  });

  test('of a pair of authorities the key decides, and else the profile', async () => {
    const twin = { id: 'twin', keyAlgorithm: 'P-384' } as const;
    const pair = withAuthorities(twin) as typeof house.services;
    const caller = { principal: machine };
    // The profile names P-256 first, and nothing else.
    expect(await namesAbove({ label: 'cpo', caller }, pair)).toHaveLength(3);
    const same = withAuthorities({ id: 'twin' }) as typeof house.services;
    await refused(namesAbove({ label: 'cpo', caller }, same), 'authority-ambiguous');
  });
});

test('what a request should have is said for the profile of the label', async () => {
  const of = (label: string) => estCsrAttributes(house.services, ask({ label }));
  const [secc, station] = [await of('cpo'), await of('cso')];
  expect(secc?.[0]).toBe(0x30);
  expect(station).not.toEqual(secc);
  await refused(of('nothing'), 'est-label-unknown');
});
