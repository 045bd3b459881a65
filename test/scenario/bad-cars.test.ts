/**
 * Cars with something wrong, through the door of the CSMS: each gets an EXI answer with the fitting
 * response code, the caller the reason, the log an entry, and nothing else comes of it.
 */

import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RootCertificateId } from '../../src/iso15118/exi/iso2-messages.ts';
import { type FailureReason, failureAnswers } from '../../src/iso15118/installation/failures.ts';
import type { PncStandard } from '../../src/services/contract-records.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import {
  answered,
  curveOf,
  makersRoot,
  pemOf,
  tampered,
  vehicleBelow,
} from '../support/bad-requests.ts';
import { drawing, seed } from '../support/chance.ts';
import { trustAsTwo } from '../support/second-person.ts';
import { freshKey, signatureOver, withBitFlipped } from '../support/signed-messages.ts';
import {
  askToInstall,
  askToUpdate,
  type CarQuestion,
  freshPcid,
  type Installed,
  leaveFactory,
  rootIdOf,
  rootOf,
  sent,
  takeIso2,
  type Vehicle,
} from '../support/vehicles.ts';

const demo = {
  'iso15118-2': {
    hierarchy: 'ca/demo.yaml',
    organizations: { oem: 'demo-oem', mo: 'demo-mo', cpo: 'demo-cpo' },
    schema: 'urn:iso:15118:2:2013:MsgDef',
  },
  'iso15118-20': {
    hierarchy: 'ca/iso15118-20.yaml',
    organizations: { oem: 'oem', mo: 'mo', cpo: 'cpo' },
    schema: 'urn:iso:std:iso:15118:-20:CommonMessages',
  },
} as const;

const DAY = 86_400_000;
const seen = new Set<FailureReason>();

describe.each(Object.keys(demo) as PncStandard[])('a car of %s gets no contract', (standard) => {
  const { hierarchy, organizations, schema } = demo[standard];
  const algorithm = curveOf(standard);
  let evpki: TestApp;
  let later = 0;
  let roots: RootCertificateId[];
  const root = makersRoot(standard);
  const strangers = makersRoot(standard);
  const clients = new Map<string, Record<string, string>>();
  const tokens = new Map<string, { at: number; token: string }>();

  beforeAll(async () => {
    evpki = await startTestApp({
      ...{ hierarchy, clock: () => new Date(Date.now() + later) },
      env: { EVPKI_CLIENT_RATE: '0', EVPKI_ADDRESS_RATE: '0' },
    });
    for (const [organization, role] of [
      [organizations.oem, 'oem'],
      [organizations.mo, 'emsp-operator'],
      [organizations.cpo, 'csms'],
    ] as const) {
      const body = { name: role, organization, roles: [role] };
      clients.set(role, sent(await evpki.call('POST', '/v1/api-clients', body), 201));
    }
    for (const name of ['all', 'second']) {
      const administrator = { name, organization: 'instance', roles: ['super'] };
      clients.set(name, sent(await evpki.call('POST', '/v1/api-clients', administrator), 201));
    }
    roots = [rootIdOf(await rootOf(evpki, 'v2g-root'))];
    const anchor = { certificate: root.pem, organization: organizations.oem };
    const { id } = sent(await evpki.call('POST', '/v1/trust-anchors', anchor), 201);
    await trustAsTwo(two, id, ['oem-provisioning']);
  });
  afterAll(() => evpki?.close());

  /** Calls as a client of this role, with a token of this moment. */
  async function call(role: string, method: string, path: string, body?: unknown): Promise<Answer> {
    const known = tokens.get(role);
    const fresh = known && Math.abs(known.at - later) < 60_000 ? known.token : undefined;
    const token = fresh ?? (await evpki.renewedToken(clients.get(role) ?? {}));
    tokens.set(role, { at: later, token });
    return evpki.call(method, path, body, { authorization: `Bearer ${token}` });
  }
  const two = [
    (...asked: [string, string, unknown?]) => call('all', ...asked),
    (...asked: [string, string, unknown?]) => call('second', ...asked),
  ] as const;
  const maker = async () => {
    const { token } = { token: await evpki.renewedToken(clients.get('oem') ?? {}) };
    return { authorization: `Bearer ${token}` };
  };
  const newVehicle = async (pcid?: string) => leaveFactory(evpki, await maker(), standard, pcid);
  /** A vehicle that the maker has certified below its root elsewhere, and registers. */
  async function fromElsewhere(
    changes: Parameters<typeof vehicleBelow>[3] = {},
    pcid = freshPcid(),
    above = root,
  ) {
    const vehicle = vehicleBelow(above, standard, pcid, changes);
    const body = { certificate: pemOf(vehicle.certificate) };
    const answer = await call('oem', 'POST', '/v1/provisioning-certificates', body);
    return { ...vehicle, registration: sent(answer, 201).id as string };
  }
  /** Changes a row behind the back of the service. */
  const inDatabase = (statement: string, values: readonly string[]) =>
    new Promise<void>((done, fail) => {
      const opened = new sqlite3.Database(join(evpki.dataDir, 'evpki.sqlite'));
      opened.configure('busyTimeout', 5_000);
      opened.run(statement, values, (failed) =>
        opened.close(() => (failed ? fail(failed) : done())),
      );
    });
  let emaids = 0;
  const newEmaid = () =>
    `DE8EVC${standard === 'iso15118-2' ? '2' : '9'}${String(++emaids).padStart(7, '0')}`;
  const contractFor = async (pcid: string, more: Record<string, unknown> = {}) => {
    const body = { emaid: newEmaid(), pcid, standard, ...more };
    return sent(await call('emsp-operator', 'POST', '/v1/contracts', body), 201);
  };
  const ask = ({ exi }: Pick<CarQuestion, 'exi'>, more: Record<string, unknown> = {}) => {
    const exiRequest = Buffer.from(exi).toString('base64');
    const body = { iso15118SchemaVersion: schema, action: 'Install', exiRequest, ...more };
    return call('csms', 'POST', '/v1/ocpp/contract-certificate', body);
  };
  /** The newest of what may come of a request; other certificates are issued all the time. */
  const newest = async () => {
    const items = async (path: string) =>
      sent(await call('emsp-operator', 'GET', `${path}?limit=50`), 200).items;
    const certificates: { id: string; profile: string }[] = await items('/v1/certificates');
    const isOfContract = ({ profile }: { profile: string }) => profile.endsWith('-contract');
    return [certificates.find(isOfContract)?.id, (await items('/v1/contracts'))[0]?.id];
  };

  /** Asks, and is refused for this reason. */
  async function refused(
    question: CarQuestion,
    reason: FailureReason,
    more: Record<string, unknown> = {},
  ): Promise<Answer['json']> {
    const before = await newest();
    const answer = await ask(question, more);
    const json = sent(answer, 200);
    const responseCode = failureAnswers[reason][standard];
    expect([json.reason, json.responseCode]).toEqual([reason, responseCode]);
    const unreadable = ['request-unreadable', 'request-unexpected'].includes(reason);
    expect(json.status).toBe(unreadable ? 'Failed' : 'Accepted');
    expect(json.contract).toBeUndefined();
    const exi = answered(standard, Buffer.from(json.exiResponse, 'base64'));
    expect({ ...exi, sessionId: Buffer.from(exi.sessionId).toString('hex') }).toEqual({
      ...{ responseCode, isSigned: false },
      sessionId: Buffer.from(question.sessionId).toString('hex'),
    });
    expect(json.detail).toMatch(/^[^\n]{10,600}$/);
    expect(answer.text).not.toMatch(/node:|\.[jt]s\b|\bat \S+ \(/);
    // Enough of it: as time passes, evpki has much to write of its own.
    const path = `/v1/audit?organization=${organizations.cpo}&limit=200`;
    const entries: { action: string }[] = sent(await call('all', 'GET', path), 200).items;
    expect(entries.find(({ action }) => action.startsWith('contract.'))).toMatchObject({
      action: 'contract.installation-refused',
      details: { standard, responseCode, reason },
    });
    expect(await newest()).toEqual(before);
    seen.add(reason);
    return json;
  }
  /** A vehicle with a contract, and its request; changed after it was signed. */
  async function spoilt(change: Parameters<typeof tampered>[2]): Promise<CarQuestion> {
    const vehicle = await newVehicle();
    await contractFor(vehicle.pcid);
    const question = await askToInstall(vehicle, roots);
    return { ...question, exi: tampered(standard, question.exi, change) };
  }

  describe('because of its message', () => {
    test('cut off anywhere', async () => {
      const vehicle = await newVehicle();
      await contractFor(vehicle.pcid);
      const { sessionId, exi } = await askToInstall(vehicle, roots);
      for (let length = 20; length < exi.length; length += Math.ceil(exi.length / 12)) {
        await refused({ sessionId, exi: exi.subarray(0, length) }, 'request-unreadable');
      }
    });

    test('with any bit flipped: never an error of the server, never another car’s contract', async () => {
      const vehicle = await newVehicle();
      const { id } = await contractFor(vehicle.pcid);
      const { exi } = await askToInstall(vehicle, roots);
      const draw = drawing(`bits of ${standard}`);
      for (let round = 0; round < 60; round += 1) {
        const bit = draw(exi.length * 8) - 1;
        const json = sent(await ask({ exi: withBitFlipped(exi, bit) }), 200);
        const { responseCode } = answered(standard, Buffer.from(json.exiResponse, 'base64'));
        expect(responseCode, `bit ${bit}, seed ${seed}`).toBe(json.responseCode);
        // In the header, and in -20 in what the signature does not cover, it does not matter.
        if (responseCode === 'OK') expect(json.contract.id).toBe(id);
        else expect(json.reason, `bit ${bit}, seed ${seed}`).toBeDefined();
      }
    });

    test('of something else', async () => {
      const other = standard === 'iso15118-2' ? 'Update' : 'Install';
      const { exi, sessionId } = await askToInstall(await newVehicle(), roots);
      if (standard === 'iso15118-2') {
        const json = sent(await ask({ exi }, { action: other }), 200);
        expect([json.status, json.reason, json.responseCode]).toEqual([
          ...['Failed', 'request-unexpected', 'FAILED'],
        ]);
      } else {
        const vehicle = await newVehicle();
        await contractFor(vehicle.pcid);
        const installed = sent(await ask(await askToInstall(vehicle, roots)), 200);
        const response = Buffer.from(installed.exiResponse, 'base64');
        const answeredTo = answered(standard, response).sessionId;
        await refused({ exi: response, sessionId: answeredTo }, 'request-unexpected');
      }
      expect(sessionId).toHaveLength(8);
    });

    test('with lists that are too long, or an empty request', async () => {
      const question = await askToInstall(await newVehicle(), roots);
      const problem = async (more: Record<string, unknown>) => {
        const { status, json } = await ask(question, more);
        return [status, json.code, json.violations?.[0]?.field];
      };
      const many = { prioritizedEMAIDs: Array(9).fill('DE8EVC00000001') };
      expect(await problem(many)).toEqual([
        ...[400, 'request-malformed', 'body.prioritizedEMAIDs'],
      ]);
      const long = { exiRequest: 'A'.repeat(11_004) };
      expect(await problem(long)).toEqual([400, 'request-malformed', 'body.exiRequest']);
      expect((await problem({ exiRequest: '' }))[0]).toBe(400);
      const old = { exiRequest: 'A'.repeat(5_604), ocppVersion: '2.0.1' };
      expect(await problem(old)).toEqual([400, 'request-malformed', 'body.exiRequest']);
    });
  });

  describe('because of its signature', () => {
    test('that is missing', async () => {
      await refused(await spoilt({ signature: () => undefined }), 'signature-missing');
    });

    test('that is another’s', async () => {
      const vehicle = await newVehicle();
      await contractFor(vehicle.pcid);
      const { signer } = freshKey(algorithm);
      await refused(await askToInstall({ ...vehicle, signer }, roots), 'signature-invalid');
    });

    test('with a bit flipped', async () => {
      const signature = (signed: Parameters<NonNullable<Changes['signature']>>[0]) => ({
        ...signed,
        signatureValue: withBitFlipped(signed.signatureValue, 77),
      });
      await refused(await spoilt({ signature }), 'signature-invalid');
    });

    test('with another digest', async () => {
      const question = await spoilt({
        signature: (signed) => ({
          ...signed,
          signedInfo: {
            ...signed.signedInfo,
            references: signed.signedInfo.references.map((reference) => ({
              ...reference,
              digestValue: withBitFlipped(reference.digestValue, 9),
            })),
          },
        }),
      });
      await refused(question, 'signature-invalid');
    });

    test.each([
      ['to another element', { uri: '#ID2' }],
      ['to nothing', { uri: '' }],
      ['by another transform', { transforms: ['http://www.w3.org/TR/2001/REC-xml-c14n-20010315'] }],
      ['with a digest of another kind', { digestMethod: 'http://www.w3.org/2000/09/xmldsig#sha1' }],
    ])('that the car has made over a reference %s', async (_, change) => {
      const key = freshKey(algorithm);
      const vehicle = await fromElsewhere({ key });
      await contractFor(vehicle.pcid);
      const question = await askToInstall(vehicle, roots);
      const exi = tampered(standard, question.exi, {
        signature: ({ signedInfo }) => {
          const [reference] = signedInfo.references;
          if (!reference) throw new Error('nothing is signed');
          return signatureOver({ ...signedInfo, references: [{ ...reference, ...change }] }, key);
        },
      });
      await refused({ ...question, exi }, 'signature-invalid');
      // It is the reference that is wrong, not the key.
      const right = tampered(standard, question.exi, {
        signature: ({ signedInfo }) => signatureOver(signedInfo, key),
      });
      expect(sent(await ask({ exi: right }), 200).responseCode).toBe('OK');
    });

    test('in DER', async () => {
      const { signer } = freshKey(algorithm);
      const der = await signer.sign(Buffer.from('anything'));
      const question = await spoilt({
        signature: (signed) => ({ ...signed, signatureValue: der }),
      });
      const { detail } = await refused(question, 'signature-invalid');
      expect(detail).toMatch(/DER/);
    });
  });

  describe('because of its certificate', () => {
    test('that is another car’s, whose contract it would be', async () => {
      const victim = await newVehicle();
      await contractFor(victim.pcid);
      const { certificate } = victim;
      await refused(await spoilt({ certificate }), 'signature-invalid');
    });

    test('that is none', async () => {
      const certificate = Buffer.from('no certificate');
      await refused(await spoilt({ certificate }), 'certificate-unreadable');
    });

    test('that names no vehicle', async () => {
      const vehicle = vehicleBelow(root, standard, 'hello');
      await refused(await askToInstall(vehicle, roots), 'pcid-unreadable');
    });

    test('whose key no contract can be encrypted for', async () => {
      const key = freshKey(standard === 'iso15118-2' ? 'P-384' : 'P-256');
      const { certificate } = vehicleBelow(root, standard, freshPcid(), { key });
      await refused(await spoilt({ certificate }), 'key-transport-impossible');
    });

    test('that is for a vehicle which somebody else has registered', async () => {
      const { pcid } = await newVehicle();
      await contractFor(pcid);
      const fake = vehicleBelow(strangers, standard, pcid);
      const known = await refused(
        await askToInstall(fake, roots),
        'provisioning-certificate-unknown',
      );
      // Whether there is such a vehicle is nothing that a certificate of one's own making tells.
      const nobody = freshPcid();
      const unknown = await refused(
        await askToInstall(vehicleBelow(strangers, standard, nobody), roots),
        'provisioning-certificate-unknown',
      );
      expect(known.detail.replace(pcid, nobody)).toBe(unknown.detail);
    });

    test('below a root that its maker has nothing to do with, though the key is the car’s', async () => {
      const key = freshKey(algorithm);
      const { pcid } = await fromElsewhere({ key });
      await contractFor(pcid);
      const fake = vehicleBelow(strangers, standard, pcid, { key });
      const { detail } = await refused(await askToInstall(fake, roots), 'chain-untrusted');
      expect(detail).not.toContain(organizations.oem);
    });

    test('for which its maker has registered another one since', async () => {
      const pcid = freshPcid();
      const before = await newVehicle(pcid);
      await contractFor(pcid);
      await newVehicle(pcid);
      await refused(await askToInstall(before, roots), 'provisioning-certificate-replaced');
    });

    test('that is revoked, or on hold', async () => {
      for (const reason of ['superseded', 'certificateHold']) {
        const vehicle = await newVehicle();
        await contractFor(vehicle.pcid);
        const question = await askToInstall(vehicle, roots);
        expect(sent(await ask(question), 200).responseCode).toBe('OK');
        const path = `/v1/certificates/${vehicle.certificateId}/revocation`;
        sent(await call('oem', 'POST', path, { reason }), 200);
        await refused(question, 'certificate-revoked');
      }
    });

    test('below a root that its maker trusts no more', async () => {
      const own = makersRoot(standard);
      const anchor = { certificate: own.pem, organization: organizations.oem };
      const { id } = sent(await call('all', 'POST', '/v1/trust-anchors', anchor), 201);
      const path = `/v1/trust-anchors/${id}`;
      await trustAsTwo(two, id, ['oem-provisioning']);
      const vehicle = await fromElsewhere({}, freshPcid(), own);
      await contractFor(vehicle.pcid);
      const question = await askToInstall(vehicle, roots);
      expect(sent(await ask(question), 200).responseCode).toBe('OK');
      expect((await call('all', 'DELETE', path)).status).toBeLessThan(300);
      await refused(question, 'chain-untrusted');
    });

    test('that is not registered any more', async () => {
      const vehicle = await newVehicle();
      await contractFor(vehicle.pcid);
      const path = `/v1/provisioning-certificates/${vehicle.registration}`;
      sent(await call('oem', 'DELETE', path), 200);
      await refused(await askToInstall(vehicle, roots), 'provisioning-certificate-unknown');
    });

    if (standard === 'iso15118-2') {
      test('without the domain component of makers', async () => {
        const vehicle = await fromElsewhere({ domain: '' });
        await contractFor(vehicle.pcid);
        await refused(await askToInstall(vehicle, roots), 'domain-missing');
      });
    }
  });

  describe('because of its contract', () => {
    test('that is not there, suspended or ended', async () => {
      const vehicle = await newVehicle();
      const question = await askToInstall(vehicle, roots);
      await refused(question, 'contract-missing');
      const { id } = await contractFor(vehicle.pcid);
      sent(await call('emsp-operator', 'POST', `/v1/contracts/${id}/suspension`, {}), 200);
      await refused(question, 'contract-missing');
      sent(await call('emsp-operator', 'DELETE', `/v1/contracts/${id}/suspension`), 200);
      expect(sent(await ask(question), 200).responseCode).toBe('OK');
      sent(await call('emsp-operator', 'POST', `/v1/contracts/${id}/end`, {}), 200);
      await refused(question, 'contract-missing');
    });

    test('that no root of the car vouches for', async () => {
      const vehicle = await newVehicle();
      await contractFor(vehicle.pcid);
      const [own] = roots as [RootCertificateId];
      for (const others of [
        { ...own, serialNumber: own.serialNumber + 1n },
        { ...own, issuerName: `${own.issuerName},CN=More` },
        { issuerName: '\\,=+"'.repeat(40), serialNumber: -(1n << 200n) },
      ]) {
        await refused(await askToInstall(vehicle, [others]), 'root-missing');
      }
    });
  });

  if (standard === 'iso15118-2') {
    describe('in place of the one that it has', () => {
      const installed = async (vehicle: Vehicle): Promise<Installed> => {
        const question = await askToInstall(vehicle, roots);
        const { exiResponse } = sent(await ask(question), 200);
        return takeIso2(question, Buffer.from(exiResponse, 'base64'), vehicle.scalar);
      };
      const update = { action: 'Update' };

      test('with the EMAID of another, or with one that is none', async () => {
        const vehicle = await newVehicle();
        const other = await contractFor((await newVehicle()).pcid);
        await contractFor(vehicle.pcid);
        const held = await installed(vehicle);
        const mine = { ...held, emaid: other.emaid };
        await refused(await askToUpdate(mine, roots), 'emaid-mismatch', update);
        const none = { ...held, emaid: '00000000000000' };
        await refused(await askToUpdate(none, roots), 'emaid-unreadable', update);
      });

      test('with a certificate that no contract has', async () => {
        const vehicle = await newVehicle();
        const { emaid } = await contractFor(vehicle.pcid);
        const { signer, certificate, scalar } = vehicleBelow(strangers, standard, emaid, {
          domain: 'MO',
        });
        const made = { ...(await installed(vehicle)), signer, scalar, chain: [certificate] };
        await refused(await askToUpdate(made, roots), 'contract-missing', update);
      });

      test('with one that is revoked, suspended or ended', async () => {
        const vehicle = await newVehicle();
        const contract = await contractFor(vehicle.pcid);
        const held = await installed(vehicle);
        const at = (path: string) => `/v1/contracts/${contract.id}${path}`;
        const renewal = { revokeFormer: true };
        sent(await call('emsp-operator', 'POST', at('/renewal'), renewal), 201);
        await refused(await askToUpdate(held, roots), 'certificate-revoked', update);
        const anew = await installed(vehicle);
        sent(await call('emsp-operator', 'POST', at('/suspension'), {}), 200);
        await refused(await askToUpdate(anew, roots), 'certificate-revoked', update);
        sent(await call('emsp-operator', 'POST', at('/end'), {}), 200);
        await refused(await askToUpdate(anew, roots), 'contract-ended', update);
      });

      test('when its maker has given the vehicle a new key: its hardware is another car’s now', async () => {
        const pcid = freshPcid();
        const before = await newVehicle(pcid);
        await contractFor(pcid);
        const held = await installed(before);
        expect(sent(await ask(await askToUpdate(held, roots), update), 200).responseCode).toBe(
          'OK',
        );
        const after = await newVehicle(pcid);
        const question = await askToUpdate(held, roots);
        await refused(question, 'provisioning-certificate-replaced', update);
        const [renewed] = [await installed(after)];
        await refused(question, 'certificate-revoked', update);
        const later = await askToUpdate(renewed, roots);
        expect(sent(await ask(later, update), 200).responseCode).toBe('OK');
      });
    });
  }

  describe('at its time', () => {
    const at = async (moment: number, work: () => Promise<void>) => {
      later = moment;
      tokens.clear();
      await work();
    };

    test('before its certificate begins, or after it has ended', async () => {
      const now = Math.floor(Date.now() / 1000) * 1000;
      const key = freshKey(algorithm);
      const pcid = freshPcid();
      await fromElsewhere({ key, notAfter: new Date(now + 20 * DAY) }, pcid);
      await contractFor(pcid);
      const early = vehicleBelow(root, standard, pcid, { key, notBefore: new Date(now + DAY) });
      await refused(await askToInstall(early, roots), 'certificate-not-yet-valid');
      const held = vehicleBelow(root, standard, pcid, { key, notAfter: new Date(now + 20 * DAY) });
      expect(sent(await ask(await askToInstall(held, roots)), 200).responseCode).toBe('OK');
      await at(21 * DAY, async () => {
        await refused(await askToInstall(held, roots), 'certificate-expired');
      });
    });

    test('when what is stored of it fits into no message: still an answer, and a line in the log', async () => {
      const vehicle = await fromElsewhere();
      const { id } = await contractFor(vehicle.pcid);
      const question = await askToInstall(vehicle, roots);
      const tooLarge = JSON.stringify([Buffer.alloc(1_601).toString('base64')]);
      const statement = 'UPDATE contract_bundles SET sub_certificates = ? WHERE contract_id = ?';
      await inDatabase(statement, [tooLarge, id]);
      await refused(question, 'service-unavailable');
      // Platforms are told to ask again, not that there is no contract.
      const path = '/v1/ccp/signedContractData';
      const certificateInstallationReq = Buffer.from(question.exi).toString('base64');
      const body = { certificateInstallationReq, xsdMsgDefNamespace: schema };
      const told = await call('csms', 'POST', path, body);
      expect([told.status, told.json.errorMessages]).toEqual([
        ...[503, ['The contract of this vehicle does not fit into the message.']],
      ]);
      const said = evpki.log.filter((line) => line.includes('contract-not-written'));
      expect(said.map((line) => JSON.parse(line))).toMatchObject([
        { level: 'error', contract: id },
        { level: 'error', contract: id },
      ]);
    });

    test('when no contract of the length agreed can be issued any more', async () => {
      const vehicle = await fromElsewhere();
      await contractFor(vehicle.pcid, { validityDays: 300 });
      // Tried first, and nothing to wait for: what the car hears is of the other.
      const { bundle } = await contractFor(vehicle.pcid, { default: true });
      const revocation = `/v1/certificates/${bundle.certificate}/revocation`;
      sent(await call('all', 'POST', revocation, { reason: 'superseded' }), 200);
      const question = await askToInstall(vehicle, roots);
      expect(sent(await ask(question), 200).responseCode).toBe('OK');
      const { issuers } = sent(await call('all', 'GET', '/v1/authorities/mo-sub-ca-2'), 200);
      const end = Date.parse(issuers[0].notAfter);
      await at(end - Date.now() - 100 * DAY, async () => {
        const path = '/v1/authorities/cps-sub-ca-2/rollover';
        sent(await call('all', 'POST', path), 201);
        await refused(question, 'service-unavailable');
        expect(evpki.log.join('\n')).toContain('contract-not-renewed');
      });
    });
  });
});

type Changes = Parameters<typeof tampered>[2];

test('every reason there is was seen', () => {
  expect([...seen].sort()).toEqual(Object.keys(failureAnswers).sort());
});
