/**
 * Paths of EST, in all the ways in which clients write them: RFC 7030 3.2.2, Hubject's OPCP as it
 * is published and as it is served, and strongSwan, which appends `/.well-known/est/{operation}`
 * to whatever URL it is given.
 */

import { standardOfNamespace } from '../../ocpp/contract-certificate.ts';
import { ServiceError } from '../../services/errors.ts';

const estOperations = [
  'cacerts',
  'simpleenroll',
  'simplereenroll',
  'csrattrs',
  'serverkeygen',
] as const;
export type EstOperation = (typeof estOperations)[number];

export const standards = { 'ISO15118-2': 'iso15118-2', 'ISO15118-20': 'iso15118-20' } as const;
export const keyAlgorithms = { secp256r1: 'P-256', secp521r1: 'P-521', ed448: 'Ed448' } as const;

type Standard = (typeof standards)[keyof typeof standards];
type KeyAlgorithm = (typeof keyAlgorithms)[keyof typeof keyAlgorithms];

/** What a path asks for. */
export interface EstAddress {
  readonly operation: EstOperation;
  /** Undefined where the path names none: the default of whoever calls. */
  readonly label: string | undefined;
  readonly standard: Standard | undefined;
  /** Of cacerts alone. */
  readonly keyAlgorithm: KeyAlgorithm | undefined;
}

export type EstPath =
  | { readonly ok: true; readonly address: EstAddress }
  /** `not-found` for a segment that nothing goes by, `request-malformed` for a query. */
  | { readonly ok: false; readonly error: ServiceError };

/** The roles that OPCP has in paths, and `cso` for certificates of charging stations. */
const ROLE = /^(?:\w+-)?(cpo|mo|oem|veh|cps|cso)$/;
/** What could be a label; whether there is one of this name is for others to say. */
const LABEL = /^[\w-]{1,64}$/;
const NAMESPACE = 'xsdMsgDefNamespace';
const MAX_QUOTED = 40;

/**
 * @param target of a request: path and query
 * @param isLabel whether a label of this name is declared
 * @returns undefined for what is no path of EST
 */
export function readEstPath(
  target: string,
  isLabel: (name: string) => boolean,
): EstPath | undefined {
  const queryAt = target.indexOf('?');
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  const found = path.startsWith('/') ? afterLabel(path.slice(1).split('/')) : undefined;
  if (!found) return undefined;
  const { label, rest } = found;
  try {
    const address = readRest(rest.at(-1) === '' ? rest.slice(0, -1) : rest);
    const asked = queryAt < 0 ? undefined : standardAsked(target.slice(queryAt + 1));
    return {
      ok: true,
      address: {
        ...address,
        standard: onlyOne(address.standard, asked),
        label: label === undefined ? undefined : labelNamed(label, isLabel),
      },
    };
  } catch (error) {
    if (error instanceof ServiceError) return { ok: false, error };
    throw error;
  }
}

/** The label, and what comes after it; undefined for paths of something else. */
function afterLabel(
  segments: readonly string[],
): { readonly label: string | undefined; readonly rest: readonly string[] } | undefined {
  const [first = '', second = '', third = ''] = segments;
  if (first === '.well-known' && second === 'est') {
    // RFC 7030 3.2.2: no label has the name of an operation.
    const isLabelled = LABEL.test(third) && !isOperation(third);
    return isLabelled
      ? { label: third, rest: segments.slice(3) }
      : { label: undefined, rest: segments.slice(2) };
  }
  if (second === '.well-known' && third === 'est' && LABEL.test(first)) {
    return { label: first, rest: segments.slice(3) };
  }
  if (first === '.well-known' && ROLE.test(second)) {
    return { label: second, rest: segments.slice(2) };
  }
  return ROLE.test(first) ? { label: first, rest: segments.slice(1) } : undefined;
}

/** OPCP lets a prefix stand before its roles: it says nothing, unless a label is called so. */
const labelNamed = (name: string, isLabel: (name: string) => boolean): string =>
  isLabel(name) ? name : (ROLE.exec(name)?.[1] ?? name);

/** The operation, and its standard and key algorithm where it has them, in this order. */
function readRest([operation = '', ...further]: readonly string[]): Omit<EstAddress, 'label'> {
  if (!isOperation(operation)) {
    throw unknownSegment(operation, 'operation', estOperations);
  }
  const rest = [...further];
  const take = <Name extends string, Value>(names: Readonly<Record<Name, Value>>) => {
    const [name = ''] = rest;
    if (!Object.hasOwn(names, name)) return undefined;
    rest.shift();
    return names[name as Name];
  };
  const standard = take(standards);
  const keyAlgorithm = operation === 'cacerts' ? take(keyAlgorithms) : undefined;
  const [unknown] = rest;
  if (unknown !== undefined) {
    const left = [
      ...(standard || keyAlgorithm ? [] : Object.keys(standards)),
      ...(operation !== 'cacerts' || keyAlgorithm ? [] : Object.keys(keyAlgorithms)),
    ];
    throw unknownSegment(unknown, operation === 'cacerts' ? 'key algorithm' : 'standard', left);
  }
  return { operation, standard, keyAlgorithm };
}

/**
 * The standard whose messages a query names (OPCP).
 * @throws ServiceError `request-malformed`
 */
function standardAsked(query: string): Standard | undefined {
  const named = new URLSearchParams(query).getAll(NAMESPACE);
  const found = new Set(named.map(standardOfNamespace));
  const [standard] = found;
  if (found.size > 1 || found.has(undefined)) {
    throw malformedQuery('names no namespace of ISO 15118-2 or -20, or several');
  }
  return standard;
}

function onlyOne(inPath: Standard | undefined, inQuery: Standard | undefined) {
  if (inPath !== undefined && inQuery !== undefined && inPath !== inQuery) {
    throw malformedQuery('names another standard than the path');
  }
  return inPath ?? inQuery;
}

const isOperation = (name: string): name is EstOperation =>
  (estOperations as readonly string[]).includes(name);

export function unknownSegment(
  segment: string,
  what: string,
  known: readonly string[],
): ServiceError {
  const quoted = segment.length > MAX_QUOTED ? `${segment.slice(0, MAX_QUOTED)}…` : segment;
  const instead = known.length === 0 ? 'nothing follows here' : `there is ${known.join(', ')}`;
  return new ServiceError('not-found', `"${quoted}" is no ${what} of EST: ${instead}`);
}

const malformedQuery = (message: string): ServiceError =>
  new ServiceError('request-malformed', 'the query does not fit', [
    { code: 'schema-version-unknown', message, field: `query.${NAMESPACE}` },
  ]);
