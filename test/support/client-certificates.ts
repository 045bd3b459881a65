/** Certificates that clients of the API present in TLS, and calls that present them. */

import { readFileSync } from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Agent } from 'node:https';
import { join } from 'node:path';
import { fingerprint } from '../../src/pki/certificate.ts';
import { writeName } from '../../src/pki/names.ts';
import { toPem } from '../../src/pki/pem.ts';
import type { CertificateTemplate } from '../../src/pki/template.ts';
import { type Answer, callApi, type TestApp } from './app.ts';
import { commonName, generateKey, issue, type TestKey, templateFor } from './issuing.ts';

/** What a client presents: PEM, leaf first. */
export interface Presented {
  readonly key: string;
  readonly cert: string;
}

export interface LoginCertificate extends Presented {
  readonly der: Uint8Array;
  readonly sha256: string;
}

export const keyPem = ({ privateKey }: TestKey): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** A fresh certificate that has signed itself, unless `signer` is somebody else. */
export function loginCertificate(
  changes: Partial<CertificateTemplate> = {},
  { key = generateKey(), signer = key }: { key?: TestKey; signer?: TestKey } = {},
): LoginCertificate {
  const subject = changes.subject ?? commonName('csms-1.example');
  const template = templateFor(key, signer, {
    subject,
    issuerName: writeName(subject),
    ...changes,
  });
  const { der } = issue(template, signer);
  return {
    key: keyPem(key),
    cert: toPem('CERTIFICATE', der),
    der,
    sha256: fingerprint(der),
  };
}

/** Calls the API on a connection of its own, with this certificate or none, and no token. */
export const callPresenting = (
  { app, dataDir }: Pick<TestApp, 'app' | 'dataDir'>,
  presented: Presented | undefined,
  method: string,
  path: string,
  {
    body,
    headers = {},
    agent = false,
  }: {
    readonly body?: unknown;
    readonly headers?: OutgoingHttpHeaders;
    readonly agent?: Agent | false;
  } = {},
): Promise<Answer> => {
  const ca = readFileSync(join(dataDir, 'api-ca.pem'), 'utf8');
  return callApi(new URL(path, app.apiUrl), ca, method, body, headers, {
    agent,
    ...(presented ? { key: presented.key, cert: presented.cert } : {}),
  });
};
