import { nameText } from '../../pki/names.ts';
import type { ContractParts, ContractView } from '../../services/contract-creation.ts';
import { contractsNamed, endContractsNamed, makeDefault } from '../../services/contract-data.ts';
import { type ContractSigningParts, provideContract } from '../../services/contract-signing.ts';
import type { VisibleCps } from '../../services/cps-signers.ts';
import { rootId } from '../../services/root-pool.ts';
import { base64 } from '../pnc/base64.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import { namespaceOf, standardAsked } from '../pnc/namespaces.ts';
import { signingWishes } from '../pnc/signing.ts';
import { type CpsRootNames, namedRoot } from './cps-roots.ts';
import { isYes } from './headers.ts';
import { wholeSeconds } from './instants.ts';
import type { OpcpContract, OpcpContracts, OpcpProvidedContract } from './types.ts';

/** The contract certificate pool, but for cars that ask themselves. */
export const contractHandlers = (
  parts: ContractParts &
    ContractSigningParts & { readonly listCps: () => Promise<readonly VisibleCps[]> },
) => {
  const setDefault: PncHandlers[string] = async (request, response, principal) => {
    const { pcid, emaid } = request.params as { pcid: string; emaid: string };
    await makeDefault(parts, principal, { pcid, emaid });
    response.end();
  };
  return {
    async opcpGetContracts(request, response, principal) {
      const pcid = String(request.params.identifier);
      const wanted = { pcid, ...asked(request.query) };
      response.json(listOf(await contractsNamed(parts, principal, wanted)));
    },

    async opcpLookUpContract(request, response, principal) {
      const emaid = String(request.params.emaid);
      const wanted = { emaid, ...asked(request.query) };
      response.json(listOf(await contractsNamed(parts, principal, wanted)));
    },

    async opcpDeleteSignedContractData(request, response, principal) {
      const emaid = String(request.params.identifier);
      const keepsCertificates = isYes(request.get('X-Skip-Revocation'));
      await endContractsNamed(parts, principal, emaid, { keepsCertificates });
      response.end();
    },

    opcpSetDefaultContract: setDefault,
    opcpPostDefaultContract: setDefault,

    async opcpProvideSignedContractData(request, response, principal) {
      const { emaid, pcid } = request.params as { emaid: string; pcid: string };
      const { sessionID: sessionId, ...names } = request.query as CpsRootNames & {
        sessionID?: string;
      };
      const standard = standardAsked(request.query) ?? 'iso15118-2';
      const { exi, cps, contract } = await provideContract(
        parts,
        principal,
        { emaid, pcid, standard },
        signingWishes({ sessionId, root: await namedRoot(parts, names) }),
      );
      const body: OpcpProvidedContract = {
        certificateInstallationRes: base64(exi),
        xsdMsgDefNamespace: namespaceOf[standard],
        emaid: contract.emaid,
        cpsRootCertificateId: rootId(cps.root.der),
        cpsRootDistinguishedName: nameText(cps.root.subject),
      };
      response.json(body);
    },
  } satisfies PncHandlers;
};

function asked(query: Readonly<Record<string, unknown>>) {
  const standard = standardAsked(query);
  return standard === undefined ? {} : { standard };
}

const listOf = (views: readonly ContractView[]): OpcpContracts => ({
  XMLContracts: views.map(contractOf),
});

const contractOf = ({ contract, bundle }: ContractView): OpcpContract => ({
  pcid: contract.pcid,
  emaid: contract.emaid,
  xsdMsgDefNamespace: namespaceOf[contract.standard],
  contractCertificate: base64(bundle.certificate),
  defaultContract: contract.isDefault,
  certValidFrom: wholeSeconds(bundle.notBefore),
  certValidTo: wholeSeconds(bundle.notAfter),
});
