/**
 * A vehicle of ISO 15118-20 with an Ed448 key, through the doors: its contract key is encrypted for
 * the X448 key that its maker has registered beside the certificate. Experimental.
 */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildIso20InstallationRequest } from '../../src/iso15118/installation/car-requests.ts';
import { checkIso20Response } from '../../src/iso15118/installation/response-check.ts';
import { openForIso20X448 } from '../../src/iso15118/key-transport/iso20-x448.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { newX448Car } from '../support/contracts.ts';
import { newMaker, pemOf } from '../support/makers.ts';
import { newCaller, trustAsTwo } from '../support/second-person.ts';
import { freshKey } from '../support/signed-messages.ts';
import { freshPcid, rootIdOf, rootOf, sent } from '../support/vehicles.ts';

const emaid = 'DE8EVC00000448';
let evpki: TestApp;
beforeAll(async () => {
  evpki = await startTestApp({ hierarchy: 'ca/iso15118-20.yaml' });
});
afterAll(() => evpki?.close());

test('gets a contract of Ed448, once it is registered with an X448 key', async () => {
  const as = async (organization: string, role: string) => ({
    authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
  });
  const maker = await as('oem', 'oem');
  const csms = await as('cpo', 'csms');
  // evpki certifies no Ed448 keys of vehicles: the X448 key would go into an extension.
  const factory = newMaker({ algorithm: 'Ed448' });
  const anchor = { certificate: pemOf(factory.root), organization: 'oem' };
  const { id } = sent(await evpki.call('POST', '/v1/trust-anchors', anchor), 201);
  await trustAsTwo([await newCaller(evpki), await newCaller(evpki)], id, ['oem-provisioning']);
  const pcid = freshPcid();
  const key = freshKey('Ed448');
  const agreeing = newX448Car();
  const certificate = factory.vehicle(pcid, { key });
  const vehicle = { certificate: pemOf(certificate), chain: pemOf(...factory.subCas) };
  const register = (body: unknown) =>
    evpki.call('POST', '/v1/provisioning-certificates', body, maker);
  const without = await register(vehicle);
  expect([without.status, without.json.violations[0].code]).toEqual([422, 'x448-key-missing']);
  const x448PublicKey = Buffer.from(agreeing.registered.x448PublicKey ?? []).toString('base64');
  sent(await register({ ...vehicle, x448PublicKey }), 201);
  const contract = { emaid, pcid, standard: 'iso15118-20' };
  const operator = await as('mo', 'emsp-operator');
  sent(await evpki.call('POST', '/v1/contracts', contract, operator), 201);

  const sessionId = randomBytes(8);
  const ask = async (root: string) => {
    const request = {
      ...{ sessionId, certificate: certificate.der, at: new Date() },
      subCertificates: factory.subCas.map(({ der }) => der),
      rootCertificateIds: [rootIdOf(await rootOf(evpki, root))],
      maximumContractCertificateChains: 1,
    };
    const exi = await buildIso20InstallationRequest(request, key.signer);
    const body = {
      iso15118SchemaVersion: 'urn:iso:std:iso:15118:-20:CommonMessages',
      action: 'Install',
      exiRequest: Buffer.from(exi).toString('base64'),
    };
    return sent(await evpki.call('POST', '/v1/ocpp/contract-certificate', body, csms), 200);
  };
  const answer = await ask('v2g-root-ed448');
  expect([answer.responseCode, answer.contract.emaid]).toEqual(['OK', emaid]);
  const exi = Buffer.from(answer.exiResponse, 'base64');
  const check = checkIso20Response({ exi, sessionId });
  if (!check.ok) throw new Error(check.message);
  const { response } = check;
  expect(response.cps.certificate.publicKey?.algorithm).toBe('Ed448');
  expect([response.encryptedPrivateKey.form, response.dhPublicKey.length]).toEqual(['X448', 56]);
  const contractCertificate = response.contract.certificate;
  expect(contractCertificate.publicKey?.algorithm).toBe('Ed448');
  const contractKeyIdentifier = contractCertificate.extensions.subjectKeyIdentifier?.value;
  if (!contractKeyIdentifier) throw new Error('the contract certificate has no SKI');
  // Which says that the key is that of the certificate.
  const scalar = openForIso20X448({
    ...{
      encryptedPrivateKey: response.encryptedPrivateKey.value,
      dhPublicKey: response.dhPublicKey,
    },
    ...{ privateKey: agreeing.privateKey, binding: { pcid, contractKeyIdentifier } },
    contractSpki: contractCertificate.spki,
  });
  expect(scalar).toHaveLength(56);

  const chain = pemOf(contractCertificate, ...response.contract.subCertificates);
  const presented = { idToken: emaid, certificate: chain };
  const authorized = sent(await evpki.call('POST', '/v1/ocpp/authorize', presented, csms), 200);
  expect(authorized).toMatchObject({
    ...{ idTokenInfo: { status: 'Accepted' }, certificateStatus: 'Accepted' },
  });
});
