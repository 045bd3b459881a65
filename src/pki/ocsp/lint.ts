/**
 * Lint for OCSP: the last look at a ResponseData before it is signed. It parses the bytes anew;
 * a finding is a bug of ours, caught before anybody relies on it.
 */

import { sameBytes } from '../byte-order.ts';
import { DerError } from '../der-element.ts';
import type { LintFinding } from '../lint/rule.ts';
import { ocsp } from '../oids.ts';
import type { OcspLintContext } from './lint-context.ts';
import { isPlainAnswer } from './plain-answer.ts';
import { type ResponseData, readOcspResponseData, type SingleResponse } from './read-response.ts';

interface OcspLintRule {
  readonly id: string;
  readonly clause: string;
  /** Undefined if the response keeps the rule; otherwise a sentence on how it breaks it. */
  readonly check: (data: ResponseData, context: OcspLintContext) => string | undefined;
}

/** A rule about each single response; the first breach counts. */
const each =
  (
    check: (response: SingleResponse, data: ResponseData, now: Date) => string | undefined,
  ): OcspLintRule['check'] =>
  (data, { now }) => {
    for (const response of data.responses) {
      const problem = check(response, data, now);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

const isOneAnswerEach = ({ responses }: ResponseData, certIds: readonly Uint8Array[]): boolean =>
  responses.length === certIds.length &&
  responses.every(({ certId }, index) => {
    const asked = certIds[index];
    return asked !== undefined && sameBytes(certId.certIdDer, asked);
  });

const isSameNonce = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined ? a === b : sameBytes(a, b);

/** The form in which a certificate that was never issued is called revoked (RFC 6960 2.2). */
const saysNeverIssued = ({ status }: SingleResponse): boolean =>
  status.kind === 'revoked' && status.reason === 'certificateHold' && status.at.getTime() === 0;

const rules: readonly OcspLintRule[] = [
  {
    id: 'ocsp-answers',
    clause: 'RFC 6960 4.2.2.3',
    check: (data, { certIds }) =>
      isOneAnswerEach(data, certIds)
        ? undefined
        : 'The answers are not those to the CertIDs of the request, one for each.',
  },
  {
    id: 'ocsp-responder-id',
    clause: 'RFC 6960 4.2.2.3',
    check: ({ responderId }, { responderKeyHash }) =>
      responderId.kind === 'key' && sameBytes(responderId.hash, responderKeyHash)
        ? undefined
        : 'The responder is not named by the key that will sign.',
  },
  {
    id: 'ocsp-nonce',
    clause: 'RFC 9654 2.1',
    check: ({ nonce }, context) =>
      isSameNonce(nonce, context.nonce) ? undefined : 'The nonce is not that of the request.',
  },
  {
    id: 'ocsp-produced-at',
    clause: 'RFC 6960 2.4',
    check: ({ producedAt }, { now }) =>
      producedAt <= now ? undefined : 'producedAt lies in the future.',
  },
  {
    id: 'ocsp-this-update',
    clause: 'RFC 6960 2.5',
    check: each(({ thisUpdate }, { producedAt }) =>
      thisUpdate <= producedAt ? undefined : 'A thisUpdate lies after producedAt.',
    ),
  },
  {
    id: 'ocsp-next-update',
    clause: 'RFC 5019 2.2.4',
    check: each(({ thisUpdate, nextUpdate }, _, now) =>
      nextUpdate !== undefined && nextUpdate > thisUpdate && nextUpdate > now
        ? undefined
        : 'A nextUpdate is missing, has passed, or is not after its thisUpdate.',
    ),
  },
  {
    id: 'ocsp-reason',
    clause: 'RFC 5280 5.3.1',
    check: each(({ status }) => {
      if (status.kind !== 'revoked') return undefined;
      if (status.reason === 'unspecified') return 'The reason unspecified is written out.';
      return status.reason === 'removeFromCRL'
        ? 'The reason removeFromCRL stands outside a delta CRL.'
        : undefined;
    }),
  },
  {
    id: 'ocsp-extended-revoke',
    clause: 'RFC 6960 2.2, 4.4.8',
    check: ({ responses, extendedRevoke }) =>
      !extendedRevoke && responses.some(saysNeverIssued)
        ? 'A certificate that was never issued is called revoked without saying so.'
        : undefined,
  },
  {
    id: 'ocsp-extensions',
    clause: 'RFC 6960 4.4',
    check: ({ rawExtensions, responses }) => {
      const single = responses.flatMap((response) => response.rawExtensions);
      if ([...rawExtensions, ...single].some(({ critical }) => critical)) {
        return 'An extension is critical.';
      }
      return single.some(({ oid }) => oid !== ocsp.archiveCutoff)
        ? 'An extension other than the archive cutoff stands in a single response.'
        : undefined;
    },
  },
];

/**
 * Every rule that a ResponseData breaks; empty if it may be signed.
 * @param tbs DER of the ResponseData, as it would be signed
 */
export function lintOcspResponseData(
  tbs: Uint8Array,
  context: OcspLintContext,
): readonly LintFinding[] {
  return isPlainAnswer(tbs, context) ? [] : everyFinding(tbs, context);
}

/** The same by asking every rule, whatever the form. */
export function everyFinding(tbs: Uint8Array, context: OcspLintContext): readonly LintFinding[] {
  const data = readStrictly(tbs);
  if (typeof data === 'string') return [finding('strict-der', 'RFC 6960 4.2.1', data)];
  return rules.flatMap(({ id, clause, check }) => {
    const message = check(data, context);
    return message === undefined ? [] : [finding(id, clause, message)];
  });
}

function readStrictly(tbs: Uint8Array): ResponseData | string {
  try {
    return readOcspResponseData(tbs);
  } catch (error) {
    if (error instanceof DerError) return `${error.message}.`;
    throw error;
  }
}

const finding = (rule: string, clause: string, message: string): LintFinding => ({
  rule,
  clause,
  severity: 'error',
  message,
});
