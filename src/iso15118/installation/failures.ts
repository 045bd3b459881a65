/**
 * Why a car gets no contract, and the response code that tells it so. ISO 15118-2 and -20 list the
 * codes without saying for each case which one it is: where `because` names no requirement, the
 * code is the one whose description is nearest.
 *
 * In -20 a WARNING leaves the session running, so that the car can still charge when it is paid for
 * otherwise; FAILED ends it. What is wrong with a certificate or a contract is therefore a WARNING,
 * and only a message that nobody can have meant is FAILED.
 */

import type { Iso2ResponseCode } from '../exi/iso2-messages.ts';
import type { Iso20ResponseCode } from '../exi/iso20-messages.ts';
import type { Standard } from '../signature/signature-profile.ts';

interface ResponseCodes {
  readonly 'iso15118-2': Iso2ResponseCode;
  readonly 'iso15118-20': Iso20ResponseCode;
}

/** The response codes of a standard. */
export type ResponseCode<S extends Standard> = ResponseCodes[S];

/** By reason. "The certificate" is the one whose key signs the request. */
export const failureAnswers = {
  'request-unreadable': {
    'iso15118-2': 'FAILED',
    'iso15118-20': 'FAILED',
    because: 'The request is not EXI of its schema: no other code is about the message itself.',
  },
  'request-unexpected': {
    'iso15118-2': 'FAILED',
    'iso15118-20': 'FAILED',
    because:
      'It is another message than was announced. FAILED_SequenceError would be about the session, which only the charger knows.',
  },
  'certificate-unreadable': {
    'iso15118-2': 'FAILED_CertChainError',
    'iso15118-20': 'WARNING_CertificateValidationError',
    because: 'No chain can be built from what is not a certificate.',
  },
  'key-transport-impossible': {
    'iso15118-2': 'FAILED_NoCertificateAvailable',
    'iso15118-20': 'WARNING_NoCertificateAvailable',
    because:
      'A contract key cannot be encrypted for this kind of key: P-256 is the only one of -2 [V2G2-818], and has no key transport in -20 [V2G20-2709].',
  },
  'signature-missing': {
    'iso15118-2': 'FAILED_SignatureError',
    'iso15118-20': 'FAILED_SignatureError',
    because: 'The request has to be signed, and is not.',
  },
  'signature-invalid': {
    'iso15118-2': 'FAILED_SignatureError',
    'iso15118-20': 'FAILED_SignatureError',
    because: 'The signature is not that of the certificate over this request, or not of its form.',
  },
  'pcid-unreadable': {
    'iso15118-2': 'FAILED_CertChainError',
    'iso15118-20': 'WARNING_CertificateValidationError',
    because: 'A certificate without PCID in its common name is no provisioning certificate.',
  },
  'emaid-unreadable': {
    'iso15118-2': 'FAILED_NoCertificateAvailable',
    'iso15118-20': 'WARNING_NoCertificateAvailable',
    because: 'An update names the contract by its EMAID, and there is none of such a name.',
  },
  'emaid-mismatch': {
    'iso15118-2': 'FAILED_NoCertificateAvailable',
    'iso15118-20': 'WARNING_NoCertificateAvailable',
    because: 'The EMAID is not that of the contract certificate: no contract is both.',
  },
  'domain-missing': {
    'iso15118-2': 'FAILED_CertChainError',
    'iso15118-20': 'WARNING_CertificateValidationError',
    because: 'The certificate lacks the domain component of its branch [V2G2-925].',
  },
  'chain-untrusted': {
    'iso15118-2': 'FAILED_CertChainError',
    'iso15118-20': 'WARNING_CertificateValidationError',
    because: 'No valid path leads from the certificate to a trust anchor of its branch.',
  },
  'certificate-not-yet-valid': {
    'iso15118-2': 'FAILED_CertChainError',
    'iso15118-20': 'WARNING_CertificateNotYetValid',
    because: '-2 has no code of its own for it, and "expired" would be untrue.',
  },
  'certificate-expired': {
    'iso15118-2': 'FAILED_CertificateExpired',
    'iso15118-20': 'WARNING_CertificateExpired',
    because: 'The certificate or one above it has expired.',
  },
  'certificate-revoked': {
    'iso15118-2': 'FAILED_CertificateRevoked',
    'iso15118-20': 'WARNING_CertificateRevoked',
    because: 'The certificate or one above it has been revoked.',
  },
  'provisioning-certificate-unknown': {
    'iso15118-2': 'FAILED_NoCertificateAvailable',
    'iso15118-20': 'WARNING_NoContractMatchingPCIDFound',
    because:
      'Nobody has registered this PCID, or nobody whose roots vouch for this certificate, so that no contract can be for it.',
  },
  'provisioning-certificate-replaced': {
    'iso15118-2': 'FAILED_NoCertificateAvailable',
    'iso15118-20': 'WARNING_NoCertificateAvailable',
    because: 'For this PCID another key is registered, and contract keys are encrypted for that.',
  },
  'contract-missing': {
    'iso15118-2': 'FAILED_NoCertificateAvailable',
    'iso15118-20': 'WARNING_NoContractMatchingPCIDFound',
    because: 'There is no contract for this car, or none that is active.',
  },
  'contract-ended': {
    'iso15118-2': 'FAILED_ContractCanceled',
    'iso15118-20': 'WARNING_NoContractMatchingPCIDFound',
    because: 'The contract whose certificate is to be updated has ended.',
  },
  'root-missing': {
    'iso15118-2': 'FAILED_NoCertificateAvailable',
    'iso15118-20': 'WARNING_NoCertificateAvailable',
    because:
      'None of the V2G roots that the car lists is above a provisioning service of ours: it could verify no answer [V2G2-891].',
  },
  'service-unavailable': {
    'iso15118-2': 'FAILED',
    'iso15118-20': 'WARNING_NoCertificateAvailable',
    because: 'It is not for the car: its contract cannot be renewed now. It may ask again.',
  },
} as const satisfies Readonly<Record<string, ResponseCodes & { readonly because: string }>>;

export type FailureReason = keyof typeof failureAnswers;

export const responseCodeFor = <S extends Standard>(
  standard: S,
  reason: FailureReason,
): ResponseCode<S> => (failureAnswers[reason] as ResponseCodes)[standard];

/**
 * Codes of CertificateUpdateRes that come with a RetryCounter: whether and when it is worth asking
 * again. Days from now, 0 for the next time that the car is plugged in, -1 for never.
 */
export const codesWithRetry: ReadonlySet<Iso2ResponseCode> = new Set([
  'FAILED_NoCertificateAvailable',
  'FAILED_ContractCanceled',
]);
