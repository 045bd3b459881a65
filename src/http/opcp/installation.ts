import type { InstallationParts } from '../../services/installation-records.ts';
import { errorBody } from '../pnc/errors.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import { answerTo } from '../pnc/installation.ts';
import { standardNamed } from '../pnc/namespaces.ts';
import { isYes } from './headers.ts';
import type {
  OpcpInstallationAnswer,
  OpcpInstallationRefusal,
  OpcpInstallationRequest,
} from './types.ts';

export const installationHandlers = ({
  installation,
}: {
  readonly installation: InstallationParts;
}) =>
  ({
    async opcpGetSignedContractData(request, response, principal) {
      const { certificateInstallationReq, xsdMsgDefNamespace } =
        request.body as OpcpInstallationRequest;
      const answer = await answerTo(installation, {
        principal,
        standard: standardNamed(xsdMsgDefNamespace, 'body.xsdMsgDefNamespace'),
        request: certificateInstallationReq,
      });
      if (answer.outcome === 'contract') {
        const { exi: certificateInstallationRes, emaid, notes: metaData } = answer;
        // Some clients take the first, some the last.
        const content = [{ messageDef: { certificateInstallationRes, emaid, metaData } }];
        const body: OpcpInstallationAnswer = {
          CCPResponse: { emaidContent: content as [(typeof content)[number]] },
          xsdMsgDefNamespace,
        };
        response.json(body);
      } else if (answer.status !== 400 && isYes(request.get('alwaysReturnEXI'))) {
        const { exi: certificateInstallationRes, notes: metaData } = answer;
        const content = [{ messageDef: { certificateInstallationRes, metaData } }];
        const body: OpcpInstallationRefusal = {
          CCPResponse: { emaidContent: content as [(typeof content)[number]] },
        };
        response.status(404).json(body);
      } else {
        const traceId = String(response.get('X-Request-Id'));
        response.status(answer.status).json(errorBody(answer.messages, traceId));
      }
    },
  }) satisfies PncHandlers;
