/** Why a certificate was revoked (RFC 5280 5.3.1): one list for CRLs, OCSP and the API. */

/** The reasons under their ASN.1 names with their CRLReason numbers; 7 is not used. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;

export type RevocationReason = keyof typeof revocationReasons;

const reasonsByNumber: ReadonlyMap<number, RevocationReason> = new Map(
  (Object.keys(revocationReasons) as RevocationReason[]).map((reason) => [
    revocationReasons[reason],
    reason,
  ]),
);

/** The reason that a CRLReason number stands for; undefined for 7 and every other number. */
export const revocationReasonOf = (number: number): RevocationReason | undefined =>
  reasonsByNumber.get(number);

/** Whether the text is a reason exactly as RFC 5280 writes it. */
export const isRevocationReason = (text: string): text is RevocationReason =>
  Object.hasOwn(revocationReasons, text);
