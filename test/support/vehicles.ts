/** Vehicles that leave the factory of a running evpki's maker and ask for their contracts. */

import { createPrivateKey, randomBytes } from 'node:crypto';
import type { RootCertificateId } from '../../src/iso15118/exi/iso2-messages.ts';
import {
  buildIso2InstallationRequest,
  buildIso2UpdateRequest,
  buildIso20InstallationRequest,
} from '../../src/iso15118/installation/car-requests.ts';
import {
  checkIso2Response,
  checkIso20Response,
} from '../../src/iso15118/installation/response-check.ts';
import { openForIso2 } from '../../src/iso15118/key-transport/iso2.ts';
import { openForIso20 } from '../../src/iso15118/key-transport/iso20.ts';
import { createSigner } from '../../src/keystore/signer.ts';
import { type Certificate, readCertificate } from '../../src/pki/certificate.ts';
import { curves } from '../../src/pki/curves.ts';
import { explicit, integer, octetString, oid, sequence } from '../../src/pki/der-writer.ts';
import { nameText } from '../../src/pki/names.ts';
import { readPemBlocks, toPem } from '../../src/pki/pem.ts';
import type { Signer } from '../../src/pki/signer.ts';
import type { PncStandard } from '../../src/services/contract-records.ts';
import type { Answer, TestApp } from './app.ts';
import { freshKeyPair, type KeyPair, spkiOf } from './public-keys.ts';
import { newRequest } from './requests.ts';

export interface Vehicle {
  readonly standard: PncStandard;
  readonly pcid: string;
  readonly signer: Signer;
  /** The provisioning key: big-endian, of the curve's length. */
  readonly scalar: Uint8Array;
  readonly certificate: Uint8Array;
  readonly subCertificates: readonly Uint8Array[];
  /** The id of the certificate in evpki. */
  readonly certificateId: string;
  /** The id of the registration. */
  readonly registration: string;
}

export const sent = (answer: Answer, status: number): Answer['json'] => {
  if (answer.status !== status) throw new Error(`${answer.status} ${answer.text}`);
  return answer.json;
};

export const certificatesOf = (pem: string): Uint8Array[] =>
  readPemBlocks(pem).map(({ der }) => der);

/** A PCID of the maker DEM that no other vehicle of this process has. */
export const freshPcid = (): string => `DEM${String(++vehicles).padStart(14, '0')}`;
let vehicles = 0;

/** The scalar of a private key of P-256 or P-521. */
export function scalarOf({ privateKey }: Pick<KeyPair, 'privateKey'>, octets: number): Uint8Array {
  // ECPrivateKey (RFC 5915 3): version 1, then the scalar as an OCTET STRING of full length.
  const der = privateKey.export({ type: 'sec1', format: 'der' });
  const at = der.indexOf(Buffer.of(0x02, 0x01, 0x01, 0x04, octets)) + 5;
  return Uint8Array.from(der.subarray(at, at + octets));
}

/** Makes and registers a vehicle, with a certificate from the maker's authority in this evpki. */
export async function leaveFactory(
  evpki: TestApp,
  maker: Readonly<Record<string, string>>,
  standard: PncStandard,
  pcid = freshPcid(),
): Promise<Vehicle> {
  const [name, profile] =
    standard === 'iso15118-2'
      ? (['P-256', 'iso15118-2-oem-provisioning'] as const)
      : (['P-521', 'iso15118-20-oem-provisioning'] as const);
  const pair = freshKeyPair(name);
  const csr = newRequest(`CN=${pcid}`, { key: name, pair });
  const authority = 'oem-sub-ca-2';
  const issued = sent(
    await evpki.call('POST', '/v1/certificates', { profile, authority, csr }, maker),
    201,
  );
  const [certificate = new Uint8Array(), ...subCertificates] = certificatesOf(
    issued.certificateChain,
  );
  const body = { certificate: toPem('CERTIFICATE', certificate), chain: issued.certificateChain };
  const registered = await evpki.call('POST', '/v1/provisioning-certificates', body, maker);
  const { id } = sent(registered, registered.status === 200 ? 200 : 201);
  return {
    ...{ standard, pcid, certificate, subCertificates, registration: id },
    certificateId: issued.id,
    signer: createSigner(pair.privateKey, name, spkiOf(pair)),
    scalar: scalarOf(pair, curves[name].octets),
  };
}

/** How a car names a root that it has. */
export const rootIdOf = (root: Certificate): RootCertificateId => ({
  issuerName: nameText(root.issuer),
  serialNumber: BigInt(`0x${Buffer.from(root.serialNumber).toString('hex')}`),
});

/** The root certificate of an authority. */
export async function rootOf(evpki: TestApp, authority: string): Promise<Certificate> {
  const { issuers } = sent(await evpki.call('GET', `/v1/authorities/${authority}`), 200);
  const [der] = certificatesOf(issuers[0].certificateChain);
  if (!der) throw new Error(`${authority} has no certificate`);
  return readCertificate(der);
}

export interface CarQuestion {
  readonly exi: Uint8Array;
  readonly sessionId: Uint8Array;
}

/** CertificateInstallationReq of a vehicle that has these roots. */
export async function askToInstall(
  vehicle: Vehicle,
  roots: readonly RootCertificateId[],
  {
    sessionId = randomBytes(8),
    most = 1,
    emaids,
  }: {
    sessionId?: Uint8Array;
    most?: number;
    emaids?: readonly string[];
  } = {},
): Promise<CarQuestion> {
  const { certificate, subCertificates, signer } = vehicle;
  const common = { sessionId, certificate, rootCertificateIds: roots };
  if (vehicle.standard === 'iso15118-2') {
    return { sessionId, exi: await buildIso2InstallationRequest(common, signer) };
  }
  const request = {
    ...{ ...common, subCertificates, at: new Date() },
    maximumContractCertificateChains: most,
    ...(emaids ? { prioritizedEmaids: emaids } : {}),
  };
  return { sessionId, exi: await buildIso20InstallationRequest(request, signer) };
}

/** CertificateUpdateReq of a vehicle that has this contract. */
export async function askToUpdate(
  contract: Installed,
  roots: readonly RootCertificateId[],
): Promise<CarQuestion> {
  const sessionId = randomBytes(8);
  const { emaid, signer } = contract;
  const [certificate = new Uint8Array(), ...subCertificates] = contract.chain;
  const request = { sessionId, certificate, subCertificates, emaid, rootCertificateIds: roots };
  return { sessionId, exi: await buildIso2UpdateRequest(request, signer) };
}

/** What a vehicle has when the answer is in it. */
export interface Installed {
  readonly emaid: string;
  /** DER, the contract certificate first, without root. */
  readonly chain: readonly Uint8Array[];
  readonly cpsChain: readonly Uint8Array[];
  /** Signs with the contract key, which is thereby known to be that of the certificate. */
  readonly signer: Signer;
  readonly scalar: Uint8Array;
  readonly encryptedPrivateKey: Uint8Array;
  readonly remaining: number | undefined;
}

/** Takes the answer of ISO 15118-2 as a car does; with the key that it was encrypted for. */
export function takeIso2(
  { sessionId }: CarQuestion,
  exi: Uint8Array,
  privateKey: Uint8Array,
  name: 'CertificateInstallationRes' | 'CertificateUpdateRes' = 'CertificateInstallationRes',
): Installed {
  const check = checkIso2Response(name, { exi, sessionId });
  if (!check.ok) throw new Error(`${check.reason}: ${check.message}`);
  const { contract, cps, encryptedPrivateKey, dhPublicKey, emaid } = check.response;
  const contractSpki = contract.certificate.spki;
  const scalar = openForIso2({ encryptedPrivateKey, dhPublicKey, privateKey, contractSpki });
  return {
    ...{ emaid, encryptedPrivateKey, scalar, remaining: undefined },
    chain: [contract.certificate, ...contract.subCertificates].map(({ der }) => der),
    cpsChain: [cps.certificate, ...cps.subCertificates].map(({ der }) => der),
    signer: signerOf('P-256', scalar, contractSpki),
  };
}

/** Takes the answer of ISO 15118-20 as a car does. */
export function takeIso20(
  { sessionId }: CarQuestion,
  exi: Uint8Array,
  { pcid, scalar: privateKey }: Pick<Vehicle, 'pcid' | 'scalar'>,
): Installed {
  const check = checkIso20Response({ exi, sessionId });
  if (!check.ok) throw new Error(`${check.reason}: ${check.message}`);
  const { contract, cps, encryptedPrivateKey, dhPublicKey } = check.response;
  const { spki, subject, extensions } = contract.certificate;
  const contractKeyIdentifier = extensions.subjectKeyIdentifier?.value;
  if (!contractKeyIdentifier) throw new Error('the contract certificate has no SKI');
  const scalar = openForIso20({
    ...{ encryptedPrivateKey: encryptedPrivateKey.value, dhPublicKey, privateKey },
    ...{ binding: { pcid, contractKeyIdentifier }, contractSpki: spki },
  });
  const emaid = subject.attributes.find(({ type }) => type === 'CN')?.value ?? '';
  return {
    ...{ emaid, scalar, encryptedPrivateKey: encryptedPrivateKey.value },
    chain: [contract.certificate, ...contract.subCertificates].map(({ der }) => der),
    cpsChain: [cps.certificate, ...cps.subCertificates].map(({ der }) => der),
    signer: signerOf('P-521', scalar, spki),
    remaining: check.response.remainingContractCertificateChains,
  };
}

/** A signer with a private key as it came out of its transport. */
function signerOf(curve: 'P-256' | 'P-521', scalar: Uint8Array, spki: Uint8Array): Signer {
  const namedCurve = { 'P-256': '1.2.840.10045.3.1.7', 'P-521': '1.3.132.0.35' }[curve];
  const key = sequence(integer(1), octetString(scalar), explicit(0, oid(namedCurve)));
  const sec1 = createPrivateKey({ key: Buffer.from(key), format: 'der', type: 'sec1' });
  return createSigner(sec1, curve, spki);
}
