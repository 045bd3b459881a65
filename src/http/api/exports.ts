import { serialHex } from '../../pki/certificate.ts';
import { nameText } from '../../pki/names.ts';
import { toPem } from '../../pki/pem.ts';
import { type ImportParts, importCertificates } from '../../services/certificate-imports.ts';
import { awaitCrl, type CrlParts } from '../../services/crls.ts';
import { type CollectionParts, collectExport } from '../../services/export-collection.ts';
import { proposeExport } from '../../services/exports.ts';
import type { JobStore } from '../../services/revocation-records.ts';
import { revokeSerial, type SerialRevocationParts } from '../../services/serial-revocation.ts';
import { visibleAuthority } from './authorities.ts';
import { certificateBody } from './certificate-bodies.ts';
import type { Handlers } from './operations.ts';
import { sendProposed } from './proposals.ts';
import type * as api from './types.ts';

type Parts = CollectionParts &
  ImportParts &
  SerialRevocationParts &
  Pick<CrlParts, 'crls' | 'clock'> & { readonly jobs: JobStore };

export const exportHandlers = (parts: Parts) =>
  ({
    async proposeExport(request, response, principal) {
      const above = await visibleAuthority(parts, principal, request);
      const { notAfter, ...wish } = request.body as api.NewExport;
      const view = await proposeExport(parts, principal, above, {
        ...wish,
        ...(notAfter === undefined ? {} : { notAfter: new Date(notAfter) }),
      });
      sendProposed(view, response);
    },

    async collectExport(request, response, principal) {
      const above = await visibleAuthority(parts, principal, request);
      const { passphrase } = request.body as api.ExportPassphrase;
      const proposal = String(request.params.proposal);
      const collected = await collectExport(parts, principal, above, proposal, passphrase);
      const { authority, issuer, urls } = collected;
      const [certificate = '', ...others] = collected.chain.map((der) => toPem('CERTIFICATE', der));
      const body: api.CollectedExport = {
        ...{ authority: authority.id, issuer: issuer.id, certificate },
        certificateChain: [certificate, ...others].join(''),
        ...{ ocsp: urls.ocsp, crl: urls.crl },
        encryptedKey: toPem('ENCRYPTED PRIVATE KEY', collected.encryptedKey),
      };
      response.status(201).location(`/v1/authorities/${authority.id}`).json(body);
    },

    async importCertificates(request, response, principal) {
      const authority = await visibleAuthority(parts, principal, request);
      const { certificates } = request.body as api.CertificateImport;
      const imported = await importCertificates(parts, principal, authority, certificates);
      const items = imported.map(({ id, certificate, known, stationId, findings }) => ({
        ...{ id, serialNumber: serialHex(certificate), subject: nameText(certificate.subject) },
        notAfter: certificate.notAfter.toISOString(),
        outcome: known ? ('known' as const) : ('imported' as const),
        ...(stationId === undefined ? {} : { station: stationId }),
        findings: findings.map(({ rule, message }) => ({ rule, message })),
      }));
      const body: api.ImportedCertificates = { items };
      response.json(body);
    },

    async revokeSerialNumber(request, response, principal) {
      const authority = await visibleAuthority(parts, principal, request);
      const { serialNumber, reason } = request.body as api.SerialRevocation;
      const result = await revokeSerial(parts, principal, authority, serialNumber, reason);
      if (result.outcome === 'waiting') {
        sendProposed(result.view, response);
        return;
      }
      const { certificate, issuerId } = result.change;
      if (request.query.wait === 'crl') await awaitCrl(parts, issuerId);
      response.json(certificateBody(certificate));
    },
  }) satisfies Handlers;
