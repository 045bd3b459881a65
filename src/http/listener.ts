/** A listening server: limits that no client can talk it out of, and an end that loses nothing. */

import { constants } from 'node:crypto';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { networkOf } from '../identifiers/ip-network.ts';

export interface TlsIdentity {
  /** PEM, PKCS#8. */
  readonly key: string;
  /** PEM, leaf first. */
  readonly chain: string;
}

export interface Listener {
  readonly address: AddressInfo;
  /** Stops accepting, lets running requests finish, and ends idle connections. */
  close(): Promise<void>;
  /** Ends what is still running. */
  abort(): void;
  /** TLS listeners: what new connections are shown from now on. */
  present(identity: TlsIdentity): void;
}

/** A port that cannot be used; the message names the setting to change. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** The setting that moves the port, for the message when it is taken. */
  readonly setting: string;
  readonly handle: RequestListener;
  readonly tls?: TlsIdentity;
  /**
   * Asks clients for a certificate and takes any, or none: who it is and whether it holds is judged
   * elsewhere, for each request. `socket.authorized` says nothing here.
   */
  readonly asksForCertificate?: boolean;
  /** Connections that one address (IPv6: /64) may have at a time; undefined or 0 for any number. */
  readonly perAddress?: number;
  /** Hears of connections that were too many, of one address or in all. */
  readonly refused?: (limit: 'address' | 'all') => void;
  /** For tests, which cannot wait as long as clients may. */
  readonly limits?: Partial<typeof LIMITS>;
}

// Forward-secret AEAD suites; Node's defaults still contain CBC.
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

/** The same for every certificate that the listener ever presents. */
const TLS_OPTIONS: SecureContextOptions = {
  ciphers: CIPHERS,
  minVersion: 'TLSv1.2',
  honorCipherOrder: true,
  // No authorities: OpenSSL is not to judge clients, nor to look for certificates that they have not
  // sent, and the handshake names none, since clients keep back what does not fit a name.
  ca: [],
  // A resumed connection has lost its client certificate; a renegotiated one could change it.
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
};
/** Node waits two minutes for a handshake, and its own request limits begin only after it. */
const HANDSHAKE_TIMEOUT = 10_000;

export const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  // How often the two are looked at.
  connectionsCheckingInterval: 5_000,
  /** In all. */
  maxConnections: 2_000,
};

/** @throws ListenError when the address is taken or not allowed */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { tls, handle } = options;
  const { maxConnections, ...limits } = { ...LIMITS, ...options.limits };
  const server = tls
    ? createTlsServer({
        ...limits,
        ...TLS_OPTIONS,
        requestCert: options.asksForCertificate ?? false,
        rejectUnauthorized: false,
        handshakeTimeout: HANDSHAKE_TIMEOUT,
        key: tls.key,
        cert: tls.chain,
      })
    : createServer(limits);
  const closing = closeable(server);
  if (options.perAddress) limitPerAddress(server, options.perAddress, options.refused);
  server.on('drop', () => options.refused?.('all'));
  server.on('request', handle);
  server.maxRequestsPerSocket = 10_000;
  server.maxConnections = maxConnections;
  server.keepAliveTimeout = 20_000;
  await bound(server, options);
  return {
    address: server.address() as AddressInfo,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        closing();
      }),
    abort: () => server.closeAllConnections(),
    present: ({ key, chain }) => {
      // Replaces everything: what is not said again here falls back to Node's defaults.
      if (tls) (server as TlsServer).setSecureContext({ ...TLS_OPTIONS, key, cert: chain });
    },
  };
}

/**
 * Ends connections of an address that has too many as soon as they are accepted, before anything
 * is spent on TLS: one address that opens all and says nothing would keep everybody else out.
 */
function limitPerAddress(
  server: Server | TlsServer,
  limit: number,
  refused: ListenOptions['refused'],
): void {
  const open = new Map<string, number>();
  // Node's own listener, which would begin with TLS or HTTP: it comes after ours, or not at all.
  const accepts = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const network = networkOf(socket.remoteAddress ?? '');
    const others = open.get(network) ?? 0;
    if (others >= limit) {
      socket.destroy();
      refused?.('address');
      return;
    }
    open.set(network, others + 1);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left > 0) open.set(network, left);
      else open.delete(network);
    });
    for (const accept of accepts) accept.call(server, socket);
  });
}

/**
 * Lets go of connections once the server is closing: clients that keep theirs alive and always have
 * a next request would hold it open until they are cut off in the middle of one.
 * @returns begins to do so
 */
function closeable(server: Server | TlsServer): () => void {
  const responses = new Set<ServerResponse>();
  let isClosing = false;
  server.on('request', (_request: IncomingMessage, response: ServerResponse) => {
    if (isClosing) response.setHeader('Connection', 'close');
    responses.add(response);
    response.once('close', () => {
      responses.delete(response);
      if (isClosing) setImmediate(() => server.closeIdleConnections());
    });
  });
  return () => {
    isClosing = true;
    for (const response of responses) {
      if (!response.headersSent) response.setHeader('Connection', 'close');
    }
    server.closeIdleConnections();
  };
}

function bound(server: Server | TlsServer, options: ListenOptions): Promise<void> {
  const { host, port, setting } = options;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${error.code})`;
      reject(new ListenError(`${host}:${port} ${reason}; set ${setting} to another port`));
    });
    server.listen(port, host, () => resolve());
  });
}
