/**
 * MaEVe as it talks to an OPCP PKI: which requests it sends and how it reads answers, written
 * after what was seen of it.
 */

import { X509Certificate } from 'node:crypto';
import { pkijsCertificates } from '../../support/certs-only.ts';
import { type Exchange, exchange } from '../../support/https.ts';

export interface MaeveConfig {
  readonly baseUrl: string;
  /** Its token service; `anew` after anything has failed. */
  readonly token: (anew: boolean) => Promise<string>;
  readonly ca: string;
}

/** Longer than any chain: by then MaEVe is in a circle that it never leaves. */
const ENDLESS = 20;

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
  const credentials = (held: string) => ({
    ...ofGo,
    'X-Api-Key': held,
    Authorization: `Bearer ${held}`,
  });

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

/** Go's base64.StdEncoding: CR and LF may be anywhere, nothing else, and padding must be there. */
export function certificatesIn(text: string): X509Certificate[] {
  const compact = text.replaceAll(/[\r\n]/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(compact)) {
    throw new Error('illegal base64 data');
  }
  return pkijsCertificates(Buffer.from(compact, 'base64')).map((der) => new X509Certificate(der));
}

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
