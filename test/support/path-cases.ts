/** All cases, and their form in test/vectors/paths. */

import type { PathCase } from './path-case.ts';
import { buildingCases } from './path-cases-building.ts';
import { extensionCases } from './path-cases-extensions.ts';
import { nameCases } from './path-cases-names.ts';
import { policyCases } from './path-cases-policies.ts';
import { pemOf } from './path-certificates.ts';

export const pathCases: readonly PathCase[] = [
  ...buildingCases,
  ...extensionCases,
  ...nameCases,
  ...policyCases,
];

/** When cases are judged that do not say. */
const ordinaryTime = '2030-01-01T00:00:00Z';

/** What stands in test/vectors/paths, by category. */
export function pathVectors(): Map<string, PathVector[]> {
  const byCategory = new Map<string, PathVector[]>();
  for (const each of pathCases) {
    const [category = '', id = ''] = each.id.split('/');
    const vectors = byCategory.get(category) ?? [];
    byCategory.set(category, [...vectors, vectorOf(each, id)]);
  }
  return byCategory;
}

export interface PathVector
  extends Omit<PathCase, 'certificate' | 'candidates' | 'anchors' | 'revoked'> {
  readonly verdict: 'holds' | 'refused';
  readonly at: string;
  readonly certificate: string;
  readonly candidates: readonly string[];
  readonly anchors: readonly string[];
  readonly revoked: readonly string[];
}

function vectorOf(given: PathCase, id: string): PathVector {
  const { about, problems, certificate, candidates = [], anchors, revoked = [] } = given;
  const { at = ordinaryTime, ...rules } = given.rules ?? {};
  return {
    ...{ id, about, verdict: problems.length === 0 ? 'holds' : 'refused', problems, at, rules },
    certificate: pemOf(certificate),
    candidates: candidates.map(pemOf),
    anchors: anchors.map(pemOf),
    revoked: revoked.map(pemOf),
  };
}
