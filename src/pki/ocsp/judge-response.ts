/**
 * Whether the response of somebody else's responder answers a question of ours (RFC 6960 3.2): about
 * that certificate, of this time, signed by its issuer or by whom its issuer has delegated that to.
 */

import { sameBytes } from '../byte-order.ts';
import { type Certificate, readableCertificate, verifyIssuedByOffLoop } from '../certificate.ts';
import { DerError } from '../der-element.ts';
import { keyIdentifier } from '../key-identifier.ts';
import { chargingTolerances } from '../path/rules.ts';
import { validatePathOffLoop } from '../path/validate-path.ts';
import type { PublicKey } from '../public-key.ts';
import { verifySignatureOffLoop } from '../signature-algorithm.ts';
import type { CertificateStatus } from './certificate-status.ts';
import {
  type OcspResponse,
  type ResponderId,
  readOcspResponse,
  type SingleResponse,
  type SuccessfulOcspResponse,
} from './read-response.ts';
import type { OcspErrorStatus } from './response-status.ts';

/** How far the clocks of responders may be from ours. */
const SKEW_MILLISECONDS = 5 * 60_000;
/** Cars take no staple that is older ([V2G20-1021]), however long its responder stands by it. */
const MAX_AGE_MILLISECONDS = 7 * 86_400_000;

export type OcspFlaw =
  /** No OCSPResponse in DER of at most 64 KiB. */
  | 'response-unreadable'
  /** It answers nothing, and says why (RFC 6960 2.3). */
  | `responder-${OcspErrorStatus}`
  /** It is about other certificates than the one that was asked about. */
  | 'answer-missing'
  /** It says two things about it. */
  | 'answer-repeated'
  | 'extension-critical'
  /** thisUpdate or producedAt are in the future, or nextUpdate is before thisUpdate. */
  | 'times-impossible'
  /** nextUpdate is past; without one the answer is not of this moment (RFC 6960 4.2.2.1). */
  | 'answer-expired'
  | 'answer-too-old'
  /** Nobody whose certificate is there is the responder that it names. */
  | 'signer-unknown'
  /** The issuer has not delegated answering to the one that it names (RFC 6960 4.2.2.2). */
  | 'signer-not-authorized'
  | 'signature-wrong';

export type OcspJudgement =
  | {
      readonly ok: true;
      readonly status: CertificateStatus;
      readonly thisUpdate: Date;
      readonly nextUpdate: Date | undefined;
    }
  | { readonly ok: false; readonly flaw: OcspFlaw };

export interface OcspExpectation {
  /** The CertID that was asked about, byte for byte. */
  readonly certId: Uint8Array;
  /** Who has issued that certificate, proven by a path or an import. */
  readonly issuer: Certificate;
  readonly now: Date;
}

/**
 * Judges a response to a question without a nonce. The work is bounded by its size and the number
 * of certificates that come along (16): two signatures each at most. Never throws for what it holds.
 */
export async function judgeOcspResponse(
  der: Uint8Array,
  expected: OcspExpectation,
): Promise<OcspJudgement> {
  const response = readable(der);
  if (response === undefined) return flawed('response-unreadable');
  if (response.status !== 'successful') return flawed(`responder-${response.status}`);
  const { responses, rawExtensions } = response.data;
  const [single, another] = responses.filter(({ certId }) =>
    sameBytes(certId.certIdDer, expected.certId),
  );
  if (single === undefined) return flawed('answer-missing');
  if (another !== undefined) return flawed('answer-repeated');
  // RFC 6960 4.4: none of those that are known is to be critical, and there is none that we need.
  if ([...rawExtensions, ...single.rawExtensions].some(({ critical }) => critical)) {
    return flawed('extension-critical');
  }
  const flaw =
    timeFlaw(response, single, expected.now) ?? (await signatureFlaw(response, expected));
  if (flaw !== undefined) return flawed(flaw);
  const { status, thisUpdate, nextUpdate } = single;
  return { ok: true, status, thisUpdate, nextUpdate };
}

const flawed = (flaw: OcspFlaw): OcspJudgement => ({ ok: false, flaw });

function readable(der: Uint8Array): OcspResponse | undefined {
  try {
    return readOcspResponse(der);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** RFC 6960 2.4, 3.2 points 5 and 6, 4.2.2.1. */
function timeFlaw(
  { data: { producedAt } }: SuccessfulOcspResponse,
  { thisUpdate, nextUpdate }: SingleResponse,
  now: Date,
): OcspFlaw | undefined {
  const soon = now.getTime() + SKEW_MILLISECONDS;
  if (thisUpdate.getTime() > soon || producedAt.getTime() > soon) return 'times-impossible';
  if (nextUpdate && nextUpdate < thisUpdate) return 'times-impossible';
  // Without nextUpdate, newer answers are to be had at any time: this one has to be new.
  const last = (nextUpdate ?? thisUpdate).getTime() + SKEW_MILLISECONDS;
  if (last < now.getTime()) return 'answer-expired';
  const age = now.getTime() - thisUpdate.getTime();
  return age > MAX_AGE_MILLISECONDS ? 'answer-too-old' : undefined;
}

/** RFC 6960 3.2 points 2 to 4, 4.2.2.2. What is cheap to see is looked at before signatures. */
async function signatureFlaw(
  response: SuccessfulOcspResponse,
  { issuer, now }: OcspExpectation,
): Promise<OcspFlaw | undefined> {
  const { responderId } = response.data;
  const isIssuer = isNamed(issuer, responderId);
  if (isIssuer && (await hasSigned(issuer.publicKey, response))) return undefined;
  const named = response.certificates
    .flatMap((certificate) => readableCertificate(certificate) ?? [])
    .filter((certificate) => isNamed(certificate, responderId));
  if (named.length === 0) return isIssuer ? 'signature-wrong' : 'signer-unknown';
  let flaw: OcspFlaw = 'signer-not-authorized';
  for (const signer of named) {
    if (!(await isDelegate(signer, issuer, now))) continue;
    if (await hasSigned(signer.publicKey, response)) return undefined;
    flaw = 'signature-wrong';
  }
  return flaw;
}

/** Whether a ResponderID means the holder of a certificate. */
function isNamed({ subjectDer, publicKey }: Certificate, id: ResponderId): boolean {
  if (id.kind === 'name') return sameBytes(id.der, subjectDer);
  return publicKey !== undefined && sameBytes(id.hash, keyIdentifier(publicKey, 20));
}

async function hasSigned(
  key: PublicKey | undefined,
  { tbs, signature, signatureAlgorithm }: SuccessfulOcspResponse,
): Promise<boolean> {
  if (key === undefined || signatureAlgorithm === undefined) return false;
  return verifySignatureOffLoop(key, signatureAlgorithm, tbs, signature);
}

/**
 * RFC 6960 4.2.2.2: named for it, and directly under the very key that signed the certificate that
 * was asked about. Nobody else's certificate is taken, so a path has this one and the issuer's. Its
 * own revocation is the issuer's to prevent: with a short life, as id-pkix-ocsp-nocheck says.
 */
async function isDelegate(signer: Certificate, issuer: Certificate, at: Date): Promise<boolean> {
  const { extendedKeyUsage, keyUsage } = signer.extensions;
  if (!extendedKeyUsage?.purposes.includes('OCSPSigning')) return false;
  if (keyUsage && !keyUsage.usages.some((usage) => signingUsages.has(usage))) return false;
  const verdict = await validatePathOffLoop(
    {
      certificate: signer,
      candidates: [],
      anchors: [issuer],
      at,
      // What an ended issuer has issued goes on to have a status.
      tolerated: [...chargingTolerances, 'expired-anchor'],
    },
    ({ child, issuerKey }) => verifyIssuedByOffLoop(child, issuerKey),
  );
  return verdict.ok && verdict.path.length === 2;
}

/** RFC 5280 4.2.1.12: what goes with id-kp-OCSPSigning. */
const signingUsages: ReadonlySet<string> = new Set(['digitalSignature', 'nonRepudiation']);
