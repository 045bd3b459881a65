/** Enrolment requests that people work with, and the port that stores what they decide. */

import type { Violation } from '../pki/violations.ts';
import type { AuditEvent } from './audit.ts';
import type { EnrolmentRequest, EnrolmentState } from './certificate-records.ts';
import type { Page, PageWanted } from './pages.ts';

/** What a request is at a moment: `expired` is derived, never stored. */
export type RequestState = EnrolmentState | 'expired';

/** A request that nobody has decided on in time cannot be approved any more. */
export const requestStateAt = (
  { state, approveUntil }: EnrolmentRequest,
  now: Date,
): RequestState =>
  state === 'waiting-for-approval' && approveUntil !== undefined && approveUntil < now
    ? 'expired'
    : state;

/** Narrows a listing; every given field must hold. */
export interface RequestFilter {
  readonly organizationId?: string;
  readonly authorityId?: string;
  readonly profile?: string;
  readonly requester?: string;
  /** At the moment `now`. */
  readonly state?: RequestState;
  readonly now: Date;
}

export interface RequestStore {
  /**
   * Newest first.
   * @throws InvalidCursor for a cursor that no listing returned
   */
  listRequests(filter: RequestFilter, page: PageWanted): Promise<Page<EnrolmentRequest>>;

  /**
   * Puts a request on record that has to be approved. Repeat keys are taken over as
   * `IssuanceStore.recordPending` says.
   */
  recordWaiting(command: {
    readonly request: EnrolmentRequest;
    readonly audit: AuditEvent;
  }): Promise<
    | { readonly outcome: 'recorded' }
    | { readonly outcome: 'repeat'; readonly request: EnrolmentRequest }
  >;

  /**
   * Ends a waiting request with a person's reason. It keeps its repeat key: the same request again
   * hears the same.
   * @returns `not-waiting`, and nothing changed, when somebody else has decided or it has expired
   */
  recordRejected(command: {
    readonly requestId: string;
    readonly by: string;
    readonly at: Date;
    readonly reason: string;
    readonly audit: AuditEvent;
  }): Promise<'rejected' | 'not-waiting'>;

  /**
   * Ends a waiting request with what policy said when somebody wanted to approve it.
   * @returns as `recordRejected`
   */
  recordRefusal(command: {
    readonly requestId: string;
    readonly violations: readonly Violation[];
    readonly at: Date;
    readonly audit: AuditEvent;
  }): Promise<'refused' | 'not-waiting'>;
}
