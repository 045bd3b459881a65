/** Somebody who speaks EST with a running evpki, byte by byte. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { type Certificate, readCertificate } from '../../src/pki/certificate.ts';
import { readCertsOnly } from '../../src/pki/cms/certs-only.ts';
import { readPemBlocks } from '../../src/pki/pem.ts';
import type { KeyAlgorithm } from '../../src/pki/public-key.ts';
import type { TestApp } from './app.ts';
import { freshKeyPair, type KeyPair } from './public-keys.ts';
import { type RawAnswer, type RawRequest, sendRaw } from './raw-https.ts';
import { newRequest } from './requests.ts';

export interface EstRequest extends RawRequest {
  /** PEM of what the client presents, and its key. */
  readonly presented?: { readonly cert: string; readonly key: string };
  readonly tls?: ConnectionOptions;
}

/** How TLS reaches the API of an evpki. */
export function apiConnection({ app, dataDir }: Pick<TestApp, 'app' | 'dataDir'>) {
  const { hostname, port } = new URL(app.apiUrl);
  return {
    ...{ host: hostname, port: Number(port), servername: hostname },
    ca: readFileSync(join(dataDir, 'api-ca.pem'), 'utf8'),
  };
}

/** Sends one request on a connection of its own; POST where it has a body. */
export const askEst = (
  evpki: Pick<TestApp, 'app' | 'dataDir'>,
  { presented, tls, ...request }: EstRequest,
): Promise<RawAnswer> =>
  sendRaw(
    { ...apiConnection(evpki), ...presented, ...tls },
    { method: request.body === undefined ? 'GET' : 'POST', ...request },
  );

/** The certificates of an answer, in their order. */
export function certificatesIn({ status, body, raw }: RawAnswer): Certificate[] {
  if (status !== 200) throw new Error(raw);
  const read = readCertsOnly(Buffer.from(body, 'base64'));
  if (!read.ok) throw new Error(JSON.stringify(read.violations));
  return read.value.map((der) => readCertificate(der));
}

export interface EstApplication {
  readonly pair: KeyPair;
  /** The key, PEM. */
  readonly key: string;
  /** The request in base64, one line. */
  readonly body: string;
  /** The same in DER and PEM. */
  readonly der: Uint8Array;
  readonly pem: string;
}

/** A request with a key of its own. */
export function application(
  subject: string | readonly string[],
  algorithm: KeyAlgorithm = 'P-256',
): EstApplication {
  const pair = freshKeyPair(algorithm);
  const pem = newRequest(subject, { key: algorithm, pair });
  const [block] = readPemBlocks(pem);
  if (!block) throw new Error('no request');
  return {
    ...{ pair, pem, der: block.der, body: Buffer.from(block.der).toString('base64') },
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

export const bearer = (token: string) => ['Authorization', `Bearer ${token}`] as const;
export const basic = (user: string, password: string) =>
  ['Authorization', `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`] as const;
