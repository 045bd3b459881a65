/** Bounds on what one validation may cost, whatever it is given. */

import { type LimitCode, pathProblemCodes } from './problems.ts';

export interface PathLimits {
  /** Certificates of a path, leaf and anchor included. */
  readonly depth: number;
  /** Candidates that are looked at, of those whose names lead from the leaf to an anchor. */
  readonly candidates: number;
  /** Signatures that are verified. */
  readonly signatureChecks: number;
  /** Times that the search goes from a certificate to an issuer, for each of its two rounds. */
  readonly steps: number;
  /** Comparisons of a name with a name constraint. */
  readonly nameComparisons: number;
}

/** Enough for any hierarchy and rollover of EV charging, and too few to keep a process busy. */
export const defaultPathLimits: PathLimits = {
  depth: 8,
  candidates: 64,
  signatureChecks: 200,
  steps: 2_000,
  nameComparisons: 20_000,
};

/** What has been spent so far, and which bounds were met. */
export interface Spending {
  readonly limits: PathLimits;
  readonly spent: { signatureChecks: number; steps: number; nameComparisons: number };
  readonly met: Set<LimitCode>;
}

/** @param limits those that are not the defaults */
export const startSpending = (limits?: Partial<PathLimits>): Spending => ({
  limits: limits ? { ...defaultPathLimits, ...limits } : defaultPathLimits,
  spent: { signatureChecks: 0, steps: 0, nameComparisons: 0 },
  met: new Set(),
});

const codes = {
  signatureChecks: 'limit-signature-checks',
  steps: 'limit-steps',
  nameComparisons: 'limit-name-comparisons',
} as const;

/** Takes one of `what`; false, and noted, when there is none left. */
export function spend({ limits, spent, met }: Spending, what: keyof typeof codes): boolean {
  // A limit that is no number allows nothing.
  if (!(spent[what] < limits[what])) {
    met.add(codes[what]);
    return false;
  }
  spent[what]++;
  return true;
}

const units: Readonly<Record<LimitCode, keyof PathLimits>> = {
  'limit-depth': 'depth',
  'limit-candidates': 'candidates',
  'limit-signature-checks': 'signatureChecks',
  'limit-steps': 'steps',
  'limit-name-comparisons': 'nameComparisons',
};

/** A sentence on a bound that was met. */
export const limitText = (code: LimitCode, limits: PathLimits): string =>
  `${pathProblemCodes[code]} The limit is ${limits[units[code]]}.`;
