import { decodeIso2 } from '../../iso15118/exi/iso2.ts';
import { iso2ResponseXml } from '../../iso15118/installation/iso2-xml.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { attributeValue, nameText } from '../../pki/names.ts';
import { decodeBase64, toPem } from '../../pki/pem.ts';
import type { ContractParts } from '../../services/contract-creation.ts';
import { bringContractData, generateContractData } from '../../services/contract-data.ts';
import { type ContractSigningParts, signContract } from '../../services/contract-signing.ts';
import type { VisibleCps } from '../../services/cps-signers.ts';
import { ServiceError } from '../../services/errors.ts';
import { instantOf } from '../../services/instants.ts';
import { rootId } from '../../services/root-pool.ts';
import { base64 } from './base64.ts';
import { namedRoot } from './cps-roots.ts';
import type { OpcpHandlers } from './handler.ts';
import { wholeSeconds } from './instants.ts';
import { namespaceOf, standardNamed } from './namespaces.ts';
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

/** Of a message that belongs to no session. */
const NO_SESSION = new Uint8Array(8);

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
      const view = await bringContractData(parts, principal, {
        ...{ pcid: body.pcid, standard },
        ...(body.emaid === undefined ? {} : { emaid: body.emaid }),
        bundle: {
          certificateChain: chainOf(contractData),
          dhPublicKey: contractData.dHpublickey,
          encryptedPrivateKey: contractData.contractSignatureEncryptedPrivateKey,
        },
      });
      const { exi, cps } = await signContract(parts, principal, view, {
        sessionId: NO_SESSION,
        ...(await namedRoot(parts, body)),
      });
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
  }) satisfies OpcpHandlers;

/** PEM, leaf first. @throws ServiceError `request-malformed` naming every text that is no base64 */
function chainOf(data: OpcpContractData): string {
  const chain = data.contractSignatureCertChain;
  const texts: readonly (readonly [field: string, text: string | undefined])[] = chain
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
  const given = texts.flatMap(([field, text]) =>
    text === undefined ? [] : [{ field, der: decodeBase64(text) }],
  );
  const violations = given
    .filter(({ der }) => der === undefined || der.length === 0)
    .map(({ field }) => ({ code: 'invalid', message: 'is no certificate in base64', field }));
  if (violations.length > 0) {
    throw new ServiceError('request-malformed', 'the certificates cannot be read', violations);
  }
  return given.map(({ der }) => toPem('CERTIFICATE', der ?? new Uint8Array())).join('');
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
  const subCa1 = cps.subCertificates.at(-1);
  const subCa2 = cps.subCertificates.length > 1 ? cps.subCertificates[0] : undefined;
  return {
    cpsDistinguishedName: nameText(subject),
    cpsCertificate: base64(cps.certificate),
    validFrom: wholeSeconds(cps.notBefore),
    validTo: wholeSeconds(cps.notAfter),
    organizationName: attributeValue(subject, 'O') ?? '',
    cpsRootCertificateId: rootId(cps.root.der),
    cpsRootDistinguishedName: nameText(cps.root.subject),
    // The published description has both names.
    ...(subCa1 ? inBoth('1', base64(subCa1)) : {}),
    ...(subCa2 ? inBoth('2', base64(subCa2)) : {}),
    xsdMsgDefNamespace: namespaceOf[cps.standard],
  };
}
