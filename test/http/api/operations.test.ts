import { describe, expect, test } from 'vitest';
import { loadApiDocument, loadPolicies } from '../../../src/declarations.ts';
import {
  type ApiDocument,
  errorFormFinder,
  operationFinder,
  readOperations,
  requireKnownActions,
} from '../../../src/http/api/operations.ts';
import { parseAccessPolicy } from '../../../src/services/access-policy.ts';
import { estActions } from '../../../src/services/est.ts';

const handle = () => undefined;
const document = {
  paths: {
    '/things': {
      get: { operationId: 'listThings', 'x-evpki-action': 'things:read' },
      post: {
        operationId: 'makeThing',
        'x-evpki-action': 'things:make',
        'x-evpki-further-actions': ['things:vouch'],
      },
    },
    '/things/{id}': { get: { operationId: 'getThing', 'x-evpki-action': 'things:read' } },
    '/things.json': {
      get: { operationId: 'exportThings', security: [], 'x-evpki-action': 'public' },
    },
  },
} as ApiDocument;
const operations = readOperations(
  document,
  { listThings: handle, makeThing: handle, getThing: handle },
  { exportThings: handle },
);

describe('a role that lists an action', () => {
  const policyOf = (...actions: string[]) => {
    const parsed = parseAccessPolicy({ roles: { some: { description: 'x', actions } } }, 'a');
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    return parsed.policy;
  };

  test('of an operation, or a further one, is as it should be', () => {
    const policy = policyOf('things:read', 'things:make', 'things:vouch');
    expect(() => requireKnownActions(operations, policy)).not.toThrow();
  });

  test('of no operation fails the start, with every such action', () => {
    const policy = policyOf('things:read', 'thing:read', 'things:unmake');
    expect(() => requireKnownActions(operations, policy)).toThrow(
      /role some: no operation has the action thing:read\n.*things:unmake/,
    );
  });

  test('of a door that openapi.yaml does not describe is known, too', () => {
    const policy = policyOf('things:read', 'est:enrol', 'est:unmake');
    expect(() => requireKnownActions(operations, policy, ['est:enrol'])).toThrow(
      /differ:\n- role some: no operation has the action est:unmake$/,
    );
  });

  test('is so in the files that are shipped', () => {
    const shipped = loadApiDocument() as ApiDocument;
    const known = Object.values(shipped.paths).flatMap((item) =>
      Object.values(item).flatMap((operation) => [
        operation['x-evpki-action'],
        ...(operation['x-evpki-further-actions'] ?? []),
      ]),
    );
    for (const { name, actions } of loadPolicies().access.values()) {
      if (actions === 'all') continue;
      expect([...known, ...estActions], name).toEqual(expect.arrayContaining([...actions]));
    }
  });
});

describe('the operation of a request', () => {
  const find = operationFinder(operations);

  test.each<[string, string, string | undefined]>([
    ['GET', '/things', 'listThings'],
    ['POST', '/things', 'makeThing'],
    ['GET', '/things/a%2Fb', 'getThing'],
    ['GET', '/things.json', 'exportThings'],
    ['GET', '/thingsxjson', undefined],
    ['PUT', '/things', undefined],
    ['GET', '/things/', undefined],
    ['GET', '/things/a/b', undefined],
    ['GET', '/Things', undefined],
    ['GET', '/x/things', undefined],
  ])('%s %s is %s', (method, path, id) => {
    expect(find(method, path)?.id).toBe(id);
  });
});

describe('the form of errors', () => {
  const get = { operationId: 'getThing', 'x-evpki-action': 'things:read' };
  const withForm = { paths: { '/things/{id}': { get: { ...get, 'x-evpki-errors': 'odd' } } } };

  test('fails the start where nothing writes it', () => {
    const handlers = { getThing: handle };
    expect(() => readOperations(withForm, handlers, {})).toThrow(
      'GET /things/{id}: nothing writes errors of the form odd',
    );
  });

  test('is that of the path, whatever the method is, and of no other', () => {
    const formOf = errorFormFinder(readOperations(withForm, { getThing: handle }, {}, ['odd']));
    expect([formOf('/things/x'), formOf('/things'), formOf('/things/x/y')]).toEqual([
      ...['odd', undefined, undefined],
    ]);
    expect(errorFormFinder(operations)('/things/x')).toBeUndefined();
  });
});
