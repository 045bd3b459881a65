import type { Request, Response } from 'express';
import { decodeRequestText } from '../../pki/request-text.ts';
import type { Principal } from '../../services/access-policy.ts';
import { findCertificate, listCertificates } from '../../services/certificates.ts';
import { awaitCrl } from '../../services/crls.ts';
import { enrol } from '../../services/enrolment.ts';
import { endOf, instantOf } from '../../services/instants.ts';
import { renew } from '../../services/renewal.ts';
import type { EnrolmentAnswer } from '../../services/request-answers.ts';
import type { EnrolmentParts } from '../../services/request-issuing.ts';
import { release } from '../../services/revocation.ts';
import {
  type RevocationProposalParts,
  revokeOrPropose,
} from '../../services/revocation-proposals.ts';
import { findOcppChain } from '../../services/station-chains.ts';
import { certificateBody, sendCertificate, sendSignedChain } from './certificate-bodies.ts';
import type { Handlers } from './operations.ts';
import { pageBody, pageWanted } from './pages.ts';
import { sendProposed } from './proposals.ts';
import { sendWaiting } from './requests.ts';
import type { CertificateState, NewCertificate, Renewal, Revocation } from './types.ts';

type Parts = EnrolmentParts & RevocationProposalParts & Parameters<typeof awaitCrl>[0];

export const certificateHandlers = (parts: Parts) =>
  ({
    async issueCertificate(request, response, principal) {
      const { profile, csr, authority, notAfter, station } = request.body as NewCertificate;
      const answer = await enrol(parts, {
        principal,
        action: 'certificates:issue',
        channel: 'rest',
        csr: decodeRequestText(csr),
        profile,
        ...(authority === undefined ? {} : { authority }),
        ...(notAfter === undefined ? {} : { notAfter: endOf(notAfter, 'body.notAfter') }),
        ...(station === undefined ? {} : { stationId: station }),
      });
      await sendAnswer(parts, answer, request, response, principal);
    },

    async renewCertificate(request, response, principal) {
      const { csr, notAfter } = request.body as Renewal;
      const answer = await renew(parts, String(request.params.id), {
        principal,
        action: 'certificates:renew',
        channel: 'rest',
        csr: decodeRequestText(csr),
        ...(notAfter === undefined ? {} : { notAfter: endOf(notAfter, 'body.notAfter') }),
      });
      await sendAnswer(parts, answer, request, response, principal);
    },

    async getCertificate(request, response, principal) {
      const id = String(request.params.id);
      if (request.query.format === 'ocpp-chain') {
        const { view, signed } = await findOcppChain(parts, principal, id);
        sendSignedChain(request, response, view, signed);
        return;
      }
      sendCertificate(request, response, await findCertificate(parts, principal, id));
    },

    async listCertificates(request, response, principal) {
      const { profile, authority, state, serialNumber, expiresBefore, limit, cursor } =
        request.query as Record<string, string | undefined>;
      const page = await listCertificates(parts, principal, {
        ...(profile === undefined ? {} : { profile }),
        ...(authority === undefined ? {} : { authority }),
        ...(state === undefined ? {} : { state: state as CertificateState }),
        ...(serialNumber === undefined ? {} : { serial: serialNumber }),
        ...(expiresBefore === undefined
          ? {}
          : { expiresBefore: instantOf(expiresBefore, 'query.expiresBefore') }),
        ...pageWanted({ limit, cursor }),
      });
      response.json(pageBody(page, certificateBody));
    },

    async revokeCertificate(request, response, principal) {
      const { reason = 'unspecified' } = (request.body ?? {}) as Revocation;
      const id = String(request.params.id);
      const result = await revokeOrPropose(parts, principal, id, reason);
      if (result.outcome === 'waiting') {
        sendProposed(result.view, response);
        return;
      }
      const { certificate, issuerId } = result.change;
      if (request.query.wait === 'crl') await awaitCrl(parts, issuerId);
      response.json(certificateBody(certificate));
    },

    async releaseCertificate(request, response, principal) {
      const id = String(request.params.id);
      const { certificate } = await release(parts, principal, id);
      response.json(certificateBody(certificate));
    },
  }) satisfies Handlers;

async function sendAnswer(
  parts: Parts,
  answer: EnrolmentAnswer,
  request: Request,
  response: Response,
  principal: Principal,
): Promise<void> {
  if (answer.outcome === 'waiting') {
    await sendWaiting(parts, principal, answer.requestId, response);
    return;
  }
  const view = await findCertificate(parts, principal, answer.certificateId);
  response.status(answer.repeated ? 200 : 201).location(`/v1/certificates/${answer.certificateId}`);
  sendCertificate(request, response, view);
}
