/** An operator's list of keys that are never certified. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { spkiFingerprint } from '../../src/pki/key-identifier.ts';
import { toPem } from '../../src/pki/pem.ts';
import { readRequest } from '../../src/pki/request.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { stationRequest } from '../support/stations.ts';

let evpki: TestApp | undefined;
const folder = mkdtempSync(join(tmpdir(), 'evpki-keys-'));
afterEach(async () => {
  await evpki?.close();
  evpki = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

function listed(text: string): Record<string, string> {
  const file = join(folder, 'keys');
  writeFileSync(file, text);
  return { EVPKI_BLOCKED_KEYS: file };
}
const issue = (csr: Uint8Array) =>
  evpki?.call('POST', '/v1/certificates', {
    profile: 'ocpp-station',
    csr: toPem('CERTIFICATE REQUEST', csr),
  });

describe('C3 the list of EVPKI_BLOCKED_KEYS', () => {
  test('its keys are refused, others are certified', async () => {
    const [known, fresh] = [stationRequest('SN-KNOWN'), stationRequest('SN-FRESH')];
    const request = readRequest(known);
    if (!request.ok) throw new Error('no request');
    const hash = spkiFingerprint(request.value.publicKey.spki);
    evpki = await startTestApp({ env: listed(`# found in a firmware image\n${hash}\n`) });
    const refused = await issue(known);
    expect([
      refused?.status,
      refused?.json.violations?.map(({ code }: { code: string }) => code),
    ]).toEqual([422, ['key-blocked']]);
    expect((await issue(fresh))?.status).toBe(201);
  });

  test.each([
    ['that is not there', undefined, /ENOENT/],
    ['of something else', '-----BEGIN PUBLIC KEY-----\n', /no SHA-256 in hexadecimal: 1$/],
  ])('a file %s stops the start', async (_name, text, message) => {
    const env = text === undefined ? { EVPKI_BLOCKED_KEYS: join(folder, 'none') } : listed(text);
    await expect(startTestApp({ env })).rejects.toThrow(message);
  });
});
