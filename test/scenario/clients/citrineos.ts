/**
 * CitrineOS 1.8 as it talks to a Hubject PKI: which requests it sends and how it reads answers,
 * written after what was seen of it.
 */

import { toPem } from '../../../src/pki/pem.ts';
import { pkijsCertificates } from '../../support/certs-only.ts';
import { type Exchange, exchange } from '../../support/https.ts';

export interface CitrineOsConfig {
  readonly baseUrl: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Who its process trusts, PEM. */
  readonly ca: string;
}

export interface CitrineOs {
  /** What it sends to a station in CertificateSigned. */
  certificateChain(csr: string): Promise<string>;
  /** What it installs as V2G root. */
  rootCertificate(): Promise<string>;
  /**
   * Its answer to a car: the last contract of the answer.
   * @param namespace as the station has named its schema
   */
  signedContractData(exiRequest: string, namespace: string): Promise<string>;
  /** The roots that it installs, PEM. */
  rootCertificates(): Promise<string[]>;
  readonly tokensAsked: () => number;
  /** As if somebody had revoked the token that it keeps. */
  spoilToken(): void;
}

/** What Node's fetch adds to the headers of its caller. */
const ofFetch = {
  'accept-language': '*',
  'sec-fetch-mode': 'cors',
  'user-agent': 'node',
  'accept-encoding': 'gzip, deflate',
};

export function citrineOs({ ca, ...config }: CitrineOsConfig): CitrineOs {
  let kept: { readonly token: string; readonly until: number } | undefined;
  let asked = 0;

  const newToken = async (): Promise<string> => {
    asked++;
    const answer = await exchange(
      config.tokenUrl,
      {
        method: 'POST',
        headers: { ...ofFetch, 'Content-Type': 'application/x-www-form-urlencoded', accept: '*/*' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: config.clientId,
          client_secret: config.clientSecret,
          audience: config.baseUrl,
        }).toString(),
      },
      { ca },
    );
    if (answer.status !== 200) throw new Error(`Get token: ${answer.status}: ${answer.text}`);
    const { access_token: token, expires_in: seconds = 3600 } = JSON.parse(answer.text);
    kept = { token, until: Date.now() + (seconds - 60) * 1000 };
    return token;
  };

  const currentToken = async (): Promise<string> =>
    kept !== undefined && Date.now() < kept.until ? kept.token : newToken();

  /** A token that is refused is dropped, and another one tried once. */
  const ask = async (
    what: string,
    path: string,
    request: { method: string; headers: Record<string, string>; body?: string },
  ): Promise<string> => {
    const once = async (): Promise<Exchange> => {
      const authorization = `Bearer ${await currentToken()}`;
      const headers = { ...ofFetch, ...request.headers, Authorization: authorization };
      return exchange(`${config.baseUrl}${path}`, { ...request, headers }, { ca });
    };
    let answer = await once();
    if (answer.status === 401 || answer.status === 403) {
      kept = undefined;
      answer = await once();
    }
    // Neither 201 nor 202 is what it waits for.
    if (answer.status !== 200) throw new Error(`${what}: ${answer.status}: ${answer.text}`);
    return answer.text;
  };

  const enrol = async (csr: string): Promise<string> => {
    const accept = { Accept: 'application/pkcs10', 'Content-Type': 'application/pkcs10' };
    const request = { method: 'POST', headers: accept, body: encodedContent(csr) };
    const [leaf] = certificatesIn(await ask('Sign', '/.well-known/cpo/simpleenroll', request));
    if (leaf === undefined) throw new Error('no certificate');
    return leaf;
  };

  const caCertificates = async (): Promise<string[]> =>
    certificatesIn(
      await ask('Get CA certificates', '/.well-known/cpo/cacerts', {
        method: 'GET',
        headers: {
          Accept: 'application/pkcs10, application/pkcs7',
          'Content-Transfer-Encoding': 'application/pkcs10',
        },
      }),
    );

  return {
    async certificateChain(csr) {
      const leaf = await enrol(csr);
      return [leaf, ...(await caCertificates()).slice(0, -1)].join('');
    },
    async rootCertificate() {
      return (await caCertificates()).pop() ?? '';
    },
    async signedContractData(certificateInstallationReq, xsdMsgDefNamespace) {
      const headers = { Accept: 'application/json', 'Content-Type': 'application/json' };
      const body = JSON.stringify({ certificateInstallationReq, xsdMsgDefNamespace });
      const request = { method: 'POST', headers, body };
      const text = await ask('Get signed contract data', '/v1/ccp/signedContractData', request);
      return JSON.parse(text).CCPResponse.emaidContent.at(-1).messageDef.certificateInstallationRes;
    },
    async rootCertificates() {
      const headers = { Accept: 'application/json' };
      const request = { method: 'GET', headers };
      const text = await ask('Get root certificates', '/v1/root/rootCerts', request);
      const list: { caCertificate: string }[] =
        JSON.parse(text).RootCertificateCollection.rootCertificates;
      // The text as it is, in one line.
      return list.map(
        ({ caCertificate }) =>
          `-----BEGIN CERTIFICATE-----\n${caCertificate}\n-----END CERTIFICATE-----`,
      );
    },
    tokensAsked: () => asked,
    spoilToken() {
      if (kept) kept = { ...kept, token: `${kept.token.slice(0, -4)}AAAA` };
    },
  };
}

/** Takes the armour and LF away, and nothing else: CR stays. */
const encodedContent = (csr: string): string =>
  csr
    .replace('-----BEGIN CERTIFICATE REQUEST-----', '')
    .replace('-----END CERTIFICATE REQUEST-----', '')
    .replaceAll('\n', '');

/** Node's decoder takes any layout. */
const certificatesIn = (text: string): string[] =>
  pkijsCertificates(Buffer.from(text, 'base64')).map((der) => toPem('CERTIFICATE', der));
