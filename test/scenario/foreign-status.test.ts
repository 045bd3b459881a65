/**
 * Certificates of others through the doors of the CSMS: what their responders say counts, nothing
 * else does, and nobody is asked who is not to be (W7).
 */

import { createECDH, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Certificate, readCertificate, serialHex } from '../../src/pki/certificate.ts';
import { certificateHashData, type HashAlgorithm } from '../../src/pki/certificate-hash-data.ts';
import { type DistinguishedName, writeName } from '../../src/pki/names.ts';
import { judgeOcspResponse } from '../../src/pki/ocsp/judge-response.ts';
import { readPemBlocks, toPem } from '../../src/pki/pem.ts';
import { readRequest } from '../../src/pki/request.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type ForeignResponder, startForeignResponder } from '../support/foreign-ocsp.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import {
  authorityExtensions,
  generateKey,
  issue,
  leafExtensions,
  templateFor,
} from '../support/issuing.ts';
import { newCaller, trustAsTwo } from '../support/second-person.ts';
import { leaveFactory, sent } from '../support/vehicles.ts';

const revoked = { kind: 'revoked', at: new Date('2026-10-01T00:00:00Z') } as const;
const MAPPED = '[::ffff:7f00:1]';

let evpki: TestApp;
let responder: ForeignResponder;
let trap: ForeignResponder;
/** Takes questions and answers none. */
let silent: ForeignResponder;
const headers = new Map<string, Record<string, string>>();
beforeAll(async () => {
  const three = [
    startForeignResponder(),
    startForeignResponder(),
    startForeignResponder(),
  ] as const;
  [responder, trap, silent] = await Promise.all(three);
  silent.instead = () => {};
  evpki = await startTestApp({
    env: {
      EVPKI_CLIENT_RATE: '0',
      EVPKI_ADDRESS_RATE: '0',
      EVPKI_OUTBOUND_HOSTS: [
        ...[`127.0.0.1:${responder.port}`, `127.0.0.1:${silent.port}`, 'localhost', MAPPED],
      ].join(', '),
      EVPKI_OUTBOUND_INTERNAL_HOSTS: '127.0.0.1',
    },
  });
  for (const [name, organization, role] of [
    ['maker', 'demo-oem', 'oem'],
    ['operator', 'demo-mo', 'emsp-operator'],
    ['csms', 'demo-cpo', 'csms'],
    ['all', 'instance', 'super'],
  ] as const) {
    headers.set(name, { authorization: `Bearer ${await evpki.tokenOf(organization, [role])}` });
  }
  const [first, second] = [await newCaller(evpki), await newCaller(evpki)];
  for (const organization of ['demo-mo', 'demo-cpo']) {
    const anchor = { certificate: root.pem, organization };
    const { id } = sent(await call('all', 'POST', '/v1/trust-anchors', anchor), 201);
    await trustAsTwo([first, second], id, ['contract-validation']);
  }
  responder.serve(root.certificate, root.key);
  sub = newSub(responder.url);
  responder.serve(sub, subKey);
});
afterAll(async () => {
  await evpki?.close();
  await Promise.all([responder?.close(), trap?.close(), silent?.close()]);
});
beforeEach(() => {
  responder.instead = undefined;
  responder.asked.length = 0;
});

const call = (as: string, method: string, path: string, body?: unknown) =>
  evpki.call(method, path, body, headers.get(as) ?? {});

const name = (CN: string): DistinguishedName => ({
  attributes: [
    { type: 'DC', value: 'MO' },
    { type: 'CN', value: CN },
  ],
});
const subject = name('MO Root elsewhere');
const root = foreignRoot({ subject, issuerName: writeName(subject) });
const [subKey, key] = [generateKey(), generateKey()];
let sub: Certificate;
const access = (...ocsp: string[]) => ({
  authorityInfoAccess: { critical: false, ocsp, caIssuers: [] },
});
const newSub = (url: string): Certificate =>
  issue(
    templateFor(subKey, root.key, {
      ...{ subject: name('MO Sub-CA elsewhere'), issuerName: writeName(subject) },
      extensions: { ...authorityExtensions(subKey, root.key, 0), ...access(url) },
    }),
    root.key,
  );
const leafOf = (emaid: string, ...urls: string[]): Certificate =>
  issue(
    templateFor(key, subKey, {
      ...{ subject: name(emaid), issuerName: sub.subjectDer },
      extensions: {
        ...leafExtensions(key, subKey),
        keyUsage: { critical: true, usages: ['digitalSignature', 'keyAgreement'] },
        ...(urls.length > 0 ? access(...urls) : {}),
      },
    }),
    subKey,
  );
let count = 0;
const newEmaid = () => `DE8EVC${String(++count).padStart(8, '0')}`;

const pemOf = (...chain: Certificate[]) =>
  chain.map(({ der }) => toPem('CERTIFICATE', der)).join('');
async function present(idToken: string, leaf: Certificate, above = sub) {
  const body = { idToken, certificate: pemOf(leaf, above) };
  const answer = sent(await call('csms', 'POST', '/v1/ocpp/authorize', body), 200);
  const { idTokenInfo, certificateStatus, statusUnknown, detail } = answer;
  return { pair: [certificateStatus, idTokenInfo.status], statusUnknown, detail };
}
/** A contract whose certificate was made elsewhere. */
async function brought(...urls: string[]) {
  const { pcid } = await leaveFactory(evpki, headers.get('maker') ?? {}, 'iso15118-2');
  const emaid = newEmaid();
  const leaf = leafOf(emaid, ...urls);
  const bundle = {
    certificateChain: pemOf(leaf, sub),
    dhPublicKey: createECDH('prime256v1').generateKeys('base64'),
    encryptedPrivateKey: randomBytes(48).toString('base64'),
  };
  const { id } = sent(
    await call('operator', 'POST', '/v1/contracts', { emaid, pcid, bundle }),
    201,
  );
  return { id, emaid, leaf };
}
async function lastAudit(id: string, organization = 'demo-mo') {
  const path = `/v1/audit?organization=${organization}&subject=${id}&limit=1`;
  const { items } = sent(await call('all', 'GET', path), 200);
  return items[0];
}

describe('Authorize', () => {
  test('a contract from elsewhere that is good is accepted, and asked about once an hour', async () => {
    const { id, emaid, leaf } = await brought(responder.url);
    const accepted = { pair: ['Accepted', 'Accepted'] };
    expect(await present(emaid, leaf)).toEqual(accepted);
    const asked = responder.asked.length;
    expect(asked).toBeGreaterThanOrEqual(1);
    expect(await present(emaid, leaf)).toEqual(accepted);
    expect(responder.asked).toHaveLength(asked);
    expect((await lastAudit(id)).details).toEqual({
      ...{ idTokenStatus: 'Accepted', certificateStatus: 'Accepted' },
    });
  });

  test('C07.FR.13 one that its issuer has revoked is refused, whatever its operator says here', async () => {
    const { id, emaid, leaf } = await brought(responder.url);
    responder.statuses.set(serialHex(leaf), revoked);
    const answer = await present(emaid, leaf);
    expect(answer.pair).toEqual(['CertificateRevoked', 'Invalid']);
    expect(answer.detail).toMatch(new RegExp(`CN=${emaid}.*revoked`));
    for (const organization of ['demo-mo', 'demo-cpo']) {
      expect(await lastAudit(id, organization)).toMatchObject({
        action: 'contract.authorization-refused',
        details: { certificateStatus: 'CertificateRevoked' },
      });
    }
  });

  test('so is one below a Sub-CA that is revoked', async () => {
    const { emaid, leaf } = await brought(responder.url);
    const other = newSub(responder.url);
    responder.statuses.set(serialHex(other), { ...revoked, reason: 'cACompromise' });
    expect((await present(emaid, leaf, other)).pair).toEqual(['CertificateRevoked', 'Invalid']);
  });

  test('by hash data it is the same', async () => {
    const { emaid, leaf } = await brought(responder.url);
    responder.statuses.set(serialHex(leaf), revoked);
    const data = hashDataOf(leaf, sub);
    const body = { idToken: emaid, iso15118CertificateHashData: [data] };
    const answer = sent(await call('csms', 'POST', '/v1/ocpp/authorize', body), 200);
    expect(answer.certificateStatus).toBe('CertificateRevoked');
    expect(trap.asked).toEqual([]);
  });

  test('one whose responder does not know it, or fails, is accepted as before, and that is told', async () => {
    const { id, emaid, leaf } = await brought(responder.url);
    responder.statuses.set(serialHex(leaf), { kind: 'unknown' });
    const without = (reason: string) => ({
      pair: ['Accepted', 'Accepted'],
      statusUnknown: [{ subject: `CN=${emaid},DC=MO`, reason }],
    });
    expect(await present(emaid, leaf)).toEqual(without('answered-unknown'));
    responder.instead = (response) => void response.writeHead(500).end();
    expect(await present(emaid, leaf)).toEqual(without('http-status'));
    expect((await lastAudit(id)).details).toEqual({
      ...{ idTokenStatus: 'Accepted', certificateStatus: 'Accepted' },
      statusUnknown: ['http-status'],
    });
    const warning = evpki.log.find((line) => line.includes('foreign-status-unknown'));
    expect(warning).toContain(`"host":"127.0.0.1:${responder.port}"`);
  });

  test('that of an operator who is not here is known now, and no contract of ours', async () => {
    const emaid = newEmaid();
    const leaf = leafOf(emaid, responder.url);
    expect((await present(emaid, leaf)).pair).toEqual(['ContractCancelled', 'Invalid']);
    const nowhere = leafOf(emaid);
    const answer = await present(emaid, nowhere);
    expect(answer.pair).toEqual(['CertChainError', 'Invalid']);
    expect(answer.statusUnknown).toEqual([
      { subject: `CN=${emaid},DC=MO`, reason: 'responder-missing' },
    ]);
  });

  test('a responder that says nothing costs one Authorize its time, and the next none', async () => {
    const unknown = async () => {
      const emaid = newEmaid();
      const { statusUnknown } = await present(emaid, leafOf(emaid, silent.url));
      return statusUnknown[0].reason;
    };
    const before = performance.now();
    expect(await unknown()).toBe('timed-out');
    expect(performance.now() - before).toBeGreaterThan(1_400);
    expect(await unknown()).toBe('responder-resting');
    expect(silent.asked).toHaveLength(1);
  });

  test('a chain that leads nowhere has nobody asked', async () => {
    const stranger = generateKey();
    const emaid = newEmaid();
    const leaf = issue(
      templateFor(key, stranger, {
        ...{ subject: name(emaid), issuerName: sub.subjectDer },
        extensions: { ...leafExtensions(key, stranger), ...access(responder.url, trap.url) },
      }),
      stranger,
    );
    expect((await present(emaid, leaf)).pair).toEqual(['CertChainError', 'Invalid']);
    expect([responder.asked, trap.asked]).toEqual([[], []]);
  });

  describe('W7', () => {
    test.each<[string, string, (port: number) => string]>([
      ['a host that nobody has listed', 'host-not-allowed', () => 'http://169.254.169.254/latest'],
      ['another port of a host that is', 'host-not-allowed', () => trap.url],
      ['a name that leads inside', 'address-not-public', (port) => `http://localhost:${port}/`],
      ['a mapped address', 'address-not-public', (port) => `http://[::ffff:127.0.0.1]:${port}/`],
      ['a user', 'url-invalid', (port) => `http://a:b@127.0.0.1:${port}/`],
    ])('%s', async (_, reason, url) => {
      const emaid = newEmaid();
      const answer = await present(emaid, leafOf(emaid, url(responder.port)));
      expect(answer.pair).toEqual(['CertChainError', 'Invalid']);
      expect(answer.statusUnknown).toEqual([{ subject: `CN=${emaid},DC=MO`, reason }]);
      expect([responder.asked, trap.asked]).toEqual([[], []]);
    });

    test.each<[string, string, (response: ServerResponse) => void]>([
      [
        'a redirect',
        'redirected',
        (response) => void response.writeHead(307, { location: trap.url }).end(),
      ],
      [
        'an answer without end',
        'answer-too-large',
        (response) => {
          const more = () =>
            void (response.destroyed || response.write(Buffer.alloc(16_384), more));
          more();
        },
      ],
    ])('%s', async (_, reason, behave) => {
      const emaid = newEmaid();
      const leaf = leafOf(emaid, responder.url);
      responder.instead = behave;
      const answer = await present(emaid, leaf);
      expect(answer.statusUnknown).toEqual([{ subject: `CN=${emaid},DC=MO`, reason }]);
      expect(trap.asked).toEqual([]);
    });
  });
});

const hashDataOf = (
  certificate: Certificate,
  issuer: Certificate,
  hash: HashAlgorithm = 'SHA256',
) => ({
  ...certificateHashData(
    certificate,
    { subjectDer: issuer.subjectDer, publicKeyBits: issuer.publicKey?.bits ?? new Uint8Array() },
    hash,
  ),
  responderURL: trap.url,
});

describe('GetCertificateStatus above an authority of ours', () => {
  const v2gName = (CN: string): DistinguishedName => ({
    attributes: [
      { type: 'DC', value: 'V2G' },
      { type: 'CN', value: CN },
    ],
  });
  const v2gRoot = foreignRoot({
    ...{ subject: v2gName('Root elsewhere'), issuerName: writeName(v2gName('Root elsewhere')) },
  });
  const v2gSubKey = generateKey();
  let v2gSub: Certificate;
  let ours: Certificate;

  /** An authority of ours below the Sub-CA of somebody else. */
  beforeAll(async () => {
    v2gSub = issue(
      templateFor(v2gSubKey, v2gRoot.key, {
        ...{ subject: v2gName('Sub-CA elsewhere'), issuerName: v2gRoot.certificate.subjectDer },
        extensions: { ...authorityExtensions(v2gSubKey, v2gRoot.key, 2), ...access(responder.url) },
      }),
      v2gRoot.key,
    );
    const authority = {
      ...{ id: 'cpo-sub-ca-9', title: 'Demo CPO Sub-CA 9', organization: 'demo-cpo' },
      ...{ profile: 'iso15118-2-cpo-sub-ca-1', key: 'P-256', under: 'external' },
    };
    sent(await call('all', 'POST', '/v1/authorities', authority), 201);
    const path = '/v1/authorities/cpo-sub-ca-9';
    const { csr } = sent(await call('all', 'GET', `${path}/csr`), 200);
    const request = readRequest(readPemBlocks(csr)[0]?.der ?? new Uint8Array());
    if (!request.ok) throw new Error(JSON.stringify(request.violations));
    const { publicKey, subject: own } = request.value;
    const theirs = { ...generateKey(), publicKey };
    ours = issue(
      templateFor(theirs, v2gSubKey, {
        ...{ subject: own, issuerName: v2gSub.subjectDer },
        extensions: { ...authorityExtensions(theirs, v2gSubKey, 1), ...access(responder.url) },
      }),
      v2gSubKey,
    );
    const certificateChain = pemOf(ours, v2gSub, v2gRoot.certificate);
    sent(await call('all', 'POST', `${path}/activation`, { certificateChain }), 200);
    responder.serve(v2gRoot.certificate, v2gRoot.key);
    responder.serve(v2gSub, v2gSubKey);
  });

  const ask = async (ocspRequestData: unknown) =>
    sent(await call('csms', 'POST', '/v1/ocpp/certificate-status', { ocspRequestData }), 200);
  const saysOf = async (ocspResult: string, certificate: Certificate, issuer: Certificate) => {
    const certId = responder.asked.at(-1)?.certIds[0]?.certIdDer ?? new Uint8Array();
    const response = Buffer.from(ocspResult, 'base64');
    const judged = await judgeOcspResponse(response, { certId, issuer, now: new Date() });
    expect(serialHex(certificate)).toBe(
      serialHex(responder.asked.at(-1)?.certIds[0]?.serialNumber ?? new Uint8Array()),
    );
    return judged.ok ? judged.status.kind : judged.flaw;
  };

  test.each(['SHA256', 'SHA384', 'SHA512'] as const)('M06.FR.04 with %s hashes', async (hash) => {
    for (const [certificate, issuer] of [
      [ours, v2gSub],
      [v2gSub, v2gRoot.certificate],
    ] as const) {
      const { status, ocspResult } = await ask(hashDataOf(certificate, issuer, hash));
      expect(status).toBe('Accepted');
      expect(await saysOf(ocspResult, certificate, issuer)).toBe('good');
    }
    expect(trap.asked).toEqual([]);
  });

  test('the station sees revoked and unknown; what is not known yet is asked of its siblings’ responder', async () => {
    const sibling = (serial: number) => ({ ...ours, serialNumber: Buffer.of(0x44, serial) });
    const bad = sibling(1);
    responder.statuses.set(serialHex(bad), revoked);
    const other = sibling(2);
    responder.statuses.set(serialHex(other), { kind: 'unknown' });
    for (const [certificate, says] of [
      [bad, 'revoked'],
      [other, 'unknown'],
    ] as const) {
      const { status, ocspResult } = await ask(hashDataOf(certificate, v2gSub));
      expect([status, await saysOf(ocspResult, certificate, v2gSub)]).toEqual(['Accepted', says]);
    }
  });

  test('M06.FR.09 a responder that fails is Failed with the reason', async () => {
    const other = { ...ours, serialNumber: Buffer.of(0x44, 3) };
    responder.instead = (response) => void response.end(Buffer.from('30030a0106', 'hex'));
    const { status, reason, ocspResult } = await ask(hashDataOf(other, v2gSub));
    expect([status, ocspResult]).toEqual(['Failed', undefined]);
    expect(reason).toContain('responder-unauthorized');
  });

  test('with Cache-Control: no-cache the responder is asked anew', async () => {
    const other = { ...ours, serialNumber: Buffer.of(0x44, 4) };
    const ocspRequestData = hashDataOf(other, v2gSub);
    const fresh = { ...headers.get('csms'), 'cache-control': 'max-age=0, no-cache' };
    const again = (as = headers.get('csms') ?? {}) =>
      evpki.call('POST', '/v1/ocpp/certificate-status', { ocspRequestData }, as);
    const kept = (await again()).json.ocspResult;
    responder.statuses.set(serialHex(other), revoked);
    expect((await again()).json.ocspResult).toBe(kept);
    const { ocspResult } = (await again(fresh)).json;
    expect(await saysOf(ocspResult, other, v2gSub)).toBe('revoked');
    expect((await again()).json.ocspResult).toBe(ocspResult);
  });

  test('GetCertificateChainStatus of 2.1 says the same, up to the root', async () => {
    const bad = { ...ours, serialNumber: Buffer.of(0x44, 5) };
    responder.statuses.set(serialHex(bad), { kind: 'revoked', at: revoked.at });
    const nobody = { ...ours, serialNumber: Buffer.of(0x44, 6) };
    responder.statuses.set(serialHex(nobody), { kind: 'unknown' });
    const questions = [
      [ours, v2gSub, 'OCSP'],
      [bad, v2gSub, 'CRL'],
      [nobody, v2gSub, 'OCSP'],
      [sub, root.certificate, 'CRL'],
    ] as const;
    const asked = questions.map(([certificate, issuer, source]) => {
      const { responderURL: _, ...certificateHashData } = hashDataOf(certificate, issuer);
      return { certificateHashData, source, urls: [trap.url] };
    });
    const body = { certificateStatusRequests: asked };
    const path = '/v1/ocpp/certificate-chain-status';
    const { certificateStatus, failures } = sent(await call('csms', 'POST', path, body), 200);
    const answered = certificateStatus.map((one: { status: string; source: string }) => [
      ...[one.status, one.source],
    ]);
    expect(answered).toEqual([
      ['Good', 'OCSP'],
      // It was OCSP that said so, whatever the station would have looked at.
      ['Revoked', 'OCSP'],
      ['Unknown', 'OCSP'],
      ['Failed', 'CRL'],
    ]);
    expect(failures).toEqual([{ index: 3, reason: expect.stringContaining('no issuer') }]);
    for (const [index, { nextUpdate, certificateHashData }] of certificateStatus.entries()) {
      expect(certificateHashData).toEqual(asked[index]?.certificateHashData);
      expect(new Date(nextUpdate).getTime()).toBeGreaterThan(Date.now());
    }
    expect(trap.asked).toEqual([]);
  });

  test('W7 an issuer that no chain names is Failed, wherever its station points', async () => {
    // Trusted for contracts, and not above any of our authorities: nothing says whom to ask.
    const { status, reason } = await ask(hashDataOf(sub, root.certificate));
    expect(status).toBe('Failed');
    expect(reason).toMatch(/no issuer/);
    const wrongKey = hashDataOf(ours, {
      ...v2gSub,
      ...readCertificate(root.certificate.der),
      subjectDer: v2gSub.subjectDer,
    });
    expect((await ask(wrongKey)).status).toBe('Failed');
    expect([responder.asked, trap.asked]).toEqual([[], []]);
  });
});
