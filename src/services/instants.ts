import { ServiceError } from './errors.ts';

/**
 * The moment that an RFC 3339 text in the form of openapi.yaml's `date-time` names.
 * @throws ServiceError `request-malformed` for a day that its month does not have, which Date
 *   would take for one of the next month, for any other time that there is not, and for a leap second,
 *   which is no Date at all
 */
export function instantOf(text: string, field: string): Date {
  const instant = endOf(text, field);
  if (!Number.isNaN(instant.getTime())) return instant;
  throw new ServiceError('request-malformed', 'the request names a leap second', [
    { code: 'time-invalid', message: 'is a leap second: name the one before or after it', field },
  ]);
}

/**
 * The end that a certificate is to have; a leap second, which certificates cannot have, comes back
 * as an invalid Date for policy to refuse with whatever else speaks against the request.
 * @throws ServiceError `request-malformed` for a day that its month does not have, and any other time
 *   that there is not
 */
export function endOf(text: string, field: string): Date {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate();
  if (day > lastDay) {
    throw new ServiceError('request-malformed', 'the request names a day that there is not', [
      { code: 'time-invalid', message: `${text.slice(0, 7)} has ${lastDay} days`, field },
    ]);
  }
  const end = new Date(text);
  if (Number.isNaN(end.getTime()) && text.slice(17, 19) !== '60') {
    throw new ServiceError('request-malformed', 'the request names a time that there is not', [
      {
        code: 'time-invalid',
        message: 'has a month, an hour or an offset that there is not',
        field,
      },
    ]);
  }
  return end;
}
