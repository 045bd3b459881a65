/**
 * The certificates that may be part of a path, and who may have issued whom: by names, as RFC 5280
 * 7.1 compares them. Key identifiers only say whom to try first. What leads to no anchor by its
 * names is found here, before any signature is verified.
 */

import { bytesKey, sameBytes } from '../byte-order.ts';
import { type Certificate, spkiKey } from '../certificate.ts';
import { remembered } from '../remembered.ts';
import type { Spending } from './limits.ts';
import { authorityNode, issuerKey, leafNode, type PathNode, subjectKey } from './node.ts';
import type { PathRules } from './rules.ts';

export interface Web {
  readonly leaf: PathNode;
  /** The candidates in it. */
  readonly candidates: number;
  /** Who may have issued a certificate, those first who most probably did. */
  issuersOf(child: PathNode): readonly PathNode[];
  /** All others that have the name of its issuer, disconnected or not. */
  namesakesOf(child: PathNode): readonly PathNode[];
  /** Takes away that the key of `issuer` signed `child`. */
  disconnect(child: PathNode, issuer: PathNode): void;
  /** Whether each certificate of a path may still have been issued by the next. */
  isConnected(path: readonly PathNode[]): boolean;
  /** For certificates that lead to an anchor through usable ones: the fewest steps to it. */
  distances(usable: (node: PathNode) => boolean): ReadonlyMap<PathNode, number>;
}

export interface WebInput {
  readonly certificate: Certificate;
  readonly candidates: readonly Certificate[];
  readonly anchors: readonly Certificate[];
}

export function weave(input: WebInput, rules: PathRules, spending: Spending): Web {
  const { certificate } = input;
  const isLeaf = ({ der }: Certificate): boolean => sameBytes(der, certificate.der);
  const anchors = distinct(input.anchors);
  const candidates = distinct(input.candidates.filter((each) => !isLeaf(each)));
  for (const octets of anchors.keys()) candidates.delete(octets);
  const chosen = choose(certificate, [...candidates.values()], [...anchors.values()], spending);
  const others: PathNode[] = [];
  for (const each of anchors.values())
    if (!isLeaf(each)) others.push(authorityNode(each, true, rules));
  const leaf = leafNode(certificate, others.length < anchors.size, rules);
  for (const each of chosen) others.push(authorityNode(each, false, rules));
  return connect(leaf, others, chosen.length);
}

/** By their octets: whoever gives a certificate twice gives it once. */
const distinct = (certificates: readonly Certificate[]): Map<string, Certificate> =>
  new Map(certificates.map((each) => [octetsOf(each), each]));

const octetsOf = remembered(({ der }: Certificate): string => bytesKey(der));

/**
 * The candidates to look at. First those whose names lead from the leaf to an anchor, as many as
 * the limit allows; if there is room left, others that lead up from the leaf, which cannot make a
 * path but show where it breaks off.
 */
function choose(
  leaf: Certificate,
  candidates: readonly Certificate[],
  anchors: readonly Certificate[],
  spending: Spending,
): readonly Certificate[] {
  const grounded = groundedNames(candidates, anchors);
  const chosen: Certificate[] = [];
  climb(candidates.filter((each) => grounded.has(issuerKey(each))));
  if (chosen.length < spending.limits.candidates) {
    if (chosen.length < candidates.length) climb(candidates);
  } else if (chosen.length !== spending.limits.candidates) spending.met.add('limit-candidates');
  return chosen.slice(0, spending.limits.candidates);

  /** Level by level, so that the limit cuts off what is far away. */
  function climb(among: readonly Certificate[]): void {
    const bySubject = grouped(among, subjectKey);
    const asked = new Set<string>();
    const taken = new Set(chosen);
    let level: readonly Certificate[] = [leaf, ...chosen];
    while (level.length > 0) {
      const next: Certificate[] = [];
      for (const name of level.map(issuerKey)) {
        if (asked.has(name)) continue;
        asked.add(name);
        for (const each of bySubject.get(name) ?? []) {
          if (taken.has(each)) continue;
          taken.add(each);
          next.push(each);
        }
      }
      chosen.push(...likeliest(level, next));
      level = next;
    }
  }
}

/** Names from which certificates lead to an anchor. */
function groundedNames(
  candidates: readonly Certificate[],
  anchors: readonly Certificate[],
): Set<string> {
  const byIssuer = grouped(candidates, issuerKey);
  const grounded = new Set(anchors.map(subjectKey));
  // A set that grows while it is iterated: each name is visited once.
  for (const name of grounded) {
    for (const each of byIssuer.get(name) ?? []) grounded.add(subjectKey(each));
  }
  return grounded;
}

/** Those first whose key identifier a certificate below names. */
function likeliest(
  below: readonly Certificate[],
  issuers: readonly Certificate[],
): readonly Certificate[] {
  if (issuers.length < 2) return issuers;
  const identifiers = new Set(
    below.map(({ extensions }) => hex(extensions.authorityKeyIdentifier?.value)),
  );
  const isNamed = ({ extensions }: Certificate): boolean => {
    const held = hex(extensions.subjectKeyIdentifier?.value);
    return held !== undefined && identifiers.has(held);
  };
  return [...issuers].sort((a, b) => Number(isNamed(b)) - Number(isNamed(a)));
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

const hex = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString('hex');

function connect(leaf: PathNode, others: readonly PathNode[], candidates: number): Web {
  const bySubject = grouped(others, ({ certificate }) => subjectKey(certificate));
  const namesakesOf = (child: PathNode): PathNode[] =>
    (bySubject.get(issuerKey(child.certificate)) ?? []).filter((each) => each !== child);
  const issuers = new Map<PathNode, readonly PathNode[]>();
  for (const child of [leaf, ...others]) {
    issuers.set(child, byLikelihood(child, namesakesOf(child)));
  }
  const issuersOf = (child: PathNode): readonly PathNode[] => issuers.get(child) ?? [];
  const distances = new Map<(node: PathNode) => boolean, ReadonlyMap<PathNode, number>>();
  return {
    leaf,
    candidates,
    issuersOf,
    namesakesOf,
    disconnect(child, issuer) {
      const key = spkiKey(issuer.certificate);
      const left = issuersOf(child).filter(({ certificate }) => spkiKey(certificate) !== key);
      issuers.set(child, left);
      distances.clear();
    },
    isConnected: (path) =>
      path.every(
        (node, index) => index === 0 || issuersOf(path[index - 1] as PathNode).includes(node),
      ),
    distances(usable) {
      const known = distances.get(usable) ?? distancesIn(issuers, usable);
      distances.set(usable, known);
      return known;
    },
  };
}

/** Anchors first, then by key identifier, then those that are sound by themselves. */
function byLikelihood(child: PathNode, issuers: readonly PathNode[]): readonly PathNode[] {
  if (issuers.length < 2) return issuers;
  const rank = (issuer: PathNode): number =>
    (issuer.isAnchor ? 0 : 6) +
    2 * identifierRank(child, issuer) +
    (issuer.findings.length + issuer.issuerFindings.length > 0 ? 1 : 0);
  return [...issuers].sort((a, b) => rank(a) - rank(b));
}

/** 0 if the key identifiers agree, 1 if one is missing, 2 if they contradict. */
function identifierRank(child: PathNode, issuer: PathNode): number {
  const wanted = child.certificate.extensions.authorityKeyIdentifier?.value;
  const held = issuer.certificate.extensions.subjectKeyIdentifier?.value;
  if (wanted === undefined || held === undefined) return 1;
  return sameBytes(wanted, held) ? 0 : 2;
}

/** Breadth first, from the anchors down. */
function distancesIn(
  issuers: ReadonlyMap<PathNode, readonly PathNode[]>,
  usable: (node: PathNode) => boolean,
): Map<PathNode, number> {
  const children = new Map<PathNode, PathNode[]>();
  const distances = new Map<PathNode, number>();
  for (const [child, above] of issuers) {
    for (const issuer of above) {
      const known = children.get(issuer);
      if (known) known.push(child);
      else children.set(issuer, [child]);
    }
    if (child.isAnchor && usable(child)) distances.set(child, 0);
  }
  // A map that grows while it is iterated: each certificate is visited once, the nearest first.
  for (const [issuer, distance] of distances) {
    for (const child of children.get(issuer) ?? []) {
      if (!distances.has(child) && usable(child)) distances.set(child, distance + 1);
    }
  }
  return distances;
}
