/** What clients of a proxy try in order to be somebody else to evpki, and that it comes to nothing. */

import { describe, expect, test } from 'vitest';
import type { BehindProxy } from './behind-proxy.ts';
import type { LoginCertificate } from './client-certificates.ts';
import { mayBeMissing, type ProxyProgram } from './proxies.ts';

const nobody = '401 not-authenticated';
const chunked = ['Transfer-Encoding', 'chunked'] as const;

/** The header of RFC 9440. */
export const sequenceOf = ({ der }: LoginCertificate) => `:${Buffer.from(der).toString('base64')}:`;

/** @param behind where it all runs, once the tests do */
export function testForgeries(program: ProxyProgram, behind: () => BehindProxy): void {
  describe.skipIf(mayBeMissing(program))(
    'with the documented settings, whatever clients write',
    () => {
      test('W5 what clients write into the headers is gone', async () => {
        const { outcome, cpo, mo, direct } = behind();
        const pem = mo.cert.replaceAll('\n', ' ').trim();
        for (const value of [sequenceOf(mo), encodeURIComponent(mo.cert), pem, 'x', '']) {
          for (const name of ['Client-Cert', 'client-cert', 'Client-Cert-Chain']) {
            expect(await outcome(undefined, { [name]: value }), name).toBe(nobody);
            expect(await outcome(cpo, { [name]: value }), name).toBe('demo-cpo');
          }
          // To some proxies these are the same name.
          const similar = { Client_Cert: value, 'Client-Cert_Chain': value };
          expect(await outcome(undefined, similar)).toBe(nobody);
          expect(await outcome(cpo, similar)).toBe('demo-cpo');
        }
        const refused = '403 proxy-not-trusted';
        expect(await outcome(cpo, { 'Client-Cert': sequenceOf(mo) }, direct)).toBe(refused);
        expect(await outcome(undefined, { Client_Cert: sequenceOf(mo) }, direct)).toBe(nobody);
      });

      test('W5 written twice, too long, as a trailer, or as what ends at the proxy', async () => {
        const { rawOutcome, outcome, cpo, mo } = behind();
        const header = ['Client-Cert', sequenceOf(mo)] as const;
        expect(await rawOutcome(undefined, { headers: [header, header] })).toBe(nobody);
        expect(await rawOutcome(cpo, { headers: [header, header] })).toBe('demo-cpo');
        const trailer = {
          headers: [chunked, ['Trailer', 'Client-Cert'] as const],
          body: `0\r\nClient-Cert: ${sequenceOf(mo)}\r\n\r\n`,
        };
        expect(await rawOutcome(undefined, trailer)).toBe(nobody);
        expect(await rawOutcome(cpo, trailer)).toBe('demo-cpo');
        const hop = { headers: [['Connection', 'Client-Cert'] as const, header] };
        expect(await rawOutcome(undefined, hop)).toBe(nobody);
        expect(await rawOutcome(cpo, hop)).toBe('demo-cpo');
        for (const [length, whole] of [
          [6_000, 'demo-cpo'],
          [40_000, /^400 /],
        ] as const) {
          const long = { 'Client-Cert': `:${'A'.repeat(length)}:` };
          expect(await outcome(cpo, long)).toMatch(whole);
        }
      });

      test.each([
        ['two ways to end', 'Transfer-Encoding: chunked'],
        ['an unknown coding', 'Transfer-Encoding: xchunked'],
        ['a space before the colon', 'Transfer-Encoding : chunked'],
        ['a tab before the value', 'Transfer-Encoding:\tchunked'],
        ['a vertical tab', 'Transfer-Encoding: \vchunked'],
        ['a folded line', 'Transfer-Encoding:\r\n chunked'],
        ['two codings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity'],
        ['an end in a line feed alone', 'X: y\nTransfer-Encoding: chunked'],
        ['another length', 'Content-Length: 0'],
      ])('W5 no request hides in the body of another: %s', async (_name, line) => {
        const { evpki, cpo, mo, outcome } = behind();
        const body = [
          ...['0', '', 'GET /v1/stations/hidden HTTP/1.1', 'Host: localhost'],
          ...[`Client-Cert: ${sequenceOf(mo)}`, 'X: '],
        ].join('\r\n');
        const length = `Content-Length: ${body.length}`;
        const head = ['POST /v1/api-clients HTTP/1.1', 'Host: localhost', length, line, '', body];
        const before = evpki.log.length;
        await behind().sentAsIs(head.join('\r\n'));
        // Those who come next over the connection to evpki are who they are.
        expect(await outcome(cpo)).toBe('demo-cpo');
        expect(await outcome(undefined)).toBe(nobody);
        const since = evpki.log.slice(before);
        expect(since.some((entry) => entry.includes('/v1/api-clients'))).toBe(true);
        expect(since.filter((entry) => entry.includes('hidden'))).toEqual([]);
      });
    },
  );
}
