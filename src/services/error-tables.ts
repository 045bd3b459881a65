/** The table of error codes as people read it: in docs/errors.md and on the page of the API. */

import { violationCodes } from '../pki/violations.ts';
import { estStatusOf, ocppAnswerOf } from './error-answers.ts';
import { type ErrorCode, errorCodes } from './errors.ts';
import { estRemedyRows } from './est-remedies.ts';

export interface ErrorRow {
  readonly code: ErrorCode;
  readonly http: number;
  readonly est: number;
  /** `problem` where no station hears of it. */
  readonly ocpp: string;
  readonly exit: number;
  /** Both with code in backquotes. */
  readonly cause: string;
  readonly remedy: string;
}

export const errorRows: readonly ErrorRow[] = (Object.keys(errorCodes) as ErrorCode[]).map(
  (code) => {
    const { http, exit, cause, remedy } = errorCodes[code];
    const ocpp = ocppAnswerOf(code) ?? 'problem';
    return { code, http, est: estStatusOf(code), ocpp, exit, cause, remedy };
  },
);

/** What stands above the table, a paragraph each. */
export const errorNotes: readonly string[] = [
  'Every error answer of the REST API is a problem (RFC 9457) whose `code` is one of these; `type` points here.',
  'Those of `POST /oauth/token` have `error` and `error_description` (RFC 6749 5.2) besides.',
  'In OPCP they are `errorMessages` with a `traceId`, and statuses are those of the column HTTP, ' +
    'but for 400 in place of 422, 404 of `vehicle-unknown` and 403 of `emaid-not-allowed`.',
  'In EST (RFC 7030) they are lines of text, each with a code in front, then one with what to do, ' +
    'and statuses are those of the column EST.',
  '"OCPP" is what `POST /v1/ocpp/sign-certificate` tells the ' +
    'CSMS to answer its station: `Rejected` to a request that no decision could make good, ' +
    '`Accepted` to what an operator or the time may put right, so that the station asks again. At ' +
    '`problem` the call itself has failed and the CSMS gets the problem. `POST ' +
    '/v1/ocpp/certificate-status` says `Failed` where there is no OCSP response to pass on.',
];

const estNote =
  'What EST says to do where that is something else than above. Somebody who is turned away hears ' +
  'of the reason what the second column says; the audit log knows it itself.';

export const violationNote =
  'A refused certification request lists everything that was wrong with it under `violations`.';

/** `docs/errors.md`: every code of the API and every violation code, as Markdown tables. */
export function errorTables(): string {
  const rows = errorRows.map(
    ({ code, http, est, ocpp, exit, cause, remedy }) =>
      `| <a id="${code}"></a>\`${code}\` | ${http} | ${est} | ${ocpp} | ${exit} | ${cause} | ${remedy} |`,
  );
  const estRows = estRemedyRows.map(
    ({ code, reason, remedy }) =>
      `| \`${code}\` | ${reason === '' ? '' : `\`${reason}\``} | ${remedy} |`,
  );
  const violations = Object.entries(violationCodes).map(
    ([code, cause]) => `| \`${code}\` | ${cause} |`,
  );
  return [
    '# Errors',
    '',
    ...errorNotes.flatMap((note) => [note, '']),
    '| code | HTTP | EST | OCPP | exit status | cause | what to do |',
    '|---|---|---|---|---|---|---|',
    ...rows,
    '',
    '## EST',
    '',
    estNote,
    '',
    '| code | reason | what to do |',
    '|---|---|---|',
    ...estRows,
    '',
    '## Violations',
    '',
    violationNote,
    '',
    '| code | cause |',
    '|---|---|',
    ...violations,
    '',
  ].join('\n');
}
