/** Messages in the form in which the vectors say what independent codecs read. */

import type { Iso2Message, RootCertificateId } from '../../src/iso15118/exi/iso2-messages.ts';
import { iso2ResponseCodes } from '../../src/iso15118/exi/iso2-messages.ts';
import type { Iso20Chain, Iso20Message } from '../../src/iso15118/exi/iso20-messages.ts';
import {
  ecdhCurves,
  iso20Processings,
  iso20ResponseCodes,
} from '../../src/iso15118/exi/iso20-messages.ts';
import type { XmlSignature } from '../../src/iso15118/exi/xml-signature.ts';
import { toHex } from './vectors.ts';

export function factsOfIso2({ header, body }: Iso2Message): unknown {
  const facts = { SessionID: toHex(header.sessionId), ...factsOfSignature(header.signature) };
  switch (body.name) {
    case 'CertificateInstallationReq':
      return {
        ...facts,
        msg: body.name,
        Id: body.id,
        OEMProvisioningCert: toHex(body.oemProvisioningCertificate),
        ListOfRootCertificateIDs: body.rootCertificateIds.map((root) => ({
          ...factsOfRoot(root),
          neg: root.serialNumber < 0n ? 1 : 0,
        })),
      };
    case 'CertificateUpdateReq':
      return {
        ...facts,
        msg: body.name,
        Id: body.id,
        ContractSignatureCertChain: factsOfChain(body.contractCertificateChain),
        eMAID: body.emaid,
        ListOfRootCertificateIDs: body.rootCertificateIds.map((root) => ({
          ...factsOfRoot(root),
          neg: root.serialNumber < 0n ? 1 : 0,
        })),
      };
    default:
      return {
        ...facts,
        msg: body.name,
        ResponseCode: iso2ResponseCodes.indexOf(body.responseCode),
        SAProvisioningCertificateChain: factsOfChain(body.provisioningCertificateChain),
        ContractSignatureCertChain: factsOfChain(body.contractCertificateChain),
        // Of an update, the vectors say the values without their Ids.
        ...(body.name === 'CertificateInstallationRes'
          ? {
              EncKey: { Id: body.encryptedPrivateKey.id, v: toHex(body.encryptedPrivateKey.value) },
              DH: { Id: body.dhPublicKey.id, v: toHex(body.dhPublicKey.value) },
              eMAID: { Id: body.emaid.id, v: body.emaid.value },
            }
          : {
              EncKey: toHex(body.encryptedPrivateKey.value),
              DH: toHex(body.dhPublicKey.value),
              eMAID: body.emaid.value,
              ...('retryCounter' in body ? { RetryCounter: body.retryCounter } : {}),
            }),
      };
  }
}

export function factsOfIso20(message: Iso20Message): unknown {
  const { header } = message;
  const facts = {
    SessionID: toHex(header.sessionId),
    TimeStamp: Number(header.timeStamp),
    ...factsOfSignature(header.signature),
    msg: message.name,
  };
  if (message.name === 'CertificateInstallationReq') {
    return {
      ...facts,
      OEMProvisioningCertificateChain: factsOfChain(message.oemProvisioningCertificateChain),
      Roots: message.rootCertificateIds.map(factsOfRoot),
      Max: message.maximumContractCertificateChains,
      ...(message.prioritizedEmaids ? { EMAIDs: message.prioritizedEmaids } : {}),
    };
  }
  const { signedInstallationData: data } = message;
  const { Certificate, SubCertificates } = factsOfChain(data.contractCertificateChain);
  return {
    ...facts,
    ResponseCode: iso20ResponseCodes.indexOf(message.responseCode),
    EVSEProcessing: iso20Processings.indexOf(message.evseProcessing),
    CPS: factsOfChain(message.cpsCertificateChain),
    SID: {
      Id: data.id,
      Certificate,
      SubCertificates,
      ECDHCurve: ecdhCurves.indexOf(data.ecdhCurve),
      DH: toHex(data.dhPublicKey),
      [data.encryptedPrivateKey.form]: toHex(data.encryptedPrivateKey.value),
    },
    Remaining: message.remainingContractCertificateChains,
  };
}

const factsOfSignature = (signature: XmlSignature | undefined): object =>
  signature === undefined
    ? {}
    : {
        SignedInfo: {
          Canon: signature.signedInfo.canonicalizationMethod,
          SigMethod: signature.signedInfo.signatureMethod,
          References: signature.signedInfo.references.map(({ uri, digestValue }) => ({
            URI: uri,
            Digest: toHex(digestValue),
          })),
        },
        SignatureValue: toHex(signature.signatureValue),
      };

const factsOfChain = (
  chain: Iso20Chain & { readonly id?: string },
): { Id?: string; Certificate: string; SubCertificates?: string[] } => ({
  ...(chain.id === undefined ? {} : { Id: chain.id }),
  Certificate: toHex(chain.certificate),
  ...(chain.subCertificates ? { SubCertificates: chain.subCertificates.map(toHex) } : {}),
});

const factsOfRoot = ({ issuerName, serialNumber }: RootCertificateId): object => {
  const hex = serialNumber.toString(16);
  return {
    X509IssuerName: issuerName,
    serialOctets7: hex.padStart(hex.length + (hex.length % 2), '0'),
  };
};
