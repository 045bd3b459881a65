/** HAProxy in front of evpki, with the settings of docs/client-certificates.md. */

import { describe, expect, test } from 'vitest';
import { without, withSettings } from '../support/behind-proxy.ts';
import { haproxy, mayBeMissing } from '../support/proxies.ts';
import { sequenceOf } from '../support/proxy-forgeries.ts';
import { testProxyPromises } from '../support/proxy-promises.ts';

const deleted = '  http-request del-header Client-Cert\n';
const own = '  http-request set-header Client-Cert :%[ssl_c_der,base64]: if { ssl_c_used }\n';

const behind = testProxyPromises(haproxy, {
  passesUnknownCritical: false,
  resuming: without(' no-tls-tickets'),
  letting: without(deleted, own),
  lettingChains: without('  http-request del-header Client-Cert-Chain\n'),
});

describe.skipIf(mayBeMissing(haproxy))('less than the documented settings', () => {
  test('W5 two headers, the own one and that of the client, are refused', () => {
    const adding = (settings: string) =>
      without(deleted)(settings).replace('set-header Client-Cert', 'add-header Client-Cert');
    return withSettings(behind(), adding, async (proxy) => {
      const { outcome, cpo, mo } = behind();
      const unreadable = '400 client-certificate-unreadable';
      expect(await outcome(cpo, {}, proxy)).toBe('demo-cpo');
      for (const one of [mo, cpo]) {
        expect(await outcome(cpo, { 'Client-Cert': sequenceOf(one) }, proxy)).toBe(unreadable);
      }
    });
  });

  test('W5 a header that is set and not deleted is that of who presents nothing', () =>
    withSettings(behind(), without(deleted), async (proxy) => {
      const { outcome, cpo, mo } = behind();
      expect(await outcome(cpo, { 'Client-Cert': sequenceOf(mo) }, proxy)).toBe('demo-cpo');
      expect(await outcome(undefined, { 'Client-Cert': sequenceOf(mo) }, proxy)).toBe('demo-mo');
    }));
});
