/**
 * What is certified for whom when somebody enrols by EST: everything that has to be settled before
 * the request goes the way of all requests (`enrolment.ts`).
 */

import { channelBindingViolation } from '../pki/channel-binding.ts';
import { attributeValue, folded } from '../pki/names.ts';
import { type CertificationRequest, readRequest } from '../pki/request.ts';
import type { Checked } from '../pki/violations.ts';
import { requireKind } from './access-policy.ts';
import { type Submission, submit } from './enrolment.ts';
import { needsApproval } from './enrolment-target.ts';
import { ServiceError } from './errors.ts';
import type { EstStandard } from './est-declarations.ts';
import type { EstLabel, EstLabelParts } from './est-labels.ts';
import type { EstApplicant, EstProofParts } from './est-proofs.ts';
import { type RenewalParts, renewedTarget } from './est-renewal.ts';
import {
  isOfStation,
  otherName,
  type RequestedStation,
  registerAtFirstSight,
  requestedStation,
} from './est-stations.ts';
import { type EstTarget, type EstTargetParts, estTarget, labelProfiles } from './est-targets.ts';
import { type EnrolmentParts, objectionsToRequest, type Target } from './request-issuing.ts';
import { stationOfCommonName } from './station-names.ts';
import type { StationStore } from './station-records.ts';

export interface EstEnrolmentParts
  extends EnrolmentParts,
    EstLabelParts,
    EstProofParts,
    EstTargetParts,
    RenewalParts {
  readonly authorities: EnrolmentParts['authorities'];
  readonly certificates: EnrolmentParts['certificates'];
  readonly organizations: EnrolmentParts['organizations'];
  readonly stations: StationStore;
}

/** What somebody who is known asks for at a label. */
export interface EstRequest {
  readonly label: EstLabel;
  readonly standard: EstStandard | undefined;
  readonly applicant: EstApplicant;
  /** `est:enrol` and the like. */
  readonly action: string;
  /** The request in DER, or why the body is none. */
  readonly csr: Checked<Uint8Array>;
  /** tls-unique of the connection (RFC 5929 3.1), where there is one. */
  readonly tlsUnique: Uint8Array | undefined;
}

/** A request that may be submitted. */
export interface SettledRequest {
  readonly request: CertificationRequest;
  readonly submission: Submission;
  readonly target: Target & { readonly waits: boolean };
}

/**
 * Settles what certifies a request, for which station, and whether it renews something.
 * @throws ServiceError with everything that stands in the way, `csr-unreadable` among it, which is
 *   in the audit log by then
 */
export async function settle(parts: EstEnrolmentParts, asked: EstRequest): Promise<SettledRequest> {
  const { label, standard, applicant, action } = asked;
  const { principal } = applicant;
  const [preferred] = labelProfiles(parts, label, standard);
  if (applicant.kind === 'api-client') {
    requireKind(parts.access, principal, action, preferred?.kind);
  }
  const checked = asked.csr.ok ? readRequest(asked.csr.value) : asked.csr;
  const certified = await estTarget(
    parts,
    label,
    standard,
    checked.ok ? { keyAlgorithm: checked.value.publicKey.algorithm } : {},
  );
  const submission: Submission = {
    principal,
    action,
    channel: 'est',
    csr: asked.csr,
    ...(applicant.kind === 'enrolment-secret' ? { secretId: applicant.secret.id } : {}),
  };
  if (!checked.ok) {
    await submit(parts, submission, { ...certified, station: undefined, waits: false });
    throw new Error('a request that cannot be read was answered');
  }
  const request = checked.value;
  const unbound = channelBindingViolation(request, asked.tlsUnique);
  if (unbound) {
    const message = 'the request is not bound to the connection that it came through';
    throw new ServiceError('csr-refused', message, [unbound]);
  }
  const target = await targetFor(parts, asked, certified, request);
  // Nobody approves what a secret has been given for; and nobody would be left to hand a key to.
  const mayWait = label.pending === 'answer-202' && applicant.kind !== 'enrolment-secret';
  if (target.waits && !mayWait) throw approvalNeeded(label);
  return { request, submission, target };
}

/** @throws ServiceError `name-not-authenticated`, `station-unknown`, `not-permitted`, ... */
async function targetFor(
  parts: EstEnrolmentParts,
  { applicant, label }: EstRequest,
  certified: EstTarget,
  request: CertificationRequest,
): Promise<SettledRequest['target']> {
  const { profile } = certified;
  if (applicant.kind === 'current-certificate') {
    return renewedTarget(parts, label, applicant, certified, request);
  }
  const { station, isNew } = isOfStation(profile.kind)
    ? await stationFor(parts, applicant, label, request)
    : { station: undefined, isNew: false };
  if (!station && applicant.kind !== 'api-client') {
    const message = `certificates of the kind ${profile.kind} are for API clients to ask for`;
    throw new ServiceError('not-permitted', message);
  }
  const waits = needsApproval(parts, applicant.principal, profile, station);
  // Whoever asks for what nobody gets is not worth a row: its refusal says what is wrong.
  const wanted = { ...certified, station, request, notAfter: undefined };
  if (isNew && station && (await objectionsToRequest(parts, wanted)).length === 0) {
    await registerAtFirstSight(parts, applicant.principal, station);
  }
  return { ...certified, station, waits };
}

/** The station that a first certificate is for; whoever has shown a name gets no other one. */
async function stationFor(
  parts: EstEnrolmentParts,
  applicant: EstApplicant,
  { organizationId }: EstLabel,
  request: CertificationRequest,
): Promise<RequestedStation> {
  const commonName = attributeValue(request.subject, 'CN') ?? '';
  if (applicant.kind === 'enrolment-secret') {
    const { commonName: bound } = applicant.secret;
    if (folded(commonName) !== folded(bound)) throw otherName(`The secret is for the CN ${bound}.`);
  }
  if (applicant.kind === 'factory-certificate') {
    const { id } = applicant.station;
    const named = await stationOfCommonName(parts, organizationId, commonName);
    if (named?.id !== id) throw otherName(`The CN is no name of the station ${id}.`);
  }
  return requestedStation(parts, organizationId, request);
}

export const approvalNeeded = ({ name }: Pick<EstLabel, 'name'>): ServiceError =>
  new ServiceError(
    'approval-needed',
    `somebody else would have to approve it, and the label ${name} lets nothing wait`,
  );
