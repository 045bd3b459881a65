/** The walk of a charger's certificate to its end, with OpenSSL and GnuTLS asking for its status. */

import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { chainPem } from '../../src/pki/chain.ts';
import { acceptedReasons } from '../../src/pki/lifecycle.ts';
import { readPemBlocks } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { ocspQuestion } from '../support/ask-ocsp.ts';
import { commonName, generateKey, issue as issueWith, templateFor } from '../support/issuing.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { noGnutls, noOpenssl } from '../support/other-tools.ts';
import { freshKeyPair } from '../support/public-keys.ts';
import { askFor, newRequest } from '../support/requests.ts';
import { agree, newCaller } from '../support/second-person.ts';

const run = promisify(execFile);

describe('from a certificate to its revocation', () => {
  let evpki: TestApp;
  let bench: Workbench;

  beforeAll(async () => {
    evpki = await startTestApp();
    bench = workbench();
    const ca = (await evpki.call('GET', '/v1/authorities/ocpp-station-ca')).json;
    const [own, root] = ca.issuers[0].certificateChain.split(/(?<=END CERTIFICATE-----\n)/);
    bench.write('ca.pem', own);
    bench.write('root.pem', root);
    bench.write('trust.pem', own + root);
  });
  afterAll(async () => {
    await evpki?.close();
    bench?.remove();
  });

  const issue = async (name: string, pair = freshKeyPair('P-256')) => {
    const csr = newRequest(`CN=${name}`, { pair });
    const { json } = await evpki.call('POST', '/v1/certificates', { profile: 'ocpp-station', csr });
    bench.write(`${name}.pem`, json.certificateChain);
    return { csr, ...json };
  };
  const revoke = (id: string, reason: string, query = '') =>
    evpki.call('POST', `/v1/certificates/${id}/revocation${query}`, { reason });
  const release = (id: string) => evpki.call('DELETE', `/v1/certificates/${id}/revocation`);

  /** What `openssl ocsp` says, its verification of the response included. */
  const ocsp = async (...args: string[]) => {
    const url = `${evpki.app.publicUrl}/ocsp`;
    const options = ['-issuer', 'ca.pem', '-CAfile', 'trust.pem', '-url', url, ...args];
    // Not synchronously: the responder runs in this very process.
    const { stdout, stderr } = await run('openssl', ['ocsp', ...options], {
      cwd: bench.folder,
      timeout: 20_000,
    });
    return stderr + stdout;
  };
  const crl = async () => {
    const issuers = (await evpki.call('GET', '/v1/authorities/ocpp-station-ca')).json.issuers;
    const answer = await fetch(`${evpki.app.publicUrl}/crl/${issuers[0].id}.crl`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/pkix-crl');
    bench.write('list.crl', new Uint8Array(await answer.arrayBuffer()));
    return execFileSync(
      'sh',
      ['-c', 'openssl crl -in list.crl -inform der -CAfile trust.pem -text -noout 2>&1'],
      { cwd: bench.folder, encoding: 'utf8' },
    );
  };

  test
    .skipIf(noOpenssl)
    .each([[['-sha1']], [['-sha256']], [['-sha512', '-no_nonce']], [['-sha1', '-no_nonce']]])(
    'good at first (%s)',
    async (options) => {
      const name = `good${options.join('')}`;
      await issue(name);
      const answer = await ocsp(...options, '-cert', `${name}.pem`);
      expect(answer).toContain('Response verify OK');
      expect(answer).toContain(`${name}.pem: good`);
    },
  );

  test.skipIf(noOpenssl)(
    'revoked at once, with reason, in OCSP; in a CRL when the call waits for it',
    async () => {
      const { id, serialNumber } = await issue('walk');
      expect(await ocsp('-no_nonce', '-cert', 'walk.pem')).toContain('walk.pem: good');

      const answer = await revoke(id, 'superseded', '?wait=crl');
      expect([answer.status, answer.json.state], answer.text).toEqual([200, 'revoked']);
      expect(answer.json.revocationReason).toBe('superseded');
      for (const options of [[], ['-no_nonce'], ['-sha256', '-no_nonce']]) {
        const status = await ocsp(...options, '-cert', 'walk.pem');
        expect(status).toContain('Response verify OK');
        expect(status).toMatch(/walk\.pem: revoked[\s\S]*Reason: superseded/);
      }
      const list = await crl();
      expect(list).toContain('verify OK');
      // OpenSSL prints whole octets, OCPP no leading zeros.
      const octets = serialNumber.length % 2 === 0 ? serialNumber : `0${serialNumber}`;
      expect(list.toLowerCase()).toContain(`serial number: ${octets}`);
      expect(list).toContain('Superseded');
      bench.openssl('crl', '-in', 'list.crl', '-inform', 'der', '-out', 'list.pem');
      const verify = () =>
        bench.openssl(
          ...['verify', '-crl_check', '-CRLfile', 'list.pem'],
          ...['-CAfile', 'root.pem', '-untrusted', 'walk.pem', 'walk.pem'],
        );
      expect(verify).toThrow(/certificate revoked/);
    },
  );

  test.skipIf(noOpenssl)(
    'waiting for a CRL that covers it already has no other one made',
    async () => {
      const { id } = await issue('waited');
      await revoke(id, 'superseded', '?wait=crl');
      const numberOf = (text: string) => /CRL Number:\s*(\S+)/.exec(text)?.[1];
      const before = numberOf(await crl());
      expect(before).toBeDefined();
      for (let count = 0; count < 3; count++) {
        expect((await revoke(id, 'superseded', '?wait=crl')).status).toBe(200);
      }
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(numberOf(await crl())).toBe(before);
    },
  );

  test.skipIf(noOpenssl)('a hold is lifted, and the CRL forgets it', async () => {
    const { id, serialNumber } = await issue('held');
    expect((await revoke(id, 'certificateHold', '?wait=crl')).json.state).toBe('held');
    expect(await ocsp('-no_nonce', '-cert', 'held.pem')).toMatch(/revoked[\s\S]*certificateHold/);
    expect((await crl()).toLowerCase()).toContain(serialNumber);
    expect((await release(id)).json.state).toBe('issued');
    expect(await ocsp('-no_nonce', '-cert', 'held.pem')).toContain('held.pem: good');
    const other = await issue('other');
    await revoke(other.id, 'unspecified', '?wait=crl');
    expect((await crl()).toLowerCase()).not.toContain(serialNumber);
  });

  test('the same again is 200, an upgrade to compromise too, anything else a conflict', async () => {
    const { id } = await issue('again');
    const statuses = [];
    for (const reason of [
      ...['superseded', 'superseded', 'cessationOfOperation', 'keyCompromise'],
      ...['superseded', 'certificateHold', 'removeFromCRL', 'cACompromise'],
    ]) {
      const { status, json } = await revoke(id, reason);
      statuses.push([reason, status, json.code ?? json.revocationReason]);
    }
    expect(statuses).toEqual([
      ['superseded', 200, 'superseded'],
      ['superseded', 200, 'superseded'],
      ['cessationOfOperation', 409, 'conflict'],
      ['keyCompromise', 200, 'keyCompromise'],
      ['superseded', 409, 'conflict'],
      ['certificateHold', 409, 'conflict'],
      ['removeFromCRL', 400, 'request-malformed'],
      ['cACompromise', 422, 'revocation-refused'],
    ]);
    expect((await release(id)).status).toBe(409);
  });

  test.each(['removeFromCRL', 'aACompromise', 'bored'])(
    'the reason %s is refused, naming those that are taken and no other',
    async (reason) => {
      const { id } = await issue('reasons');
      const { status, json } = await revoke(id, reason);
      expect(status).toBe(400);
      const [{ message }] = json.violations;
      for (const accepted of acceptedReasons) expect(message).toContain(accepted);
      expect(message).not.toMatch(/removeFromCRL|aACompromise/);
    },
  );

  test('C3 a compromised key is never certified again', async () => {
    const pair = freshKeyPair('P-256');
    const { id } = await issue('leaked', pair);
    await revoke(id, 'keyCompromise');
    const csr = newRequest('CN=leaked', { pair });
    const again = await evpki.call('POST', '/v1/certificates', { profile: 'ocpp-station', csr });
    expect(again.status).toBe(422);
    expect(again.json.violations[0].code).toBe('key-blocked');
  });

  test('a revoked certificate is not what the same request gets again', async () => {
    const first = await issue('twice');
    await revoke(first.id, 'superseded');
    const { csr } = first;
    const second = await evpki.call('POST', '/v1/certificates', { profile: 'ocpp-station', csr });
    expect(second.status).toBe(201);
    expect(second.json.id).not.toBe(first.id);
  });

  test.skipIf(noOpenssl)(
    'O2 several CertIDs: each answered, unknown and never issued ones as unknown',
    async () => {
      const [a, b] = [await issue('a'), await issue('b')];
      await revoke(b.id, 'affiliationChanged');
      const answer = await ocsp(
        '-cert',
        'a.pem',
        '-cert',
        'b.pem',
        '-serial',
        '0x1234',
        '-cert',
        'a.pem',
      );
      expect(answer).toContain('Response verify OK');
      expect(answer.match(/a\.pem: good/g)).toHaveLength(2);
      expect(answer).toMatch(/b\.pem: revoked[\s\S]*affiliationChanged/);
      expect(answer).toContain('0x1234: unknown');
      expect(a.state).toBe('issued');
    },
  );

  test.skipIf(noOpenssl)('O2 an issuer that is not ours is unauthorized', async () => {
    const foreign = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    bench.openssl('req', ...foreign, '-keyout', 'f.key', '-out', 'f.pem', '-subj', '/CN=Foreign');
    const url = `${evpki.app.publicUrl}/ocsp`;
    const options = ['-issuer', 'f.pem', '-serial', '1', '-url', url, '-noverify'];
    const said = await run('openssl', ['ocsp', ...options], { cwd: bench.folder }).then(
      ({ stdout }) => stdout,
      (error: { stdout: string; stderr: string }) => error.stdout + error.stderr,
    );
    expect(said).toContain('unauthorized');
  });

  test.skipIf(noGnutls)(
    'O4 GnuTLS ocsptool asks with and without a nonce, and accepts every answer',
    async () => {
      const { id } = await issue('gnutls');
      const ask = async (certificate: string, ...more: string[]) => {
        const url = `${evpki.app.publicUrl}/ocsp`;
        const options = [`--ask=${url}`, `--load-cert=${certificate}`, '--load-issuer=ca.pem'];
        const anchor = ['--load-trust=trust.pem', ...more];
        const command = ['-c', 'ocsptool "$@" 2>&1 || true', 'sh', ...options, ...anchor];
        return (await run('sh', command, { cwd: bench.folder, timeout: 20_000 })).stdout;
      };
      const verified = 'Verifying OCSP Response: Success';
      for (const more of [[], ['--nonce']]) {
        const good = await ask('gnutls.pem', ...more);
        expect(good).toContain('Certificate Status: good');
        expect(good).toContain(verified);
      }
      await revoke(id, 'superseded');
      for (const more of [[], ['--nonce']]) {
        const revoked = await ask('gnutls.pem', ...more);
        expect(revoked).toContain('Certificate Status: revoked');
        expect(revoked).toMatch(/Revocation time: \w/);
        expect(revoked).toContain(verified);
        expect(/^\s*Nonce: [0-9a-f]{32,}$/m.test(revoked)).toBe(more.includes('--nonce'));
      }
      // The issuer's name, and a serial number that it never gave.
      const stranger = generateKey('P-256');
      const ca = readCertificate(readPemBlocks(bench.read('ca.pem'))[0]?.der ?? new Uint8Array());
      const never = templateFor(stranger, stranger, {
        ...{ issuerName: ca.subjectDer, subject: commonName('SN-NEVER') },
        ...{ notBefore: ca.notBefore, notAfter: ca.notAfter },
      });
      bench.write('never.pem', chainPem([issueWith(never, stranger)]));
      const unknown = await ask('never.pem', '--nonce');
      expect(unknown).toContain('Certificate Status: unknown');
      expect(unknown).toContain(verified);
    },
  );

  test('an authority is not for operators to revoke, but for whoever signed it', async () => {
    const find = async (profile: string) =>
      (await evpki.call('GET', `/v1/certificates?profile=${profile}`)).json.items[0].id;
    const tokenOf = async (organization: string, role: string) => ({
      authorization: `Bearer ${await evpki.tokenOf(organization, [role])}`,
    });
    const end = async (profile: string, headers: Record<string, string>) => {
      const path = `/v1/certificates/${await find(profile)}/revocation`;
      const answer = await evpki.call('POST', path, { reason: 'superseded' }, headers);
      return [answer.status, answer.json.code ?? answer.json.state, answer] as const;
    };
    const operator = await tokenOf('demo-cpo', 'cpo-operator');
    expect((await end('ocpp-root', operator)).slice(0, 2)).toEqual([403, 'not-permitted']);
    const stranger = await tokenOf('demo-mo', 'pki-officer');
    expect((await end('iso15118-2-cps-sub-ca-1', stranger)).slice(0, 2)).toEqual([
      ...[404, 'not-found'],
    ]);

    // Below another organization's root: the root's organization takes its grant and its signature
    // back, and the subordinate does not get a new one by itself.
    const root = await tokenOf('demo-v2g', 'pki-officer');
    const below = await tokenOf('demo-cps', 'pki-officer');
    const rollover = '/v1/authorities/cps-sub-ca-1/rollover';
    const grant = '/v1/authorities/v2g-root/grants/demo-cps';
    expect((await evpki.call('DELETE', grant, undefined, below)).status).toBe(404);
    expect((await evpki.call('DELETE', grant, undefined, root)).status).toBe(204);
    const refused = await evpki.call('POST', rollover, undefined, below);
    expect([refused.status, refused.json.code]).toEqual([409, 'authority-not-granted']);
    // Its organization's second person agrees to that.
    const [status, state, proposed] = await end('iso15118-2-cps-sub-ca-1', root);
    expect([status, state]).toEqual([202, 'waiting']);
    await agree(await newCaller(evpki, 'demo-v2g', 'approver'), proposed);
    expect(await end('iso15118-2-cps-sub-ca-1', root)).toMatchObject([200, 'revoked', {}]);
    expect((await evpki.call('POST', rollover)).status).toBe(409);
  });

  test('a revoked authority stops issuing', async () => {
    const ca = (await evpki.call('GET', '/v1/authorities/ocpp-server-ca')).json;
    const all = (await evpki.call('GET', '/v1/certificates?profile=ocpp-server-ca')).json.items;
    expect((await revoke(all[0].id, 'certificateHold')).status).toBe(422);
    expect((await revoke(all[0].id, 'cACompromise')).json.state).toBe('revoked');
    const after = (await evpki.call('GET', '/v1/authorities/ocpp-server-ca')).json;
    expect([ca.state, after.state]).toEqual(['active', 'revoked']);
    const csr = newRequest('CN=csms.example', {
      extensions: [askFor.names('csms.example')],
    });
    const answer = await evpki.call('POST', '/v1/certificates', {
      profile: 'ocpp-csms-server',
      csr,
      authority: 'ocpp-server-ca',
    });
    expect([answer.status, answer.json.code]).toEqual([409, 'authority-not-active']);
  });

  test('O8 answers without a nonce may be cached for a minute, others not at all', async () => {
    const der = Buffer.from(ocspQuestion((await issue('cached')).certificateChain));
    const url = `${evpki.app.publicUrl}/ocsp/${encodeURIComponent(der.toString('base64'))}`;
    const first = await fetch(url);
    expect(first.headers.get('cache-control')).toBe(
      'max-age=60, public, no-transform, must-revalidate',
    );
    const etag = first.headers.get('etag') ?? '';
    const second = await fetch(url, { headers: { 'If-None-Match': etag } });
    expect(second.status).toBe(304);
    const bad = await fetch(`${evpki.app.publicUrl}/ocsp/%%%`);
    expect(bad.headers.get('cache-control')).toBe('no-store');
    expect(Buffer.from(await bad.arrayBuffer()).toString('hex')).toBe('30030a0101');
    const huge = await fetch(`${evpki.app.publicUrl}/ocsp`, {
      method: 'POST',
      body: 'x'.repeat(9000),
    });
    expect(huge.status).toBe(413);
  });
});
