/**
 * What a client has presented in TLS: to us, or to a proxy in front that passes it on in a header.
 * A header counts only from a proxy that is known by its own client certificate; whoever else sends
 * one is turned away, whatever else the request carries (docs/adr/0027-client-certificates.md).
 */

import type { IncomingMessage } from 'node:http';
import { fingerprint } from '../pki/certificate.ts';
import { TurnedAway } from '../services/refusals.ts';
import { forwardedCertificate, headerNames } from './forwarded-certificate.ts';
import { peerCertificates } from './peer-certificates.ts';

/**
 * What the peer of a request presented: DER, leaf first; of a proxy, what its header says that the
 * client presented, and never the certificate of the proxy itself. Undefined: none. TLS has proven
 * that the peer has the leaf's key; nothing else is checked. May be asked as often as one likes: the
 * work is done once for each request.
 * @throws ServiceError `proxy-not-trusted` for a header from anybody but a proxy,
 *   `client-certificate-unreadable` for one that is doubled, junk or too much
 */
export type ClientCertificateOf = (
  request: IncomingMessage,
) => Promise<readonly Uint8Array[] | undefined>;

export interface ProxyParts {
  /** The header in which proxies pass on the leaf; with `-Chain` behind it, what is above. */
  readonly header: string;
  /** Whether this is the certificate of a proxy, by its SHA-256 (hex). */
  readonly isProxy: (sha256: string) => boolean;
  /** Whether a proxy's certificate (DER) holds now: its time, and our records of its revocation. */
  readonly holds: (certificate: Uint8Array) => Promise<boolean>;
}

export function clientCertificates(parts: ProxyParts): ClientCertificateOf {
  const names = headerNames(parts.header);
  const known = new WeakMap<IncomingMessage, ReturnType<ClientCertificateOf>>();
  return (request) => {
    const before = known.get(request);
    if (before) return before;
    const found = presented(parts, names, request);
    // Whoever asks hears of it; that nobody does is no reason to end the process.
    found.catch(() => undefined);
    known.set(request, found);
    return found;
  };
}

async function presented(
  parts: ProxyParts,
  names: ReturnType<typeof headerNames>,
  request: IncomingMessage,
): ReturnType<ClientCertificateOf> {
  const peer = peerCertificates(request.socket);
  const [leaf] = peer ?? [];
  const isProxy = leaf !== undefined && parts.isProxy(fingerprint(leaf));
  if (!names.all.some((name) => request.headers[name] !== undefined)) {
    return isProxy ? undefined : peer;
  }
  if (!isProxy) throw notTrusted('proxy-not-trusted');
  if (!(await parts.holds(leaf))) throw notTrusted('proxy-ended');
  return forwardedCertificate(names, request.rawHeaders);
}

const notTrusted = (reason: 'proxy-not-trusted' | 'proxy-ended') =>
  new TurnedAway('proxy-not-trusted', 'client certificates are taken from known proxies only', {
    reason,
  });
