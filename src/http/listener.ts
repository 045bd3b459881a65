/** A listening server: limits that no client can talk it out of, and an end that loses nothing. */

import { constants } from 'node:crypto';
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

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

const LIMITS = { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 30_000 };

/** @throws ListenError when the address is taken or not allowed */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { tls, handle } = options;
  const server = tls
    ? createTlsServer(
        {
          ...LIMITS,
          key: tls.key,
          cert: tls.chain,
          ciphers: CIPHERS,
          minVersion: 'TLSv1.2',
          honorCipherOrder: true,
          // A resumed connection has lost its client certificate.
          secureOptions: constants.SSL_OP_NO_TICKET,
        },
        handle,
      )
    : createServer(LIMITS, handle);
  server.maxRequestsPerSocket = 10_000;
  server.keepAliveTimeout = 20_000;
  await bound(server, options);
  return {
    address: server.address() as AddressInfo,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    abort: () => server.closeAllConnections(),
    present: ({ key, chain }) => {
      if (tls) (server as TlsServer).setSecureContext({ key, cert: chain, ciphers: CIPHERS });
    },
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
