import type { Response } from 'express';
import { toPem } from '../../pki/pem.ts';
import type { Principal } from '../../services/access-policy.ts';
import { type ApprovalParts, approve, reject, withdraw } from '../../services/approval.ts';
import { type CertificateParts, findCertificate } from '../../services/certificates.ts';
import type { RequestState } from '../../services/request-records.ts';
import {
  findRequest,
  listRequests,
  type RequestParts,
  type RequestSummary,
  type RequestView,
} from '../../services/requests.ts';
import { sendCertificate } from './certificate-bodies.ts';
import type { Handlers } from './operations.ts';
import { pageBody, pageWanted } from './pages.ts';
import type { EnrolmentRequest, EnrolmentRequestDetails, Rejection } from './types.ts';

export const requestHandlers = (parts: ApprovalParts & RequestParts & CertificateParts) =>
  ({
    async listRequests(request, response, principal) {
      const { state, profile, authority, requester, limit, cursor } = request.query as Record<
        string,
        string | undefined
      >;
      const page = await listRequests(parts, principal, {
        ...(state === undefined ? {} : { state: state as RequestState }),
        ...(profile === undefined ? {} : { profile }),
        ...(authority === undefined ? {} : { authority }),
        ...(requester === undefined ? {} : { requester }),
        ...pageWanted({ limit, cursor }),
      });
      response.json(pageBody(page, summary));
    },

    async getRequest(request, response, principal) {
      response.json(details(await findRequest(parts, principal, String(request.params.id))));
    },

    async approveRequest(request, response, principal) {
      const answer = await approve(parts, principal, String(request.params.id));
      const view = await findCertificate(parts, principal, answer.certificateId);
      response
        .status(answer.repeated ? 200 : 201)
        .location(`/v1/certificates/${answer.certificateId}`);
      sendCertificate(request, response, view);
    },

    async rejectRequest(request, response, principal) {
      const id = String(request.params.id);
      const { reason } = request.body as Rejection;
      await reject(parts, principal, id, reason);
      response.json(details(await findRequest(parts, principal, id)));
    },

    async withdrawRequest(request, response, principal) {
      const id = String(request.params.id);
      await withdraw(parts, principal, id);
      response.json(details(await findRequest(parts, principal, id)));
    },
  }) satisfies Handlers;

/** The answer to a request that somebody has to approve first. */
export async function sendWaiting(
  parts: Pick<RequestParts, 'certificates' | 'access' | 'clock'>,
  principal: Principal,
  requestId: string,
  response: Response,
): Promise<void> {
  const view = await findRequest(parts, principal, requestId);
  response.status(202).location(`/v1/requests/${requestId}`).json(details(view));
}

const summary = ({ record, state }: RequestSummary): EnrolmentRequest => ({
  id: record.id,
  state,
  organization: record.organizationId,
  authority: record.authorityId,
  profile: record.profile,
  requester: record.requester,
  channel: record.channel,
  createdAt: record.createdAt.toISOString(),
  ...(record.subject === undefined ? {} : { subject: record.subject }),
  ...(record.stationId === undefined ? {} : { station: record.stationId }),
  ...(record.notAfter === undefined ? {} : { notAfter: record.notAfter.toISOString() }),
  ...(record.renews === undefined ? {} : { renews: record.renews }),
  ...(record.certificateId === undefined ? {} : { certificate: record.certificateId }),
  ...(record.approveUntil === undefined ? {} : { approveUntil: record.approveUntil.toISOString() }),
  ...(record.decidedBy === undefined ? {} : { decidedBy: record.decidedBy }),
  ...(record.decidedAt === undefined ? {} : { decidedAt: record.decidedAt.toISOString() }),
  ...(record.rejectionReason === undefined ? {} : { rejectionReason: record.rejectionReason }),
});

const details = (view: RequestView): EnrolmentRequestDetails => ({
  ...summary(view),
  asked: {
    ...view.asked,
    alternativeNames: [...view.asked.alternativeNames],
    extensions: [...view.asked.extensions],
  },
  csr: toPem('CERTIFICATE REQUEST', view.record.csr),
  ...(view.record.violations ? { violations: [...view.record.violations] } : {}),
});
