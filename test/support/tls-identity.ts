/** What a TLS server shows, signed by itself. */

import { writeName } from '../../src/pki/names.ts';
import { toPem } from '../../src/pki/pem.ts';
import { commonName, generateKey, issue, templateFor } from './issuing.ts';

export interface Identity {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
}

const DAY = 86_400_000;
/** The TLS library looks at the real clock; certificates know whole seconds. */
const NOW = Math.floor(Date.now() / 1000) * 1000;

export function selfSigned(host: string): Identity {
  const key = generateKey();
  const template = templateFor(key, key, {
    issuerName: writeName(commonName('Test')),
    subject: commonName('Test'),
    notBefore: new Date(NOW - DAY),
    notAfter: new Date(NOW + DAY),
    extensions: {
      subjectAltName: { critical: false, names: [{ kind: 'dns', value: host }] },
    },
  });
  return {
    key: key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    cert: toPem('CERTIFICATE', issue(template, key).der),
  };
}
