/**
 * A PKI that OpenSSL has made and answers for: its responder is asked through the one fetcher, and
 * its verdict on each response is compared with ours.
 */

import { spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFetcher } from '../../src/outbound/fetcher.ts';
import { hostRule } from '../../src/outbound/hosts.ts';
import { type Certificate, readCertificate, serialHex } from '../../src/pki/certificate.ts';
import { readPemBlocks } from '../../src/pki/pem.ts';
import { foreignStatusOf } from '../../src/services/foreign-paths.ts';
import { type AskForeignStatus, createForeignStatus } from '../../src/services/foreign-status.ts';
import { capture } from '../support/captured-log.ts';
import { opensslBelow, opensslRoot } from '../support/cross-certificates.ts';
import { certIdBy } from '../support/foreign-ocsp.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';

describe.skipIf(noOpenssl)('certificates that OpenSSL answers for', () => {
  let bench: Workbench;
  let server: Server;
  const certificates = new Map<string, Certificate>();
  /** Who signs for the issuer that is asked about. */
  let signer: (issuer: string) => string;
  /** How the responder is run beside. */
  let options: readonly string[];

  const of = (name: string): Certificate => {
    const found = certificates.get(name);
    if (!found) throw new Error(`there is no ${name}`);
    return found;
  };
  const run = (...args: string[]) => {
    const { stdout, stderr } = spawnSync('openssl', args, { cwd: bench.folder, encoding: 'utf8' });
    return stdout + stderr;
  };

  beforeAll(async () => {
    bench = workbench();
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      bench.write('request.der', Buffer.concat(chunks));
      const issuer = request.url?.slice(1) ?? '';
      const by = signer(issuer);
      bench.openssl(
        ...['ocsp', '-index', `${issuer}.index`, '-CA', `${issuer}.pem`, '-reqin', 'request.der'],
        ...['-rsigner', `${by}.pem`, '-rkey', `${by}.key`, '-respout', 'response.der', ...options],
      );
      const der = Buffer.from(bench.openssl('base64', '-A', '-in', 'response.der'), 'base64');
      response.setHeader('Content-Type', 'application/ocsp-response');
      response.end(der);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;

    const below = (name: string, issuer: string, ...extensions: string[]) =>
      opensslBelow(bench, name, issuer, `/O=Elsewhere/CN=${name}`, [
        ...extensions,
        `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${port}/${issuer}`,
      ]);
    const ca = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
    const leaf = ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'];
    const pems = {
      root: opensslRoot(bench, 'root', { subject: '/O=Elsewhere/CN=root' }),
      sub: below('sub', 'root', ...ca),
      good: below('good', 'sub', ...leaf),
      revoked: below('revoked', 'sub', ...leaf),
      nobody: below('nobody', 'sub', ...leaf),
      delegate: below('delegate', 'sub', ...leaf, 'extendedKeyUsage=OCSPSigning'),
      'root-delegate': below('root-delegate', 'root', ...leaf, 'extendedKeyUsage=OCSPSigning'),
    };
    for (const [name, pem] of Object.entries(pems)) {
      certificates.set(name, readCertificate(readPemBlocks(pem)[0]?.der ?? new Uint8Array()));
    }
    bench.write('chain.pem', pems.sub + pems.root);
    const line = (state: string, name: string, end = '') =>
      `${state}\t360101000000Z\t${end}\t${serialHex(of(name)).toUpperCase()}\tunknown\t/CN=${name}\n`;
    bench.write('root.index', line('V', 'sub'));
    const ended = line('R', 'revoked', '260203040506Z,keyCompromise');
    bench.write('sub.index', line('V', 'good') + ended);
    for (const index of ['root', 'sub'])
      bench.write(`${index}.index.attr`, 'unique_subject = no\n');
  });
  afterAll(() => {
    server?.close();
    bench?.remove();
  });

  /** One that remembers nothing. */
  const asking = (): AskForeignStatus => {
    const local = [hostRule('127.0.0.1')];
    const askOutbound = createFetcher({ listed: local, internal: local });
    const { logger } = capture();
    return createForeignStatus({ askOutbound, clock: () => new Date(), logger });
  };
  const byDelegates = (issuer: string) => (issuer === 'root' ? 'root-delegate' : 'delegate');

  test.each([
    ['issuers themselves', (issuer: string) => issuer, ['-ndays', '1']],
    ['delegates', byDelegates, ['-ndays', '1']],
    ['delegates, without nextUpdate', byDelegates, []],
    ['delegates by their key', byDelegates, ['-ndays', '1', '-resp_key_id']],
  ])('a path, answered for by %s', async (_, by, more) => {
    [signer, options] = [by, more];
    const statusOf = (leaf: string) => {
      const path = [of(leaf), of('sub'), of('root')];
      return foreignStatusOf(asking(), path, path.slice(0, 2));
    };
    expect(await statusOf('good')).toEqual({ revoked: [], unknown: [] });
    expect(await statusOf('revoked')).toEqual({ revoked: ['CN=revoked,O=Elsewhere'], unknown: [] });
    const unknown = [{ subject: 'CN=nobody,O=Elsewhere', reason: 'answered-unknown' }];
    expect(await statusOf('nobody')).toEqual({ revoked: [], unknown });
  });

  test.each<[string, string, boolean]>([
    ['the issuer', 'sub', true],
    ['its delegate', 'delegate', true],
    ['another certificate of the issuer', 'good', false],
    ['a delegate of the authority above', 'root-delegate', false],
  ])('a response of %s: OpenSSL says the same', async (_, by, holds) => {
    [signer, options] = [() => by, ['-ndays', '1']];
    const answer = await asking()({
      certId: certIdBy(of('good'), of('sub')),
      ...{ issuer: of('sub'), responders: of('good').extensions.authorityInfoAccess?.ocsp ?? [] },
    });
    const verdict = run(
      ...['ocsp', '-respin', 'response.der', '-sha256', '-issuer', 'sub.pem', '-cert', 'good.pem'],
      ...['-CAfile', 'root.pem', '-verify_other', 'chain.pem'],
    );
    expect(verdict.includes('Response verify OK'), verdict).toBe(holds);
    expect(answer).toMatchObject(
      holds ? { known: true, status: { kind: 'good' } } : { reason: 'signer-not-authorized' },
    );
  });
});
