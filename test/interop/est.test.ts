/**
 * Clients of EST that other people wrote, against a running evpki: strongSwan's `pki`, and `curl`
 * with `openssl` as scripts in the field use them.
 *
 * What was seen of strongSwan 5.9.8: it has TLS and HTTP of its own, TLS 1.2 at most. It sends Host,
 * Content-Type, Content-Length and Authorization, and neither User-Agent nor Accept, by which it can
 * be told from those that take base64 in lines alone. It appends `/.well-known/est/<operation>` to the URL that it is given, and
 * takes base64 in one line, with or without an end, in answers with a Content-Length. With `--cert`
 * and `--key` it asks for simplereenroll. It wants the whole chain of what it gets as `--cacert`.
 */

import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { noStrongswan, testToolRequirements } from '../support/other-tools.ts';
import { cannotRunLines } from '../support/shown-lines.ts';
import { rootOf, sent } from '../support/vehicles.ts';

const execute = promisify(execFile);

let evpki: TestApp;
let folder: string;
let stations = 0;

beforeAll(async () => {
  evpki = await startTestApp();
});
afterAll(() => evpki?.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evpki-est-'));
  await writeFile(join(folder, 'api-ca.pem'), readFileSync(join(evpki.dataDir, 'api-ca.pem')));
  for (const id of chain) await writeFile(join(folder, `${id}.der`), (await rootOf(evpki, id)).der);
});
afterEach(() => rm(folder, { recursive: true }));

/** Above the certificates of chargers, the issuer first. */
const chain = ['cpo-sub-ca-2', 'cpo-sub-ca-1', 'v2g-root'];

testToolRequirements();

/** A charger that is registered, and the one-time secret with which it enrols. */
async function newStation(): Promise<{ commonName: string; secret: string }> {
  const [id, commonName] = [`CS-${++stations}`, `DE*DEM*E${stations}`];
  const registered = { seccId: commonName };
  sent(await evpki.call('PUT', `/v1/stations/${id}?organization=demo-cpo`, registered), 201);
  const made = await evpki.call('POST', '/v1/enrolment-secrets?organization=demo-cpo', {
    ...{ label: 'cpo', commonName },
  });
  return { commonName, secret: sent(made, 201).enrolmentSecret };
}

const certificateIn = async (file: string): Promise<X509Certificate> =>
  new X509Certificate(await readFile(join(folder, file)));

describe.skipIf(noStrongswan)('strongSwan', () => {
  /** Its standard output, which is DER or nothing. */
  const pki = async (...args: string[]): Promise<Buffer> => {
    const options = {
      cwd: folder,
      encoding: 'buffer',
      env: { ...process.env, LC_ALL: 'C' },
    } as const;
    return (await execute('pki', args, options)).stdout;
  };
  const file = async (name: string, content: Promise<Buffer>): Promise<string> => {
    await writeFile(join(folder, name), await content);
    return name;
  };
  const trusted = ['api-ca.pem', ...chain.map((id) => `${id}.der`)].flatMap((name) => [
    '--cacert',
    name,
  ]);
  const url = () => `${evpki.app.apiUrl}/cpo`;

  test('P3 --estca gets the authorities above chargers, and trusts them', async () => {
    await pki('--estca', '--url', url(), '--cacert', 'api-ca.pem', '--caout', 'ca');
    const files = (await readdir(folder)).filter((name) => /^ca.*\.der$/.test(name));
    const got = await Promise.all(files.map(async (name) => readFile(join(folder, name), 'hex')));
    const wanted = await Promise.all(
      chain.map(async (id) => Buffer.from((await rootOf(evpki, id)).der).toString('hex')),
    );
    expect(got.sort()).toEqual(wanted.sort());
  });

  test('P10 --est enrols with a one-time secret, and renews with what it got', async () => {
    const { commonName, secret } = await newStation();
    const request = async (name: string): Promise<string> => {
      const key = await file(`${name}.key`, pki('--gen', '--type', 'ecdsa', '--size', '256'));
      const args = ['--in', key, '--type', 'priv', '--dn', `CN=${commonName}`];
      return file(`${name}.req`, pki('--req', ...args));
    };
    const enrol = (...args: string[]): Promise<Buffer> =>
      pki('--est', '--url', url(), ...trusted, ...args);

    const password = ['--userpass', `${commonName}:${secret}`];
    await file('first.cer', enrol('--in', await request('first'), ...password));
    const first = await certificateIn('first.cer');
    expect(first.subject).toContain(`CN=${commonName}`);

    const held = ['--cert', 'first.cer', '--key', 'first.key'];
    await file('second.cer', enrol('--in', await request('second'), ...held));
    const second = await certificateIn('second.cer');
    expect(second.subject).toBe(first.subject);
    expect(second.publicKey.equals(first.publicKey)).toBe(false);
    const issuer = await certificateIn('cpo-sub-ca-2.der');
    for (const one of [first, second]) expect(one.verify(issuer.publicKey)).toBe(true);

    // What the secret was for has been done.
    const again = enrol('--in', await request('third'), ...password);
    await expect(again).rejects.toThrow(/HTTP 401/);
  });
});

describe.skipIf(cannotRunLines)('curl and openssl', () => {
  const shell = async (script: string, env: Record<string, string> = {}): Promise<string> => {
    const { stdout } = await execute('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env: { ...process.env, URL: evpki.app.apiUrl, ...env },
      timeout: 60_000,
    });
    return stdout;
  };
  const asks = 'curl --silent --show-error --fail-with-body --cacert api-ca.pem';
  const newKey =
    'openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem';
  // Without -A: it reads lines and nothing else.
  const reads = 'openssl enc -base64 -d | openssl pkcs7 -inform DER -print_certs';

  test.each([
    ['cpo', 'demo-cpo', 'csms', '/CN=DE*DEM*E1001/DC=CPO', 'cpo-sub-ca-2'],
    ['oem', 'demo-oem', 'oem', '/CN=DEM00000000001001/DC=OEM', 'oem-sub-ca-2'],
    ['mo', 'demo-mo', 'emsp-operator', '/CN=DE8EVC10012001/DC=MO', 'mo-sub-ca-2'],
  ])(
    'P2 P3: the scripts of MaEVe enrol as %s with a body in lines',
    async (label, organization, role, subject, authority) => {
      const token = await evpki.tokenOf(organization, [role]);
      const headers = `-H "Authorization: Bearer $TOKEN" -H 'Accept: application/pkcs7'`;
      await shell(
        `${newKey} -subj "${subject}" -outform DER 2>/dev/null | openssl enc -base64 > csr.b64
        test "$(wc -l < csr.b64)" -gt 1
        ${asks} ${headers} -H 'Content-Type: application/pkcs10' --data-binary @csr.b64 \\
          "$URL/${label}/simpleenroll/ISO15118-2" | ${reads} > leaf.pem
        ${asks} ${headers} "$URL/${label}/cacerts/ISO15118-2" | ${reads} > above.pem`,
        { TOKEN: token },
      );
      const leaf = await readFile(join(folder, 'leaf.pem'), 'utf8');
      expect(leaf.match(/-----BEGIN/g)).toHaveLength(1);
      const above = await readFile(join(folder, 'above.pem'), 'utf8');
      const blocks = above.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
      expect(blocks).toHaveLength(3);
      const [issuer = '', , root = ''] = blocks;
      expect(new X509Certificate(issuer).raw).toEqual(
        Buffer.from((await rootOf(evpki, authority)).der),
      );
      await writeFile(join(folder, 'root.pem'), root);
      expect(
        await shell('openssl verify -x509_strict -CAfile root.pem -untrusted above.pem leaf.pem'),
      ).toBe('leaf.pem: OK\n');
      expect(
        await shell(
          'openssl x509 -in leaf.pem -noout -pubkey | diff - <(openssl pkey -in key.pem -pubout)',
        ),
      ).toBe('');
    },
  );

  test('P10: with a one-time secret, in PEM, and then with the certificate', async () => {
    const { commonName, secret } = await newStation();
    await shell(
      `${newKey} -subj "/CN=$NAME" -out csr.pem 2>/dev/null
      ${asks} --user "$NAME:$SECRET" --data-binary @csr.pem \\
        "$URL/.well-known/est/cpo/simpleenroll" | ${reads} > leaf.pem
      mv key.pem old-key.pem
      ${newKey} -subj "/CN=$NAME" -outform DER -out csr.der 2>/dev/null
      ${asks} --cert leaf.pem --key old-key.pem --data-binary @csr.der \\
        "$URL/.well-known/cpo/simplereenroll" | ${reads} > renewed.pem`,
      { NAME: commonName, SECRET: secret },
    );
    const [first, second] = [await certificateIn('leaf.pem'), await certificateIn('renewed.pem')];
    expect(first.subject).toContain(`CN=${commonName}`);
    expect(second.subject).toBe(first.subject);
    expect(second.serialNumber).not.toBe(first.serialNumber);
  });

  test('P5: a refusal is a status and lines of text', async () => {
    const script = `curl --silent --cacert api-ca.pem --write-out '%{http_code} %{content_type}' \\
      --data-binary hello "$URL/.well-known/est/cpo/simpleenroll" -H "Authorization: Bearer $TOKEN"`;
    const token = await evpki.tokenOf('demo-cpo', ['csms']);
    const said = await shell(script, { TOKEN: token });
    expect(said).toMatch(/^[a-z-]+: .*\n[\s\S]*csr-malformed[\s\S]*\n400 text\/plain/);
    expect(await shell(script, { TOKEN: `${token}x` })).toMatch(/\n401 text\/plain/);
  });
});
