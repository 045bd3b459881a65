import type { Response } from 'express';
import { decodeBase64 } from '../../pki/pem.ts';
import { ServiceError } from '../../services/errors.ts';
import { takeSigned } from '../../services/signed-contract-data.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import { standardNamed } from '../pnc/namespaces.ts';
import { type SigningHandlerParts, signedAlone, signedAndStored } from './contract-data-signing.ts';
import type { OpcpContractDataOfBefore, OpcpSignedContractDataToAdd } from './types.ts';

/** Signed contract data on its way into the pool, and the calls that OPCP 1.0 calls deprecated. */
export const signedContractDataHandlers = (parts: SigningHandlerParts) =>
  ({
    async opcpAddSignedContractData(request, response, principal) {
      const body = request.body as OpcpSignedContractDataToAdd;
      const { emaid, pcid, cpsRootCertificateId: rootId } = body;
      const xml = decodeBase64(body.signedContractDataXML);
      if (!xml) throw noBase64();
      await takeSigned(parts, principal, {
        ...{ emaid, pcid, xml },
        standard: standardNamed(body.xsdMsgDefNamespace, 'body.xsdMsgDefNamespace'),
        ...(rootId === undefined ? {} : { rootId }),
      });
      response.status(201).end();
    },

    async opcpCreateSignedContractData(request, response, principal) {
      sayDeprecated(response);
      const signed = await signedAlone(parts, principal, request.body as OpcpContractDataOfBefore);
      response.json(signed);
    },

    async opcpForwardSignedContractData(request, response, principal) {
      sayDeprecated(response);
      await signedAndStored(parts, principal, request.body as OpcpContractDataOfBefore);
      response.status(201).json({});
    },
  }) satisfies PncHandlers;

/** OPCP names no day: the day on which evpki had them first, 2026-11-28. */
const DEPRECATED_SINCE = Date.UTC(2026, 10, 28) / 1000;

/** RFC 9745. */
function sayDeprecated(response: Response): void {
  response.set('Deprecation', `@${DEPRECATED_SINCE}`);
  response.set('Link', '</v1/cps/contractData/signed>; rel="successor-version"');
}

const noBase64 = (): ServiceError =>
  new ServiceError('request-malformed', 'the signed contract data cannot be read', [
    { code: 'invalid', message: 'is not base64', field: 'body.signedContractDataXML' },
  ]);
