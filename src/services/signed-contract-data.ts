/**
 * Contract data of operators with keys of their own that is signed here and not stored, and what was
 * signed so coming back to be stored: the two ways in which platforms of Plug & Charge take apart
 * what is otherwise one step (`contract-data.ts`).
 */

import { ExiError } from '../iso15118/exi/exi-error.ts';
import { encodeIso2 } from '../iso15118/exi/iso2.ts';
import {
  type Iso2XmlResponse,
  readIso2ResponseXml,
} from '../iso15118/installation/iso2-xml-reading.ts';
import { checkIso2Response } from '../iso15118/installation/response-check.ts';
import { XmlError } from '../iso15118/installation/xml-document.ts';
import { sameBytes } from '../pki/byte-order.ts';
import { type Certificate, fingerprint, readableCertificate } from '../pki/certificate.ts';
import { nameText } from '../pki/names.ts';
import { toPem } from '../pki/pem.ts';
import type { Principal } from './access-policy.ts';
import { bundleRefused, readContent, requireContent } from './brought-content.ts';
import type { BundleText } from './brought-faults.ts';
import {
  type CertificateFault,
  certificateFault,
  type StandingParts,
} from './certificate-standing.ts';
import {
  type ContractCar,
  type ContractParts,
  type ContractView,
  contractOrganization,
  registeredCar,
  requireProvider,
} from './contract-creation.ts';
import { bringContractData, type ContractName, certifiedEmaid, emaidOf } from './contract-data.ts';
import {
  type ContractSigningParts,
  type SignedContract,
  type SigningWishes,
  signContent,
} from './contract-signing.ts';
import type { VisibleCps } from './cps-signers.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import { rootId } from './root-pool.ts';
import { pcidOf } from './vehicle-lookup.ts';

export type UnstoredSigningParts = ContractParts & ContractSigningParts & StandingParts;

/** ISO 15118-2 only: `signedData` is there for no other standard. */
const STANDARD = 'iso15118-2';

/**
 * Signs contract data as the provisioning service and stores nothing: only for its operator, and what
 * `bringContractData` would take. Without a PCID nobody can say whether the key is encrypted for any
 * vehicle: which vehicle it is, is then for the operator to know.
 * @param wanted.emaid the one in the certificate without
 * @param wanted.pcid has to be registered, if it is there
 * @throws ServiceError `request-malformed`, `not-permitted`, `emaid-not-allowed`, `vehicle-unknown`,
 *   `bundle-refused` with every reason; and as `requireCps`
 */
export async function signUnstored(
  parts: UnstoredSigningParts,
  principal: Principal,
  wanted: Omit<ContractName, 'emaid' | 'pcid'> & {
    readonly emaid?: string;
    readonly pcid?: string;
    readonly bundle: BundleText;
  },
  wishes: SigningWishes,
): Promise<SignedContract & { readonly emaid: string; readonly pcid?: string }> {
  const organization = await contractOrganization(parts, principal);
  const named = emaidOf(wanted.emaid ?? certifiedEmaid(wanted.bundle));
  requireProvider(organization, named);
  const { normal: emaid } = named;
  requireIso2(wanted.standard);
  const pcid = wanted.pcid === undefined ? undefined : pcidOf(wanted.pcid, 'body.pcid');
  const car = pcid === undefined ? undefined : await usedCar(parts, principal, pcid);
  const name = { emaid, standard: STANDARD, organizationId: organization.id } as const;
  const content = requireContent(name, car, wanted.bundle, parts.clock());
  await requireStanding(parts, content.leaf);
  const signed = await signContent(parts, name, content, wishes, organization.id);
  await recordSigned(parts, principal, name, content.leaf, signed);
  return { ...signed, emaid, ...(pcid === undefined ? {} : { pcid }) };
}

/** Its maker hears that somebody has made use of what it has registered. */
async function usedCar(
  parts: UnstoredSigningParts,
  { organizationId, actor }: Principal,
  pcid: string,
): Promise<ContractCar> {
  const car = await registeredCar(parts, { pcid, standard: STANDARD });
  await parts.audit.recordAudit({
    ...{ at: parts.clock(), organizationId, counterpart: car.organizationId, actor },
    ...{ action: 'vehicle.looked-up', subject: pcid, details: { standards: [STANDARD] } },
  });
  return car;
}

/** What speaks against a certificate, for who brings it. */
const standings: Readonly<Record<CertificateFault, string>> = {
  'certificate-expired': 'the certificate is not valid',
  'certificate-revoked': 'the certificate, or one above it, is revoked',
  'certificate-held': 'the certificate, or one above it, is on hold',
  'certificate-key-blocked': 'the key of the certificate is blocked: somebody else may have it',
  'certificate-refused': 'an authority of this evpki has signed the certificate, and must not have',
};

/**
 * What is stored is looked at when the car asks; this goes to a car without anybody asking here. As
 * with what is stored, it may begin later.
 */
async function requireStanding(parts: UnstoredSigningParts, leaf: Certificate): Promise<void> {
  const at = new Date(Math.max(parts.clock().getTime(), leaf.notBefore.getTime()));
  const found = await certificateFault(parts, leaf, at);
  if (!found) return;
  const field = 'body.bundle.certificateChain';
  throw bundleRefused([{ code: found, message: standings[found], field }]);
}

async function recordSigned(
  { audit, clock }: UnstoredSigningParts,
  { actor }: Principal,
  { emaid, organizationId }: { readonly emaid: string; readonly organizationId: string },
  leaf: Certificate,
  { cps }: SignedContract,
): Promise<void> {
  const common = { at: clock(), actor, action: 'contract-data.signed' };
  const certificate = fingerprint(leaf.der);
  const details = { certificate, cps: cps.certificateId, stored: false };
  await audit.recordAudit({ ...common, organizationId, subject: emaid, details });
  if (cps.organizationId === organizationId) return;
  await audit.recordAudit({
    ...{ ...common, organizationId: cps.organizationId, subject: cps.certificateId },
    details: { certificate, for: organizationId },
  });
}

export type SignedDataParts = ContractParts & {
  readonly listCps: () => Promise<readonly VisibleCps[]>;
};

/**
 * Stores what a provisioning service of this evpki has signed, as the bundle of its contract: its
 * first, or the next. The signature says where the data comes from and is not kept: a car that asks
 * gets one by a service whose root it has. Another service's would be worth nothing here, since
 * nobody here knows whether its certificate holds.
 * @param wanted.rootId of the pool of roots: that of the service, where the caller says so
 * @throws ServiceError `bundle-refused` with every reason; and as `bringContractData`
 */
export async function takeSigned(
  parts: SignedDataParts,
  principal: Principal,
  wanted: ContractName & { readonly xml: Uint8Array; readonly rootId?: string },
): Promise<ContractView> {
  const { emaid, pcid, standard } = wanted;
  const organization = await contractOrganization(parts, principal);
  const named = emaidOf(emaid);
  requireProvider(organization, named);
  requireIso2(standard);
  pcidOf(pcid, 'body.pcid');
  const response = readXml(wanted.xml);
  const bundle = bundleIn(response);
  const content = readContent({ emaid: named.normal, standard }, undefined, bundle, parts.clock());
  const faults = [
    ...(await signatureFaults(parts, response, wanted.rootId)),
    ...('leaf' in content ? [] : content.map(({ code, message }) => fault(code, message))),
  ];
  if (faults.length > 0) throw bundleRefused(faults);
  return bringContractData(parts, principal, { emaid, pcid, standard, bundle });
}

const XML = 'body.signedContractDataXML';
const fault = (code: string, message: string, field = XML): FieldViolation => ({
  ...{ code, message, field },
});

function readXml(octets: Uint8Array): Iso2XmlResponse {
  try {
    return readIso2ResponseXml(octets);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw bundleRefused([fault('xml', error.message)]);
  }
}

function bundleIn({ body }: Iso2XmlResponse): BundleText {
  const { certificate, subCertificates = [] } = body.contractCertificateChain;
  const base64 = (octets: Uint8Array) => Buffer.from(octets).toString('base64');
  return {
    certificateChain: [certificate, ...subCertificates]
      .map((der) => toPem('CERTIFICATE', der))
      .join(''),
    dhPublicKey: base64(body.dhPublicKey.value),
    encryptedPrivateKey: base64(body.encryptedPrivateKey.value),
  };
}

/** Why it is not what one of our services has signed; what a car would say of it, and whose it is. */
async function signatureFaults(
  { listCps }: Pick<SignedDataParts, 'listCps'>,
  response: Iso2XmlResponse,
  wantedRoot: string | undefined,
): Promise<FieldViolation[]> {
  const faults = carFaults(response);
  const { certificate } = response.body.provisioningCertificateChain;
  const own = (await listCps()).find(
    (cps) => cps.standard === STANDARD && sameBytes(cps.certificate, certificate),
  );
  if (!own) {
    const signer = readableCertificate(certificate);
    const whom = signer ? nameText(signer.subject).slice(0, 200) : 'what cannot be read';
    const message = `is signed by ${whom}: evpki takes what its own provisioning services have signed whose certificates are valid now, and signs itself what is brought as contract data`;
    faults.push(fault('cps-unknown', message));
  } else if (wantedRoot !== undefined && wantedRoot.toLowerCase() !== rootId(own.root.der)) {
    const message = `is not the root of the signer: that is ${rootId(own.root.der)}`;
    faults.push(fault('root', message, 'body.cpsRootCertificateId'));
  }
  return faults;
}

function carFaults({ signature, body }: Iso2XmlResponse): FieldViolation[] {
  const sessionId = new Uint8Array(8);
  try {
    const header = { sessionId, ...(signature ? { signature } : {}) };
    const exi = encodeIso2({ header, body });
    const check = checkIso2Response('CertificateInstallationRes', { exi, sessionId });
    return check.ok ? [] : [fault(check.reason, check.message)];
  } catch (error) {
    if (!(error instanceof ExiError)) throw error;
    return [fault('message', `is no message of ISO 15118-2: ${error.message}`)];
  }
}

/** @throws ServiceError `request-malformed` */
function requireIso2(standard: ContractName['standard']): void {
  if (standard === STANDARD) return;
  const message = 'is not ISO 15118-2, for which alone there is signed contract data in XML';
  throw new ServiceError('request-malformed', 'this is no contract data', [
    { code: 'unsupported', message, field: 'body.xsdMsgDefNamespace' },
  ]);
}
