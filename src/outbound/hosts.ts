/** Which hosts may be asked: rules as operators list them. */

/** `ocsp.example.com`, `*.example.com` for every name below, `ocsp.example.com:8080` for a port. */
export interface HostRule {
  /** Lower case; without `*.`. */
  readonly host: string;
  readonly below: boolean;
  /** Any, without. */
  readonly port?: number;
}

/** @param text a rule that the settings have accepted */
export function hostRule(text: string): HostRule {
  const [, star, host = '', port] = /^(\*\.)?(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text) ?? [];
  return {
    host: host.toLowerCase().replace(/^\[|\]$/g, ''),
    below: star !== undefined,
    ...(port === undefined ? {} : { port: Number(port) }),
  };
}

/** @param host lower case, IPv6 without brackets */
export const isListed = (rules: readonly HostRule[], host: string, port: number): boolean =>
  host !== '' &&
  rules.some(
    (rule) =>
      (rule.port === undefined || rule.port === port) &&
      (rule.below ? host.endsWith(`.${rule.host}`) : host === rule.host),
  );
