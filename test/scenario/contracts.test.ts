/** The life of Plug & Charge contracts, with the real keys, authorities and OCSP answers. */

import { createECDH } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadHierarchy } from '../../src/declarations.ts';
import { emaidCheckDigit } from '../../src/identifiers/emaid.ts';
import { contractKeys } from '../../src/keystore/contract-keys.ts';
import {
  type Certificate,
  fingerprint,
  readCertificate,
  verifyIssuedBy,
} from '../../src/pki/certificate.ts';
import { attributeValue } from '../../src/pki/names.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { CertificateTemplate } from '../../src/pki/template.ts';
import type { Principal } from '../../src/services/access-policy.ts';
import { bringBundle, bringNextBundle } from '../../src/services/brought-bundles.ts';
import { createContract } from '../../src/services/contract-creation.ts';
import {
  contractsNamed,
  endContractsNamed,
  makeDefault,
} from '../../src/services/contract-data.ts';
import { type Bundle, type Contract, contractLimits } from '../../src/services/contract-records.ts';
import {
  changeRank,
  contractsOfCar,
  endContract,
  endContractsOf,
  findContract,
  listContracts,
  renewContract,
  resumeContract,
  suspendContract,
} from '../../src/services/contracts.ts';
import {
  bundleForInstallation,
  bundleForUpdate,
  currentBundle,
} from '../../src/services/current-bundles.ts';
import { release, revoke } from '../../src/services/revocation.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import {
  type Car,
  demoMo,
  newCar,
  newPcid,
  newX448Car,
  openBundle,
  registerCar,
} from '../support/contracts.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import {
  authorityExtensions,
  generateKey,
  issue,
  type TestKey,
  templateFor,
} from '../support/issuing.ts';
import { newMaker } from '../support/makers.ts';
import { nameOf } from '../support/policy.ts';
import { acceptedKey, ecSpki } from '../support/public-keys.ts';
import { type Services, servicesOver, startAuthorities } from '../support/services.ts';

const DAY = 86_400_000;

let folder: string;
let database: Database;
let services: Services;
let ahead = 0;
const clock = () => new Date(Date.now() + ahead);

async function open(hierarchy: string): Promise<{ database: Database; services: Services }> {
  const processId = 'contracts';
  const dataDir = await mkdtemp(join(folder, 'data-'));
  const opened = await openDatabase(`sqlite:${join(dataDir, 'evpki.db')}`, { clock, processId });
  const demo = demoDeclarations();
  const declarations = { ...demo, hierarchy: loadHierarchy(hierarchy, demo.profiles) };
  const options = { declarations, dataDir, vault: 'known', processId, clock } as const;
  const made = await servicesOver(opened, options);
  await startAuthorities(made);
  return { database: opened, services: made };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evpki-contracts-'));
  ({ database, services } = await open('ca/demo.yaml'));
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

/** Has a database of its own: clocks that went back sign nothing. */
async function whereTimePasses(use: (pass: (days: number) => void) => Promise<void>) {
  const before = services;
  const other = await open('ca/demo.yaml');
  services = other.services;
  try {
    await use((days) => {
      ahead += days * DAY;
    });
  } finally {
    services = before;
    ahead = 0;
    await other.database.close();
  }
}

let count = 0;
const newEmaid = () => `DE8EVC${String(++count).padStart(8, '0')}`;

async function registered(): Promise<Car> {
  const car = newCar();
  await registerCar(services, car);
  return car;
}
const create = (car: Car, change: Partial<Parameters<typeof createContract>[2]> = {}) =>
  createContract(services, demoMo, {
    ...{ emaid: newEmaid(), pcid: car.registered.pcid },
    ...change,
  });
const install = async (contract: Contract, car: Car): Promise<Bundle> => {
  const { pcid, standard } = car.registered;
  const found = await services.provisioning.findByPcid(pcid, standard);
  if (!found) throw new Error(`no ${pcid}`);
  return bundleForInstallation(services, contract, found);
};
const statusOf = async (bundle: Bundle) =>
  (await services.certificates.findCertificate(bundle.certificateId ?? ''))?.state;
const entriesOf = async (organizationId: string, subject: string) => {
  const { items } = await services.audit.listEntries({ organizationId, subject }, { limit: 200 });
  return items.map(({ action }) => action);
};
const code = (value: string) => expect.objectContaining({ code: value });

describe('creating a contract', () => {
  test('K4 gives the car a key that is its certificate’s, and nobody else', async () => {
    const car = await registered();
    const emaid = newEmaid();
    const withDigit = emaid + emaidCheckDigit(emaid);
    const { contract, bundle } = await create(car, {
      emaid: `${emaid.slice(0, 2).toLowerCase()}-${emaid.slice(2, 5)}-${withDigit.slice(5)}`,
    });
    expect(contract).toMatchObject({
      ...{ emaid: withDigit, state: 'active', isDefault: false, standard: 'iso15118-2' },
      issuing: { authorityId: 'mo-sub-ca-2', profile: 'iso15118-2-contract' },
    });
    expect(openBundle(car, bundle)).toHaveLength(32);
    expect(() => openBundle(newCar(), bundle)).toThrow();
    const leaf = readCertificate(bundle.certificate);
    expect(attributeValue(leaf.subject, 'CN')).toBe(withDigit);
    const [sub2, sub1, ...more] = bundle.subCertificates.map(readCertificate);
    expect(more).toEqual([]);
    expect(sub2?.publicKey && verifyIssuedBy(leaf, sub2.publicKey)).toBe(true);
    expect(sub1?.publicKey && sub2 && verifyIssuedBy(sub2, sub1.publicKey)).toBe(true);
    expect([bundle.dhPublicKey.length, bundle.encryptedPrivateKey.length]).toEqual([65, 48]);
    expect(bundle).toMatchObject({ reason: 'created', generation: 1, curve: 'P-256' });
    // Both sides have it in their logs; whose contract it is, is not the maker's business.
    expect(await entriesOf('demo-mo', contract.id)).toEqual(['contract.created']);
    const { pcid } = car.registered;
    expect(await entriesOf('demo-oem', pcid)).toEqual(['vehicle.contracted']);
    const { items } = await services.audit.listEntries(
      { organizationId: 'demo-oem', subject: pcid },
      { limit: 9 },
    );
    expect(JSON.stringify(items)).not.toContain(emaid);
  });

  test('holds as long as is asked for, within the profile', async () => {
    const { bundle } = await create(await registered(), { validityDays: 28 });
    expect(bundle.notAfter.getTime() - bundle.notBefore.getTime() + 1000).toBe(28 * DAY);
    const longest = await create(await registered(), { validityDays: 730 });
    const { notBefore, notAfter } = longest.bundle;
    expect(notAfter.getTime() - notBefore.getTime() + 1000).toBe(730 * DAY);
    for (const validityDays of [27, 732, 1.5, -1]) {
      const refused = create(await registered(), { validityDays });
      await expect(refused).rejects.toEqual(code('request-malformed'));
    }
  });

  test('is refused with everything that is wrong', async () => {
    const wrong = create(newCar(), { emaid: 'nonsense', pcid: '??', priority: 101 });
    await expect(wrong).rejects.toMatchObject({
      code: 'request-malformed',
      violations: [{ field: 'body.emaid' }, { field: 'body.pcid' }, { field: 'body.priority' }],
    });
    const digit = newEmaid();
    const other = emaidCheckDigit(digit) === '1' ? '2' : '1';
    const wrongDigit = create(newCar(), { emaid: digit + other });
    await expect(wrongDigit).rejects.toEqual(code('request-malformed'));
  });

  const cases: readonly [string, string, () => Promise<unknown>][] = [
    ['a car that nobody has registered', 'vehicle-unknown', () => create(newCar())],
    [
      'a car for a standard that the operator has no authority for',
      'authority-unknown',
      async () => create(await registered(), { standard: 'iso15118-20' }),
    ],
    [
      'an EMAID of another provider',
      'emaid-not-allowed',
      async () => create(await registered(), { emaid: 'DE8AAC12345678' }),
    ],
    [
      'an authority of somebody else',
      'authority-unknown',
      async () => create(await registered(), { authority: 'cpo-sub-ca-2' }),
    ],
    [
      'a profile that is none of contracts',
      'profile-unknown',
      async () => create(await registered(), { profile: 'ocpp-station' }),
    ],
    [
      'an organization that is no mobility operator',
      'not-permitted',
      async () => {
        const cpo: Principal = { ...demoMo, organizationId: 'demo-cpo', roles: ['super'] };
        const { pcid } = (await registered()).registered;
        return createContract(services, cpo, { emaid: newEmaid(), pcid });
      },
    ],
    [
      'a role that is not for contracts',
      'not-permitted',
      async () => {
        const oem: Principal = { ...demoMo, roles: ['oem'] };
        const { pcid } = (await registered()).registered;
        return createContract(services, oem, { emaid: newEmaid(), pcid });
      },
    ],
    [
      'another organization',
      'not-found',
      async () => create(await registered(), { organization: 'demo-cpo' }),
    ],
    [
      'a second one for EMAID, car and standard',
      'contract-exists',
      async () => {
        const car = await registered();
        const { contract } = await create(car);
        return create(car, { emaid: contract.emaid + emaidCheckDigit(contract.emaid) });
      },
    ],
  ];
  test.each(cases)('%s is refused: %s', async (_name, expected, attempt) => {
    await expect(attempt()).rejects.toEqual(code(expected));
  });

  describe('an operator that makes none', () => {
    const heard = (pcid: string) => entriesOf('demo-oem', pcid);

    test('does not hear whether there is a car, where it has no authority for it', async () => {
      const there = await registered();
      for (const car of [there, newCar()]) {
        for (const change of [{ authority: 'cpo-sub-ca-2' }, { validityDays: 1 }]) {
          const expected = change.authority ? 'authority-unknown' : 'request-malformed';
          await expect(create(car, change)).rejects.toEqual(code(expected));
        }
        const ofOther = create(car, { standard: 'iso15118-20' });
        await expect(ofOther).rejects.toEqual(code('authority-unknown'));
      }
      expect(await heard(there.registered.pcid)).toEqual([]);
    });

    test('leaves an entry in the maker’s log where it has heard of the car', async () => {
      const car = await registered();
      const { pcid } = car.registered;
      const text = { certificateChain: '', dhPublicKey: '', encryptedPrivateKey: '' };
      const brought = bringBundle(services, demoMo, { emaid: newEmaid(), pcid }, text);
      await expect(brought).rejects.toEqual(code('bundle-refused'));
      expect(await heard(pcid)).toEqual(['vehicle.looked-up']);
      const stopped: Services = {
        ...services,
        issuers: { ...services.issuers, current: async () => undefined },
      };
      const attempt = createContract(stopped, demoMo, { emaid: newEmaid(), pcid });
      await expect(attempt).rejects.toEqual(code('authority-not-active'));
      expect(await heard(pcid)).toEqual(['vehicle.looked-up', 'vehicle.looked-up']);
    });
  });

  test.each([
    ['more certificates than', (chain: readonly Uint8Array[]) => [...chain, ...chain, ...chain]],
    ['a larger certificate than', ([first]: readonly Uint8Array[]) => [first, new Uint8Array(801)]],
  ])('below %s a message has room for, no key is made', async (_, made) => {
    const car = await registered();
    const { pcid } = car.registered;
    let keys = 0;
    const parts: Services = {
      ...services,
      contractKeys: {
        generate: (algorithm) => {
          keys += 1;
          return services.contractKeys.generate(algorithm);
        },
      },
      issuers: {
        ...services.issuers,
        current: async (authority) => {
          const issuer = await services.issuers.current(authority);
          return issuer && { ...issuer, chain: made(issuer.chain) as Uint8Array[] };
        },
      },
    };
    const attempt = createContract(parts, demoMo, { emaid: newEmaid(), pcid });
    await expect(attempt).rejects.toMatchObject({
      code: 'csr-refused',
      message: expect.stringContaining('have mo-sub-ca-2 certified anew'),
      violations: [{ field: 'authority', message: expect.stringContaining('has room for') }],
    });
    expect(keys).toBe(0);
    expect(await services.contracts.contractsOfCar(pcid, 'iso15118-2')).toEqual([]);
  });

  test('what policy refuses leaves nothing behind', async () => {
    await whereTimePasses(async (pass) => {
      const car = await registered();
      pass(30 * 365);
      await expect(create(car)).rejects.toEqual(code('csr-refused'));
      const { pcid } = car.registered;
      expect(await services.contracts.contractsOfCar(pcid, 'iso15118-2')).toEqual([]);
    });
  });
});

describe('installing', () => {
  test('a car that asks twice gets the same bundle; one that is registered anew a new key', async () => {
    const car = await registered();
    const { contract, bundle } = await create(car);
    expect(await install(contract, car)).toEqual(bundle);

    const anew = newCar('iso15118-2', { pcid: car.registered.pcid });
    await registerCar(services, anew, car);
    expect((await currentBundle(services, contract, anew.registered)).standing).toBe('stale');
    const answers = await Promise.all([1, 2, 3].map(() => install(contract, anew)));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    const [renewed] = answers;
    if (!renewed) throw new Error('no answer');
    expect(renewed).toMatchObject({ generation: 2, reason: 're-registered' });
    expect(openBundle(anew, renewed)).not.toEqual(openBundle(car, bundle));
    // The old key is in hardware that is not the car's any more.
    expect(await statusOf(bundle)).toBe('revoked');
    expect(await statusOf(renewed)).toBe('issued');
    const record = await services.certificates.findCertificate(bundle.certificateId ?? '');
    expect(record?.revocationReason).toBe('superseded');
  });

  test('an expired certificate is replaced; one that somebody has stopped is not', async () => {
    await whereTimePasses(async (pass) => {
      const car = await registered();
      const { contract, bundle } = await create(car, { validityDays: 28 });
      pass(29);
      const renewed = await install(contract, car);
      expect(renewed).toMatchObject({ generation: 2, reason: 'renewed' });
      expect(await statusOf(bundle)).toBe('issued');
      await revoke(services, demoMo, renewed.certificateId ?? '', 'certificateHold');
      await expect(install(contract, car)).rejects.toEqual(code('contract-not-active'));
      await release(services, demoMo, renewed.certificateId ?? '');
      expect((await install(contract, car)).id).toBe(renewed.id);
      await revoke(services, demoMo, renewed.certificateId ?? '', 'keyCompromise');
      await expect(install(contract, car)).rejects.toEqual(code('contract-not-active'));
      const { bundle: third } = await renewContract(services, demoMo, contract.id);
      expect((await install(contract, car)).id).toBe(third.id);
    });
  });

  test('what a revoked authority has signed is installed no more', async () => {
    await whereTimePasses(async () => {
      const car = await registered();
      const { contract, bundle } = await create(car);
      const administrator: Principal = { ...demoMo, roles: ['super'] };
      const [issuer] = await services.authorities.listIssuers('mo-sub-ca-2');
      await revoke(services, administrator, issuer?.certificateId ?? '', 'cACompromise');
      expect(await statusOf(bundle)).toBe('issued');
      await expect(install(contract, car)).rejects.toEqual(code('authority-not-active'));
    });
  });

  test('a car that gets a former key back is another one again: what was installed since is revoked', async () => {
    const car = await registered();
    const { contract, bundle } = await create(car);
    const anew = newCar('iso15118-2', { pcid: car.registered.pcid });
    await registerCar(services, anew, car);
    const second = await install(contract, anew);
    const back = { ...car, registered: { ...car.registered, id: `${car.registered.id}_again` } };
    await registerCar(services, back, anew);
    const third = await install(contract, back);
    expect(third).toMatchObject({ generation: 3, reason: 're-registered' });
    expect(openBundle(car, third)).toHaveLength(32);
    const states = await Promise.all([bundle, second, third].map(statusOf));
    expect(states).toEqual(['revoked', 'revoked', 'issued']);
  });

  describe('when the car is registered anew or deleted while a key is encrypted for it', () => {
    /** Services in which this happens once between the making of a contract key and its use. */
    function meanwhile(happens: () => Promise<unknown>): Services {
      let done: Promise<unknown> | undefined;
      return {
        ...services,
        contractKeys: {
          generate: async (algorithm) => {
            done ??= happens();
            await done;
            return services.contractKeys.generate(algorithm);
          },
        },
      };
    }
    const replaced = (car: Car) => async () => {
      const anew = newCar('iso15118-2', { pcid: car.registered.pcid });
      await registerCar(services, anew, car);
    };
    const deleted =
      ({ registered: { id, organizationId, pcid, standard } }: Car) =>
      async () => {
        const why = { actor: 'client:oem', reason: 'deleted' };
        const audit = { at: clock(), organizationId, actor: why.actor, action: 'x', subject: id };
        const outcome = await services.provisioning.deleteRegistered({
          id,
          audit: { ...audit, details: {} },
          forOperators: { ...why, at: clock(), action: 'x', subject: pcid, details: {} },
        });
        expect(outcome).toBe('deleted');
        await endContractsOf(services, { pcid, standard }, why);
      };
    const ofCar = ({ registered: { pcid } }: Car) =>
      listContracts(services, demoMo, { limit: 9, pcid });

    test.each([
      ['registered anew', replaced],
      ['deleted', deleted],
    ])('%s: no contract is created', async (_, happens) => {
      const car = await registered();
      const { pcid } = car.registered;
      const attempt = createContract(meanwhile(happens(car)), demoMo, { emaid: newEmaid(), pcid });
      await expect(attempt).rejects.toEqual(code('vehicle-unknown'));
      expect((await ofCar(car)).items).toEqual([]);
    });

    test.each([
      ['registered anew', replaced, 'vehicle-unknown', 'active'],
      ['deleted', deleted, 'vehicle-unknown', 'ended'],
    ] as const)('%s: nothing is renewed, installed or updated', async (_, happens, why, state) => {
      const attempts: ((parts: Services, contract: Contract, car: Car, old: Bundle) => unknown)[] =
        [
          (parts, { id }) => renewContract(parts, demoMo, id),
          (parts, contract, { registered: { id: registrationId } }, { certificate }) =>
            bundleForUpdate(parts, {
              ...{ contract, registrationId, oldContractCertificate: certificate },
            }),
        ];
      for (const attempt of attempts) {
        const car = await registered();
        const { contract, bundle } = await create(car);
        const parts = meanwhile(happens(car));
        await expect(attempt(parts, contract, car, bundle)).rejects.toEqual(code(why));
        const view = await findContract(services, demoMo, contract.id);
        expect([view.contract.state, view.bundle.generation]).toEqual([state, 1]);
      }
    });

    test('registered anew twice: what a car asks for with the key in between is for nobody', async () => {
      const first = await registered();
      const { contract } = await create(first);
      const second = newCar('iso15118-2', { pcid: first.registered.pcid });
      await registerCar(services, second, first);
      const parts = meanwhile(replaced(second));
      await expect(bundleForInstallation(parts, contract, second.registered)).rejects.toEqual(
        code('vehicle-unknown'),
      );
    });
  });

  describe('what is being certified is taken back at this moment', () => {
    /** Services in which this happens once between the signature and its record. */
    function beforeRecord(happens: () => Promise<unknown>): Services {
      let isFirst = true;
      const recordIssued: Services['store']['recordIssued'] = async (command) => {
        if (isFirst) {
          isFirst = false;
          await happens();
        }
        return services.store.recordIssued(command);
      };
      return { ...services, store: { ...services.store, recordIssued } };
    }

    test.each([
      ['suspended', suspendContract],
      ['ended', endContract],
    ] as const)('%s: neither renewed nor installed', async (state, stop) => {
      const attempts: ((parts: Services, contract: Contract, anew: Car) => Promise<unknown>)[] = [
        (parts, { id }) => renewContract(parts, demoMo, id),
        (parts, contract, anew) => bundleForInstallation(parts, contract, anew.registered),
      ];
      for (const attempt of attempts) {
        const car = await registered();
        const { contract } = await create(car);
        const anew = newCar('iso15118-2', { pcid: car.registered.pcid });
        await registerCar(services, anew, car);
        const parts = beforeRecord(() => stop(services, demoMo, contract.id));
        await expect(attempt(parts, contract, anew)).rejects.toEqual(code('contract-not-active'));
        const view = await findContract(services, demoMo, contract.id);
        expect([view.contract.state, view.bundle.generation]).toEqual([state, 1]);
      }
    });

    test('suspended and resumed: it is renewed all the same', async () => {
      const car = await registered();
      const { contract } = await create(car);
      const parts = beforeRecord(async () => {
        await suspendContract(services, demoMo, contract.id);
        await resumeContract(services, demoMo, contract.id);
      });
      const { bundle } = await renewContract(parts, demoMo, contract.id);
      expect(bundle).toMatchObject({ generation: 2, certificateState: 'issued' });
      expect(openBundle(car, bundle)).toHaveLength(32);
    });

    test('the car is deleted: no contract is created', async () => {
      const car = await registered();
      const { id, organizationId, pcid } = car.registered;
      const why = { at: clock(), actor: 'client:oem', action: 'x', details: {} };
      const parts = beforeRecord(() =>
        services.provisioning.deleteRegistered({
          id,
          audit: { ...why, organizationId, subject: id },
          forOperators: { ...why, subject: pcid },
        }),
      );
      const attempt = createContract(parts, demoMo, { emaid: newEmaid(), pcid });
      await expect(attempt).rejects.toEqual(code('vehicle-unknown'));
      expect((await listContracts(services, demoMo, { limit: 9, pcid })).items).toEqual([]);
    });

    test('the authority is revoked: no contract is created', async () => {
      await whereTimePasses(async () => {
        const car = await registered();
        const administrator: Principal = { ...demoMo, roles: ['super'] };
        const [issuer] = await services.authorities.listIssuers('mo-root');
        const parts = beforeRecord(() =>
          revoke(services, administrator, issuer?.certificateId ?? '', 'cACompromise'),
        );
        const { pcid } = car.registered;
        const attempt = createContract(parts, demoMo, { emaid: newEmaid(), pcid });
        await expect(attempt).rejects.toEqual(code('authority-not-active'));
      });
    });
  });

  test('an update is for the old contract’s key, the same again for the same, and the old one holds', async () => {
    const car = await registered();
    const { contract, bundle: old } = await create(car);
    const oldKey = openBundle(car, old);
    const oldContractCertificate = old.certificate;
    const registrationId = car.registered.id;
    const update = () =>
      bundleForUpdate(services, { contract, oldContractCertificate, registrationId });
    const updated = await update();
    expect(updated).toMatchObject({ reason: 'update', generation: 2 });
    expect(await update()).toEqual(updated);
    const withOldKey: Car = { ...car, privateKey: oldKey };
    expect(openBundle(withOldKey, updated)).toHaveLength(32);
    expect(() => openBundle(car, updated)).toThrow();
    expect([await statusOf(old), await statusOf(updated)]).toEqual(['issued', 'issued']);

    // A car that then asks for an installation has lost its keys, but is the same car.
    expect(await install(contract, car)).toEqual(old);
    expect([await statusOf(old), await statusOf(updated)]).toEqual(['issued', 'issued']);

    await revoke(services, demoMo, old.certificateId ?? '', 'superseded');
    await expect(update()).rejects.toEqual(code('recipient-unfitting'));
    const foreign = (await create(await registered())).bundle.certificate;
    const attempt = bundleForUpdate(services, {
      ...{ contract, registrationId, oldContractCertificate: foreign },
    });
    await expect(attempt).rejects.toEqual(code('recipient-unfitting'));
  });

  describe('somebody else is faster', () => {
    /** Services of another process, which reads bundles once, and others do this before it goes on. */
    function overtaken(others: () => Promise<unknown>): Services {
      let isFirst = true;
      return {
        ...services,
        contracts: {
          ...services.contracts,
          async listBundles(id) {
            const bundles = await services.contracts.listBundles(id);
            if (isFirst) {
              isFirst = false;
              await others();
            }
            return bundles;
          },
        },
      };
    }

    test('a car that asks twice at once gets the same bundle from both', async () => {
      const car = await registered();
      const { contract } = await create(car);
      const anew = newCar('iso15118-2', { pcid: car.registered.pcid });
      await registerCar(services, anew, car);
      let faster: Bundle | undefined;
      const slow = overtaken(async () => {
        faster = await install(contract, anew);
      });
      const found = await services.provisioning.findByPcid(anew.registered.pcid, 'iso15118-2');
      if (!found) throw new Error('the car is gone');
      expect((await bundleForInstallation(slow, contract, found)).id).toBe(faster?.id);
      expect(await services.contracts.listBundles(contract.id)).toHaveLength(2);
    });

    test('an old certificate that a renewal has revoked since is updated no more', async () => {
      const car = await registered();
      const { contract, bundle: old } = await create(car);
      const slow = overtaken(() =>
        renewContract(services, demoMo, contract.id, { revokesFormer: true }),
      );
      const update = bundleForUpdate(slow, {
        ...{ contract, oldContractCertificate: old.certificate },
        registrationId: car.registered.id,
      });
      await expect(update).rejects.toEqual(code('recipient-unfitting'));
      expect(await services.contracts.listBundles(contract.id)).toHaveLength(2);
    });
  });

  describe('requests that somebody has recorded', () => {
    /** A contract with the two that a car could have sent: an installation and an update of it. */
    async function recorded(change: Parameters<typeof create>[1] = {}) {
      const car = await registered();
      const { contract, bundle: old } = await create(car, change);
      const registrationId = car.registered.id;
      const updateOf = ({ certificate: oldContractCertificate }: Bundle) =>
        bundleForUpdate(services, { contract, oldContractCertificate, registrationId });
      return { car, contract, old, updateOf };
    }
    const countOf = async ({ id }: Contract) => (await services.contracts.listBundles(id)).length;
    const suspect = async (bundle: Bundle, reason: 'certificateHold' | 'superseded') =>
      revoke(services, demoMo, bundle.certificateId ?? '', reason);

    test('an installation and an update, sent in turn, are answered with two bundles', async () => {
      const { car, contract, old, updateOf } = await recorded();
      const updates: Bundle[] = [];
      for (let round = 0; round < 4; round += 1) {
        expect(await install(contract, car)).toEqual(old);
        updates.push(await updateOf(old));
      }
      expect(updates.map(({ generation }) => generation)).toEqual([2, 2, 2, 2]);
      expect(await countOf(contract)).toBe(2);
    });

    test('a renewal wins over the update before it; after that they are three and one', async () => {
      const { car, contract, old, updateOf } = await recorded();
      await updateOf(old);
      const { bundle: renewed } = await renewContract(services, demoMo, contract.id);
      const updates: Bundle[] = [];
      for (let round = 0; round < 4; round += 1) {
        expect(await install(contract, car)).toEqual(renewed);
        updates.push(await updateOf(old));
      }
      expect(updates.map(({ generation }) => generation)).toEqual([4, 4, 4, 4]);
      expect(await countOf(contract)).toBe(4);
    });

    test('what has expired is made anew for its own recipient, once', async () => {
      await whereTimePasses(async (pass) => {
        const { car, contract, old, updateOf } = await recorded({ validityDays: 28 });
        pass(20);
        const updated = await updateOf(old);
        pass(9);
        for (let round = 0; round < 3; round += 1) {
          expect(await install(contract, car)).toMatchObject({ generation: 3, reason: 'renewed' });
          await expect(updateOf(old)).rejects.toEqual(code('recipient-unfitting'));
        }
        expect(await updateOf(updated)).toMatchObject({ generation: 4, reason: 'update' });
        expect(await countOf(contract)).toBe(4);
      });
    });

    test('none is made behind the back of whoever has stopped one, or the newest', async () => {
      const { car, contract, old, updateOf } = await recorded();
      const updated = await updateOf(old);
      await suspect(updated, 'certificateHold');
      await expect(install(contract, car)).rejects.toEqual(code('contract-not-active'));
      await expect(updateOf(old)).rejects.toEqual(code('contract-not-active'));
      await release(services, demoMo, updated.certificateId ?? '');
      await suspect(old, 'superseded');
      await expect(install(contract, car)).rejects.toEqual(code('contract-not-active'));
      expect(await countOf(contract)).toBe(2);
    });

    test('a former key registered again after an update is another car’s all the same', async () => {
      const { car, contract, old, updateOf } = await recorded();
      const updated = await updateOf(old);
      const anew = newCar('iso15118-2', { pcid: car.registered.pcid });
      await registerCar(services, anew, car);
      const second = await install(contract, anew);
      const back = { ...car, registered: { ...car.registered, id: `${car.registered.id}_back` } };
      await registerCar(services, back, anew);
      const third = await install(contract, back);
      expect(third).toMatchObject({ generation: 4, reason: 're-registered' });
      expect(await install(contract, back)).toEqual(third);
      const states = await Promise.all([old, updated, second, third].map(statusOf));
      expect(states).toEqual(['revoked', 'revoked', 'revoked', 'issued']);
    });
  });

  test('the default comes first, then priority, then age; what is suspended or ended is not there', async () => {
    const car = await registered();
    const made = [];
    for (const priority of [0, 5, 5, 0, 100]) {
      made.push((await create(car, { priority })).contract.id);
    }
    const [a, b, c, d, e] = made as [string, string, string, string, string];
    const { pcid } = car.registered;
    const order = async () =>
      (await contractsOfCar(services, pcid, 'iso15118-2')).map(({ id }) => id);
    expect(await order()).toEqual([e, b, c, a, d]);
    await changeRank(services, demoMo, d, { isDefault: true });
    expect(await order()).toEqual([d, e, b, c, a]);
    await suspendContract(services, demoMo, e);
    await endContract(services, demoMo, b);
    expect(await order()).toEqual([d, c, a]);
    await changeRank(services, demoMo, a, { isDefault: true, priority: 1 });
    expect(await order()).toEqual([a, c, d]);
    const { contract } = await create(car, { isDefault: true });
    expect(await order()).toEqual([contract.id, c, a, d]);
    await expect(changeRank(services, demoMo, b, { priority: 1 })).rejects.toEqual(
      code('contract-not-active'),
    );
    await expect(changeRank(services, demoMo, a, {})).rejects.toEqual(code('request-malformed'));
  });

  test('only what a car can get becomes its default, under whatever name it is asked for', async () => {
    const car = await registered();
    const { pcid } = car.registered;
    const { contract: first } = await create(car, { isDefault: true });
    const { contract } = await create(car);
    await suspendContract(services, demoMo, contract.id);
    const refused = code('contract-not-active');
    const rank = changeRank(services, demoMo, contract.id, { isDefault: true });
    await expect(rank).rejects.toEqual(refused);
    const { emaid } = contract;
    await expect(makeDefault(services, demoMo, { emaid, pcid })).rejects.toEqual(refused);
    expect((await findContract(services, demoMo, first.id)).contract.isDefault).toBe(true);
    await resumeContract(services, demoMo, contract.id);
    await makeDefault(services, demoMo, { emaid, pcid });
    expect((await findContract(services, demoMo, contract.id)).contract.isDefault).toBe(true);
  });

  test('a car has room for so many contracts of one operator', async () => {
    const car = await registered();
    const made = [];
    for (let index = 0; index < contractLimits.ofOperator; index += 1) {
      made.push(await create(car));
    }
    await expect(create(car)).rejects.toEqual(code('conflict'));
    await endContract(services, demoMo, made[0]?.contract.id ?? '');
    await create(car);
  });
});

describe('renewing, suspending and ending', () => {
  test('a renewal leaves the former certificate for the car to change over, unless it is told', async () => {
    const car = await registered();
    const { contract, bundle: first } = await create(car);
    const { bundle: second } = await renewContract(services, demoMo, contract.id);
    expect(second).toMatchObject({ reason: 'renewed', generation: 2 });
    expect(openBundle(car, second)).not.toEqual(openBundle(car, first));
    expect(await statusOf(first)).toBe('issued');
    const options = { revokesFormer: true };
    const { bundle: third } = await renewContract(services, demoMo, contract.id, options);
    expect([await statusOf(first), await statusOf(second)]).toEqual(['revoked', 'revoked']);
    expect(await statusOf(third)).toBe('issued');
    expect((await findContract(services, demoMo, contract.id)).bundle.id).toBe(third.id);
    expect(await entriesOf('demo-mo', contract.id)).toEqual([
      'contract.renewed',
      'contract.renewed',
      'contract.created',
    ]);
    // Its maker hears each time that the vehicle's key was used.
    const heard = await entriesOf('demo-oem', car.registered.pcid);
    expect(heard).toEqual(Array(3).fill('vehicle.contracted'));
  });

  test('suspending holds every certificate, resuming releases it; each again changes nothing', async () => {
    const { contract, bundle } = await create(await registered());
    const { id } = contract;
    const suspended = await suspendContract(services, demoMo, id, 'unpaid');
    expect(suspended.contract).toMatchObject({ state: 'suspended', reason: 'unpaid' });
    expect(await statusOf(bundle)).toBe('held');
    await suspendContract(services, demoMo, id);
    await expect(renewContract(services, demoMo, id)).rejects.toEqual(code('contract-not-active'));
    expect((await resumeContract(services, demoMo, id)).contract.state).toBe('active');
    expect(await statusOf(bundle)).toBe('issued');
    await resumeContract(services, demoMo, id);
    expect(await entriesOf('demo-mo', id)).toEqual([
      'contract.resumed',
      'contract.suspended',
      'contract.created',
    ]);
  });

  test('ending is for good and revokes every certificate; again changes nothing', async () => {
    const car = await registered();
    const { contract, bundle } = await create(car, { isDefault: true });
    const { bundle: second } = await renewContract(services, demoMo, contract.id);
    await suspendContract(services, demoMo, contract.id);
    const ended = await endContract(services, demoMo, contract.id, 'moved away');
    expect(ended.contract).toMatchObject({ state: 'ended', isDefault: false });
    for (const { certificateId } of [bundle, second]) {
      const record = await services.certificates.findCertificate(certificateId ?? '');
      expect(record?.revocationReason).toBe('cessationOfOperation');
    }
    await endContract(services, demoMo, contract.id);
    expect((await entriesOf('demo-mo', contract.id)).filter((a) => a === 'contract.ended')).toEqual(
      ['contract.ended'],
    );
    for (const attempt of [suspendContract, resumeContract, renewContract]) {
      await expect(attempt(services, demoMo, contract.id)).rejects.toEqual(
        code('contract-not-active'),
      );
    }
    expect((await create(car, { emaid: contract.emaid })).contract.state).toBe('active');
  });

  test('the contracts of a car end with its provisioning certificate', async () => {
    const car = await registered();
    const { pcid } = car.registered;
    const { contract } = await create(car);
    const { contract: other } = await create(car);
    await suspendContract(services, demoMo, other.id);
    const why = { actor: 'client:oem', reason: 'scrapped' };
    const which = { pcid, standard: 'iso15118-2' } as const;
    expect(await endContractsOf(services, which, why)).toBe(2);
    expect(await endContractsOf(services, which, why)).toBe(0);
    expect((await findContract(services, demoMo, contract.id)).contract.reason).toBe('scrapped');
  });

  test('an EMAID’s contracts end, however many have ended before', async () => {
    const emaid = newEmaid();
    const { contract: first } = await create(await registered(), { emaid });
    const car = await registered();
    // As of a driver who tries to get it right, or somebody who hides a contract.
    for (let round = 0; round < 101; round += 1) {
      const { contract } = await create(car, { emaid });
      await endContract(services, demoMo, contract.id);
    }
    const found = await contractsNamed(services, demoMo, { emaid });
    expect(found.map(({ contract }) => contract.id)).toEqual([first.id]);
    await endContractsNamed(services, demoMo, emaid, { keepsCertificates: false });
    expect((await findContract(services, demoMo, first.id)).contract.state).toBe('ended');
  });

  test('another organization’s contracts are not there', async () => {
    const { contract } = await create(await registered());
    const other: Principal = { ...demoMo, organizationId: 'demo-oem' };
    for (const attempt of [findContract, renewContract, suspendContract, endContract]) {
      await expect(attempt(services, other, contract.id)).rejects.toEqual(code('not-found'));
    }
    const rank = { isDefault: true };
    await expect(changeRank(services, other, contract.id, rank)).rejects.toEqual(code('not-found'));
    const page = await listContracts(services, other, { limit: 200 });
    expect(page.items).toEqual([]);
    const own = await listContracts(services, demoMo, { limit: 9, emaid: contract.emaid });
    expect(own.items.map(({ id }) => id)).toEqual([contract.id]);
    await expect(listContracts(services, demoMo, { limit: 9, pcid: '?' })).rejects.toEqual(
      code('request-malformed'),
    );
  });
});

describe('bundles that are brought', () => {
  const root = foreignRoot();
  const [sub1Key, sub2Key] = [generateKey(), generateKey()] as const;
  const subCa = (key: TestKey, by: TestKey, above: Certificate, pathLength: number) =>
    issue(
      templateFor(key, by, {
        ...{ subject: nameOf(`CN=MO Sub-CA elsewhere ${pathLength}`, 'DC=MO') },
        issuerName: above.subjectDer,
        extensions: authorityExtensions(key, by, pathLength),
      }),
      by,
    );
  const sub1 = subCa(sub1Key, root.key, root.certificate, 1);
  const sub2 = subCa(sub2Key, sub1Key, sub1, 0);

  /** What an operator with an own PKI would bring. */
  async function madeElsewhere(
    car: Car,
    emaid: string,
    change: Partial<Pick<CertificateTemplate, 'notBefore' | 'extensions'>> = {},
  ) {
    const { spki } = car.registered;
    const key = await contractKeys().generate('P-256');
    const subject = { publicKey: acceptedKey(key.spki), privateKey: sub2Key.privateKey };
    const leaf = issue(
      templateFor(subject, sub2Key, {
        ...{ subject: nameOf(`CN=${emaid}`, 'DC=MO'), issuerName: sub2.subjectDer },
        notAfter: new Date('2032-01-01T00:00:00Z'),
        ...change,
      }),
      sub2Key,
    );
    const sealed = await key.seal({ standard: 'iso15118-2', spki });
    const bundle = { ...sealed, certificate: leaf.der, notAfter: leaf.notAfter };
    const text = {
      certificateChain: [leaf, sub2, sub1].map(({ der }) => toPem('CERTIFICATE', der)).join(''),
      dhPublicKey: Buffer.from(sealed.dhPublicKey).toString('base64'),
      encryptedPrivateKey: Buffer.from(sealed.encryptedPrivateKey).toString('base64'),
    };
    return { emaid, bundle, text };
  }

  test('are installed like others, and only their operator makes the next', async () => {
    const car = await registered();
    const emaid = newEmaid();
    const { bundle, text } = await madeElsewhere(car, emaid);
    const details = { emaid, pcid: car.registered.pcid, isDefault: true };
    const { contract } = await bringBundle(services, demoMo, details, text);
    expect(contract).toMatchObject({ state: 'active', isDefault: true });
    expect(contract.issuing).toBeUndefined();
    // Its maker hears of it.
    const heard = await entriesOf('demo-oem', car.registered.pcid);
    expect(heard).toEqual(['vehicle.contracted']);
    const installed = await install(contract, car);
    expect(installed.certificate).toEqual(bundle.certificate);
    expect(openBundle(car, installed)).toHaveLength(32);
    await expect(bringBundle(services, demoMo, details, text)).rejects.toEqual(
      code('contract-exists'),
    );
    await expect(renewContract(services, demoMo, contract.id)).rejects.toEqual(
      code('contract-external'),
    );

    const anew = newCar('iso15118-2', { pcid: car.registered.pcid });
    await registerCar(services, anew, car);
    await expect(install(contract, anew)).rejects.toEqual(code('contract-external'));
    const next = await bringNextBundle(services, demoMo, contract.id, text);
    expect(next.bundle).toMatchObject({ generation: 2, reason: 're-registered' });
    const { contract: own } = await create(await registered());
    await expect(bringNextBundle(services, demoMo, own.id, text)).rejects.toEqual(
      code('contract-external'),
    );
    await suspendContract(services, demoMo, contract.id);
    await expect(install({ ...contract, state: 'suspended' }, anew)).rejects.toEqual(
      code('contract-not-active'),
    );
    expect((await endContract(services, demoMo, contract.id)).contract.state).toBe('ended');
  });

  test('what does not fit is refused with every reason', async () => {
    const car = await registered();
    const emaid = newEmaid();
    const { bundle, text } = await madeElsewhere(car, emaid);
    const { pcid } = car.registered;
    const bring = (change: Partial<typeof text>, as = emaid) =>
      bringBundle(services, demoMo, { emaid: as, pcid }, { ...text, ...change });
    const [leaf, issuer, above, top] = [
      bundle.certificate,
      ...[sub2, sub1, root.certificate].map(({ der }) => der),
    ].map((der) => toPem('CERTIFICATE', der)) as [string, string, string, string];
    const reasons = async (attempt: Promise<unknown>) => {
      const error = await attempt.then(
        () => undefined,
        (refused) => refused,
      );
      expect(error).toEqual(code('bundle-refused'));
      return (error as { violations: { code: string }[] }).violations.map(({ code }) => code);
    };
    const short = Buffer.alloc(47).toString('base64');
    const noPoint = Buffer.alloc(65, 4).toString('base64');
    expect(
      await reasons(bring({ encryptedPrivateKey: short, dhPublicKey: noPoint }, newEmaid())),
    ).toEqual(['emaid', 'size', 'point']);
    expect(await reasons(bring({ certificateChain: leaf }))).toEqual(['chain']);
    expect(await reasons(bring({ certificateChain: leaf + above + issuer }))).toEqual([
      'chain',
      'chain',
    ]);
    expect(await reasons(bring({ certificateChain: leaf + issuer + above + top }))).toEqual([
      'root',
    ]);
    expect(await reasons(bring({ certificateChain: 'nonsense' }))).toEqual(['chain']);
    expect(await reasons(bring({ certificateChain: issuer + above }))).toContain('authority');
    expect(await reasons(bring({ dhPublicKey: '!' }))).toEqual(['size']);
    // More than a message has room for.
    const urls = [`http://pki.example/${'x'.repeat(600)}`];
    const long = newMaker().vehicle(newPcid(), {
      extensions: { crlDistributionPoints: { critical: false, urls } },
    });
    const tooLong = leaf + sub2 + toPem('CERTIFICATE', long.der);
    expect(await reasons(bring({ certificateChain: tooLong }))).toEqual(['size', 'chain']);
    expect((await bring({})).contract.emaid).toBe(emaid);
  });

  test('are refused when their key may not sign', async () => {
    const car = await registered();
    const emaid = newEmaid();
    const details = { emaid, pcid: car.registered.pcid };
    const extensions = { keyUsage: { critical: true, usages: ['keyAgreement'] } } as const;
    const { text } = await madeElsewhere(car, emaid, { extensions });
    await expect(bringBundle(services, demoMo, details, text)).rejects.toMatchObject({
      ...{ code: 'bundle-refused', violations: [{ code: 'key-usage' }] },
    });
    const nothingOfIt = { basicConstraints: { critical: true, ca: false } };
    const silent = await madeElsewhere(car, emaid, { extensions: nothingOfIt });
    const { contract } = await bringBundle(services, demoMo, details, silent.text);
    expect(contract.state).toBe('active');
  });

  test('K4 are refused when their keys are not encrypted', async () => {
    const car = await registered();
    const emaid = newEmaid();
    const pair = createECDH('prime256v1');
    const spki = ecSpki('1.2.840.10045.3.1.7', pair.generateKeys());
    const subject = { publicKey: acceptedKey(spki), privateKey: sub2Key.privateKey };
    const leaf = issue(
      templateFor(subject, sub2Key, {
        ...{ subject: nameOf(`CN=${emaid}`, 'DC=MO'), issuerName: sub2.subjectDer },
      }),
      sub2Key,
    );
    const field = Buffer.alloc(48);
    const scalar = pair.getPrivateKey();
    scalar.copy(field, 48 - scalar.length);
    const text = {
      certificateChain: [leaf, sub2, sub1].map(({ der }) => toPem('CERTIFICATE', der)).join(''),
      dhPublicKey: createECDH('prime256v1').generateKeys('base64'),
      encryptedPrivateKey: field.toString('base64'),
    };
    const bring = bringBundle(services, demoMo, { emaid, pcid: car.registered.pcid }, text);
    await expect(bring).rejects.toMatchObject({ violations: [{ code: 'key-in-clear' }] });
  });

  const textOf = (bundle: Bundle) => ({
    certificateChain: [bundle.certificate, ...bundle.subCertificates]
      .map((der) => toPem('CERTIFICATE', der))
      .join(''),
    dhPublicKey: Buffer.from(bundle.dhPublicKey).toString('base64'),
    encryptedPrivateKey: Buffer.from(bundle.encryptedPrivateKey).toString('base64'),
  });

  test('are refused when their certificates were issued here and do not hold', async () => {
    const [car, other] = [await registered(), await registered()];
    const emaid = newEmaid();
    const { bundle } = await create(other, { emaid });
    const details = { emaid, pcid: car.registered.pcid };
    const attempt = () => bringBundle(services, demoMo, details, textOf(bundle));
    const id = bundle.certificateId ?? '';
    for (const [reason, state] of [
      ['certificateHold', 'held'],
      ['superseded', 'revoked'],
    ] as const) {
      await revoke(services, demoMo, id, reason);
      await expect(attempt()).rejects.toMatchObject({
        ...{ code: 'bundle-refused' },
        violations: [{ code: 'revoked', message: expect.stringContaining(state) }],
      });
    }
    const next = await madeElsewhere(car, emaid);
    const { contract } = await bringBundle(services, demoMo, details, next.text);
    const renewal = bringNextBundle(services, demoMo, contract.id, textOf(bundle));
    await expect(renewal).rejects.toMatchObject({ violations: [{ code: 'revoked' }] });
  });

  test('are not installed when their certificates are revoked later', async () => {
    const [car, other] = [await registered(), await registered()];
    const emaid = newEmaid();
    const { contract: source, bundle } = await create(other, { emaid });
    const details = { emaid, pcid: car.registered.pcid };
    const { contract } = await bringBundle(services, demoMo, details, textOf(bundle));
    expect((await install(contract, car)).certificate).toEqual(bundle.certificate);
    await revoke(services, demoMo, bundle.certificateId ?? '', 'superseded');
    await expect(install(contract, car)).rejects.toEqual(code('contract-not-active'));
    await endContract(services, demoMo, source.id);
  });

  test('are neither taken nor installed below an authority that is revoked here', async () => {
    await whereTimePasses(async () => {
      const [car, another] = [await registered(), await registered()];
      const emaid = newEmaid();
      const { bundle } = await create(await registered(), { emaid });
      const details = { emaid, pcid: car.registered.pcid };
      const { contract } = await bringBundle(services, demoMo, details, textOf(bundle));
      expect((await install(contract, car)).certificate).toEqual(bundle.certificate);
      const administrator: Principal = { ...demoMo, roles: ['super'] };
      const [issuer] = await services.authorities.listIssuers('mo-root');
      await revoke(services, administrator, issuer?.certificateId ?? '', 'cACompromise');
      await expect(install(contract, car)).rejects.toEqual(code('contract-external'));
      const again = { emaid, pcid: another.registered.pcid };
      await expect(bringBundle(services, demoMo, again, textOf(bundle))).rejects.toMatchObject({
        ...{ code: 'bundle-refused' },
        violations: [{ code: 'revoked', message: expect.stringContaining('authority above it') }],
      });
    });
  });

  test('may begin later: until then the car gets the one before', async () => {
    await whereTimePasses(async (pass) => {
      const car = await registered();
      const emaid = newEmaid();
      const soon = new Date(Math.ceil(clock().getTime() / 1000) * 1000 + 3 * DAY);
      const [first, second] = [
        await madeElsewhere(car, emaid),
        await madeElsewhere(car, emaid, { notBefore: soon }),
      ];
      const details = { emaid, pcid: car.registered.pcid };
      const { contract } = await bringBundle(services, demoMo, details, first.text);
      await bringNextBundle(services, demoMo, contract.id, second.text);
      expect((await install(contract, car)).certificate).toEqual(first.bundle.certificate);
      pass(4);
      expect((await install(contract, car)).certificate).toEqual(second.bundle.certificate);
      // One that begins later and is the only one is not there yet.
      const third = await madeElsewhere(car, newEmaid(), {
        notBefore: new Date(soon.getTime() + 3 * DAY),
      });
      const later = { emaid: third.emaid, pcid: car.registered.pcid };
      const { contract: other } = await bringBundle(services, demoMo, later, third.text);
      await expect(install(other, car)).rejects.toEqual(code('contract-external'));
      pass(4);
      expect((await install(other, car)).certificate).toEqual(third.bundle.certificate);
    });
  });

  test('supersede the former where the car has another key, and only then', async () => {
    const car = await registered();
    const emaid = newEmaid();
    // Made for another car, so that the contract that made it does not keep it.
    const source = await create(await registered(), { emaid });
    const details = { emaid, pcid: car.registered.pcid };
    const { contract } = await bringBundle(services, demoMo, details, textOf(source.bundle));
    await endContract(services, demoMo, source.contract.id);
    expect(await statusOf(source.bundle)).toBe('revoked');
    const [second, third] = [await madeElsewhere(car, emaid), await madeElsewhere(car, emaid)];
    await bringNextBundle(services, demoMo, contract.id, second.text);
    const anew = newCar('iso15118-2', { pcid: car.registered.pcid });
    await registerCar(services, anew, car);
    await bringNextBundle(services, demoMo, contract.id, third.text);
    const { items } = await services.audit.listEntries(
      { organizationId: 'demo-mo', subject: contract.id },
      { limit: 9 },
    );
    const left = items.map(({ details }) => JSON.parse(details).formerLeft);
    expect(left).toEqual([[fingerprint(second.bundle.certificate)], undefined, undefined]);
  });

  test('what has ended is refused, be it the certificate or one above it', async () => {
    await whereTimePasses(async (pass) => {
      const car = await registered();
      const emaid = newEmaid();
      const { bundle, text } = await madeElsewhere(car, emaid);
      const details = { emaid, pcid: car.registered.pcid };
      const attempt = () => bringBundle(services, demoMo, details, text);
      const days = ({ notAfter }: { readonly notAfter: Date }) =>
        Math.ceil((notAfter.getTime() - clock().getTime()) / DAY) + 1;
      const faultsOf = async () => {
        const error = await attempt().then(
          () => undefined,
          (refused) => refused,
        );
        expect(error).toEqual(code('bundle-refused'));
        return (error as { violations: { code: string; message: string }[] }).violations.map(
          ({ code, message }) => [code, message.replace(/ at .*/, '')],
        );
      };
      pass(days(bundle));
      expect(await faultsOf()).toEqual([['expired', 'ended']]);
      pass(days(sub2));
      expect(await faultsOf()).toContainEqual(['expired', 'certificate 2 has ended']);
    });
  });
});

describe('ISO 15118-20', () => {
  let other: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    other = await open('ca/iso15118-20.yaml');
  });
  afterAll(() => other.database.close());

  test.each([
    ['P-521', newCar, { curve: 'SECP521', lengths: [133, 94, 66], authority: 'mo-sub-ca-2' }],
    ['Ed448', newX448Car, { curve: 'X448', lengths: [56, 84, 56], authority: 'mo-sub-ca-2-ed448' }],
  ] as const)(
    'a %s car gets such a contract, from the hierarchy with such keys',
    async (_, make, expected) => {
      const mo: Principal = { ...demoMo, organizationId: 'mo' };
      const details = { pcid: newPcid(), organizationId: 'oem' };
      const car = make === newCar ? newCar('iso15118-20', details) : newX448Car(details);
      await registerCar(other.services, car);
      const { contract, bundle } = await createContract(other.services, mo, {
        ...{ emaid: newEmaid(), pcid: details.pcid, standard: 'iso15118-20' },
      });
      expect(contract.issuing).toEqual({
        ...{ authorityId: expected.authority, profile: 'iso15118-20-contract' },
      });
      expect(bundle.curve).toBe(expected.curve);
      const key = openBundle(car, bundle);
      expect([bundle.dhPublicKey.length, bundle.encryptedPrivateKey.length, key.length]).toEqual([
        ...expected.lengths,
      ]);
      const same = await bundleForInstallation(other.services, contract, car.registered);
      expect(same).toEqual(bundle);
    },
  );

  test('a bundle that is brought is for a key of the car’s own kind', async () => {
    const mo: Principal = { ...demoMo, organizationId: 'mo' };
    const bring = async (make: typeof newCar | typeof newX448Car, pcid: string) => {
      const own = { pcid: newPcid(), organizationId: 'oem' };
      const car = make === newCar ? newCar('iso15118-20', own) : newX448Car(own);
      await registerCar(other.services, car);
      const emaid = newEmaid();
      const { bundle } = await createContract(other.services, mo, {
        ...{ emaid, pcid: own.pcid, standard: 'iso15118-20' },
      });
      return bringBundle(
        other.services,
        mo,
        { emaid, pcid, standard: 'iso15118-20' },
        {
          certificateChain: [bundle.certificate, ...bundle.subCertificates]
            .map((der) => toPem('CERTIFICATE', der))
            .join(''),
          dhPublicKey: Buffer.from(bundle.dhPublicKey).toString('base64'),
          encryptedPrivateKey: Buffer.from(bundle.encryptedPrivateKey).toString('base64'),
        },
      );
    };
    const car = newCar('iso15118-20', { pcid: newPcid(), organizationId: 'oem' });
    await registerCar(other.services, car);
    const { pcid } = car.registered;
    const brought = await bring(newCar, pcid);
    expect(brought.bundle).toMatchObject({ curve: 'SECP521', generation: 1 });
    await expect(bring(newX448Car, pcid)).rejects.toMatchObject({
      code: 'bundle-refused',
      violations: [{ code: 'key-type', message: 'the car has a key of another curve' }],
    });
  });

  test('a car with a P-256 key has none: it could not be encrypted', async () => {
    const pcid = newPcid();
    const car = newCar('iso15118-2', { pcid, organizationId: 'oem' });
    const posing = { ...car.registered, standard: 'iso15118-20' } as const;
    await registerCar(other.services, { ...car, registered: posing });
    const attempt = createContract(
      other.services,
      { ...demoMo, organizationId: 'mo' },
      {
        ...{ emaid: newEmaid(), pcid, standard: 'iso15118-20' },
      },
    );
    await expect(attempt).rejects.toEqual(code('recipient-unfitting'));
  });
});
