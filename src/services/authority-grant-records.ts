/** Grants as they are stored: whose authorities may stand under an authority. */

import type { AuditEvent } from './audit.ts';
import type { ProposalApproval } from './proposal-records.ts';

/** The owner of an authority lets another organization have authorities under it. */
export interface AuthorityGrant {
  readonly authorityId: string;
  /** The organization that it is given to. */
  readonly organizationId: string;
  readonly createdAt: Date;
}

export interface AuthorityGrantStore {
  /**
   * @returns `exists`, and nothing changed, when it is granted already; `not-waiting`, and nothing
   *   changed, when its approval is for what waits no more
   */
  putGrant(command: {
    readonly authorityId: string;
    readonly organizationId: string;
    readonly audit: AuditEvent;
    readonly approval?: ProposalApproval;
  }): Promise<'granted' | 'exists' | 'not-waiting'>;

  /**
   * Withdraws a grant: of certificates that are asked for at the same moment, those whose pending
   * row is written first are still issued, the others are not.
   * @returns `missing`, and nothing changed, when there is none
   */
  deleteGrant(command: {
    readonly authorityId: string;
    readonly organizationId: string;
    readonly audit: AuditEvent;
  }): Promise<'withdrawn' | 'missing'>;

  findGrant(authorityId: string, organizationId: string): Promise<AuthorityGrant | undefined>;
  /** Those of one authority, or those given to one organization, or all. */
  listGrants(filter: {
    readonly authorityId?: string;
    readonly organizationId?: string;
  }): Promise<AuthorityGrant[]>;
}
