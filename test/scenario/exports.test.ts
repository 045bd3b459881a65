/**
 * An authority whose key is handed out, from the proposal to what its certificates are worth here:
 * two people, once, loudly, and nowhere a key or a passphrase that anybody could read.
 */

import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/pki/canonical-json.ts';
import { readCertificate } from '../../src/pki/certificate.ts';
import { toPem } from '../../src/pki/pem.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { askOcsp, ocspQuestion } from '../support/ask-ocsp.ts';
import { EXPORT_PASSPHRASE, exportAsTwo, type HandedOut } from '../support/exports.ts';
import { commonName, generateKey, issue, leafExtensions, templateFor } from '../support/issuing.ts';

interface Person {
  readonly id: string;
  readonly actor: string;
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
}

const DAY = 86_400_000;
const ROOT = '/v1/authorities/ocpp-root';

let later = 0;
let count = 0;
let evpki: TestApp;
let officer: Person;
let approver: Person;
let operator: Person;

beforeAll(async () => {
  evpki = await startTestApp({
    clock: () => new Date(Date.now() + later),
    env: { EVPKI_CLIENT_RATE: '0', EVPKI_ADDRESS_RATE: '0' },
  });
  officer = await person('pki-officer');
  approver = await person('approver');
  operator = await person('cpo-operator');
});
afterAll(() => evpki?.close());

async function person(role: string, organization = 'demo-cpo'): Promise<Person> {
  const body = { name: role, organization, roles: [role] };
  const credentials = sent(await evpki.call('POST', '/v1/api-clients', body), 201);
  return {
    id: credentials.clientId,
    actor: `client:${credentials.clientId}`,
    call: async (method, path, asked, headers = {}) => {
      const token = await evpki.renewedToken(credentials);
      return evpki.call(method, path, asked, { authorization: `Bearer ${token}`, ...headers });
    },
  };
}

function sent({ status, json, text }: Answer, wanted: number) {
  expect(status, text).toBe(wanted);
  return json;
}
const refused = ({ status, json }: Answer) => [status, json.code];
const codes = ({ json }: Answer) => json.violations.map(({ code }: { code: string }) => code);
const newWish = (change: object = {}) => {
  const id = `csms-${++count}`;
  return { id, title: `Title of ${id}`, key: 'P-256', ...change };
};
const propose = (wish: object = newWish(), by = officer, above = ROOT) =>
  by.call('POST', `${above}/exports`, wish);
const approve = (proposal: { id: string; sha256: string }, by = approver) =>
  by.call('POST', `/v1/proposals/${proposal.id}/approval`, { sha256: proposal.sha256 });
const collect = (
  { id }: { id: string },
  { by = officer, above = ROOT, passphrase = EXPORT_PASSPHRASE, key = '' } = {},
) =>
  by.call(
    'POST',
    `${above}/exports/${id}`,
    { passphrase },
    key === '' ? {} : { 'Idempotency-Key': key },
  );
async function approved(wish: object = newWish()) {
  const proposal = sent(await propose(wish), 202);
  sent(await approve(proposal), 200);
  return proposal as { readonly id: string; readonly sha256: string };
}
const entries = async (subject: string) =>
  sent(await evpki.call('GET', `/v1/audit?subject=${subject}`), 200).items;

describe('an export', () => {
  test('is made by two people, of whom the first gets the key, and everybody hears of it', async () => {
    const wish = newWish();
    const answer = await propose(wish);
    const proposal = sent(answer, 202);
    expect(answer.headers.location).toBe(`/v1/proposals/${proposal.id}`);
    expect(proposal).toMatchObject({
      ...{ state: 'waiting', action: 'authorities:export', subject: 'ocpp-root' },
      command: { ...wish, profile: 'ocpp-exported-station-ca' },
    });
    expect(refused(await collect(proposal))).toEqual([409, 'conflict']);
    sent(await approve(proposal), 200);
    // Nothing is there before it is collected.
    expect(refused(await officer.call('GET', `/v1/authorities/${wish.id}`))[0]).toBe(404);

    const collected = await collect(proposal);
    const made: HandedOut = sent(collected, 201);
    expect(collected.headers.location).toBe(`/v1/authorities/${wish.id}`);
    const certificate = new X509Certificate(made.certificate);
    const key = createPrivateKey({ key: made.encryptedKey, passphrase: EXPORT_PASSPHRASE });
    expect(certificate.checkPrivateKey(key)).toBe(true);
    expect(certificate.subject).toContain(`CN=${wish.title}`);
    expect(made.certificateChain.startsWith(made.certificate)).toBe(true);
    expect(certificate.ca).toBe(true);

    const shown = sent(await officer.call('GET', `/v1/authorities/${wish.id}`), 200);
    expect(shown).toMatchObject({ state: 'active', exported: true, under: 'ocpp-root' });
    expect(shown.issuers).toMatchObject([{ id: made.issuer, state: 'active' }]);
    expect(await entries(wish.id)).toMatchObject([
      {
        ...{ action: 'issuer.exported', actor: officer.actor },
        details: {
          ...{ issuer: made.issuer, below: 'ocpp-root', proposal: proposal.id },
          ...{ sha256: proposal.sha256, proposer: officer.actor, approvedBy: approver.actor },
        },
      },
    ]);
    const warned = evpki.log.map((line) => JSON.parse(line));
    expect(warned.filter(({ event }) => event === 'issuer-exported')).toMatchObject([
      { level: 'warn', authority: wish.id, proposer: officer.actor, approvedBy: approver.actor },
    ]);
  });

  test('hands its key out once, however it is asked', async () => {
    const proposal = await approved();
    const together = await Promise.all(Array.from({ length: 4 }, () => collect(proposal)));
    const statuses = together.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 409, 409, 409]);
    const again = await collect(proposal);
    expect(refused(again)).toEqual([409, 'conflict']);
    expect(again.json.detail).toContain('no key is handed out twice');
  });

  test('is repeated for its Idempotency-Key without the key, whatever the passphrase', async () => {
    const proposal = await approved();
    const first = sent(await collect(proposal, { key: 'once' }), 201);
    const second = await collect(proposal, { key: 'once', passphrase: 'another one that is long' });
    expect(second.headers['idempotency-replayed']).toBe('true');
    const { encryptedKey, ...rest } = first;
    expect(encryptedKey).toContain('ENCRYPTED PRIVATE KEY');
    expect(sent(second, 201)).toEqual(rest);
  });

  test('is nobody’s who has not proposed it, nor approved by who has', async () => {
    const all = await person('super', 'instance');
    const own = sent(await propose(newWish(), all), 202);
    expect(refused(await approve(own, all))).toEqual([403, 'approval-own-request']);
    const proposal = await approved();
    const colleague = await person('pki-officer');
    for (const by of [all, colleague]) {
      expect(refused(await collect(proposal, { by }))).toEqual([403, 'export-of-other']);
    }
    expect(refused(await collect(proposal, { by: operator }))).toEqual([403, 'not-permitted']);
    const stranger = await person('pki-officer', 'demo-mo');
    expect(refused(await collect(proposal, { by: stranger }))).toEqual([404, 'not-found']);
    expect(refused(await propose(newWish(), stranger))).toEqual([404, 'not-found']);
    // Nor below another authority than the one that it was approved for.
    const above = '/v1/authorities/v2g-root';
    expect(refused(await collect(proposal, { by: all, above }))).toEqual([404, 'not-found']);
    sent(await collect(proposal), 201);
  });

  test.each([
    ['below an authority with path length 0', 'ocpp-station-ca', {}, ['issuer-not-allowed']],
    [
      'where it ends before it begins',
      'ocpp-root',
      { notAfter: '2020-01-01T00:00:00Z' },
      ['validity-too-short'],
    ],
    ['for too long', 'ocpp-root', { notAfter: '2035-01-01T00:00:00Z' }, ['validity-too-long']],
    [
      'beyond its issuer',
      'ocpp-root',
      { notAfter: '2099-01-01T00:00:00Z' },
      ['validity-beyond-issuer'],
    ],
  ])('is refused %s', async (_what, above, change, wanted) => {
    const answer = await propose(newWish(change), officer, `/v1/authorities/${above}`);
    expect(refused(answer)).toEqual([422, 'export-refused']);
    expect(codes(answer)).toEqual(wanted);
  });

  test('is never one of Plug & Charge', async () => {
    const all = await person('super', 'instance');
    const authorities = sent(await evpki.call('GET', '/v1/authorities'), 200).items;
    const others = authorities.filter(
      ({ profile }: { profile: string }) => profile !== 'ocpp-root',
    );
    expect(others.length).toBeGreaterThan(10);
    for (const { id } of others) {
      const answer = await propose(newWish(), all, `/v1/authorities/${id}`);
      expect(refused(answer), id).toEqual([422, 'export-refused']);
      expect(codes(answer)).toEqual(['issuer-not-allowed']);
    }
  });

  test('takes nobody’s id, not even one that came after the approval', async () => {
    expect(refused(await propose(newWish({ id: 'ocpp-station-ca' })))).toEqual([409, 'conflict']);
    const wish = newWish();
    const one = await approved(wish);
    const other = await approved({ ...wish, title: 'Another title' });
    const late = sent(await propose({ ...wish, title: 'A third title' }), 202);
    sent(await collect(one), 201);
    const answer = await approve(late);
    expect(refused(answer)).toEqual([409, 'proposal-refused']);
    expect(codes(answer)).toEqual(['proposal-outdated']);
    expect(refused(await collect(other))).toEqual([409, 'conflict']);
  });

  test('wants a passphrase that is worth it', async () => {
    const proposal = await approved();
    for (const passphrase of ['too short', 'ein Gedicht über Schlüssel', 'x'.repeat(129)]) {
      expect(refused(await collect(proposal, { passphrase }))).toEqual([400, 'request-malformed']);
    }
    sent(await collect(proposal), 201);
  });

  test('is not declared as if it were an authority of ours', async () => {
    const wanted = { ...newWish(), profile: 'ocpp-exported-station-ca', under: 'ocpp-root' };
    const answer = await officer.call('POST', '/v1/authorities', wanted);
    expect(refused(answer)).toEqual([422, 'declaration-invalid']);
  });
});

describe('an authority that was exported', () => {
  let made: HandedOut;
  beforeAll(async () => {
    made = await exportAsTwo(evpki, 'steve-station-ca');
  });

  const path = (what: string) => `/v1/authorities/${made.authority}/${what}`;
  /** A certificate that its CSMS has signed, DER. */
  const signed = (name: string, change: object = {}): Uint8Array => {
    const key = createPrivateKey({ key: made.encryptedKey, passphrase: EXPORT_PASSPHRASE });
    const issuer = readCertificate(new X509Certificate(made.certificate).raw);
    const { publicKey } = issuer;
    if (!publicKey) throw new Error('no key');
    const caKey = { publicKey, privateKey: key };
    const leafKey = generateKey('P-256');
    const now = Math.floor(Date.now() / 1000) * 1000;
    const template = templateFor(leafKey, caKey, {
      ...{ subject: commonName(name), issuerName: issuer.subjectDer },
      ...{ notBefore: new Date(now - 1000), notAfter: new Date(now + 100 * DAY) },
      extensions: {
        ...leafExtensions(leafKey, caKey),
        extendedKeyUsage: { critical: false, purposes: ['clientAuth'] },
      },
      ...change,
    });
    return issue(template, caKey).der;
  };
  const pem = (der: Uint8Array) => toPem('CERTIFICATE', der);
  const bring = (certificates: string, by = operator) =>
    by.call('POST', path('certificates'), { certificates });
  const status = async (der: Uint8Array) =>
    (await askOcsp(evpki.app.publicUrl, ocspQuestion(pem(der) + made.certificate))).status;

  test('signs nothing more here, by any door, and gets no other key', async () => {
    const all = await person('super', 'instance');
    expect(refused(await all.call('POST', path('rollover')))).toEqual([409, 'conflict']);
    const csr = '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n';
    const body = { profile: 'ocpp-station', authority: made.authority, csr, station: 'CS-1' };
    expect((await all.call('POST', '/v1/certificates', body)).status).toBeGreaterThanOrEqual(400);
  });

  test('has the status of its certificates told once they are brought', async () => {
    const [one, other] = [signed('BROUGHT-1'), signed('BROUGHT-2')];
    expect(await status(one)).toBe('unknown');
    const { items } = sent(await bring(pem(one) + pem(other)), 200);
    expect(items).toMatchObject([
      { subject: 'CN=BROUGHT-1', outcome: 'imported' },
      { subject: 'CN=BROUGHT-2', outcome: 'imported' },
    ]);
    // It says nothing of where its status is: told, and taken.
    expect(items[0].findings.length).toBeGreaterThan(0);
    expect(await status(one)).toBe('good');
    const again = sent(await bring(pem(one)), 200).items;
    expect(again).toMatchObject([{ id: items[0].id, outcome: 'known' }]);
    expect(await entries(items[0].id)).toMatchObject([
      { action: 'certificate.imported', actor: operator.actor },
    ]);
    const listed = sent(
      await operator.call('GET', `/v1/certificates?authority=${made.authority}`),
      200,
    ).items.map(({ id }: { id: string }) => id);
    expect(listed).toContain(items[0].id);

    const serialNumber = new X509Certificate(one).serialNumber;
    const revocation = { serialNumber, reason: 'superseded' };
    sent(await operator.call('POST', path('revocations'), revocation), 200);
    expect(await status(one)).toBe('revoked');
    expect(await status(other)).toBe('good');
  });

  test('is not said to have signed what it has not', async () => {
    const own = signed('OF-OURS');
    const stranger = generateKey('P-256');
    const forged = issue(
      templateFor(stranger, stranger, {
        subject: commonName('FORGED'),
        issuerName: readCertificate(own).issuerDer,
        extensions: leafExtensions(stranger, stranger),
      }),
      stranger,
    ).der;
    const authority = signed('AUTHORITY', {
      extensions: {
        basicConstraints: { critical: true, ca: true },
        keyUsage: { critical: true, usages: ['keyCertSign', 'cRLSign'] },
      },
    });
    const answer = await bring(pem(own) + pem(forged) + pem(authority));
    expect(refused(answer)).toEqual([422, 'import-refused']);
    expect(answer.json.violations).toMatchObject([
      { code: 'import-of-other', field: 'certificates[1]' },
      { code: 'import-of-authority', field: 'certificates[2]' },
    ]);
    // None of them.
    expect(await status(own)).toBe('unknown');
    expect(codes(await bring('nothing'))).toEqual(['import-unreadable']);
  });

  test('is of no organization but its own', async () => {
    const stranger = await person('cpo-operator', 'demo-mo');
    expect(refused(await bring(pem(signed('X')), stranger))).toEqual([404, 'not-found']);
    const body = { serialNumber: 'aa', reason: 'superseded' };
    const answer = await stranger.call('POST', path('revocations'), body);
    expect(refused(answer)).toEqual([404, 'not-found']);
    expect(refused(await bring(pem(signed('X')), officer))).toEqual([403, 'not-permitted']);
  });

  test('has numbers revoked that nobody has seen; others have not', async () => {
    const der = signed('UNSEEN');
    const { serialNumber } = new X509Certificate(der);
    const revoke = (body: object, where = path('revocations')) =>
      operator.call('POST', where, body);
    const held = await revoke({ serialNumber, reason: 'certificateHold' });
    expect(refused(held)).toEqual([422, 'revocation-refused']);
    expect(await status(der)).toBe('unknown');
    const done = sent(await revoke({ serialNumber, reason: 'keyCompromise' }), 200);
    const number = serialNumber.toLowerCase().replace(/^0+/, '');
    expect(done).toMatchObject({ state: 'revoked', serialNumber: number });
    expect(sent(await revoke({ serialNumber, reason: 'keyCompromise' }), 200).id).toBe(done.id);
    expect(await status(der)).toBe('revoked');
    expect(sent(await operator.call('GET', `/v1/certificates/${done.id}`), 200).subject).toBe('');
    const elsewhere = '/v1/authorities/ocpp-station-ca/revocations';
    const other = await revoke({ serialNumber, reason: 'superseded' }, elsewhere);
    expect(refused(other)).toEqual([404, 'not-found']);
    // The key is that of nobody until its certificate comes.
    expect(sent(await bring(pem(der)), 200).items).toMatchObject([{ outcome: 'imported' }]);
    expect(await status(der)).toBe('revoked');
  });

  test('is revoked with all that it has signed', async () => {
    const all = await person('super', 'instance');
    const below = sent(
      await all.call('GET', '/v1/certificates?authority=ocpp-root&limit=200'),
      200,
    );
    const { serialNumber } = new X509Certificate(made.certificate);
    const own = below.items.find(
      // Node has two digits for each octet, and so a zero in front at times.
      (one: { serialNumber: string }) =>
        BigInt(`0x${one.serialNumber}`) === BigInt(`0x${serialNumber}`),
    );
    const body = { serialNumber, reason: 'cACompromise' };
    expect(refused(await operator.call('POST', `${ROOT}/revocations`, body))[0]).toBe(403);
    sent(await all.call('POST', `${ROOT}/revocations`, body), 200);
    expect(sent(await all.call('GET', `/v1/certificates/${own.id}`), 200).state).toBe('revoked');
    const shown = sent(await all.call('GET', `/v1/authorities/${made.authority}`), 200);
    expect(shown.state).toBe('revoked');
  });
});

describe('W9 what must not be read anywhere', () => {
  test('neither key nor passphrase is in the database, the log or the audit entries', async () => {
    const passphrase = 'a canary that sings of export 0815';
    const proposal = await approved();
    const key = 'with-an-idempotency-key';
    const made: HandedOut = sent(await collect(proposal, { passphrase, key }), 201);
    const privateKey = createPrivateKey({ key: made.encryptedKey, passphrase });
    const der = privateKey.export({ format: 'der', type: 'pkcs8' });
    const { d = '' } = privateKey.export({ format: 'jwk' });
    const secret = Buffer.from(d, 'base64url');
    const [, line = ''] = made.encryptedKey.split('\n');
    const path = `${ROOT}/exports/${proposal.id}`;
    const asked = canonicalJson({ path, query: {}, body: { passphrase } });
    const canaries = {
      ...{ passphrase: Buffer.from(passphrase), 'private key': secret },
      ...{ base64: Buffer.from(der.toString('base64').slice(48, 90)), jwk: Buffer.from(d) },
      ...{ hex: Buffer.from(secret.toString('hex')), 'encrypted key, PEM': Buffer.from(line) },
      'encrypted key': Buffer.from(line, 'base64'),
      // That would let whoever reads it try out passphrases.
      'hash of the request': Buffer.from(createHash('sha256').update(asked).digest('hex')),
    };
    const files = readdirSync(evpki.dataDir).map((name) => join(evpki.dataDir, name));
    const kept = [
      ...files.filter((file) => file.includes('sqlite')).map((file) => readFileSync(file)),
      Buffer.from(evpki.log.join('')),
      Buffer.from(JSON.stringify(sent(await evpki.call('GET', '/v1/audit?limit=200'), 200))),
    ];
    expect(kept.length).toBeGreaterThan(2);
    // What is looked for would be found: the public key is there.
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    expect(kept.some((bytes) => bytes.includes(spki))).toBe(true);
    for (const [name, canary] of Object.entries(canaries)) {
      expect(
        kept.some((bytes) => bytes.includes(canary)),
        name,
      ).toBe(false);
    }
  });
});

// Last: time does not go back.
test('an export is collected within a week, by somebody who still may', async () => {
  const proposal = await approved();
  later = 7 * DAY + 60_000;
  const late = await collect(proposal);
  expect(refused(late)).toEqual([409, 'conflict']);
  expect(late.json.detail).toContain('too long ago');
});
