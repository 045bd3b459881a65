import type {
  ContractView,
  ContractParts as CreationParts,
} from '../../services/contract-creation.ts';
import { contractsNamed, endContractsNamed, makeDefault } from '../../services/contract-data.ts';
import { type ContractSigningParts, provideContract } from '../../services/contract-signing.ts';
import type { InstallationParts } from '../../services/installation-records.ts';
import { base64 } from '../pnc/base64.ts';
import { errorBody } from '../pnc/errors.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import { answerTo } from '../pnc/installation.ts';
import { standardAsked, standardNamed } from '../pnc/namespaces.ts';
import { signingWishes } from '../pnc/signing.ts';
import { namespaceOf } from './namespaces.ts';
import { signedData } from './signed.ts';
import type {
  OpncContracts,
  OpncInstallationRequest,
  OpncSignedContractDataCollection,
} from './types.ts';

export type ContractParts = CreationParts &
  ContractSigningParts & { readonly installation: InstallationParts };

/** The contract certificate pool. */
export const contractHandlers = (parts: ContractParts) =>
  ({
    async opncGetSignedContractData(request, response, principal) {
      const { certificateInstallationReq, xsdMsgDefNamespace } =
        request.body as OpncInstallationRequest;
      const answer = await answerTo(parts.installation, {
        principal,
        standard: standardNamed(xsdMsgDefNamespace, 'body.xsdMsgDefNamespace'),
        request: certificateInstallationReq,
      });
      if (answer.outcome === 'contract') {
        const { exi: certificateInstallationRes, emaid, pcid, notes: metaData } = answer;
        const told = { emaid, pcid, xsdMsgDefNamespace, certificateInstallationRes, metaData };
        response.json(collectionOf(told));
        return;
      }
      const error = errorBody(answer.messages, String(response.get('X-Request-Id')));
      if (answer.status === 400 || request.get('alwaysReturnEXI') === 'false') {
        response.status(answer.status).json(error);
        return;
      }
      const { exi: certificateInstallationRes, notes: metaData } = answer;
      const told = { xsdMsgDefNamespace, certificateInstallationRes, metaData };
      response.status(404).json({ ...error, signedContractDataCollection: [told] });
    },

    async opncDeleteSignedContractData(request, response, principal) {
      const keepsCertificates = request.get('X-Skip-Revocation') === 'true';
      const emaid = String(request.params.emaid);
      await endContractsNamed(parts, principal, emaid, { keepsCertificates });
      response.end();
    },

    async opncProvideSignedContractData(request, response, principal) {
      const { emaid, pcid } = request.params as { emaid: string; pcid: string };
      const { sessionID: sessionId, cpsV2GRootCertificateFingerprint: root } =
        request.query as Record<string, string | undefined>;
      const standard = standardAsked(request.query) ?? 'iso15118-2';
      const provided = await provideContract(
        parts,
        principal,
        { emaid, pcid, standard },
        signingWishes({ sessionId, root }),
      );
      response.json(collectionOf(signedData(provided.contract, provided)));
    },

    async opncSetDefaultContract(request, response, principal) {
      const { emaid, pcid } = request.params as { emaid: string; pcid: string };
      await makeDefault(parts, principal, { emaid, pcid });
      response.end();
    },

    async opncGetContractsByEmaid(request, response, principal) {
      const emaid = String(request.params.emaid);
      const standard = standardAsked(request.query);
      response.json(listOf(await contractsNamed(parts, principal, { emaid, ...only(standard) })));
    },

    async opncGetContractsByPcid(request, response, principal) {
      const pcid = String(request.params.pcid);
      const standard = standardAsked(request.query);
      response.json(listOf(await contractsNamed(parts, principal, { pcid, ...only(standard) })));
    },
  }) satisfies PncHandlers;

const only = <T>(standard: T | undefined) => (standard === undefined ? {} : { standard });

const collectionOf = (
  signed: OpncSignedContractDataCollection['signedContractDataCollection'][number],
): OpncSignedContractDataCollection => ({ signedContractDataCollection: [signed] });

const listOf = (views: readonly ContractView[]): OpncContracts => ({
  contractDataCollection: views.map(({ contract, bundle }) => ({
    pcid: contract.pcid,
    emaid: contract.emaid,
    xsdMsgDefNamespace: namespaceOf[contract.standard],
    contractCertificate: base64(bundle.certificate),
    defaultContract: contract.isDefault,
    certValidFrom: bundle.notBefore.toISOString(),
    certValidTo: bundle.notAfter.toISOString(),
  })),
});
