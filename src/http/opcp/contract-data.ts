import { readCertificate } from '../../pki/certificate.ts';
import { attributeValue, nameText } from '../../pki/names.ts';
import { generateContractData } from '../../services/contract-data.ts';
import type { VisibleCps } from '../../services/cps-signers.ts';
import { instantOf } from '../../services/instants.ts';
import { rootId } from '../../services/root-pool.ts';
import { base64 } from '../pnc/base64.ts';
import { subCasOf } from '../pnc/chains.ts';
import type { PncHandlers } from '../pnc/handler.ts';
import { namespaceOf, standardNamed } from '../pnc/namespaces.ts';
import { type SigningHandlerParts, signedAlone, signedAndStored } from './contract-data-signing.ts';
import { wholeSeconds } from './instants.ts';
import type {
  OpcpContractDataToSign,
  OpcpCpsSigner,
  OpcpCpsSigners,
  OpcpGenerated,
  OpcpGeneration,
} from './types.ts';

/** The certificate provisioning service. */
export const contractDataHandlers = (parts: SigningHandlerParts) =>
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
      const { pcid } = body;
      const signed =
        pcid === undefined
          ? await signedAlone(parts, principal, body)
          : await signedAndStored(parts, principal, { ...body, pcid });
      response.status(201).json(signed);
    },

    async opcpListCpsSigners(_request, response) {
      const signers: OpcpCpsSigners = { cpsCertificates: (await parts.listCps()).map(signerOf) };
      response.json(signers);
    },
  }) satisfies PncHandlers;

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
