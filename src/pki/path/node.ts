/** A certificate with everything about it that a search for paths asks more than once. */

import { bytesKey, sameBytes } from '../byte-order.ts';
import { type Certificate, spkiKey } from '../certificate.ts';
import { DerError } from '../der-element.ts';
import { type PolicyExtensions, readPolicyExtensions } from '../extensions/read-policies.ts';
import { canonicalName } from '../names.ts';
import type { RawExtension } from '../raw-extensions.ts';
import { remembered } from '../remembered.ts';
import { constrainedNames, constraintsOf, type NameConstraints } from './name-constraints.ts';
import type { ConstrainedName } from './name-forms.ts';
import { issuerFindings, lastingFindings, validityFindings } from './own-findings.ts';
import type { PolicyFacts } from './policy-graph.ts';
import type { Finding } from './problems.ts';
import type { PathRules, Tolerance } from './rules.ts';

export interface PathNode extends CertificateFacts {
  readonly isAnchor: boolean;
  /** What is wrong with it wherever it stands. */
  readonly findings: readonly Finding[];
}

/** What a certificate says by itself, whoever asks and when. */
export interface CertificateFacts {
  readonly certificate: Certificate;
  /** Its octets, as text. */
  readonly derKey: string;
  /** Its public key, as text that is the same for the same key. */
  readonly spkiKey: string;
  /** The names as keys that are equal where RFC 5280 7.1 takes them for the same. */
  readonly subjectKey: string;
  readonly issuerKey: string;
  /** RFC 5280 3.2, with names compared as in 7.1. */
  readonly selfIssued: boolean;
  /** What keeps it from being an issuer. */
  readonly issuerFindings: readonly Finding[];
  /** Those that constraints are about, for which there seldom are any. */
  names(): readonly ConstrainedName[];
  readonly constraints: NameConstraints;
  readonly constraintFindings: readonly Finding[];
  readonly policies: PolicyFacts;
  /** Undefined where they could not be read. */
  readonly policyExtensions: PolicyExtensions | undefined;
}

/** The keys alone, for certificates of which nobody knows yet whether they matter. */
export type Named = Pick<
  CertificateFacts,
  'certificate' | 'derKey' | 'spkiKey' | 'subjectKey' | 'issuerKey'
>;

// Callers keep the certificates of authorities, and validate one leaf after the other with them.
export const named = remembered((certificate: Certificate): Named => {
  const { issuer, subject, issuerDer, subjectDer } = certificate;
  const subjectKey = canonicalName(subject);
  const issuerKey = sameBytes(issuerDer, subjectDer) ? subjectKey : canonicalName(issuer);
  const derKey = bytesKey(certificate.der);
  return { certificate, derKey, spkiKey: spkiKey(certificate), subjectKey, issuerKey };
});

export function nodeOf({ certificate }: Named, isAnchor: boolean, rules: PathRules): PathNode {
  const facts = factsOf(certificate);
  const lasting = lastingOf(facts, isAnchor, rules.tolerated);
  const ofNow = validityFindings(certificate, isAnchor, rules);
  const findings = ofNow.length === 0 ? lasting : [...ofNow, ...lasting];
  return {
    isAnchor,
    findings,
    certificate,
    derKey: facts.derKey,
    spkiKey: facts.spkiKey,
    subjectKey: facts.subjectKey,
    issuerKey: facts.issuerKey,
    selfIssued: facts.selfIssued,
    issuerFindings: facts.issuerFindings,
    names: facts.names,
    constraints: facts.constraints,
    constraintFindings: facts.constraintFindings,
    policies: facts.policies,
    policyExtensions: facts.policyExtensions,
  };
}

/** What is wrong with it at any time, which is asked in few ways. */
function lastingOf(
  { certificate, selfIssued, policyExtensions, constraintFindings, lasting }: KnownFacts,
  isAnchor: boolean,
  tolerated: readonly Tolerance[] = [],
): readonly Finding[] {
  const asked = `${isAnchor} ${tolerated.join(' ')}`;
  const known = lasting.get(asked);
  if (known) return known;
  const examined = { certificate, isAnchor, selfIssued, policies: policyExtensions };
  const findings = [...lastingFindings(examined, tolerated), ...constraintFindings];
  lasting.set(asked, findings);
  return findings;
}

interface KnownFacts extends CertificateFacts {
  readonly lasting: Map<string, readonly Finding[]>;
}

const factsOf = remembered((certificate: Certificate): KnownFacts => {
  const keys = named(certificate);
  const selfIssued = keys.subjectKey === keys.issuerKey;
  const policyExtensions = policiesOf(certificate.rawExtensions);
  const { constraints, findings: constraintFindings } = constraintsOf(certificate);
  let names: readonly ConstrainedName[] | undefined;
  return {
    issuerFindings: issuerFindings(certificate),
    ...keys,
    selfIssued,
    constraints,
    constraintFindings,
    names() {
      names ??= constrainedNames(certificate);
      return names;
    },
    policies: {
      policies: certificate.extensions.certificatePolicies?.policies,
      selfIssued,
      ...(policyExtensions ?? { unknownQualifiers: [] }),
    },
    policyExtensions,
    lasting: new Map(),
  };
});

function policiesOf(raw: readonly RawExtension[]) {
  try {
    return readPolicyExtensions(raw);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
