/** The elements of each message that are signed, with what is hashed of them. */

import { encodeIso2Fragment, encodeOlderEmaidFragment } from '../exi/iso2.ts';
import type {
  Iso2ContractData,
  Iso2InstallationRequest,
  Iso2SignedElement,
  Iso2UpdateRequest,
} from '../exi/iso2-messages.ts';
import { encodeIso20Fragment } from '../exi/iso20.ts';
import type {
  Iso20InstallationRequest,
  Iso20InstallationResponse,
  Iso20SignedElement,
} from '../exi/iso20-messages.ts';
import type { SignedElement } from '../signature/signed-element.ts';

/** The whole body element, signed by the provisioning key or the old contract key. */
export const signedInIso2Request = (
  body: Iso2InstallationRequest | Iso2UpdateRequest,
): readonly SignedElement[] => [
  body.name === 'CertificateInstallationReq'
    ? iso2Element({ element: body.name, value: body })
    : iso2Element({ element: body.name, value: body }),
];

/** The four elements that the CPS signs; its own chain is not among them. */
export const signedInIso2Response = (body: Iso2ContractData): readonly SignedElement[] => [
  iso2Element({ element: 'ContractSignatureCertChain', value: body.contractCertificateChain }),
  iso2Element({ element: 'ContractSignatureEncryptedPrivateKey', value: body.encryptedPrivateKey }),
  iso2Element({ element: 'DHpublickey', value: body.dhPublicKey }),
  {
    otherFragments: [
      { reading: 'older-emaid-digest', fragment: () => encodeOlderEmaidFragment(body.emaid) },
    ],
    ...iso2Element({ element: 'eMAID', value: body.emaid }),
  },
];

/** Of a request the provisioning chain only [V2G20-1548], signed by the provisioning key. */
export const signedInIso20Request = ({
  oemProvisioningCertificateChain: value,
}: Iso20InstallationRequest): readonly SignedElement[] => [
  iso20Element({ element: 'OEMProvisioningCertificateChain', value }),
];

/** What the CPS signs. */
export const signedInIso20Response = ({
  signedInstallationData: value,
}: Pick<Iso20InstallationResponse, 'signedInstallationData'>): readonly SignedElement[] => [
  iso20Element({ element: 'SignedInstallationData', value }),
];

const iso2Element = (signed: Iso2SignedElement): SignedElement => ({
  name: signed.element,
  id: signed.value.id ?? '',
  fragment: () => encodeIso2Fragment(signed),
});

const iso20Element = (signed: Iso20SignedElement): SignedElement => ({
  name: signed.element,
  id: signed.value.id,
  fragment: () => encodeIso20Fragment(signed),
});
