import { describe, expect, test } from 'vitest';
import { iso2ResponseCodes } from '../../../src/iso15118/exi/iso2-messages.ts';
import { iso20ResponseCodes } from '../../../src/iso15118/exi/iso20-messages.ts';
import {
  type FailureReason,
  failureAnswers,
  responseCodeFor,
} from '../../../src/iso15118/installation/failures.ts';
import { buildIso2Failure } from '../../../src/iso15118/installation/iso2-response.ts';
import { buildIso20Failure } from '../../../src/iso15118/installation/iso20-response.ts';

const reasons = Object.keys(failureAnswers) as FailureReason[];
const rows = new Set<FailureReason>();

describe('every reason why a car gets no contract', () => {
  test.each(reasons)('%s has an answer in both standards, and a sentence why', (reason) => {
    const iso2 = responseCodeFor('iso15118-2', reason);
    const iso20 = responseCodeFor('iso15118-20', reason);
    expect(iso2ResponseCodes).toContain(iso2);
    expect(iso20ResponseCodes).toContain(iso20);
    const sessionId = new Uint8Array(8);
    expect(buildIso2Failure('CertificateInstallationRes', sessionId, iso2).length).toBeGreaterThan(
      0,
    );
    expect(buildIso20Failure(sessionId, new Date(0), iso20).length).toBeGreaterThan(0);
    expect(failureAnswers[reason].because).toMatch(/^\S.{20,}\.$/);
  });

  test('a -20 car is told FAILED only of its message and its signature', () => {
    const failed = reasons.filter((one) =>
      responseCodeFor('iso15118-20', one).startsWith('FAILED'),
    );
    expect(failed).toEqual([
      'request-unreadable',
      'request-unexpected',
      'signature-missing',
      'signature-invalid',
    ]);
  });

  /** Beside the table itself, which everything else is held against. */
  test.each<[FailureReason, string, string]>([
    ['request-unreadable', 'FAILED', 'FAILED'],
    ['request-unexpected', 'FAILED', 'FAILED'],
    ['certificate-unreadable', 'FAILED_CertChainError', 'WARNING_CertificateValidationError'],
    ['key-transport-impossible', 'FAILED_NoCertificateAvailable', 'WARNING_NoCertificateAvailable'],
    ['signature-missing', 'FAILED_SignatureError', 'FAILED_SignatureError'],
    ['signature-invalid', 'FAILED_SignatureError', 'FAILED_SignatureError'],
    ['pcid-unreadable', 'FAILED_CertChainError', 'WARNING_CertificateValidationError'],
    ['emaid-unreadable', 'FAILED_NoCertificateAvailable', 'WARNING_NoCertificateAvailable'],
    ['emaid-mismatch', 'FAILED_NoCertificateAvailable', 'WARNING_NoCertificateAvailable'],
    ['domain-missing', 'FAILED_CertChainError', 'WARNING_CertificateValidationError'],
    ['chain-untrusted', 'FAILED_CertChainError', 'WARNING_CertificateValidationError'],
    ['certificate-not-yet-valid', 'FAILED_CertChainError', 'WARNING_CertificateNotYetValid'],
    ['certificate-expired', 'FAILED_CertificateExpired', 'WARNING_CertificateExpired'],
    ['certificate-revoked', 'FAILED_CertificateRevoked', 'WARNING_CertificateRevoked'],
    [
      'provisioning-certificate-unknown',
      'FAILED_NoCertificateAvailable',
      'WARNING_NoContractMatchingPCIDFound',
    ],
    [
      'provisioning-certificate-replaced',
      'FAILED_NoCertificateAvailable',
      'WARNING_NoCertificateAvailable',
    ],
    ['contract-missing', 'FAILED_NoCertificateAvailable', 'WARNING_NoContractMatchingPCIDFound'],
    ['contract-ended', 'FAILED_ContractCanceled', 'WARNING_NoContractMatchingPCIDFound'],
    ['root-missing', 'FAILED_NoCertificateAvailable', 'WARNING_NoCertificateAvailable'],
    ['service-unavailable', 'FAILED', 'WARNING_NoCertificateAvailable'],
  ])('%s is %s in -2 and %s in -20', (reason, iso2, iso20) => {
    expect(failureAnswers[reason]).toMatchObject({ 'iso15118-2': iso2, 'iso15118-20': iso20 });
    rows.add(reason);
  });

  test('every reason has its row', () => {
    expect([...rows].sort()).toEqual([...reasons].sort());
  });
});
