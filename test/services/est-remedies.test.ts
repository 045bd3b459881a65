/** What people are told to do who are refused by EST. */

import { describe, expect, test } from 'vitest';
import { type ErrorCode, errorCodes, ServiceError } from '../../src/services/errors.ts';
import { estRemedy, estRemedyRows } from '../../src/services/est-remedies.ts';
import {
  NotAuthenticated,
  type RefusalReason,
  secretRefused,
} from '../../src/services/refusals.ts';

const who = { actor: 'enrolment-secret:1', organizationId: 'o' };

describe('remedies of EST', () => {
  test('are sentences, for every error that there is', () => {
    for (const code of Object.keys(errorCodes) as ErrorCode[]) {
      expect(estRemedy(new ServiceError(code, 'why')), code).toMatch(/^[A-Z].+\.$/);
    }
    for (const { remedy } of estRemedyRows) expect(remedy).toMatch(/^[A-Z][^|\n]+\.$/);
  });

  test('are in the list with each code and reason once', () => {
    const rows = estRemedyRows.map(({ code, reason }) => `${code} ${reason}`);
    expect(new Set(rows).size).toBe(rows.length);
    for (const { code, reason, remedy } of estRemedyRows) {
      const error =
        reason === ''
          ? new ServiceError(code, 'why')
          : new NotAuthenticated('why', { reason: 'client-ended' }, reason as RefusalReason);
      expect(estRemedy(error)).toBe(remedy);
    }
  });

  test('do not send holders of secrets and certificates for a token', () => {
    for (const { reason, remedy } of estRemedyRows) {
      if (/^(?:secret|certificate|station)-/.test(reason)) expect(remedy).not.toMatch(/token/i);
    }
    // Nor does the door know JSON.
    for (const { remedy } of estRemedyRows) expect(remedy).not.toMatch(/violations|openapi|json/i);
  });

  test('depend on what the caller is told, never on the reason that the log has', () => {
    const reasons: RefusalReason[] = ['secret-used', 'certificate-revoked', 'station-unknown'];
    const told = (as?: RefusalReason) =>
      new Set(reasons.map((reason) => estRemedy(new NotAuthenticated('why', { reason }, as))));
    expect(told().size).toBe(1);
    expect(told('certificate-unknown').size).toBe(1);
    expect([...told()]).not.toEqual([...told('certificate-unknown')]);
  });

  test('of a secret say what has become of it, but not whose it is', () => {
    const [unknown, ofOther, used, withdrawn, expired] = [
      estRemedy(new NotAuthenticated('why', { reason: 'secret-unknown' }, 'secret-unknown')),
      ...(['secret-of-other', 'secret-used', 'secret-withdrawn', 'secret-expired'] as const).map(
        (reason) => estRemedy(secretRefused(reason, who)),
      ),
    ];
    expect(ofOther).toBe(unknown);
    expect(new Set([unknown, used, withdrawn, expired]).size).toBe(4);
  });
});
