/** Provisioning certificates on a real database, with chains validated as the service does it. */

import { createECDH, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, fingerprint } from '../../src/pki/certificate.ts';
import { spkiFingerprint } from '../../src/pki/key-identifier.ts';
import { writeName } from '../../src/pki/names.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import type { Principal } from '../../src/services/access-policy.ts';
import { ServiceError } from '../../src/services/errors.ts';
import { createParsedCertificates } from '../../src/services/parsed-certificates.ts';
import {
  deleteProvisioning,
  type EndContracts,
  findProvisioning,
  listProvisioning,
} from '../../src/services/provisioning.ts';
import type { Registration } from '../../src/services/provisioning-checks.ts';
import { registerProvisioning } from '../../src/services/provisioning-registration.ts';
import { nameKey } from '../../src/services/trust-anchors.ts';
import { validateChain } from '../../src/services/validation.ts';
import { findForContract, lookUpVehicle } from '../../src/services/vehicle-lookup.ts';
import { auditStore } from '../../src/storage/audit.ts';
import { authorityStore } from '../../src/storage/authorities.ts';
import { certificateStore } from '../../src/storage/certificates.ts';
import { organizationStore } from '../../src/storage/organizations.ts';
import { pathFactStore } from '../../src/storage/path-facts.ts';
import { provisioningStore } from '../../src/storage/provisioning.ts';
import { trustAnchorStore } from '../../src/storage/trust-anchors.ts';
import { type TestDatabase, testBackends } from '../support/databases.ts';
import { demoDeclarations } from '../support/declarations.ts';
import {
  authorityExtensions,
  commonName,
  generateKey,
  issue,
  leafExtensions,
  templateFor,
} from '../support/issuing.ts';
import { type Maker, newMaker, pemOf, type VehicleChanges } from '../support/makers.ts';
import { acceptedKey, ecSpki } from '../support/public-keys.ts';

const NOW = new Date('2026-11-28T10:00:00Z');
const { profiles, access } = demoDeclarations();
const of = (organizationId: string, role = 'oem'): Principal => ({
  ...{ actor: `client:of-${organizationId}`, organizationId, roles: [role] },
});
const oem = of('oem');

let opened: TestDatabase;
let maker: Maker;
let large: Maker;
let edwards: Maker;
beforeAll(async () => {
  const [sqlite] = testBackends;
  if (!sqlite) throw new Error('there is no database');
  opened = await sqlite.open();
  [maker, large, edwards] = [
    newMaker(),
    newMaker({ algorithm: 'P-521' }),
    newMaker({ algorithm: 'Ed448' }),
  ];
  for (const [id, wmis] of [
    ['oem', ['DEM', '1EV']],
    ['joint', ['DEM']],
    ['none', []],
  ] as const) {
    await organizationStore(opened.database).createOrganization({
      organization: { id, name: id, roles: ['oem'], ...(wmis.length > 0 ? { wmis } : {}) },
      audit: event(id),
    });
    for (const one of [maker, large, edwards]) await trust(id, one);
  }
});
afterAll(() => opened?.remove());

const event = (organizationId: string) => ({
  ...{ at: NOW, organizationId, actor: 'test', action: 'test.prepared', subject: 'x', details: {} },
});

const trust = (organizationId: string, { root }: Maker) => {
  const sha256 = fingerprint(root.der);
  return trustAnchorStore(opened.database).importAnchor({
    anchor: {
      ...{ id: `${organizationId}-${sha256.slice(0, 8)}`, organizationId, sha256, subject: 'x' },
      ...{ certificate: root.der, notBefore: root.notBefore, notAfter: root.notAfter },
      ...{ purposes: ['distribute', 'oem-provisioning'], addedAt: NOW },
    },
    ...{ nameKey: nameKey(root.subject), limit: 100, audit: event(organizationId) },
  });
};

const partsWith = (endContracts: EndContracts = async () => undefined, now = NOW) => {
  const { database } = opened;
  const clock = () => now;
  const paths = {
    ...{ anchors: trustAnchorStore(database), paths: pathFactStore(database), profiles },
    ...{ authorities: authorityStore(database), parsed: createParsedCertificates() },
  };
  return {
    provisioning: provisioningStore(database),
    organizations: organizationStore(database),
    certificates: certificateStore(database),
    audit: auditStore(database),
    ...{ access, clock, endContracts },
    random: (octets: number) => crypto.getRandomValues(new Uint8Array(octets)),
    validateChain: async (question: Parameters<typeof validateChain>[1]) => {
      const verdict = await validateChain(paths, question);
      return verdict.ok
        ? ({ ok: true, path: verdict.path.map(({ der }) => der) } as const)
        : verdict;
    },
  };
};

let vehicles = 0;
const newPcid = (wmi = 'DEM') => `${wmi}P${String(++vehicles).padStart(13, '0')}`;

const registrationOf = (certificate: Certificate, { subCas }: Maker = maker): Registration => ({
  certificate: pemOf(certificate),
  chain: pemOf(...subCas),
});
const register = (registration: Registration, principal = oem, named?: string) =>
  registerProvisioning(partsWith(), principal, registration, named);
const registerNew = async (changes: VehicleChanges = {}, pcid = newPcid()) =>
  (await register(registrationOf(maker.vehicle(pcid, changes)))).record;

/** The codes and fields of what was refused. */
async function refusal(attempt: Promise<unknown>): Promise<string[]> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ServiceError)) throw error ?? new Error('it was not refused');
  if (error.violations.length === 0) return [error.code];
  return error.violations.map(({ code, field }) => `${code} ${field?.replace('body.', '')}`);
}

const x448 = () =>
  generateKeyPairSync('x448').publicKey.export({ format: 'der', type: 'spki' }).subarray(-56);

describe('a certificate is registered', () => {
  test('with its chain in order, whatever order it came in', async () => {
    const pcid = newPcid();
    const certificate = maker.vehicle(pcid.toLowerCase());
    const [second, first] = maker.subCas;
    if (!first || !second) throw new Error('there are two');
    const { record, outcome } = await register({
      certificate: Buffer.from(certificate.der).toString('base64'),
      chain: [pemOf(maker.root), pemOf(first), Buffer.from(second.der).toString('base64')],
    });
    expect(outcome).toBe('registered');
    expect(record).toEqual({
      id: expect.stringMatching(/^pcp_[0-9a-z]{24}$/),
      ...{ organizationId: 'oem', pcid, standard: 'iso15118-2', state: 'registered' },
      ...{ certificate: certificate.der, spki: certificate.spki },
      subCertificates: [second.der, first.der],
      sha256: fingerprint(certificate.der),
      ...{ notBefore: certificate.notBefore, notAfter: certificate.notAfter, registeredAt: NOW },
    });
    expect(await findProvisioning(partsWith(), oem, record.id)).toEqual(record);
  });

  test('by its key for ISO 15118-20: P-521', async () => {
    const certificate = large.vehicle(newPcid('1EV'));
    const { record } = await register(registrationOf(certificate, large));
    expect(record).toMatchObject({ standard: 'iso15118-20', spki: certificate.spki });
    expect(record.x448PublicKey).toBeUndefined();
  });

  // RFC 9295 3 forbids keyAgreement there, [V2G20-822] demands it.
  test.each([['digitalSignature'], ['digitalSignature', 'keyAgreement']] as const)(
    'by its key for ISO 15118-20: Ed448 for %s and %s, with an X448 key',
    async (...usages) => {
      const key = x448();
      const certificate = edwards.vehicle(newPcid(), {
        extensions: { keyUsage: { critical: true, usages } },
      });
      const x448PublicKey = key.toString('base64');
      const { record } = await register({ ...registrationOf(certificate, edwards), x448PublicKey });
      expect(record).toMatchObject({ standard: 'iso15118-20' });
      expect(record.x448PublicKey).toEqual(new Uint8Array(key));
    },
  );

  test('without basic constraints too, as some on the road are', async () => {
    const record = await registerNew({ extensions: { basicConstraints: undefined } });
    expect(record.state).toBe('registered');
  });

  test('and again: nothing changes, and nothing is checked again', async () => {
    const certificate = maker.vehicle(newPcid());
    const { record } = await register(registrationOf(certificate));
    const again = { certificate: pemOf(certificate) };
    expect(await register(again)).toEqual({ record, outcome: 'unchanged' });
    const later = partsWith(undefined, new Date('2050-01-01T00:00:00Z'));
    expect(await registerProvisioning(later, oem, again)).toMatchObject({ outcome: 'unchanged' });
    expect(await actionsOn(record.id)).toEqual(['provisioning-certificate.registered']);
  });

  test('at once any number of times: once', async () => {
    const registration = registrationOf(maker.vehicle(newPcid()));
    const results = await Promise.all(Array.from({ length: 10 }, () => register(registration)));
    const ids = new Set(results.map(({ record }) => record.id));
    expect(ids.size).toBe(1);
    const outcomes = results.map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'registered')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'unchanged')).toHaveLength(9);
  });

  test('for an organization that is named, by those who reach it', async () => {
    const admin = of('instance', 'super');
    const registration = registrationOf(maker.vehicle(newPcid()));
    expect(await refusal(register(registration, admin))).toEqual(['required organization']);
    const { record } = await register(registration, admin, 'oem');
    expect(record.organizationId).toBe('oem');
    expect(await refusal(register(registration, of('joint'), 'oem'))).toEqual(['not-found']);
  });
});

const actionsOn = async (id: string): Promise<string[]> => {
  const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
  return entries.filter(({ subject }) => subject === id).map(({ action }) => action);
};

/** A maker whose sub-CA was certified anew, with the key that it has. */
function renewingMaker() {
  const [rootKey, subKey] = [generateKey(), generateKey()];
  const [rootName, subject] = [commonName('Renewing Root'), commonName('Renewing Sub-CA')];
  const issuerName = writeName(rootName);
  const root = issue(
    templateFor(rootKey, rootKey, {
      ...{ subject: rootName, issuerName },
      extensions: authorityExtensions(rootKey, rootKey),
    }),
    rootKey,
  );
  const sub = (notAfter: Date) =>
    issue(
      templateFor(subKey, rootKey, {
        ...{ subject, issuerName, notAfter },
        extensions: authorityExtensions(subKey, rootKey),
      }),
      rootKey,
    );
  const vehicle = (pcid: string) => {
    const key = generateKey();
    const template = templateFor(key, subKey, {
      ...{ subject: commonName(pcid), issuerName: writeName(subject) },
      extensions: {
        ...leafExtensions(key, subKey),
        keyUsage: { critical: true, usages: ['digitalSignature', 'keyAgreement'] },
      },
    });
    return issue(template, subKey);
  };
  const renewed = [sub(new Date('2027-01-01T00:00:00Z')), sub(root.notAfter)] as const;
  return { root, renewed, vehicle };
}

describe('another certificate of the vehicle', () => {
  test('takes the place of the one before, which stays as history', async () => {
    const old = await registerNew();
    const certificate = maker.vehicle(old.pcid);
    const { record, outcome } = await register(registrationOf(certificate));
    expect(outcome).toBe('replaced');
    expect(record).toMatchObject({ replaces: old.id, sha256: fingerprint(certificate.der) });
    expect(await findProvisioning(partsWith(), oem, old.id)).toEqual({
      ...{ ...old, state: 'replaced', endedAt: NOW },
    });
    expect(await actionsOn(old.id)).toEqual([
      'provisioning-certificate.registered',
      'provisioning-certificate.replaced',
    ]);
    expect(await actionsOn(record.id)).toEqual(['provisioning-certificate.registered']);
  });

  test('or only another X448 key, does so too: contract keys go to that', async () => {
    const certificate = edwards.vehicle(newPcid());
    const registration = registrationOf(certificate, edwards);
    const [first, second] = [x448().toString('base64'), x448().toString('base64')];
    const { record } = await register({ ...registration, x448PublicKey: first });
    const again = await register({ ...registration, x448PublicKey: second });
    expect(again).toMatchObject({ outcome: 'replaced', record: { replaces: record.id } });
    expect(Buffer.from(again.record.x448PublicKey ?? []).toString('base64')).toBe(second);
  });

  test('or the same with another chain above it, does so too: a car of -2 brings none', async () => {
    const { root, renewed, vehicle } = renewingMaker();
    await trust('oem', { ...maker, root });
    const certificate = vehicle(newPcid());
    const [old, anew] = renewed;
    const { record: first } = await register({
      certificate: pemOf(certificate),
      chain: pemOf(old, root),
    });
    expect(first.subCertificates).toEqual([old.der]);
    const { record, outcome } = await register({
      certificate: pemOf(certificate),
      chain: pemOf(anew, root),
    });
    expect([outcome, record.replaces]).toEqual(['replaced', first.id]);
    expect(record).toMatchObject({ sha256: first.sha256, subCertificates: [anew.der] });
    // In whatever order, and as often as anybody likes.
    const { id } = record;
    for (const chain of [pemOf(root, anew), pemOf(anew), undefined]) {
      const again = { certificate: pemOf(certificate), ...(chain === undefined ? {} : { chain }) };
      expect(await register(again)).toMatchObject({ record: { id }, outcome: 'unchanged' });
    }
    const more = { certificate: pemOf(certificate), chain: pemOf(anew, ...large.subCas) };
    expect(await register(more)).toMatchObject({ record: { id }, outcome: 'unchanged' });
    const none = { certificate: pemOf(certificate), chain: pemOf(...large.subCas) };
    expect(await refusal(register(none))).toEqual(['path-not-found chain']);
    expect(await findProvisioning(partsWith(), oem, id)).toEqual(record);
  });

  test('for the other standard stands beside it', async () => {
    const { id, pcid } = await registerNew();
    const { outcome } = await register(registrationOf(large.vehicle(pcid), large));
    expect(outcome).toBe('registered');
    expect((await findProvisioning(partsWith(), oem, id)).state).toBe('registered');
  });

  test('C7 of another organization is a conflict, and does not say whose', async () => {
    const { pcid } = await registerNew();
    for (const one of [maker, large]) {
      const attempt = register(registrationOf(one.vehicle(pcid), one), of('joint'));
      await expect(attempt).rejects.toMatchObject({
        ...{ code: 'conflict', message: `${pcid} is registered by another organization` },
      });
    }
  });
});

describe('a certificate is refused', () => {
  /** Extensions that make a certificate longer than its standard allows. */
  const long: VehicleChanges['extensions'] = {
    crlDistributionPoints: { critical: false, urls: [`http://pki.example/${'x'.repeat(600)}`] },
  };
  const longer: VehicleChanges['extensions'] = {
    crlDistributionPoints: { critical: false, urls: [`http://pki.example/${'x'.repeat(1500)}`] },
  };
  const usage = (...usages: ('digitalSignature' | 'keyAgreement')[]): VehicleChanges => ({
    extensions: { keyUsage: { critical: true, usages } },
  });

  test.each<[string, VehicleChanges, string[]]>([
    [
      'without a common name',
      { subject: { attributes: [{ type: 'O', value: 'DEMP0000000000001' }] } },
      ['pcid-missing certificate'],
    ],
    ['with a name that is no PCID', { subject: commonName('a car') }, ['pcid-invalid certificate']],
    [
      'of a foreign WMI',
      { subject: commonName('FRNP0000000000001') },
      ['wmi-not-allowed certificate'],
    ],
    ['for P-384', { algorithm: 'P-384' }, ['key-type certificate']],
    ['for RSA', { algorithm: 'RSA-2048' }, ['key-type certificate']],
    ['for Ed25519', { algorithm: 'Ed25519' }, ['key-type certificate']],
    ['that may not agree on keys', usage('digitalSignature'), ['key-usage certificate']],
    ['that may not sign', usage('keyAgreement'), ['key-usage certificate']],
    ['without key usage', { extensions: { keyUsage: undefined } }, ['key-usage certificate']],
    ['of 800 octets and more', { extensions: long }, ['certificate-too-large certificate']],
  ])('%s', async (_name, changes, codes) => {
    const certificate = maker.vehicle('DEMP0000000009999', changes);
    expect(await refusal(register(registrationOf(certificate)))).toEqual(codes);
  });

  test('with two common names, of which nobody says which counts', async () => {
    const attributes = [
      { type: 'CN', value: 'DEMP0000000000001' },
      { type: 'O', value: 'DEMP0000000000002' },
    ] as const;
    const der = Buffer.from(maker.vehicle('', { subject: { attributes } }).der);
    // The object identifier of O, id-at 10, becomes that of CN, id-at 3; nobody signs that again.
    const at = der.indexOf(Buffer.from('060355040a', 'hex'));
    der[at + 4] = 3;
    const found = await refusal(register({ certificate: der.toString('base64') }));
    expect(found).toContain('pcid-missing certificate');
  });

  test('that is an authority', async () => {
    const extensions = { basicConstraints: { critical: true, ca: true } };
    const certificate = maker.vehicle(newPcid(), { extensions });
    expect(await refusal(register(registrationOf(certificate)))).toContain(
      'certificate-of-authority certificate',
    );
  });

  test('whose organization has no WMI', async () => {
    const registration = registrationOf(maker.vehicle(newPcid()));
    expect(await refusal(register(registration, of('none')))).toEqual([
      'wmi-not-allowed certificate',
    ]);
  });

  test('for a key that is blocked', async () => {
    const key = generateKey();
    const spki_sha256 = spkiFingerprint(key.publicKey.spki);
    await opened.database.write(({ knex }) =>
      knex('blocked_keys').insert({ spki_sha256, reason: 'test', created_at: 'x' }),
    );
    const registration = registrationOf(maker.vehicle(newPcid(), { key }));
    expect(await refusal(register(registration))).toEqual(['key-blocked publicKey']);
  });

  test('for a key whose private key anybody can guess', async () => {
    const one = createECDH('prime256v1');
    one.setPrivateKey(Buffer.from([1]));
    const spki = ecSpki('1.2.840.10045.3.1.7', one.getPublicKey());
    const key = { ...generateKey(), publicKey: acceptedKey(spki) };
    const registration = registrationOf(maker.vehicle(newPcid(), { key }));
    expect(await refusal(register(registration))).toEqual(['key-weak publicKey']);
  });

  test.each<[string, KeyAlgorithm, VehicleChanges, string]>([
    ['that may not agree on keys', 'P-521', usage('digitalSignature'), 'key-usage'],
    ['of 1600 octets and more', 'P-521', { extensions: longer }, 'certificate-too-large'],
    ['of 1600 octets and more', 'Ed448', { extensions: longer }, 'certificate-too-large'],
  ])('for ISO 15118-20, %s: %s', async (_name, algorithm, changes, code) => {
    const from = algorithm === 'Ed448' ? edwards : large;
    const registration = {
      ...registrationOf(from.vehicle(newPcid(), changes), from),
      ...(algorithm === 'Ed448' ? { x448PublicKey: x448().toString('base64') } : {}),
    };
    const codes = await refusal(register(registration));
    expect(codes).toEqual([`${code} certificate`]);
  });

  test.each<[string, string | undefined, string]>([
    ['without an X448 key', undefined, 'x448-key-missing'],
    ['with half of one', Buffer.alloc(28, 9).toString('base64'), 'x448-key-invalid'],
    ['with one of small order', Buffer.alloc(56).toString('base64'), 'x448-key-invalid'],
    ['with one that is not base64', 'no base64!', 'x448-key-invalid'],
  ])('for Ed448 %s', async (_name, x448PublicKey, code) => {
    const certificate = edwards.vehicle(newPcid());
    const registration = {
      ...registrationOf(certificate, edwards),
      ...(x448PublicKey === undefined ? {} : { x448PublicKey }),
    };
    expect(await refusal(register(registration))).toContain(`${code} x448PublicKey`);
  });

  test('for another key with an X448 key', async () => {
    const x448PublicKey = x448().toString('base64');
    const registration = { ...registrationOf(maker.vehicle(newPcid())), x448PublicKey };
    expect(await refusal(register(registration))).toEqual(['x448-key-unexpected x448PublicKey']);
  });

  test.each<[string, () => Promise<[Registration, Date?]>]>([
    [
      'below a root that nobody trusts',
      async () => {
        const stranger = newMaker();
        const chain = pemOf(...stranger.subCas, stranger.root);
        return [{ certificate: pemOf(stranger.vehicle(newPcid())), chain }];
      },
    ],
    [
      'that another has signed in the name of the maker',
      async () => {
        const stranger = newMaker();
        const [sub] = maker.subCas;
        const issuerName = sub?.subjectDer ?? new Uint8Array();
        return [registrationOf(stranger.vehicle(newPcid(), { issuerName }))];
      },
    ],
    ['without its chain', async () => [{ certificate: pemOf(maker.vehicle(newPcid())) }]],
    [
      'that is expired',
      async () => {
        const notAfter = new Date('2026-11-28T09:00:00Z');
        return [registrationOf(maker.vehicle(newPcid(), { notAfter }))];
      },
    ],
    [
      'that is not valid yet',
      async () => {
        const notBefore = new Date('2026-11-28T11:00:00Z');
        return [registrationOf(maker.vehicle(newPcid(), { notBefore }))];
      },
    ],
    [
      'below authorities that are expired',
      async () => {
        const notAfter = new Date('2040-01-01T00:00:00Z');
        const certificate = maker.vehicle(newPcid(), { notAfter });
        return [registrationOf(certificate), new Date('2037-01-01T00:00:00Z')];
      },
    ],
  ])('%s', async (_name, make) => {
    const [registration, now] = await make();
    const attempt = registerProvisioning(partsWith(undefined, now), oem, registration);
    const found = await refusal(attempt);
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((one) => !one.endsWith(' chain'))).toEqual([]);
  });

  test('with more than two authorities above it [V2G2-009]', async () => {
    const deep = newMaker({ subCas: 3 });
    await trust('oem', deep);
    const registration = registrationOf(deep.vehicle(newPcid()), deep);
    expect(await refusal(register(registration))).toEqual(['chain-too-long chain']);
  });

  test.each<[string, (pem: string) => Registration, string[]]>([
    ['nothing', () => ({ certificate: '' }), ['certificate-unreadable certificate']],
    ['prose', () => ({ certificate: 'a car' }), ['certificate-unreadable certificate']],
    [
      'DER of something else',
      () => ({ certificate: 'MAMCAQE=' }),
      ['certificate-unreadable certificate'],
    ],
    ['two at once', (pem) => ({ certificate: pem + pem }), ['certificate-unreadable certificate']],
    [
      'with a chain that is none',
      (pem) => ({ certificate: pem, chain: 'x' }),
      ['chain-unreadable chain'],
    ],
    [
      'with a chain of other DER',
      (pem) => ({ certificate: pem, chain: ['MAMCAQE='] }),
      ['chain-unreadable chain.0'],
    ],
    [
      'with a list of which some is none',
      (pem) => ({ certificate: pem, chain: [pemOf(...maker.subCas), 'x', ''] }),
      ['chain-unreadable chain.1', 'chain-unreadable chain.2'],
    ],
    [
      'with more certificates than any chain has',
      (pem) => ({ certificate: pem, chain: pemOf(...maker.subCas).repeat(6) }),
      ['chain-too-long chain'],
    ],
  ])('%s', async (_name, make, codes) => {
    const found = await refusal(register(make(pemOf(maker.vehicle(newPcid())))));
    expect(found).toEqual(expect.arrayContaining(codes));
    // Nothing else is wrong with these, but for what is missing between them and the root.
    const others = found.filter((one) => !codes.includes(one));
    expect(others.filter((one) => !one.endsWith(' chain'))).toEqual([]);
  });

  test('with everything that is wrong with it', async () => {
    const stranger = newMaker();
    const certificate = stranger.vehicle('FRNP0000000000001', {
      extensions: { ...long, keyUsage: { critical: true, usages: ['keyEncipherment'] } },
    });
    const x448PublicKey = Buffer.alloc(57).toString('base64');
    const registration = { certificate: pemOf(certificate), chain: ['x'], x448PublicKey };
    const found = await refusal(register(registration));
    expect(found).toEqual(
      expect.arrayContaining([
        ...['chain-unreadable chain.0', 'x448-key-invalid x448PublicKey'],
        ...['wmi-not-allowed certificate', 'key-usage certificate'],
        ...['certificate-too-large certificate', 'x448-key-unexpected x448PublicKey'],
      ]),
    );
    expect(found.some((one) => one.endsWith(' chain'))).toBe(true);
  });

  test('by roles that are for other certificates', async () => {
    const registration = registrationOf(maker.vehicle(newPcid()));
    const officer = of('oem', 'pki-officer');
    expect(await refusal(register(registration, officer))).toEqual(['not-permitted']);
  });
});

describe('deleting', () => {
  const ended: Parameters<EndContracts>[0][] = [];
  const parts = () =>
    partsWith(async (command) => {
      ended.push(command);
    });

  test('ends what was made for the vehicle, and again nothing else', async () => {
    const record = await registerNew();
    const { pcid } = record;
    const { record: other } = await register(registrationOf(large.vehicle(pcid), large));
    ended.length = 0;
    const deleted = await deleteProvisioning(parts(), oem, record.id);
    expect(deleted).toEqual({ ...record, state: 'deleted', endedAt: NOW });
    const command = { pcid, standard: 'iso15118-2', actor: oem.actor, at: NOW };
    expect(ended).toEqual([{ ...command, remaining: ['iso15118-20'] }]);
    expect(await deleteProvisioning(parts(), oem, record.id)).toEqual(deleted);
    expect(await actionsOn(record.id)).toEqual([
      'provisioning-certificate.registered',
      'provisioning-certificate.deleted',
    ]);
    await deleteProvisioning(parts(), oem, other.id);
    expect(ended.at(-1)).toEqual({ ...command, standard: 'iso15118-20', remaining: [] });
  });

  test('what a call has left that was interrupted, the next one ends', async () => {
    const record = await registerNew();
    const broken = partsWith(async () => Promise.reject(new Error('interrupted')));
    await expect(deleteProvisioning(broken, oem, record.id)).rejects.toThrow('interrupted');
    expect((await findProvisioning(parts(), oem, record.id)).state).toBe('deleted');
    ended.length = 0;
    await deleteProvisioning(parts(), oem, record.id);
    expect(ended).toMatchObject([{ pcid: record.pcid, remaining: [] }]);
  });

  test('again, when the vehicle is registered anew, ends nothing', async () => {
    const certificate = maker.vehicle(newPcid());
    const { record } = await register(registrationOf(certificate));
    await deleteProvisioning(parts(), oem, record.id);
    ended.length = 0;
    const { record: anew, outcome } = await register(registrationOf(certificate));
    expect([outcome, anew.id === record.id]).toEqual(['registered', false]);
    await deleteProvisioning(parts(), oem, record.id);
    expect(ended).toEqual([]);
    await deleteProvisioning(parts(), oem, anew.id);
    expect(ended).toHaveLength(1);
  });

  test('again, when the vehicle is registered by another, ends nothing of theirs', async () => {
    const record = await registerNew();
    await deleteProvisioning(parts(), oem, record.id);
    await register(registrationOf(large.vehicle(record.pcid), large), of('joint'));
    ended.length = 0;
    await deleteProvisioning(parts(), oem, record.id);
    expect(ended).toEqual([]);
  });

  test('one that was replaced is a conflict: the vehicle would stay', async () => {
    const { id, pcid } = await registerNew();
    await registerNew({}, pcid);
    ended.length = 0;
    expect(await refusal(deleteProvisioning(parts(), oem, id))).toEqual(['conflict']);
    expect(ended).toEqual([]);
  });

  test('W8 one of another organization is not there', async () => {
    const { id } = await registerNew();
    expect(await refusal(deleteProvisioning(parts(), of('joint'), id))).toEqual(['not-found']);
    expect(await refusal(findProvisioning(parts(), of('joint'), id))).toEqual(['not-found']);
    expect(await refusal(deleteProvisioning(parts(), oem, 'pcp_none'))).toEqual(['not-found']);
    const officer = of('oem', 'pki-officer');
    expect(await refusal(deleteProvisioning(parts(), officer, id))).toEqual(['not-permitted']);
    expect((await findProvisioning(parts(), oem, id)).state).toBe('registered');
  });
});

describe('looking', () => {
  const list = (principal: Principal, wanted: object = {}) =>
    listProvisioning(partsWith(), principal, { limit: 200, ...wanted });

  test('W8 lists are of the own organization, or of those within reach', async () => {
    const { id, pcid } = await registerNew();
    const found = async (principal: Principal, wanted: object = {}) =>
      (await list(principal, { pcid: pcid.toLowerCase(), ...wanted })).items.map((one) => one.id);
    expect(await found(oem)).toEqual([id]);
    expect(await found(of('joint'))).toEqual([]);
    expect(await found(of('instance', 'super'))).toEqual([id]);
    expect(await found(of('instance', 'super'), { organization: 'joint' })).toEqual([]);
    expect(await refusal(found(of('joint'), { organization: 'oem' }))).toEqual(['not-found']);
  });

  test('what is no PCID and what is no cursor is said', async () => {
    expect(await refusal(list(oem, { pcid: 'a car' }))).toEqual(['pcid-invalid query.pcid']);
    expect(await refusal(list(oem, { cursor: 'x' }))).toEqual(['cursor-invalid cursor']);
  });

  test('up as an MO does: the keys of the vehicle, and both logs say so', async () => {
    const { pcid, spki } = await registerNew();
    const { record: other } = await register(registrationOf(large.vehicle(pcid), large));
    const mo = of('mo', 'emsp-operator');
    expect(await lookUpVehicle(partsWith(), mo, pcid.toLowerCase())).toEqual({
      pcid,
      recipients: [
        { pcid, standard: 'iso15118-2', spki },
        { pcid, standard: 'iso15118-20', spki: other.spki },
      ],
    });
    const entries = await auditStore(opened.database).readStream('process-1', 0, 10_000);
    const said = entries.filter(
      ({ action, subject }) => action === 'vehicle.looked-up' && subject === pcid,
    );
    expect(said.map(({ organizationId, actor }) => [organizationId, actor])).toEqual([
      ['mo', mo.actor],
      ['oem', mo.actor],
    ]);
  });

  test('up one that is unknown, deleted or expired finds nothing, and leaves no entry', async () => {
    const mo = of('mo', 'emsp-operator');
    const { id, pcid, notAfter } = await registerNew();
    const late = partsWith(undefined, new Date(notAfter.getTime() + 1000));
    expect(await refusal(lookUpVehicle(late, mo, pcid))).toEqual(['not-found']);
    expect(await findForContract(late, pcid, 'iso15118-2')).toBeUndefined();
    await deleteProvisioning(partsWith(), oem, id);
    expect(await refusal(lookUpVehicle(partsWith(), mo, pcid))).toEqual(['not-found']);
    expect(await refusal(lookUpVehicle(partsWith(), mo, newPcid()))).toEqual(['not-found']);
    expect(await refusal(lookUpVehicle(partsWith(), mo, 'x'))).toEqual([
      'pcid-invalid params.pcid',
    ]);
    expect(await actionsOn(pcid)).toEqual([]);
  });

  test('for a contract: exactly to whom keys go, and whose log is to say so', async () => {
    const key = x448();
    const pcid = newPcid();
    const certificate = edwards.vehicle(pcid);
    const x448PublicKey = key.toString('base64');
    await register({ ...registrationOf(certificate, edwards), x448PublicKey });
    expect(await findForContract(partsWith(), pcid, 'iso15118-20')).toEqual({
      organizationId: 'oem',
      registrationId: expect.stringMatching(/^pcp_/),
      recipient: {
        ...{ pcid, standard: 'iso15118-20', spki: certificate.spki },
        x448PublicKey: new Uint8Array(key),
      },
    });
    expect(await findForContract(partsWith(), pcid, 'iso15118-2')).toBeUndefined();
  });
});
