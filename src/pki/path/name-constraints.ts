/** Name constraints along a path (RFC 5280 4.2.1.10, 6.1.3 (b), (c), 6.1.4 (g)). */

import type { Certificate } from '../certificate.ts';
import { remembered } from '../remembered.ts';
import { type Spending, spend } from './limits.ts';
import {
  type ConstrainedName,
  directoryName,
  emailName,
  isInSubtree,
  type NameForm,
  nameOf,
  type Subtree,
  subtreeOf,
} from './name-forms.ts';
import { type Finding, finding } from './problems.ts';

/** By form, because a constraint is about the names of its own form and no others. */
export type NameConstraints = ReadonlyMap<NameForm, FormConstraints>;

interface FormConstraints {
  readonly permitted: Subtree[];
  readonly excluded: Subtree[];
}

interface Constraining {
  readonly constraints: NameConstraints;
  readonly findings: readonly Finding[];
}
const constrainsNothing: Constraining = { constraints: new Map(), findings: [] };

/** The constraints of a certificate; malformed ones are findings. */
export function constraintsOf({ extensions }: Certificate): Constraining {
  if (extensions.nameConstraints === undefined) return constrainsNothing;
  const { permittedDns, permittedOther, excludedDns, excludedOther } = extensions.nameConstraints;
  const constraints = new Map<NameForm, FormConstraints>();
  const findings: Finding[] = [];
  const add = (kind: keyof FormConstraints, base: Parameters<typeof subtreeOf>[0]): void => {
    const subtree = subtreeOf(base);
    if ('problem' in subtree) {
      const message = `Its name constraints are malformed: ${subtree.problem}.`;
      findings.push(finding('name-constraints', message));
      return;
    }
    const ofForm = constraints.get(subtree.form) ?? { permitted: [], excluded: [] };
    ofForm[kind].push(subtree);
    constraints.set(subtree.form, ofForm);
  };
  for (const base of [...(permittedDns ?? []), ...(permittedOther ?? [])]) add('permitted', base);
  for (const base of [...(excludedDns ?? []), ...(excludedOther ?? [])]) add('excluded', base);
  return { constraints, findings };
}

/**
 * The names of a certificate that constraints are about: its subject unless that is empty, its
 * alternative names, and the mail addresses of its subject. RFC 5280 looks at the latter only
 * where there is no alternative name; an address that is shown is better looked at.
 */
export const constrainedNames = remembered(({ subject, extensions }: Certificate) => {
  const { attributes } = subject;
  const names: readonly ConstrainedName[] = [
    ...(attributes.length > 0 ? [directoryName(subject)] : []),
    ...attributes
      .filter(({ type }) => type === 'emailAddress')
      .map(({ value }) => emailName(value)),
    ...(extensions.subjectAltName?.names ?? []).map(nameOf),
  ];
  return names;
});

/** The names that the constraints of one authority above do not let pass. */
export function constraintFindings(
  names: readonly ConstrainedName[],
  constraints: NameConstraints,
  spending: Spending,
): Finding[] {
  const findings: Finding[] = [];
  for (const name of names) {
    const ofForm = constraints.get(name.form);
    const problem = ofForm && problemOf(name, ofForm, spending);
    if (problem === outOfComparisons) {
      return [...findings, finding('limit-name-comparisons', 'Its names were not all compared.')];
    }
    if (problem !== undefined) {
      findings.push(finding('name-constraints', `Its name ${name.text} ${problem}.`));
    }
  }
  return findings;
}

const outOfComparisons = Symbol('there are no comparisons left');

function problemOf(
  name: ConstrainedName,
  { permitted, excluded }: FormConstraints,
  spending: Spending,
): string | typeof outOfComparisons | undefined {
  for (const subtree of excluded) {
    if (!spend(spending, 'nameComparisons')) return outOfComparisons;
    const inside = isInSubtree(name, subtree, { somehow: true });
    if (inside === undefined) return 'is under constraints and cannot be compared';
    if (inside) return `is excluded by ${subtree.text}`;
  }
  if (permitted.length === 0) return undefined;
  for (const subtree of permitted) {
    if (!spend(spending, 'nameComparisons')) return outOfComparisons;
    const inside = isInSubtree(name, subtree, { somehow: false });
    if (inside === undefined) return 'is under constraints and cannot be compared';
    if (inside) return undefined;
  }
  return 'is outside what an authority above may certify';
}
