/**
 * What docs/client-certificates.md says about a proxy, held by one that runs: in front of a whole
 * evpki, with the documented settings, and with some that are not as documented.
 */

import { execFile, execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BehindProxy, openBehindProxy, withSettings } from './behind-proxy.ts';
import { loginCertificate } from './client-certificates.ts';
import { application, bearer, certificatesIn } from './est.ts';
import { generateKey, leafExtensions } from './issuing.ts';
import { noStrongswan, withOpenssl } from './other-tools.ts';
import { documentedBlock, mayBeMissing, type ProxyProgram } from './proxies.ts';
import { sequenceOf, testForgeries } from './proxy-forgeries.ts';
import { cannotRunLines } from './shown-lines.ts';
import { sent } from './vehicles.ts';

/** In what proxies differ. */
export interface ProxyTraits {
  /** Whether it takes certificates with critical extensions that OpenSSL does not process. */
  readonly passesUnknownCritical: boolean;
  /** Has a proxy that resumes sessions. */
  readonly resuming: (settings: string) => string;
  /** Has one that passes on what its clients have written, in the header and in that for chains. */
  readonly letting: (settings: string) => string;
  readonly lettingChains: (settings: string) => string;
}

const nobody = '401 not-authenticated';
const keys = ['P-384', 'P-521', 'Ed25519', 'Ed448', 'RSA-2048'] as const;
const versions = ['TLSv1.2', 'TLSv1.3'] as const;

const execute = promisify(execFile);

/** Runs something in a folder of its own that has these files. */
async function inFolder<T>(
  files: Readonly<Record<string, string>>,
  run: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'evpki-caller-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @returns where it all runs, once the tests do; for tests of one kind of proxy */
export function testProxyPromises(program: ProxyProgram, traits: ProxyTraits): () => BehindProxy {
  let behind: BehindProxy;
  beforeAll(async () => {
    if (!mayBeMissing(program)) behind = await openBehindProxy(program);
  });
  afterAll(() => behind?.close());

  describe.skipIf(mayBeMissing(program))('with the documented settings', () => {
    test('W5 an API client logs in with its certificate, and nobody without', async () => {
      const { outcome, front, cpo, mo, evpki } = behind;
      for (const maxVersion of versions) {
        expect(await outcome(cpo, {}, { ...front, maxVersion })).toBe('demo-cpo');
        expect(await outcome(mo, {}, { ...front, maxVersion })).toBe('demo-mo');
        expect(await outcome(undefined, {}, { ...front, maxVersion })).toBe(nobody);
      }
      expect(await outcome(loginCertificate())).toBe(nobody);
      const authorization = `Bearer ${await evpki.tokenOf('demo-mo', ['tenant-admin'])}`;
      expect(await outcome(undefined, { authorization })).toBe('demo-mo');
      expect(await outcome(cpo, { authorization })).toBe('demo-mo');
    });

    test.each(keys)('W5 an API client with a key of %s', async (algorithm) => {
      const key = generateKey(algorithm);
      const certificate = loginCertificate({ extensions: leafExtensions(key, key) }, { key });
      expect(await behind.outcome(await behind.registered('demo-cpo', certificate))).toBe(
        'demo-cpo',
      );
    });

    test.each([
      ['ISO15118-2', 'P-256', 'DE*DEM*E1'],
      // One of a server: its extended key usage has no clientAuth.
      ['ISO15118-20', 'P-521', 'DE*DEM*E2'],
    ] as const)('P10 a station renews its certificate of %s', async (standard, algorithm, name) => {
      const { key, leaf, whole } = await behind.station(standard, algorithm, name);
      const target = `/.well-known/cpo/simplereenroll/${standard}`;
      for (const cert of [leaf, whole]) {
        const made = application(`CN=${name}`, algorithm);
        const asked = { method: 'POST', target, body: made.body };
        const answer = await behind.raw({ key, cert }, asked);
        const [next] = certificatesIn(answer);
        const spki = made.pair.publicKey.export({ type: 'spki', format: 'der' });
        expect(Buffer.from(next?.publicKey?.spki ?? [])).toEqual(spki);
        // As libest wants them.
        const names = answer.headers.map(([header]) => header);
        expect(names).toEqual(expect.arrayContaining(['Content-Type', 'Content-Length']));
      }
      const { body } = application(`CN=${name}`, algorithm);
      expect((await behind.raw(undefined, { method: 'POST', target, body })).status).toBe(401);
    });

    test.skipIf(cannotRunLines)('curl says and hears what the document shows', async () => {
      const { cpo, front } = behind;
      const files = { 'api.pem': front.ca, 'csms-1.pem': cpo.cert, 'csms-1.key': cpo.key };
      const script = documentedBlock('sh', 'proxy.example').replaceAll(
        'https://proxy.example:8543',
        front.url,
      );
      const { stdout } = await inFolder(files, (cwd) =>
        execute('bash', ['-euo', 'pipefail', '-c', script], { cwd, timeout: 30_000 }),
      );
      const [answered = '', refused = ''] = stdout.split(/(?<=\})(?=\{"type")/);
      expect(JSON.parse(answered).items[0]).toHaveProperty('standard');
      expect(JSON.parse(refused)).toMatchObject({ status: 401, code: 'not-authenticated' });
    });

    test.skipIf(noStrongswan)('P10 strongSwan renews a certificate', async () => {
      const name = 'DE*DEM*E5';
      const { key, leaf, whole } = await behind.station('ISO15118-2', 'P-256', name);
      const made = application(`CN=${name}`);
      const above = whole.split(/(?<=END CERTIFICATE-----\n)/).slice(1);
      const files = {
        ...{ 'key.pem': key, 'leaf.pem': leaf, 'request.pem': made.pem },
        ...Object.fromEntries([behind.front.ca, ...above].map((pem, at) => [`${at}.pem`, pem])),
      };
      const trusted = [0, ...above.keys()].flatMap((_, at) => ['--cacert', `${at}.pem`]);
      const next = await inFolder(files, async (cwd) => {
        const held = ['--cert', 'leaf.pem', '--key', 'key.pem', '--in', 'request.pem'];
        const args = ['--est', '--url', `${behind.front.url}/cpo`, ...trusted, ...held];
        const env = { ...process.env, LC_ALL: 'C' };
        const { stdout } = await execute('pki', args, { cwd, env, encoding: 'buffer' });
        return new X509Certificate(stdout);
      });
      expect(next.subject).toContain(`CN=${name}`);
      expect(next.publicKey?.equals(made.pair.publicKey)).toBe(true);
    });

    test('A3 evpki judges what is expired, and gets the body that came with it', async () => {
      const notAfter = new Date(Math.ceil(Date.now() / 1000) * 1000 + 4_000);
      const expired = await behind.registered('demo-cpo', loginCertificate({ notAfter }));
      while (Date.now() < notAfter.getTime() + 1_000) await sleep(100);
      expect(await behind.outcome(expired)).toBe(nobody);
      await expect
        .poll(async () => {
          const audited = '/v1/audit?action=access.refused&limit=200';
          const { items } = sent(await behind.evpki.call('GET', audited), 200);
          return items.map((entry: { details: { reason: string } }) => entry.details.reason);
        })
        .toContain('certificate-expired');
      const answer = await behind.raw(expired, {
        ...{ method: 'POST', target: '/cpo/simpleenroll', headers: [bearer(await behind.csms())] },
        body: application('CN=DE*DEM*E3').body,
      });
      expect(certificatesIn(answer)).toHaveLength(1);
    });

    test('critical extensions that OpenSSL does not process', async () => {
      const key = generateKey();
      const authorityInfoAccess = { critical: true, ocsp: ['http://a.example/'], caIssuers: [] };
      const extensions = { ...leafExtensions(key, key), authorityInfoAccess };
      const certificate = loginCertificate({ extensions }, { key });
      await behind.registered('demo-cpo', certificate);
      expect(await behind.outcome(certificate, {}, behind.direct)).toBe('demo-cpo');
      const asked = behind.outcome(certificate);
      if (traits.passesUnknownCritical) expect(await asked).toBe('demo-cpo');
      else await expect(asked).rejects.toThrow(/alert certificate unknown|EPROTO|ECONNRESET|EPIPE/);
    });

    test('clients are told no authorities that they would have to be from', () =>
      withOpenssl(() => {
        const args = ['s_client', '-connect', `127.0.0.1:${behind.front.port}`];
        const said = execFileSync('openssl', args, {
          ...{ input: '', encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] },
        });
        expect(said).toContain('No client certificate CA names sent');
        expect(said).toContain('Requested Signature Algorithms');
      }));

    test('W5 clients who share the connections to evpki are not mixed up', async () => {
      const { front, cpo, mo } = behind;
      const people = [cpo, mo, undefined].map((presented) => behind.caller(presented));
      const [before, rounds] = [front.connections(), 40];
      for (let round = 0; round < rounds; round++) {
        const said = await Promise.all(people.map((one) => one.ask()));
        expect(said).toEqual(['demo-cpo', 'demo-mo', nobody]);
        // Alone, each gets a connection that another has just used.
        for (const [index, one] of people.entries()) expect(await one.ask()).toBe(said[index]);
      }
      for (const one of people) one.end();
      // Else it would have shown nothing.
      expect(front.connections() - before).toBeLessThan(rounds);
    });

    test.each(versions)('no session of %s is resumed', async (version) => {
      const { cpo, mo, front, resumption } = behind;
      for (const [then, again] of [
        [undefined, nobody],
        [cpo, 'demo-cpo'],
        [mo, 'demo-mo'],
      ] as const) {
        expect(await resumption(front, cpo, then, version)).toEqual({
          ...{ first: 'demo-cpo', reused: false, again },
        });
      }
    });
  });

  testForgeries(program, () => behind);

  describe.skipIf(mayBeMissing(program))('with other settings', () => {
    test('a proxy that resumes sessions knows whose they are', () =>
      withSettings(behind, traits.resuming, async (proxy) => {
        const { cpo, mo, resumption } = behind;
        for (const version of versions) {
          for (const [first, is] of [
            [cpo, 'demo-cpo'],
            [mo, 'demo-mo'],
          ] as const) {
            for (const then of [undefined, cpo, mo]) {
              const known = { first: is, reused: true, again: is };
              expect(await resumption(proxy, first, then, version)).toEqual(known);
            }
          }
        }
      }));

    test('W5 one that does not set the header makes clients whoever they say', () =>
      withSettings(behind, traits.letting, async (proxy) => {
        const { cpo, mo, outcome } = behind;
        expect(await outcome(cpo, {}, proxy)).toBe(nobody);
        expect(await outcome(cpo, { 'Client-Cert': sequenceOf(mo) }, proxy)).toBe('demo-mo');
      }));

    test('W5 one that lets a chain of the client through does not get it read', () =>
      withSettings(behind, traits.lettingChains, async (proxy) => {
        const { cpo, mo, outcome } = behind;
        const unreadable = '400 client-certificate-unreadable';
        const chain = { 'Client-Cert-Chain': sequenceOf(mo) };
        expect(await outcome(undefined, chain, proxy)).toBe(unreadable);
        expect(await outcome(cpo, { 'Client-Cert-Chain': 'x' }, proxy)).toBe(unreadable);
        // Certificates above that do not lead up from the own one are of no use.
        expect(await outcome(cpo, chain, proxy)).toBe('demo-cpo');
      }));
  });
  return () => behind;
}
