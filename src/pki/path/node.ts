/** A certificate with everything about it that a search for paths asks more than once. */

import { sameBytes } from '../byte-order.ts';
import type { Certificate } from '../certificate.ts';
import { DerError } from '../der-element.ts';
import { readPolicyExtensions } from '../extensions/read-policies.ts';
import { canonicalName } from '../names.ts';
import type { RawExtension } from '../raw-extensions.ts';
import { constrainedNames, constraintsOf, type NameConstraints } from './name-constraints.ts';
import type { ConstrainedName } from './name-forms.ts';
import { issuerFindings, ownFindings } from './own-findings.ts';
import type { PolicyFacts } from './policy-graph.ts';
import type { Finding } from './problems.ts';
import type { PathRules } from './rules.ts';

export interface PathNode {
  readonly certificate: Certificate;
  readonly isAnchor: boolean;
  /** RFC 5280 3.2, with names compared as in 7.1. */
  readonly selfIssued: boolean;
  /** The names as keys that are equal where RFC 5280 7.1 takes them for the same. */
  readonly subjectKey: string;
  readonly issuerKey: string;
  /** What is wrong with it wherever it stands. */
  readonly findings: readonly Finding[];
  /** What keeps it from being an issuer. */
  readonly issuerFindings: readonly Finding[];
  readonly names: readonly ConstrainedName[];
  readonly constraints: NameConstraints;
  readonly policies: PolicyFacts;
}

/** The names alone, for certificates of which nobody knows yet whether they matter. */
export interface Named {
  readonly certificate: Certificate;
  readonly subjectKey: string;
  readonly issuerKey: string;
}

export function named(certificate: Certificate): Named {
  const { issuer, subject, issuerDer, subjectDer } = certificate;
  const subjectKey = canonicalName(subject);
  const issuerKey = sameBytes(issuerDer, subjectDer) ? subjectKey : canonicalName(issuer);
  return { certificate, subjectKey, issuerKey };
}

export function nodeOf(
  { certificate, subjectKey, issuerKey }: Named,
  isAnchor: boolean,
  rules: PathRules,
): PathNode {
  const selfIssued = subjectKey === issuerKey;
  const policies = policiesOf(certificate.rawExtensions);
  const { constraints, findings } = constraintsOf(certificate);
  return {
    ...{ certificate, isAnchor, selfIssued, subjectKey, issuerKey, constraints },
    findings: [...ownFindings({ certificate, isAnchor, selfIssued, policies }, rules), ...findings],
    issuerFindings: issuerFindings(certificate),
    names: constrainedNames(certificate),
    policies: {
      ...(policies ?? { unknownQualifiers: [] }),
      policies: certificate.extensions.certificatePolicies?.policies,
      selfIssued,
    },
  };
}

function policiesOf(raw: readonly RawExtension[]) {
  try {
    return readPolicyExtensions(raw);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
