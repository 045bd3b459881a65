/**
 * Re-enrolment (RFC 7030 4.2.2): whoever holds the key of a certificate of ours has another one
 * made for the same names. A station may use one of its certificates to get the others, too: its
 * SECC certificate of ISO 15118-2 for that of ISO 15118-20.
 */

import type { AnyGeneralName } from '../pki/extensions/general-names.ts';
import { readExtensionSet } from '../pki/extensions/read.ts';
import { attributeValue, folded, nameText, sameName } from '../pki/names.ts';
import { extensions as oids } from '../pki/oids.ts';
import type { CertificateKind } from '../pki/profile.ts';
import type { CertificationRequest } from '../pki/request.ts';
import { type Violation, violation } from '../pki/violations.ts';
import type { Principal } from './access-policy.ts';
import type { Clock } from './clock.ts';
import { namedStation, needsApproval, type TargetParts } from './enrolment-target.ts';
import { ServiceError } from './errors.ts';
import type { OwnCertificate } from './est-callers.ts';
import type { EstLabel } from './est-labels.ts';
import { isOfStation, otherName } from './est-stations.ts';
import type { EstTarget } from './est-targets.ts';
import { untimelyRenewal } from './renewal.ts';
import type { Target } from './request-issuing.ts';
import { namedByEvse, stationOfCommonName } from './station-names.ts';
import type { Station, StationStore } from './station-records.ts';

export interface RenewalParts extends TargetParts {
  readonly stations: Pick<StationStore, 'findStation' | 'findStationNamed'>;
  readonly clock: Clock;
}

/**
 * What certifies a request whose sender holds this certificate.
 * @throws ServiceError `certificate-not-renewable`, `name-not-authenticated`, `csr-refused` with
 *   every name that differs
 */
export async function renewedTarget(
  parts: RenewalParts,
  label: EstLabel,
  { principal, ...own }: OwnCertificate & { readonly principal: Principal },
  certified: EstTarget,
  request: CertificationRequest,
): Promise<Target & { readonly waits: boolean }> {
  const { profile, authority } = certified;
  const { record, certificate } = own;
  const commonName = attributeValue(request.subject, 'CN') ?? '';
  if (record.organizationId !== label.organizationId) {
    throw new ServiceError('est-label-unknown', `there is no label ${label.name}`);
  }
  // What was signed elsewhere says of its names what its signer liked; contracts end with their
  // bundles: what is in one is not renewed beside it.
  if (record.requestId === undefined) {
    const message = 'the certificate was not issued for a request';
    throw new ServiceError('certificate-not-renewable', message);
  }
  if (record.profile !== profile.name) {
    // What it may do for a while after its end is to renew itself.
    if (parts.clock() > record.notAfter) {
      const message = `the certificate has ended, and is renewed by one of ${record.profile} alone`;
      throw new ServiceError('certificate-not-renewable', message);
    }
    const station = await stationOfSibling(parts, own, certified, commonName);
    return { ...certified, station, waits: needsApproval(parts, principal, profile, station) };
  }
  const why = untimelyRenewal(profile, record.notAfter, parts.clock());
  if (why !== undefined) {
    throw new ServiceError('certificate-not-renewable', `the certificate ${why}`);
  }
  if (label.reenrolment === 'identical-names') {
    const differences = nameDifferences(certificate, request);
    if (differences.length > 0) {
      throw new ServiceError('csr-refused', 'the names are not the same', differences);
    }
  }
  const station = await namedStation(parts, authority, record.stationId);
  return {
    ...certified,
    station: station && namedByEvse(station, commonName),
    renewed: record,
    waits: profile.request.approval,
  };
}

/**
 * Whether a certificate of one kind vouches for its station where another kind is asked for: towards
 * vehicles and towards the CSMS are two hierarchies, and what is known in both is combined.
 */
const standsFor = (kind: CertificateKind, asked: CertificateKind): boolean =>
  isOfStation(kind) && (kind === asked || kind === 'station-combined');

/** The station whose other certificate is asked for, under the name that its certificate has. */
async function stationOfSibling(
  parts: RenewalParts,
  { record, certificate }: OwnCertificate,
  { profile, authority }: EstTarget,
  commonName: string,
): Promise<Station> {
  const own = await namedStation(parts, authority, record.stationId);
  const kind = parts.profiles.get(record.profile)?.kind;
  if (!own || !isOfStation(profile.kind) || kind === undefined || !standsFor(kind, profile.kind)) {
    const message = `the certificate is of ${record.profile}, and what is asked for of ${profile.name}`;
    throw new ServiceError('certificate-not-renewable', message);
  }
  const isSame = folded(commonName) === folded(attributeValue(certificate.subject, 'CN') ?? '');
  const named = await stationOfCommonName(parts, record.organizationId, commonName);
  if (!isSame && named?.id !== own.id) throw otherName(`The CN is no name of ${own.id}.`);
  return namedByEvse(own, commonName);
}

/** What is not identical in Subject and SubjectAltName. */
function nameDifferences(
  { subject, extensions }: OwnCertificate['certificate'],
  request: CertificationRequest,
): readonly Violation[] {
  const violations: Violation[] = [];
  if (!sameName(subject, request.subject)) {
    const message = `The subject is not that of the current certificate, ${nameText(subject)}.`;
    violations.push(violation('renewal-mismatch', message, 'subject'));
  }
  const before = listOf(extensions.subjectAltName?.names ?? []);
  if (before !== requestedNames(request)) {
    const message = `The names are not those of the current certificate, ${before || 'which has none'}.`;
    violations.push(violation('renewal-mismatch', message, 'extensions.subjectAltName'));
  }
  return violations;
}

function requestedNames({ extensions }: CertificationRequest): string | undefined {
  const asked = extensions.filter(({ oid }) => oid === oids.subjectAltName);
  if (asked.length === 0) return '';
  try {
    return listOf(readExtensionSet(asked).subjectAltName?.names ?? []);
  } catch {
    // Policy says what is wrong with it; it is not the same in any case.
    return undefined;
  }
}

/** Order says nothing. */
const listOf = (names: readonly AnyGeneralName[]): string =>
  names
    .map((name) => (name.kind === 'other' ? `tag ${name.tag}` : `${name.kind}:${name.value}`))
    .sort()
    .join(', ');
