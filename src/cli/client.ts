/** HTTPS to the API of one service, trusting the one CA that was stored for it. */

import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { Problem } from './api-bodies.ts';
import { exitStatus, Failure, problemFailure } from './failure.ts';

const TIMEOUT_MILLISECONDS = 30_000;
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

export interface Service {
  /** Without a slash at its end. */
  readonly url: string;
  /** PEM of the CA that the service's certificate is from; no other is trusted. */
  readonly ca: string;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly token?: string;
  /** For what takes its time. */
  readonly timeoutMilliseconds?: number;
}

export interface Answer {
  readonly status: number;
  /** Undefined when there is none, as with 204. */
  readonly body: unknown;
}

export interface Client {
  /** Throws Failure for problems, for what is no answer of evpki, and when there is none. */
  send(call: Call): Promise<Answer>;
  close(): void;
}

export function connect({ url, ca }: Service): Client {
  // Said explicitly: otherwise NODE_TLS_REJECT_UNAUTHORIZED=0 would turn the check off.
  const agent = new Agent({ ca, rejectUnauthorized: true, minVersion: 'TLSv1.2', keepAlive: true });
  return {
    async send(call) {
      const { response, text } = await exchange(url, agent, call);
      return readAnswer(url, response, text);
    },
    close: () => agent.destroy(),
  };
}

function exchange(
  url: string,
  agent: Agent,
  { method, path, body, token, timeoutMilliseconds = TIMEOUT_MILLISECONDS }: Call,
): Promise<{ response: IncomingMessage; text: string }> {
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(unreachable(url, error, timeoutMilliseconds));
    const outgoing = request(
      new URL(url + path),
      {
        method,
        agent,
        signal: AbortSignal.timeout(timeoutMilliseconds),
        headers: {
          accept: 'application/json, application/problem+json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(content === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': content.length }),
        },
      },
      (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        response.on('data', (part: Buffer) => {
          parts.push(part);
          size += part.length;
          if (size > MAX_ANSWER_BYTES) response.destroy(new Error('the answer is too large'));
        });
        response.on('error', fail);
        response.on('end', () => resolve({ response, text: Buffer.concat(parts).toString() }));
      },
    );
    outgoing.on('error', fail);
    outgoing.end(content);
  });
}

function readAnswer(url: string, { statusCode = 0 }: IncomingMessage, text: string): Answer {
  if (statusCode === 204) return { status: statusCode, body: undefined };
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (statusCode >= 200 && statusCode < 300 && body !== undefined) {
    return { status: statusCode, body };
  }
  if (isProblem(body)) throw problemFailure(body);
  throw new Failure(exitStatus.unknown, `${url} answered ${statusCode}, but not as evpki does`, {
    remedy: 'Check that the URL is that of the API listener, and what stands in between.',
  });
}

const isProblem = (body: unknown): body is Problem =>
  typeof body === 'object' &&
  body !== null &&
  ['code', 'detail', 'remedy', 'requestId'].every(
    (name) => typeof (body as Record<string, unknown>)[name] === 'string',
  );

/** A failure of the network or of TLS, told by what one can do about it. */
function unreachable(url: string, error: NodeJS.ErrnoException, timeout: number): Failure {
  const { code = '' } = error;
  if (/^(CERT_|UNABLE_TO_|INVALID_|ERR_TLS_)|SELF_SIGNED/.test(code)) {
    return new Failure(
      exitStatus.unreachable,
      `the certificate of ${url} is not to be trusted (${code})`,
      {
        remedy:
          'If the service was set up anew, log in again with its CA: `evpki login --ca FILE`; it is api-ca.pem in the data directory.',
      },
    );
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    return new Failure(
      exitStatus.unreachable,
      `${url} does not speak TLS as evpki does (${code})`,
      {
        remedy: 'Check that the port is that of the API, not of the public listener.',
      },
    );
  }
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'no such host',
    ABORT_ERR: `no answer within ${timeout / 1000} s`,
  };
  const reason = reasons[code] ?? `${error.message}${code ? ` (${code})` : ''}`;
  return new Failure(exitStatus.unreachable, `cannot reach ${url}: ${reason}`, {
    remedy: 'Start the service with `npm start`, or log in where it is: `evpki login --url URL`.',
  });
}
