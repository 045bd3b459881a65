/**
 * CRLs (RFC 5280 5): full ones, one for each issuer key. The entries are kept encoded in segments,
 * so that building a list costs what has changed since the last one, however long the list is.
 */

import { type KeyObject, verify } from 'node:crypto';
import { assembleCrl, crlTbs, gatherCrlBytes } from '../pki/crl/build.ts';
import { type CrlEntryInHex, encodeCrlEntries } from '../pki/crl/entries.ts';
import { lintCrlPieces } from '../pki/crl/lint.ts';
import { lintCrlEntries } from '../pki/crl/lint-entries.ts';
import type { Profile } from '../pki/profile.ts';
import { nodeDigest, signatureAlgorithmFor } from '../pki/signature-algorithm.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import type { Issuers } from './issuers.ts';
import { refuseFindings } from './lint-refusal.ts';
import type { Logger } from './logger.ts';
import type { CrlStore, JobStore, PublishedCrl, RevokedEntry } from './revocation-records.ts';
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

/** On the thread pool: hashing 50 MB would hold the event loop. */
const verifyInBackground = (
  digest: string | undefined,
  message: Uint8Array,
  key: KeyObject,
  signature: Uint8Array,
): Promise<boolean> =>
  new Promise((resolve, reject) => {
    verify(digest, message, key, signature, (error, holds) => {
      if (error) reject(error);
      else resolve(holds);
    });
  });

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
  const segments = await currentSegments(parts.crls, issuerId, last, thisUpdate, sequence);

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
  const message = await stepwise(gatherCrlBytes(tbs));
  const signature = await issuer.signer.sign(message);
  const holds = await verifyInBackground(
    nodeDigest(signatureAlgorithm),
    message,
    issuer.verificationKey,
    signature,
  );
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

/** Runs through a generator's steps, giving the event loop a turn after each. */
async function stepwise<T>(steps: Generator<unknown, T, undefined>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await nextTurn();
  }
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
  last: PublishedCrl | undefined,
  now: Date,
  sequence: number,
): Promise<Uint8Array[]> {
  // Once a day everything is made anew, which drops what has expired. An entry stays for one CRL
  // after its certificate's end (RFC 5280 3.3).
  const isFirstOfDay = !last || dayOf(last.thisUpdate) !== dayOf(now);
  const outdated = isFirstOfDay
    ? await store.filledSegments(issuerId)
    : await store.changedSegments(issuerId, last.sequence);
  const endingFrom = last?.thisUpdate ?? new Date(0);
  await severalAtOnce(outdated, async (segment) => {
    const entries = await store.revokedIn(issuerId, segment, endingFrom);
    const encoded = await encodeStepwise(entries);
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

/** Entries encoded before the event loop gets a turn: some milliseconds. */
const ENTRIES_AT_ONCE = 4096;

async function encodeStepwise(entries: readonly RevokedEntry[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let next = 0; next < entries.length; next += ENTRIES_AT_ONCE) {
    if (next > 0) await nextTurn();
    parts.push(encodeCrlEntries(entries.slice(next, next + ENTRIES_AT_ONCE).map(crlEntry)));
  }
  return Buffer.concat(parts);
}

const crlEntry = ({ serial, revokedAt, reason }: RevokedEntry): CrlEntryInHex => ({
  serialNumber: serial,
  revokedAt: wholeSeconds(revokedAt),
  reason,
});

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

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
