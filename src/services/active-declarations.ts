/**
 * Which declarations are in force. All processes on one database have to certify by the same
 * profiles, let in by the same roles and mean the same by labels of EST: the process that was
 * started last says which, and those with others refuse to issue until they are started again
 * (docs/adr/0008-newest-declarations.md).
 */

import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../pki/canonical-json.ts';
import type { Profile } from '../pki/profile.ts';
import {
  type AccessPolicy,
  INSTANCE_ORGANIZATION,
  type ProposableAction,
} from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import type { Clock } from './clock.ts';
import { ServiceError } from './errors.ts';
import type { EstDeclarations } from './est-declarations.ts';
import type { Logger } from './logger.ts';
import type { Monotonic } from './status-confirmation.ts';

/** What was read of the active set this long ago is not relied on: it is read again. */
const TRUSTED_MILLISECONDS = 1_000;

export interface ActiveDeclarationsStore {
  /**
   * Makes a set the active one, with an audit entry unless it was that already.
   * @returns the one before, if there was another
   */
  activate(command: {
    readonly sha256: string;
    readonly processId: string;
    readonly audit: AuditEvent;
  }): Promise<string | undefined>;
  readActive(): Promise<string | undefined>;
}

export interface ActiveDeclarationsParts {
  readonly declarationStore: ActiveDeclarationsStore;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly access: AccessPolicy;
  readonly secondPerson: ReadonlySet<ProposableAction>;
  readonly est: EstDeclarations;
  readonly processId: string;
  readonly clock: Clock;
  readonly monotonic: Monotonic;
  readonly logger: Logger;
}

export interface ActiveDeclarations {
  /** Puts this process's declarations in force; to be called once, before anything is issued. */
  activate(): Promise<void>;
  /** Asks which are in force; to be called twice a second. */
  poll(): Promise<void>;
  /**
   * Asks again unless that was done within the last second.
   * @throws ServiceError `declarations-superseded` when others are in force
   */
  requireActive(): Promise<void>;
}

export function createActiveDeclarations(parts: ActiveDeclarationsParts): ActiveDeclarations {
  const { declarationStore: store, monotonic, logger } = parts;
  const own = declarationsHash(parts);
  let active: string | undefined;
  let readAt = Number.NEGATIVE_INFINITY;

  const poll = async () => {
    // From before the question: the answer is not newer than that.
    const askedAt = monotonic();
    const before = active;
    active = await store.readActive();
    readAt = askedAt;
    if (active === before) return;
    if (active !== own) logger.error('declarations-superseded', { own, active });
    else if (before !== undefined) logger.info('declarations-active-again', { own });
  };

  return {
    async activate() {
      const superseded = await store.activate({
        sha256: own,
        processId: parts.processId,
        audit: {
          at: parts.clock(),
          organizationId: INSTANCE_ORGANIZATION,
          actor: 'evpki',
          action: 'declarations.activated',
          subject: own,
          details: { process: parts.processId },
        },
      });
      if (superseded !== undefined) logger.warn('declarations-activated', { own, superseded });
      active = own;
    },
    poll,
    async requireActive() {
      if (monotonic() - readAt > TRUSTED_MILLISECONDS) await poll();
      if (active === own) return;
      throw new ServiceError(
        'declarations-superseded',
        'a process that was started later has put other profiles or roles in force',
      );
    },
  };
}

/** One hash for what `policies/` says, whatever the order in which it says it. */
export function declarationsHash({
  profiles,
  access,
  secondPerson,
  est,
}: Pick<ActiveDeclarationsParts, 'profiles' | 'access' | 'secondPerson' | 'est'>): string {
  const listed = (names: 'all' | ReadonlySet<string>): Json =>
    names === 'all' ? names : [...names].sort();
  const roles = [...access.values()].map((role): [string, Json] => [
    role.name,
    {
      actions: listed(role.actions),
      kinds: listed(role.kinds),
      mayGrant: listed(role.mayGrant),
      everyOrganization: role.everyOrganization,
    },
  ]);
  const declared: Json = {
    profiles: Object.fromEntries([...profiles].map(([name, { hash }]) => [name, hash])),
    roles: Object.fromEntries(roles),
    secondPerson: listed(secondPerson),
    // Plain values all of them: as the file says it, with what it leaves out.
    est: JSON.parse(JSON.stringify({ ...est, labels: Object.fromEntries(est.labels) })) as Json,
  };
  return createHash('sha256').update(canonicalJson(declared)).digest('hex');
}
