/** Chains of cars and contracts against the anchors of organizations, over a database. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assembleCertificate, buildTbs } from '../../src/pki/build-certificate.ts';
import { type Certificate, fingerprint, readCertificate } from '../../src/pki/certificate.ts';
import { type DistinguishedName, nameText, writeName } from '../../src/pki/names.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { ValidationPurpose } from '../../src/pki/profile.ts';
import type { CertificateTemplate } from '../../src/pki/template.ts';
import type { Principal } from '../../src/services/access-policy.ts';
import { activateAuthority } from '../../src/services/activation.ts';
import { rollOver } from '../../src/services/authorities.ts';
import { enrol } from '../../src/services/enrolment.ts';
import { declareAuthority } from '../../src/services/hierarchy-requests.ts';
import { release, revoke } from '../../src/services/revocation.ts';
import type { AnchorPurpose } from '../../src/services/trust-anchor-records.ts';
import { importAnchor, removeAnchor, trustAnchor } from '../../src/services/trust-anchors.ts';
import {
  type ChainQuestion,
  type ChainVerdict,
  MAX_CANDIDATES,
  validateChain,
} from '../../src/services/validation.ts';
import { drawing, seed } from '../support/chance.ts';
import { type TestDatabase, testBackends } from '../support/databases.ts';
import { demoDeclarations } from '../support/declarations.ts';
import {
  authorityExtensions,
  generateKey,
  issue,
  leafExtensions,
  type TestKey,
  templateFor,
} from '../support/issuing.ts';
import { newMaker } from '../support/makers.ts';
import { nameOf } from '../support/policy.ts';
import { type Services, servicesOver, start } from '../support/services.ts';
import { stationRequest } from '../support/stations.ts';

const [sqlite] = testBackends;
let opened: TestDatabase;
let services: Services & { instance: { demo: boolean; missingSettings: string[] } };

beforeAll(async () => {
  if (!sqlite) throw new Error('there is no SQLite');
  opened = await sqlite.open();
  services = {
    ...(await servicesOver(opened.database, {
      ...{ declarations: demoDeclarations(), dataDir: '', vault: 'known', processId: 'process-1' },
    })),
    instance: { demo: true, missingSettings: [] },
  };
  services.keep = async () => undefined;
  await start(services);
});
afterAll(() => opened?.remove());

const as = (organizationId: string): Principal => ({
  ...{ actor: 'client:a', organizationId, roles: ['super'] },
});

/** A leaf of the demo, issued to its organization. */
async function issued(
  organizationId: string,
  profile: string,
  commonName: string,
  authority?: string,
): Promise<{ id: string; certificate: Certificate }> {
  const answer = await enrol(services, {
    principal: as(organizationId),
    action: 'certificates:issue',
    channel: 'rest',
    csr: { ok: true, value: stationRequest(commonName) },
    profile,
    ...(authority === undefined ? {} : { authority }),
  });
  if (answer.outcome !== 'issued') throw new Error(answer.outcome);
  const record = await services.certificates.findCertificate(answer.certificateId);
  if (!record?.der) throw new Error('no certificate');
  return { id: record.id, certificate: readCertificate(record.der) };
}
let cars = 0;
const newCar = () =>
  issued('demo-oem', 'iso15118-2-oem-provisioning', `DEMP${String(++cars).padStart(13, '0')}`);

/** Asks for the vehicle maker of the demo unless a test says otherwise. */
const validate = (certificate: Certificate, change: Partial<ChainQuestion> = {}) =>
  validateChain(services, {
    certificate: certificate.der,
    candidates: [],
    purpose: 'oem-provisioning',
    organizationId: 'demo-oem',
    at: new Date(),
    ...change,
  });
const refusal = (verdict: ChainVerdict) =>
  verdict.ok ? 'accepted' : [verdict.failure, ...verdict.problems.map(({ code }) => code)];
const names = (certificates: readonly Certificate[]) =>
  certificates.map(({ subject }) => /CN=([^,]+)/.exec(nameText(subject))?.[1]);
const accepted = (verdict: ChainVerdict) => {
  if (!verdict.ok) throw new Error(JSON.stringify(verdict));
  return { path: names(verdict.path), unknown: names(verdict.statusUnknown) };
};

/** The certificate of the newest issuer of an authority. */
async function authorityCertificate(id: string): Promise<Certificate> {
  const [newest] = await services.authorities.listIssuers(id);
  if (!newest?.certificate) throw new Error(id);
  return readCertificate(newest.certificate);
}

/** A hierarchy of somebody else: root, sub-CA and leaf. */
function foreignChain({
  root = generateKey(),
  rootName = nameOf('O=Other Maker', 'CN=Other OEM Root', 'DC=OEM'),
  ...changes
}: {
  readonly root?: TestKey;
  readonly rootName?: DistinguishedName;
  readonly leaf?: Partial<CertificateTemplate>;
  readonly anchor?: Partial<CertificateTemplate>;
} = {}) {
  const [subKey, leafKey] = [generateKey(), generateKey()];
  const subName = nameOf('O=Other Maker', 'CN=Other OEM Sub-CA', 'DC=OEM');
  const top = issue(
    templateFor(root, root, {
      ...{ subject: rootName, issuerName: writeName(rootName) },
      ...{ extensions: authorityExtensions(root, root), ...changes.anchor },
    }),
    root,
  );
  const sub = issue(
    templateFor(subKey, root, {
      ...{ subject: subName, issuerName: writeName(rootName) },
      extensions: authorityExtensions(subKey, root, 0),
    }),
    root,
  );
  const leaf = issue(
    templateFor(leafKey, subKey, {
      ...{ subject: nameOf('CN=WOTP0000000000001', 'DC=OEM'), issuerName: writeName(subName) },
      ...{ extensions: leafExtensions(leafKey, subKey), ...changes.leaf },
    }),
    subKey,
  );
  return { root: top, sub, leaf, subKey };
}

async function trusted(
  root: Certificate,
  organizationId: string,
  ...purposes: AnchorPurpose[]
): Promise<string> {
  const pem = toPem('CERTIFICATE', root.der);
  const { anchor } = await importAnchor(services, as(organizationId), pem);
  if (purposes.length > 0) await trustAnchor(services, as(organizationId), anchor.id, purposes);
  return anchor.id;
}

describe('a chain below a root of our own', () => {
  const path = (car: Certificate) => [
    ...names([car]),
    'Demo OEM Sub-CA 2',
    'Demo OEM Sub-CA 1',
    'Demo OEM Root CA',
  ];

  test('is accepted for its organization, with what stands above the leaf or without', async () => {
    const { certificate: car } = await newCar();
    const expected = { path: path(car), unknown: [] };
    expect(accepted(await validate(car))).toEqual(expected);
    const above = [
      await authorityCertificate('oem-sub-ca-1'),
      await authorityCertificate('oem-sub-ca-2'),
      await authorityCertificate('mo-sub-ca-2'),
    ];
    const candidates = above.map(({ der }) => der);
    expect(accepted(await validate(car, { candidates }))).toEqual(expected);
  });

  test('W8 is accepted for no other organization', async () => {
    const { certificate: car } = await newCar();
    const verdict = await validate(car, { organizationId: 'demo-mo' });
    expect(refusal(verdict)).toEqual(['chain', 'anchor-of-another']);
  });

  test('is accepted, too, below an imported root that has certified the root of another', async () => {
    const { certificate: car } = await newCar();
    const root = await authorityCertificate('oem-root');
    const [key, name] = [generateKey(), nameOf('O=Somebody', 'CN=Root above others')];
    const own = { subject: name, issuerName: writeName(name) };
    const top = issue(
      templateFor(key, key, { ...own, extensions: authorityExtensions(key, key) }),
      key,
    );
    const { publicKey } = root;
    if (!publicKey) throw new Error('a root without a key');
    const cross = issue(
      templateFor({ ...key, publicKey }, key, {
        ...{ subject: root.subject, issuerName: writeName(name) },
        extensions: authorityExtensions({ ...key, publicKey }, key),
      }),
      key,
    );
    const asked = { organizationId: 'demo-mo', candidates: [cross.der] };
    expect(refusal(await validate(car, asked))).toEqual(['chain', 'anchor-of-another']);
    const id = await trusted(top, 'demo-mo', 'oem-provisioning');
    expect(accepted(await validate(car, asked))).toEqual({
      path: [...path(car), 'Root above others'],
      unknown: ['Demo OEM Root CA'],
    });
    const roots = [fingerprint(root.der)];
    expect(refusal(await validate(car, { ...asked, roots }))).toEqual([
      'chain',
      'anchor-of-another',
    ]);
    expect(refusal(await validate(car, { ...asked, candidates: [] }))).toEqual([
      'chain',
      'anchor-of-another',
    ]);
    await removeAnchor(services, as('demo-mo'), id);
    expect(refusal(await validate(car, asked))).toEqual(['chain', 'anchor-of-another']);
  });

  test.each<ValidationPurpose>(['contract-validation', 'v2g'])(
    'is not accepted for %s, which its root is not for',
    async (purpose) => {
      const { certificate: car } = await newCar();
      expect(refusal(await validate(car, { purpose }))).toEqual(['chain', 'path-not-found']);
    },
  );

  test('is accepted while it is valid', async () => {
    const { certificate: car } = await newCar();
    const at = (milliseconds: number) => ({ at: new Date(milliseconds) });
    const { notBefore, notAfter } = car;
    const before = await validate(car, at(notBefore.getTime() - 1000));
    // Its authority may have begun in the same second.
    expect(new Set(refusal(before))).toEqual(new Set(['not-yet-valid']));
    expect((await validate(car, at(notBefore.getTime()))).ok).toBe(true);
    expect((await validate(car, at(notAfter.getTime()))).ok).toBe(true);
    const after = await validate(car, at(notAfter.getTime() + 1000));
    expect(refusal(after)).toEqual(['expired', 'expired']);
  });

  test('A2 ends with its leaf: held until released, revoked for good', async () => {
    const { id, certificate: car } = await newCar();
    const { certificate: another } = await newCar();
    await revoke(services, as('demo-oem'), id, 'certificateHold');
    const held = await validate(car);
    expect(refusal(held)).toEqual(['revoked', 'held']);
    await release(services, as('demo-oem'), id);
    expect((await validate(car)).ok).toBe(true);
    await revoke(services, as('demo-oem'), id, 'keyCompromise');
    expect(refusal(await validate(car))).toEqual(['revoked', 'revoked']);
    expect((await validate(another)).ok).toBe(true);
  });

  /** What a thief of a sub-CA's key makes, who writes the name of the issuer as it pleases. */
  async function stolen(
    rewritten = (name: DistinguishedName) => name,
    changes: Partial<CertificateTemplate> = {},
  ) {
    const authority = await services.authorities.findAuthority('oem-sub-ca-2');
    const issuer = authority && (await services.issuers.current(authority));
    if (!issuer) throw new Error('no issuer');
    const key = generateKey();
    const template = templateFor(key, key, {
      subject: nameOf('CN=DEMP9999999999999', 'DC=OEM'),
      issuerName: writeName(rewritten(issuer.certificate.subject)),
      notBefore: issuer.certificate.notBefore,
      notAfter: issuer.certificate.notAfter,
      extensions: {
        ...leafExtensions(key, key),
        authorityKeyIdentifier: { critical: false, value: issuer.facts.keyIdentifier },
      },
      ...changes,
    });
    const tbs = buildTbs(template);
    const signature = await issuer.signer.sign(tbs);
    return readCertificate(assembleCertificate(tbs, template.signatureAlgorithm, signature));
  }

  test('O2 a certificate that our key has signed and our records do not know is refused', async () => {
    expect(refusal(await validate(await stolen()))).toEqual(['revoked', 'not-issued']);
  });

  test('O2 it is refused, too, with the name of its issuer in other letters', async () => {
    const shouted = await stolen(({ attributes }) => ({
      attributes: attributes.map((each) => ({ ...each, value: each.value.toUpperCase() })),
    }));
    const candidates = [(await authorityCertificate('oem-sub-ca-2')).der];
    expect(refusal(await validate(shouted, { candidates }))).toEqual(['revoked', 'not-issued']);
  });

  test('O2 it is refused, too, with a serial number that our records do know', async () => {
    const { serialNumber } = (await newCar()).certificate;
    const reused = await stolen(undefined, { serialNumber });
    expect(refusal(await validate(reused))).toEqual(['revoked', 'not-issued']);
  });

  test('A2 one that is revoked is so before and after its time as well', async () => {
    const { id, certificate: car } = await newCar();
    await revoke(services, as('demo-oem'), id, 'keyCompromise');
    const [before, after] = [
      new Date(car.notBefore.getTime() - 1_000),
      new Date(car.notAfter.getTime() + 1_000),
    ];
    for (const at of [before, after]) {
      const verdict = await validate(car, { at });
      expect(verdict.ok ? 'accepted' : verdict.failure).toBe('revoked');
    }
  });

  test('every generation of root and sub-CA counts', async () => {
    const { certificate: old } = await newCar();
    for (const id of ['oem-root', 'oem-sub-ca-2']) {
      const authority = await services.authorities.findAuthority(id);
      if (!authority) throw new Error(id);
      await rollOver(services, as('demo-oem'), authority);
    }
    expect(accepted(await validate(old)).path).toEqual(path(old));
    const { certificate: car } = await newCar();
    expect(accepted(await validate(car)).path).toEqual([
      ...names([car]),
      'Demo OEM Sub-CA 2 G2',
      'Demo OEM Sub-CA 1',
      'Demo OEM Root CA',
    ]);
  });
});

describe('a chain below a root of another organization here', () => {
  test('is accepted if an authority of the organization stands in it', async () => {
    const { certificate: charger } = await issued(
      'demo-cpo',
      'iso15118-2-secc',
      'DE*DEM*E1',
      'cpo-sub-ca-2',
    );
    const question = { purpose: 'v2g', organizationId: 'demo-cpo' } as const;
    expect(accepted(await validate(charger, question)).path).toEqual([
      ...names([charger]),
      'Demo CPO Sub-CA 2',
      'Demo CPO Sub-CA 1',
      'Demo V2G Root CA',
    ]);
    // The operator of the root, too.
    expect((await validate(charger, { ...question, organizationId: 'demo-v2g' })).ok).toBe(true);
    for (const organizationId of ['demo-mo', 'demo-cps']) {
      const verdict = await validate(charger, { ...question, organizationId });
      expect(refusal(verdict), organizationId).toEqual(['chain', 'anchor-of-another']);
    }
  });

  test('is accepted for contracts, which may stand under a V2G root, and not for others’', async () => {
    const { certificate: charger } = await issued(
      'demo-cpo',
      'iso15118-2-secc',
      'DE*DEM*E2',
      'cpo-sub-ca-2',
    );
    const question = { purpose: 'contract-validation', organizationId: 'demo-mo' } as const;
    expect(refusal(await validate(charger, question))).toEqual(['chain', 'anchor-of-another']);
    const sub = { title: 'MO under V2G', profile: 'iso15118-2-mo-sub-ca-2', key: 'P-256' };
    await declareAuthority(services, as('demo-v2g'), {
      ...{ id: 'mo-under-v2g', organization: 'demo-mo', under: 'v2g-root', ...sub },
    });
    const contract = await issued(
      'demo-mo',
      'iso15118-2-contract',
      'DE8DMC12345678',
      'mo-under-v2g',
    );
    expect(accepted(await validate(contract.certificate, question)).path).toEqual([
      ...names([contract.certificate]),
      'MO under V2G',
      'Demo V2G Root CA',
    ]);
    const other = await validate(contract.certificate, { ...question, organizationId: 'demo-cpo' });
    expect(refusal(other)).toEqual(['chain', 'anchor-of-another']);
  });
});

describe('a chain below an imported root', () => {
  const nowhere = ['chain', 'path-not-found'];

  test('is accepted for the organization that trusts it, for that purpose, until it is removed', async () => {
    const { root, sub, leaf } = foreignChain();
    const candidates = [sub.der, root.der];
    expect(refusal(await validate(leaf, { candidates }))).toEqual(nowhere);
    const id = await trusted(root, 'demo-oem');
    expect(refusal(await validate(leaf, { candidates }))).toEqual(nowhere);
    await trustAnchor(services, as('demo-oem'), id, ['distribute', 'v2g', 'contract-validation']);
    expect(refusal(await validate(leaf, { candidates }))).toEqual(nowhere);
    await trustAnchor(services, as('demo-oem'), id, ['oem-provisioning']);
    expect(accepted(await validate(leaf, { candidates: [sub.der] }))).toEqual({
      path: ['WOTP0000000000001', 'Other OEM Sub-CA', 'Other OEM Root'],
      unknown: ['WOTP0000000000001', 'Other OEM Sub-CA'],
    });
    expect(refusal(await validate(leaf))).toEqual(nowhere);
    for (const organizationId of ['demo-mo', 'nobody']) {
      expect(refusal(await validate(leaf, { candidates, organizationId }))).toEqual(nowhere);
    }
    await removeAnchor(services, as('demo-oem'), id);
    expect(refusal(await validate(leaf, { candidates }))).toEqual(nowhere);
  });

  test('[V2G2-878] is found among roots of one name', async () => {
    const rootName = nameOf('O=Twin Maker', 'CN=Twin OEM Root', 'DC=OEM');
    const [first, second, third] = [
      foreignChain({ rootName }),
      foreignChain({ rootName }),
      foreignChain({ rootName }),
    ] as const;
    for (const { root } of [first, second]) await trusted(root, 'demo-oem', 'oem-provisioning');
    for (const { leaf, sub, root } of [first, second]) {
      const verdict = await validate(leaf, { candidates: [sub.der] });
      expect(verdict.ok && verdict.path.at(-1)?.der).toEqual(root.der);
    }
    const stranger = await validate(third.leaf, { candidates: [third.sub.der] });
    expect(refusal(stranger)).toEqual(['chain', 'signature-invalid']);
  });

  test('is found by the name however that is written', async () => {
    const root = generateKey();
    const { root: anchor, sub } = foreignChain({ root });
    await trusted(anchor, 'demo-oem', 'oem-provisioning');
    const [subKey, leafKey] = [generateKey(), generateKey()];
    const shouted = nameOf('O=OTHER  MAKER', 'CN=other oem root', 'DC=oem');
    const odd = issue(
      templateFor(subKey, root, {
        ...{ subject: sub.subject, issuerName: writeName(shouted) },
        extensions: authorityExtensions(subKey, root, 0),
      }),
      root,
    );
    const leaf = issue(
      templateFor(leafKey, subKey, {
        ...{ subject: nameOf('CN=X', 'DC=OEM'), issuerName: writeName(sub.subject) },
        extensions: leafExtensions(leafKey, subKey),
      }),
      subKey,
    );
    expect((await validate(leaf, { candidates: [odd.der] })).ok).toBe(true);
  });

  test('ends when the root ends', async () => {
    const notAfter = new Date('2030-01-01T00:00:00Z');
    const { root, sub, leaf } = foreignChain({ anchor: { notAfter } });
    await trusted(root, 'demo-oem', 'oem-provisioning');
    const at = (time: string) => validate(leaf, { candidates: [sub.der], at: new Date(time) });
    expect((await at('2029-12-31T00:00:00Z')).ok).toBe(true);
    expect(refusal(await at('2030-01-02T00:00:00Z'))).toEqual(['expired', 'expired']);
  });

  test('is refused with everything that is wrong with it', async () => {
    const extensions: CertificateTemplate['extensions'] = {
      basicConstraints: { critical: true, ca: false },
      keyUsage: { critical: true, usages: ['keyCertSign'] },
    };
    const { root, sub, leaf } = foreignChain({
      leaf: { notAfter: new Date('2026-02-01T00:00:00Z'), extensions },
    });
    await trusted(root, 'demo-oem', 'oem-provisioning');
    const verdict = await validate(leaf, { candidates: [sub.der] });
    expect(refusal(verdict)).toEqual(['chain', 'expired', 'key-usage']);
    if (verdict.ok) throw new Error('accepted');
    for (const { message } of verdict.problems)
      expect(message).toMatch(/^DC=OEM,CN=WOTP0000000000001: /);
  });

  test('[V2G2-009] has two sub-CAs, and a third one that is a cross-certificate, but no more', async () => {
    for (const [subCas, verdict] of [
      [3, 'accepted'],
      [4, ['chain', 'path-length']],
    ] as const) {
      const maker = newMaker({ subCas });
      await trusted(maker.root, 'demo-oem', 'oem-provisioning');
      const candidates = maker.subCas.map(({ der }) => der);
      const leaf = maker.vehicle('DEMP0000000000001');
      expect(refusal(await validate(leaf, { candidates }))).toEqual(verdict);
    }
  });

  test('reaches a leaf of ours through an authority that was certified there', async () => {
    const rootKey = generateKey();
    const rootName = nameOf('O=Other V2G', 'CN=Other V2G Root', 'DC=V2G');
    const { root } = foreignChain({ root: rootKey, rootName });
    await declareAuthority(services, as('demo-mo'), {
      ...{ id: 'mo-abroad', title: 'MO abroad', profile: 'iso15118-2-mo-sub-ca-2', key: 'P-256' },
      under: 'external',
    });
    const authority = await services.authorities.findAuthority('mo-abroad');
    const [awaiting] = await services.authorities.listIssuers('mo-abroad');
    if (!authority || !awaiting) throw new Error('no authority');
    const own = issue(
      {
        ...templateFor(rootKey, rootKey, { issuerName: writeName(rootName) }),
        subject: nameOf('C=DE', 'O=Demo MO', 'CN=MO abroad', 'DC=MO'),
        spki: awaiting.spki,
        extensions: {
          ...authorityExtensions(rootKey, rootKey, 0),
          subjectKeyIdentifier: { critical: false, value: new Uint8Array(8).fill(1) },
          authorityKeyIdentifier: {
            critical: false,
            value: root.extensions.subjectKeyIdentifier?.value ?? new Uint8Array(0),
          },
        },
      },
      rootKey,
    );
    const pem = [own, root].map(({ der }) => toPem('CERTIFICATE', der)).join('');
    await activateAuthority(services, as('demo-mo'), authority, pem);
    const contract = await issued('demo-mo', 'iso15118-2-contract', 'DE8DMC22345678', 'mo-abroad');
    const ask = () =>
      validate(contract.certificate, { purpose: 'contract-validation', organizationId: 'demo-mo' });
    expect(refusal(await ask())).toEqual(nowhere);
    await trusted(root, 'demo-mo', 'contract-validation');
    expect(accepted(await ask())).toEqual({
      path: [...names([contract.certificate]), 'MO abroad', 'Other V2G Root'],
      unknown: ['MO abroad'],
    });
    await revoke(services, as('demo-mo'), contract.id, 'superseded');
    expect(refusal(await ask())).toEqual(['revoked', 'revoked']);
  });
});

describe('what is no chain', () => {
  test('a root by itself is refused, of our own or imported', async () => {
    const root = await authorityCertificate('oem-root');
    expect(refusal(await validate(root))).toEqual(['chain', 'root-itself']);
    const { root: foreign } = foreignChain();
    await trusted(foreign, 'demo-oem', 'oem-provisioning');
    expect(refusal(await validate(foreign))).toEqual(['chain', 'root-itself']);
  });

  test('what cannot be read is named, each one', async () => {
    const { certificate: car } = await newCar();
    const bad = new Uint8Array([0x30, 0x80]);
    const verdict = await validate(car, {
      certificate: new Uint8Array(0),
      candidates: [car.der, bad, new Uint8Array(20_000)],
    });
    expect(refusal(verdict)).toEqual(['chain', ...Array(3).fill('certificate-unreadable')]);
    if (verdict.ok) throw new Error('accepted');
    expect(verdict.problems.map(({ message }) => /^(.*) cannot/.exec(message)?.[1])).toEqual([
      'The certificate',
      'Certificate 2 of the chain',
      'Certificate 3 of the chain',
    ]);
  });

  test('W1 more certificates than are looked at are refused unread', async () => {
    const { certificate: car } = await newCar();
    const candidates = Array<Uint8Array>(MAX_CANDIDATES + 1).fill(new Uint8Array(0));
    const verdict = await validate(car, { candidates });
    expect(refusal(verdict)).toEqual(['chain', 'too-many-certificates']);
    const sub = await authorityCertificate('oem-sub-ca-2');
    const most = Array<Uint8Array>(MAX_CANDIDATES).fill(sub.der);
    expect((await validate(car, { candidates: most })).ok).toBe(true);
  });

  test('A3 chains with a bit changed end in a verdict, never in acceptance', async () => {
    const { certificate: car } = await newCar();
    const { root, sub, leaf } = foreignChain();
    await trusted(root, 'demo-oem', 'oem-provisioning');
    const draw = drawing('bits of chains');
    for (let round = 0; round < 300; round++) {
      const [end, candidates] = round % 2 === 0 ? [car, []] : [leaf, [sub.der]];
      const certificate = Uint8Array.from(end.der);
      const at = draw(certificate.length) - 1;
      certificate[at] = (certificate[at] ?? 0) ^ (1 << (draw(8) - 1));
      const verdict = await validate(end, { certificate, candidates });
      expect(verdict.ok, `seed ${seed}, octet ${at}`).toBe(false);
    }
  });
});

/** Last: the authorities of the demo's vehicle maker and operator are not active any more then. */
describe('A2 a chain with an authority that is revoked', () => {
  const revokeIssuer = async (organization: string, certificate: Certificate) => {
    const page = await services.certificates.listCertificates({}, { limit: 200 });
    const record = page.items.find(({ der }) => der && Buffer.compare(der, certificate.der) === 0);
    if (!record) throw new Error('no such certificate');
    await revoke(services, as(organization), record.id, 'cACompromise');
  };

  test('is refused, and so is what the authority has signed', async () => {
    const { certificate: car } = await newCar();
    await revokeIssuer('demo-oem', await authorityCertificate('oem-sub-ca-2'));
    const verdict = await validate(car);
    expect(refusal(verdict)).toEqual(['revoked', 'authority-revoked', 'revoked']);
    // What the generation before has signed goes on.
    const [, before] = await services.authorities.listIssuers('oem-sub-ca-2');
    expect(before?.state).toBe('retired');
  });

  test('is refused below a revoked root, for whoever has imported that, too', async () => {
    const { certificate: contract } = await issued(
      'demo-mo',
      'iso15118-2-contract',
      'DE8DMC32345678',
      'mo-sub-ca-2',
    );
    const ask = (organizationId: string) =>
      validate(contract, { purpose: 'contract-validation', organizationId });
    const root = await authorityCertificate('mo-root');
    await trusted(root, 'demo-cpo', 'contract-validation');
    for (const organization of ['demo-mo', 'demo-cpo']) {
      expect((await ask(organization)).ok, organization).toBe(true);
    }
    await revokeIssuer('demo-mo', root);
    for (const organization of ['demo-mo', 'demo-cpo']) {
      const [failure, ...codes] = refusal(await ask(organization));
      expect([failure, codes], organization).toEqual(['revoked', ['authority-revoked']]);
    }
  });

  test('is refused below it, too, with its name in other letters', async () => {
    const authority = await services.authorities.findAuthority('v2g-root');
    const issuer = authority && (await services.issuers.current(authority));
    if (!issuer) throw new Error('no issuer');
    const { certificate: root } = issuer;
    await trusted(root, 'demo-cpo', 'contract-validation');
    const attributes = root.subject.attributes.map((each) => ({
      ...each,
      value: each.value.toUpperCase(),
    }));
    // What a thief of the root's key makes.
    const [subKey, leafKey] = [generateKey(), generateKey()];
    const tbs = buildTbs(
      templateFor(subKey, subKey, {
        ...{ subject: nameOf('CN=Made up'), issuerName: writeName({ attributes }) },
        notBefore: root.notBefore,
        extensions: {
          ...authorityExtensions(subKey, subKey),
          authorityKeyIdentifier: { critical: false, value: issuer.facts.keyIdentifier },
        },
      }),
    );
    const signed = assembleCertificate(tbs, 'ecdsa-with-SHA256', await issuer.signer.sign(tbs));
    const sub = readCertificate(signed);
    const leaf = issue(
      templateFor(leafKey, subKey, {
        ...{ subject: nameOf('CN=DE8DMC99999999'), issuerName: sub.subjectDer },
        extensions: leafExtensions(leafKey, subKey),
      }),
      subKey,
    );
    const ask = () =>
      validate(leaf, {
        ...{ candidates: [sub.der], purpose: 'contract-validation', organizationId: 'demo-cpo' },
      });
    expect(refusal(await ask())).toEqual(['revoked', 'not-issued']);
    await revokeIssuer('demo-v2g', root);
    expect(refusal(await ask())).toEqual(['revoked', 'authority-revoked']);
  });
});
