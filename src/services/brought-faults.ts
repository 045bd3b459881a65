/** What can be seen from outside to be wrong with a bundle that was made elsewhere. */

import { parseEmaid, sameEmaid } from '../identifiers/emaid.ts';
import { chainLimits } from '../iso15118/installation/chain-limits.ts';
import { requireContractKey } from '../iso15118/key-transport/contract-key.ts';
import { KeyTransportError } from '../iso15118/key-transport/key-transport-error.ts';
import { sameBytes } from '../pki/byte-order.ts';
import { type Certificate, isSelfIssued, verifyIssuedBy } from '../pki/certificate.ts';
import { curves, isOnCurve } from '../pki/curves.ts';
import { attributeValue } from '../pki/names.ts';
import { chargingTolerances } from '../pki/path/rules.ts';
import { validatePath } from '../pki/path/validate-path.ts';
import { contractKeyAlgorithm } from './contract-bundles.ts';
import type { ContractCar } from './contract-creation.ts';
import type { BundleCurve, Contract } from './contract-records.ts';
import type { FieldViolation } from './errors.ts';

/** A bundle as it comes in at a door. */
export interface BundleText {
  /** PEM: the contract certificate and those above it, leaf first, without root. */
  readonly certificateChain: string;
  /** Base64. */
  readonly dhPublicKey: string;
  readonly encryptedPrivateKey: string;
}

/** The contract that a bundle is for. */
export type ContentName = Pick<Contract, 'emaid' | 'standard'>;

/**
 * Octets of DHpublickey and the field of the encrypted key, and where in that the key starts, by the
 * algorithm of the contract key.
 */
const forms = {
  'P-256': { standard: 'iso15118-2', curve: 'P-256', dhPublicKey: 65, encrypted: 48, start: 16 },
  'P-521': {
    standard: 'iso15118-20',
    curve: 'SECP521',
    dhPublicKey: 133,
    encrypted: 94,
    start: 12,
  },
  Ed448: { standard: 'iso15118-20', curve: 'X448', dhPublicKey: 56, encrypted: 84, start: 12 },
} as const;
type Form = (typeof forms)[keyof typeof forms];

export const fault = (code: string, message: string, field: keyof BundleText): FieldViolation => ({
  ...{ code, message, field: `body.bundle.${field}` },
});

const formOf = ({ publicKey }: Certificate) => {
  const algorithm = publicKey?.algorithm;
  return algorithm === 'P-256' || algorithm === 'P-521' || algorithm === 'Ed448'
    ? forms[algorithm]
    : undefined;
};

export const curveOf = (leaf: Certificate): BundleCurve | undefined => formOf(leaf)?.curve;

export function leafFaults(
  { emaid, standard }: ContentName,
  leaf: Certificate,
  now: Date,
): FieldViolation[] {
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
  // RFC 5280 4.2.1.3; a certificate that says nothing of it keeps its key from nothing.
  if (leaf.extensions.keyUsage?.usages.includes('digitalSignature') === false) {
    add('key-usage', 'key usage lacks digitalSignature, without which no car is authorized');
  }
  if (leaf.notAfter <= now) add('expired', `ended at ${leaf.notAfter.toISOString()}`);
  return faults;
}

/** What is wrong with the certificates together; the contract certificate comes first. */
export function chainFaults(
  contract: ContentName,
  certificates: readonly Certificate[],
  now: Date,
): FieldViolation[] {
  const faults = orderFaults(contract, certificates, now);
  return faults.length > 0 ? faults : pathFaults(certificates, now);
}

function orderFaults(
  { standard }: ContentName,
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

/** @param car what it is encrypted for, if anybody has said */
export function sealFaults(
  leaf: Certificate,
  car: ContractCar | undefined,
  dhPublicKey: Uint8Array | undefined,
  encrypted: Uint8Array | undefined,
): FieldViolation[] {
  const form = formOf(leaf);
  if (!form) return [];
  const faults: FieldViolation[] = [];
  if (encrypted?.length !== form.encrypted) {
    faults.push(fault('size', `is base64 of ${form.encrypted} octets`, 'encryptedPrivateKey'));
  }
  if (encrypted && form.curve !== 'X448' && isKeyInClear(leaf, form, encrypted)) {
    faults.push(fault('key-in-clear', 'is the contract key, not encrypted', 'encryptedPrivateKey'));
  }
  if (dhPublicKey?.length !== form.dhPublicKey) {
    faults.push(fault('size', `is base64 of ${form.dhPublicKey} octets`, 'dhPublicKey'));
  } else if (form.curve !== 'X448' && !isPoint(dhPublicKey, form.curve)) {
    faults.push(fault('point', 'is no uncompressed point of the curve', 'dhPublicKey'));
  }
  if (car && contractKeyAlgorithm(car, car) !== leaf.publicKey?.algorithm) {
    faults.push(fault('key-type', 'the car has a key of another curve', 'certificateChain'));
  }
  return faults;
}

/** Whether somebody has put the key where its encryption belongs: it must not be stored. */
function isKeyInClear(
  leaf: Certificate,
  { start, curve }: Extract<Form, { readonly curve: 'P-256' | 'SECP521' }>,
  field: Uint8Array,
): boolean {
  const name = curve === 'P-256' ? 'P-256' : 'P-521';
  const scalar = field.subarray(start, start + curves[name].octets);
  try {
    requireContractKey(name, scalar, leaf.spki);
    return true;
  } catch (error) {
    if (error instanceof KeyTransportError) return false;
    throw error;
  }
}

/** Uncompressed (SEC 1 2.3.3), of the curve's length. */
function isPoint(octets: Uint8Array, of: 'P-256' | 'SECP521'): boolean {
  const curve = curves[of === 'P-256' ? 'P-256' : 'P-521'];
  const x = octets.subarray(1, 1 + curve.octets);
  return octets[0] === 0x04 && isOnCurve(curve, x, octets.subarray(1 + curve.octets));
}
