/**
 * Whether a chain that somebody presents is to be accepted: a path from its certificate to a trust
 * anchor of the organization that it concerns (RFC 5280 6), none of it revoked as far as our own
 * records tell. Who trusts which root for whom stands in docs/adr/0020-trust-anchors.md.
 */

import { type Certificate, fingerprint, readCertificate } from '../pki/certificate.ts';
import { DerError } from '../pki/der-element.ts';
import { nameText } from '../pki/names.ts';
import type { PathProblem } from '../pki/path/problems.ts';
import { chargingTolerances } from '../pki/path/rules.ts';
import { type PathInput, validatePathOffLoop } from '../pki/path/validate-path.ts';
import type { ValidationPurpose } from '../pki/profile.ts';
import type { ParsedCertificates } from './parsed-certificates.ts';
import { type PathFactParts, type RevokedStatus, readPathFacts } from './path-facts.ts';

/** More than any chain of charging has beside its leaf, twice over. */
export const MAX_CANDIDATES = 16;

/** Between a leaf and its root: two ([V2G2-009]), and a cross-certificate between two roots. */
const MAX_AUTHORITIES = 3;

export interface ChainQuestion {
  /** The certificate that somebody presents, DER, or read already. */
  readonly certificate: Uint8Array | Certificate;
  /** DER of what may stand above it, in any order; at most 16. Ours are found without. */
  readonly candidates: readonly Uint8Array[];
  readonly purpose: ValidationPurpose;
  /** Whose anchors count: that of the vehicle's maker, of the contract's mobility operator. */
  readonly organizationId: string;
  readonly at: Date;
  /** SHA-256 of the roots that may end it, in lower-case hex; without, all that count. */
  readonly roots?: readonly string[];
  /** What the key has to be for where it says so (RFC 5280 4.2.1.12), as in `PathRules`. */
  readonly keyPurpose?: string;
}

/** What can be wrong with a chain, beside what can be wrong with a path. */
type OwnProblemCode =
  | 'certificate-unreadable'
  | 'too-many-certificates'
  /** What is presented is a root. */
  | 'root-itself'
  /** The root is of another organization, none of whose authorities stands in the chain. */
  | 'anchor-of-another';

export interface ChainProblem {
  readonly code: PathProblem['code'] | RevokedStatus | OwnProblemCode;
  /** A sentence for people. */
  readonly message: string;
}

/** What an answer in the terms of ISO 15118 has to tell apart. */
export type ChainFailure = 'chain' | 'revoked' | 'expired' | 'not-yet-valid';

export type ChainVerdict =
  | {
      readonly ok: true;
      /** From the certificate to its anchor. */
      readonly path: readonly Certificate[];
      /** Those of the path of which our records say nothing: other people's. */
      readonly statusUnknown: readonly Certificate[];
    }
  | {
      readonly ok: false;
      readonly failure: ChainFailure;
      /** Of the path that came closest, everything. */
      readonly problems: readonly ChainProblem[];
    };

/**
 * Validates a chain. Whatever the bytes are, they end in a verdict; the work is bounded by the
 * number of candidates, the size of a certificate (16 KiB) and the limits of `validatePath`.
 * What the certificate says, such as a DC or a PCID, is for the caller to look at.
 */
export async function validateChain(
  parts: PathFactParts,
  question: ChainQuestion,
): Promise<ChainVerdict> {
  const { at, keyPurpose, roots } = question;
  const given = readGiven(parts.parsed, question);
  if ('problems' in given) return refused(given.problems);
  const { leaf } = given;
  const facts = await readPathFacts(parts, question, [leaf, ...given.candidates]);
  // What is given is mostly ours, and read once: the same then.
  const candidates = [...new Set([...given.candidates, ...facts.intermediates])];
  const judge = async (counting: readonly Certificate[]) => {
    const anchors = roots
      ? counting.filter(({ der }) => roots.includes(fingerprint(der)))
      : counting;
    const reasons = new Map<string, RevokedStatus>();
    const input: PathInput = {
      certificate: leaf,
      candidates,
      anchors,
      at,
      ...(keyPurpose === undefined ? {} : { purpose: keyPurpose }),
      tolerated: chargingTolerances,
      maximumPathLength: MAX_AUTHORITIES,
      statusOf: (certificate, issuer) => {
        const status = facts.statusOf(certificate, issuer);
        if (status === 'good' || status === 'unknown') return status;
        reasons.set(nameText(certificate.subject), status);
        return 'revoked';
      },
    };
    const verdict = await validatePathOffLoop(input, parts.parsed.verify);
    const problems = verdict.ok ? [] : verdict.problems.map((problem) => told(problem, reasons));
    return { verdict, problems };
  };

  const first = await judge(facts.anchors);
  if (!first.verdict.ok) {
    // A chain that ends at a root that was revoked is to be told from one that ends nowhere.
    const endsNowhere = first.problems.some(({ code }) => code === 'path-not-found');
    const ended =
      endsNowhere && facts.endedAnchors.length > 0 ? await judge(facts.endedAnchors) : first;
    return refused(ended.problems.some(isRevocation) ? ended.problems : first.problems);
  }
  const { path } = first.verdict;
  const [root] = path.slice(-1);
  if (root === undefined || path.length < 2) {
    const message = 'The certificate is that of a root, with nothing above that vouches for it.';
    return refused([{ code: 'root-itself', message }]);
  }
  // A root of another organization may have been certified by one that this organization trusts.
  const { verdict } = facts.mayEndAt(path) ? first : await judge(facts.importedAnchors);
  if (!verdict.ok) {
    // Whose chains were asked for is not said: whoever presents one is mostly somebody else.
    const message =
      `${nameText(root.subject)} is of another organization than the one that the certificate ` +
      'would have to be of, none of whose authorities stands in the chain.';
    return refused([{ code: 'anchor-of-another', message }]);
  }
  return { ok: true, path: verdict.path, statusUnknown: verdict.withoutStatus };
}

/** A problem of a path, with the reason for which a certificate counts as revoked. */
function told(
  { code, message, subject }: PathProblem,
  reasons: ReadonlyMap<string, RevokedStatus>,
): ChainProblem {
  const reason = code === 'revoked' ? reasons.get(subject) : undefined;
  return reason === undefined
    ? { code, message: `${subject}: ${message}` }
    : { code: reason, message: `${subject}: ${reasonTexts[reason]}` };
}

const reasonTexts: Readonly<Record<RevokedStatus, string>> = {
  revoked: 'It is revoked.',
  held: 'It is on hold.',
  'authority-revoked': 'It was signed by an authority that is revoked.',
  'not-issued': 'It was signed with a key of this evpki, which has no record of it.',
};

/** The certificates of a question, or what is wrong with every one that cannot be read. */
function readGiven(
  parsed: ParsedCertificates,
  { certificate, candidates }: ChainQuestion,
): { leaf: Certificate; candidates: Certificate[] } | { problems: ChainProblem[] } {
  if (candidates.length > MAX_CANDIDATES) {
    const message = `${candidates.length} certificates are more than the ${MAX_CANDIDATES} that are looked at.`;
    return { problems: [{ code: 'too-many-certificates', message }] };
  }
  const problems: ChainProblem[] = [];
  const read = (der: Uint8Array, name: string, reader: (der: Uint8Array) => Certificate) => {
    try {
      return reader(der);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      const message = `${name} cannot be read: ${error.message}.`;
      problems.push({ code: 'certificate-unreadable', message });
      return undefined;
    }
  };
  // There are as many leaves as vehicles: they are not kept.
  const leaf =
    certificate instanceof Uint8Array
      ? read(certificate, 'The certificate', readCertificate)
      : certificate;
  const above: Certificate[] = [];
  for (const [index, der] of candidates.entries()) {
    const candidate = read(der, `Certificate ${index + 1} of the chain`, parsed.read);
    if (candidate) above.push(candidate);
  }
  return leaf && problems.length === 0 ? { leaf, candidates: above } : { problems };
}

const refused = (problems: readonly ChainProblem[]): ChainVerdict => ({
  ok: false,
  failure: failureOf(problems),
  problems,
});

const isRevocation = ({ code }: ChainProblem): boolean => revocations.has(code);
const revocations: ReadonlySet<string> = new Set<ChainProblem['code']>([
  'revoked',
  'held',
  'authority-revoked',
  'not-issued',
]);

/**
 * One word for all problems. A chain that does not hold together says nothing about what it is made
 * of; and what is revoked does not become good when its time comes.
 */
function failureOf(problems: readonly ChainProblem[]): ChainFailure {
  const isOfTime = ({ code }: ChainProblem) => code === 'expired' || code === 'not-yet-valid';
  if (!problems.every((problem) => isRevocation(problem) || isOfTime(problem))) return 'chain';
  if (problems.some(isRevocation)) return 'revoked';
  return problems.some(({ code }) => code === 'expired') ? 'expired' : 'not-yet-valid';
}
