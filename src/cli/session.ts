/** Calls on behalf of a logged-in client; the token lives in memory only. */

import type { Token } from './api-bodies.ts';
import { type Answer, type Client, connect } from './client.ts';
import { type Credentials, requireCredentials } from './credentials.ts';
import { usageFailure } from './failure.ts';
import type { Io } from './io.ts';

/** A token this close to its end is replaced, in milliseconds: the call still takes some time. */
const TOKEN_MARGIN = 30_000;

export interface Session {
  /** The body of the answer, which openapi.yaml describes. */
  get<T>(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<T>;
  /** Without a time, an answer is waited for as long as for any other. */
  post(path: string, body?: unknown, timeoutMilliseconds?: number): Promise<Answer>;
  put(path: string, body?: unknown): Promise<Answer>;
  patch(path: string, body: unknown): Promise<Answer>;
  delete(path: string): Promise<Answer>;
}

/** Runs `use` with the stored credentials. */
export async function withSession<T>(io: Io, use: (session: Session) => Promise<T>): Promise<T> {
  const credentials = await requireCredentials(io);
  const client = connect(credentials);
  try {
    return await use(openSession(client, credentials, io.clock));
  } finally {
    client.close();
  }
}

/** The path of one thing; an id that would lead to another path is refused. */
export function pathOf(collection: string, id: string): string {
  if (/^\.{0,2}$/.test(id)) throw usageFailure(`"${id}" is no id`);
  return `${collection}/${encodeURIComponent(id)}`;
}

/** Gets a token, which proves the credentials. */
export async function proveCredentials(credentials: Credentials): Promise<void> {
  const client = connect(credentials);
  try {
    await fetchToken(client, credentials);
  } finally {
    client.close();
  }
}

function openSession(client: Client, credentials: Credentials, clock: Io['clock']): Session {
  let token: { readonly value: string; readonly until: number } | undefined;
  const currentToken = async (): Promise<string> => {
    const now = clock().getTime();
    if (token && now < token.until) return token.value;
    const { access_token: value, expires_in: seconds } = await fetchToken(client, credentials);
    token = { value, until: now + seconds * 1000 - TOKEN_MARGIN };
    return value;
  };
  return {
    async get<T>(path: string, query: Readonly<Record<string, string | undefined>> = {}) {
      const given = Object.entries(query).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      );
      const search = given.length > 0 ? `?${new URLSearchParams(given)}` : '';
      const token = await currentToken();
      const { body } = await client.send({ method: 'GET', path: `${path}${search}`, token });
      return body as T;
    },
    async post(path, body, timeoutMilliseconds) {
      const timeout = timeoutMilliseconds === undefined ? {} : { timeoutMilliseconds };
      return client.send({ method: 'POST', path, body, token: await currentToken(), ...timeout });
    },
    async put(path, body) {
      return client.send({ method: 'PUT', path, body, token: await currentToken() });
    },
    async patch(path, body) {
      return client.send({ method: 'PATCH', path, body, token: await currentToken() });
    },
    async delete(path) {
      return client.send({ method: 'DELETE', path, token: await currentToken() });
    },
  };
}

async function fetchToken(client: Client, credentials: Credentials): Promise<Token> {
  const { body } = await client.send({
    method: 'POST',
    path: '/oauth/token',
    body: {
      grant_type: 'client_credentials',
      client_id: credentials.clientId,
      client_secret: credentials.clientSecret,
    },
  });
  return body as Token;
}
