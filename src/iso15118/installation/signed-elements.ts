/**
 * The elements of each message that are signed, with what is hashed of them. With `kept`, what has
 * been written already is not written again.
 */

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
import type { KeptElements } from '../exi/kept-elements.ts';
import type { SignedElement } from '../signature/signed-element.ts';

/** The whole body element, signed by the provisioning key or the old contract key. */
export const signedInIso2Request = (
  body: Iso2InstallationRequest | Iso2UpdateRequest,
  kept?: KeptElements,
): readonly SignedElement[] => [
  body.name === 'CertificateInstallationReq'
    ? iso2Element({ element: body.name, value: body }, kept)
    : iso2Element({ element: body.name, value: body }, kept),
];

/** The four elements that the CPS signs; its own chain is not among them. */
export const signedInIso2Response = (
  { contractCertificateChain, encryptedPrivateKey, dhPublicKey, emaid }: Iso2ContractData,
  kept?: KeptElements,
): readonly SignedElement[] => [
  iso2Element({ element: 'ContractSignatureCertChain', value: contractCertificateChain }, kept),
  iso2Element(
    { element: 'ContractSignatureEncryptedPrivateKey', value: encryptedPrivateKey },
    kept,
  ),
  iso2Element({ element: 'DHpublickey', value: dhPublicKey }, kept),
  {
    name: 'eMAID',
    id: emaid.id,
    fragment: () => encodeIso2Fragment({ element: 'eMAID', value: emaid }),
    otherFragments: [
      { reading: 'older-emaid-digest', fragment: () => encodeOlderEmaidFragment(emaid) },
    ],
  },
];

/** Of a request the provisioning chain only [V2G20-1548], signed by the provisioning key. */
export const signedInIso20Request = (
  { oemProvisioningCertificateChain: value }: Iso20InstallationRequest,
  kept?: KeptElements,
): readonly SignedElement[] => [
  iso20Element({ element: 'OEMProvisioningCertificateChain', value }, kept),
];

/** What the CPS signs. */
export const signedInIso20Response = (
  { signedInstallationData: value }: Pick<Iso20InstallationResponse, 'signedInstallationData'>,
  kept?: KeptElements,
): readonly SignedElement[] => [iso20Element({ element: 'SignedInstallationData', value }, kept)];

const iso2Element = (signed: Iso2SignedElement, kept?: KeptElements): SignedElement => ({
  name: signed.element,
  id: signed.value.id ?? '',
  fragment: () => encodeIso2Fragment(signed, kept),
});

const iso20Element = (signed: Iso20SignedElement, kept?: KeptElements): SignedElement => ({
  name: signed.element,
  id: signed.value.id,
  fragment: () => encodeIso20Fragment(signed, kept),
});
