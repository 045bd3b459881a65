/** Who gets a certificate by EST, and who does not: API clients, secrets, factory certificates. */

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sameBytes } from '../../src/pki/byte-order.ts';
import { type Certificate, fingerprint } from '../../src/pki/certificate.ts';
import { octetString, printableString } from '../../src/pki/der-writer.ts';
import { nameText, writeName } from '../../src/pki/names.ts';
import { requestAttributes } from '../../src/pki/oids.ts';
import type { ExtensionSet } from '../../src/pki/template.ts';
import { createSecret, withdrawSecret } from '../../src/services/enrolment-secrets.ts';
import type { EstCaller } from '../../src/services/est.ts';
import { estEnrol, estServerKeygen } from '../../src/services/est.ts';
import { type DeclaredLabel, estAuthentications } from '../../src/services/est-declarations.ts';
import { revoke } from '../../src/services/revocation.ts';
import { listStations } from '../../src/services/stations.ts';
import type { AnchorPurpose } from '../../src/services/trust-anchor-records.ts';
import { importAnchor, trustAnchor } from '../../src/services/trust-anchors.ts';
import {
  administrator,
  client,
  csrOf,
  type EstHouse,
  machine,
  openEstHouse,
  operator,
  question,
  refused,
  turnedAway,
} from '../support/est-house.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { commonName, generateKey, issue, leafExtensions, templateFor } from '../support/issuing.ts';
import { nameOf } from '../support/policy.ts';
import { askFor, buildRequest, requestAttribute } from '../support/requests.ts';

/** Whether these octets are in any column of any row. */
async function storedIn({ services: { database } }: EstHouse, octets: Buffer): Promise<boolean> {
  const tables: string[] = await database
    .reader('sqlite_master')
    .where({ type: 'table' })
    .pluck('name');
  for (const table of tables) {
    for (const row of await database.reader(table).select()) {
      const values: unknown[] = Object.values(row);
      if (values.some((value) => Buffer.isBuffer(value) && value.includes(octets))) return true;
    }
  }
  return false;
}

let house: EstHouse;
let failure: Error | undefined;
beforeAll(async () => {
  house = await openEstHouse({
    signing: () => {
      if (failure) throw failure;
    },
    est: (shipped) => ({
      ...shipped,
      labels: new Map<string, DeclaredLabel>([
        ...shipped.labels,
        ['waits', { ...label, name: 'waits', pending: 'answer-202', certificates: reviewed }],
        ['waits-not', { ...label, name: 'waits-not', certificates: reviewed }],
        ['tokens', { ...label, name: 'tokens', role: 'cpo', authentication: ['api-client'] }],
        ['one-maker', { ...label, name: 'one-maker', role: 'cpo', factoryRoots: chosenRoots }],
        ['others', { ...label, name: 'others', role: 'cpo', organizationId: 'demo-mo' }],
      ]),
    }),
    profiles: (shipped) => {
      const station = shipped.get('ocpp-station');
      if (!station) throw new Error('there is no ocpp-station');
      const request = { ...station.request, approval: true };
      return [{ ...station, name: 'ocpp-station-reviewed', request }];
    },
  });
});
afterAll(() => house?.close());

const label: Omit<DeclaredLabel, 'name'> = {
  ...{ organizationId: 'demo-cpo', base64: 'wrapped', reenrolment: 'profile-values' },
  ...{ pending: 'refuse', certificates: {} },
  authentication: estAuthentications,
};
/** The maker whose stations alone the label `one-maker` is for. */
const chosenMaker = foreignRoot({
  subject: commonName('Chosen Maker Root'),
  notAfter: new Date('2099-01-01'),
});
const chosenRoots = [fingerprint(chosenMaker.certificate.der)];
const reviewed = { unnamed: { profile: 'ocpp-station-reviewed' } };

const ask = (caller: EstCaller, csr: Uint8Array, change = {}) =>
  estEnrol(house.services, { ...question(caller, csr), ...change });
const asMachine: EstCaller = { principal: machine };

describe('API clients', () => {
  test('a machine has stations certified by every name that is registered', async () => {
    await house.station('CS-1', { serialNumber: 'SN-1', seccId: 'SECC-1' });
    await house.station('CS-2', { evseIds: ['DE*ICE*E2'] });
    await house.station('CS-3');
    const issued = await Promise.all([
      house.enrol(asMachine, csrOf('CN=SECC-1')),
      house.enrol(asMachine, csrOf('CN=SN-1'), { label: 'cso' }),
      house.enrol(asMachine, csrOf('CN=DE*ICE*E2')),
      house.enrol(asMachine, csrOf('CN=CS-3')),
    ]);
    expect(issued.map(({ certificate }) => nameText(certificate.subject))).toEqual([
      'DC=CPO,CN=SECC-1,O=Demo CPO,C=DE',
      'CN=SN-1,O=Demo CPO,C=DE',
      'DC=CPO,CN=DE*ICE*E2,O=Demo CPO,C=DE',
      'DC=CPO,CN=CS-3,O=Demo CPO,C=DE',
    ]);
    const records = await Promise.all(
      issued.map(({ certificateId }) => house.services.certificates.findCertificate(certificateId)),
    );
    expect(records.map((record) => record?.stationId)).toEqual(['CS-1', 'CS-1', 'CS-2', 'CS-3']);
    const requests = await Promise.all(
      issued.map(({ requestId }) => house.services.certificates.findRequest(requestId)),
    );
    expect(requests.map((request) => request?.channel)).toEqual(['est', 'est', 'est', 'est']);
  });

  test('the same request again gets the same certificate', async () => {
    await house.station('CS-REPEAT');
    const csr = csrOf('CN=CS-REPEAT');
    const first = await house.enrol(asMachine, csr);
    const second = await house.enrol(asMachine, csr);
    expect(second.certificateId).toBe(first.certificateId);
    expect(second.repeated).toBe(true);
  });

  test('C7 a name that is not registered is refused, with its audit entry', async () => {
    const csr = csrOf('CN=DE*BAD*E1');
    const error = await refused(ask(asMachine, csr), 'station-unknown');
    expect(error.violations).toMatchObject([{ code: 'station-unknown', field: 'subject.CN' }]);
    expect((await house.audited('request.refused')).at(-1)).toEqual({
      ...{ actor: machine.actor, channel: 'est', label: 'cpo' },
      violations: ['station-unknown'],
    });
  });

  test('C7 a name that is registered for something else is refused by policy', async () => {
    await house.station('CS-OTHER', { serialNumber: 'SN-OTHER', seccId: 'SECC-OTHER' });
    const error = await refused(ask(asMachine, csrOf('CN=SN-OTHER')), 'csr-refused');
    expect(error.violations).toMatchObject([{ code: 'subject-attribute-mismatch' }]);
    expect((await house.audited('request.refused')).at(-1)).toMatchObject({
      ...{ actor: machine.actor, station: 'CS-OTHER', channel: 'est' },
      violations: ['subject-attribute-mismatch'],
    });
  });

  test('where stations are taken at first sight, asking registers', async () => {
    await house.takeAtFirstSight(true);
    try {
      const { certificate } = await house.enrol(asMachine, csrOf('CN=DE*NEW*E1'));
      expect(nameText(certificate.subject)).toMatch('CN=DE*NEW*E1');
      // Not for nothing: what policy refuses registers nobody.
      await refused(ask(asMachine, csrOf('CN=DE*NEW*E2', { key: 'P-384' })), 'csr-refused');
    } finally {
      await house.takeAtFirstSight(false);
    }
    const { items } = await listStations(house.services, operator, { limit: 200 });
    const ids = items.map(({ id }) => id);
    expect(ids).toContain('DE*NEW*E1');
    expect(ids).not.toContain('DE*NEW*E2');
    expect((await house.audited('station.registered')).at(-1)).toMatchObject({ firstSight: 'est' });
  });

  test('a CSR that is none is refused, whatever the label', async () => {
    const garbage = Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x00);
    await refused(ask(asMachine, garbage), 'csr-unreadable');
    expect((await house.audited('request.refused')).at(-1)).toMatchObject({
      ...{ actor: machine.actor, channel: 'est', profile: 'iso15118-2-secc' },
      violations: ['csr-malformed'],
    });
  });

  test('C7 roles decide for which kinds, labels of others are not there', async () => {
    const csr = csrOf('CN=CS-3');
    await refused(ask({ principal: client(['station-registrar']) }, csr), 'not-permitted');
    await refused(ask(asMachine, csr, { label: 'mo' }), 'not-permitted');
    await refused(ask(asMachine, csr, { label: 'others' }), 'est-label-unknown');
    await refused(ask(asMachine, csr, { label: 'nothing' }), 'est-label-unknown');
    await refused(ask(asMachine, csr, { standard: 'iso15118-20' }), 'authority-unknown');
    await refused(
      ask(asMachine, csr, { label: 'veh', standard: 'iso15118-2' }),
      'est-label-unknown',
    );
    const [unknown] = (await house.audited('request.refused')).slice(-2);
    expect(unknown).toMatchObject({ violations: ['authority-unknown'], label: 'cpo' });
  });

  test('a request is bound to its connection if it says so', async () => {
    const password = requestAttribute(
      requestAttributes.challengePassword,
      printableString(Buffer.from('first finished').toString('base64')),
    );
    const subject = writeName(nameOf('CN=CS-3'));
    const csr = buildRequest({ subject, attributes: [password] });
    const bound = { tlsUnique: new Uint8Array(Buffer.from('first finished')) };
    const other = { tlsUnique: new Uint8Array(Buffer.from('another')) };
    const error = await refused(ask(asMachine, csr, other), 'csr-refused');
    expect(error.violations).toMatchObject([{ code: 'channel-binding-mismatch' }]);
    expect((await ask(asMachine, csr, bound)).outcome).toBe('issued');
  });
});

describe('one-time secrets', () => {
  test('a secret is good for one request, and for that again', async () => {
    await house.station('CS-SECRET');
    const { caller, secret } = await house.secret('CS-SECRET');
    const csr = csrOf('CN=CS-SECRET');
    const first = await house.enrol(caller, csr);
    expect(first.repeated).toBe(false);
    const again = await house.enrol(caller, csr);
    expect(again.certificateId).toBe(first.certificateId);
    await turnedAway(ask(caller, csrOf('CN=CS-SECRET')), 'secret-used');
    expect((await house.audited('certificate.issued')).at(-1)).toMatchObject({
      ...{ actor: `enrolment-secret:${secret.id}`, station: 'CS-SECRET' },
    });
  });

  test('of many requests at once one is answered', async () => {
    await house.station('CS-RACE');
    const { caller } = await house.secret('CS-RACE');
    const asked = Array.from({ length: 10 }, () => ask(caller, csrOf('CN=CS-RACE')));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      expect(['not-ready', 'not-authenticated']).toContain(outcome.reason.code);
    }
  });

  test('what policy refuses does not use it up', async () => {
    await house.station('CS-POLICY');
    const { caller } = await house.secret('CS-POLICY');
    const error = await refused(
      ask(caller, csrOf('CN=CS-POLICY', { key: 'P-384' })),
      'csr-refused',
    );
    expect(error.violations).toMatchObject([{ code: 'key-type' }]);
    expect((await ask(caller, csrOf('CN=CS-POLICY'))).outcome).toBe('issued');
  });

  test('S3 a signature that fails does not use it up', async () => {
    await house.station('CS-FAILS');
    const { caller } = await house.secret('CS-FAILS');
    failure = new Error('the key is away');
    const asked = ask(caller, csrOf('CN=CS-FAILS')).finally(() => {
      failure = undefined;
    });
    await expect(asked).rejects.toThrow('the key is away');
    expect((await ask(caller, csrOf('CN=CS-FAILS'))).outcome).toBe('issued');
    await turnedAway(ask(caller, csrOf('CN=CS-FAILS')), 'secret-used');
  });

  test('C7 a secret is bound to its name, label and organization', async () => {
    await house.station('CS-A');
    await house.station('CS-B');
    const { caller, text } = await house.secret('CS-A');
    const csr = csrOf('CN=CS-A');
    const asUser = (user: string, password = text) => ask({ basic: { user, password } }, csr);
    await turnedAway(asUser('CS-B'), 'secret-of-other');
    await turnedAway(asUser('CS-A', `${text}x`), 'secret-unknown');
    await turnedAway(
      asUser(
        'CS-A',
        text.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')),
      ),
      'secret-unknown',
    );
    await turnedAway(asUser('CS-A', ''), 'secret-unknown');
    await turnedAway(ask(caller, csr, { label: 'cso' }), 'secret-of-other');
    await turnedAway(ask(caller, csr, { label: 'tokens' }), 'credentials-not-taken');
    await refused(ask(caller, csr, { label: 'others' }), 'est-label-unknown');
    const error = await refused(ask(caller, csrOf('CN=CS-B')), 'name-not-authenticated');
    expect(error.violations).toMatchObject([{ field: 'subject.CN' }]);
    // None of this has used it up, and without a label its own is meant.
    expect((await ask(caller, csr, { label: undefined })).outcome).toBe('issued');
  });

  test('a secret that is over or withdrawn is none', async () => {
    await house.station('CS-OVER');
    const over = await house.secret('CS-OVER', 'cpo', 60);
    const gone = await house.secret('CS-OVER');
    house.pass(61_000);
    await turnedAway(ask(over.caller, csrOf('CN=CS-OVER')), 'secret-expired');
    await withdrawSecret(house.services, operator, gone.secret.id);
    await turnedAway(ask(gone.caller, csrOf('CN=CS-OVER')), 'secret-withdrawn');
  });

  test('W4 nobody but its maker has ever seen it', async () => {
    await house.station('CS-QUIET');
    const { text, secret } = await house.secret('CS-QUIET');
    expect(text).toMatch(/^evpki_enr_[\w-]{43}$/);
    const created = (await house.audited('enrolment-secret.created')).at(-1);
    expect(created).toMatchObject({ commonName: 'CS-QUIET', label: 'cpo' });
    expect(JSON.stringify([created, secret])).not.toContain(text);
  });
});

describe('nobody', () => {
  test('somebody who shows nothing is told to, before anything else', async () => {
    await turnedAway(ask({}, csrOf('CN=CS-3')), 'no-credentials');
    await turnedAway(ask({}, csrOf('CN=CS-3'), { label: 'nothing' }), 'no-credentials');
    await turnedAway(ask({ clientCertificate: [] }, csrOf('CN=CS-3')), 'no-credentials');
  });
});

describe('factory certificates', () => {
  const maker = generateKey();
  const root = foreignRoot(
    { subject: commonName('Maker Root'), notAfter: new Date('2099-01-01') },
    { key: maker },
  );
  const factoryCertificate = (
    subject: Parameters<typeof commonName>[0] | { attributes: { type: string; value: string }[] },
    notAfter = new Date('2090-01-01'),
    signer = maker,
    extensions: Partial<ExtensionSet> = {},
    key = generateKey(),
  ): Certificate => {
    return issue(
      templateFor(key, signer, {
        subject: typeof subject === 'string' ? commonName(subject) : subject,
        issuerName: writeName(commonName('Maker Root')),
        notAfter,
        extensions: { ...leafExtensions(key, signer), ...extensions },
      } as never),
      signer,
    );
  };
  const showing = ({ der }: Certificate): EstCaller => ({ clientCertificate: [der] });
  let anchor = '';
  const trustFor = async (...purposes: AnchorPurpose[]) => {
    await trustAnchor(house.services, administrator, anchor, purposes);
  };
  beforeAll(async () => {
    const imported = await importAnchor(house.services, administrator, root.pem, {
      organization: 'demo-cpo',
    });
    anchor = imported.anchor.id;
    await trustFor('distribute', 'est-client');
    await house.station('CS-FACTORY', { serialNumber: 'FACTORY-1', seccId: 'SECC-F' });
  });
  afterEach(() => trustFor('distribute', 'est-client'));

  test('one of a registered station gets its first certificate', async () => {
    const shown = showing(factoryCertificate('FACTORY-1'));
    const { certificate, certificateId } = await house.enrol(shown, csrOf('CN=SECC-F'));
    expect(nameText(certificate.subject)).toMatch('CN=SECC-F');
    const record = await house.services.certificates.findCertificate(certificateId);
    expect(record?.stationId).toBe('CS-FACTORY');
    const named = {
      attributes: [
        { type: 'CN', value: 'Wallbox 22' },
        { type: 'serialNumber', value: 'factory-1' },
      ],
    };
    expect((await ask(showing(factoryCertificate(named)), csrOf('CN=SECC-F'))).outcome).toBe(
      'issued',
    );
  });

  test('C7 a valid chain alone never authenticates', async () => {
    const stranger = showing(factoryCertificate('FACTORY-2'));
    await turnedAway(ask(stranger, csrOf('CN=SECC-F')), 'station-unknown');
  });

  test('C7 its station gets no certificate of another', async () => {
    await house.station('CS-VICTIM', { seccId: 'SECC-V' });
    const shown = showing(factoryCertificate('FACTORY-1'));
    await refused(ask(shown, csrOf('CN=SECC-V')), 'name-not-authenticated');
    expect((await house.audited('request.refused')).at(-1)).toMatchObject({
      ...{ actor: 'factory-certificate:CS-FACTORY', violations: ['name-not-authenticated'] },
    });
    await refused(ask(shown, csrOf('CN=SECC-W')), 'name-not-authenticated');
    // At a label of somebody else nobody trusts its maker.
    await turnedAway(ask(shown, csrOf('CN=SECC-F'), { label: 'mo' }), 'certificate-unknown');
  });

  test('A3 without the purpose, out of time, or by another key it is nothing', async () => {
    const csr = csrOf('CN=SECC-F');
    await trustFor('distribute', 'v2g');
    await turnedAway(ask(showing(factoryCertificate('FACTORY-1')), csr), 'certificate-unknown');
    await trustFor('distribute', 'est-client');
    const over = factoryCertificate('FACTORY-1', new Date('2026-02-01'));
    await turnedAway(ask(showing(over), csr), 'certificate-expired');
    const forged = factoryCertificate('FACTORY-1', undefined, generateKey());
    await turnedAway(ask(showing(forged), csr), 'certificate-unknown');
    await turnedAway(ask({ clientCertificate: [Buffer.from('soup')] }, csr), 'certificate-unknown');
  });

  test('C7 at a label for one maker, that of another is nothing', async () => {
    const chosen = await importAnchor(house.services, administrator, chosenMaker.pem, {
      organization: 'demo-cpo',
    });
    await trustAnchor(house.services, administrator, chosen.anchor.id, ['est-client']);
    const key = generateKey();
    const ofChosen = issue(
      templateFor(key, chosenMaker.key, {
        ...{
          subject: commonName('FACTORY-1'),
          issuerName: writeName(commonName('Chosen Maker Root')),
        },
        ...{ notAfter: new Date('2090-01-01'), extensions: leafExtensions(key, chosenMaker.key) },
      }),
      chosenMaker.key,
    );
    const csr = csrOf('CN=SECC-F');
    const other = showing(factoryCertificate('FACTORY-1'));
    const { refusal } = await turnedAway(
      ask(other, csr, { label: 'one-maker' }),
      'certificate-unknown',
    );
    expect(refusal.violations).toEqual(['path-not-found']);
    const label = 'one-maker';
    expect((await ask(showing(ofChosen), csr, { label })).outcome).toBe('issued');
    // Where a label names no roots, both count.
    for (const shown of [other, showing(ofChosen)]) {
      expect((await ask(shown, csrOf('CN=SECC-F'))).outcome).toBe('issued');
    }
  });

  const purposes = (...named: string[]) => ({
    extendedKeyUsage: { critical: false, purposes: named },
  });
  test.each<[string, Partial<ExtensionSet>, string | undefined]>([
    ['of a server', purposes('serverAuth'), 'key-purpose'],
    ['that signs firmware', purposes('codeSigning'), 'key-purpose'],
    ['of a server and client', purposes('serverAuth', 'clientAuth'), undefined],
    ['for anything', purposes('anyExtendedKeyUsage'), undefined],
    ['without usages', { keyUsage: undefined as never }, undefined],
    [
      'that signs nothing',
      { keyUsage: { critical: true, usages: ['keyEncipherment'] } },
      'key-usage',
    ],
    [
      'of an authority',
      {
        basicConstraints: { critical: true, ca: true },
        keyUsage: { critical: true, usages: ['digitalSignature', 'keyCertSign'] },
      },
      'basic-constraints',
    ],
  ])('W5 one %s is that of a client only if it says nothing else', async (_, extensions, wrong) => {
    const shown = showing(factoryCertificate('FACTORY-1', undefined, undefined, extensions));
    const asked = ask(shown, csrOf('CN=SECC-F'));
    if (wrong === undefined) expect((await asked).outcome).toBe('issued');
    else {
      const { refusal } = await turnedAway(asked, 'certificate-unknown');
      expect(refusal.violations).toEqual([wrong]);
    }
  });

  test('A3 with a key that is blocked it is nothing', async () => {
    const key = generateKey();
    const shown = showing(factoryCertificate('FACTORY-1', undefined, undefined, {}, key));
    const pair = { publicKey: createPublicKey(key.privateKey), privateKey: key.privateKey };
    const { certificateId } = await house.enrol(shown, csrOf('CN=SECC-F', { pair }));
    await revoke(house.services, administrator, certificateId, 'keyCompromise');
    await turnedAway(ask(shown, csrOf('CN=SECC-F')), 'certificate-key-blocked');
  });

  test('W5 a secret or token counts before it', async () => {
    const shown = showing(factoryCertificate('FACTORY-1'));
    const wrong = { ...shown, basic: { user: 'CS-FACTORY', password: 'evpki_enr_wrong' } };
    await turnedAway(ask(wrong, csrOf('CN=SECC-F')), 'secret-unknown');
  });
});

describe('approval', () => {
  test('nothing waits unless the label says so', async () => {
    await house.station('CS-APPROVE');
    const csr = csrOf('CN=CS-APPROVE');
    await refused(ask(asMachine, csr, { label: 'waits-not' }), 'approval-needed');
    const { items } = await house.services.requests.listRequests(
      { now: house.services.clock(), state: 'waiting-for-approval' },
      { limit: 10 },
    );
    expect(items).toEqual([]);
    expect((await ask(asMachine, csr, { label: 'waits' })).outcome).toBe('waiting');
    expect((await ask(asMachine, csr, { label: 'waits' })).outcome).toBe('waiting');
    // What waits is not told to a label that answers nothing but certificates.
    await refused(ask(asMachine, csr, { label: 'waits-not' }), 'approval-needed');
  });

  test('C7 a secret does not wait: it would be good for another request meanwhile', async () => {
    await expect(house.secret('CS-APPROVE', 'waits')).rejects.toMatchObject({
      violations: [{ code: 'approval-needed', field: 'body.label' }],
    });
    // One from before the profile wanted approval.
    const { services } = house;
    const station = services.profiles.get('ocpp-station');
    if (!station) throw new Error('there is no ocpp-station');
    const profiles = new Map([...services.profiles, ['ocpp-station-reviewed', station]]);
    const wanted = { label: 'waits', commonName: 'CS-APPROVE' };
    const { text } = await createSecret({ ...services, profiles }, operator, wanted);
    const caller = { basic: { user: 'CS-APPROVE', password: text } };
    await refused(ask(caller, csrOf('CN=CS-APPROVE'), { label: 'waits' }), 'approval-needed');
  });
});

describe('generated keys', () => {
  const generate = (caller: EstCaller, csr: Uint8Array, change = {}) =>
    estServerKeygen(house.services, { ...question(caller, csr), ...change });

  test('the certificate is for a key that is handed out and kept nowhere', async () => {
    await house.station('CS-KEY');
    const csr = csrOf('CN=CS-KEY', { extensions: [askFor.names('not.taken')] });
    const { answer, privateKey } = await generate(asMachine, csr);
    const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    expect(sameBytes(answer.certificate.spki, spki)).toBe(true);
    const request = await house.services.certificates.findRequest(answer.requestId);
    expect(Buffer.from(request?.csr ?? []).includes(spki)).toBe(true);
    // The scalar in RFC 5915, for P-256.
    expect(await storedIn(house, Buffer.from(privateKey).subarray(36, 68))).toBe(false);
    expect(await storedIn(house, Buffer.from(answer.certificate.der))).toBe(true);
    const second = await generate(asMachine, csr);
    expect(sameBytes(second.answer.certificate.spki, spki)).toBe(false);
  });

  test('RFC 7030 4.4.1: one that is to be encrypted is not handed out in the clear', async () => {
    await house.station('CS-WRAP');
    for (const type of ['1.2.840.113549.1.9.16.2.37', '1.2.840.113549.1.9.16.2.54']) {
      const csr = buildRequest({
        subject: writeName(nameOf('CN=CS-WRAP')),
        attributes: [requestAttribute(type, octetString(Buffer.from('key-1')))],
      });
      const error = await refused(generate(asMachine, csr), 'csr-refused');
      expect(error.violations).toMatchObject([{ code: 'key-encryption-unsupported' }]);
    }
  });

  test('a key of a type that the profile has not becomes one that it has', async () => {
    await house.station('CS-TYPE');
    const { answer } = await generate(asMachine, csrOf('CN=CS-TYPE', { key: 'RSA-2048' }));
    expect(answer.certificate.publicKey?.algorithm).toBe('P-256');
    const rsa = await generate(asMachine, csrOf('CN=CS-TYPE', { key: 'RSA-2048' }), {
      label: 'cso',
    });
    expect(rsa.answer.certificate.publicKey?.algorithm).toBe('RSA-2048');
  });

  test('a secret gets one key; whoever asks needs the permission', async () => {
    await house.station('CS-ONE');
    const { caller } = await house.secret('CS-ONE');
    await generate(caller, csrOf('CN=CS-ONE'));
    await turnedAway(generate(caller, csrOf('CN=CS-ONE')), 'secret-used');
    const csms: EstCaller = { principal: client(['csms']) };
    await refused(generate(csms, csrOf('CN=CS-ONE')), 'not-permitted');
    await refused(
      generate(asMachine, csrOf('CN=CS-APPROVE'), { label: 'waits' }),
      'approval-needed',
    );
  });
});

// This lets time pass, and so comes last.
test('after the repeat window the same request with its secret is refused as any other', async () => {
  await house.station('CS-LATE');
  const { caller } = await house.secret('CS-LATE');
  const csr = csrOf('CN=CS-LATE');
  const { certificateId } = await house.enrol(caller, csr);
  house.pass(23 * 3_600_000);
  expect((await house.enrol(caller, csr)).certificateId).toBe(certificateId);
  house.pass(2 * 3_600_000);
  await turnedAway(ask(caller, csr), 'secret-used');
});
