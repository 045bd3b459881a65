/**
 * Bundles that a mobility operator with keys of its own brings: certificate, certificates above it,
 * and the key as it is encrypted for the car. evpki cannot open them; it checks all that can be
 * seen from outside, so that no car gets what it must refuse.
 */

import { parseEmaid, sameEmaid } from '../identifiers/emaid.ts';
import { chainLimits } from '../iso15118/installation/chain-limits.ts';
import { sameBytes } from '../pki/byte-order.ts';
import {
  type Certificate,
  isSelfIssued,
  readCertificate,
  verifyIssuedBy,
} from '../pki/certificate.ts';
import { curves, isOnCurve } from '../pki/curves.ts';
import { DerError } from '../pki/der-element.ts';
import { attributeValue } from '../pki/names.ts';
import { chargingTolerances } from '../pki/path/rules.ts';
import { validatePath } from '../pki/path/validate-path.ts';
import { decodeBase64, PemError, readPemBlocks } from '../pki/pem.ts';
import { type Principal, requireKind } from './access-policy.ts';
import { contractKeyAlgorithm, recipientFingerprint, vehicleChanged } from './contract-bundles.ts';
import {
  CONTRACT_WRITE,
  type ContractCar,
  type ContractDetails,
  type ContractParts,
  type ContractView,
  carUsed,
  checkedContract,
  registeredCar,
} from './contract-creation.ts';
import type { BroughtBundle, BundleCurve, BundleReason, Contract } from './contract-records.ts';
import { findContract } from './contracts.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import { newId } from './ids.ts';

/** A bundle as it comes in at a door. */
export interface BundleText {
  /** PEM: the contract certificate and those above it, leaf first, without root. */
  readonly certificateChain: string;
  /** Base64. */
  readonly dhPublicKey: string;
  readonly encryptedPrivateKey: string;
}

/** Octets of DHpublickey and encrypted key, by the algorithm of the contract key. */
const forms = {
  'P-256': { standard: 'iso15118-2', curve: 'P-256', dhPublicKey: 65, encrypted: 48 },
  'P-521': { standard: 'iso15118-20', curve: 'SECP521', dhPublicKey: 133, encrypted: 94 },
  Ed448: { standard: 'iso15118-20', curve: 'X448', dhPublicKey: 56, encrypted: 84 },
} as const;

/**
 * Brings a bundle for a contract: the first, which creates it, or the next of one whose bundles
 * are brought.
 * @throws ServiceError `bundle-refused` with every reason; `contract-exists` where evpki makes the
 *   bundles itself or the contract is another organization's; and as `createContract`
 */
export async function bringBundle(
  parts: ContractParts,
  principal: Principal,
  details: ContractDetails,
  text: BundleText,
): Promise<ContractView> {
  const { contract, car } = await checkedContract(parts, principal, details);
  const bundle = checkedBundle(parts, contract, car, text, { generation: 1, reason: 'created' });
  const outcome = await parts.contracts.createBrought({
    ...{ contract, bundle, registrationId: car.id, makesDefault: details.isDefault === true },
    audit: [brought(parts, principal, contract, bundle), carUsed(parts, principal, contract, car)],
  });
  if (outcome === 'vehicle-changed') throw vehicleChanged(contract);
  if (outcome === 'exists') {
    throw new ServiceError('contract-exists', `${contract.emaid} has a contract for this car`);
  }
  return findContract(parts, principal, contract.id);
}

/**
 * Brings the next bundle of a contract whose bundles are brought.
 * @throws ServiceError `not-found`, `not-permitted`, `contract-external`, `contract-not-active`,
 *   `vehicle-unknown`, `bundle-refused`, `bundle-outrun`
 */
export async function bringNextBundle(
  parts: ContractParts,
  principal: Principal,
  id: string,
  text: BundleText,
): Promise<ContractView> {
  const { contract, bundle: newest } = await findContract(parts, principal, id);
  requireKind(parts.access, principal, CONTRACT_WRITE, 'contract');
  if (contract.issuing) {
    throw new ServiceError('contract-external', `the bundles of ${id} are made by evpki`);
  }
  const car = await registeredCar(parts, contract);
  const isSame = newest.recipientSha256 === recipientFingerprint(car);
  const bundle = checkedBundle(parts, contract, car, text, {
    generation: newest.generation + 1,
    reason: isSame ? 'renewed' : 're-registered',
  });
  const audit = brought(parts, principal, contract, bundle);
  const outcome = await parts.contracts.addBrought({ bundle, registrationId: car.id, audit });
  if (outcome === 'vehicle-changed') throw vehicleChanged(contract);
  if (outcome === 'not-active')
    throw new ServiceError('contract-not-active', `${id} is not active`);
  if (outcome === 'outrun') throw new ServiceError('bundle-outrun', `${id} got another bundle`);
  return findContract(parts, principal, id);
}

const brought = (
  { clock }: Pick<ContractParts, 'clock'>,
  { actor }: Principal,
  { id, organizationId, emaid, pcid, standard }: Contract,
  bundle: BroughtBundle,
) => ({
  ...{ at: clock(), actor, organizationId, subject: id, action: 'contract.bundle-brought' },
  details: { emaid, pcid, standard, reason: bundle.reason, bundle: bundle.id },
});

/** @throws ServiceError `bundle-refused` with every reason */
function checkedBundle(
  parts: Pick<ContractParts, 'clock' | 'random'>,
  contract: Contract,
  car: ContractCar,
  text: BundleText,
  which: { readonly generation: number; readonly reason: BundleReason },
): BroughtBundle {
  const certificates = readChain(text.certificateChain);
  const dhPublicKey = decodeBase64(text.dhPublicKey);
  const encryptedPrivateKey = decodeBase64(text.encryptedPrivateKey);
  const now = parts.clock();
  const [leaf, ...above] = certificates;
  if (!leaf) throw refusal([fault('chain', 'there is no certificate', 'certificateChain')]);
  const ofChain = chainFaults(contract, certificates, now);
  const faults = [
    ...leafFaults(contract, leaf, now),
    ...(ofChain.length > 0 ? ofChain : pathFaults(certificates, now)),
    ...sealFaults(contract, leaf, car, dhPublicKey, encryptedPrivateKey),
  ];
  const curve = curveOf(leaf);
  if (faults.length > 0 || !dhPublicKey || !encryptedPrivateKey || !curve) throw refusal(faults);
  return {
    ...{ id: newId('bdl', parts.random), contractId: contract.id, ...which },
    certificate: leaf.der,
    subCertificates: above.map(({ der }) => der),
    ...{ dhPublicKey, encryptedPrivateKey, curve },
    recipientSha256: recipientFingerprint(car),
    createdAt: now,
    ...{ notBefore: leaf.notBefore, notAfter: leaf.notAfter },
  };
}

const refusal = (faults: readonly FieldViolation[]) =>
  new ServiceError('bundle-refused', 'the bundle does not fit', faults);

const fault = (code: string, message: string, field: keyof BundleText): FieldViolation => ({
  ...{ code, message, field: `body.bundle.${field}` },
});

function readChain(pem: string): Certificate[] {
  try {
    return readPemBlocks(pem).map(({ der }) => readCertificate(der));
  } catch (error) {
    if (!(error instanceof PemError || error instanceof DerError)) throw error;
    throw refusal([fault('chain', `cannot be read: ${error.message}`, 'certificateChain')]);
  }
}

const formOf = ({ publicKey }: Certificate) => {
  const algorithm = publicKey?.algorithm;
  return algorithm === 'P-256' || algorithm === 'P-521' || algorithm === 'Ed448'
    ? forms[algorithm]
    : undefined;
};

const curveOf = (leaf: Certificate): BundleCurve | undefined => formOf(leaf)?.curve;

function leafFaults({ emaid, standard }: Contract, leaf: Certificate, now: Date): FieldViolation[] {
  const faults: FieldViolation[] = [];
  const add = (code: string, message: string) =>
    faults.push(fault(code, message, 'certificateChain'));
  if (formOf(leaf)?.standard !== standard) {
    add('key-type', `the certificate's key is none of an ${standard} contract`);
  }
  const [named, wanted] = [attributeValue(leaf.subject, 'CN') ?? '', emaid].map(parseEmaid);
  if (!(named?.ok && wanted?.ok && sameEmaid(named.value, wanted.value))) {
    add('emaid', `the common name of the certificate is not ${emaid}`);
  }
  if (leaf.extensions.basicConstraints?.ca) add('authority', 'the certificate is an authority’s');
  if (leaf.notAfter <= now) add('expired', `ended at ${leaf.notAfter.toISOString()}`);
  return faults;
}

function chainFaults(
  { standard }: Contract,
  certificates: readonly Certificate[],
  now: Date,
): FieldViolation[] {
  const faults: FieldViolation[] = [];
  const add = (code: string, message: string) =>
    faults.push(fault(code, message, 'certificateChain'));
  const { octets, above } = chainLimits[standard];
  if (certificates.length < 2 || certificates.length > above + 1) {
    add('chain', `has the certificate and 1 to ${above} above it, without the root`);
  }
  certificates.slice(0, above + 1).forEach((certificate, index) => {
    const which = `certificate ${index + 1}`;
    if (certificate.der.length > octets) {
      add(
        'size',
        `${which} has ${certificate.der.length} octets; ${standard} has room for ${octets}`,
      );
    }
    if (isSelfIssued(certificate)) add('root', `${which} is a root, which cars have themselves`);
    if (index === 0) return;
    if (certificate.notAfter <= now) add('expired', `${which} has ended`);
    const below = certificates[index - 1];
    const isNamed = below && sameBytes(below.issuerDer, certificate.subjectDer);
    const signs = certificate.publicKey && below && verifyIssuedBy(below, certificate.publicKey);
    if (!(isNamed && signs)) add('chain', `${which} has not signed the one before it`);
  });
  return faults;
}

/**
 * What keeps the certificates above from having issued what they have (RFC 5280 6), the uppermost
 * taken for an anchor: which root is above it, and who trusts that, is for the car. What is
 * wrong with the contract certificate alone is looked at elsewhere.
 */
function pathFaults([leaf, ...above]: readonly Certificate[], now: Date): FieldViolation[] {
  const [top] = above.slice(-1);
  if (!leaf || !top) return [];
  const verdict = validatePath({
    ...{ certificate: leaf, candidates: above, anchors: [top], at: now },
    tolerated: chargingTolerances,
  });
  return (verdict.ok ? [] : verdict.problems)
    .filter(({ code, index }) => (index > 0 && code !== 'expired') || code === 'name-constraints')
    .map(({ code, subject, message }) => fault(code, `${subject}: ${message}`, 'certificateChain'));
}

function sealFaults(
  contract: Contract,
  leaf: Certificate,
  car: ContractCar,
  dhPublicKey: Uint8Array | undefined,
  encrypted: Uint8Array | undefined,
): FieldViolation[] {
  const form = formOf(leaf);
  if (!form) return [];
  const faults: FieldViolation[] = [];
  if (encrypted?.length !== form.encrypted) {
    faults.push(fault('size', `is base64 of ${form.encrypted} octets`, 'encryptedPrivateKey'));
  }
  if (dhPublicKey?.length !== form.dhPublicKey) {
    faults.push(fault('size', `is base64 of ${form.dhPublicKey} octets`, 'dhPublicKey'));
  } else if (form.curve !== 'X448' && !isPoint(dhPublicKey, form.curve)) {
    faults.push(fault('point', 'is no uncompressed point of the curve', 'dhPublicKey'));
  }
  if (contractKeyAlgorithm(contract, car) !== leaf.publicKey?.algorithm) {
    faults.push(fault('key-type', 'the car has a key of another curve', 'certificateChain'));
  }
  return faults;
}

/** Uncompressed (SEC 1 2.3.3), of the curve's length. */
function isPoint(octets: Uint8Array, of: 'P-256' | 'SECP521'): boolean {
  const curve = curves[of === 'P-256' ? 'P-256' : 'P-521'];
  const x = octets.subarray(1, 1 + curve.octets);
  return octets[0] === 0x04 && isOnCurve(curve, x, octets.subarray(1 + curve.octets));
}
