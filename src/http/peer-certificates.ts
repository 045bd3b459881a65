/** The certificates that the other end of a TLS connection has presented. */

import type { Socket } from 'node:net';
import { type DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { ServiceError } from '../services/errors.ts';

/** The leaf and nine above it: twice what any chain of charging has. */
const MAX_CERTIFICATES = 10;
/** Of one, DER; `readCertificate` reads no more. */
const MAX_CERTIFICATE_BYTES = 16 * 1024;

type Presented = readonly Uint8Array[] | undefined;

/** What a connection has presented, or the error for it: it does so once, without renegotiation. */
const known = new WeakMap<Socket, () => Presented>();

/**
 * What the peer has presented, DER, leaf first, then those that lead up from it by their names, as
 * far as the peer sent them. Undefined for none, also after a resumption.
 * @throws ServiceError `client-certificate-unreadable` for more than is looked at
 */
export function peerCertificates(socket: Socket): Presented {
  let answer = known.get(socket);
  if (!answer) {
    // Read once, even if it is too much: that is what costs.
    const chain = socket instanceof TLSSocket ? chainOf(socket) : [];
    answer = () => bounded(chain);
    known.set(socket, answer);
  }
  return answer();
}

/**
 * Node offers the chain in two ways; that of `getPeerX509Certificate` gives the whole only once, and
 * never frees it.
 */
function chainOf(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  const seen = new Set<DetailedPeerCertificate>();
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  // Empty without a certificate; a self-signed one is its own issuer.
  while (certificate?.raw && !seen.has(certificate) && chain.length <= MAX_CERTIFICATES) {
    seen.add(certificate);
    chain.push(Uint8Array.from(certificate.raw));
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

/** A chain within the limits, or none. */
export function bounded(chain: readonly Uint8Array[]): Presented {
  if (chain.length > MAX_CERTIFICATES) {
    throw unreadable(`the client has presented more than ${MAX_CERTIFICATES} certificates`);
  }
  if (chain.some(({ length }) => length > MAX_CERTIFICATE_BYTES)) {
    throw unreadable(`a certificate of the client has more than ${MAX_CERTIFICATE_BYTES} octets`);
  }
  return chain.length === 0 ? undefined : chain;
}

export const unreadable = (message: string) =>
  new ServiceError('client-certificate-unreadable', message);
