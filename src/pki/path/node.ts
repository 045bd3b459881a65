/** A certificate with everything about it that a search for paths asks more than once. */

import type { Certificate } from '../certificate.ts';
import { DerError } from '../der-element.ts';
import {
  noPolicyExtensions,
  type PolicyExtensions,
  readPolicyExtensions,
} from '../extensions/read-policies.ts';
import { canonicalName, sameName } from '../names.ts';
import { remembered } from '../remembered.ts';
import { constraintsOf, type NameConstraints } from './name-constraints.ts';
import { issuerFindings, lastingFindings, validityFindings } from './own-findings.ts';
import type { PolicyFacts } from './policy-graph.ts';
import type { Finding } from './problems.ts';
import type { PathRules, Tolerance } from './rules.ts';

export interface PathNode extends PolicyFacts {
  readonly certificate: Certificate;
  readonly isAnchor: boolean;
  /** RFC 5280 3.2, with names compared as in 7.1. Not found out of a leaf, where nobody asks. */
  readonly selfIssued: boolean;
  /** What is wrong with it wherever it stands. */
  readonly findings: readonly Finding[];
  /** What keeps it from being an issuer. */
  readonly issuerFindings: readonly Finding[];
  readonly constraints: NameConstraints;
}

/** The names as keys that are equal where RFC 5280 7.1 takes them for the same. */
export const subjectKey = ({ subject }: Certificate): string => canonicalName(subject);
export const issuerKey = ({ issuer }: Certificate): string => canonicalName(issuer);

export function leafNode(certificate: Certificate, isAnchor: boolean, rules: PathRules): PathNode {
  const examined = { certificate, isAnchor, selfIssued: false };
  return atTime(lastingNode(examined, rules.tolerated ?? []), rules);
}

/** Callers keep the certificates of authorities: what lasts of them is found once. */
export function authorityNode(
  certificate: Certificate,
  isAnchor: boolean,
  rules: PathRules,
): PathNode {
  const { tolerated = [] } = rules;
  const kept = keptNodes(certificate);
  const kind = kindOf(isAnchor, tolerated);
  const known = kept.get(kind);
  if (known) return atTime(known, rules);
  const selfIssued = sameName(certificate.issuer, certificate.subject);
  const node = lastingNode({ certificate, isAnchor, selfIssued }, tolerated);
  kept.set(kind, node);
  return atTime(node, rules);
}

const keptNodes = remembered((_: Certificate) => new Map<number, PathNode>());

/** What is asked of a certificate at any time is asked in few ways, each of which has a number. */
function kindOf(isAnchor: boolean, tolerated: readonly Tolerance[]): number {
  let kind = isAnchor ? 1 : 0;
  if (tolerated.includes('critical-information')) kind += 2;
  if (tolerated.includes('missing-key-identifiers')) kind += 4;
  return kind;
}

function atTime(node: PathNode, rules: PathRules): PathNode {
  const ofNow = validityFindings(node.certificate, node.isAnchor, rules);
  if (ofNow.length === 0) return node;
  // A literal that began with the node would get a hidden class of its own.
  return Object.assign({}, node, { findings: [...ofNow, ...node.findings] });
}

/** All of a node but what its time says. */
function lastingNode(
  { certificate, isAnchor, selfIssued }: Pick<PathNode, 'certificate' | 'isAnchor' | 'selfIssued'>,
  tolerated: readonly Tolerance[],
): PathNode {
  const policies = policiesOf(certificate);
  const { constraints, findings: constraintFindings } = constraintsOf(certificate);
  const findings = lastingFindings({ certificate, isAnchor, policies }, tolerated);
  const facts = policies ?? noPolicyExtensions;
  return {
    certificate,
    isAnchor,
    selfIssued,
    findings: constraintFindings.length === 0 ? findings : [...findings, ...constraintFindings],
    issuerFindings: issuerFindings(certificate),
    constraints,
    policies: certificate.extensions.certificatePolicies?.policies,
    policyMappings: facts.policyMappings,
    policyConstraints: facts.policyConstraints,
    inhibitAnyPolicy: facts.inhibitAnyPolicy,
    unknownQualifiers: facts.unknownQualifiers,
  };
}

/** Undefined where they cannot be read. */
function policiesOf({ rawExtensions }: Certificate): PolicyExtensions | undefined {
  try {
    return readPolicyExtensions(rawExtensions);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
