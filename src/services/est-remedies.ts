/**
 * What to do about an error, for those who enrol by EST: they hold secrets and certificates, and
 * the words of the table of errors are for those who hold tokens and read JSON. Of why somebody
 * was turned away it says no more than `TurnedAway.told`: strangers learn neither which secrets
 * there are nor whose certificates are known.
 */

import { type ErrorCode, errorCodes, type ServiceError } from './errors.ts';
import { type RefusalReason, TurnedAway } from './refusals.ts';

const ANEW = 'enrol anew, with a one-time secret, its factory certificate or by an API client';

/** Of those who were turned away, by what they are told. */
const byReason = {
  'no-credentials':
    'Send a token as `Authorization: Bearer`, a name and its one-time secret as `Authorization: Basic`, or present a client certificate; one of them, once.',
  'token-unknown':
    'Get a new token from `POST /oauth/token`; one that is bound to a certificate counts beside that certificate alone.',
  'secret-unknown':
    'Check user name, secret and label: a secret is for one name, which is the user name, at one label. Or have a new one made.',
  'secret-used':
    'Have a new secret made for another request; the one that it was used for gets the same certificate again for a while. If that was none of yours, have its certificate revoked.',
  'secret-withdrawn': 'Have a new secret made: this one has been withdrawn.',
  'secret-expired': 'Have a new secret made: the time of this one is over.',
  'credentials-not-taken':
    'Show what the first line names; docs/est.md says what is good for what.',
  'certificate-unknown':
    'Present the current certificate, one of a factory whose root the organization trusts for `est-client`, or one that an API client has registered: in its time, not revoked, and for TLS clients.',
  'certificate-expired': `Let it ${ANEW}: a certificate is renewed before it ends, or within the grace of its profile.`,
  'certificate-revoked': `Let it ${ANEW}, with another key: what is revoked is not renewed.`,
  'certificate-held': 'Have the hold lifted; until then nothing is renewed.',
  'certificate-key-blocked': `Let it ${ANEW}, with another key: others may know this one.`,
  'station-unknown':
    'Register the station, with the serialNumber or CN of its factory certificate as its identity, serial number, SECC id or EVSE id.',
} as const satisfies { readonly [reason in RefusalReason]?: string };

/** Where the table's words do not fit. */
const byCode = {
  'request-malformed':
    'Leave the query out, or name one namespace, of the same standard as the path.',
  'media-type-unsupported': 'Send the body as it is, without `Content-Encoding`.',
  'not-authenticated': byReason['no-credentials'],
  'not-permitted':
    'Ask as an API client whose role permits it; policies/access.yaml lists the roles.',
  'not-found':
    'Use a path of docs/est.md: label, operation, then the standard, and for `cacerts` the algorithm.',
  'csr-refused': 'Correct what the lines above say and send a new request.',
  'csr-unreadable':
    'Send one PKCS#10 request, as base64, PEM or DER, signed by its own key; the lines above say what is wrong.',
  'certificate-not-renewable': `Wait, if the first line says from when on it can be renewed; else ${ANEW}.`,
  'authority-unknown':
    'Name another standard or algorithm, or none; or give the organization an authority for this one.',
  'authority-ambiguous': 'Have a label declared in policies/est.yaml that names the `authority`.',
  'not-ready': 'Send the same request again, when `Retry-After` says.',
} as const satisfies { readonly [code in ErrorCode]?: string };

const reasonRemedies: { readonly [reason in RefusalReason]?: string } = byReason;
const codeRemedies: { readonly [code in ErrorCode]?: string } = byCode;

/** What to do about it: one sentence or two. */
export function estRemedy(error: ServiceError): string {
  const told = error instanceof TurnedAway ? error.told : undefined;
  return (
    (told === undefined ? undefined : reasonRemedies[told]) ??
    codeRemedies[error.code] ??
    errorCodes[error.code].remedy
  );
}

export interface EstRemedyRow {
  readonly code: ErrorCode;
  /** Why, where the code does not say it. */
  readonly reason: string;
  readonly remedy: string;
}

/** Those that differ from the table of errors, as `docs/errors.md` lists them. */
export const estRemedyRows: readonly EstRemedyRow[] = [
  ...Object.entries(byReason).map(([reason, remedy]) => ({
    ...{ code: 'not-authenticated' as const, reason, remedy },
  })),
  ...Object.entries(byCode).map(([code, remedy]) => ({
    ...{ code: code as ErrorCode, reason: '', remedy },
  })),
].filter(({ code, reason }) => code !== 'not-authenticated' || reason !== '');
