import { sizeWarnings } from '../../ocpp/contract-certificate.ts';
import { decodeBase64 } from '../../pki/pem.ts';
import { answerCar } from '../../services/installation.ts';
import type { InstallationParts } from '../../services/installation-records.ts';
import { errorBody } from './errors.ts';
import type { OpcpHandlers } from './handler.ts';
import { isYes } from './headers.ts';
import { standardNamed } from './namespaces.ts';
import type {
  OpcpInstallationAnswer,
  OpcpInstallationRefusal,
  OpcpInstallationRequest,
} from './types.ts';

/** The version of OCPP whose chargers these clients have; it has the narrowest limit. */
const OCPP_VERSION = '2.0.1';

const UNREADABLE = 'EXI format is invalid!';
const NONE = 'Contract or Vehicle not found.';

/** Reasons for which nobody knows that a car stands behind the request. */
const unreadable: ReadonlySet<string> = new Set(['request-unreadable', 'request-unexpected']);

export const installationHandlers = ({
  installation,
}: {
  readonly installation: InstallationParts;
}) =>
  ({
    async opcpGetSignedContractData(request, response, principal) {
      const { certificateInstallationReq, xsdMsgDefNamespace } =
        request.body as OpcpInstallationRequest;
      const standard = standardNamed(xsdMsgDefNamespace, 'body.xsdMsgDefNamespace');
      const traceId = String(response.get('X-Request-Id'));
      const exi = decodeBase64(certificateInstallationReq);
      if (!exi || exi.length === 0) {
        const why = 'certificateInstallationReq : is not base64';
        response.status(400).json(errorBody([UNREADABLE, why], traceId));
        return;
      }
      const answer = await answerCar(installation, { principal, standard, exi });
      const certificateInstallationRes = Buffer.from(answer.exi).toString('base64');
      const { contract, failure, remainingContracts } = answer;
      if (contract) {
        const metaData = [
          ...sizeNotes(certificateInstallationRes),
          ...(remainingContracts ? [`The car could ask for ${remainingContracts} more.`] : []),
        ].join(' ');
        const { emaid } = contract;
        // Some clients take the first, some the last.
        const content = [{ messageDef: { certificateInstallationRes, emaid, metaData } }];
        const body: OpcpInstallationAnswer = {
          CCPResponse: { emaidContent: content as [(typeof content)[number]] },
          xsdMsgDefNamespace,
        };
        response.json(body);
        return;
      }
      const { reason = 'internal', message = '' } = failure ?? {};
      if (unreadable.has(reason)) {
        response.status(400).json(errorBody([UNREADABLE, message], traceId));
      } else if (isYes(request.get('alwaysReturnEXI'))) {
        const metaData = `${reason}: ${message}`;
        const content = [{ messageDef: { certificateInstallationRes, metaData } }];
        const body: OpcpInstallationRefusal = {
          CCPResponse: { emaidContent: content as [(typeof content)[number]] },
        };
        response.status(404).json(body);
      } else if (reason === 'service-unavailable') {
        response.status(503).json(errorBody([message], traceId));
      } else {
        response.status(404).json(errorBody([NONE, message], traceId));
      }
    },
  }) satisfies OpcpHandlers;

/** @param exiResponse in base64, as the charger gets it */
const sizeNotes = (exiResponse: string): string[] =>
  sizeWarnings({ exiResponse }, OCPP_VERSION).map(
    ({ ocppVersion, limit, characters }) =>
      `certificateInstallationRes has ${characters} characters; in OCPP ${ocppVersion} it may have ${limit}.`,
  );
