import type { Request } from 'express';
import { chainWarningText } from '../../ocpp/certificate-signed.ts';
import {
  contractCertificateAnswer,
  readContractCertificateRequest,
  type SizeWarning,
  sizeWarnings,
} from '../../ocpp/contract-certificate.ts';
import { type CertificateHashData, parseHashData } from '../../pki/certificate-hash-data.ts';
import { PemError, readPemBlocks } from '../../pki/pem.ts';
import { decodeRequestText } from '../../pki/request-text.ts';
import { type AuthorizationParts, authorizeContract } from '../../services/authorization.ts';
import {
  type CertificateStatusParts,
  certificateChainStatus,
  certificateStatus,
} from '../../services/certificate-status.ts';
import { ServiceError } from '../../services/errors.ts';
import { answerCar } from '../../services/installation.ts';
import type { InstallationParts } from '../../services/installation-records.ts';
import { type OcppSigningParts, signCertificate } from '../../services/ocpp-signing.ts';
import type { Handlers } from './operations.ts';
import type {
  AuthorizeRequest,
  AuthorizeResult,
  CertificateChainStatusRequest,
  CertificateChainStatusResult,
  CertificateStatusRequest,
  CertificateStatusResult,
  ContractCertificateRequest,
  ContractCertificateResult,
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
      const { signed, violations, ...rest } = answer;
      const result: SignCertificateResult = {
        ...rest,
        // OCPP 2.1 A02: the station tells by it which of its requests CertificateSigned answers.
        ...(requestId === undefined ? {} : { requestId }),
        ...(signed
          ? {
              certificateChain: signed.certificateChain,
              warnings: signed.warnings.map(chainWarningText),
            }
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
      const answer = await certificateStatus(parts, ocspRequestData, freshness(request));
      const result: CertificateStatusResult =
        answer.status === 'Accepted'
          ? { ...answer, ocspResult: Buffer.from(answer.ocspResult).toString('base64') }
          : answer;
      response.json(result);
    },

    async certificateChainStatus(request, response) {
      const { certificateStatusRequests } = request.body as CertificateChainStatusRequest;
      const questions = certificateStatusRequests;
      const answers = await certificateChainStatus(parts, questions, freshness(request));
      const result: CertificateChainStatusResult = {
        // The station takes no members that OCPP does not have: reasons stand beside.
        certificateStatus: answers.map(({ certificateHashData, source, status, nextUpdate }) => ({
          ...{ certificateHashData, source, status, nextUpdate: nextUpdate.toISOString() },
        })),
        failures: answers.flatMap(({ reason }, index) =>
          reason === undefined ? [] : [{ index, reason }],
        ),
      };
      response.json(result);
    },
  }) satisfies Handlers;

/** RFC 9111 5.2.1.4: whoever says no-cache wants no answer that is kept. */
const freshness = (request: Pick<Request, 'get'>) => ({
  isFresh: /(^|,)\s*no-cache\s*(,|$)/i.test(request.get('cache-control') ?? ''),
});

export const contractCertificateHandlers = ({
  installation,
}: {
  readonly installation: InstallationParts;
}) =>
  ({
    async contractCertificate(request, response, principal) {
      const body = request.body as ContractCertificateRequest;
      const { ocppVersion } = body;
      const read = readContractCertificateRequest(body, ocppVersion);
      if (!read.ok) {
        throw new ServiceError(
          'request-malformed',
          'this is no Get15118EVCertificate',
          read.problems.map(({ code, message, field }) => ({
            ...{ code, message },
            field: field === '' ? 'body' : `body.${field}`,
          })),
        );
      }
      const { exiRequest, schemaVersion: _, ...asked } = read.value;
      const answer = await answerCar(installation, { principal, exi: exiRequest, ...asked });
      const { contract, failure, readings, responseCode, remainingContracts } = answer;
      // Of what could not be read nobody knows that a car stands behind it.
      const status = failure && unreadable.has(failure.reason) ? 'Failed' : 'Accepted';
      const toStation = contractCertificateAnswer(status, answer.exi, remainingContracts);
      const result: ContractCertificateResult = {
        ...toStation,
        responseCode,
        ...(failure ? { reason: failure.reason, detail: failure.message } : {}),
        ...(contract
          ? { contract: { id: contract.id, emaid: contract.emaid, pcid: contract.pcid } }
          : {}),
        readings: [...readings],
        warnings: sizeWarnings(toStation, ocppVersion).map(warningText),
      };
      response.json(result);
    },
  }) satisfies Handlers;

const unreadable: ReadonlySet<string> = new Set(['request-unreadable', 'request-unexpected']);

const warningText = ({ ocppVersion, limit, characters }: SizeWarning): string =>
  `exiResponse has ${characters} characters; in OCPP ${ocppVersion} it may have ${limit}`;

export const authorizeHandlers = (parts: AuthorizationParts) =>
  ({
    async authorizeContract(request, response, principal) {
      const body = request.body as AuthorizeRequest;
      const { idToken, certificate = '' } = body;
      const read = readHashDataList(body.iso15118CertificateHashData ?? []);
      const chain = certificate === '' ? [] : readChain(certificate);
      const answer = await authorizeContract(parts, {
        principal,
        idToken: typeof idToken === 'string' ? idToken : idToken.idToken,
        ...(certificate === '' ? {} : { chain }),
        hashData: read,
      });
      const { contract, detail, statusUnknown, idTokenStatus, certificateStatus } = answer;
      const result: AuthorizeResult = {
        idTokenInfo: { status: idTokenStatus as AuthorizeResult['idTokenInfo']['status'] },
        certificateStatus,
        ...(contract ? { contract } : {}),
        ...(detail === undefined ? {} : { detail }),
        ...(statusUnknown.length > 0 ? { statusUnknown: [...statusUnknown] } : {}),
      };
      response.json(result);
    },
  }) satisfies Handlers;

/** @throws ServiceError naming every entry that is none */
function readHashDataList(entries: readonly unknown[]): CertificateHashData[] {
  const read = entries.map(parseHashData);
  const violations = read.flatMap((entry, index) =>
    entry.ok
      ? []
      : [
          {
            ...{ code: 'invalid', message: entry.reason },
            field: `body.iso15118CertificateHashData.${index}`,
          },
        ],
  );
  if (violations.length > 0) {
    throw new ServiceError('request-malformed', 'this is no hash data', violations);
  }
  return read.flatMap((entry) => (entry.ok ? [entry.value.hashData] : []));
}

/** What stations send as a chain; @throws ServiceError for what is no PEM. */
function readChain(text: string): Uint8Array[] {
  try {
    const blocks = readPemBlocks(text, { characters: 20_000, blocks: 8 });
    if (blocks.length > 0) return blocks.map(({ der }) => der);
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
  }
  throw new ServiceError('request-malformed', 'this is no chain', [
    { code: 'invalid', message: 'is no PEM with 1 to 8 certificates', field: 'body.certificate' },
  ]);
}
