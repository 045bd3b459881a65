/**
 * Bundles: a contract's key and certificate, made for one car. The key is in memory from its
 * generation until it is sealed, which comes before anything is recorded; the pending row of the
 * certificate and the bundle are one transaction. A process killed at any point therefore leaves no
 * certificate without its bundle, no contract without a bundle, and no key.
 */

import { chainFaults, chainLimits } from '../iso15118/installation/chain-limits.ts';
import { keyIdentifier, spkiFingerprint } from '../pki/key-identifier.ts';
import type { Profile } from '../pki/profile.ts';
import { type PublicKey, readPublicKey } from '../pki/public-key.ts';
import type { AuditEvent } from './audit.ts';
import type { AuthorityStore } from './authority-records.ts';
import type { CertificateStore } from './certificate-records.ts';
import type { ContractKeyRecipient, ContractKeys } from './contract-keys.ts';
import {
  type Bundle,
  type BundleReason,
  type BundleToIssue,
  type Contract,
  contractLimits,
  type SealedBundle,
} from './contract-records.ts';
import type { ContractStore } from './contract-store.ts';
import { ServiceError } from './errors.ts';
import { newId } from './ids.ts';
import type { Issuers, ReadyIssuer } from './issuers.ts';
import {
  AbandonedMeanwhile,
  type IssueCommand,
  type IssueResult,
  type IssuingParts,
  issueCertificate,
} from './issuing.ts';
import type { OrganizationStore } from './organizations.ts';
import type { ProvisioningCertificate } from './provisioning-records.ts';
import { CRL_DELAY_MILLISECONDS } from './revocation.ts';
import { registeredFacts } from './station-names.ts';

export interface BundleParts extends IssuingParts {
  readonly contracts: ContractStore;
  readonly contractKeys: ContractKeys;
  readonly authorities: Pick<AuthorityStore, 'findAuthority' | 'findIssuer'>;
  readonly organizations: Pick<OrganizationStore, 'findOrganization'>;
  readonly certificates: Pick<CertificateStore, 'findCertificate'>;
  readonly issuers: Issuers;
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly statusChanged: (issuerId: string, serial: string, sequence?: number) => void;
}

/** Whom a contract key is encrypted for: a car's provisioning key, or its old contract key. */
export type BundleRecipient = Pick<ProvisioningCertificate, 'spki' | 'x448PublicKey'>;

/** A car as it is registered. */
export type RegisteredCar = BundleRecipient & Pick<ProvisioningCertificate, 'id'>;

/** What bundles name their recipient by: the SPKI's fingerprint, an X448 key beside it included. */
export const recipientFingerprint = ({ spki, x448PublicKey }: BundleRecipient): string =>
  spkiFingerprint(x448PublicKey ? Buffer.concat([spki, x448PublicKey]) : spki);

export interface BundleWanted {
  readonly contract: Contract;
  readonly recipient: BundleRecipient;
  /** The registration of the car, which has to be the car's until the bundle is on record. */
  readonly registrationId: string;
  readonly reason: BundleReason;
  /** For the audit log: `client:<id>`, or `evpki` when a car asks. */
  readonly actor: string;
  /** Its number; the one behind the newest bundle that the caller knows. */
  readonly generation: number;
  /** Whether the former certificates are revoked as superseded. */
  readonly revokesFormer: boolean;
  /** That the contract begins with it, and whether it becomes the car's default. */
  readonly begins?: { readonly isDefault: boolean };
  /** What is recorded beside, when it is done. */
  readonly audit?: readonly AuditEvent[];
}

/**
 * Makes a bundle: a new key, sealed for the recipient, and its certificate.
 * @throws ServiceError `csr-refused` with what policy says, or why no message could carry what is
 *   above the certificate; `recipient-unfitting`,
 *   `authority-not-active`, `contract-exists`, `contract-not-active`, `bundle-outrun`,
 *   `vehicle-unknown` when the car was registered anew or deleted meanwhile, `conflict` when it has
 *   as many contracts as it may
 */
export async function makeBundle(parts: BundleParts, wanted: BundleWanted): Promise<Bundle> {
  const { contract, recipient, actor } = wanted;
  const { profile, issuer } = await issuing(parts, contract);
  checkRoom(contract, issuer);
  const { publicKey, sealed } = await freshKey(parts, contract, recipient);
  const bundle: SealedBundle = {
    id: newId('bdl', parts.random),
    contractId: contract.id,
    generation: wanted.generation,
    subCertificates: issuer.chain,
    ...sealed,
    recipientSha256: recipientFingerprint(recipient),
    reason: wanted.reason,
    createdAt: parts.clock(),
  };
  const organization = await parts.organizations.findOrganization(contract.organizationId);
  if (!organization) throw new Error(`the organization of contract ${contract.id} is missing`);
  const result = await issueOrHearWhyNot(parts, {
    input: {
      request: {
        subject: { attributes: [{ type: 'CN', value: contract.emaid }] },
        publicKey,
        extensions: [],
      },
      profile,
      issuer: issuer.facts,
      facts: { ...registeredFacts(organization, undefined), 'contract.emaid': contract.emaid },
      // Nobody has seen it before.
      keyHistory: { blocked: false, ofAuthority: false, certifiedForOther: false },
      ...notAfter(parts, contract, profile),
    },
    issuerId: issuer.issuer.id,
    signer: issuer.signer,
    verificationKey: issuer.verificationKey,
    lintIssuer: issuer.lint,
    organizationId: contract.organizationId,
    actor,
    bundle: bundleToIssue(parts, wanted, bundle),
  });
  return finished(parts, wanted, bundle, result);
}

/**
 * Whoever suspends or ends a contract, deletes its car or revokes the authority takes back what is
 * being issued at this moment. It is tried once more then: the database says what has come in
 * between, or nothing stands in the way any more.
 */
const issueOrHearWhyNot = (parts: BundleParts, command: IssueCommand): Promise<IssueResult> =>
  issueCertificate(parts, command).catch((error: unknown) => {
    if (!(error instanceof AbandonedMeanwhile)) throw error;
    return issueCertificate(parts, command);
  });

/** The profile and the issuer that certify a contract now. */
async function issuing(
  parts: BundleParts,
  { id, issuing: by }: Contract,
): Promise<{ profile: Profile; issuer: ReadyIssuer }> {
  if (!by) {
    throw new ServiceError('contract-external', `the bundles of ${id} are made elsewhere`);
  }
  const profile = parts.profiles.get(by.profile);
  if (!profile) throw new ServiceError('profile-unknown', `there is no profile ${by.profile}`);
  const authority = await parts.authorities.findAuthority(by.authorityId);
  const issuer = authority && (await parts.issuers.current(authority));
  if (!issuer) throw new ServiceError('authority-not-active', `${by.authorityId} is not active`);
  return { profile, issuer };
}

/**
 * What stands above an authority that somebody else has certified may be anything.
 * @throws ServiceError `csr-refused`
 */
function checkRoom({ standard }: Contract, { chain, authority: { id } }: ReadyIssuer): void {
  const faults = chainFaults(standard, chain, chainLimits[standard].leastAboveContract);
  if (faults.length === 0) return;
  const why = `no vehicle could be sent what ${id} certifies: have ${id} certified anew with a chain that fits, or use another authority`;
  const violations = faults.map((fault) => ({ ...fault, field: 'authority' }));
  throw new ServiceError('csr-refused', why, violations);
}

/** A new contract key, which nobody has any more but the recipient, in its seal. */
async function freshKey(parts: BundleParts, contract: Contract, recipient: BundleRecipient) {
  const key = await parts.contractKeys.generate(contractKeyAlgorithm(contract, recipient));
  try {
    const publicKey = publicKeyOf(key.spki);
    const sealed = await key.seal(recipientOf(contract, recipient, publicKey));
    const { dhPublicKey, encryptedPrivateKey, curve } = sealed;
    return { publicKey, sealed: { dhPublicKey, encryptedPrivateKey, curve } };
  } finally {
    key.discard();
  }
}

/**
 * The algorithm of the contract key: that of the key it is encrypted for ([V2G2-007],
 * [V2G20-2709]).
 * @throws ServiceError `recipient-unfitting`
 */
export function contractKeyAlgorithm(
  { standard, pcid }: Pick<Contract, 'standard' | 'pcid'>,
  recipient: BundleRecipient,
): 'P-256' | 'P-521' | 'Ed448' {
  const key = readPublicKey(recipient.spki);
  const algorithm = key.ok ? key.value.algorithm : undefined;
  if (standard === 'iso15118-2' && algorithm === 'P-256') return 'P-256';
  if (standard === 'iso15118-20') {
    if (algorithm === 'P-521') return 'P-521';
    if (algorithm === 'Ed448' && recipient.x448PublicKey) return 'Ed448';
  }
  throw new ServiceError(
    'recipient-unfitting',
    `no ${standard} contract can be encrypted for the ${algorithm ?? 'unknown'} key of ${pcid}`,
  );
}

const recipientOf = (
  { standard, pcid }: Contract,
  { spki, x448PublicKey }: BundleRecipient,
  contractKey: PublicKey,
): ContractKeyRecipient =>
  standard === 'iso15118-2'
    ? { standard, spki }
    : {
        ...{ standard, pcid, spki },
        ...(x448PublicKey ? { x448PublicKey } : {}),
        contractKeyIdentifier: keyIdentifier(contractKey, 8),
      };

/** Counted from notBefore, which the profile puts a little before now. */
function notAfter(
  { clock }: BundleParts,
  { validityDays }: Contract,
  { validity }: Profile,
): { notAfter?: Date } {
  if (validityDays === undefined) return {};
  const start = Math.floor((clock().getTime() - validity.backdate) / 1000) * 1000;
  return { notAfter: new Date(start + validityDays * 86_400_000 - 1000) };
}

function bundleToIssue(
  { clock }: BundleParts,
  { contract, registrationId, reason, actor, revokesFormer, begins, audit = [] }: BundleWanted,
  bundle: SealedBundle,
): BundleToIssue {
  const { emaid, pcid, standard } = contract;
  return {
    ...{ bundle, registrationId },
    ...(begins ? { contract, makesDefault: begins.isDefault } : {}),
    ...(revokesFormer
      ? { revokesFormer: { crlDue: new Date(clock().getTime() + CRL_DELAY_MILLISECONDS) } }
      : {}),
    audit: [
      {
        ...{ at: clock(), actor, organizationId: contract.organizationId, subject: contract.id },
        action: begins ? 'contract.created' : 'contract.renewed',
        details: { emaid, pcid, standard, reason, bundle: bundle.id },
      },
      ...audit,
    ],
  };
}

async function finished(
  parts: BundleParts,
  { contract, revokesFormer }: BundleWanted,
  bundle: SealedBundle,
  result: IssueResult,
): Promise<Bundle> {
  switch (result.outcome) {
    case 'issued': {
      const bundles = await parts.contracts.listBundles(contract.id);
      if (revokesFormer) await tellOfFormer(parts, bundles, bundle.id);
      const made = bundles.find(({ id }) => id === bundle.id);
      if (!made) throw new Error(`the bundle ${bundle.id} was issued and is not there`);
      return made;
    }
    case 'refused':
      throw new ServiceError(
        'csr-refused',
        `the profile ${contract.issuing?.profile} does not allow this contract certificate`,
        result.violations,
      );
    case 'contract-exists':
      throw new ServiceError('contract-exists', 'the EMAID has a contract for this car already');
    case 'contract-not-active':
      throw new ServiceError('contract-not-active', `${contract.id} is not active any more`);
    case 'bundle-outrun':
      throw new ServiceError('bundle-outrun', `another bundle of ${contract.id} is being made`);
    case 'vehicle-changed':
      throw vehicleChanged(contract);
    case 'car-full':
      throw carFull(contract);
    case 'issuer-not-active':
    case 'not-granted':
      throw new ServiceError(
        'authority-not-active',
        `${contract.issuing?.authorityId} has stopped signing`,
      );
    default:
      throw new Error(`a contract certificate was answered with ${result.outcome}`);
  }
}

/** That a car is not registered any more as it was a moment ago. */
export const vehicleChanged = ({ pcid }: Pick<Contract, 'pcid'>): ServiceError =>
  new ServiceError('vehicle-unknown', `the registration of ${pcid} has changed at this moment`);

/** That a car has as many contracts as it may; whose the others are is not said. */
export const carFull = ({ pcid, standard }: Pick<Contract, 'pcid' | 'standard'>): ServiceError =>
  new ServiceError(
    'conflict',
    `${pcid} has no room for one more ${standard} contract: it may have ${contractLimits.ofOperator} ` +
      `of one operator and ${contractLimits.ofCar} in all that have not ended`,
  );

/** This process's OCSP answers have to show at once that they are superseded. */
async function tellOfFormer(
  parts: BundleParts,
  bundles: readonly Bundle[],
  newest: string,
): Promise<void> {
  for (const { id, certificateId } of bundles) {
    if (id === newest || certificateId === undefined) continue;
    const record = await parts.certificates.findCertificate(certificateId);
    if (record?.issuerId !== undefined) parts.statusChanged(record.issuerId, record.serial);
  }
}

function publicKeyOf(spki: Uint8Array): PublicKey {
  const key = readPublicKey(spki);
  if (!key.ok) throw new Error('a contract key is unusable');
  return key.value;
}
