/** CharIN's OPNC: one life of chargers, roots, vehicles and contracts. */

import { createECDH, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { agree } from '../../src/iso15118/key-transport/agreement.ts';
import { sealForIso2 } from '../../src/iso15118/key-transport/iso2.ts';
import { createSigner } from '../../src/keystore/signer.ts';
import { fingerprint, readCertificate } from '../../src/pki/certificate.ts';
import { toPem } from '../../src/pki/pem.ts';
import { application, certificatesIn } from '../support/est.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { base64, ISO2, messagesOf, opncParties, QUERY, type Who } from '../support/opnc.ts';
import { freshKeyPair, spkiOf } from '../support/public-keys.ts';
import { newRequest } from '../support/requests.ts';
import {
  askToInstall,
  certificatesOf,
  freshPcid,
  leaveFactory,
  rootOf,
  scalarOf,
  sent,
  takeIso2,
  type Vehicle,
} from '../support/vehicles.ts';

describe('P12 OPNC', () => {
  const {
    evpki,
    roots,
    newEmaid,
    as,
    call,
    est,
    enrolled,
    statusOf,
    revoke,
    generate,
    ask,
    auditOf,
  } = opncParties();

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
      const v2g = await rootOf(evpki(), 'v2g-root');
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
        await evpki().call('GET', `/v1/root/rootCerts/${own.rootCertificateId}`),
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
      const asked = await askToInstall(vehicle, roots());
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
      const v2g = fingerprint((await rootOf(evpki(), 'v2g-root')).der);
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
      const none = await ask((await askToInstall(vehicle, roots())).exi);
      expect([none.status, messagesOf(none)[0]]).toEqual([404, 'Contract or Vehicle not found.']);
      const [forTheCar] = none.json.signedContractDataCollection;
      expect(forTheCar.metaData).toMatch(/^contract-missing: /);
      const again = await askToInstall(vehicle, roots());
      const plain = await ask(again.exi, { alwaysReturnEXI: 'false', broadcast: 'true' });
      expect([plain.status, Object.keys(plain.json).sort()]).toEqual([
        404,
        ['errorMessages', 'traceId'],
      ]);
      sent(await call('oem', 'DELETE', `pcp/provisioningcertificates/${pcid}`), 200);
      expect((await call('mo', 'GET', `pcp/lookupvehicle/${pcid}`)).status).toBe(404);
    });

    test('an operator brings contract data of its own, and sees it signed', async () => {
      const vehicle = await leaveFactory(evpki(), as('oem'), 'iso15118-2');
      const { pcid } = vehicle;
      const emaid = newEmaid();
      const pair = freshKeyPair('P-256');
      const csr = newRequest(`CN=${emaid}`, { key: 'P-256', pair });
      const wanted = { profile: 'iso15118-2-contract', authority: 'mo-sub-ca-2', csr };
      const issued = sent(await evpki().call('POST', '/v1/certificates', wanted, as('mo')), 201);
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
      const asked = await askToInstall(vehicle, roots());
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
});
