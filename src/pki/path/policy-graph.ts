/**
 * Policies along a path (RFC 5280 6.1.2 to 6.1.5) as a graph instead of a tree, with one node for
 * each policy of a level (RFC 9618): what the tree says is the same, and mappings that multiply
 * from certificate to certificate cannot make it grow beyond what the certificates hold.
 */

import { anyPolicy, type PolicyExtensions } from '../extensions/read-policies.ts';

/** What a certificate says about policies. */
export interface PolicyFacts extends PolicyExtensions {
  /** Undefined without the extension certificatePolicies. */
  readonly policies: readonly string[] | undefined;
  readonly selfIssued: boolean;
}

export interface PolicyInput {
  /** Dotted; the user-initial-policy-set. All policies when absent. */
  readonly acceptable?: readonly string[];
  /** initial-explicit-policy: the path has to be under an acceptable policy. */
  readonly requireExplicit?: boolean;
  /** initial-policy-mapping-inhibit. */
  readonly inhibitMapping?: boolean;
  /** initial-any-policy-inhibit. */
  readonly inhibitAny?: boolean;
}

interface Node {
  readonly policy: string;
  /** expected_policy_set: what the certificate below may call it. */
  expected: ReadonlySet<string>;
  readonly parents: ReadonlySet<Node>;
}
type Level = Map<string, Node>;

interface Counters {
  explicit: number;
  mapping: number;
  any: number;
}

export type PolicyVerdict =
  /** Acceptable policies that the path is under; `anyPolicy` for all, empty if it need be none. */
  | { readonly ok: true; readonly policies: readonly string[] }
  | { readonly ok: false; readonly index: number; readonly message: string };

/**
 * @param path leaf first, the anchor last. An anchor is no part of a path to RFC 5280; of what it
 *   says only what restricts is used (RFC 5937): its policy constraints and inhibitAnyPolicy
 */
export function judgePolicies(path: readonly PolicyFacts[], input: PolicyInput): PolicyVerdict {
  const length = Math.max(0, path.length - 1);
  const counters: Counters = {
    explicit: input.requireExplicit ? 0 : length + 1,
    mapping: input.inhibitMapping ? 0 : length + 1,
    any: input.inhibitAny ? 0 : length + 1,
  };
  const anchor = path.at(-1);
  if (anchor) tighten(counters, anchor);
  // As a rule the topmost certificate names no policy, and all is said.
  let levels = length > 0 && path[length - 1]?.policies === undefined ? undefined : initialLevels();
  for (let index = length - 1; index >= 0; index--) {
    const certificate = path[index] as PolicyFacts;
    const isLeaf = index === 0;
    levels = levels && descend(levels, certificate, counters, isLeaf);
    if (levels === undefined && counters.explicit === 0) {
      return { ok: false, index, message: 'From here on no policy is valid, and one has to be.' };
    }
    if (!isLeaf) {
      const problem = mappingProblem(certificate);
      if (problem !== undefined) return { ok: false, index, message: problem };
      levels = levels && applyMappings(levels, certificate, counters);
      if (!certificate.selfIssued) countDown(counters);
      tighten(counters, certificate);
    }
  }
  return wrapUp(levels, length > 0 ? path[0] : undefined, counters, input);
}

/** RFC 5280 6.1.2 (a). */
function initialLevels(): Level[] | undefined {
  const root: Node = { policy: anyPolicy, expected: new Set([anyPolicy]), parents: new Set() };
  return [new Map([[anyPolicy, root]])];
}

/** RFC 5280 6.1.3 (d), (e) with RFC 9618: the policies of one more certificate. */
function descend(
  levels: readonly Level[],
  { policies, selfIssued }: PolicyFacts,
  counters: Counters,
  isLeaf: boolean,
): Level[] | undefined {
  if (policies === undefined) return undefined;
  const above = levels.at(-1) ?? new Map<string, Node>();
  const expecting = expectedBy(above);
  const level: Level = new Map();
  const add = (policy: string, parents: Iterable<Node>): void => {
    level.set(policy, { policy, expected: new Set([policy]), parents: new Set(parents) });
  };
  const wildcard = above.get(anyPolicy);
  for (const policy of policies) {
    if (policy === anyPolicy) continue;
    const parents = expecting.get(policy);
    if (parents) add(policy, parents);
    else if (wildcard) add(policy, [wildcard]);
  }
  if (policies.includes(anyPolicy) && (counters.any > 0 || (!isLeaf && selfIssued))) {
    for (const [policy, parents] of expecting) if (!level.has(policy)) add(policy, parents);
  }
  return pruned([...levels, level]);
}

/** The nodes of a level by the policies that they expect below. */
function expectedBy(level: Level): Map<string, Node[]> {
  const expecting = new Map<string, Node[]>();
  for (const node of level.values()) {
    for (const policy of node.expected) {
      const nodes = expecting.get(policy);
      if (nodes) nodes.push(node);
      else expecting.set(policy, [node]);
    }
  }
  return expecting;
}

/** Without the nodes that nothing is below, from the bottom up; undefined if none are left. */
function pruned(levels: readonly Level[]): Level[] | undefined {
  const kept = [...levels];
  for (let depth = kept.length - 1; depth > 0; depth--) {
    const needed = new Set<Node>();
    for (const { parents } of kept[depth]?.values() ?? []) {
      for (const parent of parents) needed.add(parent);
    }
    const above = [...(kept[depth - 1] ?? [])].filter(([, node]) => needed.has(node));
    kept[depth - 1] = new Map(above);
  }
  return kept[0]?.size === 0 || kept.at(-1)?.size === 0 ? undefined : kept;
}

/** RFC 5280 6.1.4 (a). */
const mappingProblem = ({ policyMappings }: PolicyFacts): string | undefined =>
  policyMappings?.mappings.some(
    ({ issuerDomain, subjectDomain }) => issuerDomain === anyPolicy || subjectDomain === anyPolicy,
  )
    ? 'It maps to or from the special policy that stands for all.'
    : undefined;

/** RFC 5280 6.1.4 (b). */
function applyMappings(
  levels: readonly Level[],
  { policyMappings }: PolicyFacts,
  counters: Counters,
): Level[] | undefined {
  const level = new Map(levels.at(-1));
  for (const [policy, expected] of subjectDomains(policyMappings?.mappings ?? [])) {
    if (counters.mapping === 0) {
      level.delete(policy);
      continue;
    }
    const node = level.get(policy);
    const wildcard = level.get(anyPolicy);
    if (node) node.expected = expected;
    else if (wildcard) level.set(policy, { policy, expected, parents: wildcard.parents });
  }
  return pruned([...levels.slice(0, -1), level]);
}

function subjectDomains(
  mappings: readonly { readonly issuerDomain: string; readonly subjectDomain: string }[],
): Map<string, Set<string>> {
  const domains = new Map<string, Set<string>>();
  for (const { issuerDomain, subjectDomain } of mappings) {
    const known = domains.get(issuerDomain);
    if (known) known.add(subjectDomain);
    else domains.set(issuerDomain, new Set([subjectDomain]));
  }
  return domains;
}

/** RFC 5280 6.1.4 (h). */
function countDown(counters: Counters): void {
  counters.explicit = Math.max(0, counters.explicit - 1);
  counters.mapping = Math.max(0, counters.mapping - 1);
  counters.any = Math.max(0, counters.any - 1);
}

/** RFC 5280 6.1.4 (i), (j). */
function tighten(counters: Counters, { policyConstraints, inhibitAnyPolicy }: PolicyFacts): void {
  const { requireExplicitPolicy, inhibitPolicyMapping } = policyConstraints ?? {};
  counters.explicit = Math.min(counters.explicit, requireExplicitPolicy ?? Infinity);
  counters.mapping = Math.min(counters.mapping, inhibitPolicyMapping ?? Infinity);
  counters.any = Math.min(counters.any, inhibitAnyPolicy?.skipCertificates ?? Infinity);
}

/** RFC 5280 6.1.5 (a), (b), (g). */
function wrapUp(
  levels: readonly Level[] | undefined,
  leaf: PolicyFacts | undefined,
  counters: Counters,
  { acceptable }: PolicyInput,
): PolicyVerdict {
  const mustBeExplicit =
    counters.explicit <= 1 || leaf?.policyConstraints?.requireExplicitPolicy === 0;
  const valid = levels ? policiesOfAnchor(levels) : [];
  const policies = acceptable === undefined ? valid : intersection(valid, acceptable);
  if (policies.length > 0 || !mustBeExplicit) return { ok: true, policies };
  const message = 'It is under no acceptable policy, and has to be.';
  return { ok: false, index: 0, message };
}

/** The valid policies by the names that they have before any mapping. */
function policiesOfAnchor(levels: readonly Level[]): string[] {
  if (levels.at(-1)?.has(anyPolicy)) return [anyPolicy];
  const found = new Set<string>();
  for (const level of levels.slice(1)) {
    for (const { policy, parents } of level.values()) {
      const stemsFromAny = [...parents].some((parent) => parent.policy === anyPolicy);
      if (policy !== anyPolicy && stemsFromAny) found.add(policy);
    }
  }
  return [...found];
}

function intersection(valid: readonly string[], acceptable: readonly string[]): string[] {
  if (acceptable.includes(anyPolicy)) return [...valid];
  if (valid.includes(anyPolicy)) return [...acceptable];
  return valid.filter((policy) => acceptable.includes(policy));
}
