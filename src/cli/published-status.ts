/**
 * What a service publishes about a certificate, asked where the certificate says and believed only
 * once its signature is checked: the OCSP answer and the CRL.
 */

import { sameBytes } from '../pki/byte-order.ts';
import {
  type Certificate,
  readCertificate,
  serialHex,
  verifyIssuedBy,
} from '../pki/certificate.ts';
import { readCrl } from '../pki/crl/read.ts';
import { DerError } from '../pki/der-element.ts';
import { writeCertId } from '../pki/ocsp/cert-id.ts';
import { issuerHashes } from '../pki/ocsp/hashes.ts';
import { readOcspResponse, type SuccessfulOcspResponse } from '../pki/ocsp/read-response.ts';
import { writeOcspRequest } from '../pki/ocsp/write-request.ts';
import type { PublicKey } from '../pki/public-key.ts';
import type { RevocationReason } from '../pki/revocation-reasons.ts';
import { verifySignature } from '../pki/signature-algorithm.ts';
import { exitStatus, Failure } from './failure.ts';

const TIMEOUT_MILLISECONDS = 15_000;
const MAX_CRL_BYTES = 128 * 1024 * 1024;
/** Clocks of two machines are never quite the same. */
const CLOCK_SKEW_MILLISECONDS = 300_000;

export interface PublishedStatus {
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly reason?: RevocationReason;
}

/** Where a certificate says that its status is to be had. */
export interface StatusLocations {
  readonly ocsp: string;
  readonly crl: string;
}

/** @throws Failure when the certificate names no OCSP responder or no CRL */
export function statusLocations(certificate: Certificate): StatusLocations {
  const crl = certificate.extensions.crlDistributionPoints?.urls[0];
  if (crl === undefined) throw withoutStatus();
  return { ocsp: ocspLocation(certificate), crl };
}

/** @throws Failure when the certificate names no OCSP responder */
export function ocspLocation({ extensions }: Certificate): string {
  const ocsp = extensions.authorityInfoAccess?.ocsp?.[0];
  if (ocsp === undefined) throw withoutStatus();
  return ocsp;
}

const withoutStatus = (): Failure =>
  untrusted('the certificate does not say where its status is to be had');

/**
 * Asks OCSP over HTTP POST without a nonce (RFC 6960 A.1).
 * @param issuer the certificate of whoever signed `leaf`
 * @throws Failure when there is no answer, or one that is not to be believed
 */
export async function askOcsp(
  url: string,
  leaf: Certificate,
  issuer: Certificate,
  now: Date,
): Promise<PublishedStatus> {
  const issuerKey = keyOf(issuer);
  const { nameHash, keyHash } = issuerHashes(issuer.subjectDer, issuerKey.bits).sha256;
  const certId = writeCertId({
    hashAlgorithm: 'sha256',
    issuerNameHash: Buffer.from(nameHash, 'hex'),
    issuerKeyHash: Buffer.from(keyHash, 'hex'),
    serialNumber: leaf.serialNumber,
  });
  const body = await download(url, {
    method: 'POST',
    headers: { 'content-type': 'application/ocsp-request' },
    body: writeOcspRequest([certId]),
  });
  const response = parsed(url, () => readOcspResponse(body));
  if (response.status !== 'successful') throw untrusted(`${url} answered ${response.status}`);
  if (!isSignedFor(response, issuerKey, now)) {
    throw untrusted(`the answer of ${url} is not signed by the issuer or its responder`);
  }
  const single = response.data.responses.find(({ certId: { certIdDer } }) =>
    sameBytes(certIdDer, certId),
  );
  if (!single) throw untrusted(`${url} answered for another certificate`);
  const skewed = new Date(now.getTime() + CLOCK_SKEW_MILLISECONDS);
  if (single.thisUpdate > skewed || (single.nextUpdate && single.nextUpdate < now)) {
    throw untrusted(`the answer of ${url} is not of today`);
  }
  const { status } = single;
  return status.kind === 'revoked'
    ? { status: 'revoked', reason: status.reason ?? 'unspecified' }
    : { status: status.kind };
}

/**
 * Looks a certificate up in its CRL.
 * @throws Failure when there is no CRL, or one that is not to be believed
 */
export async function lookUpInCrl(
  url: string,
  leaf: Certificate,
  issuer: Certificate,
  now: Date,
): Promise<PublishedStatus> {
  const body = await download(url, { method: 'GET' });
  return parsed(url, () => {
    const crl = readCrl(body, { maxBytes: MAX_CRL_BYTES });
    const { signatureAlgorithm: algorithm, tbs, signature } = crl;
    if (!algorithm || !verifySignature(keyOf(issuer), algorithm, tbs, signature)) {
      throw untrusted(`the CRL of ${url} is not signed by the issuer`);
    }
    if (crl.unknownCriticalExtensions.length > 0) {
      throw untrusted(`the CRL of ${url} has critical extensions that are not understood`);
    }
    if (crl.nextUpdate && crl.nextUpdate < now) throw untrusted(`the CRL of ${url} is out of date`);
    const serial = serialHex(leaf);
    for (const { serialNumber, reason = 'unspecified' } of crl.entries()) {
      if (serialHex(serialNumber) === serial) return { status: 'revoked', reason };
    }
    return { status: 'good' };
  });
}

/** Signed by the issuer itself, or by a responder that the issuer certified (RFC 6960 4.2.2.2). */
function isSignedFor(response: SuccessfulOcspResponse, issuerKey: PublicKey, now: Date): boolean {
  const { signatureAlgorithm: algorithm, tbs, signature, certificates } = response;
  if (!algorithm) return false;
  const responders = certificates
    .map((der) => readCertificate(der))
    .filter(
      (responder) =>
        responder.extensions.extendedKeyUsage?.purposes.includes('OCSPSigning') &&
        responder.notBefore <= now &&
        responder.notAfter >= now &&
        verifyIssuedBy(responder, issuerKey),
    )
    .flatMap(({ publicKey }) => (publicKey ? [publicKey] : []));
  return [issuerKey, ...responders].some((key) => verifySignature(key, algorithm, tbs, signature));
}

export function keyOf({ publicKey }: Certificate): PublicKey {
  if (!publicKey) throw untrusted('the issuer has a key of an unknown kind');
  return publicKey;
}

async function download(url: string, init: RequestInit): Promise<Uint8Array> {
  let answer: Response;
  try {
    answer = await fetch(url, {
      ...init,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
    });
    if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    throw new Failure(exitStatus.unreachable, `cannot reach ${url}: ${cause?.code ?? message}`, {
      remedy:
        'The URL stands in the certificate; EVPKI_PUBLIC_URL says what new issuers write into it.',
    });
  }
  throw new Failure(exitStatus.unknown, `${url} answered ${answer.status}`);
}

function parsed<T>(url: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) throw untrusted(`${url} answered what cannot be read`);
    throw error;
  }
}

const untrusted = (message: string): Failure => new Failure(exitStatus.unknown, message);
