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
