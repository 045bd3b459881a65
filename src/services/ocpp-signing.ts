/**
 * SignCertificate (OCPP A02, A03): a CSMS passes on the request of one of its stations and hears
 * what to answer the station, and the certificate that it sends it as CertificateSigned.
 *
 * A station that is told Rejected does not ask again until it is triggered (TC_A_15). It is
 * therefore told so only of a request that no decision could make good: one that is unreadable,
 * oversize or badly signed. What policy refuses, an operator may put right, and the station's next
 * attempt (A02.FR.17 to 19) succeeds.
 */

import { parseStationIdentity } from '../identifiers/station-identity.ts';
import type { SignedChain } from '../ocpp/certificate-signed.ts';
import {
  type AskedCertificate,
  askedCertificate,
  type CertificateType,
  type OcppVersion,
} from '../ocpp/certificate-types.ts';
import { type CertificationRequest, readRequest } from '../pki/request.ts';
import type { Checked, Violation } from '../pki/violations.ts';
import type { Principal } from './access-policy.ts';
import { enrol } from './enrolment.ts';
import { ocppAnswerOf } from './error-answers.ts';
import { errorCodes, type FieldViolation, ServiceError } from './errors.ts';
import type { Organization } from './organizations.ts';
import { type IssuedAnswer, RequestUnanswered } from './request-answers.ts';
import type { EnrolmentParts } from './request-issuing.ts';
import { chooseStationAuthority } from './station-authority.ts';
import { chainForStation } from './station-chains.ts';
import type { Station, StationStore } from './station-records.ts';
import { stationAudit, stationOrganization } from './stations.ts';

export interface OcppSigningParts extends EnrolmentParts {
  readonly stations: StationStore;
}

export interface SignCertificateCommand {
  readonly principal: Principal;
  /** For those who reach other organizations than their own. */
  readonly organization?: string;
  readonly stationId: string;
  /** The request in DER, or why the text that should have been one is none. */
  readonly csr: Checked<Uint8Array>;
  readonly ocppVersion: OcppVersion;
  readonly certificateType?: CertificateType;
  /** CertificateHashDataType as JSON (2.1 A02.FR.27). */
  readonly hashRootCertificate?: unknown;
}

export interface SignCertificateAnswer {
  readonly status: 'issued' | 'refused' | 'waiting';
  readonly answerToStation: 'Accepted' | 'Rejected';
  /** What CertificateSigned has to carry as its certificateType, if anything (A02.FR.14). */
  readonly certificateType?: CertificateType;
  /** There is none for what was refused before an authority could be chosen. */
  readonly enrolmentRequestId?: string;
  /** For CertificateSigned, by the station's chain policy, with what is amiss about it. */
  readonly signed?: SignedChain;
  readonly violations?: readonly (Violation | FieldViolation)[];
}

/** `lastSeenAt` is to the minute: stations that ask again and again cost no writes. */
const SEEN_MILLISECONDS = 60_000;

/**
 * Has a station's request signed, or says everything that stands in the way.
 * @throws ServiceError `not-found` for an organization out of reach, `request-malformed` for a
 *   caller without stations that names no organization
 */
export async function signCertificate(
  parts: OcppSigningParts,
  command: SignCertificateCommand,
): Promise<SignCertificateAnswer> {
  const { principal } = command;
  const organization = await stationOrganization(parts, principal, command.organization);
  const request = command.csr.ok ? readRequest(command.csr.value) : command.csr;

  const found = await stationOf(parts, command, organization, request);
  const asked = askedCertificate(
    command.ocppVersion,
    command.certificateType,
    found.station?.certificateType,
  );
  const violations: (Violation | FieldViolation)[] = [...found.violations];
  if (!asked.ok) violations.push(typeUnknown(asked.reason));
  const refuse = (reasons: readonly (Violation | FieldViolation)[]) =>
    refused(parts, command, organization, request, asked.ok ? asked.value : undefined, reasons);
  if (!found.station || !asked.ok) return refuse(violations);
  const { station } = found;

  const chosen = await chooseStationAuthority(parts, {
    organizationId: organization.id,
    certificate: asked.value.certificate,
    keyAlgorithm: request.ok ? request.value.publicKey.algorithm : undefined,
    ...(command.hashRootCertificate === undefined
      ? {}
      : { hashRootCertificate: command.hashRootCertificate }),
  });
  if (!chosen.ok) return refuse([chosen.violation]);
  const echo = echoOf(asked.value);
  try {
    const answer = await enrol(parts, {
      principal,
      action: 'ocpp:sign',
      channel: 'ocpp',
      csr: command.csr,
      profile: chosen.profile,
      authority: chosen.authority,
      station,
    });
    const told = {
      answerToStation: 'Accepted',
      ...echo,
      enrolmentRequestId: answer.requestId,
    } as const;
    if (answer.outcome === 'waiting') return { status: 'waiting', ...told };
    return {
      status: 'issued',
      ...told,
      signed: await signedFor(parts, station, answer),
    };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const answerToStation = ocppAnswerOf(error.code);
    if (answerToStation === undefined) throw error;
    const requestId =
      error instanceof RequestUnanswered ? { enrolmentRequestId: error.requestId } : {};
    if (errorCodes[error.code].http === 503) {
      return { status: 'waiting', answerToStation, ...echo, ...requestId };
    }
    const reasons =
      error.violations.length > 0
        ? error.violations
        : [{ code: error.code, message: sentence(error.message) }];
    // What is on record has its audit entry; what is said about the authority has none yet.
    return error.violations.length > 0 || error instanceof RequestUnanswered
      ? { ...refusal(reasons), ...echo, ...requestId }
      : refuse(reasons);
  }
}

/** The record, which names the issuer, is read only where the policy asks for the root. */
async function signedFor(
  parts: OcppSigningParts,
  { chain: policy }: Station,
  { certificateId, certificate, chain }: IssuedAnswer,
): Promise<SignedChain> {
  const record = policy?.includeRoot
    ? await parts.certificates.findCertificate(certificateId)
    : undefined;
  return chainForStation(parts, [certificate.der, ...chain], record?.issuerId, policy);
}

/** The station, which becomes registered by a sound request where its organization allows it. */
async function stationOf(
  parts: OcppSigningParts,
  { principal, stationId, ocppVersion }: SignCertificateCommand,
  organization: Organization,
  request: Checked<CertificationRequest>,
): Promise<{ station?: Station; violations: readonly Violation[] }> {
  const identity = parseStationIdentity(stationId);
  if (!identity.ok) return { violations: [unknownStation(`${identity.reason}.`)] };
  const id = identity.value;
  const registered = await parts.stations.findStation(organization.id, id);
  const now = parts.clock();
  if (registered) {
    const { lastSeenAt } = registered;
    if (!lastSeenAt || now.getTime() - lastSeenAt.getTime() >= SEEN_MILLISECONDS) {
      await parts.stations.recordSeen(organization.id, id, now);
    }
    return { station: registered, violations: [] };
  }
  if (!organization.stationsOnFirstSight) {
    return { violations: [unknownStation(`${id} is not registered with ${organization.id}.`)] };
  }
  // Whoever cannot even sign with its own key is not worth a row; the request says what is wrong.
  if (!request.ok) return { violations: [] };
  const station: Station = {
    id,
    organizationId: organization.id,
    evseIds: [],
    createdAt: now,
    lastSeenAt: now,
  };
  const outcome = await parts.stations.registerStation({
    station,
    audit: stationAudit(parts, principal, station, 'registered', { firstSight: ocppVersion }),
  });
  if (outcome === 'name-taken') return { violations: [identityTaken] };
  if (outcome === 'registered') return { station, violations: [] };
  const other = await parts.stations.findStation(organization.id, id);
  if (!other) throw new Error(`station ${id} exists and cannot be found`);
  return { station: other, violations: [] };
}

/** A refusal before there is a request on record: it is in the audit log only. */
async function refused(
  parts: OcppSigningParts,
  { principal, stationId, ocppVersion }: SignCertificateCommand,
  organization: Organization,
  request: Checked<CertificationRequest>,
  asked: AskedCertificate | undefined,
  reasons: readonly (Violation | FieldViolation)[],
): Promise<SignCertificateAnswer> {
  const violations = [...reasons, ...(request.ok ? [] : request.violations)];
  await parts.audit.recordAudit({
    at: parts.clock(),
    organizationId: organization.id,
    actor: principal.actor,
    action: 'request.refused',
    subject: '-',
    details: {
      // What is no identity may be anything, a secret in the wrong place too.
      station: parseStationIdentity(stationId).ok ? stationId : '-',
      channel: 'ocpp',
      ocppVersion,
      violations: violations.map(({ code }) => code),
    },
  });
  return { ...refusal(violations), ...(asked ? echoOf(asked) : {}) };
}

/** Rejected: what cannot be read, is too large or badly signed. A poor key is for an operator. */
const refusal = (violations: readonly (Violation | FieldViolation)[]) =>
  ({
    status: 'refused',
    answerToStation: violations.some(({ code }) => code.startsWith('csr-'))
      ? 'Rejected'
      : 'Accepted',
    violations,
  }) as const;

const echoOf = ({ echo }: AskedCertificate) =>
  echo === undefined ? {} : { certificateType: echo };

const unknownStation = (message: string): Violation => ({
  code: 'station-unknown',
  message,
  field: 'stationId',
});

const identityTaken: Violation = {
  code: 'station-name-taken',
  message: 'The identity is the serial number or SECC id of another station.',
  field: 'stationId',
};

const typeUnknown = (reason: string): Violation => ({
  code: 'certificate-type-unknown',
  message: `${reason}.`,
  field: 'certificateType',
});

const sentence = (message: string): string => `${message[0]?.toUpperCase()}${message.slice(1)}.`;
