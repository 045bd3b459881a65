import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { knownProxies } from '../../src/app/proxy-certificates.ts';
import { StartError } from '../../src/app/start-error.ts';
import { createLogger } from '../../src/observe/log.ts';
import { createParsedCertificates } from '../../src/services/parsed-certificates.ts';
import { loginCertificate } from '../support/client-certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'evpki-proxies-'));
const file = join(folder, 'proxies.pem');
afterAll(() => rmSync(folder, { recursive: true }));

const [first, second] = [loginCertificate(), loginCertificate()];

const logged: string[] = [];
const blocked = new Set<string>();
const parts = {
  paths: { issuersNamed: async () => [] },
  certificates: { isBlockedKey: async (spki: string) => blocked.has(spki) },
  parsed: createParsedCertificates(),
  clock: () => new Date('2026-06-01T00:00:00Z'),
  logger: createLogger({
    ...{ level: 'info', format: 'json' },
    stream: { write: (line) => logged.push(line) },
  }),
};
const proxiesOf = (proxyCertificates?: string) =>
  knownProxies(parts, { proxyCertificates, proxyHeader: 'Client-Cert' });

describe('the certificates of proxies', () => {
  test('are none without a file', async () => {
    const proxies = await proxiesOf();
    expect(proxies.isProxy(first.sha256)).toBe(false);
    expect(proxies.files).toEqual([]);
    await proxies.refresh();
    await proxies.keepFresh()();
  });

  test('are those of the file, text around them or not, and those alone', async () => {
    writeFileSync(file, `# the proxy in front\r\n${first.cert}\n${second.cert}`);
    const proxies = await proxiesOf(file);
    const answers = [first, second, loginCertificate()].map(({ sha256 }) => sha256);
    expect(answers.map(proxies.isProxy)).toEqual([true, true, false]);
  });

  test('follow the file, and stay while it is wrong', async () => {
    writeFileSync(file, first.cert);
    const proxies = await proxiesOf(file);
    writeFileSync(file, second.cert);
    await proxies.refresh();
    expect([first, second].map(({ sha256 }) => proxies.isProxy(sha256))).toEqual([false, true]);
    expect(logged.join('')).toContain(second.sha256);
    rmSync(file);
    await expect(proxies.refresh()).rejects.toThrow(StartError);
    expect(proxies.isProxy(second.sha256)).toBe(true);
  });

  test('hold in their time', async () => {
    const proxies = await proxiesOf();
    const ended = loginCertificate({ notAfter: new Date('2026-05-31T23:59:59Z') });
    const later = loginCertificate({ notBefore: new Date('2026-06-01T00:00:01Z') });
    const answers = await Promise.all([first, ended, later].map(({ der }) => proxies.holds(der)));
    expect(answers).toEqual([true, false, false]);
  });

  test.each([
    ['that is not there', undefined, /cannot be read \(ENOENT\)/],
    ['without a certificate', 'nothing', /holds no certificate/],
    ['with a key beside it', first.cert + first.key, /PRIVATE KEY: only certificates/],
    ['with a broken one', first.cert.slice(0, -30), /something else than certificates/],
  ])('are not taken from a file %s', async (_name, text, message) => {
    rmSync(file, { force: true });
    if (text !== undefined) writeFileSync(file, text);
    const failure = await proxiesOf(file).catch((error: Error) => error);
    expect(failure).toBeInstanceOf(StartError);
    expect((failure as Error).message).toMatch(message);
  });
});
