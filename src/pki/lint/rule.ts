/** What a lint rule is: one small function over a parsed certificate, and why it exists. */

import type { TbsCertificate } from '../certificate.ts';
import type { Profile } from '../profile.ts';
import type { KeyAlgorithm } from '../public-key.ts';

/** What lint knows of the issuer, from the issuer's own certificate. */
export interface LintIssuer {
  readonly subjectDer: Uint8Array;
  readonly keyIdentifier?: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly pathLength?: number;
}

export interface LintContext {
  readonly profile: Profile;
  /** `self` for a root, which signs itself. */
  readonly issuer: LintIssuer | 'self';
  /** The type of the key that will sign. */
  readonly issuerKeyAlgorithm: KeyAlgorithm;
  /** The root that a cross-certificate is for, from its own certificate. */
  readonly certified?: LintCertified | undefined;
}

export interface LintCertified {
  readonly subjectDer: Uint8Array;
  readonly spki: Uint8Array;
  readonly keyIdentifier: Uint8Array;
}

/** Undefined if the certificate keeps the rule; otherwise a sentence on how it breaks it. */
export type LintCheck = (tbs: TbsCertificate, context: LintContext) => string | undefined;

export interface LintRule {
  /** Stable, kebab-case. */
  readonly id: string;
  /** The clause that it implements, or the number of our own security requirement. */
  readonly clause: string;
  /** What a certificate must be like, for people. */
  readonly what: string;
  readonly check: LintCheck;
  /**
   * It looks at what differs among the certificates of a profile and issuer: serial number,
   * validity, subject, key, key identifier, size. Rules without this look at nothing of it but
   * the type of the key.
   */
  readonly varies?: true;
}

export interface LintFinding {
  readonly rule: string;
  readonly clause: string;
  /** There are no warnings: what is not worth refusing is not worth a rule. */
  readonly severity: 'error';
  readonly message: string;
}
