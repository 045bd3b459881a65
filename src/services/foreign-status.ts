/**
 * The status of certificates that others have issued, asked of the responder that they name (OCSP,
 * RFC 6960) through the one fetcher. Where it cannot be found out it is unknown, and the reason is
 * told: never anything better (docs/adr/0031-status-of-foreign-certificates.md).
 */

import type { Certificate } from '../pki/certificate.ts';
import type { CertificateStatus } from '../pki/ocsp/certificate-status.ts';
import { judgeOcspResponse, type OcspFlaw } from '../pki/ocsp/judge-response.ts';
import { MAX_OCSP_RESPONSE_BYTES } from '../pki/ocsp/read-response.ts';
import { writeOcspRequest } from '../pki/ocsp/write-request.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { AskOutbound, OutboundFailure } from './outbound.ts';
import { createResponderRests } from './responder-rests.ts';

export interface ForeignStatusParts {
  readonly askOutbound: AskOutbound;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ForeignQuestion {
  /** DER of the CertID. Of a name, a key and a serial number: it means the same to everybody. */
  readonly certId: Uint8Array;
  /** Whose name and key it has; proven to be an issuer by a path or an import. */
  readonly issuer: Certificate;
  /** URLs out of certificates of this issuer, in their order; never out of a message. */
  readonly responders: readonly string[];
  /** Asks anew, whatever is kept, and a responder that rests, too. */
  readonly isFresh?: boolean;
}

export type ForeignFailure =
  | OutboundFailure
  | OcspFlaw
  /** No certificate of the issuer that is known names a responder. */
  | 'responder-missing'
  /** As many questions as it may have at a time wait for its answers. */
  | 'responder-busy'
  /** It could not be reached a moment ago, and is not asked for a while. */
  | 'responder-resting'
  /** It answered with another HTTP status than 200. */
  | 'http-status';

export type ForeignAnswer =
  | {
      readonly known: true;
      readonly status: CertificateStatus;
      /** DER of the OCSPResponse, as it was judged. */
      readonly response: Uint8Array;
      /** When there is to be a newer one, if its responder says so. */
      readonly nextUpdate?: Date;
    }
  | { readonly known: false; readonly reason: ForeignFailure };

/** Answers within two seconds, as cars wait; never throws for what others do. */
export type AskForeignStatus = (question: ForeignQuestion) => Promise<ForeignAnswer>;

/** With what comes before and after it, Authorize stays below two seconds. */
const TIMEOUT_MILLISECONDS = 1_500;
/** Of one host at a time: it is somebody else's machine. */
const QUESTIONS_AT_ONCE = 32;
/** A certificate names one as a rule; those that nobody may ask are passed over. */
const MAX_RESPONDERS = 4;
/** How long a revocation may stay unheard here. */
const MAX_KEPT_MILLISECONDS = 60 * 60_000;
const MAX_KEPT = 1_000;
/** Longer answers are used and not kept, so that what is kept stays below 8 MiB. */
const MAX_KEPT_BYTES = 8 * 1024;

type Known = Extract<ForeignAnswer, { known: true }>;

/** Answers while they hold; whoever asks what is being asked waits for that. */
export function createForeignStatus(parts: ForeignStatusParts): AskForeignStatus {
  const kept = new Map<string, { readonly answer: Known; readonly until: number }>();
  const asked = new Map<string, Promise<ForeignAnswer>>();
  const busy = new Map<string, number>();
  const rests = createResponderRests();

  return (question) => {
    const key = Buffer.from(question.certId).toString('latin1');
    const before = kept.get(key);
    const holds = before && before.until > parts.clock().getTime();
    if (holds && !question.isFresh) return Promise.resolve(before.answer);
    // What holds is kept until there is a newer answer.
    if (!holds) kept.delete(key);
    const running = asked.get(key);
    if (running) return running;
    const answer = askFirst(question, key).finally(() => asked.delete(key));
    asked.set(key, answer);
    return answer;
  };

  /** One attempt, at the first responder that may be asked at all. */
  async function askFirst(question: ForeignQuestion, key: string): Promise<ForeignAnswer> {
    let reason: ForeignFailure = 'responder-missing';
    let host: string | undefined;
    for (const url of question.responders.slice(0, MAX_RESPONDERS)) {
      const at = hostOf(url);
      const answer = await unlessResting(question, url, () => ask(question, url, key));
      if (answer.known) return answer;
      // That one rests says more than that another may not be asked.
      if (reason === 'responder-resting' && notAsked.has(answer.reason)) continue;
      host = at;
      reason = answer.reason;
      if (!notAsked.has(reason)) break;
    }
    // Whom to list is the operator's to say; that a responder fails, somebody else's to repair.
    const level = notAsked.has(reason) ? 'info' : 'warn';
    parts.logger[level]('foreign-status-unknown', { ...(host ? { host } : {}), reason });
    return { known: false, reason };
  }

  async function unlessResting(
    { isFresh = false }: ForeignQuestion,
    url: string,
    work: () => Promise<ForeignAnswer>,
  ): Promise<ForeignAnswer> {
    // One that serves HTTP alone must not rest for an https that somebody else's certificate names.
    const end = rests.begin(originOf(url), parts.clock(), isFresh);
    if (!end) return { known: false, reason: 'responder-resting' };
    let answer: ForeignAnswer | undefined;
    try {
      answer = await limited(hostOf(url) ?? '', work);
      return answer;
    } finally {
      end(parts.clock(), answer && wasReached(answer));
    }
  }

  async function limited(host: string, work: () => Promise<ForeignAnswer>): Promise<ForeignAnswer> {
    const before = busy.get(host) ?? 0;
    if (before >= QUESTIONS_AT_ONCE) return { known: false, reason: 'responder-busy' };
    busy.set(host, before + 1);
    try {
      return await work();
    } finally {
      const left = (busy.get(host) ?? 1) - 1;
      if (left > 0) busy.set(host, left);
      else busy.delete(host);
    }
  }

  async function ask(
    { certId, issuer }: ForeignQuestion,
    url: string,
    key: string,
  ): Promise<ForeignAnswer> {
    const heard = await parts.askOutbound({
      ...{ url, method: 'POST', reach: 'listed' },
      headers: {
        'Content-Type': 'application/ocsp-request',
        Accept: 'application/ocsp-response',
      },
      // Without a nonce: what is ready-signed is enough, and a station may pass the answer on.
      body: writeOcspRequest([certId]),
      timeoutMilliseconds: TIMEOUT_MILLISECONDS,
      maximumBody: MAX_OCSP_RESPONSE_BYTES,
    });
    if (!heard.ok) return { known: false, reason: heard.failure };
    if (heard.status !== 200) return { known: false, reason: 'http-status' };
    const now = parts.clock();
    const judged = await judgeOcspResponse(heard.body, { certId, issuer, now });
    if (!judged.ok) return { known: false, reason: judged.flaw };
    const { status, nextUpdate } = judged;
    const until = nextUpdate === undefined ? {} : { nextUpdate };
    const answer = { known: true, status, response: heard.body, ...until } as const;
    keep(key, answer, nextUpdate, now);
    return answer;
  }

  function keep(key: string, answer: Known, nextUpdate: Date | undefined, now: Date): void {
    kept.delete(key);
    // A certificate that its issuer does not know yet may be known to it in a moment.
    if (answer.status.kind === 'unknown' || answer.response.length > MAX_KEPT_BYTES) return;
    const end = nextUpdate?.getTime() ?? 0;
    const until = isFinal(answer.status)
      ? end
      : Math.min(end, now.getTime() + MAX_KEPT_MILLISECONDS);
    if (until <= now.getTime()) return;
    kept.set(key, { answer, until });
    const [oldest] = kept.keys();
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
  }
}

/** Revoked for good: a hold may be lifted (RFC 5280 5.3.1). */
const isFinal = (status: CertificateStatus): boolean =>
  status.kind === 'revoked' && status.reason !== 'certificateHold';

/** It takes the time of whoever waits, and the next question is likely to fail as well. */
const notReached: ReadonlySet<ForeignFailure> = new Set<ForeignFailure>([
  ...(['timed-out', 'unreachable', 'host-unknown', 'tls-failed'] as const),
]);

/** Undefined where nothing was sent: that says nothing of the responder. */
const wasReached = (answer: ForeignAnswer): boolean | undefined => {
  if (answer.known) return true;
  const { reason } = answer;
  return notAsked.has(reason) || reason === 'responder-busy' ? undefined : !notReached.has(reason);
};

/** Nothing has left this machine. */
const notAsked: ReadonlySet<ForeignFailure> = new Set<ForeignFailure>([
  'responder-missing',
  'responder-resting',
  'url-invalid',
  'host-not-allowed',
]);

const hostOf = (url: string): string | undefined =>
  URL.canParse(url) ? new URL(url).host : undefined;

const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : '');
