/** One request over a connection of its own, as programs other than ours send it. */

import type { IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { SecureVersion } from 'node:tls';

export interface Exchange {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Names of the headers as they were sent. */
  readonly names: readonly string[];
  readonly body: Buffer;
  readonly text: string;
}

export interface Connection {
  /** PEM of who is trusted. */
  readonly ca: string;
  /** PEM of the client's certificate, and of those above it if it sends them, and its key. */
  readonly cert?: string;
  readonly key?: string;
  readonly maxVersion?: SecureVersion;
}

/** @param request.headers are sent as they are, with a Content-Length where there is a body */
export function exchange(
  url: string | URL,
  request: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array;
  },
  connection: Connection,
): Promise<Exchange> {
  const body = request.body === undefined ? undefined : Buffer.from(request.body);
  const length = body === undefined ? {} : { 'Content-Length': String(body.length) };
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      url,
      {
        method: request.method ?? 'GET',
        headers: { ...length, ...request.headers },
        agent: false,
        ...connection,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const whole = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            names: response.rawHeaders.filter((_, index) => index % 2 === 0),
            body: whole,
            text: whole.toString('utf8'),
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
