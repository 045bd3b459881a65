/** Whoever is asked says the same: OCSP, the CRL and the API, judged by openssl; and garbage. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readOcspResponse } from '../../src/pki/ocsp/read-response.ts';
import { toPem } from '../../src/pki/pem.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { ocspQuestion } from '../support/ask-ocsp.ts';
import { drawing, seed } from '../support/chance.ts';
import { type Workbench, workbench } from '../support/openssl.ts';
import { noOpenssl } from '../support/other-tools.ts';
import { stationRequest } from '../support/stations.ts';

const run = promisify(execFile);

interface Known {
  readonly id: string;
  readonly name: string;
  readonly chain: string;
  /** As the API should tell it. */
  state: 'issued' | 'held' | 'revoked';
}

describe(`a whole service, EVPKI_TEST_SEED=${seed}`, () => {
  let evpki: TestApp;
  let bench: Workbench;
  let crlUrl: string;
  const known: Known[] = [];

  beforeAll(async () => {
    evpki = await startTestApp();
    bench = workbench();
    const [issuer] = (await evpki.call('GET', '/v1/authorities/ocpp-station-ca')).json.issuers;
    const [own, root] = issuer.certificateChain.split(/(?<=END CERTIFICATE-----\n)/);
    bench.write('ca.pem', own);
    bench.write('root.pem', root);
    bench.write('trust.pem', own + root);
    crlUrl = `${evpki.app.publicUrl}/crl/${issuer.id}.crl`;
  });
  afterAll(async () => {
    await evpki?.close();
    bench?.remove();
  });

  async function issue(): Promise<Known> {
    const name = `SN-${known.length}`;
    const csr = toPem('CERTIFICATE REQUEST', stationRequest(name));
    const { json } = await evpki.call('POST', '/v1/certificates', { profile: 'ocpp-station', csr });
    bench.write(`${name}.pem`, json.certificateChain);
    const one: Known = { id: json.id, name, chain: json.certificateChain, state: 'issued' };
    known.push(one);
    return one;
  }

  /** Does to it what its state allows, or what it does not; the API decides. */
  async function change(one: Known, action: number): Promise<void> {
    const path = `/v1/certificates/${one.id}/revocation`;
    const reason = ['superseded', 'keyCompromise', 'certificateHold'][action - 1];
    const answer =
      reason === undefined
        ? await evpki.call('DELETE', path)
        : await evpki.call('POST', path, { reason });
    if (answer.status === 200) one.state = answer.json.state;
    else expect(answer.status, answer.text).toBe(409);
  }

  /** A CRL that covers everything: the one that a last revocation waits for. */
  async function settled(): Promise<void> {
    const last = await issue();
    const path = `/v1/certificates/${last.id}/revocation?wait=crl`;
    const answer = await evpki.call('POST', path, { reason: 'superseded' });
    expect(answer.status, answer.text).toBe(200);
    last.state = 'revoked';
    bench.write('list.der', new Uint8Array(await (await fetch(crlUrl)).arrayBuffer()));
    bench.openssl('crl', '-in', 'list.der', '-inform', 'der', '-out', 'list.pem');
  }

  /** What `openssl` makes of the OCSP answers about all of them at once. */
  async function heardByOcsp(options: readonly string[], asked: readonly Known[]) {
    const certificates = asked.flatMap(({ name }) => ['-cert', `${name}.pem`]);
    const url = `${evpki.app.publicUrl}/ocsp`;
    const { stdout, stderr } = await run(
      'openssl',
      ['ocsp', '-issuer', 'ca.pem', '-CAfile', 'trust.pem', '-url', url, ...options].concat(
        certificates,
      ),
      { cwd: bench.folder },
    );
    expect(stderr).toContain('Response verify OK');
    return asked.map(({ name }) => new RegExp(`^${name}\\.pem: (\\w+)`, 'm').exec(stdout)?.[1]);
  }

  const heardByCrl = ({ name }: Known): Promise<string> =>
    run(
      'openssl',
      [
        ...['verify', '-crl_check', '-CRLfile', 'list.pem', '-CAfile', 'root.pem'],
        ...['-untrusted', `${name}.pem`, `${name}.pem`],
      ],
      { cwd: bench.folder },
    ).then(
      () => 'good',
      (error: { stderr: string }) =>
        error.stderr.includes('certificate revoked') ? 'revoked' : error.stderr,
    );

  test.skipIf(noOpenssl)(
    'O7 OCSP, CRL and API agree after any changes',
    { timeout: 400_000 },
    async () => {
      const draw = drawing('oracles');
      for (let round = 0; round < 4; round++) {
        for (let count = 0; count < 4; count++) await issue();
        // Several at once, on the same ones too.
        for (let count = 0; count < 3; count++) {
          const chosen = new Set(Array.from({ length: 4 }, () => draw(known.length) - 1));
          const changes = [...chosen].map((index) => known[index]).filter((one) => !!one);
          await Promise.all(changes.map((one) => change(one, draw(4))));
        }
        // Nobody has changed this one; of the others it may be that none has stayed as it was.
        await issue();
        await settled();

        const told = await Promise.all(
          known.map(
            async ({ id }) => (await evpki.call('GET', `/v1/certificates/${id}`)).json.state,
          ),
        );
        expect(told).toEqual(known.map(({ state }) => state));
        const expected = known.map(({ state }) => (state === 'issued' ? 'good' : 'revoked'));
        expect(await heardByOcsp([], known)).toEqual(expected);
        const single: (string | undefined)[] = [];
        const listed: string[] = [];
        for (const one of known) {
          single.push(...(await heardByOcsp(['-no_nonce', '-sha256'], [one])));
          listed.push(await heardByCrl(one));
        }
        expect(single).toEqual(expected);
        expect(listed).toEqual(expected);
      }
      // All three kinds were there, or the test shows nothing.
      expect(new Set(known.map(({ state }) => state))).toContain('issued');
      expect(new Set(known.map(({ state }) => state))).toContain('revoked');
    },
  );

  test('O1 1,000 mutated requests over HTTP: an OCSP status each, never a 5xx', {
    timeout: 120_000,
  }, async () => {
    const draw = drawing('garbage');
    const original = Buffer.from(ocspQuestion((await issue()).chain));
    const heard = new Map<string, number>();
    const ask = async (index: number) => {
      const der = Buffer.from(original);
      for (let change = draw(3); change > 0; change--) der[draw(der.length) - 1] = draw(256) - 1;
      const cut = draw(10) === 1 ? der.subarray(0, draw(der.length)) : der;
      const url = `${evpki.app.publicUrl}/ocsp`;
      const answer = await (index % 2
        ? fetch(url, { method: 'POST', body: new Uint8Array(cut) })
        : fetch(`${url}/${encodeURIComponent(cut.toString('base64'))}`));
      expect(answer.status, cut.toString('hex')).toBe(200);
      const { status } = readOcspResponse(new Uint8Array(await answer.arrayBuffer()));
      heard.set(status, (heard.get(status) ?? 0) + 1);
    };
    for (let index = 0; index < 1_000; index += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, offset) => ask(index + offset)));
    }
    // Most are no requests any more; some ask for other certificates, some for other issuers.
    expect([...heard.keys()]).toEqual(
      expect.arrayContaining(['malformedRequest', 'unauthorized', 'successful']),
    );
    expect(heard.get('internalError')).toBeUndefined();
    const lines = evpki.log.join('');
    expect(lines).not.toContain('public-request-failed');
    expect((await fetch(`${evpki.app.publicUrl}/health/ready`)).status).toBe(200);
  });
});
