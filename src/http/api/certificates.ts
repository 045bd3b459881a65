import type { Request, Response } from 'express';
import { toPem } from '../../pki/pem.ts';
import { decodeRequestText } from '../../pki/request-text.ts';
import {
  type CertificateSummary,
  type CertificateView,
  findCertificate,
  listCertificates,
} from '../../services/certificates.ts';
import { awaitCrl } from '../../services/crls.ts';
import { enrol } from '../../services/enrolment.ts';
import type { EnrolmentParts } from '../../services/request-issuing.ts';
import { type RevocationParts, release, revoke } from '../../services/revocation.ts';
import { instantOf } from './instants.ts';
import type { Handlers } from './operations.ts';
import type {
  Certificate,
  CertificateState,
  IssuedCertificate,
  NewCertificate,
  Revocation,
} from './types.ts';

const PEM_CHAIN = 'application/pem-certificate-chain';

type Parts = EnrolmentParts & RevocationParts & Parameters<typeof awaitCrl>[0];

export const certificateHandlers = (parts: Parts) =>
  ({
    async issueCertificate(request, response, principal) {
      const { profile, csr, authority, notAfter, station } = request.body as NewCertificate;
      const answer = await enrol(parts, {
        principal,
        channel: 'rest',
        csr: decodeRequestText(csr),
        profile,
        ...(authority === undefined ? {} : { authority }),
        ...(notAfter === undefined ? {} : { notAfter: instantOf(notAfter, 'body.notAfter') }),
        ...(station === undefined ? {} : { stationId: station }),
      });
      const view = await findCertificate(parts, principal, answer.certificateId);
      response
        .status(answer.repeated ? 200 : 201)
        .location(`/v1/certificates/${answer.certificateId}`);
      sendCertificate(request, response, view);
    },

    async getCertificate(request, response, principal) {
      const view = await findCertificate(parts, principal, String(request.params.id));
      sendCertificate(request, response, view);
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
        limit: Number(limit ?? 50),
        ...(cursor === undefined ? {} : { cursor }),
      });
      response.json({
        items: page.items.map(summary),
        ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
      });
    },

    async revokeCertificate(request, response, principal) {
      const { reason = 'unspecified' } = (request.body ?? {}) as Revocation;
      const id = String(request.params.id);
      const { certificate, issuerId } = await revoke(parts, principal, id, reason);
      if (request.query.wait === 'crl') await awaitCrl(parts, issuerId);
      response.json(summary(certificate));
    },

    async releaseCertificate(request, response, principal) {
      const id = String(request.params.id);
      const { certificate } = await release(parts, principal, id);
      response.json(summary(certificate));
    },
  }) satisfies Handlers;

/** As JSON, or as bare PEM for those who ask for it: curl and shell scripts. */
function sendCertificate(request: Request, response: Response, view: CertificateView): void {
  const certificateChain = view.chain.map((der) => toPem('CERTIFICATE', der)).join('');
  if (request.accepts(['application/json', PEM_CHAIN]) === PEM_CHAIN) {
    response.type(PEM_CHAIN).send(certificateChain);
    return;
  }
  const body: IssuedCertificate = { ...summary(view), certificateChain };
  response.json(body);
}

const summary = ({ record, expired }: CertificateSummary): Certificate => ({
  id: record.id,
  state: record.state,
  expired,
  serialNumber: record.serial,
  subject: record.subject,
  profile: record.profile,
  organization: record.organizationId,
  ...(record.issuerId === undefined ? {} : { issuer: record.issuerId }),
  notBefore: record.notBefore.toISOString(),
  notAfter: record.notAfter.toISOString(),
  ...(record.revokedAt === undefined ? {} : { revokedAt: record.revokedAt.toISOString() }),
  ...(record.revocationReason === undefined ? {} : { revocationReason: record.revocationReason }),
});
