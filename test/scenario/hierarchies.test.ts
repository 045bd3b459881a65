/** Every hierarchy of ca/ comes up from empty, comes up again, and rolls over. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { readPemBlocks } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl, withOpenssl } from '../support/other-tools.ts';
import { newRequest } from '../support/requests.ts';

const files = readdirSync('ca').filter((name) => name.endsWith('.yaml'));

interface AuthorityBody {
  id: string;
  state: string;
  under?: string;
  issuers: { id: string; generation: number; state: string; certificateChain?: string }[];
}

async function authoritiesOf(evpki: TestApp): Promise<AuthorityBody[]> {
  const { items } = (await evpki.call('GET', '/v1/authorities')).json;
  return Promise.all(
    items.map(
      async ({ id }: { id: string }) => (await evpki.call('GET', `/v1/authorities/${id}`)).json,
    ),
  );
}

describe.each(files)('ca/%s', (name) => {
  let dataDir: string;
  let bench: Workbench;
  let first: AuthorityBody[];
  let second: AuthorityBody[];

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'evpki-hierarchy-'));
    bench = workbench();
    const evpki = await startTestApp({ hierarchy: `ca/${name}`, dataDir });
    const token = await evpki.tokenOf('instance', ['super']);
    first = await authoritiesOf(evpki);
    await evpki.close();
    const again = await startTestApp({ hierarchy: `ca/${name}`, dataDir });
    // The administrator's token of the first start still works: it is in the database.
    const headers = { authorization: `Bearer ${token}` };
    second = await authoritiesOf({
      ...again,
      call: (method, path, body) => again.call(method, path, body, headers),
    });
    await again.close();
  });
  afterAll(() => {
    rmSync(dataDir, { recursive: true });
    bench.remove();
  });

  test('every authority is active, or awaits a certificate from outside', () => {
    const waiting = first.filter(({ state }) => state !== 'active').map(({ id }) => id);
    expect(waiting).toEqual(
      name === 'cpo-under-external-root.yaml' ? ['cpo-sub-ca-1', 'cpo-sub-ca-2'] : [],
    );
    expect(first.length).toBeGreaterThan(1);
  });

  test('a second start changes nothing', () => {
    expect(second).toEqual(first);
  });

  test.skipIf(noOpenssl)('OpenSSL accepts every chain', () => {
    for (const { id, issuers } of first) {
      const chain = issuers[0]?.certificateChain;
      if (chain === undefined) continue;
      const blocks = chain.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n/g) ?? [];
      bench.write('root.pem', blocks.at(-1) ?? '');
      bench.write('chain.pem', chain);
      const verified = bench.openssl(
        ...['verify', '-x509_strict', '-check_ss_sig', '-CAfile', 'root.pem'],
        ...['-untrusted', 'chain.pem', 'chain.pem'],
      );
      expect(verified, id).toBe('chain.pem: OK\n');
    }
  });
});

// Which is OpenSSL's.
describe.skipIf(noOpenssl)('an authority under an external root', () => {
  let evpki: TestApp;
  let bench: Workbench;
  let csr: string;

  const SIGN = ['-days', '400', '-set_serial', '0x1234567890abcdef12'];
  const caExtensions = (pathLength: number) =>
    'basicConstraints=critical,CA:TRUE,pathlen:' +
    `${pathLength}\nkeyUsage=critical,keyCertSign,cRLSign\n` +
    'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n';

  beforeAll(async () => {
    evpki = await startTestApp({ hierarchy: 'ca/cpo-under-external-root.yaml' });
    bench = workbench();
    for (const root of ['root', 'stranger']) {
      bench.openssl(
        ...['req', '-x509', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
        ...['-nodes', '-keyout', `${root}.key`, '-out', `${root}.pem`, '-days', '4000'],
        ...['-subj', `/CN=External V2G ${root}/O=Somebody Else`],
        ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
      );
    }
    csr = (await evpki.call('GET', '/v1/authorities/cpo-sub-ca-1/csr')).json.csr;
    bench.write('sub.csr', csr);
  });
  afterAll(async () => {
    await evpki?.close();
    bench?.remove();
  });

  const signed = (out: string, extensions: string, by = 'root', more: string[] = SIGN) => {
    bench.write('extensions.cnf', extensions);
    bench.openssl(
      ...['x509', '-req', '-in', 'sub.csr', '-CA', `${by}.pem`, '-CAkey', `${by}.key`],
      ...['-extfile', 'extensions.cnf', '-out', out, ...more],
    );
    return bench.read(out);
  };
  const activate = (certificateChain: string) =>
    evpki.call('POST', '/v1/authorities/cpo-sub-ca-1/activation', { certificateChain });

  test('OpenSSL accepts its request', () => {
    expect(() => bench.openssl('req', '-in', 'sub.csr', '-verify', '-noout')).not.toThrow();
    expect(bench.openssl('req', '-in', 'sub.csr', '-noout', '-text')).toContain('pathlen:1');
  });

  test.each<[string, string[], () => string]>([
    ['no certificate', ['activation-unreadable'], () => csr],
    ['not PEM at all', ['activation-unreadable'], () => 'hello'],
    ['somebody else’s certificate', ['activation-key'], () => bench.read('root.pem')],
    ['no root', ['activation-chain'], () => signed('alone.pem', caExtensions(1))],
    [
      'the wrong root',
      ['activation-chain'],
      () => signed('wrong.pem', caExtensions(1)) + bench.read('stranger.pem'),
    ],
    [
      'too short a path',
      ['activation-path-length'],
      () => signed('path.pem', caExtensions(0)) + bench.read('root.pem'),
    ],
    [
      'a critical extension that nobody knows, and limits',
      [
        'activation-extended-key-usage',
        'activation-name-constraints',
        'activation-critical-extension',
      ],
      () =>
        signed(
          'limits.pem',
          `${caExtensions(1)}1.2.3.4=critical,DER:0500\nextendedKeyUsage=codeSigning\n` +
            'nameConstraints=critical,permitted;DNS:example.com\n',
        ) + bench.read('root.pem'),
    ],
    [
      'no authority, expired at that',
      ['activation-not-ca', 'activation-key-usage', 'activation-validity'],
      () =>
        signed('leaf.pem', 'subjectKeyIdentifier=hash\nkeyUsage=digitalSignature\n', 'root', [
          ...['-days', '-1', '-set_serial', '7'],
        ]) + bench.read('root.pem'),
    ],
  ])('a wrong chain is refused with the reason: %s', async (_name, codes, chain) => {
    const { status, json } = await activate(chain());
    expect([status, json.code]).toEqual([422, 'certificate-not-fitting']);
    expect(json.violations.map(({ code }: { code: string }) => code)).toEqual(codes);
    const authority = await evpki.call('GET', '/v1/authorities/cpo-sub-ca-1');
    expect(authority.json.state).toBe('awaiting-certificate');
  });

  test('the right chain activates it, in any order, and the authority below it', async () => {
    const chain = bench.read('root.pem') + signed('sub.pem', caExtensions(1));
    const { status, json } = await activate(chain);
    expect([status, json.state], JSON.stringify(json)).toEqual([200, 'active']);
    const below = (await evpki.call('GET', '/v1/authorities/cpo-sub-ca-2')).json;
    expect(below.state).toBe('active');

    const request = newRequest('CN=DEABCE123456');
    const leaf = await evpki.call('POST', '/v1/certificates', {
      profile: 'iso15118-2-secc',
      csr: request,
    });
    expect(leaf.status, leaf.text).toBe(201);
    bench.write('leaf.pem', leaf.json.certificateChain);
    const verified = bench.openssl(
      ...['verify', '-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'leaf.pem', 'leaf.pem'],
    );
    expect(verified).toBe('leaf.pem: OK\n');
    expect(readPemBlocks(leaf.json.certificateChain)).toHaveLength(3);
  });

  test('a second activation is a conflict', async () => {
    const { status, json } = await activate(bench.read('sub.pem') + bench.read('root.pem'));
    expect([status, json.code]).toEqual([409, 'conflict']);
  });
});

describe('a key rollover', () => {
  let evpki: TestApp;
  let bench: Workbench;

  beforeAll(async () => {
    evpki = await startTestApp();
    bench = workbench();
    const root = await evpki.call('GET', '/v1/authorities/ocpp-root');
    bench.write('root.pem', root.json.issuers[0].certificateChain);
  });
  afterAll(async () => {
    await evpki?.close();
    bench?.remove();
  });

  const issue = async (name: string) => {
    const csr = newRequest(`CN=${name}`);
    const { json } = await evpki.call('POST', '/v1/certificates', { profile: 'ocpp-station', csr });
    return { csr, ...json };
  };
  const expectVerified = (chain: string) =>
    withOpenssl(() => {
      bench.write('chain.pem', chain);
      const options = ['-x509_strict', '-CAfile', 'root.pem', '-untrusted', 'chain.pem'];
      expect(bench.openssl('verify', ...options, 'chain.pem')).toBe('chain.pem: OK\n');
    });

  test('certificates of both generations verify, each with its own chain', async () => {
    const old = await issue('SN-OLD');
    const rolled = await evpki.call('POST', '/v1/authorities/ocpp-station-ca/rollover');
    expect(rolled.status, rolled.text).toBe(201);
    const generations = rolled.json.issuers.map(
      ({ generation, state }: { generation: number; state: string }) => [generation, state],
    );
    expect(generations).toEqual([
      [2, 'active'],
      [1, 'retired'],
    ]);
    const fresh = await issue('SN-NEW');
    const issuerOf = (chain: string) =>
      readCertificate(readPemBlocks(chain)[0]?.der ?? new Uint8Array()).issuer.attributes;
    expect(issuerOf(fresh.certificateChain)).not.toEqual(issuerOf(old.certificateChain));

    expectVerified(old.certificateChain);
    expectVerified(fresh.certificateChain);

    // The same request as before the rollover gets the same certificate with its old chain.
    const repeated = await evpki.call('POST', '/v1/certificates', {
      profile: 'ocpp-station',
      csr: old.csr,
    });
    expect([repeated.status, repeated.json.certificateChain]).toEqual([200, old.certificateChain]);
  });

  test('of two concurrent rollovers one is a conflict', async () => {
    const answers = await Promise.all(
      [1, 2].map(() => evpki.call('POST', '/v1/authorities/ocpp-server-ca/rollover')),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
  });
});
