/**
 * OPCP, as its clients speak it: each answer is read by the rules of the client that reads it in
 * the field, and by a car.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RootCertificateId } from '../../src/iso15118/exi/iso2-messages.ts';
import { fingerprint, readCertificate } from '../../src/pki/certificate.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { PncStandard } from '../../src/services/contract-records.ts';
import { rootId } from '../../src/services/root-pool.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { askOcsp, ocspQuestion } from '../support/ask-ocsp.ts';
import { contractDataOf } from '../support/contract-data.ts';
import { freshKeyPair } from '../support/public-keys.ts';
import { newRequest } from '../support/requests.ts';
import {
  askToInstall,
  askToUpdate,
  certificatesOf,
  freshPcid,
  leaveFactory,
  rootIdOf,
  rootOf,
  sent,
  takeIso2,
  takeIso20,
  type Vehicle,
} from '../support/vehicles.ts';

const ISO2 = 'urn:iso:15118:2:2013:MsgDef';
const DAY = 86_400_000;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** CitrineOS 1.8: anything but 200 has failed; of the contracts it takes the last. */
function asCitrineOs({ status, text }: Answer): string {
  if (status !== 200) throw new Error(`Get signed contract data: ${status}: ${text}`);
  const { emaidContent } = JSON.parse(text).CCPResponse;
  return emaidContent.at(-1).messageDef.certificateInstallationRes;
}

/** MaEVe: anything but 200 has failed; of the contracts it takes the first, if that has an EMAID. */
function asMaeve({ status, text }: Answer): { readonly exi: string; readonly emaid: string } {
  if (status !== 200) throw new Error(`status ${status}`);
  const [content] = JSON.parse(text).CCPResponse.emaidContent;
  const { certificateInstallationRes, emaid } = content.messageDef;
  if (typeof emaid !== 'string' || emaid === '') throw new Error('no emaid found');
  return { exi: certificateInstallationRes, emaid };
}

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');
const messagesOf = ({ json, headers }: Answer): string[] => {
  expect(Object.keys(json).sort()).toEqual(['errorMessages', 'traceId']);
  expect(json.traceId).toMatch(uuid);
  expect(json.traceId).toBe(headers['x-request-id']);
  expect(json.errorMessages.length).toBeGreaterThan(0);
  return json.errorMessages;
};
const inDays = (days: number): string => new Date(Date.now() + days * DAY).toISOString();

describe('OPCP', () => {
  let evpki: TestApp;
  let maker: Record<string, string>;
  let operator: Record<string, string>;
  let csms: Record<string, string>;
  let roots: RootCertificateId[];
  let emaids = 0;

  const newEmaid = () => `DE8EVC${String(++emaids).padStart(8, '0')}`;
  const as = async (organization: string, role: string) => ({
    authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
  });

  beforeAll(async () => {
    evpki = await startTestApp();
    maker = await as('demo-oem', 'oem');
    operator = await as('demo-mo', 'emsp-operator');
    csms = await as('demo-cpo', 'csms');
    roots = [rootIdOf(await rootOf(evpki, 'v2g-root'))];
    const foreign = [
      { id: 'other-mo', name: 'Other MO', roles: ['mo'], providers: ['DE9XY'] },
      { id: 'other-oem', name: 'Other OEM', roles: ['oem'], wmis: ['XYZ'] },
    ];
    for (const body of foreign) sent(await evpki.call('POST', '/v1/organizations', body), 201);
  });
  afterAll(() => evpki?.close());

  const generate = (
    { pcid }: Pick<Vehicle, 'pcid'>,
    emaid: string,
    more: Record<string, unknown> = {},
    headers = operator,
  ) =>
    evpki.call(
      'PUT',
      '/v1/cps/generate/signedContractData',
      {
        ...{ contractBegins: inDays(-1), contractEnds: inDays(400), pcid, emaid },
        ...{ xsdMsgDefNamespace: ISO2, ...more },
      },
      headers,
    );
  const ask = (exi: Uint8Array, more: Record<string, string> = {}, namespace = ISO2) =>
    evpki.call(
      'POST',
      '/v1/ccp/signedContractData',
      { certificateInstallationReq: base64(exi), xsdMsgDefNamespace: namespace },
      { ...csms, ...more },
    );
  const question = async (vehicle: Vehicle) => askToInstall(vehicle, roots);
  const install = async (vehicle: Vehicle) => {
    const asked = await question(vehicle);
    const exi = Buffer.from(asCitrineOs(await ask(asked.exi)), 'base64');
    return takeIso2(asked, exi, vehicle.scalar);
  };
  /** Enough of it: evpki's own entries come in between at any time. */
  const logOf = async (organization: string) =>
    sent(await evpki.call('GET', `/v1/audit?organization=${organization}&limit=200`), 200).items;
  const ocspStatus = async (chain: readonly Uint8Array[]) => {
    const pem = chain.map((der) => toPem('CERTIFICATE', der)).join('');
    return (await askOcsp(evpki.app.publicUrl, ocspQuestion(pem))).status;
  };

  describe('P7 signedContractData', () => {
    test('is what CitrineOS and MaEVe read, and what the car takes', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const emaid = newEmaid();
      sent(await generate(vehicle, emaid), 201);
      const asked = await question(vehicle);
      const answer = await ask(asked.exi);
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect(answer.json.CCPResponse.emaidContent).toHaveLength(1);
      expect(answer.json.CCPResponse.emaidContent[0].messageDef.metaData).toBe('');
      const read = asMaeve(answer);
      expect(read).toEqual({ emaid, exi: asCitrineOs(answer) });
      const installed = takeIso2(asked, Buffer.from(read.exi, 'base64'), vehicle.scalar);
      expect(installed.emaid).toBe(emaid);
      // A client whose connection broke asks again, and the car has to get the same.
      const again = takeIso2(
        asked,
        Buffer.from(asMaeve(await ask(asked.exi)).exi, 'base64'),
        vehicle.scalar,
      );
      expect(again.chain).toEqual(installed.chain);
    });

    test('P4 is given to a token in X-API-Key, alone or beside Authorization', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      sent(await generate(vehicle, newEmaid()), 201);
      const { exi } = await question(vehicle);
      const token = csms.authorization?.replace('Bearer ', '') ?? '';
      const body = { certificateInstallationReq: base64(exi), xsdMsgDefNamespace: ISO2 };
      const call = (headers: Record<string, string>) =>
        evpki.call('POST', '/v1/ccp/signedContractData', body, headers);
      asMaeve(await call({ 'x-api-key': token }));
      asMaeve(await call({ 'x-api-key': token, authorization: `Bearer ${token}` }));
      const wrong = await call({ 'x-api-key': token, authorization: 'Bearer nobody' });
      expect(wrong.status).toBe(401);
      expect((await call({ 'x-api-key': `${token}, ${token}` })).status).toBe(401);
    });

    test('is an update for a car that asks for one: clients do not say which', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const emaid = newEmaid();
      sent(await generate(vehicle, emaid), 201);
      const old = await install(vehicle);
      const asked = await askToUpdate(old, roots);
      const { exi, emaid: named } = asMaeve(await ask(asked.exi));
      const name = 'CertificateUpdateRes';
      const updated = takeIso2(asked, Buffer.from(exi, 'base64'), old.scalar, name);
      expect([updated.emaid, named]).toEqual([emaid, emaid]);
      expect(updated.chain[0]).not.toEqual(old.chain[0]);
      expect(await logOf('demo-mo')).toContainEqual(
        expect.objectContaining({
          action: 'contract.installed',
          details: expect.objectContaining({ action: 'Update', emaid }),
        }),
      );
    });

    test('is 404 for a car without a contract: as EXI for the car where that is asked for', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const asked = await question(vehicle);
      const plain = await ask(asked.exi);
      expect(plain.status).toBe(404);
      expect(messagesOf(plain)).toEqual([
        'Contract or Vehicle not found.',
        `No contract is active for the vehicle ${vehicle.pcid}.`,
      ]);
      expect((await ask(asked.exi, { alwaysReturnEXI: 'false' })).json).toEqual({
        errorMessages: plain.json.errorMessages,
        traceId: expect.stringMatching(uuid),
      });

      // As Python writes it.
      const forTheCar = await ask(asked.exi, { alwaysReturnEXI: 'True', broadcast: 'FALSE' });
      expect(forTheCar.status).toBe(404);
      const [{ messageDef }] = forTheCar.json.CCPResponse.emaidContent;
      expect(messageDef.metaData).toMatch(/^contract-missing: /);
      const exi = Buffer.from(messageDef.certificateInstallationRes, 'base64');
      expect(() => takeIso2(asked, exi, vehicle.scalar)).toThrow('FAILED_NoCertificateAvailable');
      for (const read of [asCitrineOs, asMaeve]) expect(() => read(forTheCar)).toThrow('404');
    });

    test('is 404 for a car of nobody, and for a signature that another key has made', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      sent(await generate(vehicle, newEmaid()), 201);
      const { signer } = await leaveFactory(evpki, maker, 'iso15118-2');
      const forged = await ask((await question({ ...vehicle, signer })).exi);
      expect([forged.status, messagesOf(forged)[0]]).toEqual([
        404,
        'Contract or Vehicle not found.',
      ]);
      sent(await evpki.call('DELETE', `/v1/oem/provCerts/${vehicle.pcid}`, undefined, maker), 200);
      const gone = await ask((await question(vehicle)).exi);
      expect([gone.status, messagesOf(gone)[1]]).toEqual([
        404,
        `The vehicle ${vehicle.pcid} is not registered for iso15118-2.`,
      ]);
    });

    test.each([
      ['no base64', 'hello world!', ISO2],
      ['no EXI', base64(Buffer.from('hello')), ISO2],
      ['EXI of the other standard', undefined, 'urn:iso:15118:20:2022:MsgDef'],
    ])('P5 is 400 for %s', async (_what, text, namespace) => {
      const { exi } = await question(await leaveFactory(evpki, maker, 'iso15118-2'));
      const body = {
        certificateInstallationReq: text ?? base64(exi),
        xsdMsgDefNamespace: namespace,
      };
      const headers = { ...csms, alwaysReturnEXI: 'true' };
      const answer = await evpki.call('POST', '/v1/ccp/signedContractData', body, headers);
      expect([answer.status, messagesOf(answer)[0]]).toEqual([400, 'EXI format is invalid!']);
    });

    test('P5 is 400 naming everything, for another namespace and for a body that is none', async () => {
      const unknown = await ask(Buffer.from('x'), {}, 'urn:din:70121:2012:MsgDef');
      expect([unknown.status, messagesOf(unknown)[1]]).toEqual([
        400,
        'xsdMsgDefNamespace : is no namespace of ISO 15118-2 or -20',
      ]);
      const path = '/v1/ccp/signedContractData';
      const empty = await evpki.call('POST', path, {}, csms);
      expect([empty.status, messagesOf(empty)]).toEqual([
        400,
        expect.arrayContaining([
          expect.stringContaining('certificateInstallationReq'),
          expect.stringContaining('xsdMsgDefNamespace'),
        ]),
      ]);
      const broken = await evpki.call('POST', path, '{"certificateInstallationReq"', csms);
      expect([broken.status, messagesOf(broken)]).toEqual([400, ['the body cannot be parsed']]);
      const big = await evpki.call('POST', path, { x: 'x'.repeat(40_000) }, csms);
      expect([big.status, messagesOf(big).length]).toEqual([413, 1]);
      const wrongMethod = await evpki.call('PATCH', path, {}, csms);
      expect([wrongMethod.status, messagesOf(wrongMethod).length]).toEqual([405, 1]);
    });

    test('P5 is 401 for a token of nobody and 403 for a role that may not', async () => {
      const { exi } = await question(await leaveFactory(evpki, maker, 'iso15118-2'));
      for (const authorization of [
        'Bearer x',
        `Bearer evpki_tok_${'A'.repeat(43)}`,
        'Basic eA==',
      ]) {
        const answer = await ask(exi, { authorization });
        expect([answer.status, messagesOf(answer).length]).toEqual([401, 1]);
        expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
      }
      const forbidden = await ask(exi, operator);
      expect(forbidden.status).toBe(403);
      expect(messagesOf(forbidden)[0]).toContain('ocpp:install');
    });
  });

  describe('the provisioning certificate pool', () => {
    /** A vehicle with a certificate from the maker's authority, and what its maker would send. */
    const newVehicle = async (pcid = freshPcid()) => {
      const csr = newRequest(`CN=${pcid}`, { key: 'P-256', pair: freshKeyPair('P-256') });
      const profile = 'iso15118-2-oem-provisioning';
      const issued = sent(
        await evpki.call(
          'POST',
          '/v1/certificates',
          { profile, authority: 'oem-sub-ca-2', csr },
          maker,
        ),
        201,
      );
      const [vehicle, sub2, sub1] = certificatesOf(issued.certificateChain).map(base64);
      const root = await rootOf(evpki, 'oem-root');
      const keyId = Buffer.from(root.extensions.subjectKeyIdentifier?.value ?? []).toString('hex');
      const known = {
        ...{ subCA1Certificate: sub1, subCA2Certificate: sub2, vehicleCertificate: vehicle },
        xsdMsgDefNamespace: ISO2,
        rootIssuerSerialNumber: Buffer.from(root.serialNumber).toString('hex').replace(/^0+/, ''),
        rootAuthorityKeyIdentifier: keyId.match(/../g)?.join(':'),
      };
      return { pcid, certificateId: issued.id as string, known };
    };
    const put = (body: unknown, headers = maker) =>
      evpki.call('PUT', '/v1/oem/provCerts', body, headers);
    const get = (pcid: string, headers = operator) =>
      evpki.call('GET', `/v1/oem/provCerts/${pcid}`, undefined, headers);

    test('takes what the scripts of MaEVe send, and gives it to operators with its root', async () => {
      const { pcid, known } = await newVehicle();
      const more = { rootIssuerDistinguishedName: 'CN=x', v2gRootAuthorityKeyIdentifier: '4b:45' };
      const stored = sent(await put({ ...known, ...more }), 200);
      expect(stored).toMatchObject(known);
      expect(stored.rootIssuerDistinguishedName).toContain('CN=Demo OEM Root');
      const der = Buffer.from(known.vehicleCertificate ?? '', 'base64');
      expect(stored.fingerprint).toBe(fingerprint(der));
      // The same again changes nothing.
      expect(sent(await put(known), 200)).toEqual(stored);

      expect(sent(await get(pcid), 200)).toEqual({ OEMMessage: stored });
      expect(sent(await get(pcid.toLowerCase(), maker), 200)).toEqual({ OEMMessage: stored });
      const byCurve = `${pcid}?signatureAlgorithm=secp256r1`;
      expect(sent(await get(byCurve), 200)).toEqual({ OEMMessage: stored });
      expect((await get(`${pcid}?signatureAlgorithm=secp521r1`)).status).toBe(404);
      expect((await get(`${pcid}?xsdMsgDefNamespace=${ISO2}`)).status).toBe(200);
      expect(await logOf('demo-oem')).toContainEqual(
        expect.objectContaining({ action: 'vehicle.looked-up', subject: pcid }),
      );
    });

    test('finds the authorities of this evpki by itself', async () => {
      const { known } = await newVehicle();
      const alone = { ...known, subCA1Certificate: '', subCA2Certificate: '' };
      expect(sent(await put(alone), 200)).toMatchObject(known);
    });

    test('says whether there is a vehicle', async () => {
      const { pcid, known } = await newVehicle();
      const lookUp = () =>
        evpki.call('GET', `/v1/oem/provCerts/lookupVehicle/${pcid}`, undefined, operator);
      const unknown = await lookUp();
      expect([unknown.status, messagesOf(unknown)]).toEqual([404, [`there is no vehicle ${pcid}`]]);
      sent(await put(known), 200);
      const found = await lookUp();
      expect([found.status, found.text]).toEqual([200, '']);
    });

    test('lets nobody see the vehicles of another maker, but for operators', async () => {
      const { pcid, known } = await newVehicle();
      sent(await put(known), 200);
      const other = await as('other-oem', 'oem');
      const unseen = await get(pcid, other);
      expect([unseen.status, messagesOf(unseen)]).toEqual([
        404,
        [`there is no provisioning certificate of the vehicle ${pcid}`],
      ]);
      const path = `/v1/oem/provCerts/${pcid}`;
      expect((await evpki.call('DELETE', path, undefined, other)).status).toBe(404);
      expect((await get(pcid, await as('demo-oem', 'read-only'))).status).toBe(403);
      expect((await get(pcid, csms)).status).toBe(403);
      expect((await get('x', maker)).status).toBe(400);

      // P5 of another operator's identifiers nobody registers any.
      const foreign = await put(known, other);
      expect([foreign.status, messagesOf(foreign).join()]).toEqual([
        403,
        expect.stringContaining('DEM is no WMI of other-oem'),
      ]);
    });

    test('refuses what is no chain, of another standard, or no certificate, with every reason', async () => {
      const other = await newVehicle();
      const broken = await put({ vehicleCertificate: 'AAAA', subCA1Certificate: '%%%' });
      expect(broken.status).toBe(400);
      expect(messagesOf(broken).length).toBeGreaterThan(2);
      const namespace = 'urn:iso:15118:20:2022:MsgDef';
      const wrong = await put({ ...other.known, xsdMsgDefNamespace: namespace });
      expect([wrong.status, messagesOf(wrong)[1]]).toEqual([
        400,
        'certificate : its key is one of iso15118-2, not of iso15118-20',
      ]);
      expect((await get(other.pcid)).status).toBe(404);
    });

    test('does not give out what is revoked', async () => {
      const { pcid, certificateId, known } = await newVehicle();
      sent(await put(known), 200);
      const path = `/v1/certificates/${certificateId}/revocation`;
      sent(await evpki.call('POST', path, { reason: 'keyCompromise' }, maker), 200);
      const answer = await get(pcid);
      expect([answer.status, messagesOf(answer)[0]]).toEqual([
        404,
        expect.stringMatching(/does not hold: .*revoked/),
      ]);
    });

    test('deletes a vehicle with its contracts, once', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      sent(await generate(vehicle, newEmaid()), 201);
      const installed = await install(vehicle);
      const path = `/v1/oem/provCerts/${vehicle.pcid}`;
      expect((await evpki.call('DELETE', path, undefined, operator)).status).toBe(403);
      const deleted = await evpki.call('DELETE', path, undefined, maker);
      expect([deleted.status, deleted.text]).toEqual([200, '']);
      expect(await ocspStatus(installed.chain)).toBe('revoked');
      const again = await evpki.call('DELETE', path, undefined, maker);
      expect([again.status, messagesOf(again).length]).toEqual([404, 1]);
    });
  });

  describe('contracts that evpki makes', () => {
    test('end with the contract, and are renewed by asking again', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const emaid = newEmaid();
      const body = sent(await generate(vehicle, emaid, { metaData: 'x' }), 201);
      expect(body).toEqual({ pcid: vehicle.pcid, emaid, xsdMsgDefNamespace: ISO2 });
      const ends = (der: Uint8Array | undefined) =>
        readCertificate(der ?? new Uint8Array()).notAfter.getTime() - Date.now();
      const first = await install(vehicle);
      expect(ends(first.chain[0])).toBeLessThanOrEqual(400 * DAY);
      expect(ends(first.chain[0])).toBeGreaterThan(398 * DAY);

      sent(await generate(vehicle, emaid, { contractEnds: inDays(100) }), 201);
      const second = await install(vehicle);
      expect(second.chain[0]).not.toEqual(first.chain[0]);
      expect(ends(second.chain[0])).toBeLessThanOrEqual(100 * DAY);
      expect(ends(second.chain[0])).toBeGreaterThan(98 * DAY);
      // The car changes over when it asks.
      expect(await ocspStatus(first.chain)).toBe('good');
    });

    test('P5 are refused with every reason', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const emaid = newEmaid();
      const refused = async (answer: Promise<Answer>) => {
        const { status, ...rest } = await answer;
        return [status, messagesOf({ status, ...rest }).join('\n')];
      };
      const late = { contractBegins: inDays(3), contractEnds: inDays(-1) };
      expect(await refused(generate(vehicle, emaid, late))).toEqual([
        400,
        expect.stringMatching(/contractBegins : is later[\s\S]*contractEnds : is in the past/),
      ]);
      const backwards = { contractBegins: inDays(0.8), contractEnds: inDays(0.5) };
      expect(await refused(generate(vehicle, emaid, backwards))).toEqual([
        400,
        expect.stringContaining('contractEnds : is before contractBegins'),
      ]);
      expect(await refused(generate(vehicle, emaid, { contractEnds: inDays(3000) }))).toEqual([
        400,
        expect.stringMatching(/contractEnds : iso15118-2-contract allows \d+ to \d+ days/),
      ]);
      expect(await refused(generate(vehicle, emaid, { contractEnds: 'tomorrow' }))).toEqual([
        400,
        expect.stringContaining('contractEnds'),
      ]);
      expect(await refused(generate(vehicle, 'DE9XYC12345678'))).toEqual([
        403,
        expect.stringContaining('DE9XY is none of the providers of demo-mo'),
      ]);
      const other = await as('other-mo', 'emsp-operator');
      expect((await refused(generate(vehicle, emaid, {}, other)))[0]).toBe(403);
      expect(await refused(generate({ pcid: freshPcid() }, emaid))).toEqual([
        404,
        expect.stringContaining('no provisioning certificate of'),
      ]);
      expect((await refused(generate(vehicle, emaid, {}, maker)))[0]).toBe(403);
      expect((await refused(generate(vehicle, 'nonsense')))[0]).toBe(400);
    });
  });

  describe('contract data that an operator brings', () => {
    const ownData = (vehicle: Vehicle, emaid: string) =>
      contractDataOf(evpki, operator, vehicle, emaid);
    const bring = (body: Record<string, unknown>, headers = operator) =>
      evpki.call(
        'PUT',
        '/v1/cps/contractData/signed',
        { xsdMsgDefNamespace: ISO2, ...body },
        headers,
      );

    test('is signed for the operator to see, and again for the car that asks', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const { pcid } = vehicle;
      const emaid = newEmaid();
      const { chain, keys, scalar } = await ownData(vehicle, emaid);
      const contractData = {
        ...{ contractCertificate: chain[0], contractSubCa2Certificate: chain[1] },
        ...{ contractSubCa1Certificate: chain[2], ...keys },
      };
      const signed = sent(await bring({ pcid, contractData }), 201);
      expect(signed).toMatchObject({ pcid, emaid, xsdMsgDefNamespace: ISO2 });
      expect(signed.cpsRootDistinguishedName).toContain('CN=Demo V2G Root');
      const xml = Buffer.from(signed.signedData, 'base64').toString();
      for (const text of [...chain, ...Object.values(keys), emaid]) {
        expect(xml).toContain(`>${text}</`);
      }
      expect(xml.match(/<s:Reference URI="#id[1-4]">/g)).toHaveLength(4);
      expect(xml.match(/<s:SignatureValue>[A-Za-z0-9+/]{86}==<\/s:SignatureValue>/g)).toHaveLength(
        1,
      );

      // Whose certificate has signed it finds that in its log, and not for which vehicle.
      const [contract] = sent(await evpki.call('GET', `/v1/contracts?emaid=${emaid}`), 200).items;
      const log = await logOf('demo-cps');
      expect(log).toContainEqual(
        expect.objectContaining({
          action: 'contract-data.signed',
          details: { contract: contract.id, for: 'demo-mo' },
        }),
      );
      expect(JSON.stringify(log)).not.toContain(pcid);

      const installed = await install(vehicle);
      expect(installed.chain.map(base64)).toEqual(chain);
      expect(Buffer.from(installed.scalar)).toEqual(Buffer.from(scalar));

      // As clients of before send it, and as the next bundle of the same contract.
      const next = await ownData(vehicle, emaid);
      const nested = {
        ...{ ...next.keys, emaid },
        contractSignatureCertChain: {
          contractSignatureCertChainCertificate: next.chain[0],
          contractSignatureCertChainSubCertificates: next.chain.slice(1),
        },
      };
      sent(await bring({ pcid, emaid, contractData: nested }), 201);
      expect((await install(vehicle)).chain.map(base64)).toEqual(next.chain);
    });

    test('ends with its contract, also where its certificate was issued here', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const { pcid } = vehicle;
      const emaid = newEmaid();
      const { chain, keys } = await ownData(vehicle, emaid);
      const contractData = {
        ...{ contractCertificate: chain[0], contractSubCa2Certificate: chain[1] },
        ...{ contractSubCa1Certificate: chain[2], ...keys },
      };
      sent(await bring({ pcid, contractData }), 201);
      const certificates = chain.map((text) => Buffer.from(text ?? '', 'base64'));
      expect(await ocspStatus(certificates)).toBe('good');
      const [contract] = sent(
        await evpki.call('GET', `/v1/contracts?pcid=${pcid}`, undefined, operator),
        200,
      ).items;
      const suspension = `/v1/contracts/${contract.id}/suspension`;
      sent(await evpki.call('POST', suspension, {}, operator), 200);
      expect(await ocspStatus(certificates)).toBe('revoked');
      sent(await evpki.call('DELETE', suspension, undefined, operator), 200);
      expect(await ocspStatus(certificates)).toBe('good');
      const path = `/v1/ccp/signedContractData/${emaid}`;
      sent(await evpki.call('DELETE', path, undefined, operator), 200);
      expect(await ocspStatus(certificates)).toBe('revoked');

      // Unless whoever ends it says otherwise.
      const next = await ownData(vehicle, emaid);
      const { contractSubCa1Certificate, contractSubCa2Certificate } = contractData;
      const kept = {
        ...{ contractCertificate: next.chain[0], contractSubCa1Certificate },
        ...{ contractSubCa2Certificate, ...next.keys },
      };
      sent(await bring({ pcid, contractData: kept }), 201);
      const skipping = { ...operator, 'X-Skip-Revocation': 'true' };
      sent(await evpki.call('DELETE', path, undefined, skipping), 200);
      const remaining = next.chain.map((text) => Buffer.from(text ?? '', 'base64'));
      expect(await ocspStatus(remaining)).toBe('good');
    });

    test('is not taken where nobody signs below the root that is named', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const { pcid } = vehicle;
      const { chain, keys } = await ownData(vehicle, newEmaid());
      const contractData = {
        ...{ contractCertificate: chain[0], contractSubCa2Certificate: chain[1] },
        ...{ contractSubCa1Certificate: chain[2], ...keys },
      };
      const cpsV2GRootCertificateFingerprint = 'ab'.repeat(32);
      const answer = await bring({ pcid, contractData, cpsV2GRootCertificateFingerprint });
      expect(answer.status).toBe(404);
      const none = await evpki.call('GET', `/v1/contracts?pcid=${pcid}`, undefined, operator);
      expect(sent(none, 200).items).toEqual([]);
    });

    test('may end without anything being revoked, unless evpki has certified some of it', async () => {
      const emaid = newEmaid();
      const cars: Vehicle[] = [];
      for (let count = 0; count < 2; count += 1) {
        const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
        const { chain, keys } = await ownData(vehicle, emaid);
        const [contractCertificate, contractSubCa2Certificate, contractSubCa1Certificate] = chain;
        const certificates = {
          ...{ contractCertificate, contractSubCa2Certificate, contractSubCa1Certificate },
        };
        const contractData = { ...certificates, ...keys };
        if (count === 0) sent(await bring({ pcid: vehicle.pcid, contractData }), 201);
        else sent(await generate(vehicle, emaid), 201);
        cars.push(vehicle);
      }
      const remove = () =>
        evpki.call('DELETE', `/v1/ccp/signedContractData/${emaid}`, undefined, {
          ...operator,
          'X-Skip-Revocation': 'true',
        });
      expect((await remove()).status).toBe(409);
      const { items } = sent(await evpki.call('GET', `/v1/contracts?emaid=${emaid}`), 200);
      const made = items.find((one: { pcid: string }) => one.pcid === cars[1]?.pcid);
      sent(await evpki.call('POST', `/v1/contracts/${made.id}/end`, {}, operator), 200);
      sent(await remove(), 200);
      expect((await remove()).status).toBe(404);
    });

    test('P5 is refused with every reason, and for identifiers of others', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const { pcid } = vehicle;
      const emaid = newEmaid();
      const { chain, keys } = await ownData(vehicle, emaid);
      const contractData = { contractCertificate: chain[0], contractSubCa1Certificate: chain[1] };
      const broken = await bring({
        pcid,
        contractData: {
          ...contractData,
          ...keys,
          dHpublickey: 'AAAA',
          contractSubCa1Certificate: 'BBBB',
        },
      });
      expect(broken.status).toBe(400);
      const wrongKeys = { contractSignatureEncryptedPrivateKey: 'AAAA', dHpublickey: 'AAAA' };
      const wrong = await bring({ pcid, contractData: { ...contractData, ...wrongKeys } });
      expect([wrong.status, messagesOf(wrong).length]).toEqual([400, 3]);
      const noText = await bring({ pcid, contractData: { ...keys, contractCertificate: '%' } });
      expect([noText.status, messagesOf(noText).join()]).toEqual([
        400,
        expect.stringContaining('contractCertificate : is no certificate in base64'),
      ]);
      const other = await as('other-mo', 'emsp-operator');
      const data = { ...contractData, ...keys };
      expect((await bring({ pcid, contractData: data }, other)).status).toBe(403);
      expect((await bring({ pcid, contractData: data }, maker)).status).toBe(403);
      expect((await bring({ pcid: '', contractData: data })).status).toBe(400);
      expect((await bring({ pcid: freshPcid(), contractData: data })).status).toBe(404);
    });
  });

  describe('the contract certificate pool', () => {
    const pool = '/v1/ccp/signedContractData';

    test('lists by EMAID and by PCID what is the operator’s, and nobody else’s', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const [first, second] = [newEmaid(), newEmaid()];
      for (const emaid of [first, second]) sent(await generate(vehicle, emaid), 201);
      const lookUp = (path: string, headers = operator) =>
        evpki.call('GET', path, undefined, headers);
      const { XMLContracts } = sent(await lookUp(`/v1/ccp/lookupContract/${first}`), 200);
      expect(XMLContracts).toEqual([
        {
          ...{ pcid: vehicle.pcid, emaid: first, xsdMsgDefNamespace: ISO2, defaultContract: false },
          contractCertificate: base64((await install(vehicle)).chain[0] ?? new Uint8Array()),
          certValidFrom: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          certValidTo: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        },
      ]);
      const ofCar = sent(await lookUp(`${pool}/${vehicle.pcid}`), 200).XMLContracts;
      expect(ofCar.map(({ emaid }: { emaid: string }) => emaid).sort()).toEqual([first, second]);

      const other = await as('other-mo', 'emsp-operator');
      for (const path of [`/v1/ccp/lookupContract/${first}`, `${pool}/${vehicle.pcid}`]) {
        const unseen = await lookUp(path, other);
        expect([unseen.status, messagesOf(unseen).length]).toEqual([404, 1]);
        expect((await lookUp(path, maker)).status).toBe(403);
      }
      const namespace = 'xsdMsgDefNamespace=urn:iso:15118:20:2022:MsgDef';
      expect((await lookUp(`${pool}/${vehicle.pcid}?${namespace}`)).status).toBe(404);
    });

    test.each(['PUT', 'POST'])('%s makes a contract the one that the car gets', async (method) => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const [first, second] = [newEmaid(), newEmaid()];
      for (const emaid of [first, second]) sent(await generate(vehicle, emaid), 201);
      expect((await install(vehicle)).emaid).toBe(first);
      const path = `${pool}/${vehicle.pcid}/${second}/default`;
      const other = await as('other-mo', 'emsp-operator');
      expect((await evpki.call(method, path, undefined, other)).status).toBe(404);
      sent(await evpki.call(method, path, undefined, operator), 200);
      expect((await install(vehicle)).emaid).toBe(second);
    });

    test('DELETE ends the contract and revokes its certificate', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const emaid = newEmaid();
      sent(await generate(vehicle, emaid), 201);
      const { chain } = await install(vehicle);
      const remove = (headers: Record<string, string>) =>
        evpki.call('DELETE', `${pool}/${emaid}`, undefined, headers);
      const other = await remove(await as('other-mo', 'emsp-operator'));
      expect([other.status, messagesOf(other).length]).toEqual([404, 1]);
      expect((await remove(csms)).status).toBe(403);
      const kept = await remove({ ...operator, 'X-Skip-Revocation': 'True' });
      expect([kept.status, messagesOf(kept)[0]]).toEqual([409, expect.stringContaining('revoked')]);
      expect(await ocspStatus(chain)).toBe('good');
      sent(await remove({ ...operator, 'X-Skip-Revocation': 'false' }), 200);
      expect(await ocspStatus(chain)).toBe('revoked');
      expect((await ask((await question(vehicle)).exi)).status).toBe(404);
      expect((await remove(operator)).status).toBe(404);
    });

    test('gives a maker the contract of its own car, as the car would get it', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const emaid = newEmaid();
      sent(await generate(vehicle, emaid), 201);
      const provide = (query = '', headers = maker, named = emaid) =>
        evpki.call(
          'GET',
          `/v1/ccp/provideSignedContractData/${named}/${vehicle.pcid}${query}`,
          undefined,
          headers,
        );
      const root = fingerprint((await rootOf(evpki, 'v2g-root')).der);
      const query = `?sessionID=0A0B&cpsV2GRootCertificateFingerprint=${root.toUpperCase()}`;
      const provided = sent(await provide(query), 200);
      expect(provided).toMatchObject({ emaid, xsdMsgDefNamespace: ISO2 });
      const sessionId = Buffer.from('0000000000000a0b', 'hex');
      const exi = Buffer.from(provided.certificateInstallationRes, 'base64');
      const taken = takeIso2({ exi, sessionId }, exi, vehicle.scalar);
      expect(taken.chain).toEqual((await install(vehicle)).chain);
      expect(await logOf('demo-mo')).toContainEqual(
        expect.objectContaining({
          action: 'contract.provided',
          details: expect.objectContaining({ emaid, pcid: vehicle.pcid }),
        }),
      );

      sent(await provide('?sessionID='), 200);
      expect((await provide('?sessionID=xyz')).status).toBe(400);
      const elsewhere = `?cpsV2GRootCertificateFingerprint=${'0'.repeat(64)}`;
      expect((await provide(elsewhere)).status).toBe(404);
      // By its id, the root of the pool that is meant.
      const id = rootId((await rootOf(evpki, 'v2g-root')).der);
      const byId = await provide(`?cpsRootCertificateId=${id.toUpperCase()}`);
      expect([byId.status, byId.json.cpsRootCertificateId]).toEqual([200, id]);
      const other = rootId((await rootOf(evpki, 'mo-root')).der);
      for (const wrong of [other, 'nonsense']) {
        expect((await provide(`?cpsRootCertificateId=${wrong}`)).status).toBe(404);
      }
      expect((await provide('', maker, newEmaid())).status).toBe(404);
      expect((await provide('', await as('other-oem', 'oem'))).status).toBe(404);
      expect((await provide('', operator)).status).toBe(403);
    });

    test('gives its maker nothing for a car whose provisioning certificate is revoked', async () => {
      const vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
      const emaid = newEmaid();
      sent(await generate(vehicle, emaid), 201);
      const revocation = `/v1/certificates/${vehicle.certificateId}/revocation`;
      sent(await evpki.call('POST', revocation, { reason: 'keyCompromise' }, maker), 200);
      for (const path of [
        `/v1/ccp/provideSignedContractData/${emaid}/${vehicle.pcid}`,
        `/opnc/v1/ccp/signedcontractdata/${emaid}/${vehicle.pcid}`,
      ]) {
        const answer = await evpki.call('GET', path, undefined, maker);
        expect([answer.status, messagesOf(answer)[0]]).toEqual([
          404,
          expect.stringMatching(/does not hold: .*revoked/),
        ]);
      }
    });
  });

  test('the certificates that sign for cars are there for everybody in business', async () => {
    for (const headers of [maker, operator, csms]) {
      const { cpsCertificates } = sent(
        await evpki.call('GET', '/v1/cps/signer', undefined, headers),
        200,
      );
      expect(cpsCertificates).toHaveLength(1);
      const [one] = cpsCertificates;
      const [leaf, sub2, sub1] = [
        one.cpsCertificate,
        one.cpsCa2Certificate,
        one.cpsCa1Certificate,
      ].map((text) => readCertificate(Buffer.from(text, 'base64')));
      expect(leaf?.issuerDer).toEqual(sub2?.subjectDer);
      expect(sub2?.issuerDer).toEqual(sub1?.subjectDer);
      expect(one).toMatchObject({ organizationName: 'Demo CPS', xsdMsgDefNamespace: ISO2 });
      expect(one.cpsSubCa2Certificate).toBe(one.cpsCa2Certificate);
      expect(one.cpsSubCa1Certificate).toBe(one.cpsCa1Certificate);
      expect(one.cpsRootCertificateId).toBe(rootId((await rootOf(evpki, 'v2g-root')).der));
      expect(new Date(one.validTo) > new Date(one.validFrom)).toBe(true);
    }
  });
});

describe('OPCP with ISO 15118-20', () => {
  let evpki: TestApp;
  const standard: PncStandard = 'iso15118-20';
  beforeAll(async () => {
    evpki = await startTestApp({ hierarchy: 'ca/iso15118-20.yaml' });
  });
  afterAll(() => evpki?.close());

  test('P7 takes each namespace that clients name it by', async () => {
    const as = async (organization: string, role: string) => ({
      authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
    });
    const [maker, operator, csms] = await Promise.all([
      as('oem', 'oem'),
      as('mo', 'emsp-operator'),
      as('cpo', 'csms'),
    ]);
    const vehicle = await leaveFactory(evpki, maker, standard);
    const roots = [rootIdOf(await rootOf(evpki, 'v2g-root'))];
    const emaid = 'DE8EVC00000020';
    const namespaces = [
      'urn:iso:15118:20:2022:MsgDef',
      'urn:iso:15118:20:2020:MsgDef',
      'urn:iso:std:iso:15118:-20:CommonMessages',
    ];
    for (const xsdMsgDefNamespace of namespaces) {
      const dates = { contractBegins: inDays(0), contractEnds: inDays(100) };
      const body = { ...dates, pcid: vehicle.pcid, emaid, xsdMsgDefNamespace };
      sent(await evpki.call('PUT', '/v1/cps/generate/signedContractData', body, operator), 201);
      const asked = await askToInstall(vehicle, roots);
      const question = { certificateInstallationReq: base64(asked.exi), xsdMsgDefNamespace };
      const answer = await evpki.call('POST', '/v1/ccp/signedContractData', question, csms);
      const read = asMaeve(answer);
      expect(read).toEqual({ emaid, exi: asCitrineOs(answer) });
      const exi = Buffer.from(read.exi, 'base64');
      expect(takeIso20(asked, exi, vehicle).emaid).toBe(emaid);
      const { metaData } = answer.json.CCPResponse.emaidContent[0].messageDef;
      // Longer than chargers of OCPP 2.0.1 may take.
      expect(metaData).toBe(
        `certificateInstallationRes has ${read.exi.length} characters; in OCPP 2.0.1 it may have 5600.`,
      );
    }
    const query = 'xsdMsgDefNamespace=urn:iso:15118:20:2022:MsgDef';
    const path = `/v1/ccp/provideSignedContractData/${emaid}/${vehicle.pcid}?${query}`;
    const provided = sent(await evpki.call('GET', path, undefined, maker), 200);
    const exi = Buffer.from(provided.certificateInstallationRes, 'base64');
    expect(takeIso20({ exi, sessionId: new Uint8Array(8) }, exi, vehicle).emaid).toBe(emaid);
    const oem = `/v1/oem/provCerts/${vehicle.pcid}?signatureAlgorithm=secp521r1`;
    expect((await evpki.call('GET', oem, undefined, operator)).status).toBe(200);
  });
});
