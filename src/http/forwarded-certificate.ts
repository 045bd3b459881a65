/**
 * Client certificates in headers, as proxies write them: RFC 9440, percent-encoded PEM (nginx
 * `$ssl_client_escaped_cert`, AWS), PEM with blanks for line breaks (Apache), and bare base64 DER
 * (HAProxy, Caddy, Traefik). Each says by its first characters which it is.
 */

import { X509Certificate } from 'node:crypto';
import { decodeBase64, PemError, readPemBlocks } from '../pki/pem.ts';
import { bounded, unreadable } from './peer-certificates.ts';

export interface HeaderNames {
  /** Lower-case, as Node has them. */
  readonly leaf: string;
  readonly chain: string;
  readonly all: readonly string[];
}

/** The names of the two headers, as RFC 9440 relates them. */
export function headerNames(header: string): HeaderNames {
  const leaf = header.toLowerCase();
  const chain = `${leaf}-chain`;
  return { leaf, chain, all: [leaf, chain] };
}

/** What proxies write where the client has presented nothing. */
const nothing: ReadonlySet<string> = new Set(['', '::', '(null)', '-']);

/**
 * The certificates that a proxy passes on, DER, leaf first; undefined where its client had none.
 * @param rawHeaders of the request, names and values in turn: Node joins those that come twice
 * @throws ServiceError `client-certificate-unreadable`
 */
export function forwardedCertificate(
  names: HeaderNames,
  rawHeaders: readonly string[],
): readonly Uint8Array[] | undefined {
  const leaf = certificatesIn(onlyValue(rawHeaders, names.leaf), names.leaf);
  const above = certificatesIn(onlyValue(rawHeaders, names.chain), names.chain);
  if (leaf.length === 0 && above.length > 0) {
    throw unreadable(`${names.chain} came without ${names.leaf}`);
  }
  return bounded([...leaf, ...above]);
}

/** The value of a header. One more of it may be the client's own, which the proxy let through. */
function onlyValue(rawHeaders: readonly string[], name: string): string {
  const values = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  );
  if (values.length > 1) throw unreadable(`${name} came ${values.length} times`);
  return values[0]?.trim() ?? '';
}

function certificatesIn(value: string, name: string): Uint8Array[] {
  if (nothing.has(value)) return [];
  const found = value.startsWith(':') ? byteSequences(value) : withoutArmourOrIn(value);
  if (!found?.every(isCertificate)) throw unreadable(`${name} holds no certificates`);
  return found;
}

/** RFC 8941 3.3.5: base64 between colons; several are a list (RFC 9440 2.3). */
function byteSequences(value: string): Uint8Array[] | undefined {
  return base64s(value.split(',').map((item) => /^[ \t]*:([^:]+):[ \t]*$/.exec(item)?.[1]));
}

/** PEM, or base64 DER with commas between several; either may be percent-encoded. */
function withoutArmourOrIn(value: string): Uint8Array[] | undefined {
  const text = percentDecoded(value);
  if (text === undefined || !text.includes('-----')) return base64s(text?.split(',') ?? []);
  const around = text.replaceAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g, '');
  if (!/^[\s,]*$/.test(around)) return undefined;
  try {
    return readPemBlocks(text).map(({ der }) => der);
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    return undefined;
  }
}

/** A plus sign is one: who encodes spaces as such sends none. */
function percentDecoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

function base64s(items: readonly (string | undefined)[]): Uint8Array[] | undefined {
  const read = items.map((item) => (item ? decodeBase64(item) : undefined));
  const good = read.filter((der) => der !== undefined && der.length > 0);
  return good.length > 0 && good.length === items.length ? (good as Uint8Array[]) : undefined;
}

/** As OpenSSL reads them in TLS, so that it makes no difference which way one came. */
function isCertificate(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).raw.length === der.length;
  } catch {
    return false;
  }
}
