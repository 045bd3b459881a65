/** One-time enrolment secrets as they are stored, and the port that stores them. */

import type { AuditEvent } from './audit.ts';
import type { Page, PageWanted } from './pages.ts';

/** What somebody without credentials shows once to have one certificate made (RFC 7030 3.2.3). */
export interface EnrolmentSecret {
  readonly id: string;
  readonly organizationId: string;
  /** The label of EST that it is good for. */
  readonly label: string;
  /** The common name that the certificate will have, and the user name in HTTP Basic. */
  readonly commonName: string;
  /** SHA-256 of the secret, which is 256 random bits (hex). */
  readonly secretSha256: string;
  /** Who made it, as in audit entries. */
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly withdrawnAt?: Date;
  /** What it has been used for; what was abandoned does not count. */
  readonly use?: {
    readonly certificateId: string;
    /** The certificate is being made; should that fail, the secret is as good as before. */
    readonly isPending: boolean;
  };
}

export type EnrolmentSecretState = 'open' | 'in-use' | 'used' | 'withdrawn' | 'expired';

/** What a secret is at a moment. */
export function secretStateAt(
  { use, withdrawnAt, expiresAt }: EnrolmentSecret,
  now: Date,
): EnrolmentSecretState {
  if (use) return use.isPending ? 'in-use' : 'used';
  if (withdrawnAt) return 'withdrawn';
  return expiresAt <= now ? 'expired' : 'open';
}

/** That a secret is used up is written by `IssuanceStore.recordPending`. */
export interface EnrolmentSecretStore {
  createSecret(command: {
    readonly secret: EnrolmentSecret;
    readonly audit: AuditEvent;
  }): Promise<void>;
  findSecret(id: string): Promise<EnrolmentSecret | undefined>;
  findSecretByHash(secretSha256: string): Promise<EnrolmentSecret | undefined>;
  /**
   * Newest first.
   * @throws InvalidCursor for a cursor that no listing returned
   */
  listSecrets(
    filter: { readonly organizationId?: string },
    page: PageWanted,
  ): Promise<Page<EnrolmentSecret>>;
  /**
   * Ends a secret that has not been used.
   * @returns `unchanged`, and nothing written, for one that is used, in use or withdrawn
   */
  withdrawSecret(command: {
    readonly id: string;
    readonly audit: AuditEvent;
  }): Promise<'withdrawn' | 'unchanged'>;
}
