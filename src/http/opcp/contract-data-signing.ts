/** Contract data that operators bring: signed, and stored or not. */

import { parseEmaid, sameEmaid } from '../../identifiers/emaid.ts';
import { decodeIso2 } from '../../iso15118/exi/iso2.ts';
import { iso2ResponseXml } from '../../iso15118/installation/iso2-xml.ts';
import { nameText } from '../../pki/names.ts';
import type { Principal } from '../../services/access-policy.ts';
import { bringContractData } from '../../services/contract-data.ts';
import { requireCps, signContract } from '../../services/contract-signing.ts';
import type { ReadyCps, VisibleCps } from '../../services/cps-signers.ts';
import { ServiceError } from '../../services/errors.ts';
import { rootId } from '../../services/root-pool.ts';
import { signUnstored, type UnstoredSigningParts } from '../../services/signed-contract-data.ts';
import { type NamedText, pemChain } from '../pnc/chains.ts';
import { namespaceOf, standardNamed } from '../pnc/namespaces.ts';
import { signingWishes } from '../pnc/signing.ts';
import { namedRoot } from './cps-roots.ts';
import type { OpcpContractData, OpcpContractDataToSign, OpcpSignedContractData } from './types.ts';

export type SigningHandlerParts = UnstoredSigningParts & {
  readonly listCps: () => Promise<readonly VisibleCps[]>;
};

/** @throws ServiceError as `requireCps` and `bringContractData` */
export async function signedAndStored(
  parts: SigningHandlerParts,
  principal: Principal,
  body: OpcpContractDataToSign & { readonly pcid: string },
): Promise<OpcpSignedContractData> {
  const { standard, ...named } = broughtIn(body);
  const wishes = signingWishes({ root: await namedRoot(parts, body) });
  await requireCps(parts, standard, wishes, principal);
  const wanted = { ...named, standard, pcid: body.pcid };
  const view = await bringContractData(parts, principal, wanted);
  const { exi, cps } = await signContract(parts, principal, view, wishes);
  const { pcid, emaid } = view.contract;
  return {
    ...{ pcid, emaid, xsdMsgDefNamespace: namespaceOf[standard] },
    ...(standard === 'iso15118-2' ? { signedData: xmlOf(exi) } : {}),
    ...rootMembers(cps),
  };
}

/** Nothing is stored. @throws ServiceError as `signUnstored` */
export async function signedAlone(
  parts: SigningHandlerParts,
  principal: Principal,
  body: OpcpContractDataToSign,
): Promise<OpcpSignedContractData> {
  const wishes = signingWishes({ root: await namedRoot(parts, body) });
  const wanted = {
    ...broughtIn(body),
    ...(body.pcid === undefined ? {} : { pcid: body.pcid }),
  };
  const { exi, cps, emaid, pcid = null } = await signUnstored(parts, principal, wanted, wishes);
  return {
    ...{ pcid, emaid, xsdMsgDefNamespace: namespaceOf[wanted.standard], signedData: xmlOf(exi) },
    ...rootMembers(cps),
  };
}

const rootMembers = ({ root }: ReadyCps) => ({
  cpsRootCertificateId: rootId(root.der),
  cpsRootDistinguishedName: nameText(root.subject),
});

function broughtIn(body: OpcpContractDataToSign) {
  const { contractData } = body;
  const emaid = emaidIn(body);
  return {
    standard: standardNamed(body.xsdMsgDefNamespace, 'body.xsdMsgDefNamespace'),
    ...(emaid === undefined ? {} : { emaid }),
    bundle: {
      certificateChain: chainOf(contractData),
      dhPublicKey: contractData.dHpublickey,
      encryptedPrivateKey: contractData.contractSignatureEncryptedPrivateKey,
    },
  };
}

/**
 * Clients of before say it beside the contract data, in it, or in both places.
 * @throws ServiceError `request-malformed` where they are two
 */
function emaidIn({ emaid, contractData }: OpcpContractDataToSign): string | undefined {
  if (emaid === undefined || contractData.emaid === undefined) return emaid ?? contractData.emaid;
  const [outer, inner] = [parseEmaid(emaid), parseEmaid(contractData.emaid)];
  if (outer.ok && inner.ok && sameEmaid(outer.value, inner.value)) return emaid;
  throw new ServiceError('request-malformed', 'this is no contract data', [
    { code: 'emaid', message: 'is not the EMAID of the request', field: 'body.contractData.emaid' },
  ]);
}

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
