/** DNS names against an issuer's name constraints (RFC 5280 4.2.1.10). */

export interface DnsConstraints {
  readonly permittedDns?: readonly string[];
  readonly excludedDns?: readonly string[];
}

/**
 * Whether constraints leave room for a DNS name, which may be a wildcard. An absent or empty list
 * permits everything, or excludes nothing.
 */
export function isPermittedDns(name: string, constraints: DnsConstraints): boolean {
  const { permittedDns = [], excludedDns = [] } = constraints;
  const lower = name.toLowerCase();
  const permitted =
    permittedDns.length === 0 ||
    permittedDns.some((base) => isWithinDns(lower, base.toLowerCase()));
  return permitted && !excludedDns.some((base) => meetsDns(lower, base.toLowerCase()));
}

/**
 * Whether `name` is the base itself or anything below it; a base with a leading dot stands for what
 * is below only. Both in lower case.
 */
export function isWithinDns(name: string, base: string): boolean {
  if (base === '') return true;
  if (base.startsWith('.')) return name.endsWith(base);
  return name === base || name.endsWith(`.${base}`);
}

/**
 * Whether some name that `name` stands for is within `base`: `*.a.example` meets `b.a.example`.
 * Both in lower case.
 */
export function meetsDns(name: string, base: string): boolean {
  if (isWithinDns(name, base)) return true;
  return name.startsWith('*.') && isWithinDns(base.replace(/^\./, ''), name.slice(2));
}
