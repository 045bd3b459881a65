/**
 * OpenSSL in the place of SteVe: it signs stations' requests with the key that evpki has handed out,
 * with the extensions that SteVe writes, and judges what evpki says of the certificates.
 */

import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { EXPORT_PASSPHRASE, exportAsTwo, type HandedOut } from '../support/exports.ts';
import { opensslRequest, type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';

/** As CertificateSigningServiceLocal writes them: no addresses of CRL or OCSP. */
const steveExtensions = (keyUsage: string) =>
  [
    `keyUsage = critical,${keyUsage}`,
    'basicConstraints = critical,CA:FALSE',
    'extendedKeyUsage = clientAuth',
    'subjectKeyIdentifier = hash',
    'authorityKeyIdentifier = keyid:always',
  ].join('\n');

describe.skipIf(noOpenssl).each(['P-256', 'P-384', 'RSA-2048'])('an exported %s issuer', (key) => {
  let evpki: TestApp;
  let bench: Workbench;
  let issuer: HandedOut;

  beforeAll(async () => {
    evpki = await startTestApp({ env: { EVPKI_CLIENT_RATE: '0', EVPKI_ADDRESS_RATE: '0' } });
    bench = workbench();
    issuer = await exportAsTwo(evpki, 'steve-station-ca', { key });
    bench.write('ca.pem', issuer.certificate);
    bench.write('ca-key.pem', issuer.encryptedKey);
    bench.write('ca-chain.pem', issuer.certificateChain);
    const [, root = ''] = issuer.certificateChain.split(/(?<=END CERTIFICATE-----\n)/);
    bench.write('root.pem', root);
    bench.write('passphrase', EXPORT_PASSPHRASE);
  });
  afterAll(async () => {
    bench?.remove();
    await evpki?.close();
  });

  /** Signs with the serial numbers of SteVe: 64 random bits. */
  const sign = (name: string): string => {
    const isRsa = key.startsWith('RSA');
    opensslRequest(bench, `/O=Demo CPO/CN=${name}`, { name, key });
    bench.write(
      'ext',
      steveExtensions(`digitalSignature,${isRsa ? 'keyEncipherment' : 'keyAgreement'}`),
    );
    bench.openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca-key.pem'],
      ...['-passin', 'file:passphrase', '-set_serial', `0x${serialOf(name)}`, '-days', '365'],
      ...['-extfile', 'ext', '-out', `${name}.pem`],
    );
    return bench.read(`${name}.pem`);
  };
  const serialOf = (name: string) => Buffer.from(name.padEnd(8, '-')).toString('hex').slice(0, 16);
  const run = (...args: string[]) => {
    const { stdout, stderr, status } = spawnSync('openssl', args, {
      ...{ cwd: bench.folder, encoding: 'utf8' },
    });
    return { output: stdout + stderr, status };
  };
  const verify = (name: string, ...options: string[]) =>
    run(
      ...['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', 'root.pem'],
      ...['-untrusted', 'ca-chain.pem', ...options, `${name}.pem`],
    );
  /** The answer has to be signed by a responder of the issuer itself. */
  const ask = async (name: string): Promise<string> => {
    // Beside this process, which answers.
    const { stdout, stderr } = await promisify(execFile)(
      'openssl',
      [
        ...['ocsp', '-issuer', 'ca.pem', '-cert', `${name}.pem`, '-url', issuer.ocsp],
        ...['-CAfile', 'root.pem', '-verify_other', 'ca-chain.pem'],
      ],
      { cwd: bench.folder },
    );
    return stdout + stderr;
  };
  const bring = (pem: string) =>
    evpki.call('POST', `/v1/authorities/${issuer.authority}/certificates`, { certificates: pem });
  const revoke = (serialNumber: string, reason = 'superseded') =>
    evpki.call('POST', `/v1/authorities/${issuer.authority}/revocations?wait=crl`, {
      ...{ serialNumber, reason },
    });

  test('opens with its passphrase alone, and signs as SteVe does', () => {
    expect(issuer.encryptedKey).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    bench.write('other', 'some other passphrase');
    const opened = (file: string) => run('pkey', '-in', 'ca-key.pem', '-passin', `file:${file}`);
    expect(opened('passphrase').status).toBe(0);
    expect(opened('other').status).not.toBe(0);
    const parsed = bench.openssl('asn1parse', '-in', 'ca-key.pem');
    expect(parsed).toMatch(
      /PBES2[\s\S]*PBKDF2[\s\S]*:0927C0[\s\S]*hmacWithSHA256[\s\S]*aes-256-cbc/,
    );
    sign('CS-1');
    expect(verify('CS-1')).toMatchObject({ status: 0 });
  });

  test('counts for clients only, and for no authority below it', () => {
    sign('CS-2');
    const asServer = run(
      ...['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', 'root.pem'],
      ...['-untrusted', 'ca-chain.pem', 'CS-2.pem'],
    );
    expect(asServer.output).toContain('unsuitable certificate purpose');
    const shown = bench.openssl('x509', '-in', 'ca.pem', '-noout', '-text');
    expect(shown).toContain('CA:TRUE, pathlen:0');
    expect(shown).toMatch(/Extended Key Usage: ?\n +TLS Web Client Authentication\n/);
  });

  test('has the status of its certificates told by evpki', async () => {
    const pem = sign('CS-3');
    expect(await ask('CS-3')).toMatch(/CS-3\.pem: unknown[\s\S]*Response verify OK/);
    const answer = await bring(pem);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json.items).toMatchObject([
      { serialNumber: serialOf('CS-3'), subject: 'CN=CS-3,O=Demo CPO', outcome: 'imported' },
    ]);
    expect(await ask('CS-3')).toMatch(/CS-3\.pem: good[\s\S]*Response verify OK/);

    expect((await revoke(serialOf('CS-3'))).json.state).toBe('revoked');
    expect(await ask('CS-3')).toMatch(/CS-3\.pem: revoked[\s\S]*Response verify OK/);
    await crl();
    expect(verify('CS-3', '-crl_check', '-CRLfile', 'crl.pem').output).toContain('revoked');
  });

  test('has a certificate revoked that evpki has never seen', async () => {
    sign('CS-4');
    const answer = await revoke(serialOf('CS-4').toUpperCase(), 'keyCompromise');
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json).toMatchObject({ state: 'revoked', subject: '' });
    expect(await ask('CS-4')).toMatch(/CS-4\.pem: revoked[\s\S]*Response verify OK/);
    await crl();
    expect(verify('CS-4', '-crl_check', '-CRLfile', 'crl.pem').output).toContain('revoked');
    sign('CS-5');
    expect(verify('CS-5', '-crl_check', '-CRLfile', 'crl.pem').status).toBe(0);
    // Brought later it stays so.
    expect((await bring(bench.read('CS-4.pem'))).json.items[0].outcome).toBe('imported');
    expect(await ask('CS-4')).toContain('CS-4.pem: revoked');
  });

  async function crl(): Promise<void> {
    const der = new Uint8Array(await (await fetch(issuer.crl)).arrayBuffer());
    writeFileSync(join(bench.folder, 'crl.der'), der);
    bench.openssl('crl', '-inform', 'DER', '-in', 'crl.der', '-out', 'crl.pem');
  }
});
