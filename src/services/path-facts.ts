/**
 * What is known here of the certificates of a chain before a path through them is judged: the
 * anchors that may end it, authorities of ours that may stand in it, and what our records say of
 * the status of each. Two queries as a rule, however many certificates there are.
 */

import { hash } from 'node:crypto';
import { bytesKey, sameBytes } from '../pki/byte-order.ts';
import { type Certificate, serialHex, spkiKey } from '../pki/certificate.ts';
import type { Profile, ValidationPurpose } from '../pki/profile.ts';
import { remembered } from '../pki/remembered.ts';
import type { AuthorityStore } from './authority-records.ts';
import type { ParsedCertificates } from './parsed-certificates.ts';
import type { KnownIssuer, PathFactStore, TrustAnchorStore } from './trust-anchor-records.ts';
import { nameKey } from './trust-anchors.ts';

export interface PathFactParts {
  readonly anchors: Pick<TrustAnchorStore, 'anchorsNamed'>;
  readonly paths: PathFactStore;
  readonly authorities: Pick<AuthorityStore, 'externalChain'>;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly parsed: ParsedCertificates;
}

/** Why nobody may rely on a certificate that a key of ours has signed. */
export type RevokedStatus =
  | 'revoked'
  /** On hold (RFC 5280 5.3.1), which may be lifted. */
  | 'held'
  /** The authority whose key signed it is revoked. */
  | 'authority-revoked'
  /** There is no record of it: only a thief of the key has made one. */
  | 'not-issued';

export interface PathFacts {
  readonly anchors: readonly Certificate[];
  /** Those of them that the organization has imported: a path may end there whoever's it is. */
  readonly importedAnchors: readonly Certificate[];
  /** Those that would be, were they not revoked. */
  readonly endedAnchors: readonly Certificate[];
  /** Authorities of ours, and of others above ours. */
  readonly intermediates: readonly Certificate[];
  /** `unknown` for what others have signed. */
  statusOf(certificate: Certificate, issuer: Certificate): 'good' | 'unknown' | RevokedStatus;
  /** Whether the organization accepts that this path ends at its last certificate. */
  mayEndAt(path: readonly Certificate[]): boolean;
}

/** One of our issuers with its certificate read. */
export interface ReadIssuer {
  readonly issuer: KnownIssuer;
  readonly certificate: Certificate;
}

export async function readPathFacts(
  parts: PathFactParts,
  { organizationId, purpose }: { organizationId: string; purpose: ValidationPurpose },
  given: readonly Certificate[],
): Promise<PathFacts> {
  const anchorsOver = importedAnchors(parts, organizationId, purpose);
  const [{ issuers, outside }, aboveGiven] = await Promise.all([
    issuersAbove(parts, given),
    anchorsOver(given),
  ]);
  const above = issuers.map(({ certificate }) => certificate);
  const imported = [...aboveGiven, ...(await anchorsOver([...above, ...outside]))];

  const unknown = imported.length === 0 ? [] : unasked(imported, [...given, ...outside], above);
  const ours =
    unknown.length === 0 ? issuers : [...(await issuersLike(parts, unknown, given)), ...issuers];
  const byKey = new Map(ours.map((one) => [spkiKey(one.certificate), one.issuer]));
  // A key that was revoked as ours is nobody's anchor, whatever certificate it comes in.
  const isEnded = (anchor: Certificate) => byKey.get(spkiKey(anchor))?.state === 'revoked';
  const roots = issuers
    .filter(({ issuer }) => issuer.signedById === issuer.id)
    .filter(({ issuer }) => parts.profiles.get(issuer.profile)?.anchorFor?.includes(purpose))
    .map(({ certificate }) => certificate);
  const all = [...imported, ...roots];
  const isOwn = (certificate: Certificate) =>
    byKey.get(spkiKey(certificate))?.organizationId === organizationId;

  return {
    anchors: all.filter((anchor) => !isEnded(anchor)),
    importedAnchors: imported.filter((anchor) => !isEnded(anchor)),
    endedAnchors: all.filter(isEnded),
    intermediates: [...above.filter((certificate) => !roots.includes(certificate)), ...outside],

    statusOf: statusFrom(byKey),

    mayEndAt(path) {
      const root = path.at(-1);
      if (root === undefined) return false;
      // A root of another organization certifies for others, too: the chain has to be our own.
      // From the root down: whose key a leaf has is not known as a rule, and costs more to find.
      return (
        imported.some(({ der }) => sameBytes(der, root.der)) || path.findLast(isOwn) !== undefined
      );
    },
  };
}

/** What is known here of a certificate and the authorities of ours above it. */
export interface OwnPathFacts extends Pick<PathFacts, 'anchors' | 'intermediates' | 'statusOf'> {
  /** All of our issuers that may have signed it: those of the name that it gives its issuer. */
  readonly signers: readonly ReadIssuer[];
}

/**
 * The facts of a path that ends with ourselves, whoever trusts it for what: at a root of ours, or
 * at an authority of ours that others have certified. Revoked ones are among the anchors: what
 * stands below them has a status that says so.
 */
export async function readOwnPathFacts(
  { paths, parsed }: Pick<PathFactParts, 'paths' | 'parsed'>,
  certificate: Certificate,
): Promise<OwnPathFacts> {
  const found = await paths.issuersNamed([certificate.issuerDer], [serialHex(certificate)]);
  const issuers = found.map((issuer) => ({ issuer, certificate: parsed.read(issuer.certificate) }));
  const isTop = ({ issuer: { id, signedById } }: ReadIssuer) =>
    signedById === undefined || signedById === id;
  return {
    anchors: issuers.filter(isTop).map((one) => one.certificate),
    intermediates: issuers.filter((one) => !isTop(one)).map((one) => one.certificate),
    signers: issuers.filter((one) => sameBytes(one.certificate.subjectDer, certificate.issuerDer)),
    statusOf: statusFrom(new Map(issuers.map((one) => [spkiKey(one.certificate), one.issuer]))),
  };
}

/** What records say of a certificate, by the key that signed it and its serial number. */
const statusFrom =
  (issuers: ReadonlyMap<string, KnownIssuer>): PathFacts['statusOf'] =>
  (certificate, signer) => {
    const issuer = issuers.get(spkiKey(signer));
    if (issuer === undefined) return 'unknown';
    if (issuer.state === 'revoked') return 'authority-revoked';
    const serial = serialOf(certificate);
    const state = issuer.statuses.get(serial);
    const signed = issuer.signed.get(serial);
    // Under a serial number that was given away a thief of the key may sign something else.
    if (signed !== undefined && signed !== tbsSha256(certificate)) return 'not-issued';
    if (state === 'issued') return 'good';
    return state === 'held' || state === 'revoked' ? state : 'not-issued';
  };

/** Our issuers that may stand above these certificates, and what stands above ours elsewhere. */
async function issuersAbove(
  { paths, authorities, parsed }: PathFactParts,
  given: readonly Certificate[],
): Promise<{ issuers: ReadIssuer[]; outside: Certificate[] }> {
  const issuersOf = (certificates: readonly Certificate[]): Promise<KnownIssuer[]> =>
    paths.issuersNamed(possibleIssuers(certificates), [...new Set(certificates.map(serialOf))]);
  const known = await issuersOf(given);
  const outside: Certificate[] = [];
  for (const { id, signedById } of known) {
    if (signedById !== undefined) continue;
    for (const der of await authorities.externalChain(id)) outside.push(parsed.read(der));
  }
  // Above an authority that was certified elsewhere a cross-certificate of ours may stand.
  const further = outside.length > 0 ? await issuersOf([...given, ...outside]) : known;
  return {
    issuers: further.map((issuer) => ({ issuer, certificate: parsed.read(issuer.certificate) })),
    outside,
  };
}

/** Anchors of other names than was asked for: as a rule there are none, names are written alike. */
function unasked(
  anchors: readonly Certificate[],
  asked: readonly Certificate[],
  found: readonly Certificate[],
): Certificate[] {
  const known = new Set([...possibleIssuers(asked).map(bytesKey), ...found.map(subjectOf)]);
  return anchors.filter((anchor) => !known.has(subjectOf(anchor)));
}

/**
 * Our issuers that have the names of anchors: certificates below may write these otherwise than the
 * anchors do, and a revoked issuer, or one that has not signed them, would not be found by them.
 */
async function issuersLike(
  { paths, parsed }: PathFactParts,
  anchors: readonly Certificate[],
  below: readonly Certificate[],
): Promise<ReadIssuer[]> {
  const names = [...new Map(anchors.map((one) => [subjectOf(one), one.subjectDer])).values()];
  const found = await paths.issuersNamed(names, [...new Set(below.map(serialOf))]);
  return found.map((issuer) => ({ issuer, certificate: parsed.read(issuer.certificate) }));
}

/** Finds the anchors that may stand above certificates: of each name once. */
function importedAnchors(
  { anchors, parsed }: PathFactParts,
  organizationId: string,
  purpose: ValidationPurpose,
) {
  const asked = new Set<string>();
  return async (below: readonly Certificate[]): Promise<Certificate[]> => {
    const keys = new Set(below.map(({ issuer }) => nameKey(issuer)));
    for (const key of keys) if (asked.has(key)) keys.delete(key);
    if (keys.size === 0) return [];
    for (const key of keys) asked.add(key);
    const found = await anchors.anchorsNamed(organizationId, purpose, [...keys]);
    return found.map((der) => parsed.read(der));
  };
}

const serialOf = remembered((certificate: Certificate): string => serialHex(certificate));

/** What a signature is over, by its SHA-256 in lower-case hex. */
const tbsSha256 = remembered(({ tbs }: Certificate): string => hash('sha256', tbs));

const issuerOf = remembered(({ issuerDer }: Certificate): string => bytesKey(issuerDer));
const subjectOf = remembered(({ subjectDer }: Certificate): string => bytesKey(subjectDer));

/**
 * The names of those that may have signed them, each once: as they say themselves, and as those are
 * called that are given behind the first. A path goes by names as RFC 5280 7.1 compares them, so
 * that a thief of a key could write its name otherwise, and have our records not found.
 */
function possibleIssuers(certificates: readonly Certificate[]): Uint8Array[] {
  const names = new Map<string, Uint8Array>();
  for (const one of certificates) names.set(issuerOf(one), one.issuerDer);
  for (const one of certificates.slice(1)) names.set(subjectOf(one), one.subjectDer);
  return [...names.values()];
}
