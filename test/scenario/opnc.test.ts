/** CharIN's OPNC: one life of chargers, roots, vehicles and contracts, and what goes wrong in it. */

import { createECDH, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RootCertificateId } from '../../src/iso15118/exi/iso2-messages.ts';
import { agree } from '../../src/iso15118/key-transport/agreement.ts';
import { sealForIso2 } from '../../src/iso15118/key-transport/iso2.ts';
import { createSigner } from '../../src/keystore/signer.ts';
import { fingerprint, readCertificate } from '../../src/pki/certificate.ts';
import { toPem } from '../../src/pki/pem.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { askOcsp, ocspQuestion } from '../support/ask-ocsp.ts';
import {
  application,
  askEst,
  bearer,
  certificatesIn,
  type EstApplication,
} from '../support/est.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { freshKeyPair, spkiOf } from '../support/public-keys.ts';
import type { RawAnswer } from '../support/raw-https.ts';
import { newRequest } from '../support/requests.ts';
import {
  askToInstall,
  certificatesOf,
  freshPcid,
  leaveFactory,
  rootIdOf,
  rootOf,
  scalarOf,
  sent,
  takeIso2,
  type Vehicle,
} from '../support/vehicles.ts';

const ISO2 = 'urn:iso:15118:2:2013:MsgDef';
const DAY = 86_400_000;
const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');
const inDays = (days: number): string => new Date(Date.now() + days * DAY).toISOString();

const messagesOf = ({ json, headers }: Answer): string[] => {
  expect(json.traceId).toBe(headers['x-request-id']);
  expect(json.errorMessages.length).toBeGreaterThan(0);
  return json.errorMessages;
};

describe('P12 OPNC', () => {
  let evpki: TestApp;
  const tokens = new Map<string, string>();
  let roots: RootCertificateId[];
  let emaids = 0;
  const newEmaid = () => `DE8EVC${String(++emaids).padStart(8, '0')}`;

  const who = {
    cpo: ['demo-cpo', 'cpo-operator'],
    csms: ['demo-cpo', 'csms'],
    officer: ['demo-cpo', 'pki-officer'],
    mo: ['demo-mo', 'emsp-operator'],
    oem: ['demo-oem', 'oem'],
    otherCpo: ['other-cpo', 'cpo-operator'],
    otherMo: ['other-mo', 'emsp-operator'],
    v2gOfficer: ['demo-v2g', 'pki-officer'],
  } as const;
  type Who = keyof typeof who;

  beforeAll(async () => {
    evpki = await startTestApp();
    const others = [
      { id: 'other-cpo', name: 'Other CPO', roles: ['cpo'], operators: ['DEOTH'] },
      { id: 'other-mo', name: 'Other MO', roles: ['mo'], providers: ['DE9XY'] },
    ];
    for (const body of others) sent(await evpki.call('POST', '/v1/organizations', body), 201);
    for (const [name, [organization, role]] of Object.entries(who)) {
      tokens.set(name, await evpki.tokenOf(organization, [role]));
    }
    roots = [rootIdOf(await rootOf(evpki, 'v2g-root'))];
  });
  afterAll(() => evpki?.close());

  const as = (name: Who) => ({ authorization: `Bearer ${tokens.get(name)}` });
  const call = (
    name: Who,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => evpki.call(method, `/opnc/v1/${path}`, body, { ...as(name), ...headers });

  const est = (
    name: Who | undefined,
    target: string,
    body?: string | Uint8Array,
    headers: readonly (readonly [string, string])[] = [],
  ): Promise<RawAnswer> =>
    askEst(evpki, {
      target: `/opnc/v1/pki/est/${target}`,
      headers: [
        ...(name === undefined ? [] : [bearer(tokens.get(name) ?? '')]),
        ['User-Agent', 'test'],
        ...headers,
      ],
      ...(body === undefined ? {} : { body }),
    });
  const QUERY = 'iso15118Version=ISO15118-2&caDomain=';
  /** PEM, leaf first, up to the issuing authorities and the root. */
  const enrolled = async (name: Who, domain: string, applied: EstApplication) => {
    const [leaf] = certificatesIn(await est(name, `simpleenroll?${QUERY}${domain}`, applied.body));
    const above = certificatesIn(await est(name, `cacerts?${QUERY}${domain}`));
    if (!leaf) throw new Error('no leaf');
    return {
      leaf,
      above,
      pem: [leaf, ...above].map(({ der }) => toPem('CERTIFICATE', der)).join(''),
    };
  };
  const statusOf = async (chain: string) =>
    (await askOcsp(evpki.app.publicUrl, ocspQuestion(chain))).status;
  const revoke = (name: Who, certificate: string, revocationReason: string) =>
    call(name, 'POST', 'pki/pki/revokeCertificate', { certificate, revocationReason });

  const generate = (pcid: string, emaid: string, name: Who = 'mo', more = {}) =>
    call(name, 'PUT', 'cps/contractData/generateandsign', {
      ...{ contractBegins: inDays(-1), contractEnds: inDays(400), pcid, emaid },
      ...{ xsdMsgDefNamespace: ISO2, ...more },
    });
  const ask = (exi: Uint8Array, headers: Record<string, string> = {}) =>
    call(
      'csms',
      'POST',
      'ccp/signedcontractdata',
      { certificateInstallationReq: base64(exi), xsdMsgDefNamespace: ISO2 },
      headers,
    );
  const auditOf = async (organization: string): Promise<Record<string, string>[]> =>
    sent(await evpki.call('GET', `/v1/audit?organization=${organization}&limit=50`), 200).items;

  describe('from the first certificate to the last', () => {
    test('a charger enrols, renews, and is revoked: OCSP says so at once', async () => {
      const applied = application('CN=DE*DEM*E1');
      const { leaf, above, pem } = await enrolled('cpo', 'cpo', applied);
      expect(leaf.publicKey?.algorithm).toBe('P-256');
      expect(above).toHaveLength(3);
      for (const [index, one] of [leaf, ...above].entries()) {
        const issuer = [leaf, ...above][index + 1] ?? one;
        const { publicKey } = new X509Certificate(issuer.der);
        expect(new X509Certificate(one.der).verify(publicKey)).toBe(true);
      }
      expect(await statusOf(pem)).toBe('good');
      const next = application('CN=DE*DEM*E1');
      const renewal = await est('cpo', `simplereenroll?${QUERY}cpo`, next.body);
      expect(fingerprint(certificatesIn(renewal)[0]?.der ?? leaf.der)).not.toBe(
        fingerprint(leaf.der),
      );

      sent(await revoke('cpo', base64(leaf.der), 'superseded'), 200);
      expect(await statusOf(pem)).toBe('revoked');
      // Again, in each form in which it may come: nothing changes.
      for (const form of [
        toPem('CERTIFICATE', leaf.der),
        base64(Buffer.from(pem.split(/(?<=END CERTIFICATE-----\n)/)[0] ?? '')),
      ]) {
        const answer = await revoke('cpo', form, 'superseded');
        expect([answer.status, answer.text]).toEqual([200, '']);
      }
      const entries = (await auditOf('demo-cpo')).filter(
        ({ action }) => action === 'certificate.revoked',
      );
      expect(entries).toMatchObject([{ details: { from: 'issued', reason: 'superseded' } }]);
      const other = await revoke('cpo', base64(leaf.der), 'cessationOfOperation');
      expect([other.status, messagesOf(other)[0]]).toEqual([
        409,
        expect.stringContaining('superseded'),
      ]);
      // A revocation becomes one for a key that others have, and the key is blocked.
      sent(await revoke('cpo', base64(leaf.der), 'keyCompromise'), 200);
      const blocked = await est('cpo', `simpleenroll?${QUERY}cpo`, applied.body);
      expect(blocked.status).toBe(400);
      expect(JSON.parse(blocked.body).errorMessages.join()).toMatch(/key/i);
    });

    test('roots are listed, imported and removed, by either base URL', async () => {
      const listed = sent(await call('csms', 'GET', 'rcp/rootcertificates'), 200);
      expect(Object.keys(listed)).toEqual(['rootCertificateCollection']);
      const v2g = await rootOf(evpki, 'v2g-root');
      const ofType = sent(await call('csms', 'GET', 'rootcertificates?pkiType=v2g'), 200);
      const [own] = ofType.rootCertificateCollection;
      expect(own).toMatchObject({
        ...{ rootType: 'V2G', rootTypeList: ['V2G'], caCertificate: base64(v2g.der) },
        fingerprint: fingerprint(v2g.der),
        rootAuthorityKeyIdentifier: base64(
          v2g.extensions.subjectKeyIdentifier?.value ?? new Uint8Array(),
        ),
      });
      expect(own.fingerprint).toMatch(/^[0-9a-f]{64}$/);
      // The same ids as in OPCP.
      const opcp = sent(
        await evpki.call('GET', `/v1/root/rootCerts/${own.rootCertificateId}`),
        200,
      );
      expect(opcp.RootResponse.fingerprint).toBe(own.fingerprint);

      const { pem, certificate } = foreignRoot();
      const put = (body: object) => call('officer', 'PUT', 'rcp/rootcertificates', body);
      for (const types of [
        {},
        { rootTypeList: [] },
        { rootTypeList: ['V2G', 'OEM'] },
        { rootType: 'MO', rootTypeList: ['OEM'] },
      ]) {
        const answer = await put({ caCertificate: pem, ...types });
        expect([answer.status, messagesOf(answer)[0]]).toEqual([
          400,
          'the root has to have one type',
        ]);
      }
      const imported = sent(
        await put({
          caCertificate: base64(certificate.der),
          rootType: 'MO',
          rootTypeList: ['eMSP'],
        }),
        200,
      );
      expect(imported.roootCertificate).toEqual(imported.rootCertificate);
      const { rootCertificateId: id } = imported.rootCertificate;
      const found = sent(await call('cpo', 'GET', `rootcertificates/${id}`), 200);
      expect(found).toEqual(imported);
      expect(found.rootCertificate).toMatchObject({ rootType: 'eMSP', rootTypeList: ['eMSP'] });
      const emsp = sent(await call('cpo', 'GET', 'rcp/rootcertificates?pkiType=emsp'), 200);
      expect(
        emsp.rootCertificateCollection.map((one: typeof own) => one.rootCertificateId),
      ).toContain(id);
      // Another organization's pool is another one.
      expect((await call('otherCpo', 'GET', `rcp/rootcertificates/${id}`)).status).toBe(404);
      expect((await call('cpo', 'DELETE', `rcp/rootcertificates/${id}`)).status).toBe(403);
      sent(await call('officer', 'DELETE', `rootcertificates/${id}`), 200);
      expect((await call('cpo', 'GET', `rcp/rootcertificates/${id}`)).status).toBe(404);
      const stays = await call(
        'officer',
        'DELETE',
        `rcp/rootcertificates/${own.rootCertificateId}`,
      );
      expect([stays.status, messagesOf(stays).length]).toEqual([409, 1]);
    });

    test('a vehicle is enrolled and registered, gets a contract, and loses it', async () => {
      const pcid = freshPcid();
      const applied = application(`CN=${pcid}`);
      const { leaf, above } = await enrolled('oem', 'oem', applied);
      const [sub2, sub1] = above.map(({ der }) => base64(der));
      const chain = {
        certificate: base64(leaf.der),
        subCa1Certificate: sub1,
        subCa2Certificate: sub2,
      };
      const put = (provisioningCertificateChain: object) =>
        call('oem', 'PUT', 'pcp/provisioningcertificates', {
          ...{ provisioningCertificateChain, xsdMsgDefNamespace: ISO2, previousPcid: pcid },
        });
      const registered = sent(await put(chain), 200);
      expect(registered.provisioningCertificate).toMatchObject({
        ...{ provisioningCertificateChain: chain, xsdMsgDefNamespace: ISO2 },
        fingerprint: fingerprint(leaf.der),
        rootAuthorityKeyIdentifier: expect.stringMatching(/^[0-9a-f]{2}(:[0-9a-f]{2})+$/),
      });
      // The same again, as OPNC's own examples spell it.
      const { certificate, subCa1Certificate, subCa2Certificate } = chain;
      const spelt = {
        certificate,
        subCA1Certificate: subCa1Certificate,
        subCA2Certificate: subCa2Certificate,
      };
      expect(sent(await put(spelt), 200)).toEqual(registered);
      const shown = await call('mo', 'GET', `provisioningcertificates/${pcid.toLowerCase()}`);
      expect(sent(shown, 200)).toEqual(registered);
      sent(await call('mo', 'GET', `pcp/lookupvehicle/${pcid}`), 200);

      const [first, emaid] = [newEmaid(), newEmaid()];
      for (const one of [first, emaid]) {
        expect(sent(await generate(pcid, one), 201)).toEqual({
          ...{ pcid, emaid: one, xsdMsgDefNamespace: ISO2 },
        });
      }
      sent(await call('mo', 'POST', `ccp/signedcontractdata/${emaid}/${pcid}/setdefault`), 200);
      const byPcid = sent(await call('mo', 'GET', `ccp/contractData/pcid/${pcid}`), 200);
      expect(
        byPcid.contractDataCollection
          .map((one: Record<string, unknown>) => [one.emaid, one.defaultContract])
          .sort(),
      ).toEqual([
        [first, false],
        [emaid, true],
      ]);
      const byEmaid = sent(await call('mo', 'GET', `contractData/emaid/${emaid}`), 200);
      expect(byEmaid.contractDataCollection).toMatchObject([{ pcid, emaid }]);

      const signer = createSigner(applied.pair.privateKey, 'P-256', spkiOf(applied.pair));
      const scalar = scalarOf(applied.pair, 32);
      const vehicle: Vehicle = {
        ...{ standard: 'iso15118-2', pcid, signer, scalar, certificate: leaf.der },
        ...{ subCertificates: above.slice(0, 2).map(({ der }) => der) },
        ...{ certificateId: '', registration: '' },
      };
      const asked = await askToInstall(vehicle, roots);
      const installed = sent(await ask(asked.exi), 200);
      expect(installed.signedContractDataCollection).toHaveLength(1);
      const [told] = installed.signedContractDataCollection;
      expect(told).toMatchObject({ emaid, pcid, xsdMsgDefNamespace: ISO2, metaData: '' });
      const exi = Buffer.from(told.certificateInstallationRes, 'base64');
      const contract = takeIso2(asked, exi, scalar);
      expect(contract.emaid).toBe(emaid);
      expect(byEmaid.contractDataCollection[0].contractCertificate).toBe(
        base64(contract.chain[0] ?? new Uint8Array()),
      );

      // The maker gets the same, below the root that it asks for.
      const path = `ccp/signedcontractdata/${emaid}/${pcid}`;
      const v2g = fingerprint((await rootOf(evpki, 'v2g-root')).der);
      const query = `?sessionID=00&cpsV2GRootCertificateFingerprint=${v2g.toUpperCase()}`;
      const provided = sent(await call('oem', 'GET', `${path}${query}`), 200);
      const [data] = provided.signedContractDataCollection;
      expect(data).toMatchObject({ emaid, pcid, cpsV2GRootCertificateFingerprint: v2g });
      const sessionId = new Uint8Array(8);
      const withoutCar = Buffer.from(data.certificateInstallationRes, 'base64');
      expect(takeIso2({ exi: withoutCar, sessionId }, withoutCar, scalar).chain).toEqual(
        contract.chain,
      );
      const nowhere = `?cpsV2GRootCertificateFingerprint=${'0'.repeat(64)}`;
      expect((await call('oem', 'GET', `${path}${nowhere}`)).status).toBe(404);
      const short = `?cpsV2GRootCertificateFingerprint=${v2g.slice(1)}`;
      expect((await call('oem', 'GET', `${path}${short}`)).status).toBe(400);

      const pem = contract.chain.map((der) => toPem('CERTIFICATE', der)).join('');
      expect(await statusOf(pem)).toBe('good');
      const leafOfContract = base64(contract.chain[0] ?? new Uint8Array());
      // Whose charger the car stands at has no say in it.
      expect((await revoke('cpo', leafOfContract, 'unspecified')).status).toBe(404);
      sent(await revoke('mo', leafOfContract, 'privilegeWithdrawn'), 200);
      expect(await statusOf(pem)).toBe('revoked');

      for (const one of [first, emaid]) {
        sent(await call('mo', 'DELETE', `signedcontractdata/${one}`), 200);
      }
      const none = await ask((await askToInstall(vehicle, roots)).exi);
      expect([none.status, messagesOf(none)[0]]).toEqual([404, 'Contract or Vehicle not found.']);
      const [forTheCar] = none.json.signedContractDataCollection;
      expect(forTheCar.metaData).toMatch(/^contract-missing: /);
      const again = await askToInstall(vehicle, roots);
      const plain = await ask(again.exi, { alwaysReturnEXI: 'false', broadcast: 'true' });
      expect([plain.status, Object.keys(plain.json).sort()]).toEqual([
        404,
        ['errorMessages', 'traceId'],
      ]);
      sent(await call('oem', 'DELETE', `pcp/provisioningcertificates/${pcid}`), 200);
      expect((await call('mo', 'GET', `pcp/lookupvehicle/${pcid}`)).status).toBe(404);
    });

    test('an operator brings contract data of its own, and sees it signed', async () => {
      const vehicle = await leaveFactory(evpki, as('oem'), 'iso15118-2');
      const { pcid } = vehicle;
      const emaid = newEmaid();
      const pair = freshKeyPair('P-256');
      const csr = newRequest(`CN=${emaid}`, { key: 'P-256', pair });
      const wanted = { profile: 'iso15118-2-contract', authority: 'mo-sub-ca-2', csr };
      const issued = sent(await evpki.call('POST', '/v1/certificates', wanted, as('mo')), 201);
      const [leaf, sub2, sub1] = certificatesOf(issued.certificateChain).map(base64);
      const ephemeral = createECDH('prime256v1');
      ephemeral.generateKeys();
      const { spki } = readCertificate(vehicle.certificate);
      const { sharedSecret, dhPublicKey } = agree('P-256', ephemeral, spki);
      const encrypted = sealForIso2({
        ...{ scalar: scalarOf(pair, 32), iv: Buffer.alloc(16, 1), sharedSecret },
      });
      const bundle = {
        ...{ pcid, emaid },
        contractCertificateChain: {
          ...{ certificate: leaf, subCa1Certificate: sub1, subCa2Certificate: sub2 },
        },
        contractSignatureEncryptedPrivateKey: base64(encrypted),
        dHpublickey: base64(dhPublicKey),
      };
      const bring = (contractCertificateBundle: object, name: Who = 'mo') =>
        call(name, 'PUT', 'contractData/sign', {
          ...{ contractCertificateBundle, xsdMsgDefNamespace: ISO2 },
        });
      const { signedContractData } = sent(await bring(bundle), 201);
      expect(signedContractData).toMatchObject({ pcid, emaid, xsdMsgDefNamespace: ISO2 });
      const exi = Buffer.from(signedContractData.certificateInstallationRes, 'base64');
      const sessionId = new Uint8Array(8);
      const seen = takeIso2({ exi, sessionId }, exi, vehicle.scalar);
      expect(seen.chain.map(base64)).toEqual([leaf, sub2, sub1]);
      const asked = await askToInstall(vehicle, roots);
      const [told] = sent(await ask(asked.exi), 200).signedContractDataCollection;
      const got = Buffer.from(told.certificateInstallationRes, 'base64');
      expect(takeIso2(asked, got, vehicle.scalar).chain).toEqual(seen.chain);

      const chain = { ...bundle.contractCertificateChain, subCa1Certificate: '%' };
      const unreadable = await bring({ ...bundle, contractCertificateChain: chain });
      expect([unreadable.status, messagesOf(unreadable)[1]]).toEqual([
        400,
        'subCa1Certificate : is no certificate in base64',
      ]);
      expect((await bring(bundle, 'otherMo')).status).toBe(403);
      const { cpsCertificateDataCollection: signers } = sent(
        await call('mo', 'GET', 'cps/cpsCertificates'),
        200,
      );
      expect(signers[0].cpsV2GRootCertificateFingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(signers[0].cpsCertificateChain.certificate).toBe(base64(seen.cpsChain[0] ?? exi));
    });
  });

  describe('what is not asked in good faith', () => {
    let charger: Awaited<ReturnType<typeof enrolled>>;
    beforeAll(async () => {
      charger = await enrolled('cpo', 'cpo', application('CN=DE*DEM*E99'));
    });

    test('W8 nobody revokes what is another organization’s, or learns that it is there', async () => {
      const own = base64(charger.leaf.der);
      const unknown = base64(foreignRoot().certificate.der);
      const heard = [];
      for (const certificate of [own, unknown]) {
        for (const name of ['otherCpo', 'mo', 'v2gOfficer'] as const) {
          const answer = await revoke(name, certificate, 'unspecified');
          heard.push([answer.status, ...messagesOf(answer)]);
        }
      }
      expect(new Set(heard.map((one) => JSON.stringify(one)))).toEqual(
        new Set([JSON.stringify([404, 'this is no certificate that evpki has issued for you'])]),
      );
      expect((await revoke('oem', own, 'unspecified')).status).toBe(404);
      // Neither does a role that is for other kinds, or for none.
      expect((await revoke('officer', own, 'unspecified')).status).toBe(403);
      expect((await revoke('csms', own, 'unspecified')).status).toBe(403);
      expect(await statusOf(charger.pem)).toBe('good');
    });

    test('W6 what is no certificate, or nearly one of ours, revokes nothing', async () => {
      const { der } = charger.leaf;
      const changed = Buffer.from(der);
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
      expect((await revoke('cpo', base64(changed), 'unspecified')).status).toBe(404);
      const pem = toPem('CERTIFICATE', der);
      for (const soup of [
        pem + pem,
        pem.replaceAll('\n', '\\n'),
        `${pem}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`,
        base64(Buffer.from(pem + pem)),
        base64(der).slice(0, -3),
        `${base64(der)}#`,
        `data:application/pkix-cert;base64,${base64(der)}`,
        '-----BEGIN CERTIFICATE-----',
      ]) {
        const answer = await revoke('cpo', soup, 'unspecified');
        expect([answer.status, messagesOf(answer)[0]], soup).toEqual([
          400,
          'this is no certificate',
        ]);
      }
      // Reads as DER, and is nothing that we have issued.
      for (const text of ['MAA=', base64(Buffer.concat([der, Buffer.of(0)]))]) {
        expect((await revoke('cpo', text, 'unspecified')).status).toBe(404);
      }
      expect(await statusOf(charger.pem)).toBe('good');
    });

    test.each([
      ['certificateHold', 'must be'],
      ['removeFromCRL', 'must be'],
      ['cACompromise', 'must be'],
      ['KeyCompromise', 'must be'],
      ['', 'must be'],
      ['aACompromise', 'aACompromise is not a reason'],
    ])('%s is no reason: 400', async (reason, why) => {
      const answer = await revoke('cpo', base64(charger.leaf.der), reason);
      expect([answer.status, messagesOf(answer).join()]).toEqual([
        400,
        expect.stringContaining(why),
      ]);
      expect(await statusOf(charger.pem)).toBe('good');
    });

    test('an authority is not revoked by showing its certificate', async () => {
      const [issuing] = charger.above;
      const certificate = base64(issuing?.der ?? new Uint8Array());
      const answer = await revoke('officer', certificate, 'cessationOfOperation');
      expect([answer.status, messagesOf(answer)]).toEqual([
        400,
        ['it is the certificate of an authority'],
      ]);
      expect((await revoke('cpo', certificate, 'cessationOfOperation')).status).toBe(403);
      expect((await revoke('otherCpo', certificate, 'cessationOfOperation')).status).toBe(404);
    });

    test('P5 EST: domains, standards and credentials that are wrong', async () => {
      const { body } = application('CN=DE*DEM*E98');
      const cases: [Who | undefined, string, number][] = [
        ['cpo', 'simpleenroll', 400],
        ['cpo', 'simpleenroll?caDomain=root', 400],
        ['cpo', 'simpleenroll?caDomain=cpo&caDomain=oem', 400],
        ['cpo', 'simpleenroll?caDomain=cpo&iso15118Version=ISO15118-3', 400],
        ['cpo', `serverkeygen?${QUERY}cpo`, 404],
        [undefined, `simpleenroll?${QUERY}cpo`, 401],
        // Its role is for chargers.
        ['cpo', `simpleenroll?${QUERY}oem`, 403],
        ['officer', `simpleenroll?${QUERY}cpo`, 403],
      ];
      for (const [name, target, status] of cases) {
        const answer = await est(name, target, body);
        expect(answer.status, `${target}: ${answer.body}`).toBe(status);
        const { errorMessages, traceId } = JSON.parse(answer.body);
        expect(errorMessages[0], target).toMatch(/\w \w/);
        expect(traceId).toMatch(/^[0-9a-f-]{36}$/);
      }
      const soup = await est('cpo', `simpleenroll?${QUERY}cpo`, '-----BEGIN CERTIFICATE REQUEST');
      expect([soup.status, soup.body.startsWith('{"errorMessages":')]).toEqual([400, true]);
      const big = await est('cpo', `simpleenroll?${QUERY}cpo`, 'A'.repeat(1_000_000));
      expect(big.status).toBe(413);
      // Another operator's charger.
      const foreign = application('CN=DE*OTH*E1');
      const refused = await est('cpo', `simpleenroll?${QUERY}cpo`, foreign.body);
      expect([refused.status, refused.body]).toEqual([403, expect.stringContaining('DEOTH')]);
    });

    test('W8 headers say in whose name, and give nothing', async () => {
      const list = (name: Who, headers: Record<string, string>) =>
        call(name, 'GET', 'rcp/rootcertificates', undefined, headers);
      const from = (type: string, id?: string) => ({
        'OPNC-from-party-type': type,
        ...(id === undefined ? {} : { 'OPNC-from-party-id': id }),
      });
      const fitting: [Who, Record<string, string>][] = [
        ['cpo', { ...from('cpo', 'DEDEM'), 'OPNC-to-party-type': 'pki' }],
        ['mo', from('emsp', 'DE*8EV')],
        ['oem', from('oem', 'dem')],
        ['otherCpo', from('cpo', 'OTH')],
        ['cpo', { 'OPNC-to-party-type': 'emsp', 'OPNC-to-party-id': 'DE9XY' }],
      ];
      for (const [name, headers] of fitting) sent(await list(name, headers), 200);
      const foreign: [Who, Record<string, string>][] = [
        ['cpo', from('cpo', 'DEOTH')],
        ['otherCpo', from('cpo', 'DEDEM')],
        ['cpo', from('emsp')],
        ['mo', from('emsp', 'DE9XY')],
        ['oem', from('oem', 'WVW')],
      ];
      for (const [name, headers] of foreign) {
        const answer = await list(name, headers);
        expect([answer.status, messagesOf(answer)[0]], JSON.stringify(headers)).toEqual([
          403,
          'the party that you say to call for is not your organization',
        ]);
      }
      for (const headers of [
        from('root'),
        from('cpo', 'DE*OTH*E1'),
        from('pki', 'abc'),
        { 'OPNC-from-party-id': 'DEDEM' },
        { 'OPNC-to-party-type': 'x' },
      ]) {
        const answer = await list('cpo', headers);
        expect([answer.status, messagesOf(answer).join()]).toEqual([
          400,
          expect.stringMatching(/opnc-(from|to)-party-(type|id)/i),
        ]);
      }
      // Nobody becomes a party by saying so, here or in EST.
      const own = base64(charger.leaf.der);
      const body = { certificate: own, revocationReason: 'unspecified' };
      const claim = from('cpo', 'DEDEM');
      const path = 'pki/pki/revokeCertificate';
      expect((await call('mo', 'POST', path, body, claim)).status).toBe(403);
      expect((await call('otherCpo', 'POST', path, body, from('cpo'))).status).toBe(404);
      const { body: csr } = application('CN=DE*DEM*E97');
      const headers = Object.entries(from('cpo', 'DEOTH'));
      const enrolment = await est('cpo', `simpleenroll?${QUERY}cpo`, csr, headers);
      expect([enrolment.status, enrolment.body]).toEqual([
        403,
        expect.stringContaining('OPNC-from-party-id'),
      ]);
      const repeated = await est('cpo', `cacerts?${QUERY}cpo`, undefined, [
        ['OPNC-from-party-type', 'cpo'],
        ['OPNC-from-party-type', 'cpo'],
      ]);
      expect(repeated.status).toBe(400);
      const refusals = (await auditOf('demo-cpo')).filter(
        ({ action }) => action === 'access.refused',
      );
      expect(JSON.stringify(refusals)).toContain('/opnc/v1/rcp/rootcertificates');
    });

    test('P5 identifiers of others, roots that nobody chooses, and paths that there are not', async () => {
      const vehicle = await leaveFactory(evpki, as('oem'), 'iso15118-2');
      const emaid = newEmaid();
      const wish = { moRootCertificateFingerprint: '0'.repeat(64) };
      const chosen = await generate(vehicle.pcid, emaid, 'mo', wish);
      expect([chosen.status, messagesOf(chosen)[1]]).toEqual([
        400,
        expect.stringMatching(/^moRootCertificateFingerprint : /),
      ]);
      expect((await generate(vehicle.pcid, emaid, 'otherMo')).status).toBe(403);
      expect((await generate(vehicle.pcid, emaid, 'oem')).status).toBe(403);
      expect((await generate(freshPcid(), emaid)).status).toBe(404);
      sent(await generate(vehicle.pcid, emaid), 201);
      const unseen = await call('otherMo', 'GET', `ccp/contractData/emaid/${emaid}`);
      expect([unseen.status, messagesOf(unseen).length]).toEqual([404, 1]);
      const garbage = await ask(Buffer.from('hello'));
      expect([garbage.status, messagesOf(garbage)[0]]).toEqual([400, 'EXI format is invalid!']);
      expect((await call('mo', 'GET', 'ccp/nothing')).status).toBe(404);
      expect((await call('mo', 'PATCH', 'rcp/rootcertificates')).status).toBe(405);
    });
  });
});
