/** The command against a running service, in the order in which an operator would use it. */

import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeName } from '../../src/pki/names.ts';
import { readPemBlocks, toPem } from '../../src/pki/pem.ts';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { buildRequest } from '../support/requests.ts';

let service: CliService;
beforeAll(async () => {
  service = await startCliService();
});
afterAll(() => service.close());

// Each station has a key of its own and sends the same bytes again.
const requests = {
  'SN-1': buildRequest({ key: 'P-256', subject: stationName('SN-1') }),
  'SN-3': buildRequest({ key: 'P-384', subject: stationName('SN-3') }),
  nameless: buildRequest({ key: 'RSA-2048', subject: writeName({ attributes: [] }) }),
};
const pem = (station: keyof typeof requests): string =>
  toPem('CERTIFICATE REQUEST', requests[station]);
const issue = ['cert', 'issue', '--profile', 'ocpp-station', '--csr', '-'];
const file = (name: string): string => join(service.folder, name);
const write = (name: string, content: string): string => {
  writeFileSync(file(name), content, { mode: 0o600 });
  return file(name);
};
const stored = (): Record<string, string> =>
  JSON.parse(readFileSync(service.credentialsFile, 'utf8'));

function stationName(serialNumber: string): Uint8Array {
  return writeName({ attributes: [{ type: 'CN', value: serialNumber }] });
}

describe('before the first login', () => {
  test.each<[string, string, number, RegExp]>([
    ['a wrong bootstrap secret', 'evpki_boot_wrong', 3, /this is not the bootstrap secret/],
    ['another secret in its place', 'evpki_sec_x', 2, /is not a bootstrap secret/],
  ])('%s is refused and nothing is stored', async (_name, secret, status, message) => {
    const argv = ['login', '--url', service.url, '--bootstrap', write('wrong', secret)];
    const result = await service.evpki(argv);
    expect(result.status).toBe(status);
    expect(result.stderr).toMatch(message);
    expect(existsSync(service.credentialsFile)).toBe(false);
  });

  test.each([
    ['EVPKI_API_PORT', () => ({ EVPKI_API_PORT: new URL(service.url).port })],
    ['EVPKI_API_URL', () => ({ EVPKI_API_URL: service.url, EVPKI_API_PORT: '1' })],
  ])('without --url, the service is where %s says', async (_, env) => {
    const argv = ['login', '--bootstrap', write('wrong', 'evpki_boot_wrong')];
    const result = await service.evpki(argv, { env: env() });
    expect(result.status).toBe(3);
    expect(result.stderr).toMatch(/this is not the bootstrap secret/);
  });

  test('an unwritable place for credentials does not use up the bootstrap secret', async () => {
    const env = { EVPKI_CLIENT_CONFIG: join(write('in-the-way', ''), 'credentials.json') };
    const result = await service.evpki(['login', '--url', service.url, '--bootstrap'], { env });
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(/cannot be written/);
    expect(existsSync(join(service.dataDir, 'bootstrap-secret'))).toBe(true);
  });
});

describe('login --bootstrap', () => {
  test('makes the first administrator and remembers it', async () => {
    const result = await service.evpki(['login', '--url', service.url, '--bootstrap']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toMatch(/^Made ada@\S+ the first administrator of https:/);
    expect(result.stdout).toContain(service.credentialsFile);
    expect(statSync(service.credentialsFile).mode & 0o777).toBe(0o600);
    const { url, ca, clientSecret } = stored();
    expect(url).toBe(service.url);
    expect(ca).toBe(readFileSync(join(service.dataDir, 'api-ca.pem'), 'utf8'));
    expect(result.stdout).not.toContain(clientSecret);
    expect(service.log.join('')).not.toContain(clientSecret);
  });

  test('works once', async () => {
    const result = await service.evpki(['login', '--url', service.url, '--bootstrap']);
    expect(result.status).toBe(5);
    expect(result.stderr).toMatch(/there is no bootstrap secret/);
  });

  test('leaves the credentials alone when the secret is spent', async () => {
    const before = stored();
    const argv = ['login', '--url', service.url, '--bootstrap', write('old', 'evpki_boot_old')];
    expect((await service.evpki(argv)).status).toBe(5);
    expect(stored()).toEqual(before);
    expect(readdirSync(join(service.folder, 'config', 'evpki'))).toEqual(['credentials.json']);
  });
});

describe('login', () => {
  test('proves what is remembered', async () => {
    const result = await service.evpki(['login']);
    expect(result.status).toBe(0);
    expect(result.stdout).toBe(`You are logged in to ${service.url} as ${stored().clientId}.\n`);
  });

  test('takes given credentials, here into another file', async () => {
    const { clientId = '', clientSecret = '' } = stored();
    const env = { EVPKI_CLIENT_CONFIG: file('second.json') };
    const argv = ['login', '--url', service.url, '--client-id', clientId];
    const result = await service.evpki([...argv, '--client-secret-file', '-'], {
      env,
      stdin: `${clientSecret}\n`,
    });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    // What this client may do next is not known; that it could play a charger is not said.
    expect(result.stdout).not.toContain('evpki quickstart');
    expect(JSON.parse(readFileSync(file('second.json'), 'utf8'))).toEqual(stored());
  });

  test('does not remember credentials that do not hold', async () => {
    const before = stored();
    const secret = write('secret', 'evpki_sec_wrong');
    const argv = ['login', '--client-id', 'cli_nobody', '--client-secret-file', secret];
    const result = await service.evpki(argv);
    expect(result.status).toBe(3);
    expect(result.stderr).toMatch(/unknown client or wrong secret[\s\S]*request [\w-]{36}/);
    expect(stored()).toEqual(before);
  });
});

describe('cert issue', () => {
  test('writes nothing but the chain to standard output', async () => {
    const result = await service.evpki(issue, { stdin: pem('SN-1') });
    expect(result.status).toBe(0);
    expect(result.stdout).toMatch(/^-----BEGIN CERTIFICATE-----/);
    const chain = readPemBlocks(result.stdout).map((block) => new X509Certificate(block.der));
    expect(chain).toHaveLength(2);
    const [leaf, authority] = chain;
    expect(leaf?.subject).toContain('CN=SN-1');
    expect(authority && leaf?.verify(authority.publicKey)).toBe(true);
    expect(result.stderr).toMatch(/^Issued a certificate:\n[\s\S]*profile {2}ocpp-station/);
  });

  test('the same request is given the same certificate, here into a file and as DER', async () => {
    const out = file('chain.pem');
    const csr = file('sn-1.csr');
    writeFileSync(csr, requests['SN-1']);
    const argv = ['cert', 'issue', '--profile', 'ocpp-station', '--csr', csr, '--out', out];
    const first = await service.evpki(issue, { stdin: pem('SN-1') });
    const again = await service.evpki(argv);
    expect(again.stderr).toBe('');
    expect(again.stdout).toMatch(/^The same request was given this certificate before:\n/);
    expect(again.stdout).toContain(`${out} (certificates: 2, leaf first)`);
    expect(readFileSync(out, 'utf8')).toBe(first.stdout);
  });

  test('takes a day as end of validity', async () => {
    const end = new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10);
    const result = await service.evpki([...issue, '--not-after', end, '--json'], {
      stdin: pem('SN-3'),
    });
    expect(result.status).toBe(0);
    expect(JSON.parse(result.stdout).notAfter).toBe(`${end}T00:00:00.000Z`);
  });

  test('lists everything that is wrong with a request', async () => {
    const result = await service.evpki([...issue, '--not-after', '2099-01-01'], {
      stdin: pem('nameless'),
    });
    expect(result).toMatchObject({ status: 6, stdout: '' });
    expect(result.stderr).toMatch(/\n {2}- .*\(subject-attribute-missing\)\n/);
    expect(result.stderr).toMatch(/\n {2}- .*\(validity-too-long\)\n/);
    expect(result.stderr).toMatch(/\n {2}request [\w-]{36}\n$/);
  });

  test.each<[string, string[]]>([
    ['an unknown profile', ['cert', 'issue', '--profile', 'x', '--csr', '-']],
    ['an unknown authority', [...issue, '--authority', 'x']],
  ])('%s has its exit status', async (_name, argv) => {
    expect((await service.evpki(argv, { stdin: pem('SN-1') })).status).toBe(6);
  });
});

describe('reading', () => {
  test('cert list follows the pages that --limit takes', async () => {
    const one = JSON.parse(
      (await service.evpki(['cert', 'list', '--limit', '1', '--json'])).stdout,
    );
    expect(one.items).toHaveLength(1);
    expect(one.nextCursor).toEqual(expect.any(String));
    const all = JSON.parse((await service.evpki(['cert', 'list', '--all', '--json'])).stdout);
    expect(all.items.length).toBeGreaterThan(10);
    expect(all).not.toHaveProperty('nextCursor');
    // Not the first: the service issues responder certificates of its own after its start.
    expect(all.items.map(({ id }: { id: string }) => id)).toContain(one.items[0].id);
  });

  test('cert list passes its filters on', async () => {
    const argv = ['cert', 'list', '--profile', 'ocpp-station', '--state', 'issued'];
    const { stdout } = await service.evpki(argv);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ID +STATE +EXPIRES +PROFILE +SUBJECT$/);
    expect(lines.slice(1).map((line) => line.split(/ {2,}/)[4])).toEqual([
      expect.stringMatching(/CN=SN-3/),
      expect.stringMatching(/CN=SN-1/),
    ]);
    const none = await service.evpki([...argv, '--expires-before', '2020-01-01']);
    expect(none).toEqual({ status: 0, stdout: '', stderr: 'There are no such certificates.\n' });
  });

  test('what the API refuses is told by field', async () => {
    const { status, stderr } = await service.evpki(['cert', 'list', '--state', 'lost']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/\n {2}- --state: /);
  });

  test('a table is cut to the terminal, and colored there', async () => {
    const { stdout } = await service.evpki(['cert', 'list'], { columns: 60 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colors are control sequences
    const plain = stdout.replaceAll(/\u001b\[\d+m/g, '');
    expect(stdout).toContain('\u001b[32missued');
    expect(Math.max(...plain.split('\n').map((line) => line.length))).toBe(60);
  });

  test('cert show has the fields, the chain and the answer', async () => {
    const list = await service.evpki(['cert', 'list', '--profile', 'ocpp-station', '--json']);
    const { id } = JSON.parse(list.stdout).items[0];
    const chain = (await service.evpki(['cert', 'show', id, '--pem'])).stdout;
    const leaf = new X509Certificate(chain);
    const shown = (await service.evpki(['cert', 'show', id])).stdout;
    expect(shown).toContain(`sha-256  ${leaf.fingerprint256}`);
    expect(shown).toContain(leaf.serialNumber.toLowerCase().replace(/^0+/, ''));
    const answer = JSON.parse((await service.evpki(['cert', 'show', id, '--json'])).stdout);
    expect(answer).toMatchObject({ id, certificateChain: chain });
    const byFile = await service.evpki(['cert', 'show', write('shown.pem', chain)]);
    expect(byFile.stdout).toBe(shown);
  });

  test.each([
    ['unknown', 'crt_nobody', 4],
    ['of another path', '..', 2],
    ['empty', '', 2],
    ["another thing's", 'req_nobody', 2],
    ['with a query', './x?limit=1', 2],
  ])('an id that is %s', async (_name, id, status) => {
    expect(await service.evpki(['cert', 'show', id])).toMatchObject({ status, stdout: '' });
  });

  test.each([
    ['show', []],
    ['renew', ['--csr', '-']],
    ['revoke', ['--reason', 'superseded']],
    ['release', []],
  ])('cert %s names a file that is not there as a file', async (command, more) => {
    const argv = ['cert', command, file('gone.pem'), ...more];
    const { status, stdout, stderr } = await service.evpki(argv, { stdin: pem('SN-3') });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`evpki: there is no file ${file('gone.pem')}\n`);
    expect(stderr).not.toContain('request ');
  });

  test.each<[string, string[], RegExp, RegExp]>([
    [
      'a reason',
      ['cert', 'revoke', 'crt_nobody', '--reason', 'bored'],
      /- --reason: must be equal to one of the allowed values: unspecified, /,
      /`--help`/,
    ],
    [
      'a member in camel case',
      [...issue, '--not-after', '2020-01-01'],
      /- --not-after: /,
      /listed/,
    ],
    ['an unknown profile', ['cert', 'issue', '--profile', 'x', '--csr', '-'], /x/, /profile list/],
    ['an unknown authority', [...issue, '--authority', 'x'], /x/, /evpki authority list/],
    [
      'one of a list',
      ['station', 'put', 'CS-1', '--evse-id', '', '--organization', 'demo-cpo'],
      /- --evse-id: /,
      /--help/,
    ],
  ])(
    '%s that is refused is told in words of the command line',
    async (_name, argv, says, remedy) => {
      const { stderr } = await service.evpki(argv, { stdin: pem('SN-3') });
      expect(stderr).toMatch(says);
      expect(stderr).toMatch(remedy);
      expect(stderr).not.toMatch(/\/v1\/|`violations`|\b(GET|POST) |body\.|query\./);
    },
  );

  test('authority list and show', async () => {
    const list = await service.evpki(['authority', 'list']);
    expect(list.stdout).toMatch(/^ocpp-station-ca +active +ocpp-root /m);
    const shown = await service.evpki(['authority', 'show', 'ocpp-station-ca']);
    expect(shown.stdout).toMatch(/Issuer, generation 1\n[\s\S]*subject {2}CN=/);
    const { stdout } = await service.evpki(['authority', 'show', 'ocpp-station-ca', '--pem']);
    const [ca, root, ...more] = readPemBlocks(stdout).map(({ der: d }) => new X509Certificate(d));
    expect(more).toEqual([]);
    expect(root && ca?.checkIssued(root) && root.checkIssued(root)).toBe(true);
    const json = await service.evpki(['authority', 'show', 'ocpp-station-ca', '--json']);
    expect(JSON.parse(json.stdout).issuers[0].certificateChain).toBe(stdout);
  });

  test('profile list', async () => {
    const { stdout } = await service.evpki(['profile', 'list']);
    expect(stdout).toMatch(/^ocpp-station +station +P-256, P-384/m);
    const json = await service.evpki(['profile', 'list', '--json']);
    expect(JSON.parse(json.stdout).items[0]).toHaveProperty('hash');
  });
});

test('another CA under the same URL is not talked to', async () => {
  const { stdout: otherCa } = await service.evpki(['authority', 'show', 'v2g-root', '--pem']);
  const env = {
    EVPKI_CLIENT_CONFIG: write('other-ca.json', JSON.stringify({ ...stored(), ca: otherCa })),
  };
  // It writes of what it does in the background, too.
  const requests = () => service.log.filter((line) => JSON.parse(line).event === 'request').length;
  const before = requests();
  const result = await service.evpki(['cert', 'list'], { env });
  expect(result).toMatchObject({ status: 69, stdout: '' });
  expect(result.stderr).toMatch(/is not to be trusted \(\w+\)\n.*evpki login --ca/);
  expect(before).toBeGreaterThan(0);
  expect(requests()).toBe(before);
});
