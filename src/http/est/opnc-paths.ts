/**
 * The paths of EST in CharIN's OPNC 1.0: the role and the standard are in the query.
 * `/opnc/v1/pki/est/simpleenroll?caDomain=cpo&iso15118Version=ISO15118-2`
 */

import { type FieldViolation, ServiceError } from '../../services/errors.ts';
import { type EstPath, keyAlgorithms, standards, unknownSegment } from './paths.ts';

const BASE = '/opnc/v1/pki/est/';
const operations = ['cacerts', 'simpleenroll', 'simplereenroll'] as const;

/**
 * OPNC's roles and ours by the label that each means. As in OPCP a prefix may stand before it, and
 * says nothing.
 */
const domains = {
  ...{ cpo: 'cpo', emsp: 'mo', mo: 'mo', oem: 'oem', veh: 'veh', cps: 'cps', cso: 'cso' },
} as const;
const DOMAIN = /^(?:\w{1,32}-)?(\w+)$/;

/**
 * @param target of a request: path and query
 * @returns undefined for what is no path of EST in OPNC
 */
export function readOpncPath(target: string): EstPath | undefined {
  const queryAt = target.indexOf('?');
  const path = queryAt < 0 ? target : target.slice(0, queryAt);
  if (!path.startsWith(BASE)) return undefined;
  const name = path.slice(BASE.length).replace(/\/$/, '');
  const operation = operations.find((one) => one === name);
  if (!operation) {
    return { ok: false, error: unknownSegment(name, 'operation', operations) };
  }
  const query = new URLSearchParams(queryAt < 0 ? '' : target.slice(queryAt + 1));
  const violations: FieldViolation[] = [];
  const label = domainOf(query, violations);
  // Without, it is the first that the role has: that of ISO 15118-2, but for vehicle certificates.
  const standard = namedIn(query, 'iso15118Version', standards, violations);
  const keyAlgorithm = namedIn(query, 'algorithm', keyAlgorithms, violations);
  if (violations.length > 0) {
    return {
      ok: false,
      error: new ServiceError('request-malformed', 'the query does not fit', violations),
    };
  }
  return {
    ok: true,
    address: {
      ...{ operation, label, standard },
      // Whoever enrols has said it by the key of the request.
      keyAlgorithm: operation === 'cacerts' ? keyAlgorithm : undefined,
    },
  };
}

function domainOf(query: URLSearchParams, violations: FieldViolation[]): string | undefined {
  const [text, ...more] = query.getAll('caDomain');
  const domain = DOMAIN.exec(text ?? '')?.[1] ?? '';
  if (more.length === 0 && Object.hasOwn(domains, domain)) {
    return domains[domain as keyof typeof domains];
  }
  violations.push(fault('caDomain', domains));
  return undefined;
}

function namedIn<Name extends string, Value>(
  query: URLSearchParams,
  parameter: string,
  names: Readonly<Record<Name, Value>>,
  violations: FieldViolation[],
): Value | undefined {
  const [text, ...more] = query.getAll(parameter);
  if (text === undefined) return undefined;
  if (more.length === 0 && Object.hasOwn(names, text)) return names[text as Name];
  violations.push(fault(parameter, names));
  return undefined;
}

const fault = (parameter: string, names: object): FieldViolation => ({
  code: 'invalid',
  message: `has to be one of ${Object.keys(names).join(', ')}, once`,
  field: `query.${parameter}`,
});
