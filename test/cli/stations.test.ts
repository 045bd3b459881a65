/** `evpki station` against a running service. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPemBlocks } from '../../src/pki/pem.ts';
import { type CliService, startCliService } from '../support/cli-service.ts';
import { newRequest } from '../support/requests.ts';

let service: CliService;
beforeAll(async () => {
  service = await startCliService();
  const login = await service.evpki(['login', '--url', service.url, '--bootstrap']);
  expect(login.status, login.stderr).toBe(0);
});
afterAll(() => service?.close());

const station = (...argv: string[]) =>
  service.evpki(['station', ...argv, ...(argv[0] === 'list' ? [] : OF_CPO)]);
const OF_CPO = ['--organization', 'demo-cpo'];

const everything = [
  ...['--serial-number', 'SN/1', '--secc-id', 'DE*ICE*E45B*78C'],
  ...['--evse-id', 'DE*ICE*E45B*78C', 'DE*ICE*E45B*79C'],
  ...['--type', 'station', '--security-profile', '3'],
  ...['--chain-with-root', '--chain-size', '4000'],
];

test('put registers all that is named, and show tells it', async () => {
  const put = await station('put', 'CS|1@a', ...everything);
  expect(put.status, put.stderr).toBe(0);
  expect(put.stderr).toBe('');
  expect(put.stdout).toMatch(/id +CS\|1@a\n +of +demo-cpo\n +serial number +SN\/1\n/);
  expect(put.stdout).toMatch(/EVSEs +DE\*ICE\*E45B\*78C, DE\*ICE\*E45B\*79C\n +type +station\n/);
  expect(put.stdout).toMatch(
    /security profile +3\n +chains +with root, at most 4000 characters\n[\s\S]*last seen +never\n/,
  );
  expect(await station('show', 'CS|1@a')).toEqual(put);
  const json = JSON.parse((await station('show', 'CS|1@a', '--json')).stdout);
  expect(json).toEqual({
    ...{ id: 'CS|1@a', organization: 'demo-cpo', serialNumber: 'SN/1', seccId: 'DE*ICE*E45B*78C' },
    ...{ evseIds: ['DE*ICE*E45B*78C', 'DE*ICE*E45B*79C'], certificateType: 'station' },
    ...{ securityProfile: 3, createdAt: expect.any(String) },
    chain: { includeRoot: true, maximumSize: 4000 },
  });
});

test('put refuses a station its certificates, which stays so until it is allowed', async () => {
  const enrolment = async (...argv: string[]) => {
    const { status, stderr, stdout } = await station('put', 'CS-STOLEN', '--json', ...argv);
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout).enrolment;
  };
  expect(await enrolment('--enrolment', 'refused')).toBe('refused');
  expect(await enrolment('--serial-number', 'SN-STOLEN')).toBe('refused');
  expect((await station('show', 'CS-STOLEN')).stdout).toMatch(/\n +enrolment +refused\n/);
  expect(await enrolment('--enrolment', 'allowed')).toBeUndefined();
  expect((await station('put', 'CS-STOLEN', '--enrolment', 'never')).status).toBe(2);
});

test('put replaces: what is left out is not registered any more', async () => {
  await station('put', 'CS-2', ...everything.slice(0, 2), '--security-profile', '0');
  const put = await station('put', 'CS-2', '--json');
  expect(JSON.parse(put.stdout)).toEqual({
    ...{ id: 'CS-2', organization: 'demo-cpo', evseIds: [], createdAt: expect.any(String) },
  });
  const again = await station('put', 'CS-2');
  expect([again.status, again.stderr]).toEqual([0, 'It was registered before; now it is:\n']);
});

test('truststore tells of the roots that it should have', async () => {
  await station('put', 'CS-5');
  const listed = await station('truststore', 'CS-5');
  expect(listed.stdout).toMatch(/^TYPE +EXPIRES +SUBJECT\nCSMSRootCertificate .*Demo OCPP Root CA/);
  expect(listed.stdout).toMatch(/\nV2GRootCertificate [\s\S]*\nMORootCertificate /);
  const mo = ['truststore', 'CS-5', '--type', 'MORootCertificate'];
  const { items } = JSON.parse((await station(...mo, '--json')).stdout);
  expect(items).toHaveLength(1);
  expect((await station(...mo, '--pem')).stdout).toBe(items[0].certificate);
  const none = await station('truststore', 'CS-5', '--type', 'ManufacturerRootCertificate');
  expect(none).toEqual({ status: 0, stdout: '', stderr: 'There are no such roots.\n' });
});

test('cert show --ocpp-chain prints the chain as the station takes it', async () => {
  const show = async (...chain: string[]) => {
    await station('put', 'CS-6', ...chain);
    return service.evpki(['cert', 'show', id, '--ocpp-chain']);
  };
  await station('put', 'CS-6');
  const issue = ['cert', 'issue', '--profile', 'ocpp-station', '--station', 'CS-6'];
  const issued = await service.evpki([...issue, '--csr', '-', '--json'], {
    stdin: newRequest('CN=CS-6'),
  });
  expect(issued.status, issued.stderr).toBe(0);
  const { id, certificateChain } = JSON.parse(issued.stdout);
  expect(await show()).toEqual({ status: 0, stdout: certificateChain, stderr: '' });
  const { stdout: long } = await show('--chain-with-root');
  expect(long.startsWith(certificateChain)).toBe(true);
  expect(readPemBlocks(long)).toHaveLength(3);
  expect(await show('--chain-size', '500')).toEqual({
    status: 0,
    stdout: certificateChain,
    stderr: `Warning: certificateChain has ${certificateChain.length} characters; the station takes 500.\n`,
  });
});

test('list tells of stations, in pages', async () => {
  for (const id of ['CS-3', 'CS-4']) await station('put', id, '--serial-number', `SN-${id}`);
  const listed = await station('list', ...OF_CPO, '--limit', '1');
  expect(listed.stdout).toMatch(
    /^ID +LAST SEEN +OF +SERIAL NUMBER +SECC ID\nCS-\d +- +demo-cpo +SN-CS-\d +-\n$/,
  );
  expect(listed.stderr).toMatch(/--all/);
  const all = JSON.parse((await station('list', '--all', '--json')).stdout);
  const ids = all.items.map(({ id }: { id: string }) => id);
  expect(ids).toEqual(expect.arrayContaining(['CS-3', 'CS-4']));
  const none = await station('list', '--organization', 'demo-mo');
  expect(none).toEqual({
    status: 0,
    stdout: '',
    stderr: 'There are no stations that you may see.\n',
  });
});

test.each([
  ['a security profile that there is not', ['put', 'CS-9', '--security-profile', '4'], 2],
  ['a size that is no number', ['put', 'CS-9', '--chain-size', '1e3'], 2],
  ['a size that counts something else', ['put', 'CS-9', '--chain-size', '4'], 2],
  ['the truststore of an unknown station', ['truststore', 'CS-9'], 4],
  ['a root that is for nothing', ['truststore', 'CS-9', '--type', 'Root'], 2],
  ['a type that there is not', ['put', 'CS-9', '--type', 'car'], 2],
  ['an EVSE that is none', ['put', 'CS-9', '--evse-id', 'nonsense'], 2],
  ['an unknown station', ['show', 'CS-9'], 4],
  ['an id that is another path', ['put', '.'], 2],
])('%s is refused', async (_name, argv, status) => {
  const result = await station(...argv);
  expect([result.status, result.stdout], result.stderr).toEqual([status, '']);
});
