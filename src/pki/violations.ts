/**
 * What can be wrong with something that evpki was asked to certify. Code and field are stable,
 * so that programs can act on them; the message is for people and names the offending value.
 * Checks collect violations instead of throwing, so that a caller hears of all of them at once.
 */

/** Every violation code with the sentence that explains it in `docs/errors.md`. */
export const violationCodes = {
  // The request as bytes.
  'csr-too-large': 'The certification request is larger than 8 KiB.',
  'csr-malformed': 'The certification request is not a PKCS#10 structure in strict DER.',
  'csr-version': 'The certification request has a version other than 0 (RFC 2986 4.1).',
  'csr-signature-algorithm': 'The request is signed with an algorithm that is unknown or too weak.',
  'csr-signature-invalid': 'The request is not signed by the private key of the key it names.',
  'csr-attribute': 'The request repeats an attribute or carries it in a wrong form.',
  'key-encryption-unsupported':
    'A generated key is to be encrypted with a key of the client (RFC 7030 4.4.1), which is not done.',
  'channel-binding-mismatch':
    'The challengePassword of the request is not the tls-unique value of its TLS connection (RFC 7030 3.5).',
  'channel-binding-unavailable':
    'The request has a challengePassword, and its TLS connection no tls-unique value to compare.',
  // The key.
  'key-malformed': 'The public key is not one of the exact encodings that evpki accepts.',
  'key-type': 'The profile, or any, does not allow keys of this type or size.',
  'key-weak': 'The private key could be found from the public key.',
  'key-blocked': 'The key is on the block list, or was revoked as compromised.',
  'key-of-authority': 'The key belongs to a certification authority.',
  'key-in-use': 'The key is already certified for another subject.',
  // The subject.
  'subject-malformed': 'The requested subject is not a name in the form RFC 5280 demands.',
  'subject-attribute-missing': 'An attribute that the profile takes from the request is missing.',
  'subject-attribute-invalid': 'A subject attribute is not in the form that the profile demands.',
  'subject-attribute-mismatch': 'A subject attribute differs from what is registered.',
  'subject-of-issuer': 'The subject is that of the authority that would sign.',
  'certificate-too-large':
    'With names as long as these the certificate is larger than its standard allows.',
  // The station.
  'station-unknown': 'No station of this identity is registered with the organization.',
  'station-refused': 'Nothing is certified for the station: its enrolment is refused.',
  'station-name-taken': 'The common name is that of another station of the organization.',
  'operator-not-allowed':
    'An EVSE or SECC id is that of an operator which is none of the organization’s.',
  'certificate-type-unknown': 'The OCPP version does not know the certificate type.',
  'root-unknown': 'No authority that could sign is below the root that the station asks for.',
  // The extensions.
  'extension-malformed': 'A requested extension cannot be parsed.',
  'extension-duplicate': 'An extension is requested twice.',
  'extension-forbidden': 'The profile does not allow this extension in a request.',
  'extension-mismatch': 'A requested extension asks for something else than the profile grants.',
  'san-missing': 'The profile demands a subject alternative name and the request has none.',
  'san-invalid': 'A subject alternative name is not in a form that the profile allows.',
  // What somebody else's server answered.
  'cms-malformed': 'The certificates are not in a certs-only CMS structure in strict DER.',
  // Who asks.
  'requester-ended': 'The API client that asked has been disabled or has expired meanwhile.',
  'proposer-ended': 'The API client that proposed has been disabled or has expired meanwhile.',
  'proposer-not-permitted': 'None of the roles of whoever proposed permits it any more.',
  'proposal-outdated':
    'What the proposal is about is not there any more, or not as it was when it was made.',
  // The certificate that is renewed.
  'renewal-mismatch': 'A name is not that of the certificate to be renewed.',
  'renewal-same-key':
    'The key is that of the certificate to be renewed; the profile wants a new one.',
  // Validity and issuer.
  'validity-order': 'The requested end of validity is not after its start.',
  'validity-too-short': 'What the issuer has left is shorter than the profile allows.',
  'validity-too-long': 'The requested validity is longer than the profile allows.',
  'validity-beyond-issuer': "The requested validity ends after the issuer's own.",
  'issuer-not-active':
    'The authority is not active: it awaits a certificate, is retired or revoked.',
  'issuer-not-valid': "The issuer's own certificate is not valid at this time.",
  'issuer-not-allowed': 'The profile may not be issued by this authority.',
  'issuer-without-addresses': 'The profile names places that the authority has no addresses for.',
  'certified-root':
    'A cross-certificate is made for another root, and nothing but a cross-certificate is.',
  'path-length': "The issuer's path length constraint does not allow another authority below it.",
  'name-constraint': "The subject lies outside the issuer's name constraints.",
} as const;

export type ViolationCode = keyof typeof violationCodes;

export interface Violation {
  readonly code: ViolationCode;
  /** A sentence for people, naming the offending value and what is expected. */
  readonly message: string;
  /** What it is about, such as `subject.CN`, `publicKey` or `extensions.keyUsage`. */
  readonly field?: string;
}

export const violation = (code: ViolationCode, message: string, field?: string): Violation =>
  field === undefined ? { code, message } : { code, message, field };

/** A value, or everything that stands in its way. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly violations: readonly Violation[] };

export const accepted = <T>(value: T): Checked<T> => ({ ok: true, value });

export const refused = (...violations: readonly Violation[]): Checked<never> => ({
  ok: false,
  violations,
});
