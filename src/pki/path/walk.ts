/** A path from its anchor down to its leaf, but for the signatures (RFC 5280 6.1). */

import type { Spending } from './limits.ts';
import { constrainedNames, constraintFindings } from './name-constraints.ts';
import type { PathNode } from './node.ts';
import { judgePolicies } from './policy-graph.ts';
import { finding, type PlacedFinding } from './problems.ts';
import type { PathRules } from './rules.ts';

export interface Walked {
  /** All there are, the leaf's first. */
  readonly findings: readonly PlacedFinding[];
  /** The acceptable policies that the path is under, see `PolicyVerdict`. */
  readonly policies: readonly string[];
}

/** @param path leaf first, the anchor last */
export function walkPath(path: readonly PathNode[], rules: PathRules, spending: Spending): Walked {
  const policies = judgePolicies(path, rules.policies ?? {});
  const findings: PlacedFinding[] = [
    ...ownProblems(path),
    ...lengthProblems(path, rules),
    ...nameProblems(path, spending),
    ...purposeProblems(path, rules),
  ];
  if (!policies.ok) {
    findings.push({ ...finding('policy', policies.message), index: policies.index });
  }
  findings.sort((a, b) => a.index - b.index);
  return { findings, policies: policies.ok ? policies.policies : [] };
}

/** What is wrong with each by itself, and with all but the leaf as issuers. */
export function ownProblems(path: readonly PathNode[]): PlacedFinding[] {
  const problems: PlacedFinding[] = [];
  for (let index = 0; index < path.length; index++) {
    const { findings, issuerFindings } = path[index] as PathNode;
    for (const found of findings) problems.push({ index, ...found });
    if (index === 0) continue;
    for (const found of issuerFindings) problems.push({ index, ...found });
  }
  return problems;
}

/** RFC 5280 6.1.4 (l), (m). Self-issued authorities are not counted, and the leaf never is. */
function lengthProblems(path: readonly PathNode[], rules: PathRules): PlacedFinding[] {
  const problems: PlacedFinding[] = [];
  let left = rules.maximumPathLength ?? Infinity;
  for (let index = path.length - 1; index > 0; index--) {
    const { certificate, isAnchor, selfIssued } = path[index] as PathNode;
    if (!isAnchor && !selfIssued) {
      // A limit that is no number allows nothing.
      if (!(left > 0)) {
        const message = 'It is one authority more than the path length above allows.';
        problems.push({ ...finding('path-length', message), index });
      }
      left--;
    }
    left = Math.min(left, certificate.extensions.basicConstraints?.pathLength ?? Infinity);
  }
  return problems;
}

/**
 * RFC 5280 6.1.3 (b), (c): the names of each certificate under the constraints of all above it.
 * Self-issued ones are exempt, unless they are the leaf.
 */
function nameProblems(path: readonly PathNode[], spending: Spending): PlacedFinding[] {
  if (path.every(({ constraints }) => constraints.size === 0)) return [];
  return path.slice(0, -1).flatMap((node, index) => {
    if (index > 0 && node.selfIssued) return [];
    return path
      .slice(index + 1)
      .filter(({ constraints }) => constraints.size > 0)
      .flatMap(({ constraints }) =>
        constraintFindings(constrainedNames(node.certificate), constraints, spending),
      )
      .map((found) => ({ index, ...found }));
  });
}

/**
 * RFC 5280 4.2.1.12, and its nesting: an authority that names purposes certifies for these only.
 * OCSPSigning there is a purpose of the authority's own key (V2G roots may carry it, ISO 15118-2
 * Annex F) and constrains nothing.
 */
function purposeProblems(path: readonly PathNode[], { purpose }: PathRules): PlacedFinding[] {
  if (purpose === undefined) return [];
  return path.flatMap(({ certificate }, index) => {
    const named = certificate.extensions.extendedKeyUsage?.purposes;
    const limits = index === 0 ? named : named?.filter((each) => each !== 'OCSPSigning');
    if (limits === undefined || (index > 0 && limits.length === 0)) return [];
    if (limits.includes(purpose) || limits.includes('anyExtendedKeyUsage')) return [];
    const message = `It is for ${limits.join(', ')}, not for ${purpose}.`;
    return [{ ...finding('key-purpose', message), index }];
  });
}
