/** What TLS says of a client, with clients of Node, OpenSSL and curl. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { get, type RequestOptions } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientCertificates } from '../../src/http/client-certificate.ts';
import { type Listener, listen } from '../../src/http/listener.ts';
import { writeName } from '../../src/pki/names.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import type { ServiceError } from '../../src/services/errors.ts';
import {
  type LoginCertificate,
  loginCertificate,
  type Presented,
} from '../support/client-certificates.ts';
import { authorityExtensions, commonName, generateKey, type TestKey } from '../support/issuing.ts';
import { workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';

const run = promisify(execFile);
const sha256 = (der: Uint8Array) => createHash('sha256').update(der).digest('hex');
const proxy = loginCertificate();

/** A leaf, and the authorities above it, one signed by the next. */
function chainOf(length: number): { leaf: LoginCertificate; above: LoginCertificate[] } {
  const keys = Array.from({ length }, () => generateKey());
  const [leaf, ...above] = keys.map((key, index) => {
    const signer = keys[index + 1] ?? key;
    const issuerName = writeName(commonName(`A ${index + (signer === key ? 0 : 1)}`));
    const subject = commonName(`A ${index}`);
    const extensions = index > 0 ? { extensions: authorityExtensions(key, signer) } : {};
    return loginCertificate({ subject, issuerName, ...extensions }, { key, signer });
  });
  return { leaf: leaf as LoginCertificate, above };
}

const bench = workbench();
afterAll(() => bench.remove());

describe.each(['the first certificate', 'a renewed one'])('a listener with %s', (which) => {
  let listener: Listener;
  beforeAll(async () => {
    const own = loginCertificate({ subject: commonName('localhost') });
    const presented = clientCertificates({
      header: 'X-SSL-Client-Cert',
      isProxy: (fingerprint) => fingerprint === proxy.sha256,
      holds: async () => true,
    });
    listener = await listen({
      host: '127.0.0.1',
      port: 0,
      setting: 'TEST_PORT',
      tls: { key: own.key, chain: own.cert },
      asksForCertificate: true,
      handle: async (request, response) => {
        // Twice: it may be asked as often as one likes.
        await presented(request).catch(() => undefined);
        const said = await presented(request).catch((error) => (error as ServiceError).code);
        response.end(JSON.stringify(typeof said === 'string' ? said : (said?.map(sha256) ?? null)));
      },
    });
    if (which === 'a renewed one') {
      const next = loginCertificate({ subject: commonName('localhost') });
      listener.present({ key: next.key, chain: next.cert });
    }
  });
  afterAll(async () => {
    listener.abort();
    await listener.close();
  });

  /** What the listener has understood. */
  const told = (presented: Partial<Presented> = {}, options: RequestOptions = {}) =>
    new Promise<unknown>((resolve, reject) => {
      const { port } = listener.address;
      const tls = { rejectUnauthorized: false, agent: false as const, ...presented };
      get({ host: '127.0.0.1', port, ...tls, ...options }, (response) => {
        let text = '';
        response.on('data', (data) => {
          text += data;
        });
        response.on('end', () => resolve(JSON.parse(text)));
      }).on('error', reject);
    });

  test('hears of nobody who presents nothing', async () => {
    expect(await told()).toBeNull();
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'hears the leaf and those above it in %s',
    async (v) => {
      const { leaf, above } = chainOf(4);
      const cert = [leaf, ...above].map((one) => one.cert).join('');
      const all = [leaf, ...above].map((one) => one.sha256);
      expect(await told({ key: leaf.key, cert }, { minVersion: v, maxVersion: v })).toEqual(all);
      expect(await told(leaf)).toEqual([leaf.sha256]);
      // Without its issuer one still is a certificate.
      const gap = leaf.cert + (above[2]?.cert ?? '');
      expect(await told({ key: leaf.key, cert: gap })).toEqual([leaf.sha256]);
    },
  );

  test.each(['P-256', 'P-384', 'P-521', 'Ed25519', 'Ed448', 'RSA-2048'] as KeyAlgorithm[])(
    'takes a certificate with a key of the kind %s',
    async (algorithm) => {
      const one = loginCertificate({}, { key: generateKey(algorithm) });
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const only = { minVersion: version, maxVersion: version };
        expect([version, await told(one, only)]).toEqual([version, [one.sha256]]);
      }
    },
  );

  test('takes what does not hold: that is for others to judge', async () => {
    const expired = loginCertificate({ notAfter: new Date('2026-01-02T00:00:00Z') });
    const later = loginCertificate({ notBefore: new Date('2035-01-01T00:00:00Z') });
    const orphan = loginCertificate({}, { signer: generateKey() });
    for (const one of [expired, later, orphan]) {
      expect(await told(one)).toEqual([one.sha256]);
    }
  });

  test('does not end in circles', async () => {
    const [a, b] = [generateKey(), generateKey()];
    const authority = (name: string, above: string, key: TestKey, signer: TestKey) =>
      loginCertificate(
        {
          subject: commonName(name),
          issuerName: writeName(commonName(above)),
          extensions: authorityExtensions(key, signer),
        },
        { key, signer },
      );
    const [ab, ba] = [authority('A', 'B', a, b), authority('B', 'A', b, a)] as const;
    const cert = ab.cert + ba.cert + ab.cert + ba.cert;
    const found = (await told({ key: ab.key, cert })) as string[];
    expect(found.slice(0, 2)).toEqual([ab.sha256, ba.sha256]);
    const self = loginCertificate();
    expect(await told({ key: self.key, cert: self.cert.repeat(5) })).toContain(self.sha256);
  });

  test('refuses a chain of more than ten', async () => {
    const { leaf, above } = chainOf(12);
    const upTo = (count: number) => [leaf, ...above].slice(0, count).map(({ cert }) => cert);
    const ten = await told({ key: leaf.key, cert: upTo(10).join('') });
    expect(ten).toHaveLength(10);
    expect(await told({ key: leaf.key, cert: upTo(11).join('') })).toBe(
      'client-certificate-unreadable',
    );
  });

  test('takes a proxy’s header of the name that is set, and no other', async () => {
    const client = loginCertificate();
    const value = encodeURIComponent(client.cert);
    const send = (presented: Presented | undefined, headers: RequestOptions['headers']) =>
      told(presented, headers ? { headers } : {});
    expect(await send(proxy, { 'x-ssl-client-cert': value })).toEqual([client.sha256]);
    expect(await send(proxy, {})).toBeNull();
    expect(await send(proxy, { 'client-cert': value })).toBeNull();
    expect(await send(proxy, { x_ssl_client_cert: value })).toBeNull();
    expect(await send(client, { x_ssl_client_cert: value })).toEqual([client.sha256]);
    expect(await send(client, { 'x-ssl-client-cert': value })).toBe('proxy-not-trusted');
    expect(await send(undefined, { 'x-ssl-client-cert-chain': '' })).toBe('proxy-not-trusted');
  });

  /** Connects, presents, asks; whether it was a resumption, the answer, and the last session. */
  const visit = (version: 'TLSv1.2' | 'TLSv1.3', presented: Partial<Presented>, session?: Buffer) =>
    new Promise<{ reused: boolean; answer: string; session: Buffer | undefined }>(
      (resolve, reject) => {
        let [answer, last] = ['', session];
        let reused = false;
        const { port } = listener.address;
        const only = { minVersion: version, maxVersion: version, rejectUnauthorized: false };
        const resumed = session ? { session } : {};
        const socket: TLSSocket = connect({
          ...{ host: '127.0.0.1', port, ...only, ...presented, ...resumed },
        });
        socket.on('secureConnect', () => {
          reused = socket.isSessionReused();
          socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
        });
        socket.on('session', (data) => {
          last = data;
        });
        socket.on('data', (data) => {
          answer += data.toString();
        });
        socket.on('error', reject);
        socket.on('close', () => resolve({ reused, answer, session: last }));
      },
    );

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'W5 knows nobody by a %s session in which somebody has presented a certificate',
    async (version) => {
      const one = loginCertificate();
      const first = await visit(version, one);
      expect(first.answer).toContain(one.sha256);
      const second = await visit(version, {}, first.session);
      expect(second.reused).toBe(false);
      expect(second.answer).toContain('null');
      expect(second.answer).not.toContain(one.sha256);
    },
  );

  describe.skipIf(noOpenssl)('asked by other people’s clients', () => {
    const write = (one: LoginCertificate): LoginCertificate => {
      bench.write('client.pem', one.cert);
      bench.write('client.key', one.key);
      return one;
    };
    const sClient = async (...options: string[]) => {
      const target = ['-connect', `127.0.0.1:${listener.address.port}`];
      const child = run('openssl', ['s_client', ...target, ...options], { cwd: bench.folder });
      child.child.stdin?.end('Q\n');
      const { stdout, stderr } = await child.catch((error) => error);
      return stdout + stderr;
    };

    test('names no authorities, so that clients keep nothing back', async () => {
      expect(await sClient('-tls1_2')).toContain('No client certificate CA names sent');
      expect(await sClient('-tls1_3')).toContain('No client certificate CA names sent');
    });

    test('W5 openssl s_client -reconnect resumes nothing, without tickets either', async () => {
      write(loginCertificate());
      const own = ['-cert', 'client.pem', '-key', 'client.key', '-reconnect'];
      for (const options of [['-tls1_2'], ['-tls1_2', '-no_ticket']]) {
        const said = await sClient(...options, ...own);
        expect(said.match(/^New, TLSv1.2/gm)).toHaveLength(6);
        expect(said).not.toMatch(/^Reused,/m);
      }
    });

    test('curl presents its own', async () => {
      const one = write(loginCertificate());
      const { port } = listener.address;
      const own = ['--cert', 'client.pem', '--key', 'client.key'];
      const { stdout } = await run('curl', ['-ksS', ...own, `https://127.0.0.1:${port}/`], {
        cwd: bench.folder,
      });
      expect(JSON.parse(stdout)).toEqual([one.sha256]);
    });

    test('curl presents one with an RSA-PSS key', async () => {
      const key = ['-newkey', 'rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048', '-nodes'];
      const names = ['-subj', '/CN=a', '-keyout', 'pss.key', '-out', 'pss.pem'];
      bench.openssl('req', '-x509', ...key, ...names);
      const { port } = listener.address;
      const own = ['--cert', 'pss.pem', '--key', 'pss.key'];
      const { stdout } = await run('curl', ['-ksS', ...own, `https://127.0.0.1:${port}/`], {
        cwd: bench.folder,
      });
      expect(JSON.parse(stdout)).toHaveLength(1);
    });
  });
});
