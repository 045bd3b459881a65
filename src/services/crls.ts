/**
 * CRLs (RFC 5280 5): full ones, one for each issuer key. The entries are kept encoded in segments,
 * so that building a list costs what has changed since the last one, however long the list is.
 */

import { assembleCrl, crlMessage, crlTbs } from '../pki/crl/build.ts';
import { encodeCrlLines } from '../pki/crl/entries.ts';
import { lintCrlPieces } from '../pki/crl/lint.ts';
import { lintCrlEntries } from '../pki/crl/lint-entries.ts';
import type { Profile } from '../pki/profile.ts';
import { nodeDigest, signatureAlgorithmFor } from '../pki/signature-algorithm.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import type { Issuers } from './issuers.ts';
import { refuseFindings } from './lint-refusal.ts';
import type { Logger } from './logger.ts';
import { nextTurn, stepwise, verifyPieces } from './long-messages.ts';
import type { CrlStore, JobStore, PublishedCrl } from './revocation-records.ts';
import type { SigningTime } from './signing-time.ts';

export interface CrlParts {
  readonly crls: CrlStore;
  readonly issuers: Issuers;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly clock: Clock;
  readonly signingTime: SigningTime;
  readonly logger: Logger;
}

const DAY = 86_400_000;
/** Stored and served in pieces of this size. */
const CHUNK_OCTETS = 1024 * 1024;

/**
 * Builds, signs and publishes the next CRL of an issuer. One process at a time does this for an
 * issuer (see jobs); if two did, the higher number would stay.
 * @returns when the next one is due even if nothing is revoked until then
 */
export async function buildCrl(parts: CrlParts, issuerId: string): Promise<Date> {
  const issuer = await parts.issuers.byId(issuerId);
  if (!issuer) throw new Error(`issuer ${issuerId} cannot sign a CRL`);
  const validity = parts.profiles.get(issuer.authority.profile)?.crlValidity || DAY;

  const last = await parts.crls.findCrl(issuerId);
  const number = await parts.crls.reserveNumber(issuerId);
  const thisUpdate = wholeSeconds(await parts.signingTime());
  const nextUpdate = new Date(thisUpdate.getTime() + validity);
  // Read before the entries: what changes meanwhile is read again for the next list.
  const sequence = await parts.crls.currentSequence(issuerId);
  // Whoever has an exported key can give one number to several certificates: what has expired may be
  // only one of them.
  const isExported = issuer.authority.exportedBy !== undefined;
  const endingFrom = (isExported ? undefined : last?.thisUpdate) ?? new Date(0);
  const when = { last, now: thisUpdate, sequence, endingFrom };
  const segments = await currentSegments(parts.crls, issuerId, when);

  const signatureAlgorithm = signatureAlgorithmFor(issuer.signer.algorithm);
  const tbs = crlTbs({
    issuerName: issuer.facts.subjectDer,
    signatureAlgorithm,
    thisUpdate,
    nextUpdate,
    crlNumber: BigInt(number),
    authorityKeyIdentifier: issuer.facts.keyIdentifier,
    segments,
  });
  const findings = lintCrlPieces(tbs, {
    subjectDer: issuer.facts.subjectDer,
    keyIdentifier: issuer.facts.keyIdentifier,
    keyAlgorithm: issuer.signer.algorithm,
  });
  refuseFindings(findings, `CRL ${number} of ${issuerId}`);
  const message = crlMessage(tbs);
  const signature = await issuer.signer.signPieces(message);
  const digest = nodeDigest(signatureAlgorithm);
  const holds = await verifyPieces(digest, message, issuer.verificationKey, signature);
  if (!holds) throw new Error(`the signature of CRL ${number} of ${issuerId} does not verify`);

  const crl = assembleCrl(tbs, signatureAlgorithm, signature);
  const published = await parts.crls.publish(
    { issuerId, number, thisUpdate, nextUpdate, sequence, length: crl.length },
    inChunks(crl.chunks),
    {
      at: parts.clock(),
      organizationId: issuer.authority.organizationId,
      actor: 'evpki',
      action: 'crl.published',
      subject: issuerId,
      details: { number, sequence, nextUpdate: nextUpdate.toISOString() },
    },
  );
  parts.logger.debug('crl-published', { issuer: issuerId, number, octets: crl.length, published });
  return new Date(thisUpdate.getTime() + Math.min(validity / 2, DAY));
}

const WAIT_MILLISECONDS = 15_000;
const LOOK_MILLISECONDS = 100;

/**
 * Waits until a published CRL covers everything that is revoked now.
 * @throws ServiceError `not-ready` when none comes within 15 seconds; the revocation stands
 */
export async function awaitCrl(
  parts: Pick<CrlParts, 'crls' | 'clock'> & { readonly jobs: JobStore },
  issuerId: string,
): Promise<PublishedCrl> {
  const sequence = await parts.crls.currentSequence(issuerId);
  for (let waited = 0; waited < WAIT_MILLISECONDS; waited += LOOK_MILLISECONDS) {
    const crl = await parts.crls.findCrl(issuerId);
    if (crl && crl.sequence >= sequence) return crl;
    // Only now: or whoever asks about what is covered already would have list after list signed.
    if (waited === 0) await parts.jobs.schedule(crlJob(issuerId), parts.clock());
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
  }
  throw new ServiceError('not-ready', 'it is revoked, but the CRL that says so is not out yet');
}

/** The job that builds an issuer's CRLs. */
const crlJob = (issuerId: string): string => `crl:${issuerId}`;

/** The encoded entries as they are now; those that changed since the last CRL are made anew. */
async function currentSegments(
  store: CrlStore,
  issuerId: string,
  when: {
    readonly last: PublishedCrl | undefined;
    readonly now: Date;
    readonly sequence: number;
    /** Entries of certificates that ended earlier are left out. */
    readonly endingFrom: Date;
  },
): Promise<Uint8Array[]> {
  const { last, now, sequence, endingFrom } = when;
  // Once a day everything is made anew, which drops what has expired. An entry stays for one CRL
  // after its certificate's end (RFC 5280 3.3).
  const isFirstOfDay = !last || dayOf(last.thisUpdate) !== dayOf(now);
  const outdated = isFirstOfDay
    ? await store.filledSegments(issuerId)
    : await store.changedSegments(issuerId, last.sequence);
  await severalAtOnce(outdated, async (segment) => {
    const encoded = await encodeStepwise(await store.revokedIn(issuerId, segment, endingFrom));
    refuseFindings(await stepwise(lintCrlEntries([encoded])), `segment ${segment} of ${issuerId}`);
    await store.putSegment(issuerId, segment, encoded, sequence);
  });
  return store.readSegments(issuerId);
}

/** So that one is read while another is encoded, and what is stored meanwhile shares a commit. */
const SEGMENTS_AT_ONCE = 8;

/** @throws what `work` throws first, once none is at work any more */
async function severalAtOnce<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const item of left) {
      if (failures.length > 0) return;
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: SEGMENTS_AT_ONCE }, worker));
  if (failures.length > 0) throw failures[0];
}

/** Encoded before the event loop gets a turn: a millisecond or two. */
const OCTETS_AT_ONCE = 256 * 1024;
const LINE_FEED = 0x0a;

async function encodeStepwise(lines: Uint8Array): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < lines.length; ) {
    if (start > 0) await nextTurn();
    const found = lines.indexOf(LINE_FEED, start + OCTETS_AT_ONCE);
    const end = found < 0 ? lines.length : found;
    parts.push(encodeCrlLines(lines.subarray(start, end)));
    start = end + 1;
  }
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}

const wholeSeconds = (time: Date): Date => new Date(Math.floor(time.getTime() / 1000) * 1000);

const dayOf = (time: Date): number => Math.floor(time.getTime() / DAY);

/** The same bytes in pieces of about {@link CHUNK_OCTETS}. */
function* inChunks(pieces: Iterable<Uint8Array>): Iterable<Uint8Array> {
  let held: Uint8Array[] = [];
  let octets = 0;
  for (const piece of pieces) {
    held.push(piece);
    octets += piece.length;
    if (octets >= CHUNK_OCTETS) {
      yield Buffer.concat(held);
      held = [];
      octets = 0;
    }
  }
  if (octets > 0) yield Buffer.concat(held);
}
