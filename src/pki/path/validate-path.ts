/**
 * Certification path validation (RFC 5280 6) of other people's chains, or our own: whether some
 * path leads from a certificate to one of several trust anchors. The path is looked for among
 * candidates that need not be in order, belong together or be honest; limits bound the work.
 */

import { answeredAtOnce, answeredInTime } from '../asking.ts';
import { type Certificate, verifyIssuedBy } from '../certificate.ts';
import { nameText } from '../names.ts';
import { findAttempt, furthestClimb, type Judging, statusKeeper } from './attempts.ts';
import { limitText, type PathLimits, type Spending, startSpending } from './limits.ts';
import type { PathNode } from './node.ts';
import { finding, type LimitCode, type PathProblem, type PlacedFinding } from './problems.ts';
import type { PathRules } from './rules.ts';
import { type SignatureQuestion, signatureChecker, type Verifying } from './signatures.ts';
import { weave } from './web.ts';

export interface PathInput extends PathRules {
  readonly certificate: Certificate;
  /** Certificates that may stand between it and an anchor, in any order. */
  readonly candidates: readonly Certificate[];
  /**
   * Whom the caller trusts. Several may share a name; one need not be self-signed, and may be the
   * certificate itself or a candidate. What its certificate restricts (validity, path length,
   * names, purposes, its policy constraints) holds below it (RFC 5937).
   */
  readonly anchors: readonly Certificate[];
  /** Those not named have their defaults. */
  readonly limits?: Partial<PathLimits>;
}

interface Effort {
  /** Signatures that were verified. */
  readonly signatureChecks: number;
  /** Candidates that were looked at: those whose names lead up from the certificate. */
  readonly candidatesSeen: number;
}

export type PathVerdict =
  | ({
      readonly ok: true;
      /** The certificate first, the anchor last; one certificate if it is an anchor itself. */
      readonly path: readonly Certificate[];
      /** Those of it below the anchor whose status nobody knew, or was asked for. */
      readonly withoutStatus: readonly Certificate[];
      /** Dotted; the acceptable policies of the path, `2.5.29.32.0` for all there are. */
      readonly policies: readonly string[];
    } & Effort)
  | ({
      readonly ok: false;
      /** All those of the attempt that came furthest, the leaf's first; then the limits met. */
      readonly problems: readonly PathProblem[];
      /** That attempt, as far as it came; the problems count in it. */
      readonly attempt: readonly Certificate[];
    } & Effort);

/**
 * Whether RFC 5280 6.1 accepts some path from the certificate to an anchor. With the same input the
 * verdict is the same. Never throws for what certificates hold.
 */
export const validatePath = (input: PathInput): PathVerdict =>
  answeredAtOnce(judge(input), ({ child, issuerKey }) => verifyIssuedBy(child, issuerKey));

/**
 * {@link validatePath} for callers that verify in their own way: on another thread, or from what
 * they remember.
 * @param verify as `verifyIssuedBy`; each call counts as a signature check
 */
export const validatePathOffLoop = (
  input: PathInput,
  verify: (question: SignatureQuestion) => boolean | Promise<boolean>,
): Promise<PathVerdict> => answeredInTime(judge(input), verify);

function* judge(input: PathInput): Verifying<PathVerdict> {
  const spending = startSpending(input.limits);
  const web = weave(input, input, spending);
  const check = signatureChecker(spending);
  const judging: Judging = { rules: input, web, spending, check, statusOf: statusKeeper(input) };
  const effort = (): Effort => ({
    signatureChecks: spending.spent.signatureChecks,
    candidatesSeen: web.candidates,
  });
  const found = yield* findAttempt(judging);
  if (found.best?.findings.length === 0) {
    const { path, withoutStatus, policies } = found.best;
    return {
      ok: true,
      path: path.map(({ certificate }) => certificate),
      ...{ withoutStatus, policies },
      ...effort(),
    };
  }
  const { path, findings } = found.best ?? (yield* furthestClimb(judging));
  return {
    ok: false,
    problems: problemsOf(path, findings, found.limitsMet, spending),
    attempt: path.map(({ certificate }) => certificate),
    ...effort(),
  };
}

/** Problems of a path, then the limits that kept others from being looked at. */
function problemsOf(
  path: readonly PathNode[],
  findings: readonly PlacedFinding[],
  limitsMet: ReadonlySet<LimitCode>,
  { limits }: Spending,
): PathProblem[] {
  const known = new Set<string>(findings.map(({ code }) => code));
  const met = [...limitsMet]
    .filter((code) => !known.has(code))
    .map((code) => ({ ...finding(code, limitText(code, limits)), index: path.length - 1 }));
  return [...findings, ...met].map(({ code, message, index }) => {
    const subject = path[index]?.certificate.subject;
    return { code, index, subject: subject ? nameText(subject) : '', message };
  });
}
