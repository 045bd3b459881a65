import { toPem } from '../../pki/pem.ts';
import type { ClientCertificate } from '../../services/access-records.ts';
import {
  addClientCertificate,
  type ClientCertificateParts,
  listClientCertificates,
  removeClientCertificate,
} from '../../services/api-client-certificates.ts';
import type { Handlers } from './operations.ts';
import type { ApiClientCertificate, NewApiClientCertificate } from './types.ts';

export const clientCertificateHandlers = (parts: ClientCertificateParts) =>
  ({
    async addApiClientCertificate(request, response, principal) {
      const { certificate: pem } = request.body as NewApiClientCertificate;
      const id = String(request.params.id);
      const { certificate, created } = await addClientCertificate(parts, principal, id, pem);
      if (created) {
        const { sha256 } = certificate;
        response.status(201).location(`/v1/api-clients/${id}/certificates/${sha256}`);
      }
      response.json(certificateBody(certificate));
    },

    async listApiClientCertificates(request, response, principal) {
      const id = String(request.params.id);
      const certificates = await listClientCertificates(parts, principal, id);
      response.json({ items: certificates.map(certificateBody) });
    },

    async removeApiClientCertificate(request, response, principal) {
      const { id, sha256 } = request.params;
      await removeClientCertificate(parts, principal, String(id), String(sha256));
      response.status(204).end();
    },
  }) satisfies Handlers;

const certificateBody = (record: ClientCertificate): ApiClientCertificate => ({
  sha256: record.sha256,
  subject: record.subject,
  notBefore: record.notBefore.toISOString(),
  notAfter: record.notAfter.toISOString(),
  addedAt: record.addedAt.toISOString(),
  certificate: toPem('CERTIFICATE', record.certificate),
});
