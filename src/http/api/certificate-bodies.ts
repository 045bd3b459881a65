/** Certificates as the API shows them. */

import type { Request, Response } from 'express';
import { chainWarningText, type SignedChain } from '../../ocpp/certificate-signed.ts';
import { toPem } from '../../pki/pem.ts';
import type { CertificateSummary, CertificateView } from '../../services/certificates.ts';
import type { Certificate, IssuedCertificate } from './types.ts';

const PEM_CHAIN = 'application/pem-certificate-chain';

/** As JSON, or as bare PEM for those who ask for it: curl and shell scripts. */
export function sendCertificate(request: Request, response: Response, view: CertificateView): void {
  const certificateChain = view.chain.map((der) => toPem('CERTIFICATE', der)).join('');
  if (request.accepts(['application/json', PEM_CHAIN]) === PEM_CHAIN) {
    response.type(PEM_CHAIN).send(certificateChain);
    return;
  }
  const body: IssuedCertificate = { ...certificateBody(view), certificateChain };
  response.json(body);
}

/**
 * The chain for CertificateSigned as bare text, to be sent on as it is, unless JSON is asked for.
 * What is amiss about it stands in the JSON, or in a header each.
 */
export function sendSignedChain(
  request: Request,
  response: Response,
  view: CertificateView,
  { certificateChain, warnings }: SignedChain,
): void {
  const texts = warnings.map(chainWarningText);
  const type = request.accepts([PEM_CHAIN, 'text/plain', 'application/json']);
  if (type === 'application/json') {
    const body: IssuedCertificate = { ...certificateBody(view), certificateChain, warnings: texts };
    response.json(body);
    return;
  }
  if (texts.length > 0) response.set('X-Evpki-Warning', texts);
  response.type(type === 'text/plain' ? type : PEM_CHAIN).send(certificateChain);
}

export const certificateBody = ({ record, expired }: CertificateSummary): Certificate => ({
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
  ...(record.requestId === undefined ? {} : { request: record.requestId }),
  ...(record.renews === undefined ? {} : { renews: record.renews }),
  ...(record.renewedBy === undefined ? {} : { renewedBy: record.renewedBy }),
  ...(record.revokedAt === undefined ? {} : { revokedAt: record.revokedAt.toISOString() }),
  ...(record.revocationReason === undefined ? {} : { revocationReason: record.revocationReason }),
});
