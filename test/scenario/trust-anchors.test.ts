/** Roots of others in a running service: imported, trusted, seen by nobody else, removed. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fingerprint } from '../../src/pki/certificate.ts';
import { writeName } from '../../src/pki/names.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { CertificateTemplate } from '../../src/pki/template.ts';
import { type Answer, startTestApp, type TestApp } from '../support/app.ts';
import { foreignRoot } from '../support/foreign-roots.ts';
import { authorityExtensions, generateKey, leafExtensions } from '../support/issuing.ts';
import { nameOf } from '../support/policy.ts';
import { newCaller, trustAsTwo } from '../support/second-person.ts';

type Caller = (method: string, path: string, body?: unknown) => Promise<Answer>;

const PATH = '/v1/trust-anchors';

let evpki: TestApp;
let officer: Caller;
let stranger: Caller;
let reader: Caller;
beforeAll(async () => {
  evpki = await startTestApp();
  const callerOf = async (organization: string, role: string): Promise<Caller> => {
    const headers = { authorization: `Bearer ${await evpki.tokenOf(organization, [role])}` };
    return (method, path, body) => evpki.call(method, path, body, headers);
  };
  officer = await callerOf('demo-oem', 'pki-officer');
  stranger = await callerOf('demo-mo', 'pki-officer');
  reader = await callerOf('demo-oem', 'read-only');
});
afterAll(() => evpki?.close());

const ids = ({ json }: Answer): string[] => json.items.map(({ id }: { id: string }) => id);
const actions = async (id: string) => {
  const log = await evpki.call('GET', `/v1/audit?subject=${id}`);
  return log.json.items.map(({ action }: { action: string }) => action);
};

describe('a root of somebody else', () => {
  const root = foreignRoot();
  let id: string;

  test('is imported to be handed on and no more', async () => {
    const answer = await officer('POST', PATH, { certificate: root.pem });
    expect(answer.status, answer.text).toBe(201);
    id = answer.json.id;
    expect(answer.headers.location).toBe(`${PATH}/${id}`);
    expect(answer.json).toEqual({
      id,
      organization: 'demo-oem',
      subject: 'CN=Other V2G Root,OU=PKI,O=Other Operator,DC=V2G',
      sha256: fingerprint(root.certificate.der),
      notBefore: root.certificate.notBefore.toISOString(),
      notAfter: root.certificate.notAfter.toISOString(),
      purposes: ['distribute'],
      addedAt: expect.stringMatching(/Z$/),
      certificate: root.pem,
    });
    expect((await reader('GET', `${PATH}/${id}`)).json).toEqual(answer.json);
    expect(ids(await reader('GET', PATH))).toEqual([id]);
  });

  test('K5 is imported once', async () => {
    const again = await officer('POST', PATH, { certificate: root.pem });
    expect([again.status, again.json.id]).toEqual([200, id]);
    expect(again.headers.location).toBe(`${PATH}/${id}`);
  });

  test('is trusted by a second call, with a permission of its own, and a second person', async () => {
    const purposes = ['oem-provisioning', 'distribute'];
    const put = (caller: Caller) => caller('PUT', `${PATH}/${id}/purposes`, { purposes });
    expect((await put(reader)).status).toBe(403);
    await trustAsTwo([officer, await newCaller(evpki)], id, purposes);
    const trusted = await reader('GET', `${PATH}/${id}`);
    expect(trusted.json.purposes).toEqual(['distribute', 'oem-provisioning']);
    // The same again is nothing new.
    expect((await put(officer)).json).toEqual(trusted.json);
    expect(await actions(id)).toEqual(['trust-anchor.trusted', 'trust-anchor.imported']);
    expect(ids(await reader('GET', `${PATH}?purpose=oem-provisioning`))).toEqual([id]);
    expect(ids(await reader('GET', `${PATH}?purpose=v2g`))).toEqual([]);
    const again = await officer('POST', PATH, { certificate: root.pem });
    expect(again.json.purposes).toEqual(['distribute', 'oem-provisioning']);
  });

  test.each([[[]], [['everything']], [['v2g', 'v2g']], ['v2g']])(
    'is not trusted for %j',
    async (purposes) => {
      const answer = await officer('PUT', `${PATH}/${id}/purposes`, { purposes });
      expect([answer.status, answer.json.code]).toEqual([400, 'request-malformed']);
    },
  );

  test('W8 does not exist for another organization', async () => {
    expect(ids(await stranger('GET', PATH))).toEqual([]);
    expect((await stranger('GET', `${PATH}?organization=demo-oem`)).status).toBe(404);
    expect((await stranger('GET', `${PATH}/${id}`)).status).toBe(404);
    expect((await stranger('DELETE', `${PATH}/${id}`)).status).toBe(404);
    const trusted = await stranger('PUT', `${PATH}/${id}/purposes`, { purposes: ['v2g'] });
    expect(trusted.status).toBe(404);
    const planted = { certificate: foreignRoot().pem, organization: 'demo-oem' };
    expect((await stranger('POST', PATH, planted)).status).toBe(404);
    // What the other has imported is its own.
    const own = await stranger('POST', PATH, { certificate: root.pem });
    expect([own.status, own.json.organization]).toEqual([201, 'demo-mo']);
    expect(own.json.id).not.toBe(id);
    expect(own.json.purposes).toEqual(['distribute']);
  });

  test('is removed, and imported again it is trusted for nothing', async () => {
    expect((await reader('DELETE', `${PATH}/${id}`)).status).toBe(403);
    expect((await officer('DELETE', `${PATH}/${id}`)).status).toBe(204);
    expect((await officer('DELETE', `${PATH}/${id}`)).status).toBe(404);
    expect((await officer('GET', `${PATH}/${id}`)).status).toBe(404);
    expect(ids(await officer('GET', PATH))).toEqual([]);
    expect((await actions(id))[0]).toBe('trust-anchor.removed');
    const again = await officer('POST', PATH, { certificate: root.pem });
    expect([again.status, again.json.purposes]).toEqual([201, ['distribute']]);
    expect(again.json.id).not.toBe(id);
  });
});

describe('whoever runs evpki', () => {
  test('names the organization that a root is for, and sees those of all', async () => {
    const { pem } = foreignRoot();
    const nameless = await evpki.call('POST', PATH, { certificate: pem });
    expect([nameless.status, nameless.json.violations[0].field]).toEqual([400, 'organization']);
    const nowhere = { certificate: pem, organization: 'nowhere' };
    expect((await evpki.call('POST', PATH, nowhere)).status).toBe(404);
    const named = await evpki.call('POST', PATH, { certificate: pem, organization: 'demo-cpo' });
    expect(named.status, named.text).toBe(201);
    const all = await evpki.call('GET', PATH);
    const organizations = all.json.items.map(
      (anchor: Record<string, string>) => anchor.organization,
    );
    expect(new Set(organizations)).toEqual(new Set(['demo-cpo', 'demo-mo', 'demo-oem']));
    const first = await evpki.call('GET', `${PATH}?limit=1`);
    expect(ids(first)).toEqual([named.json.id]);
    const second = await evpki.call('GET', `${PATH}?limit=1&cursor=${first.json.nextCursor}`);
    expect(ids(second)).toEqual(ids(all).slice(1, 2));
    const odd = await evpki.call('GET', `${PATH}?cursor=odd`);
    expect([odd.status, odd.json.violations[0].code]).toEqual([400, 'cursor-invalid']);
  });
});

describe('what is refused, with every reason', () => {
  const key = generateKey();
  const stranger = generateKey();
  const spoiled = (changes: Partial<CertificateTemplate>) => foreignRoot(changes, { key }).pem;
  const extended = (extensions: Partial<CertificateTemplate['extensions']>) => ({
    extensions: { ...authorityExtensions(key, key), ...extensions },
  });

  test.each<[string, () => string, readonly string[]]>([
    ['no PEM', () => 'hello', ['root-unreadable']],
    ['bad DER', () => toPem('CERTIFICATE', Uint8Array.of(0x30, 0x80)), ['root-unreadable']],
    ['two of them', () => foreignRoot().pem.repeat(2), ['root-unreadable']],
    ['a private key', () => toPem('PRIVATE KEY', new Uint8Array(9)), ['root-unreadable']],
    [
      'one that another has signed',
      () => spoiled({ issuerName: writeName(nameOf('CN=Another')) }),
      ['root-not-self-signed'],
    ],
    [
      'one whose signature is of another key',
      () => foreignRoot({}, { key, signer: stranger }).pem,
      ['root-not-self-signed'],
    ],
    [
      'no authority, and over',
      () =>
        spoiled({
          extensions: leafExtensions(key, key),
          notAfter: new Date('2026-02-01T00:00:00Z'),
        }),
      ['root-key-usage', 'root-not-ca', 'root-validity'],
    ],
    [
      'one that may not sign certificates',
      () => spoiled(extended({ keyUsage: { critical: true, usages: ['cRLSign'] } })),
      ['root-key-usage'],
    ],
    [
      'one that has not begun',
      () => spoiled({ notBefore: new Date('2035-01-01T00:00:00Z') }),
      ['root-validity'],
    ],
  ])('%s', async (_name, pem, codes) => {
    const answer = await officer('POST', PATH, { certificate: pem() });
    expect([answer.status, answer.json.code], answer.text).toEqual([422, 'root-refused']);
    const found = answer.json.violations.map(({ code }: { code: string }) => code);
    expect(found.sort()).toEqual([...codes]);
    expect(answer.text).not.toContain('PRIVATE KEY-----');
  });

  test('roots that limit themselves, and keys of any accepted kind, are none of it', async () => {
    const limited = spoiled({
      extensions: {
        ...authorityExtensions(key, key, 1),
        nameConstraints: { critical: true, permittedDns: ['a.example'] },
      },
    });
    for (const certificate of [limited, foreignRoot({}, { key: generateKey('Ed448') }).pem]) {
      const answer = await officer('POST', PATH, { certificate });
      expect(answer.status, answer.text).toBe(201);
    }
  });
});
