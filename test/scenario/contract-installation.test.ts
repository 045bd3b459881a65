/**
 * Plug & Charge from the factory to the end of a contract: a maker registers a vehicle, a mobility
 * operator creates a contract for it, the vehicle asks for it through its charger's CSMS, takes the
 * answer and has a key that is its contract's.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeIso2 } from '../../src/iso15118/exi/iso2.ts';
import type { RootCertificateId } from '../../src/iso15118/exi/iso2-messages.ts';
import { curves } from '../../src/pki/curves.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { PncStandard } from '../../src/services/contract-records.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { askOcsp, ocspQuestion } from '../support/ask-ocsp.ts';
import { filesWith, spellingsOf } from '../support/contract-promises.ts';
import { newMaker } from '../support/makers.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { withOpenssl } from '../support/other-tools.ts';
import { newCaller, trustAsTwo } from '../support/second-person.ts';
import { freshKey } from '../support/signed-messages.ts';
import {
  askToInstall,
  askToUpdate,
  type CarQuestion,
  freshPcid,
  type Installed,
  leaveFactory,
  rootIdOf,
  rootOf,
  scalarOf,
  sent,
  takeIso2,
  takeIso20,
  type Vehicle,
} from '../support/vehicles.ts';

const demo = {
  'iso15118-2': {
    hierarchy: 'ca/demo.yaml',
    organizations: { oem: 'demo-oem', mo: 'demo-mo', cpo: 'demo-cpo' },
    schema: 'urn:iso:15118:2:2013:MsgDef',
    none: 'FAILED_NoCertificateAvailable',
    noContract: 'FAILED_NoCertificateAvailable',
    signature: 'FAILED_SignatureError',
  },
  'iso15118-20': {
    hierarchy: 'ca/iso15118-20.yaml',
    organizations: { oem: 'oem', mo: 'mo', cpo: 'cpo' },
    schema: 'urn:iso:std:iso:15118:-20:CommonMessages',
    none: 'WARNING_NoContractMatchingPCIDFound',
    noContract: 'WARNING_NoContractMatchingPCIDFound',
    signature: 'FAILED_SignatureError',
  },
} as const;

describe.each(Object.keys(demo) as PncStandard[])('a contract of %s', (standard) => {
  const { hierarchy, organizations, schema, none, noContract, signature } = demo[standard];
  let evpki: TestApp;
  let bench: Workbench;
  let maker: Record<string, string>;
  let operator: Record<string, string>;
  let csms: Record<string, string>;
  let roots: RootCertificateId[];
  let emaids = 0;
  /** Of every contract that has come into a car. */
  const taken: Pick<Installed, 'scalar' | 'encryptedPrivateKey'>[] = [];

  beforeAll(async () => {
    evpki = await startTestApp({ hierarchy });
    bench = workbench();
    const as = async (organization: string, role: string) => ({
      authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
    });
    maker = await as(organizations.oem, 'oem');
    operator = await as(organizations.mo, 'emsp-operator');
    csms = await as(organizations.cpo, 'csms');
    roots = [rootIdOf(await rootOf(evpki, 'v2g-root'))];
    for (const root of ['v2g-root', 'mo-root']) {
      bench.write(`${root}.pem`, toPem('CERTIFICATE', (await rootOf(evpki, root)).der));
    }
  });
  afterAll(async () => {
    await evpki?.close();
    bench?.remove();
  });

  const newEmaid = () => `DE8EVC${String(++emaids).padStart(8, '0')}`;
  const contractFor = async (pcid: string, more: Record<string, unknown> = {}) =>
    sent(
      await evpki.call(
        'POST',
        '/v1/contracts',
        { emaid: newEmaid(), pcid, standard, ...more },
        operator,
      ),
      201,
    );
  const ask = (
    { exi }: Pick<CarQuestion, 'exi'>,
    more: Record<string, unknown> = {},
  ): Promise<Answer> => {
    const exiRequest = Buffer.from(exi).toString('base64');
    const body = { iso15118SchemaVersion: schema, action: 'Install', exiRequest, ...more };
    return evpki.call('POST', '/v1/ocpp/contract-certificate', body, csms);
  };
  const take = (vehicle: Vehicle, question: CarQuestion, answer: Answer): Installed => {
    const { exiResponse, ...rest } = sent(answer, 200);
    expect(rest).toMatchObject({ status: 'Accepted', responseCode: 'OK', readings: [] });
    const exi = Buffer.from(exiResponse, 'base64');
    const installed =
      standard === 'iso15118-2'
        ? takeIso2(question, exi, vehicle.scalar)
        : takeIso20(question, exi, vehicle);
    taken.push(installed);
    return installed;
  };
  const install = async (vehicle: Vehicle): Promise<Installed> => {
    const question = await askToInstall(vehicle, roots);
    return take(vehicle, question, await ask(question));
  };
  const refusal = ({ status, json }: Answer) => [
    status,
    json.status,
    json.responseCode,
    json.reason,
  ];
  /** RetryCounter of a CertificateUpdateRes. */
  const retryIn = ({ json }: Answer) => {
    const { body } = decodeIso2(Buffer.from(json.exiResponse, 'base64')).message;
    return body.name === 'CertificateUpdateRes' ? body.retryCounter : undefined;
  };
  const pemOf = (chain: readonly Uint8Array[]) =>
    chain.map((der) => toPem('CERTIFICATE', der)).join('');
  const ocspStatus = async ({ chain }: Installed) =>
    (await askOcsp(evpki.app.publicUrl, ocspQuestion(pemOf(chain)))).status;

  test('goes into the car for which it was made, and ends with the contract', async () => {
    const vehicle = await leaveFactory(evpki, maker, standard);
    const contract = await contractFor(vehicle.pcid);
    const installed = await install(vehicle);
    expect(installed.emaid).toBe(contract.emaid);
    for (const [name, chain, root] of [
      ['contract', installed.chain, 'mo-root'],
      ['cps', installed.cpsChain, 'v2g-root'],
    ] as const) {
      bench.write(`${name}.pem`, pemOf(chain));
      // -20 marks key identifiers critical, which the strict profile of OpenSSL does not take.
      const strict = standard === 'iso15118-2' ? ['-x509_strict'] : [];
      withOpenssl(() => {
        const verdict = bench.openssl(
          ...['verify', ...strict, '-ignore_critical', '-CAfile', `${root}.pem`],
          ...['-untrusted', `${name}.pem`, `${name}.pem`],
        );
        expect(verdict).toBe(`${name}.pem: OK\n`);
      });
    }
    expect(await ocspStatus(installed)).toBe('good');
    const authorize = async () => {
      const body = { idToken: contract.emaid, certificate: pemOf(installed.chain) };
      const { idTokenInfo, certificateStatus } = sent(
        await evpki.call('POST', '/v1/ocpp/authorize', body, csms),
        200,
      );
      return [idTokenInfo.status, certificateStatus];
    };
    expect(await authorize()).toEqual(['Accepted', 'Accepted']);

    sent(await evpki.call('POST', `/v1/contracts/${contract.id}/end`, {}, operator), 200);
    expect(await ocspStatus(installed)).toBe('revoked');
    expect(await authorize()).toEqual(['Invalid', 'CertificateRevoked']);
    const again = await askToInstall(vehicle, roots);
    expect(refusal(await ask(again))).toEqual([200, 'Accepted', none, 'contract-missing']);
  });

  test('is the same again for a car that lost the answer', async () => {
    const vehicle = await leaveFactory(evpki, maker, standard);
    await contractFor(vehicle.pcid);
    const question = await askToInstall(vehicle, roots);
    const first = take(vehicle, question, await ask(question));
    const repeated = take(vehicle, question, await ask(question));
    expect(repeated.chain).toEqual(first.chain);
    expect(repeated.encryptedPrivateKey).toEqual(first.encryptedPrivateKey);
    const later = await install(vehicle);
    expect(later.chain).toEqual(first.chain);
    expect(later.encryptedPrivateKey).toEqual(first.encryptedPrivateKey);
  });

  test('is made anew for a car that its maker has given a new key', async () => {
    const pcid = freshPcid();
    const before = await leaveFactory(evpki, maker, standard, pcid);
    const contract = await contractFor(pcid);
    const first = await install(before);
    const after = await leaveFactory(evpki, maker, standard, pcid);
    const second = await install(after);
    expect(second.emaid).toBe(contract.emaid);
    expect(second.chain[0]).not.toEqual(first.chain[0]);
    expect(second.scalar).not.toEqual(first.scalar);
    expect(await ocspStatus(first)).toBe('revoked');
    expect(await ocspStatus(second)).toBe('good');
    const stale = await askToInstall(before, roots);
    expect(refusal(await ask(stale)).slice(3)).toEqual(['provisioning-certificate-replaced']);
  });

  test('stands in the logs of everybody whom it concerns, without keys', async () => {
    const vehicle = await leaveFactory(evpki, maker, standard);
    const contract = await contractFor(vehicle.pcid);
    const { scalar } = await install(vehicle);
    const entries = async (organization: string) =>
      sent(await evpki.call('GET', `/v1/audit?organization=${organization}&limit=100`), 200).items;
    const installed = {
      action: 'contract.installed',
      subject: contract.id,
      details: expect.objectContaining({ emaid: contract.emaid, responseCode: 'OK' }),
    };
    const { mo, cpo } = organizations;
    expect(await entries(mo)).toContainEqual(expect.objectContaining(installed));
    expect(await entries(cpo)).toContainEqual(expect.objectContaining(installed));
    const cps = standard === 'iso15118-2' ? 'demo-cps' : 'cps';
    expect(await entries(cps)).toContainEqual(
      expect.objectContaining({ action: 'contract-data.signed' }),
    );
    const log = evpki.log.join('\n');
    for (const form of ['hex', 'base64', 'base64url'] as const) {
      expect(log).not.toContain(Buffer.from(scalar).toString(form));
    }
  });

  describe('is not for', () => {
    test('a car that nobody has registered, or that has no contract', async () => {
      const vehicle = await leaveFactory(evpki, maker, standard);
      const question = await askToInstall(vehicle, roots);
      expect(refusal(await ask(question))).toEqual([
        ...[200, 'Accepted', noContract, 'contract-missing'],
      ]);
      const path = `/v1/provisioning-certificates/${vehicle.registration}`;
      expect((await evpki.call('DELETE', path, undefined, maker)).status).toBeLessThan(300);
      expect(refusal(await ask(question)).slice(3)).toEqual(['provisioning-certificate-unknown']);
    });

    test('a car whose provisioning certificate is revoked', async () => {
      const vehicle = await leaveFactory(evpki, maker, standard);
      await contractFor(vehicle.pcid);
      const reason = { reason: 'keyCompromise' };
      sent(
        await evpki.call(
          'POST',
          `/v1/certificates/${vehicle.certificateId}/revocation`,
          reason,
          maker,
        ),
        200,
      );
      const question = await askToInstall(vehicle, roots);
      const [, , code, why] = refusal(await ask(question));
      expect(why).toBe('certificate-revoked');
      expect(code).toMatch(/CertificateRevoked$/);
    });

    test('a car that has the root of another market', async () => {
      const vehicle = await leaveFactory(evpki, maker, standard);
      await contractFor(vehicle.pcid);
      const others = [{ issuerName: 'CN=Another V2G Root', serialNumber: 1n }];
      const answer = await ask(await askToInstall(vehicle, others));
      expect(refusal(answer).slice(3)).toEqual(['root-missing']);
    });

    test('a request that another key has signed, was cut off or is none', async () => {
      const vehicle = await leaveFactory(evpki, maker, standard);
      await contractFor(vehicle.pcid);
      const question = await askToInstall(vehicle, roots);
      expect(refusal(await ask(question)).slice(2)).toEqual(['OK', undefined]);
      expect(refusal(await ask({ exi: question.exi.subarray(0, -30) }))).toEqual([
        ...[200, 'Failed', 'FAILED', 'request-unreadable'],
      ]);
      expect(refusal(await ask({ exi: Buffer.from('hello') }))).toEqual([
        ...[200, 'Failed', 'FAILED', 'request-unreadable'],
      ]);
      const { signer } = await leaveFactory(evpki, maker, standard);
      const foreign = await askToInstall({ ...vehicle, signer }, roots);
      const [, , code, why] = refusal(await ask(foreign));
      expect([code, why]).toEqual([signature, 'signature-invalid']);
    });

    test('a message of another schema, or base64 that is none', async () => {
      const question = await askToInstall(await leaveFactory(evpki, maker, standard), roots);
      const unknown = await ask(question, { iso15118SchemaVersion: 'urn:din:70121' });
      expect([unknown.status, unknown.json.code]).toEqual([400, 'request-malformed']);
      const soup = await ask(question, { exiRequest: 'no base64!', action: 'Install' });
      expect(soup.json.violations).toEqual([
        expect.objectContaining({ field: 'body.exiRequest', code: 'field-invalid' }),
      ]);
    });

    test('somebody without the permission', async () => {
      const { exi } = await askToInstall(await leaveFactory(evpki, maker, standard), roots);
      const exiRequest = Buffer.from(exi).toString('base64');
      const body = { iso15118SchemaVersion: schema, action: 'Install', exiRequest };
      const answer = await evpki.call('POST', '/v1/ocpp/contract-certificate', body, operator);
      expect(answer.status).toBe(403);
    });
  });

  if (standard === 'iso15118-2') {
    test('is updated by the car that has it, and may be asked for again', async () => {
      const vehicle = await leaveFactory(evpki, maker, standard);
      const contract = await contractFor(vehicle.pcid);
      const old = await install(vehicle);
      const question = await askToUpdate(old, roots);
      const answer = sent(await ask(question, { action: 'Update' }), 200);
      expect(answer).toMatchObject({ responseCode: 'OK', contract: { id: contract.id } });
      const exi = Buffer.from(answer.exiResponse, 'base64');
      const updated = takeIso2(question, exi, old.scalar, 'CertificateUpdateRes');
      taken.push(updated);
      expect(updated.chain[0]).not.toEqual(old.chain[0]);
      const repeated = sent(await ask(question, { action: 'Update' }), 200);
      const again = takeIso2(
        question,
        Buffer.from(repeated.exiResponse, 'base64'),
        old.scalar,
        'CertificateUpdateRes',
      );
      expect(again.chain).toEqual(updated.chain);

      sent(await evpki.call('POST', `/v1/contracts/${contract.id}/end`, {}, operator), 200);
      const late = await ask(await askToUpdate(updated, roots), { action: 'Update' });
      expect(refusal(late).slice(2)).toEqual(['FAILED_ContractCanceled', 'contract-ended']);
      // Whether it is worth asking again: never for what has ended, else when it is plugged in again.
      expect(retryIn(late)).toBe(-1);
      const wrong = await askToUpdate({ ...updated, emaid: newEmaid() }, roots);
      const mismatch = await ask(wrong, { action: 'Update' });
      expect([refusal(mismatch)[3], retryIn(mismatch)]).toEqual(['emaid-mismatch', 0]);
    });

    test('is not updated below an authority that is revoked', async () => {
      const other = await startTestApp({ hierarchy });
      try {
        const as = async (organization: string, role: string) => ({
          authorization: `Bearer ${await other.tokenOf(organization, [role])}`,
        });
        const vehicle = await leaveFactory(
          other,
          await as(organizations.oem, 'oem'),
          standard,
          freshPcid(),
        );
        const contract = { emaid: newEmaid(), pcid: vehicle.pcid };
        const mo = await as(organizations.mo, 'emsp-operator');
        sent(await other.call('POST', '/v1/contracts', contract, mo), 201);
        const theirs = [rootIdOf(await rootOf(other, 'v2g-root'))];
        const charger = await as(organizations.cpo, 'csms');
        const send = async ({ exi }: CarQuestion, action: string) => {
          const exiRequest = Buffer.from(exi).toString('base64');
          const body = { iso15118SchemaVersion: schema, action, exiRequest };
          const answer = await other.call('POST', '/v1/ocpp/contract-certificate', body, charger);
          return sent(answer, 200);
        };
        const question = await askToInstall(vehicle, theirs);
        const { exiResponse } = await send(question, 'Install');
        const old = takeIso2(question, Buffer.from(exiResponse, 'base64'), vehicle.scalar);
        const listed = `/v1/certificates?profile=iso15118-2-mo-sub-ca-2`;
        const { items } = sent(await other.call('GET', listed), 200);
        const path = `/v1/certificates/${items[0].id}/revocation`;
        sent(await other.call('POST', path, { reason: 'cACompromise' }), 200);
        const answer = await send(await askToUpdate(old, theirs), 'Update');
        expect([answer.responseCode, answer.reason]).toEqual([
          ...['FAILED_CertificateRevoked', 'certificate-revoked'],
        ]);
      } finally {
        await other.close();
      }
    });
  } else {
    test('is one of several, which a car gets one after the other', async () => {
      const vehicle = await leaveFactory(evpki, maker, standard);
      const first = await contractFor(vehicle.pcid);
      const second = await contractFor(vehicle.pcid, { priority: 10 });
      const third = await contractFor(vehicle.pcid, { default: true });
      const sessionId = Buffer.from('0123456789abcdef', 'hex');
      const next = async (options: Parameters<typeof askToInstall>[2]) => {
        const question = await askToInstall(vehicle, roots, { sessionId, ...options });
        const answer = await ask(question);
        const { emaid, remaining } = take(vehicle, question, answer);
        expect(sent(answer, 200).remainingContracts).toBe(remaining);
        return { question, got: [emaid, remaining] };
      };
      const one = await next({ most: 3 });
      expect(one.got).toEqual([third.emaid, 2]);
      const repeated = take(vehicle, one.question, await ask(one.question));
      expect([repeated.emaid, repeated.remaining]).toEqual([third.emaid, 2]);
      expect((await next({ most: 3 })).got).toEqual([second.emaid, 1]);
      expect((await next({ most: 3 })).got).toEqual([first.emaid, 0]);

      // A number of one octet: none is no wish that anybody could have, all is the most.
      const none = await next({ most: 0, sessionId: Buffer.from('00000000000000f0', 'hex') });
      expect(none.got).toEqual([third.emaid, 0]);
      const all = await next({ most: 255, sessionId: Buffer.from('00000000000000ff', 'hex') });
      expect(all.got).toEqual([third.emaid, 2]);

      const elsewhere = Buffer.from('fedcba9876543210', 'hex');
      const wished = await next({ most: 2, emaids: [first.emaid], sessionId: elsewhere });
      expect(wished.got).toEqual([first.emaid, 1]);

      // What the charger says of it in OCPP 2.1, beside what the car says.
      const third2 = Buffer.from('00112233445566ff', 'hex');
      const question = await askToInstall(vehicle, roots, { most: 3, sessionId: third2 });
      const limits = { ocppVersion: '2.1', maximumContractCertificateChains: 1 };
      const limited = take(vehicle, question, await ask(question, limits));
      expect([limited.emaid, limited.remaining]).toEqual([third.emaid, 0]);
      // The lower of the two holds.
      const fourth = Buffer.from('00112233445566aa', 'hex');
      const two = await askToInstall(vehicle, roots, { most: 2, sessionId: fourth });
      const more = { ocppVersion: '2.1', maximumContractCertificateChains: 3 };
      expect(take(vehicle, two, await ask(two, more)).remaining).toBe(1);
      // The same request again, while the charger takes fewer by now than the car has got.
      const got = [];
      const third3 = Buffer.from('0011223344556677', 'hex');
      for (const emaid of [third.emaid, second.emaid, first.emaid]) {
        const more = await askToInstall(vehicle, roots, { most: 4, sessionId: third3 });
        got.push(take(vehicle, more, await ask(more)).emaid);
        expect(got.at(-1)).toBe(emaid);
        if (got.length < 3) continue;
        const fewer = { ocppVersion: '2.1', maximumContractCertificateChains: 2 };
        const repeated = take(vehicle, more, await ask(more, fewer));
        expect([repeated.emaid, repeated.remaining]).toEqual([emaid, 0]);
      }
      const again = await askToInstall(vehicle, roots, { most: 1 });
      const order = { ocppVersion: '2.1', prioritizedEMAIDs: [second.emaid] };
      expect(take(vehicle, again, await ask(again, order)).emaid).toBe(second.emaid);
      // What the car wishes comes before.
      const both = await askToInstall(vehicle, roots, { most: 1, emaids: [first.emaid] });
      expect(take(vehicle, both, await ask(both, order)).emaid).toBe(first.emaid);
      // Those that it names come in its order, what is named twice or is no contract of it takes no
      // place, and the others come behind.
      const emaids = ['nonsense', newEmaid(), first.emaid, first.emaid.toLowerCase(), second.emaid];
      const inOrder = { most: 3, emaids, sessionId: Buffer.from('00000000000000aa', 'hex') };
      expect((await next(inOrder)).got).toEqual([first.emaid, 2]);
      expect((await next(inOrder)).got).toEqual([second.emaid, 1]);
      expect((await next(inOrder)).got).toEqual([third.emaid, 0]);
    });

    test('is for a car whose key its maker has certified anew: it brings what is above', async () => {
      const [registered, anew] = [
        newMaker({ algorithm: 'P-521' }),
        newMaker({ algorithm: 'P-521' }),
      ];
      for (const { root } of [registered, anew]) {
        const anchor = { certificate: pemOf([root.der]), organization: organizations.oem };
        const { id } = sent(await evpki.call('POST', '/v1/trust-anchors', anchor), 201);
        await trustAsTwo([await newCaller(evpki), await newCaller(evpki)], id, [
          'oem-provisioning',
        ]);
      }
      const pcid = freshPcid();
      const key = freshKey('P-521');
      const body = {
        certificate: pemOf([registered.vehicle(pcid, { key }).der]),
        chain: pemOf(registered.subCas.map(({ der }) => der)),
      };
      sent(await evpki.call('POST', '/v1/provisioning-certificates', body, maker), 201);
      const { emaid } = await contractFor(pcid);
      const vehicle = {
        ...{ standard, pcid, signer: key.signer, certificateId: '', registration: '' },
        scalar: scalarOf(key, curves['P-521'].octets),
        certificate: anew.vehicle(pcid, { key }).der,
      };
      const above = anew.subCas.map(({ der }) => der);
      expect((await install({ ...vehicle, subCertificates: above })).emaid).toBe(emaid);
      const alone = await askToInstall({ ...vehicle, subCertificates: [] }, roots);
      expect(refusal(await ask(alone))[3]).toBe('chain-untrusted');
    });

    test('is the next one where the first cannot be had, though the car takes one only', async () => {
      const vehicle = await leaveFactory(evpki, maker, standard);
      const first = await contractFor(vehicle.pcid, { default: true });
      const second = await contractFor(vehicle.pcid);
      // Stopped for itself: the contract goes on, and has nothing that a car could be given.
      const path = `/v1/certificates/${first.bundle.certificate}/revocation`;
      sent(await evpki.call('POST', path, { reason: 'superseded' }), 200);
      const question = await askToInstall(vehicle, roots, { most: 1 });
      expect(take(vehicle, question, await ask(question)).emaid).toBe(second.emaid);
    });

    test('cannot be encrypted for the key of a car of ISO 15118-2', async () => {
      const vehicle = await leaveFactory(evpki, maker, standard);
      const answer = await ask(await askToInstall(vehicle, roots), {
        iso15118SchemaVersion: demo['iso15118-2'].schema,
      });
      expect(refusal(answer).slice(1)).toEqual(['Failed', 'FAILED', 'request-unreadable']);
    });
  }

  test('K4 W9 leaves its key nowhere but in its car, of an update neither', async () => {
    const line = evpki.log.find((one) => one.includes('"listening"')) ?? '';
    const { metrics } = JSON.parse(line).addresses;
    const measured = await (await fetch(`http://${metrics}/metrics`)).text();
    const keys = taken.map(({ scalar }) => scalar);
    expect(keys.length).toBeGreaterThan(5);
    expect(await filesWith(evpki.dataDir, keys)).toEqual([]);
    const said = [...evpki.log, measured].join('\n');
    const spelled = keys.flatMap(spellingsOf).map((octets) => octets.toString('latin1'));
    expect(spelled.filter((text) => said.includes(text))).toEqual([]);
    // It is looked for where it would be: what is there in its place is found.
    const sealed = taken.map(({ encryptedPrivateKey }) => encryptedPrivateKey);
    expect(await filesWith(evpki.dataDir, sealed)).not.toEqual([]);
  });
});
