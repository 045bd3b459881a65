/**
 * Which URLs are this API, as tokens say it (`iss`, `aud`): the one under which clients reach it,
 * and those of this machine, on any port: processes on one database need not have the same one.
 */

const localHosts: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * The audience of a token (RFC 7519 4.1.3): as asked for where that is this API, in that spelling,
 * and this API otherwise. A client may know us by a name that we do not; a token for anybody else
 * there is none.
 */
export const audienceFor = (apiUrl: string, wanted: string | undefined): string =>
  wanted !== undefined && isApi(apiUrl, wanted) ? wanted : apiUrl;

/** Whether a token with this audience is for this API. */
export function isApi(apiUrl: string, audience: string): boolean {
  const url = parsed(audience);
  if (url === undefined) return false;
  return isLocal(url) || normal(url) === normal(new URL(apiUrl));
}

/** Whether a token of this issuer is from this evpki, or could be from another process of it. */
export function isIssuer(apiUrl: string, issuer: string): boolean {
  if (issuer === apiUrl) return true;
  const url = parsed(issuer);
  return url !== undefined && isLocal(url) && isLocal(new URL(apiUrl));
}

function parsed(text: string): URL | undefined {
  // Neither may have what a base URL has not; a bare `?` or `#` leaves no trace in what is parsed.
  if (/[?#@\s]/.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text);
}

const isLocal = ({ protocol, hostname, pathname }: URL): boolean =>
  protocol === 'https:' && localHosts.includes(hostname) && pathname === '/';

const normal = ({ href }: URL): string => href.replace(/\/+$/, '');
