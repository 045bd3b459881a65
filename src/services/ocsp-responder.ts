/**
 * The OCSP responder (RFC 6960): takes the bytes of a request, gives the bytes of an answer. An
 * answer to the everyday question (one certificate, no nonce) comes ready-signed from memory;
 * everything else is signed when asked for, within budgets.
 */

import { serialHex } from '../pki/certificate.ts';
import {
  assembleOcspResponse,
  buildOcspResponseData,
  ocspError,
  type SingleAnswer,
} from '../pki/ocsp/build-response.ts';
import type { OcspCertId } from '../pki/ocsp/cert-id.ts';
import type { CertificateStatus } from '../pki/ocsp/certificate-status.ts';
import { lintOcspResponseData } from '../pki/ocsp/lint.ts';
import { type OcspRequest, readOcspRequest } from '../pki/ocsp/request.ts';
import type { OcspErrorStatus } from '../pki/ocsp/response-status.ts';
import type { Profile } from '../pki/profile.ts';
import { signatureAlgorithmFor } from '../pki/signature-algorithm.ts';
import type { Authority, AuthorityStore } from './authority-records.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import { type EverydayQuestion, EverydayQuestions } from './everyday-questions.ts';
import { refuseFindings } from './lint-refusal.ts';
import type { Logger } from './logger.ts';
import { type KnownIssuer, OcspIssuers } from './ocsp-issuers.ts';
import { type OcspSignerParts, openResponder, type ReadyResponder } from './ocsp-signers.ts';
import type { StatusStore } from './revocation-records.ts';
import { SigningBudget, STATUS_READS } from './signing-budget.ts';
import { StatusCache } from './status-cache.ts';
import { type Monotonic, StatusConfirmation } from './status-confirmation.ts';

export interface OcspParts extends OcspSignerParts {
  readonly status: StatusStore;
  readonly authorities: AuthorityStore;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly clock: Clock;
  readonly monotonic: Monotonic;
  readonly logger: Logger;
}

export type OcspReply =
  | {
      readonly kind: 'answer';
      readonly der: Uint8Array;
      readonly thisUpdate: Date;
      readonly nextUpdate: Date;
      /** Whether anybody else who asks the same may be given this. */
      readonly shareable: boolean;
      /** Whether it was there already, or has been signed for this question. */
      readonly ready: boolean;
      /** The status that it tells, if it is about one certificate. */
      readonly says: CertificateStatus['kind'] | 'several';
    }
  | { readonly kind: 'error'; readonly der: Uint8Array; readonly status: OcspErrorStatus };

export interface OcspResponder {
  /** At once when the answer is ready: most are, and waiting would cost more than answering. */
  answer(request: Uint8Array): OcspReply | Promise<OcspReply>;
  /**
   * A status has changed durably.
   * @param sequence the number of the change, if it is known
   */
  changed(issuerId: string, serial: string, sequence?: number): void;
  /** An issuer has its certificate: the next one who asks for it is not to hear `unauthorized`. */
  issuerActivated(): void;
  /** Hears what other processes have changed. */
  poll(): Promise<void>;
}

/** A status that was read longer ago than this is read again before it is sent. */
const MAX_STATUS_AGE_MILLISECONDS = 1_000;
const ATTEMPTS = 3;

export function createOcspResponder(parts: OcspParts): OcspResponder {
  const cache = new StatusCache();
  const confirmation = new StatusConfirmation(parts.status, { evict }, parts.monotonic);
  const budget = new SigningBudget(parts.monotonic);
  const reads = new SigningBudget(parts.monotonic, STATUS_READS);
  const questions = new EverydayQuestions();
  const issuers = new OcspIssuers(parts.status, parts.monotonic);

  return {
    answer(der) {
      const question = questions.find(der);
      return (question && readyAnswer(question)) ?? answerAnew(der);
    },

    changed(issuerId, serial, sequence) {
      evict(issuerId, serial);
      if (sequence !== undefined) confirmation.madeHere(issuerId, sequence);
    },
    issuerActivated: () => issuers.activated(),
    poll: () => confirmation.poll(),
  };

  async function answerAnew(der: Uint8Array): Promise<OcspReply> {
    const request = readOcspRequest(der);
    if ('fault' in request) {
      parts.logger.debug('ocsp-request-refused', { message: request.message });
      return failure('malformedRequest');
    }
    let issuer: KnownIssuer | undefined;
    try {
      issuer = await issuers.namedIn(request);
    } catch (error) {
      parts.logger.error('ocsp-issuers-unknown', { error });
      return failure('tryLater');
    }
    if (!issuer) return failure('unauthorized');
    const [only, ...others] = request.certIds;
    const isEveryday = only && others.length === 0 && request.nonce === undefined;
    if (isEveryday) {
      const everyday = { issuerId: issuer.id, serial: serialOf(only), certId: certIdKey(only) };
      const ready = readyAnswer(everyday);
      // Only what has an answer is remembered: made-up serial numbers have none.
      if (ready) questions.remember(der, everyday);
      if (ready) return ready;
    }
    if (!reads.take('all', request.certIds.length)) return failure('tryLater');
    try {
      return await sign(issuer, request, isEveryday ? only : undefined);
    } catch (error) {
      // That one has told the log itself.
      if (error instanceof ServiceError && error.code === 'clock-went-back') {
        return failure('tryLater');
      }
      parts.logger.error('ocsp-signing-failed', { issuer: issuer.id, error });
      return failure('tryLater');
    }
  }

  function readyAnswer({ issuerId, serial, certId }: EverydayQuestion): OcspReply | undefined {
    if (!confirmation.isFresh) return undefined;
    const ready = cache.find(issuerId, serial, certId, parts.clock());
    return ready && { kind: 'answer', shareable: true, ready: true, ...ready };
  }

  function evict(issuerId: string, serial: string): void {
    cache.evict(issuerId, serial);
    const issuer = issuers.byId(issuerId);
    if (issuer?.responderSerial !== serial) return;
    // It was the responder's own certificate: neither it nor what it has signed is used further.
    issuer.responder = undefined;
    cache.evictIssuer(issuerId);
  }

  async function sign(
    issuer: KnownIssuer,
    request: OcspRequest,
    everyday: OcspCertId | undefined,
  ): Promise<OcspReply> {
    const validity = await validityOf(issuer);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const version = cache.version(issuer.id);
      const responder = await responderOf(issuer);
      // RFC 5019 2.2.3: nobody speaks for a revoked or ended issuer once its last delegate has ended.
      if (!responder) return failure('unauthorized');
      const readAt = parts.monotonic();
      const now = await parts.signingTime();
      const thisUpdate = wholeSeconds(now);
      const wanted = new Date(thisUpdate.getTime() + validity);
      const nextUpdate = wanted < responder.notAfter ? wanted : responder.notAfter;
      const answers = await answersTo(issuer, request, thisUpdate, nextUpdate);
      if (!answers) continue;
      const isKnown = answers.every(({ status }) => status.kind !== 'unknown');
      // What stations ask every day is not to wait behind nonces and made-up serial numbers.
      const purpose = `${issuer.id}/${everyday && isKnown ? 'everyday' : 'other'}`;
      if (attempt === 1 && !budget.take(purpose)) return failure('tryLater');
      const der = await signed(responder, answers, request, now);
      // Between reading and sending others may have revoked, or this process may have slept.
      const isRecent = parts.monotonic() - readAt <= MAX_STATUS_AGE_MILLISECONDS;
      if (!isRecent || version !== cache.version(issuer.id)) continue;
      const [first, ...others] = answers;
      const says = first && others.length === 0 ? first.status.kind : 'several';
      const reply = { der, thisUpdate, nextUpdate };
      if (everyday && (says === 'good' || says === 'revoked')) {
        const answer = { ...reply, says } as const;
        cache.put(issuer.id, serialOf(everyday), certIdKey(everyday), answer, version);
      }
      const shareable = everyday !== undefined && isKnown;
      return { kind: 'answer', shareable, ready: false, says, ...reply };
    }
    return failure('tryLater');
  }

  /** Undefined when a status turned out to be older than what is known already. */
  async function answersTo(
    issuer: KnownIssuer,
    request: OcspRequest,
    thisUpdate: Date,
    nextUpdate: Date,
  ): Promise<SingleAnswer[] | undefined> {
    const answers: SingleAnswer[] = [];
    for (const certId of request.certIds) {
      // Only certificates of this very issuer: its responder speaks for no other (4.2.2.2).
      const isOwn = issuers.byHash(certId) === issuer;
      const status = isOwn ? await statusOf(issuer, certId) : unknownStatus;
      if (!status) return undefined;
      answers.push({ certIdDer: certId.certIdDer, status, thisUpdate, nextUpdate });
    }
    return answers;
  }

  async function statusOf(
    issuer: KnownIssuer,
    certId: OcspCertId,
  ): Promise<CertificateStatus | undefined> {
    confirmation.watch(issuer.id);
    const read = await parts.status.readStatus(issuer.id, serialOf(certId));
    if (!read) return unknownStatus;
    if (!(await confirmation.observe(issuer.id, read.sequence))) return undefined;
    const { status } = read;
    if (!status) return unknownStatus;
    if (status.state === 'issued') return { kind: 'good' };
    const at = wholeSeconds(status.revokedAt ?? parts.clock());
    return { kind: 'revoked', at, ...(status.reason ? { reason: status.reason } : {}) };
  }

  async function signed(
    responder: ReadyResponder,
    responses: SingleAnswer[],
    request: OcspRequest,
    now: Date,
  ): Promise<Uint8Array> {
    const { signer, certificate, keyHash } = responder;
    const repeated = request.nonce ? { nonce: request.nonce } : {};
    const tbs = buildOcspResponseData({
      responderKeyHash: keyHash,
      producedAt: wholeSeconds(now),
      responses,
      ...repeated,
    });
    const certIds = request.certIds.map(({ certIdDer }) => certIdDer);
    refuseFindings(
      lintOcspResponseData(tbs, { now, certIds, responderKeyHash: keyHash, ...repeated }),
      `an OCSP answer by ${responder.serial}`,
    );
    const algorithm = signatureAlgorithmFor(signer.algorithm);
    return assembleOcspResponse(tbs, algorithm, await signer.sign(tbs), [certificate]);
  }

  /**
   * The issuer's responder key, opened once and again when another has taken its place.
   * @returns undefined when the last one has ended
   */
  async function responderOf(issuer: KnownIssuer): Promise<ReadyResponder | undefined> {
    const version = cache.version(issuer.id);
    const opening = issuer.responder ?? openResponder(parts, issuer.id);
    issuer.responder = opening;
    const forget = () => {
      if (issuer.responder === opening) issuer.responder = undefined;
    };
    opening.catch(forget);
    const responder = await opening;
    if (!responder) {
      forget();
      return undefined;
    }
    issuer.responderSerial = responder.serial;
    // Whatever has changed while it was being opened may have been its own status.
    if (version !== cache.version(issuer.id)) forget();
    const validity = await validityOf(issuer);
    // A key that would end before its answers do is looked for anew: the job has renewed it.
    if (responder.notAfter.getTime() - parts.clock().getTime() < validity) {
      forget();
      const newer = await openResponder(parts, issuer.id);
      if (newer && newer.notAfter > responder.notAfter) issuer.responder = Promise.resolve(newer);
      return newer;
    }
    return responder;
  }

  async function validityOf(issuer: KnownIssuer): Promise<number> {
    issuer.validity ??= ocspValidity(
      await parts.authorities.findAuthority(issuer.authorityId),
      parts.profiles,
    );
    return issuer.validity;
  }
}

const DAY = 86_400_000;
const unknownStatus: CertificateStatus = { kind: 'unknown' };

const ocspValidity = (
  authority: Authority | undefined,
  profiles: ReadonlyMap<string, Profile>,
): number => (authority && profiles.get(authority.profile)?.ocspValidity) || DAY;

const serialOf = ({ serialNumber }: OcspCertId): string => serialHex(serialNumber);

const certIdKey = ({ certIdDer }: OcspCertId): string => Buffer.from(certIdDer).toString('latin1');

const wholeSeconds = (time: Date): Date => new Date(Math.floor(time.getTime() / 1000) * 1000);

const failure = (status: OcspErrorStatus): OcspReply => ({
  kind: 'error',
  der: ocspError(status),
  status,
});
