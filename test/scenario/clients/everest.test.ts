/** A charger with EVerest's OPCP client, which talks to evpki itself. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPemBlocks, toPem } from '../../../src/pki/pem.ts';
import type { KeyAlgorithm } from '../../../src/pki/public-key.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { exchange } from '../../support/https.ts';
import { commonName, generateKey, issue, templateFor } from '../../support/issuing.ts';
import { noOpenssl, opensslVerify } from '../../support/other-tools.ts';
import { freshKeyPair, type KeyPair } from '../../support/public-keys.ts';
import { newRequest } from '../../support/requests.ts';
import { rootOf, sent } from '../../support/vehicles.ts';
import {
  type Enrolled,
  everestCaCertificates,
  everestChain,
  everestEnrol,
  everestRegister,
  everestRoots,
  everestToken,
} from './everest.ts';

/** The paths of its presets, by the standard that it enrols for. */
const standards = [
  {
    standard: 'ISO 15118-2',
    hierarchy: 'ca/demo.yaml',
    organization: 'demo-cpo',
    root: 'v2g-root',
    key: 'P-256',
    id: (number: number) => `DE*DEM*E${number}`,
    suffix: '',
    cacerts: '/cpo/cacerts/ISO15118-2/secp256r1/',
  },
  {
    standard: 'ISO 15118-20',
    hierarchy: 'ca/iso15118-20.yaml',
    organization: 'cpo',
    root: 'v2g-root',
    key: 'P-521',
    id: (number: number) => `DEDEMS${String(number).padStart(33, '0')}`,
    suffix: '/ISO15118-20',
    cacerts: '/cpo/cacerts/ISO15118-20/secp521r1/',
  },
] as const;

interface Charger {
  readonly id: string;
  readonly leaf: X509Certificate;
  readonly pair: KeyPair;
}

describe.each(standards)('EVerest with $standard', (preset) => {
  let evpki: TestApp;
  let token: string;
  let root: X509Certificate;
  let ca: string;
  let count = 0;

  beforeAll(async () => {
    evpki = await startTestApp({ hierarchy: preset.hierarchy });
    token = await evpki.tokenOf(preset.organization, ['csms']);
    ca = readFileSync(join(evpki.dataDir, 'api-ca.pem'), 'utf8');
    root = new X509Certificate((await rootOf(evpki, preset.root)).der);
  });
  afterAll(() => evpki?.close());

  const requestFor = (id: string, pair: KeyPair): Uint8Array => {
    const key: KeyAlgorithm = preset.key;
    const [block] = readPemBlocks(newRequest(`CN=${id}`, { key, pair }));
    if (!block) throw new Error('no request');
    return block.der;
  };
  const at = (operation: string): string =>
    `${evpki.app.apiUrl}/.well-known/cpo/${operation}${preset.suffix}`;

  const enrol = (id: string, pair: KeyPair, held: string | undefined = token): Promise<Enrolled> =>
    everestEnrol(at('simpleenroll'), requestFor(id, pair), pair.publicKey, held, { ca });

  /** With nothing but the certificate that it has: the leaf alone, no chain. */
  const reenrol = (of: Charger, id = of.id, pair = freshKeyPair(preset.key)): Promise<Enrolled> =>
    everestEnrol(at('simplereenroll'), requestFor(id, pair), pair.publicKey, undefined, {
      ...{ ca, cert: of.leaf.toString() },
      key: of.pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    });

  async function newCharger(): Promise<Charger> {
    const [id, pair] = [preset.id(++count), freshKeyPair(preset.key)];
    const station = `/v1/stations/CS-${count}?organization=${preset.organization}`;
    sent(await evpki.call('PUT', station, { seccId: id }), 201);
    return { id, pair, leaf: leafOf(await enrol(id, pair)) };
  }

  const leafOf = (enrolled: Enrolled): X509Certificate => {
    if (enrolled.outcome !== 'leaf') throw new Error(JSON.stringify(enrolled));
    return enrolled.leaf;
  };

  const cacerts = (): Promise<X509Certificate[]> =>
    everestCaCertificates(`${evpki.app.apiUrl}${preset.cacerts}`, { ca });

  test('P2 P3: enrols, and finds its chain by signatures up to the root that it has', async () => {
    const { leaf, id } = await newCharger();
    expect(leaf.subject).toContain(`CN=${id}`);
    const given = await cacerts();
    // The order does not matter to it.
    for (const candidates of [given, given.toReversed()]) {
      const chain = everestChain(leaf, candidates, root);
      expect(chain.map((one) => one.subject.match(/CN=(.*)/)?.[1])).toEqual([
        id,
        expect.stringContaining('Sub-CA 2'),
        expect.stringContaining('Sub-CA 1'),
      ]);
    }
  });

  test('P4 P6 P10: from credentials alone to a chain up to a root that it has been given', async () => {
    const { apiUrl } = evpki.app;
    const client = {
      ...{ name: 'opcp-enroll', organization: preset.organization },
      // As docs/clients/everest.md has it.
      roles: ['station-registrar', 'read-only', 'est-client'],
    };
    const credentials = sent(await evpki.call('POST', '/v1/api-clients', client), 201);
    const connection = { ca };
    const authUrl = `${apiUrl}/oauth/token`;
    const wrong = { ...credentials, clientSecret: 'of-yesterday' };
    await expect(everestToken(authUrl, apiUrl, wrong, connection)).rejects.toThrow(
      /unknown client/,
    );
    const held = await everestToken(authUrl, apiUrl, credentials, connection);
    expect(held.roles).toContain('CPO');

    const [id, pair] = [preset.id(++count), freshKeyPair(preset.key)];
    const version = preset.suffix === '' ? '15118-2' : '15118-20';
    for (let turn = 0; turn < 2; turn++) {
      expect(await everestRegister(apiUrl, held.token, id, version, connection)).toBe(200);
    }
    const all = await everestRoots(apiUrl, held.token, undefined, connection);
    const given = await everestRoots(apiUrl, held.token, 'v2g', connection);
    expect(all.map(String)).toEqual(expect.arrayContaining(given.map(String)));
    const installed = given.find((one) => one.raw.equals(root.raw));
    if (!installed) throw new Error('its root is none that it has been given');

    const leaf = leafOf(await enrol(id, pair, held.token));
    expect(everestChain(leaf, await cacerts(), installed)).toHaveLength(3);
    const renewed = leafOf(await reenrol({ id, leaf, pair }));
    expect(renewed.subject).toBe(leaf.subject);
  });

  test.skipIf(noOpenssl)('P3: openssl, with which it validates, verifies the chain', async () => {
    const { leaf } = await newCharger();
    const [certificate = '', ...issuers] = everestChain(leaf, await cacerts(), root).map(String);
    const path = { certificate, issuers, root: String(root) };
    const verdict = await opensslVerify(['-x509_strict', '-purpose', 'any'], path);
    expect(verdict).toMatchObject({ accepted: true });
  });

  test('P10: renews with its leaf over TLS and no token, and with the new one again', async () => {
    const first = await newCharger();
    const pair = freshKeyPair(preset.key);
    const renewed = leafOf(await reenrol(first, first.id, pair));
    expect(renewed.subject).toBe(first.leaf.subject);
    expect(renewed.serialNumber).not.toBe(first.leaf.serialNumber);
    everestChain(renewed, await cacerts(), root);
    const again = leafOf(await reenrol({ ...first, leaf: renewed, pair }));
    expect(again.subject).toBe(first.leaf.subject);
  });

  test('P10: certificates of authorities are asked for with the leaf too', async () => {
    const { leaf, pair } = await newCharger();
    const connection = {
      ...{ ca, cert: leaf.toString() },
      key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
    const given = await everestCaCertificates(`${evpki.app.apiUrl}${preset.cacerts}`, connection);
    expect(given.map(String)).toEqual((await cacerts()).map(String));
  });

  /** As its module syncs roots: with the leaf, and no token. */
  const withLeaf = ({ leaf, pair }: Charger, path: string, headers = {}) =>
    exchange(
      `${evpki.app.apiUrl}${path}`,
      { headers: { Accept: 'application/json', ...headers } },
      {
        ...{ ca, cert: leaf.toString() },
        key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      },
    );
  const revoke = async ({ leaf }: Charger) => {
    const list = await evpki.call('GET', `/v1/certificates?serialNumber=${leaf.serialNumber}`);
    const [{ id }] = sent(list, 200).items;
    const body = { reason: 'cessationOfOperation' };
    sent(await evpki.call('POST', `/v1/certificates/${id}/revocation`, body), 200);
  };

  test('P6 P10: the pool of roots is there for its leaf, and nothing else is', async () => {
    const charger = await newCharger();
    const answer = await withLeaf(charger, '/v1/root/rootCerts?rootType=v2g');
    expect(answer.status, answer.text).toBe(200);
    const { rootCertificates } = JSON.parse(answer.text).RootCertificateCollection;
    expect(
      rootCertificates.map(({ caCertificate }: { caCertificate: string }) => caCertificate),
    ).toContain(root.raw.toString('base64'));
    for (const path of ['/v1/trust-anchors', '/v1/stations', '/v1/certificates', '/v1/profiles']) {
      expect((await withLeaf(charger, path)).status, path).toBe(403);
    }
    // A token that is none is not made up for by it.
    const wrong = { Authorization: 'Bearer of-yesterday' };
    expect((await withLeaf(charger, '/v1/root/rootCerts', wrong)).status).toBe(401);
  });

  test('P6 W5: a revoked leaf sees no roots, and neither does one of somebody else', async () => {
    const charger = await newCharger();
    await revoke(charger);
    expect((await withLeaf(charger, '/v1/root/rootCerts')).status).toBe(401);
    const [key, issuer] = [generateKey('P-256'), generateKey('P-256')];
    const forged = issue(templateFor(key, issuer, { subject: commonName(charger.id) }), issuer);
    const answer = await exchange(
      `${evpki.app.apiUrl}/v1/root/rootCerts`,
      {},
      {
        ...{ ca, cert: toPem('CERTIFICATE', forged.der) },
        key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      },
    );
    expect(answer.status).toBe(401);
  });

  test('P5: a token that is none is rejected once and for all', async () => {
    expect(await enrol(preset.id(++count), freshKeyPair(preset.key), 'of-yesterday')).toEqual({
      outcome: 'auth-rejected',
      status: 401,
    });
  });

  test('P10 C7: a leaf renews no other common name', async () => {
    const [one, other] = [await newCharger(), await newCharger()];
    const refused = await reenrol(one, other.id);
    expect(refused.outcome).toBe('failed');
  });

  test('P10: a revoked leaf renews nothing', async () => {
    const charger = await newCharger();
    await revoke(charger);
    expect(await reenrol(charger)).toMatchObject({ outcome: 'auth-rejected', status: 401 });
  });

  test('P10: somebody else with the same name renews nothing', async () => {
    const charger = await newCharger();
    const pair = freshKeyPair(preset.key);
    // Their own leaf, of a root that nobody here trusts.
    const [key, issuer] = [generateKey('P-256'), generateKey('P-256')];
    const forged = issue(templateFor(key, issuer, { subject: commonName(charger.id) }), issuer);
    const answer = await everestEnrol(
      at('simplereenroll'),
      requestFor(charger.id, pair),
      pair.publicKey,
      undefined,
      {
        ...{ ca, cert: toPem('CERTIFICATE', forged.der) },
        key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      },
    );
    expect(answer).toEqual({ outcome: 'auth-rejected', status: 401 });
  });
});
