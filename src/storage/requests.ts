/** Enrolment requests as people work with them: listed, approved, rejected. */

import type { Knex } from 'knex';
import type { Approval, EnrolmentRequest } from '../services/certificate-records.ts';
import type { RequestFilter, RequestStore } from '../services/request-records.ts';
import { byTime, pageOf } from './cursor.ts';
import type { Database, WriteTransaction } from './database.ts';
import { insertRequest, requestOf } from './enrolment-requests.ts';
import type { EnrolmentRequestRow } from './rows.ts';
import { timeText } from './values.ts';

export function requestStore(database: Database): RequestStore {
  const { reader } = database;
  return {
    listRequests: async (filter, wanted) => {
      const query = reader<EnrolmentRequestRow>('enrolment_requests');
      narrow(query, filter);
      const page = await pageOf<EnrolmentRequestRow>(query, wanted, byTime('created_at'));
      return { ...page, items: page.items.map(requestOf) };
    },

    recordWaiting: ({ request, audit }) =>
      database.write(async (tx) => {
        const repeated: EnrolmentRequest | undefined = await insertRequest(tx, request);
        if (repeated !== undefined) return { outcome: 'repeat', request: repeated };
        tx.appendAudit(audit);
        return { outcome: 'recorded' };
      }),

    recordRejected: ({ requestId, by, at, reason, audit }) =>
      database.write(async (tx) => {
        const updated = await waiting(tx, requestId, at).update({
          state: 'rejected',
          decided_by: by,
          decided_at: timeText(at),
          rejection_reason: reason,
        });
        if (updated === 0) return 'not-waiting';
        tx.appendAudit(audit);
        return 'rejected';
      }),

    recordRefusal: ({ requestId, violations, at, audit }) =>
      database.write(async (tx) => {
        const updated = await waiting(tx, requestId, at).update({
          state: 'refused',
          violations: JSON.stringify(violations),
          repeat_key: null,
        });
        if (updated === 0) return 'not-waiting';
        tx.appendAudit(audit);
        return 'refused';
      }),
  };
}

/**
 * Turns a waiting request into one that this pending certificate answers.
 * @returns whether it was still waiting: of several that decide on it at once, the row's lock lets
 *   one do so
 */
export async function approveRequest(
  tx: WriteTransaction,
  requestId: string,
  certificateId: string,
  { by, at, repeatUntil, audit }: Approval,
): Promise<boolean> {
  const updated = await waiting(tx, requestId, at).update({
    state: 'issuing',
    certificate_id: certificateId,
    repeat_until: timeText(repeatUntil),
    decided_by: by,
    decided_at: timeText(at),
  });
  if (updated === 1) tx.appendAudit(audit);
  return updated === 1;
}

const waiting = (tx: WriteTransaction, requestId: string, at: Date) =>
  tx
    .knex<EnrolmentRequestRow>('enrolment_requests')
    .where({ id: requestId, state: 'waiting-for-approval' })
    .where('approve_until', '>=', timeText(at));

function narrow(query: Knex.QueryBuilder, filter: RequestFilter): void {
  const { state } = filter;
  const equal = {
    organization_id: filter.organizationId,
    authority_id: filter.authorityId,
    profile: filter.profile,
    requester: filter.requester,
    state: state === 'expired' ? 'waiting-for-approval' : state,
  };
  for (const [column, value] of Object.entries(equal)) {
    if (value !== undefined) query.where(column, value);
  }
  const now = timeText(filter.now);
  if (state === 'expired') query.where('approve_until', '<', now);
  if (state === 'waiting-for-approval') query.where('approve_until', '>=', now);
}
