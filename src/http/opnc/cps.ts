import { fingerprint, readCertificate } from '../../pki/certificate.ts';
import { attributeValue, nameText } from '../../pki/names.ts';
import type { ContractParts } from '../../services/contract-creation.ts';
import { bringContractData, generateContractData } from '../../services/contract-data.ts';
import {
  type ContractSigningParts,
  requireCps,
  signContract,
} from '../../services/contract-signing.ts';
import type { VisibleCps } from '../../services/cps-signers.ts';
import { ServiceError } from '../../services/errors.ts';
import { instantOf } from '../../services/instants.ts';
import { pemChain } from '../pnc/chains.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import { standardNamed } from '../pnc/namespaces.ts';
import { signingWishes } from '../pnc/signing.ts';
import { chainOf } from './chain.ts';
import { namespaceOf } from './namespaces.ts';
import { signedData } from './signed.ts';
import type {
  OpncContractDataToSign,
  OpncCpsSigners,
  OpncGenerated,
  OpncGeneration,
  OpncSignedContract,
} from './types.ts';

export type CpsHandlerParts = ContractParts &
  ContractSigningParts & { readonly listCps: () => Promise<readonly VisibleCps[]> };

/** The certificate provisioning service. */
export const cpsHandlers = (parts: CpsHandlerParts) =>
  ({
    async opncGenerateContractData(request, response, principal) {
      const body = request.body as OpncGeneration;
      if (body.moRootCertificateFingerprint !== undefined) throw rootChosen();
      const { contract } = await generateContractData(parts, principal, {
        emaid: body.emaid,
        pcid: body.pcid,
        standard: standardNamed(body.xsdMsgDefNamespace, 'body.xsdMsgDefNamespace'),
        begins: instantOf(body.contractBegins, 'body.contractBegins'),
        ends: instantOf(body.contractEnds, 'body.contractEnds'),
      });
      const { pcid, emaid, standard } = contract;
      const generated: OpncGenerated = { pcid, emaid, xsdMsgDefNamespace: namespaceOf[standard] };
      response.status(201).json(generated);
    },

    async opncSignContractData(request, response, principal) {
      const {
        contractCertificateBundle: bundle,
        cpsV2GRootCertificateFingerprint: root,
        xsdMsgDefNamespace,
      } = request.body as OpncContractDataToSign;
      const standard = standardNamed(xsdMsgDefNamespace, 'body.xsdMsgDefNamespace');
      const wishes = signingWishes({ root });
      await requireCps(parts, standard, wishes, principal);
      const view = await bringContractData(parts, principal, {
        pcid: bundle.pcid,
        emaid: bundle.emaid,
        standard,
        bundle: {
          certificateChain: pemOf(bundle.contractCertificateChain),
          dhPublicKey: bundle.dHpublickey,
          encryptedPrivateKey: bundle.contractSignatureEncryptedPrivateKey,
        },
      });
      const signed = await signContract(parts, principal, view, wishes);
      const told: OpncSignedContract = { signedContractData: signedData(view.contract, signed) };
      response.status(201).json(told);
    },

    async opncListCpsSigners(_request, response) {
      const signers: OpncCpsSigners = {
        cpsCertificateDataCollection: (await parts.listCps()).map(signerOf),
      };
      response.json(signers);
    },
  }) satisfies PncHandlers;

/** Better than a contract below another root than the one that was wished for. */
const rootChosen = (): ServiceError =>
  new ServiceError('request-malformed', 'the root of a contract is not chosen here', [
    {
      code: 'unsupported',
      message: 'cannot be wished for: the authority of your organization makes the contract',
      field: 'body.moRootCertificateFingerprint',
    },
  ]);

/** PEM, leaf first; where there is one sub-CA only, clients send the other as an empty text. */
const pemOf = (
  chain: OpncContractDataToSign['contractCertificateBundle']['contractCertificateChain'],
): string =>
  pemChain([
    ['certificate', chain.certificate],
    ['subCa2Certificate', chain.subCa2Certificate || undefined],
    ['subCa1Certificate', chain.subCa1Certificate || undefined],
  ]);

function signerOf(cps: VisibleCps): OpncCpsSigners['cpsCertificateDataCollection'][number] {
  const { subject } = readCertificate(cps.certificate);
  return {
    cpsDistinguishedName: nameText(subject),
    cpsCertificateChain: chainOf(cps.certificate, cps.subCertificates),
    validFrom: cps.notBefore.toISOString(),
    validTo: cps.notAfter.toISOString(),
    organizationName: attributeValue(subject, 'O') ?? '',
    cpsV2GRootCertificateFingerprint: fingerprint(cps.root.der),
    cpsV2GRootDistinguishedName: nameText(cps.root.subject),
    xsdMsgDefNamespace: namespaceOf[cps.standard],
  };
}
