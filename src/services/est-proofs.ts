/**
 * That somebody at the door of EST may have something certified at a label: what is shown has to
 * be of a kind that the label takes, hold, and say for whom.
 */

import { type Certificate, readableCertificate } from '../pki/certificate.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import { attributeValue, folded } from '../pki/names.ts';
import type { PathProblemCode } from '../pki/path/problems.ts';
import { type AccessPolicy, inRolesFor, type Principal, reaches } from './access-policy.ts';
import type { Clock } from './clock.ts';
import { type EnrolmentSecret, secretStateAt } from './enrolment-secret-records.ts';
import { ServiceError } from './errors.ts';
import {
  certificateActor,
  type EstCaller,
  type EstCallerParts,
  type OwnCertificate,
  requireInForce,
  type SomeIdentity,
  secretActor,
} from './est-callers.ts';
import type { EstLabel } from './est-labels.ts';
import type { PathFactParts } from './path-facts.ts';
import { NotAuthenticated, type Refusal, secretRefused } from './refusals.ts';
import { stationOfCommonName } from './station-names.ts';
import type { Station, StationStore } from './station-records.ts';
import { validateChain } from './validation.ts';

export interface EstProofParts extends EstCallerParts, PathFactParts {
  readonly authorities: EstCallerParts['authorities'] & PathFactParts['authorities'];
  readonly stations: Pick<StationStore, 'findStationNamed'>;
  readonly access: AccessPolicy;
  readonly clock: Clock;
}

/** Somebody who may have something certified. */
export type EstApplicant =
  | { readonly kind: 'api-client'; readonly principal: Principal }
  | {
      readonly kind: 'enrolment-secret';
      readonly principal: Principal;
      readonly secret: EnrolmentSecret;
    }
  | ({ readonly kind: 'current-certificate'; readonly principal: Principal } & OwnCertificate)
  | {
      readonly kind: 'factory-certificate';
      readonly principal: Principal;
      readonly station: Station;
    };

/**
 * Proves who somebody is.
 * @param action what an API client does, for which it needs a role
 * @throws NotAuthenticated, ServiceError `not-permitted`, `est-label-unknown`
 */
export async function prove(
  parts: EstProofParts,
  label: EstLabel,
  identity: SomeIdentity,
  { basic }: EstCaller,
  action: string,
): Promise<EstApplicant> {
  if (!label.authentication.includes(identity.kind)) throw notTaken(label, identity);
  switch (identity.kind) {
    case 'api-client':
      return { ...identity, principal: acting(parts, label, identity.principal, action) };
    case 'enrolment-secret': {
      const { secret } = identity;
      requireSecret(secret, label, basic?.user ?? '', parts.clock());
      return { ...identity, principal: applicant(label, secretActor(secret)) };
    }
    case 'current-certificate':
      await requireInForce(parts, identity);
      return { ...identity, principal: applicant(label, certificateActor(identity.record)) };
    case 'factory-certificate':
      return proveFactory(parts, label, identity.chain);
  }
}

/** An API client has said who it is; that is not how this label wants to be asked. */
function notTaken({ name, authentication }: EstLabel, { kind }: SomeIdentity): ServiceError {
  const message = `the label ${name} takes ${authentication.join(', ')}, not ${kind}`;
  return kind === 'api-client'
    ? new ServiceError('not-permitted', message)
    : new NotAuthenticated(message, { reason: 'credentials-not-taken' }, 'credentials-not-taken');
}

/** An API client in those of its roles that permit the action in the organization of the label. */
function acting(
  { access }: Pick<EstProofParts, 'access'>,
  label: Pick<EstLabel, 'name' | 'organizationId'>,
  principal: Principal,
  action: string,
): Principal {
  const able = inRolesFor(access, principal, action);
  if (able.roles.length === 0) {
    throw new ServiceError('not-permitted', `none of your roles permits ${action}`);
  }
  if (!reaches(access, able, label.organizationId)) {
    throw new ServiceError('est-label-unknown', `there is no label ${label.name}`);
  }
  return able;
}

/** Somebody without roles: what it may have certified follows from what it has shown. */
const applicant = ({ organizationId }: EstLabel, actor: string): Principal => ({
  actor,
  organizationId,
  roles: [],
});

/**
 * A secret that was used passes all the same: the request that it was used for may come again, and
 * any other is refused when it is to be recorded.
 */
function requireSecret(secret: EnrolmentSecret, label: EstLabel, user: string, now: Date): void {
  const who = { actor: secretActor(secret), organizationId: secret.organizationId };
  const isFor =
    secret.label === label.name &&
    secret.organizationId === label.organizationId &&
    folded(user) === folded(secret.commonName);
  if (!isFor) throw secretRefused('secret-of-other', who);
  const state = secretStateAt(secret, now);
  if (state === 'withdrawn') throw secretRefused('secret-withdrawn', who);
  if (state === 'expired') throw secretRefused('secret-expired', who);
}

/**
 * A factory certificate: a path to an anchor that the organization trusts for this, of a station
 * that is registered. The chain alone says no more than who made the station.
 */
async function proveFactory(
  parts: EstProofParts,
  label: EstLabel,
  [leaf, ...candidates]: readonly Uint8Array[],
): Promise<EstApplicant> {
  const certificate = leaf && readableCertificate(leaf);
  const { organizationId } = label;
  if (!certificate) {
    throw new NotAuthenticated(
      'the client certificate cannot be read',
      { reason: 'certificate-unknown' },
      'certificate-unknown',
    );
  }
  const verdict = await validateChain(parts, {
    certificate,
    candidates,
    purpose: 'est-client',
    organizationId,
    ...(label.factoryRoots ? { roots: label.factoryRoots } : {}),
    at: parts.clock(),
    keyPurpose: 'clientAuth',
  });
  if (!verdict.ok) {
    throw notAccepted({
      reason: failures[verdict.failure],
      violations: verdict.problems.map(({ code }) => code),
    });
  }
  const faults = clientFaults(certificate);
  if (faults.length > 0) {
    throw notAccepted({ reason: 'certificate-unknown', violations: faults });
  }
  if (await parts.certificates.isBlockedKey(spkiFingerprint(certificate.spki))) {
    throw notAccepted({ reason: 'certificate-key-blocked' });
  }
  for (const type of ['serialNumber', 'CN']) {
    const name = attributeValue(certificate.subject, type);
    const station =
      name === undefined ? undefined : await stationOfCommonName(parts, organizationId, name);
    if (!station) continue;
    const actor = `factory-certificate:${station.id}`;
    return { kind: 'factory-certificate', principal: applicant(label, actor), station };
  }
  throw new NotAuthenticated(
    'the client certificate is of no station that is registered',
    { reason: 'station-unknown', organizationId },
    'station-unknown',
  );
}

/** One answer, whatever was wrong: who knows which roots and keys is nobody's business. */
const notAccepted = (refusal: Refusal) =>
  new NotAuthenticated('the client certificate is not accepted', refusal, 'certificate-unknown');

/** For what it is no TLS client's: its key may not sign in a handshake, or signs certificates. */
const clientFaults = ({ extensions }: Certificate): PathProblemCode[] => {
  const usages = extensions.keyUsage?.usages;
  return [
    ...(usages && !usages.includes('digitalSignature') ? (['key-usage'] as const) : []),
    ...(extensions.basicConstraints?.ca ? (['basic-constraints'] as const) : []),
  ];
};

const failures = {
  chain: 'certificate-unknown',
  revoked: 'certificate-revoked',
  expired: 'certificate-expired',
  'not-yet-valid': 'certificate-expired',
} as const;
