import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * The channel binding `tls-unique` (RFC 5929 3.1) of a connection: the first Finished message of
 * its handshake, which the client sends, and the server where an earlier session is resumed.
 * @returns undefined where there is none: without TLS, and with TLS 1.3 (RFC 8446 C.5)
 */
export function tlsUniqueOf(socket: Socket): Uint8Array | undefined {
  if (!(socket instanceof TLSSocket) || socket.getProtocol() !== 'TLSv1.2') return undefined;
  return socket.isSessionReused() ? socket.getFinished() : socket.getPeerFinished();
}
