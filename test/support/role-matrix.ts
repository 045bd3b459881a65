/**
 * What openapi.yaml and policies/access.yaml say of who may do what, read here once more and by
 * other means than in `src`: the role matrix holds a running service against it.
 */

import { parse } from 'yaml';
import type { CertificateKind } from '../../src/pki/profile.ts';
import type { Answer } from './app.ts';
import { readRepositoryFile } from './repository.ts';

export interface ApiOperation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly action: string;
  /** The form of its errors (`x-evpki-errors`). */
  readonly errors: string | undefined;
}

/** Every operation of openapi.yaml. */
export const operations: readonly ApiOperation[] = Object.entries(
  parse(readRepositoryFile('openapi.yaml')).paths as Record<
    string,
    Record<string, Record<string, string>>
  >,
).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => ['get', 'put', 'post', 'delete', 'patch'].includes(method))
    .map(([method, operation]) => ({
      id: operation.operationId as string,
      method: method.toUpperCase(),
      path,
      action: operation['x-evpki-action'] as string,
      errors: operation['x-evpki-errors'],
    })),
);

interface DeclaredRole {
  readonly actions: 'all' | readonly string[];
  readonly kinds?: readonly string[];
  readonly mayGrant?: 'all' | readonly string[];
  readonly everyOrganization?: boolean;
}

export const declaredRoles = parse(readRepositoryFile('policies/access.yaml')).roles as Readonly<
  Record<string, DeclaredRole>
>;

/** What stands on one side: in the caller's organization, or in the other one. */
export interface Side {
  readonly organization: string;
  readonly station: string;
  /** Active, with the profile `ocpp-station-ca`. */
  readonly authority: string;
  /** Its key was handed out. */
  readonly exported: string;
  /** Its certificate is to come from elsewhere. */
  readonly awaiting: string;
  /** One certificate of each kind. */
  readonly certificates: Readonly<Record<string, string>>;
  readonly client: string;
  /** A root of somebody else that is imported. */
  readonly anchor: string;
  /** An enrolment request that is issued. */
  readonly request: string;
}

export interface Ask {
  /** The values of `{id}` and the like. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
}

/** What a service call as the first administrator, for preparation. */
export type Call = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** How an operation is asked of one side, and what it answers to those who may. */
export interface Row {
  /** Where an operation has several rows: what this one is about. */
  readonly about?: string;
  /** Actions that are needed beside that of the operation. */
  readonly further?: readonly string[];
  /** The kind of certificate that the caller's role has to be for. */
  readonly kind?: CertificateKind;
  /** The kind is looked at before it is known whose the thing is. */
  readonly kindFirst?: true;
  /** For those alone who reach every organization. */
  readonly everywhere?: true;
  /** An action without which the request has to be approved by somebody else: 202. */
  readonly waitsWithout?: string;
  /** A role that the caller has to be allowed to grant. */
  readonly granting?: string;
  ask(side: Side, administrator: Call): Ask | Promise<Ask>;
  /** Statuses for those who may. */
  readonly success: readonly number[];
  /** Statuses for what is another organization's; `same` where the answer is nobody's. */
  readonly foreign?: readonly number[] | 'same';
  /** Those who reach every organization get no further here than into their own. */
  readonly ownOnly?: true;
  /** An action with which what is another organization's is answered, too. */
  readonly foreignWith?: string;
  /** For listings: the id that has to be among the items. */
  readonly listed?: (side: Side) => string;
}

export interface Expectation {
  readonly statuses: readonly number[];
  /** For listings: whether the side's own thing is among the items. */
  readonly listed?: boolean;
}

/** What a role hears that asks this of its own organization, or of another one. */
export function expected(
  roleName: string,
  { action }: ApiOperation,
  row: Row,
  whose: 'own' | 'foreign',
): Expectation {
  const role = declaredRoles[roleName];
  if (!role) throw new Error(`no role ${roleName}`);
  const may = (name: string) => role.actions === 'all' || role.actions.includes(name);
  const isForeign = whose === 'foreign' && (row.ownOnly || !role.everyOrganization);
  const isForKind =
    row.kind === undefined || role.kinds === undefined || role.kinds.includes(row.kind);
  const grants =
    row.granting === undefined ||
    role.mayGrant === 'all' ||
    (role.mayGrant ?? []).includes(row.granting);

  if (!may(action) || (row.everywhere && !role.everyOrganization)) return { statuses: [403] };
  if (row.kindFirst && !(isForKind && (row.further ?? []).every(may))) return { statuses: [403] };
  if (row.listed) return { statuses: row.success, listed: !isForeign };
  const mayForeign = row.foreignWith !== undefined && may(row.foreignWith);
  if (isForeign && row.foreign !== 'same' && !mayForeign) {
    return { statuses: row.foreign ?? [404] };
  }
  if (!isForKind || !grants || !(row.further ?? []).every(may)) return { statuses: [403] };
  if (row.waitsWithout !== undefined && !may(row.waitsWithout)) return { statuses: [202] };
  return { statuses: row.success };
}

/** Whether an answer says so in the form of its operation: the code of a problem, or a sentence. */
export const says = (
  { errors }: ApiOperation,
  { status, json }: Answer,
  wanted: { readonly status: number; readonly code: string; readonly sentence: RegExp },
): boolean =>
  status === wanted.status &&
  (errors === 'opcp' ? wanted.sentence.test(json.errorMessages[0]) : json.code === wanted.code);

/** How an answer differs from what was expected, if it does. */
export function deviation(expectation: Expectation, answer: Answer, id?: string): string[] {
  const { statuses, listed } = expectation;
  if (!statuses.includes(answer.status)) {
    return [
      `${answer.status} ${answer.json?.code ?? answer.json?.errorMessages ?? ''} instead of ${statuses.join(' or ')}`,
    ];
  }
  if (listed === undefined) return [];
  const items = answer.json.items as readonly { readonly id: string }[];
  const isThere = items.some((item) => item.id === id);
  return isThere === listed ? [] : [`${id} is ${isThere ? '' : 'not '}listed`];
}

/** The path of an operation with its parameters filled in. */
export function pathFor({ path }: ApiOperation, { params = {}, query }: Ask): string {
  const filled = path.replace(/\{(\w+)\}/g, (_found, name: string) => {
    const value = params[name];
    if (value === undefined) throw new Error(`${path}: no ${name}`);
    return encodeURIComponent(value);
  });
  return query === undefined ? filled : `${filled}?${query}`;
}
