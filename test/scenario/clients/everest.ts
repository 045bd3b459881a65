/**
 * EVerest's OPCP client, with which a charger talks to a PKI itself: which requests it sends and
 * how it reads answers, written after what was seen of it.
 */

import { type KeyObject, X509Certificate } from 'node:crypto';
import { pkijsCertificates } from '../../support/certs-only.ts';
import { type Connection, exchange } from '../../support/https.ts';

export type Enrolled =
  | { readonly outcome: 'leaf'; readonly leaf: X509Certificate }
  /** It does not try again with the same credentials. */
  | { readonly outcome: 'auth-rejected'; readonly status: number }
  | { readonly outcome: 'failed'; readonly status: number; readonly text: string };

/** Those of libcurl, which names itself only where it is told to. */
const headers = {
  'Content-Type': 'application/pkcs10',
  'Content-Transfer-Encoding': 'base64',
  Accept: 'application/pkcs7-mime',
};

/**
 * @param key the public key of the request: the leaf is the certificate that has it
 * @param token undefined for a renewal, where the connection says who it is
 */
export async function everestEnrol(
  url: string,
  csr: Uint8Array,
  key: KeyObject,
  token: string | undefined,
  connection: Connection,
): Promise<Enrolled> {
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const body = Buffer.from(csr).toString('base64');
  const request = { method: 'POST', headers: { ...headers, ...authorization }, body };
  const { status, text, body: octets } = await exchange(url, request, connection);
  if (status === 401 || status === 403) return { outcome: 'auth-rejected', status };
  if (status < 200 || status > 299) return { outcome: 'failed', status, text };
  const spki = key.export({ format: 'der', type: 'spki' });
  const leaf = everestCertificates(octets).find(({ publicKey }) =>
    publicKey.export({ format: 'der', type: 'spki' }).equals(spki),
  );
  return leaf ? { outcome: 'leaf', leaf } : { outcome: 'failed', status, text: 'no leaf' };
}

export interface EverestToken {
  readonly token: string;
  /** Of every claim whose name ends in `/role`, and of `roles`. */
  readonly roles: readonly string[];
}

/** @throws Error with `error_description` or `error` of the answer */
export async function everestToken(
  authUrl: string,
  apiUrl: string,
  client: { readonly clientId: string; readonly clientSecret: string },
  connection: Connection,
): Promise<EverestToken> {
  const body = JSON.stringify({
    ...{ audience: apiUrl, client_id: client.clientId, client_secret: client.clientSecret },
    grant_type: 'client_credentials',
  });
  const sent = { 'Content-Type': 'application/json', Accept: 'application/json' };
  const { status, text } = await exchange(
    authUrl,
    { method: 'POST', headers: sent, body },
    connection,
  );
  const answer = JSON.parse(text);
  if (status !== 200) throw new Error(answer.error_description ?? answer.error);
  for (const name of ['access_token', 'expires_in', 'scope', 'token_type']) {
    if (answer[name] === undefined) throw new Error(`no ${name}`);
  }
  const [, payload = ''] = answer.access_token.split('.');
  const claims: Record<string, string[]> = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const roles = Object.entries(claims).flatMap(([name, values]) =>
    name.endsWith('/role') ? values : [],
  );
  return { token: answer.access_token, roles };
}

/** Registers a charger, which has to be before it enrols. */
export async function everestRegister(
  apiUrl: string,
  token: string,
  commonName: string,
  evseISOversion: string,
  connection: Connection,
): Promise<number> {
  const body = JSON.stringify({
    ...{ commonName, manufacture: 'Pionix', deviceName: 'Charger', deviceSWVersion: '1.2' },
    ...{ evseSerialNumber: 'SN-1', evseID: [commonName], evseISOversion, ocppVersion: '2.0.1' },
    chargeBoxSerialNumber: `CB-${commonName}`,
  });
  const sent = {
    ...{ 'Content-Type': 'application/json', Accept: 'application/json' },
    Authorization: `Bearer ${token}`,
  };
  const url = `${apiUrl}/v1/vra/cpo/endEntities`;
  return (await exchange(url, { method: 'PUT', headers: sent, body }, connection)).status;
}

/** The roots of a type that it knows; what it cannot read, or does not know, it drops. */
export async function everestRoots(
  apiUrl: string,
  token: string,
  rootType: 'v2g' | 'mo' | 'oem' | undefined,
  connection: Connection,
): Promise<X509Certificate[]> {
  const query = rootType === undefined ? '' : `?rootType=${rootType}`;
  const sent = { Accept: 'application/json', Authorization: `Bearer ${token}` };
  const url = `${apiUrl}/v1/root/rootCerts${query}`;
  const { status, text } = await exchange(url, { headers: sent }, connection);
  if (status < 200 || status > 299) throw new Error(`rootCerts: ${status}`);
  const list: { rootType: string; caCertificate: string }[] =
    JSON.parse(text).RootCertificateCollection.rootCertificates;
  return list
    .filter((one) => ['V2G', 'MO', 'OEM'].includes(one.rootType.toUpperCase()))
    .map(({ caCertificate }) => new X509Certificate(fromBase64(caCertificate)));
}

/** With a client certificate where it has one, as for everything that it asks then. */
export async function everestCaCertificates(
  url: string,
  connection: Connection,
): Promise<X509Certificate[]> {
  const { status, body } = await exchange(url, { headers: { Accept: headers.Accept } }, connection);
  if (status < 200 || status > 299) throw new Error(`cacerts: ${status}`);
  return everestCertificates(body);
}

/** Certificates in PEM, CMS in PEM or base64 with any white space, or one certificate in DER. */
function everestCertificates(body: Buffer): X509Certificate[] {
  const text = body.toString('latin1');
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^-]+)-----END/g)];
  const certificates = blocks.filter(([, label]) => label === 'CERTIFICATE');
  if (certificates.length > 0) {
    return certificates.map(([, , inside = '']) => new X509Certificate(fromBase64(inside)));
  }
  const cms = blocks.find(([, label]) => label === 'PKCS7')?.[2] ?? text;
  if (/^[A-Za-z0-9+/=\s]+$/.test(cms)) {
    return pkijsCertificates(fromBase64(cms)).map((der) => new X509Certificate(der));
  }
  return [new X509Certificate(body)];
}

const fromBase64 = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'base64');

/**
 * What it installs: the leaf and those above it by name and signature, whatever their order. The
 * root is left out; it has to be installed already.
 * @throws Error where the chain does not reach it
 */
export function everestChain(
  leaf: X509Certificate,
  candidates: readonly X509Certificate[],
  root: X509Certificate,
): X509Certificate[] {
  const chain = [leaf];
  const unused = new Set(candidates);
  for (;;) {
    const current = chain.at(-1) as X509Certificate;
    if (current.checkIssued(root) && current.verify(root.publicKey)) return chain;
    const next = [...unused].find(
      (one) => current.checkIssued(one) && current.verify(one.publicKey),
    );
    if (next === undefined) throw new Error(`nothing above ${current.subject}`);
    unused.delete(next);
    chain.push(next);
  }
}
