/** The requests of cars, as they make them: for playing one. */

import type { Signer } from '../../pki/signer.ts';
import { encodeIso2 } from '../exi/iso2.ts';
import type {
  Iso2InstallationRequest,
  Iso2UpdateRequest,
  RootCertificateId,
} from '../exi/iso2-messages.ts';
import { encodeIso20 } from '../exi/iso20.ts';
import type { Iso20InstallationRequest } from '../exi/iso20-messages.ts';
import { signElements } from '../signature/sign-elements.ts';
import { chainOf } from './chain-element.ts';
import { signedInIso2Request, signedInIso20Request } from './signed-elements.ts';

interface CarRequest {
  /** 8 octets, or fewer in -2. */
  readonly sessionId: Uint8Array;
  /** V2G roots that the car has, 1 to 20. */
  readonly rootCertificateIds: readonly RootCertificateId[];
}

/** Certificates are DER: the one that signs, and those above it, the nearest first, without root. */
interface SigningChain {
  readonly certificate: Uint8Array;
  readonly subCertificates: readonly Uint8Array[];
}

const REQUEST_ID = 'ID1';

/**
 * CertificateInstallationReq of ISO 15118-2.
 * @param signer of the provisioning certificate's key
 * @throws ExiError for what does not fit into the schema
 */
export function buildIso2InstallationRequest(
  request: CarRequest & Pick<SigningChain, 'certificate'>,
  signer: Signer,
): Promise<Uint8Array> {
  return signedIso2(request, signer, {
    name: 'CertificateInstallationReq',
    id: REQUEST_ID,
    oemProvisioningCertificate: request.certificate,
    rootCertificateIds: request.rootCertificateIds,
  });
}

/**
 * CertificateUpdateReq of ISO 15118-2.
 * @param request.emaid upper case without hyphens
 * @param signer of the old contract certificate's key
 * @throws ExiError for what does not fit into the schema
 */
export function buildIso2UpdateRequest(
  request: CarRequest & SigningChain & { readonly emaid: string },
  signer: Signer,
): Promise<Uint8Array> {
  const { certificate, subCertificates, emaid, rootCertificateIds } = request;
  return signedIso2(request, signer, {
    name: 'CertificateUpdateReq',
    id: REQUEST_ID,
    contractCertificateChain: chainOf({ certificate, subCertificates }),
    emaid,
    rootCertificateIds,
  });
}

async function signedIso2(
  { sessionId }: CarRequest,
  signer: Signer,
  body: Iso2InstallationRequest | Iso2UpdateRequest,
): Promise<Uint8Array> {
  const signature = await signElements('iso15118-2', signedInIso2Request(body), signer);
  return encodeIso2({ header: { sessionId, signature }, body });
}

/**
 * CertificateInstallationReq of ISO 15118-20.
 * @param signer of the provisioning certificate's key, P-521 or Ed448
 * @throws ExiError for what does not fit into the schema
 */
export async function buildIso20InstallationRequest(
  request: CarRequest &
    SigningChain & {
      readonly at: Date;
      readonly maximumContractCertificateChains: number;
      readonly prioritizedEmaids?: readonly string[];
    },
  signer: Signer,
): Promise<Uint8Array> {
  const { certificate, subCertificates, prioritizedEmaids } = request;
  const unsigned: Iso20InstallationRequest = {
    name: 'CertificateInstallationReq',
    header: {
      sessionId: request.sessionId,
      timeStamp: BigInt(Math.floor(request.at.getTime() / 1000)),
    },
    oemProvisioningCertificateChain: {
      id: REQUEST_ID,
      ...chainOf({ certificate, subCertificates }),
    },
    rootCertificateIds: request.rootCertificateIds,
    maximumContractCertificateChains: request.maximumContractCertificateChains,
    ...(prioritizedEmaids ? { prioritizedEmaids } : {}),
  };
  const signature = await signElements('iso15118-20', signedInIso20Request(unsigned), signer);
  return encodeIso20({ ...unsigned, header: { ...unsigned.header, signature } });
}
