/**
 * The paths of OPNC as clients write them: each pool is published with a base URL of its own,
 * `/opnc/v1/rcp` and so on, and is also known by one base URL for all.
 */

const BASE = '/opnc/v1/';

/** The pool of each first segment that is no pool. */
const poolOf: ReadonlyMap<string, string> = new Map([
  ['rootcertificates', 'rcp'],
  ['provisioningcertificates', 'pcp'],
  ['lookupvehicle', 'pcp'],
  ['signedcontractdata', 'ccp'],
  ['contractData/emaid', 'ccp'],
  ['contractData/pcid', 'ccp'],
  ['contractData/sign', 'cps'],
  ['contractData/generateandsign', 'cps'],
  ['cpsCertificates', 'cps'],
]);

/**
 * @param target of a request: path and query
 * @returns the same with its pool, as openapi.yaml has it; anything else as it is
 */
export function withPool(target: string): string {
  if (!target.startsWith(BASE)) return target;
  const rest = target.slice(BASE.length);
  const [, both = '', first = ''] = /^(([^/?]+)(?:\/[^/?]+)?)/.exec(rest) ?? [];
  const pool = poolOf.get(first) ?? poolOf.get(both);
  return pool === undefined ? target : `${BASE}${pool}/${rest}`;
}
