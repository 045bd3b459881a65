/** OPCP: contract data that is signed and not stored, and that comes back signed to be stored. */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeIso2, encodeIso2 } from '../../src/iso15118/exi/iso2.ts';
import { buildIso2Response } from '../../src/iso15118/installation/iso2-response.ts';
import { iso2ResponseXml } from '../../src/iso15118/installation/iso2-xml.ts';
import { readIso2ResponseXml } from '../../src/iso15118/installation/iso2-xml-reading.ts';
import { nameText, writeName } from '../../src/pki/names.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { contractDataBody, contractDataOf } from '../support/contract-data.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import {
  authorityExtensions,
  generateKey,
  issue,
  leafExtensions,
  templateFor,
} from '../support/issuing.ts';
import { freshKey } from '../support/signed-messages.ts';
import {
  askToInstall,
  freshPcid,
  leaveFactory,
  rootIdOf,
  rootOf,
  sent,
  takeIso2,
  type Vehicle,
} from '../support/vehicles.ts';

const ISO2 = 'urn:iso:15118:2:2013:MsgDef';
const ISO20 = 'urn:iso:15118:20:2022:MsgDef';
const SIGN = '/v1/cps/contractData/signed';
const ADD = '/v1/ccp/signedContractData';
const OLDER = '/v1/cps/signedContractData';
const FORWARD = '/v1/cps/forward/signedContractData';

const base64 = (octets: Uint8Array): string => Buffer.from(octets).toString('base64');
const heard = ({ status, json }: Answer) => [status, json?.errorMessages?.join('\n')];

describe('OPCP contract data that is signed and stored in two steps', () => {
  let evpki: TestApp;
  let maker: Record<string, string>;
  let operator: Record<string, string>;
  let other: Record<string, string>;
  let vehicle: Vehicle;
  let emaids = 0;

  const newEmaid = () => `DE8EVC${String(++emaids).padStart(8, '0')}`;
  const as = async (organization: string, role: string) => ({
    authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
  });
  const put = (path: string, body: Record<string, unknown>, headers = operator) =>
    evpki.call('PUT', path, { xsdMsgDefNamespace: ISO2, ...body }, headers);
  const ownData = (emaid: string, car = vehicle) => contractDataOf(evpki, operator, car, emaid);
  const add = (
    { pcid }: Pick<Vehicle, 'pcid'>,
    emaid: string,
    xml: string,
    more: Record<string, unknown> = {},
    headers = operator,
  ) => put(ADD, { pcid, emaid, signedContractDataXML: xml, ...more }, headers);
  const contractsOf = async ({ pcid }: Pick<Vehicle, 'pcid'>) =>
    sent(await evpki.call('GET', `/v1/contracts?pcid=${pcid}`, undefined, operator), 200).items;
  /** Enough of it: evpki's own entries come in between at any time. */
  const logOf = async (organization: string) =>
    sent(await evpki.call('GET', `/v1/audit?organization=${organization}&limit=200`), 200).items;
  /** Contract data that was signed and not stored. */
  const signed = async (emaid: string, car = vehicle) => {
    const own = await ownData(emaid, car);
    const answer = sent(await put(SIGN, { contractData: contractDataBody(own) }), 201);
    return { ...own, answer, xml: answer.signedData as string };
  };
  const changed = (xml: string, change: (text: string) => string): string => {
    const text = Buffer.from(xml, 'base64').toString();
    expect(change(text)).not.toBe(text);
    return base64(Buffer.from(change(text)));
  };

  beforeAll(async () => {
    evpki = await startTestApp();
    maker = await as('demo-oem', 'oem');
    operator = await as('demo-mo', 'emsp-operator');
    const body = { id: 'other-mo', name: 'Other MO', roles: ['mo'], providers: ['DE9XY'] };
    sent(await evpki.call('POST', '/v1/organizations', body), 201);
    other = await as('other-mo', 'emsp-operator');
    vehicle = await leaveFactory(evpki, maker, 'iso15118-2');
  });
  afterAll(() => evpki?.close());

  describe('without a PCID', () => {
    test('is signed as a car would verify it, and nothing is stored', async () => {
      const car = await leaveFactory(evpki, maker, 'iso15118-2');
      const emaid = newEmaid();
      const { answer, chain, scalar, xml } = await signed(emaid, car);
      expect(answer).toEqual({
        ...{ pcid: null, emaid, xsdMsgDefNamespace: ISO2, signedData: xml },
        cpsRootCertificateId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        cpsRootDistinguishedName: expect.stringContaining('CN=Demo V2G Root'),
      });
      const { signature, body } = readIso2ResponseXml(Buffer.from(xml, 'base64'));
      const sessionId = new Uint8Array(8);
      const header = { sessionId, ...(signature ? { signature } : {}) };
      const exi = encodeIso2({ header, body });
      const installed = takeIso2({ sessionId, exi }, exi, car.scalar);
      expect(installed.chain.map(base64)).toEqual(chain);
      expect(Buffer.from(installed.scalar)).toEqual(Buffer.from(scalar));
      expect(await contractsOf(car)).toEqual([]);
      const path = `/v1/ccp/lookupContract/${emaid}`;
      expect((await evpki.call('GET', path, undefined, operator)).status).toBe(404);
    });

    test('stands in the log of its operator and of who has signed, and of no car', async () => {
      const emaid = newEmaid();
      await signed(emaid);
      const action = 'contract-data.signed';
      const [own, signers] = [await logOf('demo-mo'), await logOf('demo-cps')];
      const entry = own.find((one: { subject: string }) => one.subject === emaid);
      expect(entry).toMatchObject({ action, details: { stored: false } });
      const { certificate } = entry.details;
      expect(signers).toContainEqual(
        expect.objectContaining({ action, details: { certificate, for: 'demo-mo' } }),
      );
      expect(JSON.stringify(signers)).not.toContain(emaid);
    });

    test('is refused for what is another operator’s, and for who makes no contracts', async () => {
      const contractData = contractDataBody(await ownData(newEmaid()));
      expect(heard(await put(SIGN, { contractData }, other))).toEqual([
        403,
        expect.stringContaining('is none of the providers of other-mo'),
      ]);
      for (const headers of [maker, await as('demo-cps', 'pki-officer')]) {
        expect((await put(SIGN, { contractData }, headers)).status).toBe(403);
      }
      // Its own EMAID does not make the certificate its own.
      const wrong = await put(SIGN, { contractData, emaid: 'DE9XYC12345678' }, other);
      expect(heard(wrong)).toEqual([
        400,
        expect.stringContaining('the common name of the certificate is not DE9XYC12345678'),
      ]);
    });

    test('is refused with every reason', async () => {
      const emaid = newEmaid();
      const own = await ownData(emaid);
      const contractData = contractDataBody(own);
      const refused = async (body: Record<string, unknown>) => heard(await put(SIGN, body));
      const [leaf, , sub1] = own.chain;
      const clear = Buffer.concat([Buffer.alloc(16, 1), own.scalar]);
      const broken = {
        ...{ contractCertificate: leaf, contractSubCa1Certificate: sub1, dHpublickey: 'AAAA' },
        contractSignatureEncryptedPrivateKey: base64(clear),
      };
      const [status, text] = await refused({ contractData: broken, emaid: newEmaid() });
      expect(status).toBe(400);
      for (const reason of [
        'the common name of the certificate is not',
        'has not signed the one before it',
        'is the contract key, not encrypted',
        'is base64 of 65 octets',
      ]) {
        expect(text).toContain(reason);
      }
      expect(text).not.toContain(base64(own.scalar));
      const twice = { ...contractData, emaid: newEmaid() };
      expect(await refused({ contractData: twice, emaid })).toEqual([
        400,
        expect.stringContaining('contractData.emaid : is not the EMAID of the request'),
      ]);
      expect(await refused({ contractData, xsdMsgDefNamespace: ISO20 })).toEqual([
        400,
        expect.stringContaining('for which alone there is signed contract data in XML'),
      ]);
      const cpsV2GRootCertificateFingerprint = 'ab'.repeat(32);
      const nobody = await refused({ contractData, cpsV2GRootCertificateFingerprint });
      expect(nobody[0]).toBe(404);
      expect(
        (await refused({ contractData: { ...contractData, contractCertificate: '%' } }))[0],
      ).toBe(400);
    });

    test('may begin later', async () => {
      const emaid = newEmaid();
      const own = await ownData(emaid);
      const name = (CN: string) => ({ attributes: [{ type: 'CN', value: CN }] });
      const root = foreignRoot({ subject: name('MO of later') });
      const [subKey, key] = [generateKey(), generateKey()];
      const sub = issue(
        templateFor(subKey, root.key, {
          ...{ subject: name('MO Sub-CA of later'), issuerName: root.certificate.subjectDer },
          extensions: authorityExtensions(subKey, root.key, 0),
        }),
        root.key,
      );
      const leaf = issue(
        templateFor(key, subKey, {
          ...{ subject: name(emaid), issuerName: sub.subjectDer },
          extensions: leafExtensions(key, subKey),
          notBefore: new Date('2035-01-01T00:00:00Z'),
        }),
        subKey,
      );
      const chain = [leaf, sub].map(({ der }) => base64(der));
      const contractData = {
        ...{ contractCertificate: chain[0], contractSubCa1Certificate: chain[1], ...own.keys },
      };
      expect(sent(await put(SIGN, { contractData }), 201).emaid).toBe(emaid);
    });

    test('is refused where evpki knows that the certificate is held or revoked', async () => {
      const own = await ownData(newEmaid());
      const contractData = contractDataBody(own);
      const path = `/v1/certificates/${own.certificateId}/revocation`;
      const hold = { reason: 'certificateHold' };
      sent(await evpki.call('POST', path, hold, operator), 200);
      const held = heard(await put(SIGN, { contractData }));
      expect(held).toEqual([400, expect.stringContaining('one above it, is on hold')]);
      sent(await evpki.call('DELETE', path, undefined, operator), 200);
      sent(await put(SIGN, { contractData }), 201);
      sent(await evpki.call('POST', path, { reason: 'keyCompromise' }, operator), 200);
      const revoked = heard(await put(SIGN, { contractData }));
      expect(revoked).toEqual([400, expect.stringContaining('one above it, is revoked')]);
    });
  });

  describe('that comes back', () => {
    test('is stored and installed, signed anew', async () => {
      const car = await leaveFactory(evpki, maker, 'iso15118-2');
      const emaid = newEmaid();
      const first = await signed(emaid, car);
      const { cpsRootCertificateId } = first.answer;
      const stored = await add(car, emaid, first.xml, { cpsRootCertificateId, metadata: 'x' });
      expect([stored.status, stored.text]).toEqual([201, '']);
      const csms = await as('demo-cpo', 'csms');
      const install = async () => {
        const asked = await askToInstall(car, [rootIdOf(await rootOf(evpki, 'v2g-root'))]);
        const request = {
          certificateInstallationReq: base64(asked.exi),
          xsdMsgDefNamespace: ISO2,
        };
        const answer = sent(await evpki.call('POST', ADD, request, csms), 200);
        const [{ messageDef }] = answer.CCPResponse.emaidContent;
        const exi = Buffer.from(messageDef.certificateInstallationRes, 'base64');
        return takeIso2(asked, exi, car.scalar);
      };
      expect((await install()).chain.map(base64)).toEqual(first.chain);
      expect(await logOf('demo-mo')).toContainEqual(
        expect.objectContaining({
          action: 'contract.bundle-brought',
          details: expect.objectContaining({ emaid }),
        }),
      );

      // The next bundle of the same contract, the EMAID in another spelling.
      const next = await signed(emaid, car);
      const spelled = emaid.replace(/^(..)(...)/, '$1-$2-').toLowerCase();
      expect((await add(car, spelled, next.xml)).status).toBe(201);
      expect(await contractsOf(car)).toHaveLength(1);
      expect((await install()).chain.map(base64)).toEqual(next.chain);
    });

    test.each<[string, (text: string) => string, string]>([
      [
        'another DH key',
        (text) => text.replace(/(<b:DHpublickey [^>]*>.{8}).{4}/, '$1AAAA'),
        'It is DHpublickey',
      ],
      [
        'another encrypted key',
        (text) => text.replace(/(PrivateKey t:Id="id2">)..../, '$1AAAA'),
        'It is ContractSignatureEncryptedPrivateKey',
      ],
      ['another EMAID', (text) => text.replace(/DE8EVC/, 'DE8EVX'), 'It is eMAID'],
      [
        'another signature',
        (text) => text.replace(/(<s:SignatureValue>)..../, '$1AAAA'),
        'not by this key over these references',
      ],
      [
        'no signature',
        (text) => text.replace(/<s:Signature>.*<\/s:Signature>/, ''),
        'no signature',
      ],
      [
        'a reference less',
        (text) => text.replace(/<s:Reference URI="#id4">.*?<\/s:Reference>/, ''),
        'It is eMAID',
      ],
      ['another code', (text) => text.replace('>OK<', '>FAILED<'), 'It is FAILED'],
      [
        'a comment',
        (text) => text.replace('<m:Body>', '<m:Body><!-- -->'),
        'has something else than an element',
      ],
    ])('is refused with %s', async (_what, change, reason) => {
      const emaid = newEmaid();
      const { xml } = await signed(emaid);
      const answer = await add(vehicle, emaid, changed(xml, change));
      expect(heard(answer)).toEqual([400, expect.stringContaining(reason)]);
    });

    test('is refused where another provisioning service has signed, with everything else', async () => {
      const emaid = newEmaid();
      const { xml } = await signed(emaid);
      const { body } = readIso2ResponseXml(Buffer.from(xml, 'base64'));
      const root = foreignRoot();
      const key = freshKey('P-256');
      const subject = {
        attributes: [
          { type: 'CN', value: 'Other CPS' } as const,
          { type: 'DC', value: 'CPS' } as const,
        ],
      };
      const issuerName = writeName(root.certificate.subject);
      const extensions = leafExtensions(key, root.key);
      const template = templateFor(key, root.key, { subject, issuerName, extensions });
      const certificate = issue(template, root.key).der;
      const exi = await buildIso2Response(
        'CertificateInstallationRes',
        {
          sessionId: randomBytes(8),
          certificate: body.contractCertificateChain.certificate,
          subCertificates: [],
          encryptedPrivateKey: body.encryptedPrivateKey.value,
          dhPublicKey: body.dhPublicKey.value,
          emaid,
        },
        { signer: key.signer, certificate, subCertificates: [] },
      );
      const { header, body: theirs } = decodeIso2(exi).message;
      if (theirs.name !== 'CertificateInstallationRes') throw new Error(theirs.name);
      const text = iso2ResponseXml({ header, body: theirs });
      const [status, messages] = heard(await add(vehicle, emaid, base64(Buffer.from(text))));
      expect(status).toBe(400);
      expect(messages).toContain(`is signed by ${nameText(subject)}: evpki takes what its own`);
      expect(messages).toContain('has the certificate and 1 to 4 above it');
      expect(await contractsOf(vehicle)).toEqual([]);
    });

    test('is refused for another EMAID, operator, vehicle, root or standard', async () => {
      const emaid = newEmaid();
      const { xml } = await signed(emaid);
      expect(heard(await add(vehicle, newEmaid(), xml))).toEqual([
        400,
        expect.stringContaining('the common name of the certificate is not'),
      ]);
      expect((await add(vehicle, emaid, xml, {}, other)).status).toBe(403);
      expect((await add(vehicle, 'DE9XYC12345678', xml)).status).toBe(403);
      expect((await add(vehicle, emaid, xml, {}, maker)).status).toBe(403);
      expect((await add(vehicle, emaid, xml, {}, await as('demo-cps', 'pki-officer'))).status).toBe(
        403,
      );
      expect(heard(await add({ pcid: freshPcid() }, emaid, xml))).toEqual([
        404,
        expect.stringContaining('no provisioning certificate of'),
      ]);
      expect((await add({ pcid: 'x' }, emaid, xml)).status).toBe(400);
      const cpsRootCertificateId = '896b6655-180e-4304-b642-606bb00df8f0';
      expect(heard(await add(vehicle, emaid, xml, { cpsRootCertificateId }))).toEqual([
        400,
        expect.stringContaining('cpsRootCertificateId : is not the root of the signer'),
      ]);
      expect((await add(vehicle, emaid, xml, { xsdMsgDefNamespace: ISO20 })).status).toBe(400);
      expect(await contractsOf(vehicle)).toEqual([]);
    });

    test('is refused where it is anything else: DER, EXI, noise, or too much of it', async () => {
      const emaid = newEmaid();
      const { chain, xml } = await signed(emaid);
      const soup = Buffer.from(chain.join(''), 'base64');
      const deep = Buffer.from('<x>'.repeat(9_000));
      for (const octets of [soup, Buffer.alloc(30_000, 0x30), randomBytes(20_000), deep]) {
        const answer = await add(vehicle, emaid, base64(octets));
        expect(heard(answer)).toEqual([400, expect.stringContaining('signedContractDataXML : ')]);
      }
      const withSoup = changed(xml, (text) =>
        text.replace(/(<t:Certificate>)[^<]*/, `$1${base64(randomBytes(900))}`),
      );
      const [status, text] = heard(await add(vehicle, emaid, withSoup));
      expect([status, text]).toEqual([
        400,
        expect.stringMatching(/no message of ISO 15118-2[\s\S]*is signed by what cannot be read/),
      ]);
      expect((await add(vehicle, emaid, '%%%')).status).toBe(400);
      expect((await add(vehicle, emaid, 'A'.repeat(60_000))).status).toBe(400);
      expect((await add(vehicle, emaid, 'A'.repeat(1_048_576))).status).toBe(413);
      const data = contractDataBody(await ownData(emaid));
      const contractData = { ...data, contractCertificate: 'A'.repeat(1_048_576) };
      for (const path of [SIGN, OLDER, FORWARD]) {
        expect((await put(path, { contractData })).status).toBe(413);
      }
    });
  });

  describe('in the calls of before', () => {
    /** As clients of before send it. */
    const older = ({ chain, keys }: Awaited<ReturnType<typeof ownData>>, emaid: string) => ({
      ...{ ...keys, emaid },
      contractSignatureCertChain: {
        contractSignatureCertChainCertificate: chain[0],
        contractSignatureCertChainSubCertificates: chain.slice(1),
      },
    });
    const expectDeprecated = ({ headers }: Answer) => {
      expect(headers.deprecation).toBe('@1795824000');
      expect(headers.link).toBe(`<${SIGN}>; rel="successor-version"`);
    };

    test('is signed for a registered vehicle, and not stored', async () => {
      const emaid = newEmaid();
      const { pcid } = vehicle;
      const contractData = older(await ownData(emaid), emaid);
      const answer = await put(OLDER, { pcid, contractData });
      expect(sent(answer, 200)).toMatchObject({ pcid, emaid, xsdMsgDefNamespace: ISO2 });
      expectDeprecated(answer);
      expect(await contractsOf(vehicle)).toEqual([]);
      expect(await logOf('demo-oem')).toContainEqual(
        expect.objectContaining({ action: 'vehicle.looked-up', subject: pcid }),
      );
      expect((await put(OLDER, { pcid: freshPcid(), contractData })).status).toBe(404);
      expect((await put(OLDER, { contractData })).status).toBe(400);
      expect((await put(OLDER, { pcid, contractData }, other)).status).toBe(403);
      expect((await add(vehicle, emaid, answer.json.signedData)).status).toBe(201);
      const path = `/v1/ccp/signedContractData/${emaid}`;
      sent(await evpki.call('DELETE', path, undefined, operator), 200);
    });

    test('is stored, and not shown', async () => {
      const car = await leaveFactory(evpki, maker, 'iso15118-2');
      const emaid = newEmaid();
      const contractData = older(await ownData(emaid, car), emaid);
      const answer = await put(FORWARD, { pcid: car.pcid, contractData });
      expect(sent(answer, 201)).toEqual({});
      expectDeprecated(answer);
      expect(await contractsOf(car)).toHaveLength(1);
      expect((await put(FORWARD, { contractData })).status).toBe(400);
      expect((await put(FORWARD, { pcid: car.pcid, contractData }, other)).status).toBe(403);
    });
  });
});
