/** What a car does with the answer to its request, before it relies on a contract. */

import { createPrivateKey } from 'node:crypto';
import {
  checkIso2Response,
  checkIso20Response,
  type Iso2Installed,
  type Iso20Installed,
  type ResponseCheck,
} from '../iso15118/installation/response-check.ts';
import { openForIso2 } from '../iso15118/key-transport/iso2.ts';
import { openForIso20 } from '../iso15118/key-transport/iso20.ts';
import { KeyTransportError } from '../iso15118/key-transport/key-transport-error.ts';
import type { LenientReading } from '../iso15118/signature/lenient-readings.ts';
import type { Certificate } from '../pki/certificate.ts';
import { attributeValue, nameText } from '../pki/names.ts';
import { chargingTolerances } from '../pki/path/rules.ts';
import { validatePath } from '../pki/path/validate-path.ts';
import type { Violation } from './api-bodies.ts';
import { exitStatus, Failure } from './failure.ts';
import { type Car, scalarOf } from './vehicle-car.ts';

/** Between a leaf and its root ([V2G2-009]; ISO 15118-20 Annex B). */
const MOST_SUB_AUTHORITIES = 2;

export interface AnswerQuestion {
  readonly exi: Uint8Array;
  /** That of the request. */
  readonly sessionId: Uint8Array;
  /** Whom the car trusts with what goes into it. */
  readonly v2gRoots: readonly Certificate[];
  /** Whom contracts are from. */
  readonly moRoots: readonly Certificate[];
  readonly at: Date;
}

/** What a car has once the answer is in it. */
export interface Installed {
  readonly emaid: string;
  /** The contract certificate first, without the root. */
  readonly chain: readonly Certificate[];
  readonly cps: Certificate;
  /** Where the paths of the CPS and of the contract end. */
  readonly v2gRoot: Certificate;
  readonly moRoot: Certificate;
  /** The contract key as PEM, PKCS#8; it is that of the certificate. */
  readonly key: string;
  /** Those that the signature of the CPS needed. */
  readonly readings: readonly LenientReading[];
  /** How many more contracts there are for the car; ISO 15118-20 only. */
  readonly remaining: number | undefined;
}

/**
 * Checks an answer as a car does: session, response code, the signature of the CPS over the
 * elements that count, its path to a V2G root, that of the contract to the root of an operator;
 * then decrypts the key and compares it with the certificate.
 * @throws Failure saying why a car would not take it
 */
export function takeAnswer(car: Car, question: AnswerQuestion): Installed {
  return car.standard === 'iso15118-2' ? takeIso2(car, question) : takeIso20(car, question);
}

function takeIso2(car: Car, question: AnswerQuestion): Installed {
  const response = accepted(checkIso2Response('CertificateInstallationRes', question));
  const { encryptedPrivateKey, dhPublicKey, emaid } = response;
  return installed(question, response, { emaid, remaining: undefined }, (contractSpki) =>
    openForIso2({ encryptedPrivateKey, dhPublicKey, privateKey: scalarOf(car), contractSpki }),
  );
}

function takeIso20(car: Car, question: AnswerQuestion): Installed {
  const response = accepted(checkIso20Response(question));
  const { ecdhCurve, encryptedPrivateKey, dhPublicKey } = response;
  if (ecdhCurve !== 'SECP521' || encryptedPrivateKey.form !== 'SECP521') {
    throw notTaken(`the key is encrypted for ${encryptedPrivateKey.form}, not for its P-521 key`);
  }
  const { subject, extensions } = response.contract.certificate;
  const contractKeyIdentifier = extensions.subjectKeyIdentifier?.value;
  if (!contractKeyIdentifier) throw notTaken('the contract certificate has no key identifier');
  const emaid = attributeValue(subject, 'CN') ?? '';
  const remaining = response.remainingContractCertificateChains;
  return installed(question, response, { emaid, remaining }, (contractSpki) =>
    openForIso20({
      ...{ encryptedPrivateKey: encryptedPrivateKey.value, dhPublicKey, contractSpki },
      ...{ privateKey: scalarOf(car), binding: { pcid: car.pcid, contractKeyIdentifier } },
    }),
  );
}

function accepted<Response>(check: ResponseCheck<Response, string>): Response {
  if (check.ok) return check.response;
  throw notTaken(undefined, [{ code: check.reason, message: check.message }]);
}

function installed(
  question: AnswerQuestion,
  { contract, cps, readings }: Iso2Installed | Iso20Installed,
  rest: Pick<Installed, 'emaid' | 'remaining'>,
  decrypt: (contractSpki: Uint8Array) => Uint8Array,
): Installed {
  const { certificate, subCertificates } = contract;
  const { v2gRoots, moRoots, at } = question;
  const v2gRoot = rootAbove('its CPS', cps, v2gRoots, at);
  const moRoot = rootAbove('its contract', contract, moRoots, at);
  return {
    ...{ ...rest, readings, v2gRoot, moRoot, cps: cps.certificate },
    chain: [certificate, ...subCertificates],
    key: decryptedKey(certificate, decrypt),
  };
}

/** The root that the path of a certificate ends at (RFC 5280 6). */
function rootAbove(
  what: string,
  { certificate, subCertificates: candidates }: Iso2Installed['contract'],
  anchors: readonly Certificate[],
  at: Date,
): Certificate {
  const verdict = validatePath({
    ...{ certificate, candidates, anchors, at, tolerated: chargingTolerances },
    maximumPathLength: MOST_SUB_AUTHORITIES,
  });
  const root = verdict.ok ? verdict.path.at(-1) : undefined;
  if (root) return root;
  const problems = verdict.ok ? [] : verdict.problems;
  throw notTaken(
    `no path leads from the certificate of ${what}, ${nameText(certificate.subject)}, to a root of the car`,
    problems.map(({ code, subject, message }) => ({ code, message: `${subject}: ${message}` })),
  );
}

function decryptedKey(
  { spki, publicKey }: Certificate,
  decrypt: (contractSpki: Uint8Array) => Uint8Array,
): string {
  try {
    const scalar = decrypt(spki);
    // 04, X, Y: what is decrypted is a key on a curve, and that of this certificate.
    const point = publicKey?.bits ?? new Uint8Array();
    const base64 = (octets: Uint8Array) => Buffer.from(octets).toString('base64url');
    const key = createPrivateKey({
      format: 'jwk',
      key: {
        ...{ kty: 'EC', crv: scalar.length === 32 ? 'P-256' : 'P-521', d: base64(scalar) },
        x: base64(point.subarray(1, 1 + scalar.length)),
        y: base64(point.subarray(1 + scalar.length)),
      },
    });
    scalar.fill(0);
    return key.export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch (error) {
    if (!(error instanceof KeyTransportError)) throw error;
    const { code, message } = error;
    throw notTaken('it cannot decrypt its contract key', [{ code, message }]);
  }
}

const notTaken = (why: string | undefined, violations: readonly Violation[] = []): Failure =>
  new Failure(
    exitStatus.notTaken,
    `the car does not take the answer${why === undefined ? '' : `: ${why}`}`,
    { violations },
  );
