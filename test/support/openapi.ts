/** The operations of openapi.yaml for tests that go through all of them. */

import { z } from 'zod';
import type { ApiDocument } from '../../src/http/api/operations.ts';

// biome-ignore lint/suspicious/noExplicitAny: a document is whatever is written in it
type Json = any;

export interface Body {
  /** `body`, or the status of the answer. */
  readonly where: string;
  readonly type: string;
  /** With every reference replaced by what it refers to. */
  readonly schema: Record<string, unknown>;
  readonly examples: readonly { readonly name: string; readonly value: Json }[];
  /** What is wrong with a value, a line each. */
  validate(value: unknown): string[];
}

export interface DescribedOperation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly isPublic: boolean;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Record<string, unknown>;
  }[];
  readonly bodies: readonly Body[];
}

const methods = ['get', 'put', 'post', 'delete', 'patch'];

export function operationsOf(document: ApiDocument): DescribedOperation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method])
      .map((method) => {
        const operation: Json = expanded(document, item[method]);
        return {
          id: operation.operationId,
          method,
          path,
          isPublic: operation.security?.length === 0,
          parameters: operation.parameters ?? [],
          bodies: [
            ...bodiesOf('body', operation.requestBody),
            ...Object.entries<Json>(operation.responses).flatMap(([status, response]) =>
              bodiesOf(status, response),
            ),
          ],
        };
      }),
  );
}

const bodiesOf = (where: string, holder: Json): Body[] =>
  Object.entries<Json>(holder?.content ?? {}).map(([type, { schema = {}, examples = {} }]) => ({
    where,
    type,
    schema,
    examples: Object.entries<Json>(examples).map(([name, { value }]) => ({ name, value })),
    validate: (value) => {
      const result = z.fromJSONSchema(withoutExtensions(schema)).safeParse(value);
      return (result.error?.issues ?? []).map(
        ({ path, message }) => `${path.join('.')}: ${message}`,
      );
    },
  }));

/** References replaced by what they refer to; there are no circles in openapi.yaml. */
function expanded(document: ApiDocument, value: Json): Json {
  if (Array.isArray(value)) return value.map((item) => expanded(document, item));
  if (typeof value !== 'object' || value === null) return value;
  if (typeof value.$ref === 'string') {
    const names = value.$ref.replace(/^#\//, '').split('/');
    const target = names.reduce((at: Json, name: string) => at?.[name], document);
    if (target === undefined) throw new Error(`${value.$ref} is not there`);
    return expanded(document, target);
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, expanded(document, member)]),
  );
}

const withoutExtensions = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(withoutExtensions);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !name.startsWith('x-'))
      // Zod takes it for an absolute URL.
      .filter(([name, member]) => name !== 'format' || member !== 'uri-reference')
      .map(([name, member]) => [name, withoutExtensions(member)]),
  );
};
