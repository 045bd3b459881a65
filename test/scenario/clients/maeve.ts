/**
 * MaEVe as it talks to an OPCP PKI: which requests it sends and how it reads answers, written
 * after what was seen of it.
 */

import { verify, X509Certificate } from 'node:crypto';
import { readOcspResponse } from '../../../src/pki/ocsp/read-response.ts';
import { pkijsCertificates } from '../../support/certs-only.ts';
import { type Exchange, exchange } from '../../support/https.ts';

export interface MaeveConfig {
  readonly baseUrl: string;
  /** Its token service; `anew` after anything has failed. */
  readonly token: (anew: boolean) => Promise<string>;
  readonly ca: string;
}

/** How often it asks for a contract. */
const ATTEMPTS = 3;
/** Longer than any chain: by then MaEVe is in a circle that it never leaves. */
const ENDLESS = 20;

export interface MaeveContract {
  readonly exi: string;
  readonly emaid: string;
}

const ofGo = { 'User-Agent': 'Go-http-client/1.1', 'Accept-Encoding': 'gzip' };

/** What it sends to a station in CertificateSigned for this request (PEM). */
export async function maeveChain(
  { baseUrl, token, ca }: MaeveConfig,
  csr: string,
): Promise<string> {
  /** Once more with another token, whatever went wrong. */
  const twice = async (once: (token: string) => Promise<Exchange>): Promise<string> => {
    for (const anew of [false, true]) {
      const answer = await once(await token(anew));
      if (answer.status === 200) return answer.text;
    }
    throw new Error('failed after 2 attempts');
  };
  const body = csr.replaceAll(/-----[^-]+-----|\s/g, '');
  const enrolled = await twice((held) => {
    const headers = { ...credentials(held), 'Content-Type': 'application/pkcs10' };
    const url = `${baseUrl}/cpo/simpleenroll/ISO15118-2`;
    return exchange(url, { method: 'POST', headers, body }, { ca });
  });
  const above = await twice((held) =>
    exchange(`${baseUrl}/cpo/cacerts/ISO15118-2`, { headers: credentials(held) }, { ca }),
  );
  return leafAndChain(certificatesIn(enrolled), certificatesIn(above));
}

const credentials = (held: string) => ({
  ...ofGo,
  'X-Api-Key': held,
  Authorization: `Bearer ${held}`,
});

/**
 * What it answers a car: the first contract of the answer, which has to have an EMAID.
 * @param exiRequest base64
 */
export async function maeveContract(
  { baseUrl, token, ca }: MaeveConfig,
  exiRequest: string,
): Promise<MaeveContract> {
  const body = JSON.stringify({
    certificateInstallationReq: exiRequest,
    // Whatever the station has said.
    xsdMsgDefNamespace: 'urn:iso:15118:2:2013:MsgDef',
  });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const headers = {
      ...credentials(await token(attempt > 0)),
      'Content-Type': 'application/json',
    };
    const url = `${baseUrl}/v1/ccp/signedContractData`;
    const { status, text } = await exchange(url, { method: 'POST', headers, body }, { ca });
    if (status !== 200) continue;
    const { messageDef } = JSON.parse(text).CCPResponse.emaidContent[0];
    if (!messageDef.emaid) throw new Error('no emaid found');
    return { exi: messageDef.certificateInstallationRes, emaid: messageDef.emaid };
  }
  throw new Error(`failed after ${ATTEMPTS} attempts`);
}

/** The roots that it checks contracts against; one that cannot be read fails the whole list. */
export async function maeveRoots({ baseUrl, token, ca }: MaeveConfig): Promise<X509Certificate[]> {
  const headers = credentials(await token(false));
  const { status, text } = await exchange(`${baseUrl}/v1/root/rootCerts`, { headers }, { ca });
  if (status !== 200) throw new Error(`status ${status}`);
  const list: { caCertificate: string }[] =
    JSON.parse(text).RootCertificateCollection.rootCertificates;
  return list.map(({ caCertificate }) => new X509Certificate(octetsOf(caCertificate)));
}

/**
 * What it hears of a certificate: DER by POST, and the answer as Go's x/crypto reads it.
 * @param request OCSPRequest
 * @param issuer who has to have signed the responder's certificate
 */
export async function maeveStatus(
  url: string,
  request: Uint8Array,
  issuer: X509Certificate,
): Promise<string> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...ofGo, 'Content-Type': 'application/ocsp-request' },
    body: request,
  });
  const der = new Uint8Array(await answer.arrayBuffer());
  // Go writes a time that it has read anew and compares: fractions of a second do not survive.
  const times = [
    ...Buffer.from(der)
      .toString('latin1')
      .matchAll(/\D(20\d{10}[\d.]*Z)/g),
  ];
  if (times.length < 3 || times.some(([, time = '']) => !/^\d{14}Z$/.test(time))) {
    throw new Error('asn1: time did not serialize back to the original value');
  }
  const response = readOcspResponse(der);
  if (response.status !== 'successful') throw new Error(response.status);
  const [single, another] = response.data.responses;
  if (!single || another) throw new Error('OCSP response contains bad number of responses');
  const [embedded] = response.certificates.map((one) => new X509Certificate(one));
  if (embedded && !embedded.verify(issuer.publicKey)) throw new Error('bad signature on embedded');
  const signer = embedded ?? issuer;
  if (!verify('sha256', response.tbs, signer.publicKey, response.signature)) {
    throw new Error('bad OCSP signature');
  }
  return single.status.kind;
}

/** Go's base64.StdEncoding: CR and LF may be anywhere, nothing else, and padding must be there. */
function octetsOf(text: string): Buffer {
  const compact = text.replaceAll(/[\r\n]/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(compact)) {
    throw new Error('illegal base64 data');
  }
  return Buffer.from(compact, 'base64');
}

export const certificatesIn = (text: string): X509Certificate[] =>
  pkijsCertificates(octetsOf(text)).map((der) => new X509Certificate(der));

/** From issuer to issuer by the text of their names, self-signed ones left out. */
export function leafAndChain(
  [leaf]: readonly X509Certificate[],
  above: readonly X509Certificate[],
): string {
  if (leaf === undefined) throw new Error('no certificate');
  const issuers = above.filter(({ subject, issuer }) => subject !== issuer);
  const chain = [leaf];
  for (;;) {
    const current = chain.at(-1);
    const next = issuers.find(({ subject }) => subject === current?.issuer);
    if (next === undefined) break;
    chain.push(next);
    if (chain.length > ENDLESS) throw new Error('MaEVe would never come to an end');
  }
  const lines = ({ subject, issuer }: X509Certificate): string =>
    `subject: ${subject.replaceAll('\n', ',')}\nissuer: ${issuer.replaceAll('\n', ',')}\n`;
  return chain.map((one) => `${lines(one)}${one}`).join('');
}
