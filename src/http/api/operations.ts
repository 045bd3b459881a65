/**
 * The operations of openapi.yaml, and the handlers that carry them out. Every operation has a
 * handler, every handler an operation, and every operation the action that it needs permission
 * for; anything else fails the start.
 */

import type { Request, Response } from 'express';
import type { AccessPolicy, Principal } from '../../services/access-policy.ts';

/** The part of an OpenAPI document that is read here; the validator reads the rest. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components?: unknown;
}

interface OperationObject {
  readonly operationId?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly $ref?: string }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, unknown>> };
  readonly 'x-evpki-action'?: string;
  readonly 'x-evpki-further-actions'?: readonly string[];
  readonly 'x-evpki-body-limit'?: number;
  readonly 'x-evpki-errors'?: string;
}

export interface Operation {
  readonly id: string;
  readonly method: Method;
  /** As in openapi.yaml: `/v1/certificates/{id}`. */
  readonly path: string;
  readonly action: string;
  /** Actions that the use case asks for besides, depending on what it is about. */
  readonly furtherActions: readonly string[];
  /** Whether it may be called without credentials. */
  readonly isPublic: boolean;
  /** Of the bodies that it takes: none of an operation without. */
  readonly mediaTypes: readonly string[];
  /** Octets of the largest body that is read. */
  readonly bodyLimit: number;
  /** Whether it is carried out once for each Idempotency-Key. */
  readonly takesKey: boolean;
  /** The protocol in whose form its errors are; problems (RFC 9457) without. */
  readonly errors?: string;
}

/** Room for the largest request that enrolment reads, in JSON; what takes less says so. */
const BODY_LIMIT = 32 * 1024;

const KEY_PARAMETER = '#/components/parameters/IdempotencyKey';

const methods = ['get', 'put', 'post', 'delete', 'patch'] as const;
type Method = (typeof methods)[number];

/** Carries out one operation for a caller who may. */
export type Handler = (
  request: Request,
  response: Response,
  principal: Principal,
) => Promise<void> | void;

/** An operation that needs no principal. */
export type PublicHandler = (request: Request, response: Response) => Promise<void> | void;

/** Handlers by operationId. */
export type Handlers = Readonly<Record<string, Handler>>;
export type PublicHandlers = Readonly<Record<string, PublicHandler>>;

/**
 * Reads the operations of a document and holds them against the handlers there are.
 * @param errorForms the names of the forms of errors that there are beside problems
 * @throws Error listing everything that does not fit together
 */
export function readOperations(
  document: ApiDocument,
  handlers: Handlers,
  publicHandlers: PublicHandlers,
  errorForms: readonly string[] = [],
): Operation[] {
  const operations: Operation[] = [];
  const faults: string[] = [];
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of methods) {
      const operation = item[method];
      if (!operation) continue;
      const { operationId: id, 'x-evpki-action': action } = operation;
      const isPublic = operation.security?.length === 0;
      const where = `${method.toUpperCase()} ${path}`;
      if (!id) faults.push(`${where} has no operationId`);
      else if (!Object.hasOwn(isPublic ? publicHandlers : handlers, id)) {
        faults.push(`${where} has no handler called ${id}`);
      }
      if (!action) faults.push(`${where} has no x-evpki-action`);
      else if (isPublic !== (action === 'public')) {
        faults.push(`${where}: action public and an empty security belong together`);
      }
      if (id && action) {
        const {
          'x-evpki-further-actions': furtherActions = [],
          'x-evpki-body-limit': bodyLimit = BODY_LIMIT,
          'x-evpki-errors': errors,
        } = operation;
        if (errors !== undefined && !errorForms.includes(errors)) {
          faults.push(`${where}: nothing writes errors of the form ${errors}`);
        }
        const takesKey = operation.parameters?.some(({ $ref }) => $ref === KEY_PARAMETER) ?? false;
        operations.push({
          id,
          method,
          path,
          action,
          furtherActions,
          isPublic,
          mediaTypes: Object.keys(operation.requestBody?.content ?? {}),
          bodyLimit,
          takesKey,
          ...(errors === undefined ? {} : { errors }),
        });
      }
    }
  }
  const described = new Set(operations.map(({ id }) => id));
  for (const id of [...Object.keys(handlers), ...Object.keys(publicHandlers)]) {
    if (!described.has(id)) faults.push(`no operation of openapi.yaml is called ${id}`);
  }
  if (faults.length > 0) {
    throw new Error(`openapi.yaml and the routes differ:\n- ${faults.join('\n- ')}`);
  }
  return operations;
}

/**
 * Holds the access policy against the operations: a role that lists an action of none of them says
 * something that it does not do.
 * @param elsewhere the actions of doors that openapi.yaml does not describe
 * @throws Error listing every such action
 */
export function requireKnownActions(
  operations: readonly Operation[],
  access: AccessPolicy,
  elsewhere: readonly string[] = [],
): void {
  const known = new Set([
    ...operations.flatMap(({ action, furtherActions }) => [action, ...furtherActions]),
    ...elsewhere,
  ]);
  const faults = [...access.values()].flatMap(({ name, actions }) =>
    actions === 'all'
      ? []
      : [...actions]
          .filter((action) => !known.has(action) || action === 'public')
          .map((action) => `role ${name}: no operation has the action ${action}`),
  );
  if (faults.length > 0) {
    throw new Error(`policies/access.yaml and openapi.yaml differ:\n- ${faults.join('\n- ')}`);
  }
}

/** Finds the operation of a request's method and path, if there is one. */
export function operationFinder(
  operations: readonly Operation[],
): (method: string, path: string) => Operation | undefined {
  const patterns = patternsOf(operations);
  return (method, path) =>
    patterns.find(
      ({ operation, pattern }) => operation.method === method.toLowerCase() && pattern.test(path),
    )?.operation;
}

/** Finds the form of errors at a path, whatever the method is: it may be one that is not there. */
export function errorFormFinder(
  operations: readonly Operation[],
): (path: string) => string | undefined {
  const patterns = patternsOf(operations.filter(({ errors }) => errors !== undefined));
  return (path) => patterns.find(({ pattern }) => pattern.test(path))?.operation.errors;
}

const patternsOf = (operations: readonly Operation[]) =>
  operations.map((operation) => {
    const literal = operation.path.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
    return { operation, pattern: new RegExp(`^${literal.replace(/\{\w+\}/g, '[^/]+')}$`) };
  });

/**
 * The names of members that openapi.yaml marks with `x-evpki-secret`: they are said once.
 */
export function secretMembers(document: ApiDocument): ReadonlySet<string> {
  const names = new Set<string>();
  const look = (value: unknown, name: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('x-evpki-secret' in value && value['x-evpki-secret'] === true) names.add(name);
    for (const [key, member] of Object.entries(value)) look(member, key);
  };
  look(document.components, '');
  return names;
}
