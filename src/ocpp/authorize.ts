/**
 * Authorize with a contract certificate (OCPP 2.0.1 and 2.1 C07, and the DataTransfer of the
 * ISO 15118 extension of 1.6): what the CSMS answers, given what is known of the certificate chain
 * and of the contract.
 */

import { parseEmaid, sameEmaid } from '../identifiers/emaid.ts';
import { attributeValue, type DistinguishedName } from '../pki/names.ts';

/** OCPP AuthorizationStatusEnumType. */
export type AuthorizationStatus =
  | 'Accepted'
  | 'Blocked'
  | 'ConcurrentTx'
  | 'Expired'
  | 'Invalid'
  | 'NoCredit'
  | 'NotAllowedTypeEVSE'
  | 'NotAtThisLocation'
  | 'NotAtThisTime'
  | 'Unknown';

/** OCPP AuthorizeCertificateStatusEnumType. */
export type AuthorizeCertificateStatus =
  | 'Accepted'
  | 'SignatureError'
  | 'CertificateExpired'
  | 'CertificateRevoked'
  | 'NoCertificateAvailable'
  | 'CertChainError'
  | 'ContractCancelled';

/**
 * What is known of the chain. `revoked` and `expired` are of any certificate in it; `unknown` is
 * that a status could not be found out, `absent` that no certificate was presented, or hash data
 * of none that is known.
 */
export type ChainVerdict =
  | 'valid'
  | 'revoked'
  | 'expired'
  | 'not-yet-valid'
  | 'untrusted'
  | 'signature-wrong'
  | 'unknown'
  | 'absent';

/** What is known of the contract; `other` is that idToken names another than the certificate. */
export type ContractState = 'active' | 'suspended' | 'ended' | 'unknown' | 'other';

export interface AuthorizeOutcome {
  /** idTokenInfo.status */
  readonly idTokenStatus: AuthorizationStatus;
  readonly certificateStatus: AuthorizeCertificateStatus;
}

/** Where the chain alone decides. C07.FR.13 to 17 settle the first two; the others are kept alike. */
const chainOutcomes: Readonly<Record<Exclude<ChainVerdict, 'valid'>, AuthorizeOutcome>> = {
  revoked: { idTokenStatus: 'Invalid', certificateStatus: 'CertificateRevoked' },
  expired: { idTokenStatus: 'Expired', certificateStatus: 'CertificateExpired' },
  'not-yet-valid': { idTokenStatus: 'Invalid', certificateStatus: 'CertChainError' },
  untrusted: { idTokenStatus: 'Invalid', certificateStatus: 'CertChainError' },
  'signature-wrong': { idTokenStatus: 'Invalid', certificateStatus: 'SignatureError' },
  // Nobody is charged on a status that nobody knows.
  unknown: { idTokenStatus: 'Invalid', certificateStatus: 'CertChainError' },
  absent: { idTokenStatus: 'Invalid', certificateStatus: 'NoCertificateAvailable' },
};

/** With a valid chain (C07.FR.13 to 17): an accepted certificate goes with any status of the token. */
const contractOutcomes: Readonly<Record<ContractState, AuthorizeOutcome>> = {
  active: { idTokenStatus: 'Accepted', certificateStatus: 'Accepted' },
  suspended: { idTokenStatus: 'Blocked', certificateStatus: 'Accepted' },
  ended: { idTokenStatus: 'Invalid', certificateStatus: 'ContractCancelled' },
  unknown: { idTokenStatus: 'Invalid', certificateStatus: 'ContractCancelled' },
  other: { idTokenStatus: 'Invalid', certificateStatus: 'ContractCancelled' },
};

/** What is answered; a contract is looked at only with a valid chain. */
export const authorizeOutcome = (chain: ChainVerdict, contract: ContractState): AuthorizeOutcome =>
  chain === 'valid' ? contractOutcomes[contract] : chainOutcomes[chain];

/**
 * Whether an idToken is the EMAID that a contract certificate has as its common name, in any case,
 * with or without hyphens and check digit.
 */
export function namesContract(
  idToken: string,
  { subject }: { readonly subject: DistinguishedName },
): boolean {
  const token = parseEmaid(idToken);
  const certified = parseEmaid(attributeValue(subject, 'CN') ?? '');
  return token.ok && certified.ok && sameEmaid(token.value, certified.value);
}
