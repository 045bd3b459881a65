/**
 * The search for paths in a web of certificates: the shortest first, as deep as the limit allows,
 * and only where an anchor can still be reached. Who disconnects a child from a key that did not
 * sign it takes every path over that pair away, so that many look-alikes cost no more than one
 * signature check each.
 */

import { type Spending, spend } from './limits.ts';
import type { PathNode } from './node.ts';
import type { Web } from './web.ts';

/**
 * Paths from the leaf to an anchor, each leaf first. No certificate is twice in one (RFC 5280 6.1).
 * @param usable which certificates above the leaf may be in them
 */
export function* pathsIn(
  web: Web,
  usable: (node: PathNode) => boolean,
  spending: Spending,
): Generator<readonly PathNode[], void, undefined> {
  const { depth } = spending.limits;
  if (web.leaf.isAnchor && depth >= 1) yield [web.leaf];
  // Where the limit cuts off the shortest one, the search at the limit finds that out.
  const first = Math.max(2, Math.min(shortest(web, usable), depth));
  for (let length = first; length <= depth; length++) {
    const search: Search = { web, usable, spending, length };
    yield* extend([web.leaf], search);
  }
}

/** Certificates of the shortest path with an issuer, going by names; Infinity if there is none. */
function shortest(web: Web, usable: (node: PathNode) => boolean): number {
  const distances = web.distances(usable);
  let nearest = Infinity;
  for (const issuer of web.issuersOf(web.leaf)) {
    nearest = Math.min(nearest, distances.get(issuer) ?? Infinity);
  }
  return nearest + 2;
}

interface Search {
  readonly web: Web;
  readonly usable: (node: PathNode) => boolean;
  readonly spending: Spending;
  /** Of the paths that are looked for, in certificates. */
  readonly length: number;
}

function* extend(
  path: readonly PathNode[],
  search: Search,
): Generator<readonly PathNode[], void, undefined> {
  const { web, usable, spending, length } = search;
  const last = path.at(-1) as PathNode;
  const left = length - path.length - 1;
  for (const issuer of web.issuersOf(last)) {
    if (path.includes(issuer) || !usable(issuer)) continue;
    const longer = [...path, issuer];
    // Whoever took a path may have disconnected certificates since.
    if (!web.isConnected(longer)) continue;
    const distance = web.distances(usable).get(issuer);
    if (distance === undefined) continue;
    if (distance > left) {
      if (length === spending.limits.depth) spending.met.add('limit-depth');
      continue;
    }
    if (issuer.isAnchor && left > 0) continue;
    if (!spend(spending, 'steps')) return;
    if (issuer.isAnchor) yield longer;
    else yield* extend(longer, search);
  }
}
