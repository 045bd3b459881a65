/** What can stand between a certificate and a trust anchor. */

/** Every code with what it means; the message of a problem names the particulars. */
export const pathProblemCodes = {
  // The way up.
  'path-not-found': 'No certificate of the issuer is known, and the certificate is no anchor.',
  'signature-invalid': 'No known certificate of the issuer verifies the signature.',
  'signature-algorithm':
    'The signature algorithm is unknown, too weak, or not the same throughout.',
  'public-key': 'The public key is none that evpki accepts.',
  // The certificate by itself.
  'not-yet-valid': 'The validity has not begun.',
  expired: 'The validity has ended.',
  revoked: 'The certificate is revoked.',
  'serial-number': 'The serial number is not positive, or longer than 20 octets.',
  'name-missing': 'The issuer or the subject is empty where it must not be.',
  'key-identifier': 'The key identifier that leads to or from the issuer is missing.',
  'critical-extension': 'A critical extension is not understood.',
  'extension-criticality': 'An extension is critical, or not critical, against its standard.',
  'extension-duplicate': 'An extension occurs twice.',
  'extension-malformed': 'An extension about policies cannot be read.',
  // What it may sign and be used for.
  'basic-constraints': 'The basic constraints contradict themselves or the key usage.',
  'not-an-authority': 'The certificate issued another one and is not that of an authority.',
  'key-usage': 'The key may not sign certificates, or claims to without an authority.',
  'path-length': 'There are more authorities below another than its path length allows.',
  'name-constraints': 'A name is outside what an authority above may certify.',
  'key-purpose': 'The certificate, or an authority above, is not for the purpose.',
  policy: 'The certificate is under none of the policies that are asked for.',
  // The bounds of the search.
  'limit-depth': 'Paths that are longer than allowed were not followed.',
  'limit-candidates': 'There were more certificates of the issuers than are looked at.',
  'limit-signature-checks': 'More signatures would have had to be verified than allowed.',
  'limit-steps': 'There were more ways up than are tried.',
  'limit-name-comparisons': 'More names would have had to be compared than allowed.',
} as const;

export type PathProblemCode = keyof typeof pathProblemCodes;

/** The problems that come of the bounds of the search, and not of a certificate. */
export type LimitCode = Extract<PathProblemCode, `limit-${string}`>;

/** What is wrong with a certificate, before anybody knows where in a path it stands. */
export interface Finding {
  readonly code: PathProblemCode;
  /** A sentence for people. */
  readonly message: string;
}

/** A finding with the place in a path of the certificate that it is about, 0 for the leaf. */
export interface PlacedFinding extends Finding {
  readonly index: number;
}

export interface PathProblem extends PlacedFinding {
  /** The subject of that certificate in the form of RFC 4514. */
  readonly subject: string;
}

export const finding = (code: PathProblemCode, message: string): Finding => ({ code, message });
