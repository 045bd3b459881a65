/**
 * The null character, which PostgreSQL stores in no text and which no value of openapi.yaml has:
 * refused where it comes in, or every place that asks the database would have to think of it.
 */

import type { Request, RequestHandler } from 'express';
import { type FieldViolation, ServiceError } from '../../services/errors.ts';

const NULL_CHARACTER = '\u0000';

/**
 * Refuses requests with a null character in path, query or body.
 * @throws ServiceError `request-malformed` naming every place
 */
export const refuseNullCharacters: RequestHandler = (request, _response, next) => {
  const fields = [...fieldsOfUrl(request), ...fieldsOfValue(request.body, 'body')];
  if (fields.length > 0) {
    throw new ServiceError(
      'request-malformed',
      'the request has null characters',
      fields.map(
        (field): FieldViolation => ({
          code: 'null-character',
          message: 'has a null character',
          field,
        }),
      ),
    );
  }
  next();
};

/** They are still encoded; raw ones no HTTP parser lets through. */
function fieldsOfUrl({ url }: Request): string[] {
  const [path = '', ...query] = url.split('?');
  return [
    ...(path.includes('%00') ? ['path'] : []),
    ...(query.join('?').includes('%00') ? ['query'] : []),
  ];
}

/** The body parser has seen to it that this does not go deep. */
function fieldsOfValue(value: unknown, field: string): string[] {
  if (typeof value === 'string') return value.includes(NULL_CHARACTER) ? [field] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name.includes(NULL_CHARACTER) ? [field] : fieldsOfValue(member, `${field}.${name}`),
  );
}
