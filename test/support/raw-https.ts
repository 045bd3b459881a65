/** HTTPS as bytes: what is sent as it is written, what comes back as it came. */

import { type ConnectionOptions, connect } from 'node:tls';

export interface RawAnswer {
  /** Everything that came. */
  readonly raw: string;
  readonly status: number;
  /** Names in the case in which they came, in their order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Latin-1. */
  readonly body: string;
}

export interface RawRequest {
  readonly method?: string;
  readonly target: string;
  /** As they are sent; Host and Connection: close come with all, Content-Length with a body. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
}

const GIVE_UP = 60_000;

/** Sends one request on a connection of its own; resolves when that is over. */
export function sendRaw(connection: ConnectionOptions, asked: RawRequest): Promise<RawAnswer> {
  const { method = 'GET', target, headers = [], body } = asked;
  const octets = body === undefined ? undefined : Buffer.from(body as string, 'latin1');
  const isChunked = headers.some(([name]) => name.toLowerCase() === 'transfer-encoding');
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(octets && !isChunked ? [`Content-Length: ${octets.length}`] : []),
  ];
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ servername: 'localhost', ...connection });
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), GIVE_UP);
    socket.on('secureConnect', () => {
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      if (octets) socket.write(octets);
    });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    let failure: Error | undefined;
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('close', () => {
      clearTimeout(timer);
      const raw = Buffer.concat(chunks).toString('latin1');
      // Whoever is answered before all is sent may be cut off.
      if (raw === '') reject(failure ?? new Error('nothing came'));
      else resolve(parsed(raw));
    });
  });
}

function parsed(raw: string): RawAnswer {
  const end = raw.indexOf('\r\n\r\n');
  const [first = '', ...lines] = raw.slice(0, end).split('\r\n');
  return {
    raw,
    status: Number(first.split(' ')[1]),
    headers: lines.map((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)] as const;
    }),
    body: raw.slice(end + 4),
  };
}

/** The only value of a header, by its exact name. */
export function headerOf({ headers }: RawAnswer, name: string): string | undefined {
  const values = headers.filter(([other]) => other === name);
  if (values.length > 1) throw new Error(`several ${name}`);
  return values[0]?.[1];
}
