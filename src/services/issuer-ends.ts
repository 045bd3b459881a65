/**
 * Authorities that have to be rolled over: an issuer with less life left than its longest leaf
 * would shorten what it signs, and soon refuse to sign at all.
 */

import type { Profile } from '../pki/profile.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

/** An active issuer and when its own certificate ends. */
export interface IssuerEnd {
  readonly issuerId: string;
  readonly authorityId: string;
  readonly organizationId: string;
  /** The profile of the authority. */
  readonly profile: string;
  readonly notAfter: Date;
}

export interface IssuerEndStore {
  /** The active issuers whose certificate ends before this moment, the nearest end first. */
  listEndsBefore(moment: Date): Promise<IssuerEnd[]>;
}

export interface IssuerEndParts {
  readonly issuerEnds: IssuerEndStore;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Logs a warning for every active issuer that its leaves outlive.
 * @returns how many there are
 */
export async function warnOfIssuerEnds(parts: IssuerEndParts): Promise<number> {
  const longest = longestLeaves(parts.profiles);
  const now = parts.clock().getTime();
  const horizon = Math.max(0, ...longest.values());
  const ending = (await parts.issuerEnds.listEndsBefore(new Date(now + horizon))).filter(
    ({ profile, notAfter }) => notAfter.getTime() - now < (longest.get(profile) ?? 0),
  );
  for (const { issuerId, authorityId, notAfter, profile } of ending) {
    parts.logger.warn('issuer-ends-soon', {
      authority: authorityId,
      issuer: issuerId,
      notAfter: notAfter.toISOString(),
      longestLeafDays: Math.round((longest.get(profile) ?? 0) / 86_400_000),
      remedy: parts.profiles.get(profile)?.exported
        ? 'have another authority exported'
        : 'roll the authority over',
    });
  }
  return ending.length;
}

/** By authority profile: the longest default validity of a leaf that names it as its issuer. */
function longestLeaves(profiles: ReadonlyMap<string, Profile>): ReadonlyMap<string, number> {
  const longest = new Map<string, number>();
  for (const { name, exported } of profiles.values()) {
    const leaves = exported && profiles.get(exported.leaves);
    if (leaves) longest.set(name, leaves.validity.default);
  }
  for (const { issuedBy, validity, extensions } of profiles.values()) {
    if (extensions.basicConstraints?.ca) continue;
    for (const name of issuedBy) {
      longest.set(name, Math.max(longest.get(name) ?? 0, validity.default));
    }
  }
  return longest;
}
