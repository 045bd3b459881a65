import { toPem } from '../../pki/pem.ts';
import { decodeRequestText } from '../../pki/request-text.ts';
import {
  type CertificateStatusParts,
  certificateStatus,
} from '../../services/certificate-status.ts';
import { type OcppSigningParts, signCertificate } from '../../services/ocpp-signing.ts';
import type { Handlers } from './operations.ts';
import type {
  CertificateStatusRequest,
  CertificateStatusResult,
  SignCertificateRequest,
  SignCertificateResult,
} from './types.ts';

export const ocppSigningHandlers = (parts: OcppSigningParts) =>
  ({
    async signCertificate(request, response, principal) {
      const body = request.body as SignCertificateRequest;
      const { stationId, csr, ocppVersion, certificateType, organization } = body;
      const { requestId, hashRootCertificate } = body;
      const answer = await signCertificate(parts, {
        principal,
        stationId,
        csr: decodeRequestText(csr),
        ocppVersion,
        ...(certificateType === undefined ? {} : { certificateType }),
        ...(organization === undefined ? {} : { organization }),
        ...(hashRootCertificate === undefined ? {} : { hashRootCertificate }),
      });
      const { certificateChain, violations, ...rest } = answer;
      const result: SignCertificateResult = {
        ...rest,
        // OCPP 2.1 A02: the station tells by it which of its requests CertificateSigned answers.
        ...(requestId === undefined ? {} : { requestId }),
        ...(certificateChain
          ? { certificateChain: certificateChain.map((der) => toPem('CERTIFICATE', der)).join('') }
          : {}),
        ...(violations ? { violations: [...violations] } : {}),
      };
      response.json(result);
    },
  }) satisfies Handlers;

export const certificateStatusHandlers = (parts: CertificateStatusParts) =>
  ({
    async certificateStatus(request, response) {
      const { ocspRequestData } = request.body as CertificateStatusRequest;
      const answer = await certificateStatus(parts, ocspRequestData);
      const result: CertificateStatusResult =
        answer.status === 'Accepted'
          ? { ...answer, ocspResult: Buffer.from(answer.ocspResult).toString('base64') }
          : answer;
      response.json(result);
    },
  }) satisfies Handlers;
