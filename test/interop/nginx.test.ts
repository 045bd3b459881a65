/** nginx in front of evpki, with the settings of docs/client-certificates.md. */

import { describe, expect, test } from 'vitest';
import { without, withSettings } from '../support/behind-proxy.ts';
import { mayBeMissing, nginx } from '../support/proxies.ts';
import { testProxyPromises } from '../support/proxy-promises.ts';

const behind = testProxyPromises(nginx, {
  passesUnknownCritical: true,
  resuming: without('ssl_session_tickets off;'),
  letting: without('proxy_set_header Client-Cert $ssl_client_escaped_cert;'),
  lettingChains: without('proxy_set_header Client-Cert-Chain "";'),
});

describe.skipIf(mayBeMissing(nginx))('without error_page', () => {
  test('nginx turns away what evpki would have judged', () =>
    withSettings(behind(), without('error_page 495 = @evpki;'), async (proxy) => {
      const { key, whole, leaf } = await behind().station('ISO15118-20', 'P-521', 'DE*DEM*E4');
      const { outcome } = behind();
      expect(await outcome({ key, cert: leaf }, {}, proxy)).toBe('403 not-permitted');
      expect(await outcome({ key, cert: whole }, {}, proxy)).toMatch(/^400 <html>/);
    }));
});
