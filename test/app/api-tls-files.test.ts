/** Certificate and key of the API as files, made by OpenSSL as operators would. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { apiIdentity } from '../../src/app/api-identity.ts';
import { identityOfFiles, readTlsFiles } from '../../src/app/api-tls-files.ts';
import type { Config } from '../../src/config/settings.ts';
import type { Listener, TlsIdentity } from '../../src/http/listener.ts';
import { capture } from '../support/captured-log.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';

let bench: Workbench;
beforeEach(() => {
  bench = workbench();
});
afterEach(() => {
  vi.useRealTimers();
  bench.remove();
});

const path = (name: string): string => `${bench.folder}/${name}`;
const selfSigned = (name: string, ...extra: string[]): void => {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', `${name}.key`];
  bench.openssl(
    'req',
    '-x509',
    ...key,
    '-nodes',
    '-subj',
    `/CN=${name}`,
    '-out',
    `${name}.pem`,
    ...extra,
  );
};
/** A leaf below a root, both in `leaf.pem` with the root last. */
function rootAndLeaf(): void {
  selfSigned('root');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', 'leaf.key'];
  bench.openssl('req', '-new', ...key, '-nodes', '-subj', '/CN=leaf', '-out', 'leaf.csr');
  bench.openssl(
    ...['x509', '-req', '-in', 'leaf.csr', '-CA', 'root.pem', '-CAkey', 'root.key'],
    ...['-CAcreateserial', '-days', '9', '-out', 'alone.pem'],
  );
  bench.write('leaf.pem', bench.read('alone.pem') + bench.read('root.pem'));
}
const identity = (certificate: string, key: string, now = new Date()) =>
  identityOfFiles({ certificate: path(certificate), key: path(key) }, now);

describe.skipIf(noOpenssl)('the files', () => {
  test('a chain up to its root is sent without the root, which clients get', async () => {
    rootAndLeaf();
    const { identity: found, root } = await identity('leaf.pem', 'leaf.key');
    expect(found.chain).toBe(bench.read('alone.pem'));
    expect(root).toBe(bench.read('root.pem'));
  });

  test('a chain without its root leaves clients to know it', async () => {
    rootAndLeaf();
    const { identity: found, root } = await identity('alone.pem', 'leaf.key');
    expect(found.chain).toBe(bench.read('alone.pem'));
    expect(root).toBeUndefined();
  });

  test('a certificate that is its own root is sent', async () => {
    selfSigned('own');
    const { identity: found, root } = await identity('own.pem', 'own.key');
    expect([found.chain, root]).toEqual([bench.read('own.pem'), bench.read('own.pem')]);
  });

  test.each<[string, string, string, RegExp]>([
    ['no such file', 'none.pem', 'own.key', /none\.pem cannot be read \(ENOENT\)/],
    ['a key for a certificate', 'own.key', 'own.key', /is not a chain of certificates/],
    ['an empty file', 'empty', 'own.key', /holds no certificate/],
    ['a damaged certificate', 'damaged', 'own.key', /is not a chain of certificates/],
    ['a certificate for a key', 'own.pem', 'own.pem', /is not a private key/],
    ['a key with a passphrase', 'own.pem', 'locked.key', /without a passphrase/],
    ['the key of another certificate', 'own.pem', 'other.key', /other\.key is not the key of/],
  ])('%s is refused with the file named', async (_name, certificate, key, message) => {
    selfSigned('own');
    selfSigned('other');
    bench.write('empty', '');
    bench.write('damaged', bench.read('own.pem').replace(/\n.{20}/, `\n${'A'.repeat(20)}`));
    bench.openssl(
      ...['pkcs8', '-topk8', '-in', 'own.key', '-passout', 'pass:secret', '-out', 'locked.key'],
    );
    await expect(identity(certificate, key)).rejects.toThrow(message);
  });

  test('a certificate that does not hold now is refused', async () => {
    selfSigned('own', '-days', '1');
    const days = (count: number) => new Date(Date.now() + count * 86_400_000);
    await expect(identity('own.pem', 'own.key', days(2))).rejects.toThrow(/is valid from .* until/);
    await expect(identity('own.pem', 'own.key', days(-2))).rejects.toThrow(/is valid from/);
  });
});

test('one file without the other names the setting that is missing', () => {
  const both = { apiTlsCertificate: 'a', apiTlsKey: 'b' };
  expect(readTlsFiles(both)).toEqual({ certificate: 'a', key: 'b' });
  expect(() => readTlsFiles({ ...both, apiTlsKey: undefined })).toThrow(/EVPKI_API_TLS_KEY/);
  expect(() => readTlsFiles({ ...both, apiTlsCertificate: undefined })).toThrow(
    /EVPKI_API_TLS_CERTIFICATE/,
  );
});

test.skipIf(noOpenssl)(
  'new files are presented within a minute; what does not fit is logged and left',
  async () => {
    selfSigned('first');
    selfSigned('second');
    bench.write('cert', bench.read('first.pem'));
    bench.write('key', bench.read('first.key'));
    const { logger, lines } = capture();
    const config = { apiTlsCertificate: path('cert'), apiTlsKey: path('key') } as Config;
    const parts = { logger, clock: () => new Date() } as Parameters<typeof apiIdentity>[0];
    const server = await apiIdentity(parts, config);
    expect(server.identity.chain).toBe(bench.read('first.pem'));

    const presented: TlsIdentity[] = [];
    const listener = { present: (found: TlsIdentity) => presented.push(found) };
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const stop = server.keepFresh(listener as unknown as Listener);
    const aMinute = async () => {
      vi.advanceTimersByTime(60_000);
      // The reading itself takes real time.
      await new Promise((resolve) => setTimeout(resolve, 300));
    };
    await aMinute();
    expect([presented, lines]).toEqual([[], []]);
    bench.write('cert', bench.read('second.pem'));
    await aMinute();
    await expect.poll(() => lines.join('')).toMatch(/is not the key of the first certificate/);
    expect(presented).toEqual([]);
    bench.write('key', bench.read('second.key'));
    await aMinute();
    await expect
      .poll(() => presented.map(({ chain }) => chain))
      .toEqual([bench.read('second.pem')]);
    await stop();
  },
);
