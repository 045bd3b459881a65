/** Cars whose signatures depart from the profile as some on the road do: taken, and told of. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeIso2, encodeIso2, encodeIso2SignedInfo } from '../../src/iso15118/exi/iso2.ts';
import type { RootCertificateId } from '../../src/iso15118/exi/iso2-messages.ts';
import type { SignatureReference } from '../../src/iso15118/exi/xml-signature.ts';
import { encodeSignedInfo } from '../../src/iso15118/exi/xmldsig.ts';
import { ecdsaDerToRaw } from '../../src/pki/ecdsa.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { iso2ByHand } from '../support/exi-by-hand.ts';
import {
  askToInstall,
  leaveFactory,
  rootIdOf,
  rootOf,
  sent,
  takeIso2,
  type Vehicle,
} from '../support/vehicles.ts';

let evpki: TestApp;
let vehicle: Vehicle;
let csms: Record<string, string>;
beforeAll(async () => {
  evpki = await startTestApp();
  const as = async (organization: string, role: string) => ({
    authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
  });
  csms = await as('demo-cpo', 'csms');
  vehicle = await leaveFactory(evpki, await as('demo-oem', 'oem'), 'iso15118-2');
  const contract = { emaid: 'DE8EVC00000001', pcid: vehicle.pcid };
  sent(
    await evpki.call('POST', '/v1/contracts', contract, await as('demo-mo', 'emsp-operator')),
    201,
  );
});
afterAll(() => evpki?.close());

const v2gRoot = async () => rootIdOf(await rootOf(evpki, 'v2g-root'));

/** A request whose references were changed before they were signed. */
async function askWith(
  change: (reference: SignatureReference) => SignatureReference,
  encode = encodeSignedInfo,
) {
  const question = await askToInstall(vehicle, [await v2gRoot()]);
  const { header, body } = decodeIso2(question.exi).message;
  if (!header.signature) throw new Error('it is not signed');
  const { signedInfo } = header.signature;
  const changed = { ...signedInfo, references: signedInfo.references.map(change) };
  const signatureValue = ecdsaDerToRaw(await vehicle.signer.sign(encode(changed)), 'P-256');
  const signature = { signedInfo: changed, signatureValue };
  return { ...question, exi: encodeIso2({ header: { ...header, signature }, body }) };
}
const ask = async (exi: Uint8Array) => {
  const exiRequest = Buffer.from(exi).toString('base64');
  const iso15118SchemaVersion = 'urn:iso:15118:2:2013:MsgDef';
  const body = { iso15118SchemaVersion, action: 'Install', exiRequest };
  return sent(await evpki.call('POST', '/v1/ocpp/contract-certificate', body, csms), 200);
};

test.each<[string, ...Parameters<typeof askWith>]>([
  ['missing-transforms', ({ transforms: _, ...reference }) => reference],
  ['reference-id', (reference) => ({ ...reference, id: 'r1' })],
  ['signed-info-grammar', (reference) => reference, encodeIso2SignedInfo],
])('%s: the car gets its contract, answer and log say how it was read', async (reading, ...how) => {
  const question = await askWith(...how);
  const answer = await ask(question.exi);
  expect(answer).toMatchObject({ status: 'Accepted', responseCode: 'OK', readings: [reading] });
  takeIso2(question, Buffer.from(answer.exiResponse, 'base64'), vehicle.scalar);
  // By its action: responders of the organization are certified in the background at any time.
  const path = '/v1/audit?organization=demo-mo&action=contract.installed&limit=1';
  const { items } = sent(await evpki.call('GET', path), 200);
  expect(items[0]).toMatchObject({
    action: 'contract.installed',
    details: { readings: [reading] },
  });
});

test('what no car is known for is refused', async () => {
  const { exi } = await askWith((reference) => ({ ...reference, type: 'urn:t' }));
  expect(await ask(exi)).toMatchObject({
    responseCode: 'FAILED_SignatureError',
    reason: 'signature-invalid',
    readings: [],
  });
});

test('trailing-zeros: what a charger has appended is told of, too', async () => {
  const question = await askToInstall(vehicle, [await v2gRoot()]);
  const answer = await ask(Buffer.concat([question.exi, Buffer.alloc(1)]));
  expect(answer).toMatchObject({ responseCode: 'OK', readings: ['trailing-zeros'] });
});

test('string-table-hits: a car that writes a name once and then refers to it is told of', async () => {
  const { issuerName, serialNumber } = await v2gRoot();
  const others: RootCertificateId[] = [1n, 2n].map((number) => ({
    issuerName,
    serialNumber: number,
  }));
  const question = await askToInstall(vehicle, [...others, { issuerName, serialNumber }]);
  const { octets, hits } = iso2ByHand(decodeIso2(question.exi).message, true);
  // The two names, and of SignedInfo the second canonical EXI.
  expect(hits).toBe(3);
  const answer = await ask(octets);
  expect(answer).toMatchObject({ responseCode: 'OK', readings: ['string-table-hits'] });
  takeIso2(question, Buffer.from(answer.exiResponse, 'base64'), vehicle.scalar);
});

test('1.6: the answer is held against its own lengths', async () => {
  const question = await askToInstall(vehicle, [await v2gRoot()]);
  const body = {
    ocppVersion: '1.6',
    iso15118SchemaVersion: 'urn:iso:15118:2:2013:MsgDef',
    action: 'Install',
    exiRequest: Buffer.from(question.exi).toString('base64'),
  };
  const answer = sent(await evpki.call('POST', '/v1/ocpp/contract-certificate', body, csms), 200);
  expect(answer).toMatchObject({ status: 'Accepted', responseCode: 'OK', warnings: [] });
  const long = { ...body, exiRequest: 'AAAA'.repeat(1_401) };
  const refused = await evpki.call('POST', '/v1/ocpp/contract-certificate', long, csms);
  expect([refused.status, refused.json.violations]).toEqual([
    400,
    [expect.objectContaining({ field: 'body.exiRequest', code: 'field-too-long' })],
  ]);
  const wide = { ...long, ocppVersion: '2.1' };
  const taken = await evpki.call('POST', '/v1/ocpp/contract-certificate', wide, csms);
  expect([taken.status, taken.json.reason]).toEqual([200, 'request-unreadable']);
});
