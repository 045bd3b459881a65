/**
 * Authorize with the contract of a car (OCPP 2.0.1 and 2.1 C07), through the door of the CSMS: each
 * outcome with a contract that was installed into a car.
 */

import { createECDH, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RootCertificateId } from '../../src/iso15118/exi/iso2-messages.ts';
import { assembleCertificate } from '../../src/pki/build-certificate.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { certificateHashData, type HashAlgorithm } from '../../src/pki/certificate-hash-data.ts';
import { type DistinguishedName, writeName } from '../../src/pki/names.ts';
import { toPem } from '../../src/pki/pem.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import {
  authorityExtensions,
  generateKey,
  issue,
  leafExtensions,
  signWith,
  type TestKey,
  templateFor,
} from '../support/issuing.ts';
import { newRequest } from '../support/requests.ts';
import { trustAsTwo } from '../support/second-person.ts';
import { withBitFlipped } from '../support/signed-messages.ts';
import {
  askToInstall,
  certificatesOf,
  type Installed,
  leaveFactory,
  rootIdOf,
  rootOf,
  sent,
  takeIso2,
  type Vehicle,
} from '../support/vehicles.ts';

const DAY = 86_400_000;

describe('a contract at a charger', () => {
  let evpki: TestApp;
  let later = 0;
  let roots: RootCertificateId[];
  const clients = new Map<string, Record<string, string>>();
  const tokens = new Map<string, { at: number; token: string }>();

  beforeAll(async () => {
    evpki = await startTestApp({
      clock: () => new Date(Date.now() + later),
      env: { EVPKI_CLIENT_RATE: '0', EVPKI_ADDRESS_RATE: '0' },
    });
    for (const [name, organization, role] of [
      ['maker', 'demo-oem', 'oem'],
      ['operator', 'demo-mo', 'emsp-operator'],
      ['csms', 'demo-cpo', 'csms'],
      ['own csms', 'demo-mo', 'csms'],
      ['all', 'instance', 'super'],
      ['second', 'instance', 'super'],
    ] as const) {
      const body = { name, organization, roles: [role] };
      clients.set(name, sent(await evpki.call('POST', '/v1/api-clients', body), 201));
    }
    roots = [rootIdOf(await rootOf(evpki, 'v2g-root'))];
  });
  afterAll(() => evpki?.close());

  const tokenOf = async (name: string) => {
    const known = tokens.get(name);
    if (known?.at === later) return known.token;
    const token = await evpki.renewedToken(clients.get(name) ?? {});
    tokens.set(name, { at: later, token });
    return token;
  };
  const call = async (name: string, method: string, path: string, body?: unknown) =>
    evpki.call(method, path, body, { authorization: `Bearer ${await tokenOf(name)}` });

  let count = 0;
  const newEmaid = () => `DE8EVC${String(++count).padStart(8, '0')}`;
  async function newVehicle(): Promise<Vehicle> {
    const maker = { authorization: `Bearer ${await tokenOf('maker')}` };
    return leaveFactory(evpki, maker, 'iso15118-2');
  }
  async function installedIn(vehicle: Vehicle): Promise<Installed> {
    const question = await askToInstall(vehicle, roots);
    const answer = await call('csms', 'POST', '/v1/ocpp/contract-certificate', {
      iso15118SchemaVersion: 'urn:iso:15118:2:2013:MsgDef',
      ...{ action: 'Install', exiRequest: Buffer.from(question.exi).toString('base64') },
    });
    const exi = Buffer.from(sent(answer, 200).exiResponse, 'base64');
    return takeIso2(question, exi, vehicle.scalar);
  }
  /** A contract in a car. */
  async function driving(): Promise<{
    id: string;
    emaid: string;
    pcid: string;
    chain: Uint8Array[];
  }> {
    const vehicle = await newVehicle();
    const { pcid } = vehicle;
    const body = { emaid: newEmaid(), pcid };
    const { id, emaid } = sent(await call('operator', 'POST', '/v1/contracts', body), 201);
    return { id, emaid, pcid, chain: [...(await installedIn(vehicle)).chain] };
  }
  const pemOf = (chain: readonly Uint8Array[]) =>
    chain.map((der) => toPem('CERTIFICATE', der)).join('');
  const authorize = (body: Record<string, unknown>, as = 'csms'): Promise<Answer> =>
    call(as, 'POST', '/v1/ocpp/authorize', body);
  const present = (idToken: string, chain: readonly Uint8Array[], as?: string) =>
    authorize({ idToken, certificate: pemOf(chain) }, as);
  /** The pair that C07 speaks of. */
  const pair = (answer: Answer) => {
    const { idTokenInfo, certificateStatus } = sent(answer, 200);
    return [certificateStatus, idTokenInfo.status];
  };
  const hashDataOf = (chain: readonly Uint8Array[], hash: HashAlgorithm = 'SHA256') => {
    const [leaf, above] = chain.map(readCertificate);
    if (!leaf || !above?.publicKey) throw new Error('there is nothing above it');
    const { subjectDer, publicKey } = above;
    return {
      ...certificateHashData(leaf, { subjectDer, publicKeyBits: publicKey.bits }, hash),
      responderURL: 'http://localhost/ocsp',
    };
  };
  const byHash = (idToken: string, ...data: unknown[]) =>
    authorize({ idToken, iso15118CertificateHashData: data });
  const change = async (id: string, path: string, method = 'POST') =>
    sent(await call('operator', method, `/v1/contracts/${id}${path}`), 200);

  const accepted = ['Accepted', 'Accepted'];
  const revoked = ['CertificateRevoked', 'Invalid'];
  const untrusted = ['CertChainError', 'Invalid'];
  const cancelled = ['ContractCancelled', 'Invalid'];
  const missing = ['NoCertificateAvailable', 'Invalid'];

  test('is accepted, and both logs say so; what the caller learns is the contract alone', async () => {
    const { id, emaid, chain } = await driving();
    const answer = await present(emaid, chain);
    expect(answer.json).toEqual({
      ...{ idTokenInfo: { status: 'Accepted' }, certificateStatus: 'Accepted' },
      contract: { id, emaid },
    });
    for (const organization of ['demo-mo', 'demo-cpo']) {
      const path = `/v1/audit?organization=${organization}&subject=${id}`;
      expect(sent(await call('all', 'GET', path), 200).items).toContainEqual(
        expect.objectContaining({
          ...{ action: 'contract.authorized', subject: id },
          details: { idTokenStatus: 'Accepted', certificateStatus: 'Accepted' },
        }),
      );
    }
  });

  test('is its EMAID’s in any spelling, and nobody else’s', async () => {
    const { emaid, chain } = await driving();
    const spelled = `${emaid.slice(0, 2)}-${emaid.slice(2, 5)}-${emaid.slice(5)}`;
    for (const idToken of [emaid, spelled, spelled.toLowerCase()]) {
      expect(pair(await present(idToken, chain)), idToken).toEqual(accepted);
    }
    const token = { idToken: spelled, type: 'eMAID' };
    const object = { idToken: token, certificate: pemOf(chain) };
    expect(pair(await authorize(object))).toEqual(accepted);
    for (const idToken of [(await driving()).emaid, 'nobody', `${emaid}-`, emaid.slice(0, -1)]) {
      expect(pair(await present(idToken, chain)), idToken).toEqual(cancelled);
    }
  });

  test('is the same with certificates too many, too few or in another order', async () => {
    const { emaid, chain } = await driving();
    const [leaf, sub2, sub1] = chain as [Uint8Array, Uint8Array, Uint8Array];
    const root = (await rootOf(evpki, 'mo-root')).der;
    const other = (await driving()).chain[0] as Uint8Array;
    for (const [name, presented] of [
      ['leaf alone', [leaf]],
      ['with its root', [leaf, sub2, sub1, root]],
      ['other order', [leaf, root, sub1, sub2]],
      ['another car’s beside', [leaf, other, sub2, sub1]],
      ['itself again', [leaf, leaf, leaf, sub2, sub2, sub1, sub1, root]],
    ] as const) {
      expect(pair(await present(emaid, presented)), name).toEqual(accepted);
    }
    // It is the first that counts.
    expect(pair(await present(emaid, [other, leaf, sub2, sub1]))).toEqual(cancelled);
    const many = await present(emaid, Array(9).fill(leaf));
    expect([many.status, many.json.code]).toEqual([400, 'request-malformed']);
  });

  describe('by hash data', () => {
    test.each(['SHA256', 'SHA384', 'SHA512'] as const)('of %s', async (hash) => {
      const { id, emaid, chain } = await driving();
      const data = hashDataOf(chain, hash);
      expect(pair(await byHash(emaid, data))).toEqual(accepted);
      const above = hashDataOf(chain.slice(1), hash);
      const loud = Object.fromEntries(
        Object.entries(data).map(([name, text]) => [
          name,
          name.startsWith('issuer') || name === 'serialNumber' ? text.toUpperCase() : text,
        ]),
      );
      const several = await byHash(`${emaid.slice(0, 2)}-${emaid.slice(2)}`, above, loud);
      expect(pair(several)).toEqual(accepted);
      expect(several.json.contract).toEqual({ id, emaid });
      // Where there is a chain, it counts.
      const both = { idToken: emaid, iso15118CertificateHashData: [data] };
      const chainOfOther = pemOf((await driving()).chain);
      expect(pair(await authorize({ ...both, certificate: chainOfOther }))).toEqual(cancelled);
      expect(pair(await authorize({ ...both, certificate: '' }))).toEqual(accepted);
    });

    test('that is another’s, or nobody’s', async () => {
      const [mine, theirs] = [await driving(), await driving()];
      const data = hashDataOf(mine.chain);
      expect(pair(await byHash(theirs.emaid, data))).toEqual(missing);
      expect(pair(await byHash(mine.emaid, hashDataOf(mine.chain.slice(1))))).toEqual(missing);
      expect(pair(await byHash(mine.emaid))).toEqual(missing);
      expect(pair(await byHash('nobody', data))).toEqual(missing);
      expect(pair(await authorize({ idToken: mine.emaid }))).toEqual(missing);
      for (const [name, spoilt] of [
        ['issuerNameHash', { ...data, issuerNameHash: data.issuerKeyHash }],
        ['issuerKeyHash', { ...data, issuerKeyHash: data.issuerNameHash }],
        ['serialNumber', { ...data, serialNumber: '1' }],
      ] as const) {
        expect(pair(await byHash(mine.emaid, spoilt)), name).toEqual(missing);
      }
    });

    test('that is none is a problem that names it', async () => {
      const { emaid, chain } = await driving();
      const data = hashDataOf(chain);
      const answer = await byHash(emaid, data, { ...data, issuerKeyHash: 'abc' });
      expect([answer.status, answer.json.violations[0].field]).toEqual([
        ...[400, 'body.iso15118CertificateHashData.1'],
      ]);
      expect((await byHash(emaid, ...Array(5).fill(data))).status).toBe(400);
    });

    test('is judged as the certificate that it names', async () => {
      const { id, emaid, chain } = await driving();
      const data = hashDataOf(chain);
      await change(id, '/suspension');
      expect(pair(await byHash(emaid, data))).toEqual(revoked);
      await change(id, '/suspension', 'DELETE');
      expect(pair(await byHash(emaid, data))).toEqual(accepted);
      await change(id, '/end');
      expect(pair(await byHash(emaid, data))).toEqual(revoked);
    });
  });

  describe('is refused', () => {
    test('when it is suspended, until it is resumed, and when it has ended', async () => {
      const { id, emaid, chain } = await driving();
      await change(id, '/suspension');
      const held = await present(emaid, chain);
      expect(pair(held)).toEqual(revoked);
      expect(held.json.contract).toEqual({ id, emaid });
      await change(id, '/suspension', 'DELETE');
      expect(pair(await present(emaid, chain))).toEqual(accepted);
      await change(id, '/end');
      expect(pair(await present(emaid, chain))).toEqual(revoked);
      const path = `/v1/audit?organization=demo-cpo&subject=${id}`;
      expect(sent(await call('all', 'GET', path), 200).items).toContainEqual(
        expect.objectContaining({
          ...{ action: 'contract.authorization-refused', subject: id },
          details: { idTokenStatus: 'Invalid', certificateStatus: 'CertificateRevoked' },
        }),
      );
    });

    test('with a certificate that was revoked for itself, though its successor holds', async () => {
      const { id, emaid, chain } = await driving();
      const renewal = await call('operator', 'POST', `/v1/contracts/${id}/renewal`, {});
      expect(pair(await present(emaid, chain))).toEqual(accepted);
      const { bundle } = sent(renewal, 201);
      const path = `/v1/certificates/${bundle.certificate}/revocation`;
      sent(await call('operator', 'POST', path, { reason: 'keyCompromise' }), 200);
      const renewed = certificatesOf(bundle.certificateChain);
      expect(pair(await present(emaid, renewed))).toEqual(revoked);
      expect(pair(await present(emaid, chain))).toEqual(accepted);
    });

    test('changed in any way, or when it is none', async () => {
      const { emaid, chain } = await driving();
      const [leaf, ...above] = chain as [Uint8Array, ...Uint8Array[]];
      for (const bit of [400, 3000, leaf.length * 8 - 9]) {
        const spoilt = await present(emaid, [withBitFlipped(leaf, bit), ...above]);
        expect(pair(spoilt), `bit ${bit}`).toEqual(untrusted);
      }
      expect(pair(await present(emaid, [Buffer.from('none')]))).toEqual(untrusted);
      const answer = await authorize({ idToken: emaid, certificate: 'no PEM' });
      expect([answer.status, answer.json.violations[0].field]).toEqual([400, 'body.certificate']);
    });

    test('when evpki has certified it, but not for a contract', async () => {
      const emaid = newEmaid();
      const body = {
        ...{ profile: 'iso15118-2-contract', authority: 'mo-sub-ca-2' },
        csr: newRequest(`CN=${emaid}`),
      };
      const { certificateChain } = sent(await evpki.call('POST', '/v1/certificates', body), 201);
      const chain = certificatesOf(certificateChain);
      expect(pair(await present(emaid, chain, 'own csms'))).toEqual(cancelled);
      // Others do not take it for a contract of an organization that has none of it.
      const elsewhere = await present(emaid, chain);
      expect(pair(elsewhere)).toEqual(untrusted);
      expect(elsewhere.json.detail).not.toMatch(/demo-/);
      expect(elsewhere.json.contract).toBeUndefined();
    });

    test('with a certificate of another branch, even of the car itself', async () => {
      const vehicle = await newVehicle();
      const chain = [vehicle.certificate, ...vehicle.subCertificates];
      expect(pair(await present(vehicle.pcid, chain))).toEqual(untrusted);
    });
  });

  describe('of a mobility operator that is not here', () => {
    const name = (CN: string): DistinguishedName => ({
      attributes: [
        { type: 'DC', value: 'MO' },
        { type: 'CN', value: CN },
      ],
    });
    const subject = name('MO Root elsewhere');
    const root = foreignRoot({ subject, issuerName: writeName(subject) });
    const [subKey, key] = [generateKey(), generateKey()] as [TestKey, TestKey];
    const sub = issue(
      templateFor(subKey, root.key, {
        ...{ subject: name('MO Sub-CA elsewhere'), issuerName: writeName(subject) },
        extensions: authorityExtensions(subKey, root.key, 0),
      }),
      root.key,
    );
    const bundleOf = (chain: readonly Uint8Array[]) => ({
      certificateChain: pemOf(chain),
      dhPublicKey: createECDH('prime256v1').generateKeys('base64'),
      encryptedPrivateKey: randomBytes(48).toString('base64'),
    });
    /** The certificate with a serial number below zero. */
    function belowZero(leaf: Uint8Array): Uint8Array {
      const tbs = Buffer.from(readCertificate(leaf).tbs);
      // That of the template: INTEGER, three octets, the first of which is 0x11.
      tbs[tbs.indexOf(Buffer.of(0x02, 0x03, 0x11)) + 2] = 0x91;
      return assembleCertificate(tbs, 'ecdsa-with-SHA256', signWith(subKey, tbs));
    }
    const leafOf = (emaid: string) =>
      issue(
        templateFor(key, subKey, {
          ...{ subject: name(emaid), issuerName: sub.subjectDer },
          extensions: {
            ...leafExtensions(key, subKey),
            keyUsage: { critical: true, usages: ['digitalSignature', 'keyAgreement'] },
          },
        }),
        subKey,
      ).der;
    const trust = async (organization: string) => {
      const anchor = { certificate: root.pem, organization };
      // One test after the other may want it.
      const { id, purposes } = (await call('all', 'POST', '/v1/trust-anchors', anchor)).json;
      const two = ['all', 'second'].map(
        (name) => (method: string, path: string, body?: unknown) => call(name, method, path, body),
      ) as [typeof evpki.call, typeof evpki.call];
      return async () => {
        if (!purposes.includes('contract-validation'))
          await trustAsTwo(two, id, ['contract-validation']);
      };
    };

    test('is not trusted, and with its root imported and trusted its status is not known', async () => {
      const emaid = 'FRXYZC00000001';
      const chain = [leafOf(emaid), sub.der];
      const detail = async () => {
        const answer = await present(emaid, chain);
        expect(pair(answer)).toEqual(untrusted);
        return answer.json.detail;
      };
      const unknown = await detail();
      const trusting = await trust('demo-cpo');
      expect(await detail()).toBe(unknown);
      await trusting();
      expect(await detail()).toBe('Whether the certificate is revoked is not known here.');
    });

    test('cannot bring what no car could verify', async () => {
      const { pcid } = await newVehicle();
      const emaid = newEmaid();
      const other = issue(
        templateFor(subKey, root.key, {
          ...{ subject: name('Another name, same key'), issuerName: writeName(subject) },
          extensions: authorityExtensions(subKey, root.key, 0),
        }),
        root.key,
      );
      const bundle = bundleOf([leafOf(emaid), other.der]);
      const answer = await call('operator', 'POST', '/v1/contracts', { emaid, pcid, bundle });
      expect([answer.status, answer.json.code]).toEqual([422, 'bundle-refused']);
      expect(answer.json.violations).toEqual([expect.objectContaining({ code: 'chain' })]);
    });

    test('cannot bring what was signed by somebody who is no authority', async () => {
      const { pcid } = await newVehicle();
      const emaid = newEmaid();
      const driver = issue(
        templateFor(subKey, root.key, {
          ...{ subject: sub.subject, issuerName: writeName(subject) },
          extensions: leafExtensions(subKey, root.key),
        }),
        root.key,
      );
      const bundle = bundleOf([leafOf(emaid), driver.der]);
      const answer = await call('operator', 'POST', '/v1/contracts', { emaid, pcid, bundle });
      expect([answer.status, answer.json.code]).toEqual([422, 'bundle-refused']);
      const codes = answer.json.violations.map(({ code }: { code: string }) => code);
      expect(codes).toEqual(['not-an-authority', 'key-usage']);
    });

    test('has a certificate that hash data cannot name: it is not found by any', async () => {
      const { pcid } = await newVehicle();
      const emaid = newEmaid();
      const leaf = leafOf(emaid);
      const bundle = bundleOf([belowZero(leaf), sub.der]);
      sent(await call('operator', 'POST', '/v1/contracts', { emaid, pcid, bundle }), 201);
      expect(pair(await byHash(emaid, hashDataOf([leaf, sub.der])))).toEqual(missing);
    });

    test('that has brought it: what its operator says of it counts', async () => {
      await (await trust('demo-mo'))();
      const vehicle = await newVehicle();
      const emaid = newEmaid();
      const chain = [leafOf(emaid), sub.der];
      const body = { emaid, pcid: vehicle.pcid, bundle: bundleOf(chain) };
      const { id } = sent(await call('operator', 'POST', '/v1/contracts', body), 201);
      const answers = async () => [
        pair(await present(emaid, chain)),
        pair(await byHash(emaid, hashDataOf(chain))),
      ];
      const accepted = ['Accepted', 'Accepted'];
      expect(await answers()).toEqual([accepted, accepted]);
      await change(id, '/suspension');
      const blocked = ['Accepted', 'Blocked'];
      expect(await answers()).toEqual([blocked, blocked]);
      await change(id, '/suspension', 'DELETE');
      await change(id, '/end');
      expect(await answers()).toEqual([cancelled, cancelled]);
    });

    test('that has brought one for two cars: the contract that goes on counts', async () => {
      await (await trust('demo-mo'))();
      const emaid = newEmaid();
      const chain = [leafOf(emaid), sub.der];
      const bringFor = async ({ pcid }: Vehicle): Promise<string> => {
        const body = { emaid, pcid, bundle: bundleOf(chain) };
        return sent(await call('operator', 'POST', '/v1/contracts', body), 201).id;
      };
      const first = await bringFor(await newVehicle());
      const second = await bringFor(await newVehicle());
      const answers = async () => {
        const both = [await present(emaid, chain), await byHash(emaid, hashDataOf(chain))];
        return both.map((answer) => [...pair(answer), answer.json.contract.id]);
      };
      const twice = (...one: unknown[]) => [one, one];
      expect(await answers()).toEqual(twice(...accepted, first));
      await change(first, '/suspension');
      expect(await answers()).toEqual(twice(...accepted, second));
      await change(second, '/end');
      expect(await answers()).toEqual(twice('Accepted', 'Blocked', first));
      await change(first, '/suspension', 'DELETE');
      expect(await answers()).toEqual(twice(...accepted, first));
    });
  });

  describe('in its time', () => {
    const at = async (moment: number, work: () => Promise<void>) => {
      later = moment;
      await work();
    };

    test('is accepted until its certificate ends, and expired then', async () => {
      const { emaid, chain } = await driving();
      const { notAfter } = readCertificate(chain[0] as Uint8Array);
      const end = notAfter.getTime() - Date.now();
      await at(end - DAY, async () => expect(pair(await present(emaid, chain))).toEqual(accepted));
      await at(end + DAY, async () => {
        expect(pair(await present(emaid, chain))).toEqual(['CertificateExpired', 'Expired']);
        expect(pair(await byHash(emaid, hashDataOf(chain)))).toEqual([
          ...['CertificateExpired', 'Expired'],
        ]);
      });
    });

    test('is revoked with the authority above it', async () => {
      const { emaid, chain } = await driving();
      const found = await call('all', 'GET', '/v1/certificates?profile=iso15118-2-mo-sub-ca-2');
      const path = `/v1/certificates/${sent(found, 200).items[0].id}/revocation`;
      sent(await call('all', 'POST', path, { reason: 'cACompromise' }), 200);
      expect(pair(await present(emaid, chain))).toEqual(revoked);
      expect(pair(await byHash(emaid, hashDataOf(chain)))).toEqual(revoked);
    });
  });
});
