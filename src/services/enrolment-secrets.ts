/**
 * One-time enrolment secrets: somebody who registers stations makes one for the common name of one
 * certificate, and whoever installs the station types it in. It is shown once; what is kept is its
 * hash. What it is good for is decided here, that it is so once where certificates are recorded.
 */

import {
  type AccessPolicy,
  type Principal,
  reaches,
  reachesEveryOrganization,
  requireKind,
} from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import type { Clock } from './clock.ts';
import {
  type EnrolmentSecret,
  type EnrolmentSecretState,
  type EnrolmentSecretStore,
  secretStateAt,
} from './enrolment-secret-records.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import { estStandards } from './est-declarations.ts';
import { type EstLabelParts, labelFor } from './est-labels.ts';
import { isOfStation } from './est-stations.ts';
import { type EstTargetParts, labelProfiles } from './est-targets.ts';
import { newId } from './ids.ts';
import { organizationMeant } from './organizations.ts';
import { type Page, type PageWanted, readPage } from './pages.ts';
import { newSecret, sha256 } from './secrets.ts';
import type { RandomBytes } from './serial-numbers.ts';
import { stationOfCommonName } from './station-names.ts';
import type { StationStore } from './station-records.ts';

export interface EnrolmentSecretParts extends EstLabelParts {
  readonly secrets: EnrolmentSecretStore;
  readonly authorities: EstLabelParts['authorities'] & EstTargetParts['authorities'];
  readonly stations: Pick<StationStore, 'findStationNamed'>;
  readonly access: AccessPolicy;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

const CREATE = 'enrolment-secrets:create';
const DEFAULT_SECONDS = 24 * 3600;

export interface WantedSecret {
  readonly label: string;
  /** What the certificate is to be called; the user name in HTTP Basic. */
  readonly commonName: string;
  readonly organization?: string;
  /** How long it can be used; a day without. */
  readonly seconds?: number;
}

/** A secret, the only time that it is seen. */
export interface CreatedSecret {
  readonly secret: EnrolmentSecret;
  readonly text: string;
}

/** A secret with what it is at the moment. */
export interface SecretSummary {
  readonly secret: EnrolmentSecret;
  readonly state: EnrolmentSecretState;
}

/**
 * Makes a secret. Its label has to certify stations, of which a kind that the caller decides of: it
 * hands on no more than it has. The name has to be one of a station that is registered, or the
 * organization takes stations at first sight.
 * @throws ServiceError `request-malformed` with every field that is wrong, `not-permitted`,
 *   `not-found` for an organization out of reach
 */
export async function createSecret(
  parts: EnrolmentSecretParts,
  principal: Principal,
  wanted: WantedSecret,
): Promise<CreatedSecret> {
  const organization = await organizationMeant(parts, principal, wanted.organization, 'secret');
  const { commonName } = wanted;
  const violations: FieldViolation[] = [
    ...(await labelViolations(parts, principal, organization.id, wanted.label)),
    ...nameViolations(commonName),
  ];
  const isKnown =
    organization.stationsOnFirstSight ||
    violations.length > 0 ||
    (await stationOfCommonName(parts, organization.id, commonName));
  if (!isKnown) {
    const message = `is none of a station that is registered with ${organization.id}`;
    violations.push({ code: 'station-unknown', message, field: 'body.commonName' });
  }
  if (violations.length > 0) {
    throw new ServiceError('request-malformed', 'the secret cannot be made', violations);
  }
  const now = parts.clock();
  const text = newSecret('enr', parts.random);
  const secret: EnrolmentSecret = {
    id: newId('ens', parts.random),
    organizationId: organization.id,
    label: wanted.label,
    commonName,
    secretSha256: sha256(text),
    createdBy: principal.actor,
    createdAt: now,
    expiresAt: new Date(now.getTime() + (wanted.seconds ?? DEFAULT_SECONDS) * 1000),
  };
  await parts.secrets.createSecret({
    secret,
    audit: secretAudit(parts, principal, secret, 'created'),
  });
  return { secret, text };
}

/** Whether the label is one of the organization's, for stations, whichever standard is named. */
async function labelViolations(
  parts: EnrolmentSecretParts,
  principal: Principal,
  organizationId: string,
  name: string,
): Promise<FieldViolation[]> {
  const field = 'body.label';
  const owner = { actor: principal.actor, organizationId, roles: principal.roles };
  const label = await orUndefined(() =>
    labelFor(parts, { label: name, standard: undefined }, { kind: 'api-client', principal: owner }),
  );
  if (!label || label.organizationId !== organizationId) {
    return [{ code: 'est-label-unknown', message: `${organizationId} has no such label`, field }];
  }
  if (!label.authentication.includes('enrolment-secret')) {
    return [{ code: 'credentials-not-taken', message: 'takes no secrets', field }];
  }
  const kinds = new Set<Parameters<typeof isOfStation>[0]>();
  let isGood = false;
  for (const standard of [undefined, ...estStandards]) {
    const profiles = await orUndefined(async () => labelProfiles(parts, label, standard));
    for (const { kind, request } of profiles ?? []) {
      kinds.add(kind);
      isGood ||= !request.approval;
    }
  }
  if (kinds.size === 0 || ![...kinds].every(isOfStation)) {
    return [{ code: 'not-of-stations', message: 'is for more than stations', field }];
  }
  for (const kind of kinds) requireKind(parts.access, principal, CREATE, kind);
  if (isGood) return [];
  const message =
    'a second person approves every certificate of this label, and what comes with a secret waits ' +
    'for nobody: have the station enrolled by an API client, or name a label without approval';
  return [{ code: 'approval-needed', message, field }];
}

/** What a label that is unknown has nothing of. */
async function orUndefined<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof ServiceError && error.code.startsWith('est-label-')) return undefined;
    throw error;
  }
}

/** A user name in HTTP Basic has no colon (RFC 7617 2). */
const nameViolations = (commonName: string): FieldViolation[] =>
  /^[\x21-\x39\x3b-\x7e]([\x20-\x39\x3b-\x7e]*[\x21-\x39\x3b-\x7e])?$/.test(commonName)
    ? []
    : [
        {
          code: 'invalid',
          message: 'must be printable ASCII without `:`, which ends the user name in HTTP Basic',
          field: 'body.commonName',
        },
      ];

/** @throws ServiceError `not-found`, also for secrets of organizations out of reach */
export async function findSecret(
  parts: Pick<EnrolmentSecretParts, 'secrets' | 'access' | 'clock'>,
  principal: Principal,
  id: string,
): Promise<SecretSummary> {
  const secret = await parts.secrets.findSecret(id);
  if (!secret || !reaches(parts.access, principal, secret.organizationId)) {
    throw new ServiceError('not-found', `there is no enrolment secret ${id}`);
  }
  return { secret, state: secretStateAt(secret, parts.clock()) };
}

/**
 * A page of secrets, newest first.
 * @throws ServiceError `request-malformed` for a cursor that no listing returned, `not-found` for
 *   an organization out of reach
 */
export async function listSecrets(
  parts: Pick<EnrolmentSecretParts, 'secrets' | 'organizations' | 'access' | 'clock'>,
  principal: Principal,
  wanted: PageWanted & { readonly organization?: string },
): Promise<Page<SecretSummary>> {
  const { organization: named } = wanted;
  const everywhere = named === undefined && reachesEveryOrganization(parts.access, principal);
  const filter = everywhere
    ? {}
    : { organizationId: (await organizationMeant(parts, principal, named, 'secret')).id };
  const page = await readPage(wanted, (position) => parts.secrets.listSecrets(filter, position));
  const now = parts.clock();
  const items = page.items.map((secret) => ({ secret, state: secretStateAt(secret, now) }));
  return { ...page, items };
}

/**
 * Ends a secret. Doing so again changes nothing.
 * @throws ServiceError `not-found`; `conflict` for one that has been used: what it was used for can
 *   be revoked
 */
export async function withdrawSecret(
  parts: Pick<EnrolmentSecretParts, 'secrets' | 'access' | 'clock'>,
  principal: Principal,
  id: string,
): Promise<void> {
  const { secret } = await findSecret(parts, principal, id);
  if (secret.withdrawnAt) return;
  const outcome = await parts.secrets.withdrawSecret({
    id,
    audit: secretAudit(parts, principal, secret, 'withdrawn'),
  });
  if (outcome === 'withdrawn') return;
  const { secret: now } = await findSecret(parts, principal, id);
  if (now.withdrawnAt) return;
  throw new ServiceError('conflict', `${id} has been used for ${now.use?.certificateId}`);
}

const secretAudit = (
  parts: Pick<EnrolmentSecretParts, 'clock'>,
  principal: Principal,
  { id, organizationId, label, commonName, expiresAt }: EnrolmentSecret,
  what: 'created' | 'withdrawn',
): AuditEvent => ({
  at: parts.clock(),
  organizationId,
  actor: principal.actor,
  action: `enrolment-secret.${what}`,
  subject: id,
  details: { label, commonName, expiresAt: expiresAt.toISOString() },
});
