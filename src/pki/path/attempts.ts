/** Paths judged one after the other until one holds, or the best of those that do not. */

import type { Certificate } from '../certificate.ts';
import { nameText, sameName } from '../names.ts';
import type { Spending } from './limits.ts';
import type { PathNode } from './node.ts';
import { type Finding, finding, type LimitCode, type PlacedFinding } from './problems.ts';
import type { CertificateStatus, PathRules } from './rules.ts';
import { pathsIn } from './search.ts';
import type { CheckSignature, Verifying } from './signatures.ts';
import { ownProblems, walkPath } from './walk.ts';
import type { Web } from './web.ts';

/** A path from the leaf to an anchor with every signature verified, but where findings say why not. */
export interface Attempt {
  readonly path: readonly PathNode[];
  /** Empty if the path holds. */
  readonly findings: readonly PlacedFinding[];
  /** Certificates below the anchor whose status nobody knew, or was asked for. */
  readonly withoutStatus: readonly Certificate[];
  readonly policies: readonly string[];
}

/**
 * Which paths are judged: in `sound` ones no certificate has findings of its own; a path with
 * findings is none that holds, so that its signatures are verified for the explanation only.
 */
type Round = 'sound' | 'any';

/** What paths are judged by, one after the other. */
export interface Judging {
  readonly rules: PathRules;
  readonly web: Web;
  readonly spending: Spending;
  readonly check: CheckSignature;
  readonly statusOf: ReturnType<typeof statusKeeper>;
}

/**
 * Judges a path: first by what stands in it, then by its signatures, then by the status of its
 * certificates. Undefined if a signature does not hold, or could not be verified any more; a key
 * that did not sign a certificate is disconnected from it.
 */
function* attempt(
  path: readonly PathNode[],
  round: Round,
  { rules, web, spending, check, statusOf }: Judging,
): Verifying<Attempt | undefined> {
  const { findings, policies } = walkPath(path, rules, spending);
  const holds = findings.length === 0;
  if (!holds && round === 'sound') return undefined;
  for (let index = 0; index < path.length - 1; index++) {
    const child = path[index] as PathNode;
    const issuer = path[index + 1] as PathNode;
    const state = yield* check(child, issuer);
    if (state === 'bad') web.disconnect(child, issuer);
    // What cannot be verified is among the findings already.
    if (state !== 'good' && (holds || state !== 'unverifiable')) return undefined;
  }
  if (holds) {
    const status = statusOf(path);
    return { path, policies, findings: status.findings, withoutStatus: status.withoutStatus };
  }
  // What is revoked does not become good when its time comes.
  const revoked = findings.every(isOfTime) ? statusOf(path).findings : [];
  return { path, policies, findings: [...findings, ...revoked], withoutStatus: [] };
}

const isOfTime = ({ code }: PlacedFinding): boolean =>
  code === 'expired' || code === 'not-yet-valid';

/** Asks for the status of each certificate below the anchor. */
export function statusKeeper({ statusOf }: PathRules) {
  const known = new Map<PathNode, Map<PathNode, CertificateStatus>>();
  const ask = (node: PathNode, issuer: PathNode): CertificateStatus => {
    const byIssuer = known.get(node) ?? new Map<PathNode, CertificateStatus>();
    known.set(node, byIssuer);
    const status =
      byIssuer.get(issuer) ?? statusOf?.(node.certificate, issuer.certificate) ?? 'unknown';
    byIssuer.set(issuer, status);
    return status;
  };
  return (path: readonly PathNode[]): Pick<Attempt, 'findings' | 'withoutStatus'> => {
    const findings: PlacedFinding[] = [];
    const withoutStatus: Certificate[] = [];
    for (let index = 0; index < path.length - 1; index++) {
      const node = path[index] as PathNode;
      const status = ask(node, path[index + 1] as PathNode);
      if (status === 'revoked') findings.push({ index, ...finding('revoked', 'It is revoked.') });
      else if (status === 'unknown') withoutStatus.push(node.certificate);
    }
    return { findings, withoutStatus };
  };
}

export interface Found {
  /** Undefined if no path to an anchor has signatures that hold. */
  readonly best: Attempt | undefined;
  /** The limits that kept paths from being looked at. */
  readonly limitsMet: ReadonlySet<LimitCode>;
}

/**
 * The first path that holds. If none does, the one with the fewest findings, and among these the
 * first; certificates with findings of their own come into it only now, as they cannot hold.
 */
export function* findAttempt(judging: Judging): Verifying<Found> {
  const { spending } = judging;
  const first = yield* searchRound('sound', judging);
  // Limits that shorten the explanation have not kept a path from being found.
  const limitsMet = new Set(spending.met);
  if (first?.findings.length === 0) return { best: first, limitsMet };
  spending.spent.steps = 0;
  const second = yield* searchRound('any', judging);
  return { best: second ?? first, limitsMet };
}

const isSound = ({ findings, issuerFindings }: PathNode): boolean =>
  findings.length + issuerFindings.length === 0;
const isAny = (): boolean => true;

function* searchRound(round: Round, judging: Judging): Verifying<Attempt | undefined> {
  const { web, spending } = judging;
  let best: Attempt | undefined;
  for (const path of pathsIn(web, round === 'sound' ? isSound : isAny, spending)) {
    const made = yield* attempt(path, round, judging);
    if (made?.findings.length === 0) return made;
    if (made && (best === undefined || made.findings.length < best.findings.length)) best = made;
  }
  return best;
}

/** Where no path leads to an anchor: as far up as signatures hold, and why it ends there. */
export function* furthestClimb({
  web,
  check,
  spending,
}: Judging): Verifying<Pick<Attempt, 'path' | 'findings'>> {
  const path = [web.leaf];
  let issuer = yield* signerOf(path, web, check);
  while (issuer !== undefined && path.length < spending.limits.depth) {
    path.push(issuer);
    issuer = yield* signerOf(path, web, check);
  }
  const end = { index: path.length - 1, ...endOf(path, web) };
  return { path, findings: [...ownProblems(path), end] };
}

/** Who signed the last certificate of a path, and is not in it. */
function* signerOf(
  path: readonly PathNode[],
  web: Web,
  check: CheckSignature,
): Verifying<PathNode | undefined> {
  const last = path.at(-1) as PathNode;
  for (const issuer of web.issuersOf(last)) {
    if (path.includes(issuer)) continue;
    const state = yield* check(last, issuer);
    if (state === 'bad') web.disconnect(last, issuer);
    if (state === 'good' || state === 'unverifiable') return issuer;
  }
  return undefined;
}

function endOf(path: readonly PathNode[], web: Web): Finding {
  const last = path.at(-1) as PathNode;
  const { issuer: above, subject } = last.certificate;
  const issuer = nameText(above);
  const others = web.namesakesOf(last).filter((each) => !path.includes(each));
  if (others.length === 0 || sameName(above, subject)) {
    const message = `No further certificate of its issuer ${issuer} is known, and it is no anchor.`;
    return finding('path-not-found', message);
  }
  if (others.some((each) => web.issuersOf(last).includes(each))) {
    return finding('path-not-found', `The search for an anchor above ${issuer} ended at a limit.`);
  }
  const message = `None of the ${others.length} known certificates of its issuer ${issuer} verifies its signature.`;
  return finding('signature-invalid', message);
}
