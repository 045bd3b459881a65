/** Who signs contract data for cars: made, chosen, renewed and given up as the authorities say. */

import { verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { namesRoot } from '../../src/iso15118/root-certificate-ids.ts';
import {
  type Certificate,
  fingerprint,
  readCertificate,
  verifyIssuedBy,
} from '../../src/pki/certificate.ts';
import { DerReader } from '../../src/pki/der.ts';
import { attributeValue, nameText, readName } from '../../src/pki/names.ts';
import { toPem } from '../../src/pki/pem.ts';
import { importPublicKey, readPublicKey } from '../../src/pki/public-key.ts';
import { nodeDigest, signatureAlgorithmFor } from '../../src/pki/signature-algorithm.ts';
import { activateAuthority } from '../../src/services/activation.ts';
import { rollOver } from '../../src/services/authorities.ts';
import { CPS_SIGNERS_JOB, type CpsStandard } from '../../src/services/cps-records.ts';
import { openCps, type ReadyCps, visibleCps } from '../../src/services/cps-signers.ts';
import { parseHierarchy } from '../../src/services/hierarchies.ts';
import { release, revoke } from '../../src/services/revocation.ts';
import { hasNamesake } from '../../src/services/root-namesakes.ts';
import { type Database, openDatabase } from '../../src/storage/database.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { capture } from '../support/captured-log.ts';
import { demoDeclarations } from '../support/declarations.ts';
import { type ForeignRoot, foreignRoot } from '../support/foreign-roots.ts';
import { authorityExtensions, generateKey, issue, templateFor } from '../support/issuing.ts';
import { noOpenssl, opensslVerify } from '../support/other-tools.ts';
import { type PreparedDatabase, preparedBackends } from '../support/prepared-databases.ts';
import { doJobs, type Services, servicesOver, start } from '../support/services.ts';

const DAY = 86_400_000;
const begin = new Date('2026-11-22T10:00:00Z');
const administrator = { actor: 'client:a', organizationId: 'instance', roles: ['super'] };

const { profiles } = demoDeclarations();
function hierarchyOf(file: string, change: (document: Document) => void = () => undefined) {
  const document = parse(readFileSync(file, 'utf8'));
  change(document);
  const parsed = parseHierarchy(document, file, profiles);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.hierarchy;
}
interface Document {
  organizations: Record<string, unknown>;
  authorities: Record<string, unknown>;
}

const cpsRow = { profile: 'iso15118-2-cps-sub-ca-2', key: 'P-256' };
/** The demo with another CPS below its root, and one whose root is somebody else's. */
const demo = hierarchyOf('ca/demo.yaml', ({ authorities }) => {
  authorities['other-cps'] = {
    ...cpsRow,
    title: 'A CPS of another organization with a title as long as may be',
    organization: 'demo-cpo',
    under: 'v2g-root',
  };
  (authorities['other-cps'] as { title: string }).title =
    'A CPS of the CPO with quite a long title'.padEnd(60, '!');
  authorities['external-cps'] = {
    ...cpsRow,
    title: 'External CPS',
    organization: 'demo-cps',
    under: 'external',
  };
});

const serialOf = ({ serialNumber }: Certificate) =>
  BigInt(`0x${Buffer.from(serialNumber).toString('hex')}`);
const idOf = (root: Certificate) => ({
  issuerName: nameText(root.issuer),
  serialNumber: serialOf(root),
});

/** Whether the signer signs, and its chain leads to the root, by our own code and OpenSSL's. */
async function expectSound(cps: ReadyCps | undefined, at: Date): Promise<Certificate> {
  if (!cps) throw new Error('there is no CPS');
  const leaf = readCertificate(cps.certificate);
  const message = Buffer.from('what a car is to install');
  const signature = await cps.signer.sign(message);
  const { publicKey } = leaf;
  if (!publicKey) throw new Error('a leaf without a key');
  const digest = nodeDigest(signatureAlgorithmFor(publicKey.algorithm));
  expect(verify(digest, message, importPublicKey(publicKey), signature)).toBe(true);

  const chain = [leaf, ...cps.subCertificates.map(readCertificate), cps.root];
  for (const [index, child] of chain.slice(0, -1).entries()) {
    const above = chain[index + 1]?.publicKey;
    expect(above && verifyIssuedBy(child, above)).toBe(true);
  }
  expect(attributeValue(leaf.subject, 'DC')).toBe('CPS');
  expect(cps.notAfter).toEqual(leaf.notAfter);
  if (!noOpenssl) {
    const pem = (der: Uint8Array) => toPem('CERTIFICATE', der);
    const seconds = String(Math.floor(at.getTime() / 1000));
    const { accepted, output } = await opensslVerify(
      ['-x509_strict', '-purpose', 'any', '-attime', seconds],
      {
        certificate: pem(cps.certificate),
        issuers: cps.subCertificates.map(pem),
        root: pem(cps.root.der),
      },
    );
    expect(accepted, output).toBe(true);
  }
  return leaf;
}

describe.each(preparedBackends)('on $name', (backend) => {
  let empty: PreparedDatabase;
  let prepared: PreparedDatabase;
  let database: Database;
  let services: Services;
  const opened: Database[] = [];
  let now = begin;
  const clock = () => now;

  const processOf = async (processId: string, hierarchy = demo) => {
    // SQLite has one process only: another is played by services that remember nothing.
    const [shared] = backend.name === 'SQLite' ? opened : [];
    const own = shared ?? (await openDatabase(prepared.url, { clock, processId }));
    if (!shared) opened.push(own);
    return servicesOver(own, {
      declarations: { ...demoDeclarations(), hierarchy },
      ...{ dataDir: prepared.dataDir, vault: 'known', processId, clock },
    });
  };
  const closeAll = async () => {
    for (const own of opened.splice(0)) await own.close();
    await prepared?.remove();
  };

  beforeAll(async () => {
    empty = await backend.empty();
    prepared = empty;
    services = await processOf('preparing');
    await start(services);
    // CRLs and OCSP signers of all these issuers are nothing to wait for here.
    await services.database.write(({ knex }) =>
      knex('jobs').whereNot('name', CPS_SIGNERS_JOB).update({ due_at: '2100-01-01T00:00:00.000Z' }),
    );
    for (const own of opened.splice(0)) await own.close();
  });
  afterAll(() => empty?.remove());

  /** Each test has the hierarchy to itself, before anybody has made a signer. */
  const scene = (name: string, play: () => Promise<void>, hierarchy?: typeof demo) =>
    test(name, async () => {
      now = begin;
      prepared = hierarchy ? await backend.empty() : await empty.copy();
      try {
        services = await processOf('process-1', hierarchy);
        database = services.database;
        if (hierarchy) await start(services);
        await play();
      } finally {
        await closeAll();
      }
    });

  const rootOf = async (authorityId: string, generation = 1): Promise<Certificate> => {
    const issuers = await services.authorities.listIssuers(authorityId);
    const issuer = issuers.find((one) => one.generation === generation);
    if (!issuer?.certificate) throw new Error(`${authorityId} has no certificate`);
    return readCertificate(issuer.certificate);
  };
  const open = (
    roots: readonly Certificate[],
    standard: CpsStandard = 'iso15118-2',
    of = services,
  ) => openCps(of, { standard, rootCertificateIds: roots.map(idOf) });
  const everyJob = async (of = services) => {
    while ((await doJobs(of)) > 0);
  };
  /** Common names of the CPS certificates that are there. */
  const leaves = async (): Promise<string[]> => {
    const rows: { subject: string }[] = await database
      .reader('certificates')
      .where({ state: 'issued' })
      .whereIn('profile', ['iso15118-2-cps', 'iso15118-20-cps'])
      .orderBy('subject')
      .select('subject');
    return rows.map(({ subject }) => /CN=([^,]*)/.exec(subject)?.[1] ?? subject);
  };
  const certificateOf = async (authorityId: string): Promise<string> => {
    const [issuer] = await services.authorities.listIssuers(authorityId);
    return issuer?.certificateId ?? '';
  };
  /** A day's jobs have been done by then, as they are in a service that runs. */
  const pass = async (days: number) => {
    now = new Date(now.getTime() + days * DAY);
    await everyJob();
  };

  scene('nobody made one before it is needed: then it is there, for all who ask', async () => {
    const root = await rootOf('v2g-root');
    expect(await leaves()).toEqual([]);
    const all = await Promise.all(Array.from({ length: 20 }, () => open([root])));
    const leaf = await expectSound(all[0], now);
    expect(new Set(all.map((cps) => cps?.certificateId)).size).toBe(1);
    expect(await leaves()).toHaveLength(2);
    expect((leaf.notAfter.getTime() - now.getTime()) / DAY).toBeCloseTo(90, 0);
    expect(all[0]?.subCertificates.length).toBeLessThanOrEqual(2);

    // The path that issues certificates has its audit entries.
    const [entry] = await database
      .reader('audit_entries')
      .where({ action: 'certificate.issued', subject: all[0]?.certificateId })
      .select('actor', 'organization_id');
    expect(entry).toEqual({ actor: 'evpki', organization_id: all[0]?.organizationId });
    // K1: the key is there, sealed.
    const pkcs8 = Buffer.from('06072a8648ce3d0201', 'hex');
    const keys: { envelope: Buffer }[] = await database.reader('keys').select('envelope');
    expect(keys.filter(({ envelope }) => envelope.includes(pkcs8))).toEqual([]);
  });

  scene('a service that runs has made them already', async () => {
    await everyJob();
    expect(await leaves()).toEqual([
      `${'A CPS of the CPO with quite a long title'.padEnd(58, '!')} CPS 1`,
      'Demo CPS Sub-CA 2 CPS 1',
    ]);
    const root = await rootOf('v2g-root');
    await expectSound(await open([root]), now);
    await everyJob();
    expect(await leaves()).toHaveLength(2);
  });

  scene('only below a root that the car has named, in whatever form', async () => {
    const root = await rootOf('v2g-root');
    const cps = (issuerName: string, serialNumber = serialOf(root)) =>
      openCps(services, {
        standard: 'iso15118-2',
        rootCertificateIds: [
          { issuerName: 'CN=Some other root', serialNumber: 1n },
          { issuerName, serialNumber },
        ],
      });
    expect(await cps('/C=DE/O=Demo V2G Operator/CN=Demo V2G Root CA/DC=V2G')).toBeDefined();
    expect(await cps('DC=V2G, CN=Demo V2G Root CA, O=Demo V2G Operator, C=DE')).toBeDefined();
    expect(await cps(nameText(root.issuer), serialOf(root) + 1n)).toBeUndefined();
    expect(await cps('CN=Demo V2G Root CA')).toBeUndefined();
    expect(await open([])).toBeUndefined();
    expect(await open([root], 'iso15118-20')).toBeUndefined();
    // A root of the house that is above no CPS.
    expect(await open([await rootOf('mo-root')])).toBeUndefined();
  });

  scene('of several the one that is valid longest, whoever has it', async () => {
    const root = await rootOf('v2g-root');
    await everyJob();
    const [own, other] = ['cps-sub-ca-2', 'other-cps'];
    await pass(61);
    const before = await open([root]);
    expect(before && (await leaves()).length).toBe(4);
    // The one that is left has no match.
    await revoke(services, administrator, before?.certificateId ?? '', 'superseded');
    const after = await open([root]);
    expect([before?.authorityId, after?.authorityId].sort()).toEqual([own, other].sort());
    const organizations = { [own]: 'demo-cps', [other]: 'demo-cpo' } as Record<string, string>;
    expect(after?.organizationId).toBe(organizations[after?.authorityId ?? '']);
    expect(after?.notAfter).toEqual(before?.notAfter);
  });

  scene(
    'renewed when a third of its life is left; the one before stays good to its end',
    async () => {
      await revoke(services, administrator, await certificateOf('other-cps'), 'superseded');
      const root = await rootOf('v2g-root');
      await everyJob();
      const first = await open([root]);
      await pass(59);
      expect(await leaves()).toEqual(['Demo CPS Sub-CA 2 CPS 1']);
      expect((await open([root]))?.certificateId).toBe(first?.certificateId);

      await pass(2);
      expect(await leaves()).toEqual(['Demo CPS Sub-CA 2 CPS 1', 'Demo CPS Sub-CA 2 CPS 2']);
      const second = await open([root]);
      await expectSound(second, now);
      expect(second?.certificateId).not.toBe(first?.certificateId);
      // Overlap: what the first one signed a moment ago can still be verified.
      await expectSound(first, now);
      expect((await services.cpsSigners.signersAt(now)).map((one) => one.certificateId)).toEqual([
        second?.certificateId,
        first?.certificateId,
      ]);
      // Should the new one fall away, the old one is there.
      await revoke(services, administrator, second?.certificateId ?? '', 'certificateHold');
      expect((await open([root]))?.certificateId).toBe(first?.certificateId);
      await release(services, administrator, second?.certificateId ?? '');
      expect((await open([root]))?.certificateId).toBe(second?.certificateId);

      await pass(30);
      expect((await services.cpsSigners.signersAt(now)).map((one) => one.certificateId)).toEqual([
        second?.certificateId,
      ]);
      // The key that has ended is not kept open.
      expect((await open([root]))?.certificateId).toBe(second?.certificateId);
      expect(services.cpsMemory.opened.size).toBe(1);
    },
  );

  scene('down for longer than it lives: made anew at first use', async () => {
    const root = await rootOf('v2g-root');
    await open([root]);
    now = new Date(now.getTime() + 200 * DAY);
    await expectSound(await open([root]), now);
  });

  scene('one that is revoked or held is used no more, and replaced', async () => {
    await revoke(services, administrator, await certificateOf('other-cps'), 'superseded');
    const root = await rootOf('v2g-root');
    const seen = new Set<string>();
    for (const reason of ['keyCompromise', 'superseded', 'certificateHold'] as const) {
      const cps = await open([root]);
      await expectSound(cps, now);
      expect(seen).not.toContain(cps?.certificateId);
      seen.add(cps?.certificateId ?? '');
      await revoke(services, administrator, cps?.certificateId ?? '', reason);
    }
    await expectSound(await open([root]), now);
    expect(services.cpsMemory.opened.size).toBe(1);
  });

  scene('below a revoked authority there is none, and none is made', async () => {
    const root = await rootOf('v2g-root');
    const cps = await open([root]);
    await revoke(services, administrator, await certificateOf('cps-sub-ca-1'), 'cACompromise');
    expect((await open([root]))?.authorityId).toBe('other-cps');
    await revoke(services, administrator, await certificateOf('other-cps'), 'cACompromise');
    const before = await leaves();
    expect(await open([root])).toBeUndefined();
    await pass(61);
    expect(await open([root])).toBeUndefined();
    expect(await leaves()).toEqual(before);
    expect(cps).toBeDefined();
  });

  scene('A2 after a rollover the new generation goes on; the former signs to its end', async () => {
    await revoke(services, administrator, await certificateOf('other-cps'), 'superseded');
    const root = await rootOf('v2g-root');
    const roll = async (id: string) => {
      const authority = await services.authorities.findAuthority(id);
      if (!authority) throw new Error(`there is no ${id}`);
      await rollOver(services, administrator, authority);
    };
    await everyJob();
    const first = await open([root]);
    await pass(1);
    await roll('cps-sub-ca-2');
    // Nothing is made yet, and nobody has to wait.
    expect((await open([root]))?.certificateId).toBe(first?.certificateId);
    await everyJob();
    const second = await open([root]);
    expect(attributeValue((await expectSound(second, now)).issuer, 'CN')).toBe(
      'Demo CPS Sub-CA 2 G2',
    );
    expect(await leaves()).toEqual(['Demo CPS Sub-CA 2 CPS 1', 'Demo CPS Sub-CA 2 CPS 2']);

    // A new root: cars that know the former one only are served for as long as it goes.
    await pass(1);
    for (const id of ['v2g-root', 'cps-sub-ca-1', 'cps-sub-ca-2']) await roll(id);
    const newRoot = await rootOf('v2g-root', 2);
    const third = await open([newRoot]);
    await expectSound(third, now);
    expect(third?.root.der).toEqual(newRoot.der);
    expect((await open([root]))?.certificateId).toBe(second?.certificateId);
    expect((await open([root, newRoot]))?.certificateId).toBe(third?.certificateId);
    await pass(91);
    expect(await open([root])).toBeUndefined();
    await expectSound(await open([root, newRoot]), now);
  });

  /**
   * Has the external authority certified below somebody's root.
   * @param between certificates that stand between the two
   */
  async function activateBelow(
    { key: rootKey, certificate: root }: ForeignRoot,
    between = 0,
    id = 'external-cps',
  ) {
    const [issuer] = await services.authorities.listIssuers(id);
    const authority = await services.authorities.findAuthority(id);
    if (!issuer || !authority) throw new Error(`${id} is not there`);
    const spki = readPublicKey(issuer.spki);
    if (!spki.ok) throw new Error(`${id} has no key`);
    const notAfter = new Date('2028-01-01T00:00:00Z');
    const above = [root];
    let [signer, issuerName] = [rootKey, root.subjectDer];
    for (let index = 0; index < between; index += 1) {
      const key = generateKey();
      const subject = { attributes: [{ type: 'CN', value: `Foreign Sub-CA ${index}` }] } as const;
      const extensions = authorityExtensions(key, signer);
      above.unshift(
        issue(templateFor(key, signer, { issuerName, subject, extensions, notAfter }), signer),
      );
      [signer, issuerName] = [key, above[0]?.subjectDer ?? issuerName];
    }
    const subject = { publicKey: spki.value, privateKey: signer.privateKey };
    const signed = issue(
      templateFor(subject, signer, {
        issuerName,
        subject: readName(DerReader.over(issuer.subject, 4_096)),
        extensions: authorityExtensions(subject, signer, 0),
        notAfter,
      }),
      signer,
    );
    const chain = [signed, ...above].map(({ der }) => der);
    const pem = chain.map((der) => toPem('CERTIFICATE', der)).join('');
    await activateAuthority(services, administrator, authority, pem);
    return chain.slice(0, -1);
  }

  scene('below the root of somebody else', async () => {
    const foreign = foreignRoot();
    const { certificate: root } = foreign;
    expect(await open([root])).toBeUndefined();
    const chain = await activateBelow(foreign);
    const cps = await open([root]);
    await expectSound(cps, now);
    expect(cps?.authorityId).toBe('external-cps');
    expect(cps?.root.der).toEqual(root.der);
    expect(cps?.subCertificates).toEqual(chain);
  });

  describe('where nobody names a root', () => {
    const standard = 'iso15118-2';
    const of = (organizationId?: string, below?: Uint8Array) =>
      openCps(services, {
        standard,
        ...(organizationId ? { preferring: { organizationId, ...(below ? { below } : {}) } } : {}),
      });

    scene('its own comes first, the longest valid otherwise', async () => {
      await everyJob();
      for (const organizationId of ['demo-cps', 'demo-cpo']) {
        expect((await of(organizationId))?.organizationId).toBe(organizationId);
      }
      now = new Date(now.getTime() + DAY);
      await revoke(
        services,
        administrator,
        (await of('demo-cpo'))?.certificateId ?? '',
        'superseded',
      );
      await everyJob();
      const newer = await open([await rootOf('v2g-root')]);
      expect((await of('demo-mo'))?.certificateId).toBe(newer?.certificateId);
      expect((await of('demo-cps'))?.organizationId).toBe('demo-cps');
    });

    scene('never one below a root that some other organization has brought', async () => {
      const foreign = foreignRoot();
      await activateBelow(foreign);
      for (const id of ['cps-sub-ca-1', 'other-cps']) {
        await revoke(services, administrator, await certificateOf(id), 'cACompromise');
      }
      await everyJob();
      const [below] = (await open([foreign.certificate]))?.subCertificates ?? [];
      for (const whose of [undefined, 'demo-mo', 'demo-cpo']) {
        expect(await of(whose, below)).toBeUndefined();
      }
      expect((await of('demo-cps'))?.authorityId).toBe('external-cps');
      const rootSha256 = fingerprint(foreign.certificate.der);
      expect((await openCps(services, { standard, rootSha256 }))?.authorityId).toBe('external-cps');
      expect((await open([foreign.certificate]))?.authorityId).toBe('external-cps');
    });

    scene(
      'below the root of the contract before any other',
      async () => {
        now = new Date(now.getTime() + DAY);
        const first = await of('demo-mo');
        const roots = [await rootOf('v2g-root'), await rootOf('second-root')];
        for (const root of roots) {
          const cps = await open([root]);
          const below = cps?.subCertificates.at(-1);
          expect((await of('demo-mo', below))?.root.der).toEqual(root.der);
        }
        // What is below none of them is for the longest valid.
        const elsewhere = foreignRoot().certificate.der;
        expect((await of('demo-mo', elsewhere))?.certificateId).toBe(
          (await of('demo-mo'))?.certificateId,
        );
        expect(first).toBeDefined();
      },
      hierarchyOf('ca/demo.yaml', ({ authorities }) => {
        const { 'v2g-root': root } = authorities;
        authorities['second-root'] = { ...(root as object), title: 'Second V2G Root CA' };
        authorities['second-cps'] = {
          ...cpsRow,
          ...{ title: 'Second CPS', organization: 'demo-cpo', under: 'second-root' },
        };
      }),
    );
  });

  const withTwo = hierarchyOf('ca/demo.yaml', ({ authorities }) => {
    for (const id of ['external-cps', 'external-cps-2']) {
      const title = `The ${id}`;
      authorities[id] = { ...cpsRow, title, organization: 'demo-cps', under: 'external' };
    }
  });
  scene(
    'not below a root that somebody has given the name and number of another',
    async () => {
      const root = await rootOf('v2g-root');
      await everyJob();
      await pass(30);
      const { attributes } = root.subject;
      const namesake = { code: 'activation-root-namesake' };
      const { serialNumber } = root;
      // Cars write names in any order, so that one in another order is the same to them.
      for (const subject of [{ attributes }, { attributes: [...attributes].reverse() }]) {
        const impostor = foreignRoot({ subject, serialNumber });
        await expect(activateBelow(impostor)).rejects.toMatchObject({ violations: [namesake] });
      }
      await everyJob();
      const cps = await open([root]);
      await expectSound(cps, now);
      expect(cps?.root.der).toEqual(root.der);
      // The number alone, or the name alone, is nothing that a car would take for the root.
      await activateBelow(foreignRoot({ serialNumber }));
      const renewed = foreignRoot({ subject: { attributes } });
      await activateBelow(renewed, 0, 'external-cps-2');
      expect((await open([root]))?.root.der).toEqual(root.der);
      expect((await open([renewed.certificate]))?.authorityId).toBe('external-cps-2');
    },
    withTwo,
  );

  scene(
    'of two activated at once below roots of one name and number one stands',
    async () => {
      const first = foreignRoot();
      const { subject, serialNumber } = first.certificate;
      const second = foreignRoot({ subject, serialNumber });
      // The check before it has seen neither.
      const blind = { ...services.authorities, externalChains: async () => [] };
      services = { ...services, authorities: blind };
      await activateBelow(first);
      const namesake = { code: 'activation-root-namesake' };
      await expect(activateBelow(second, 0, 'external-cps-2')).rejects.toMatchObject({
        violations: [namesake],
      });
      expect((await open([first.certificate]))?.root.der).toEqual(first.certificate.der);
    },
    withTwo,
  );

  scene(
    'not below a root whose name a car could have meant by that of another',
    async () => {
      const named = (O: string) => ({ attributes: [{ type: 'O', value: O }, ...cn] });
      const cn = [{ type: 'CN', value: 'Root' }];
      const [plain, ...others] = [
        'Operators, Inc.',
        // As software writes the first, and as other software reads what stands there.
        ...['Operators\\, Inc.', 'Operators\\2C Inc.', '"Operators, Inc."'],
      ] as [string, ...string[]];
      for (const other of others) {
        for (const [first, second] of [
          [plain, other],
          [other, plain],
        ] as const) {
          const one = foreignRoot({ subject: named(first) }).certificate;
          const { serialNumber } = one;
          const impostor = foreignRoot({ subject: named(second), serialNumber });
          const known = { ...services.authorities, externalChains: async () => [[one.der]] };
          expect(await hasNamesake(known, impostor.certificate), second).toBe(true);
          expect(await hasNamesake(known, one)).toBe(false);
          const elsewhere = foreignRoot({ subject: named(second) }).certificate;
          expect(await hasNamesake(known, elsewhere)).toBe(false);
        }
      }
      const { certificate } = foreignRoot({ subject: named(plain) });
      const [escaped = ''] = others;
      const { serialNumber } = certificate;
      const impostor = foreignRoot({ subject: named(escaped), serialNumber });
      // What the car writes means the one, and would mean the other.
      expect(nameText(certificate.issuer)).toContain(escaped);
      expect(namesRoot(idOf(certificate), impostor.certificate)).toBe(true);
      await activateBelow(foreignRoot({ subject: named(plain), serialNumber }));
      await expect(activateBelow(impostor, 0, 'external-cps-2')).rejects.toMatchObject({
        violations: [{ code: 'activation-root-namesake' }],
      });
    },
    withTwo,
  );

  scene(
    'two below one root, of which one has been activated before',
    async () => {
      const foreign = foreignRoot();
      await activateBelow(foreign);
      await activateBelow(foreign, 1, 'external-cps-2');
      await expectSound(await open([foreign.certificate]), now);
      expect(await services.authorities.externalChains()).toHaveLength(2);
    },
    withTwo,
  );

  scene('as many certificates below that root as a message has room for', async () => {
    const foreign = foreignRoot();
    const chain = await activateBelow(foreign, 3);
    const cps = await open([foreign.certificate]);
    await expectSound(cps, now);
    expect(cps?.subCertificates).toEqual(chain);
  });

  scene(
    'one more, and there is none: no message could carry it, which is logged once',
    async () => {
      const foreign = foreignRoot();
      await activateBelow(foreign, 4);
      const log = capture();
      const logging = { ...services, logger: log.logger };
      for (let round = 0; round < 3; round += 1) {
        expect(await open([foreign.certificate], 'iso15118-2', logging)).toBeUndefined();
      }
      await everyJob(logging);
      expect((await visibleCps(logging)).map(({ authorityId }) => authorityId)).not.toContain(
        'external-cps',
      );
      const said = log.lines.filter((line) => line.includes('cps-chain-unfitting'));
      expect(said.map((line) => JSON.parse(line).detail)).toEqual([
        '5 certificates stand between leaf and root; iso15118-2 has room for 0 to 4',
      ]);
      expect(await open([await rootOf('v2g-root')])).toBeDefined();
    },
  );

  scene(
    'two processes at once: whichever is made is good, and both use the same from then on',
    async () => {
      const other = await processOf('process-2');
      const root = await rootOf('v2g-root');
      const both = await Promise.all([open([root]), open([root], 'iso15118-2', other)]);
      for (const cps of both) await expectSound(cps, now);
      const names = await leaves();
      expect(new Set(names).size).toBe(names.length);
      expect(names.length).toBeLessThanOrEqual(4);
      const settled = await Promise.all([open([root]), open([root], 'iso15118-2', other)]);
      expect(settled[0]?.certificateId).toBe(settled[1]?.certificateId);
      await Promise.all([everyJob(), everyJob(other)]);
      expect(await leaves()).toEqual(names);

      // Renewal is a job, which one of them has.
      now = new Date(now.getTime() + 61 * DAY);
      await Promise.all([everyJob(), everyJob(other)]);
      expect(await leaves()).toHaveLength(names.length + 2);
      const renewed = await Promise.all([open([root]), open([root], 'iso15118-2', other)]);
      expect(renewed[0]?.certificateId).toBe(renewed[1]?.certificateId);
      expect(renewed[0]?.certificateId).not.toBe(settled[0]?.certificateId);
    },
  );

  scene(
    'ISO 15118-20: the root tells P-521 from Ed448',
    async () => {
      for (const [id, algorithm] of [
        ['v2g-root', 'P-521'],
        ['v2g-root-ed448', 'Ed448'],
      ] as const) {
        const root = await rootOf(id);
        expect(await open([root])).toBeUndefined();
        const cps = await open([root], 'iso15118-20');
        await expectSound(cps, now);
        expect(cps?.signer.algorithm).toBe(algorithm);
      }
    },
    hierarchyOf('ca/iso15118-20.yaml'),
  );
});

describe('the whole service', () => {
  let evpki: TestApp;
  let credentials: Record<string, string>;
  let ahead = 0;
  beforeAll(async () => {
    evpki = await startTestApp({ clock: () => new Date(Date.now() + ahead) });
    const client = { name: 'later', organization: 'demo-cps', roles: ['super'] };
    credentials = (await evpki.call('POST', '/v1/api-clients', client)).json;
  });
  afterAll(() => evpki?.close());

  interface Listed {
    readonly organization: string;
    readonly state: string;
    readonly subject: string;
  }
  const listed = async (count: number): Promise<Listed[]> => {
    const authorization = `Bearer ${await evpki.renewedToken(credentials)}`;
    for (const until = Date.now() + 40_000; ; ) {
      const path = '/v1/certificates?profile=iso15118-2-cps';
      const { json, text } = await evpki.call('GET', path, undefined, { authorization });
      const issued = json.items?.filter(({ state }: Listed) => state === 'issued');
      if (issued?.length === count) return issued;
      expect(Date.now(), text).toBeLessThan(until);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };

  test('makes the signer by itself, and another in time', { timeout: 120_000 }, async () => {
    const [first] = await listed(1);
    expect(first?.organization).toBe('demo-cps');
    ahead = 61 * DAY;
    const both = await listed(2);
    expect(both.map(({ subject }) => /CN=([^,]*)/.exec(subject)?.[1]).sort()).toEqual([
      'Demo CPS Sub-CA 2 CPS 1',
      'Demo CPS Sub-CA 2 CPS 2',
    ]);
    expect(evpki.log.join('')).toContain('"event":"cps-signer-certified"');
  });
});
