/**
 * The one way in which evpki asks servers whose URL somebody else has chosen (W7). A host has to be
 * allowed; its name is resolved once, and what is connected to is what was looked at; each of its
 * addresses has to be of the public internet unless the operator has listed the host as internal;
 * redirects are not followed; time and size are bounded; no proxy, no cookies, no kept connections.
 */

import { lookup as lookUp } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { parseIpAddress } from '../identifiers/ip-address.ts';
import { isPublicAddress } from '../identifiers/public-address.ts';
import type {
  AskOutbound,
  OutboundAnswer,
  OutboundFailure,
  OutboundRequest,
} from '../services/outbound.ts';
import { type HostRule, isListed } from './hosts.ts';

export interface FetcherOptions {
  /** Hosts that URLs out of certificates and messages may name. */
  readonly listed: readonly HostRule[];
  /** Hosts that may have addresses that are not public. Being listed is another question. */
  readonly internal: readonly HostRule[];
  /** What servers' certificates are verified with beside Node's own roots, PEM. */
  readonly trusted?: string;
  /** All addresses of a name; the system's resolver unless a test brings another. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

class Failed extends Error {
  readonly failure: OutboundFailure;
  constructor(failure: OutboundFailure) {
    super(failure);
    this.failure = failure;
  }
}

export function createFetcher(options: FetcherOptions): AskOutbound {
  const { resolve = systemAddresses } = options;
  return async (wanted) => {
    const deadline = AbortSignal.timeout(wanted.timeoutMilliseconds);
    try {
      const url = urlOf(wanted.url);
      const host = url.hostname.replace(/^\[|\]$/g, '');
      const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
      if (wanted.reach === 'listed' && !isListed(options.listed, host, port)) {
        throw new Failed('host-not-allowed');
      }
      const addresses = await until(deadline, addressesOf(host, resolve));
      if (!isListed(options.internal, host, port) && !addresses.every(isPublic)) {
        throw new Failed('address-not-public');
      }
      return await ask(wanted, { url, host, port, addresses, deadline, options });
    } catch (error) {
      if (error instanceof Failed) return { ok: false, failure: error.failure };
      if (deadline.aborted) return { ok: false, failure: 'timed-out' };
      return { ok: false, failure: isTlsFailure(error) ? 'tls-failed' : 'unreachable' };
    }
  };
}

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw new Failed('url-invalid');
  }
  if (url.username !== '' || url.password !== '' || text.includes('#')) {
    throw new Failed('url-invalid');
  }
  return url;
}

const systemAddresses = async (host: string): Promise<readonly string[]> =>
  (await lookUp(host, { all: true })).map(({ address }) => address);

async function addressesOf(
  host: string,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  // URLs have had other ways to write IPv4 (0x7f.1, 2130706433) turned into the usual one.
  if (parseIpAddress(host).ok) return [host];
  const addresses = await resolve(host).catch(() => []);
  if (addresses.length === 0) throw new Failed('host-unknown');
  return addresses;
}

const isPublic = (text: string): boolean => {
  // A zone (`fe80::1%eth0`) is no address to us: what has one is of this machine's networks.
  const address = parseIpAddress(text);
  return address.ok && isPublicAddress(address.value);
};

/** Names cannot be asked for a second time: whoever answers could say something else then. */
const fixedLookup =
  (addresses: readonly string[]): LookupFunction =>
  (_host, { all }, done) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const [first] = found;
    if (all || !first) done(null, found);
    else done(null, first.address, first.family);
  };

interface Target {
  readonly url: URL;
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
  readonly deadline: AbortSignal;
  readonly options: FetcherOptions;
}

function ask(wanted: OutboundRequest, target: Target): Promise<OutboundAnswer> {
  const { url, host, port, addresses, deadline, options } = target;
  const { method, headers, body, maximumBody } = wanted;
  const request: RequestOptions = {
    ...{ host, port, method, signal: deadline, agent: false },
    path: `${url.pathname}${url.search}`,
    headers: {
      ...headers,
      Host: url.host,
      Connection: 'close',
      ...(body === undefined ? {} : { 'Content-Length': String(body.length) }),
    },
    lookup: fixedLookup(addresses),
  };
  const { trusted } = options;
  const ca = trusted === undefined ? undefined : [...rootCertificates, trusted];
  return new Promise((resolve, reject) => {
    const heard = (response: IncomingMessage) =>
      read(response, maximumBody).then((answer) => {
        resolve(answer);
        response.destroy();
      }, reject);
    const sent =
      url.protocol === 'https:'
        ? httpsRequest({ ...request, minVersion: 'TLSv1.2', ...(ca ? { ca } : {}) }, heard)
        : httpRequest(request, heard);
    sent.on('error', reject);
    sent.end(body);
  });
}

async function read(response: IncomingMessage, maximum: number): Promise<OutboundAnswer> {
  const { statusCode: status = 0, headers } = response;
  if (status >= 300 && status < 400) return { ok: false, failure: 'redirected' };
  const tooLarge = { ok: false, failure: 'answer-too-large' } as const;
  if (Number(headers['content-length'] ?? 0) > maximum) return tooLarge;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maximum) return tooLarge;
    chunks.push(chunk);
  }
  return { ok: true, status, headers, body: Buffer.concat(chunks) };
}

/**
 * The addresses, unless time is up before: resolvers cannot be told to stop. What is not known in
 * time is not known: whether a resolver is slow tells of its network, and nothing of the host.
 */
async function until<T>(deadline: AbortSignal, promise: Promise<T>): Promise<T> {
  let stop = () => {};
  const over = new Promise<never>((_, reject) => {
    stop = () => reject(new Failed('host-unknown'));
    deadline.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    deadline.removeEventListener('abort', stop);
  }
}

/** By the codes of Node and OpenSSL; what else goes wrong has those of the system. */
const isTlsFailure = (error: unknown): boolean => {
  const { code = '' } = error as NodeJS.ErrnoException;
  return /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME)/.test(code);
};
