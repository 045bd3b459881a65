import { decodeIso2 } from '../../iso15118/exi/iso2.ts';
import { iso2ResponseXml } from '../../iso15118/installation/iso2-xml.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { attributeValue, nameText } from '../../pki/names.ts';
import type { ContractParts } from '../../services/contract-creation.ts';
import { bringContractData, generateContractData } from '../../services/contract-data.ts';
import {
  type ContractSigningParts,
  requireCps,
  signContract,
} from '../../services/contract-signing.ts';
import type { VisibleCps } from '../../services/cps-signers.ts';
import { instantOf } from '../../services/instants.ts';
import { rootId } from '../../services/root-pool.ts';
import { base64 } from '../pnc/base64.ts';
import { type NamedText, pemChain, subCasOf } from '../pnc/chains.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import { namespaceOf, standardNamed } from '../pnc/namespaces.ts';
import { signingWishes } from '../pnc/signing.ts';
import { namedRoot } from './cps-roots.ts';
import { wholeSeconds } from './instants.ts';
import type {
  OpcpContractData,
  OpcpContractDataToSign,
  OpcpCpsSigner,
  OpcpCpsSigners,
  OpcpGenerated,
  OpcpGeneration,
  OpcpSignedContractData,
} from './types.ts';

type Parts = ContractParts &
  ContractSigningParts & { readonly listCps: () => Promise<readonly VisibleCps[]> };

/** The certificate provisioning service. */
export const contractDataHandlers = (parts: Parts) =>
  ({
    async opcpGenerateSignedContractData(request, response, principal) {
      const { contractBegins, contractEnds, ...body } = request.body as OpcpGeneration;
      const { contract } = await generateContractData(parts, principal, {
        emaid: body.emaid,
        pcid: body.pcid,
        standard: standardNamed(body.xsdMsgDefNamespace, 'body.xsdMsgDefNamespace'),
        begins: instantOf(contractBegins, 'body.contractBegins'),
        ends: instantOf(contractEnds, 'body.contractEnds'),
      });
      const { pcid, emaid, standard } = contract;
      const generated: OpcpGenerated = { pcid, emaid, xsdMsgDefNamespace: namespaceOf[standard] };
      response.status(201).json(generated);
    },

    async opcpSignContractData(request, response, principal) {
      const body = request.body as OpcpContractDataToSign;
      const { contractData } = body;
      const standard = standardNamed(body.xsdMsgDefNamespace, 'body.xsdMsgDefNamespace');
      const wishes = signingWishes({ root: await namedRoot(parts, body) });
      await requireCps(parts, standard, wishes, principal);
      const view = await bringContractData(parts, principal, {
        ...{ pcid: body.pcid, standard },
        ...(body.emaid === undefined ? {} : { emaid: body.emaid }),
        bundle: {
          certificateChain: chainOf(contractData),
          dhPublicKey: contractData.dHpublickey,
          encryptedPrivateKey: contractData.contractSignatureEncryptedPrivateKey,
        },
      });
      const { exi, cps } = await signContract(parts, principal, view, wishes);
      const { pcid, emaid } = view.contract;
      const signed: OpcpSignedContractData = {
        ...{ pcid, emaid, xsdMsgDefNamespace: namespaceOf[standard] },
        ...(standard === 'iso15118-2' ? { signedData: xmlOf(exi) } : {}),
        cpsRootCertificateId: rootId(cps.root.der),
        cpsRootDistinguishedName: nameText(cps.root.subject),
      };
      response.status(201).json(signed);
    },

    async opcpListCpsSigners(_request, response) {
      const signers: OpcpCpsSigners = { cpsCertificates: (await parts.listCps()).map(signerOf) };
      response.json(signers);
    },
  }) satisfies PncHandlers;

/** PEM, leaf first. @throws ServiceError `request-malformed` naming every text that is no base64 */
function chainOf(data: OpcpContractData): string {
  const chain = data.contractSignatureCertChain;
  const texts: readonly NamedText[] = chain
    ? [
        ['contractSignatureCertChainCertificate', chain.contractSignatureCertChainCertificate],
        ...chain.contractSignatureCertChainSubCertificates.map(
          (text) => ['contractSignatureCertChainSubCertificates', text] as const,
        ),
      ]
    : [
        ['contractCertificate', data.contractCertificate ?? ''],
        // Where there is one sub-CA only, clients send the other as an empty text.
        ['contractSubCa2Certificate', data.contractSubCa2Certificate || undefined],
        ['contractSubCa1Certificate', data.contractSubCa1Certificate],
      ];
  return pemChain(texts);
}

function xmlOf(exi: Uint8Array): string {
  const { header, body } = decodeIso2(exi).message;
  if (body.name !== 'CertificateInstallationRes') throw new Error(`a ${body.name} was made`);
  return Buffer.from(iso2ResponseXml({ header, body })).toString('base64');
}

const inBoth = (number: '1' | '2', text: string) => ({
  [`cpsCa${number}Certificate`]: text,
  [`cpsSubCa${number}Certificate`]: text,
});

function signerOf(cps: VisibleCps): OpcpCpsSigner {
  const { subject } = readCertificate(cps.certificate);
  const { subCa1, subCa2 } = subCasOf(cps.subCertificates);
  return {
    cpsDistinguishedName: nameText(subject),
    cpsCertificate: base64(cps.certificate),
    validFrom: wholeSeconds(cps.notBefore),
    validTo: wholeSeconds(cps.notAfter),
    organizationName: attributeValue(subject, 'O') ?? '',
    cpsRootCertificateId: rootId(cps.root.der),
    cpsRootDistinguishedName: nameText(cps.root.subject),
    // The published description has both names.
    ...(subCa1 ? inBoth('1', subCa1) : {}),
    ...(subCa2 ? inBoth('2', subCa2) : {}),
    xsdMsgDefNamespace: namespaceOf[cps.standard],
  };
}
