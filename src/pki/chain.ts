/**
 * Putting certificates in the order in which chargers and cars want them. This finds issuers; it
 * does not say whether a chain is to be trusted, which is for path validation.
 */

import { sameBytes } from './byte-order.ts';
import { type Certificate, isSelfIssued, verifyIssuedBy } from './certificate.ts';
import { toPem } from './pem.ts';

/** Certificates of a chain, leaf and root included. */
const MAX_DEPTH = 8;
/** Signatures verified for one chain: enough for any rollover, too few to keep a process busy. */
const MAX_SIGNATURE_CHECKS = 64;

/**
 * The chain of `leaf`, leaf first: each certificate is followed by the one whose subject is its
 * issuer byte for byte, whose key identifier does not contradict (RFC 5280 4.2.1.1), and whose key
 * verifies its signature. The first two alone never decide: after a rollover several issuers
 * share a name ([V2G2-878]).
 *
 * Among several issuers with that key (a root and a cross certificate for it) the root is taken,
 * otherwise the first. The chain ends at a root (self-issued and self-signed), or where no
 * candidate is the issuer, after 8 certificates, or after 64 signature checks: whoever needs a
 * whole chain looks at its last certificate.
 * @param options.includeRoot whether a root above the leaf is part of the result; charging wants
 *   chains without
 */
export function assembleChain(
  leaf: Certificate,
  candidates: readonly Certificate[],
  options: { readonly includeRoot: boolean },
): Certificate[] {
  const chain = [leaf];
  const unused = new Set(candidates.filter((candidate) => !sameBytes(candidate.der, leaf.der)));
  const checks = { left: MAX_SIGNATURE_CHECKS };
  let [current, isAtRoot] = [leaf, isRoot(leaf, checks)];
  while (!isAtRoot && chain.length < MAX_DEPTH) {
    const issuer = findIssuer(current, unused, checks);
    // Without checks left nobody can say whether the issuer is a root.
    if (issuer === undefined || checks.left === 0) break;
    [current, isAtRoot] = [issuer.certificate, issuer.isRoot];
    unused.delete(current);
    if (!isAtRoot || options.includeRoot) chain.push(current);
  }
  return chain;
}

/** PEM blocks of the certificates in the order given. */
export const chainPem = (certificates: readonly Certificate[]): string =>
  certificates.map(({ der }) => toPem('CERTIFICATE', der)).join('');

interface Checks {
  left: number;
}

function findIssuer(
  child: Certificate,
  candidates: Iterable<Certificate>,
  checks: Checks,
): { certificate: Certificate; isRoot: boolean } | undefined {
  let first: Certificate | undefined;
  for (const candidate of namesakes(child, candidates)) {
    if (first !== undefined && !isSelfIssued(candidate)) continue;
    if (!signed(candidate, child, checks)) continue;
    if (isRoot(candidate, checks)) return { certificate: candidate, isRoot: true };
    first ??= candidate;
  }
  return first && { certificate: first, isRoot: false };
}

/** The candidates whose name is the child's issuer, those most likely to be it first. */
function namesakes(child: Certificate, candidates: Iterable<Certificate>): Certificate[] {
  // A key identifier that agrees counts most, so that many candidates without one cannot use up
  // the signature checks.
  const rank = (candidate: Certificate): number =>
    (hasNamedKey(candidate, child) ? 0 : 2) + (isSelfIssued(candidate) ? 0 : 1);
  return [...candidates]
    .filter((candidate) => sameBytes(candidate.subjectDer, child.issuerDer))
    .filter((candidate) => mayHoldKey(candidate, child))
    .sort((a, b) => rank(a) - rank(b));
}

const isRoot = (certificate: Certificate, checks: Checks): boolean =>
  isSelfIssued(certificate) && signed(certificate, certificate, checks);

function signed(issuer: Certificate, child: Certificate, checks: Checks): boolean {
  if (issuer.publicKey === undefined || checks.left === 0) return false;
  checks.left--;
  return verifyIssuedBy(child, issuer.publicKey);
}

/** Whether the candidate's key identifier is the one that the child names. */
function hasNamedKey(candidate: Certificate, child: Certificate): boolean {
  const held = candidate.extensions.subjectKeyIdentifier?.value;
  const named = child.extensions.authorityKeyIdentifier?.value;
  return held !== undefined && named !== undefined && sameBytes(held, named);
}

/** Whether nothing in the key identifiers says otherwise: either may be missing. */
const mayHoldKey = (candidate: Certificate, child: Certificate): boolean =>
  candidate.extensions.subjectKeyIdentifier === undefined ||
  child.extensions.authorityKeyIdentifier?.value === undefined ||
  hasNamedKey(candidate, child);
