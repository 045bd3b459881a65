/**
 * Registering the provisioning certificate of a vehicle: to whom its contract keys are encrypted
 * from then on. A vehicle has at most one for each standard.
 */

import { sameBytes } from '../pki/byte-order.ts';
import {
  type Certificate,
  fingerprint,
  isSelfIssued,
  readCertificate,
} from '../pki/certificate.ts';
import { spkiFingerprint } from '../pki/key-identifier.ts';
import { type Violation, violation } from '../pki/violations.ts';
import { type AccessPolicy, type Principal, requireKind } from './access-policy.ts';
import type { AuditEvent } from './audit.ts';
import type { CertificateStore } from './certificate-records.ts';
import type { Clock } from './clock.ts';
import { type FieldViolation, ServiceError } from './errors.ts';
import { newId } from './ids.ts';
import { type Organization, type OrganizationStore, organizationMeant } from './organizations.ts';
import { checkCertificate, type Registration, readRegistration } from './provisioning-checks.ts';
import type {
  OperatorsEvent,
  ProvisioningCertificate,
  ProvisioningRecord,
  ProvisioningStandard,
  ProvisioningStore,
} from './provisioning-records.ts';
import type { RandomBytes } from './serial-numbers.ts';

const REGISTER = 'provisioning-certificates:register';
/** The kind of certificates that it is about: roles may be limited to others. */
const KIND = 'oem-provisioning';
/** Sub-CAs between a leaf and the root ([V2G2-009]; -20 the same). */
const MAX_SUB_CERTIFICATES = 2;
/** How often a registration is tried while others register the same vehicle. */
const ATTEMPTS = 3;

/** Whether a certificate leads to an anchor that counts for this purpose of this organization. */
export type ValidateChain = (question: {
  readonly certificate: Uint8Array;
  /** What may lie between, in any order. */
  readonly candidates: readonly Uint8Array[];
  readonly purpose: 'oem-provisioning';
  readonly organizationId: string;
  readonly at: Date;
}) => Promise<
  /** The path from the certificate to the anchor, both included. */
  | { readonly ok: true; readonly path: readonly Uint8Array[] }
  | {
      readonly ok: false;
      readonly problems: readonly { readonly code: string; readonly message: string }[];
    }
>;

export interface RegistrationParts {
  readonly provisioning: Pick<ProvisioningStore, 'register' | 'findByPcid' | 'findBySha256'>;
  readonly organizations: Pick<OrganizationStore, 'findOrganization'>;
  readonly certificates: Pick<CertificateStore, 'isBlockedKey'>;
  readonly validateChain: ValidateChain;
  readonly access: AccessPolicy;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export interface RegistrationResult {
  readonly record: ProvisioningRecord;
  /** `unchanged` when exactly this is registered; `replaced` when it took another one's place. */
  readonly outcome: 'registered' | 'replaced' | 'unchanged';
}

/**
 * Registers a vehicle's provisioning certificate, in place of the one that is registered for its
 * PCID and standard if there is one; contract keys that were encrypted to another key are stale then.
 * The same again changes nothing, and is not checked again; with other certificates above it, it is
 * checked, and takes its own place where they lead to the anchor.
 * @param named the organization, for those who reach others than their own
 * @throws ServiceError `provisioning-certificate-refused` with every reason, `not-found` for an
 *   organization out of reach, `not-permitted` naming the kind of certificates, `conflict` when
 *   another organization has registered the PCID
 */
export async function registerProvisioning(
  parts: RegistrationParts,
  principal: Principal,
  registration: Registration,
  named?: string,
): Promise<RegistrationResult> {
  const organization = await organizationMeant(parts, principal, named, 'vehicle');
  requireKind(parts.access, principal, REGISTER, KIND);
  const { certificate, candidates, x448PublicKey, violations } = readRegistration(registration);
  if (!certificate) throw refused(violations);
  const known = await parts.provisioning.findBySha256(fingerprint(certificate.der));
  if (
    violations.length === 0 &&
    known?.organizationId === organization.id &&
    sameKey(known.x448PublicKey, x448PublicKey) &&
    candidates.every((der) => isAbove(known, der))
  ) {
    return { record: { ...known, state: 'registered' }, outcome: 'unchanged' };
  }

  const at = parts.clock();
  const [checked, blocked, chain] = await Promise.all([
    checkCertificate(certificate, x448PublicKey, organization),
    blockedKey(parts, certificate),
    checkChain(parts, certificate, candidates, organization, at),
  ]);
  const { pcid, standard } = checked;
  const faults = [
    ...violations,
    ...checked.violations,
    ...otherStandard(registration.standard, standard),
    ...blocked,
    ...chain.violations,
  ];
  if (faults.length > 0 || pcid === undefined || standard === undefined) throw refused(faults);
  return store(parts, principal, {
    id: newId('pcp', parts.random),
    organizationId: organization.id,
    pcid,
    standard,
    certificate: certificate.der,
    subCertificates: chain.subCertificates,
    spki: certificate.spki,
    sha256: fingerprint(certificate.der),
    ...(x448PublicKey ? { x448PublicKey } : {}),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    registeredAt: at,
  });
}

function otherStandard(
  said: ProvisioningStandard | undefined,
  standard: ProvisioningStandard | undefined,
): FieldViolation[] {
  if (said === undefined || standard === undefined || said === standard) return [];
  const message = `its key is one of ${standard}, not of ${said}`;
  return [{ code: 'key-type', message, field: 'body.certificate' }];
}

async function blockedKey(
  { certificates }: Pick<RegistrationParts, 'certificates'>,
  { spki }: Certificate,
): Promise<Violation[]> {
  if (!(await certificates.isBlockedKey(spkiFingerprint(spki)))) return [];
  const message = 'The key is on the block list, or was revoked as compromised.';
  return [violation('key-blocked', message, 'publicKey')];
}

async function checkChain(
  { validateChain }: Pick<RegistrationParts, 'validateChain'>,
  { der }: Certificate,
  candidates: readonly Uint8Array[],
  { id: organizationId }: Organization,
  at: Date,
): Promise<{ subCertificates: readonly Uint8Array[]; violations: readonly FieldViolation[] }> {
  const question = { certificate: der, candidates, purpose: KIND, organizationId, at } as const;
  const verdict = await validateChain(question);
  const field = 'body.chain';
  if (!verdict.ok) {
    const violations = verdict.problems.map(({ code, message }) => ({ code, message, field }));
    return { subCertificates: [], violations };
  }
  const above = verdict.path.slice(1);
  const top = above.at(-1);
  const hasRoot = top !== undefined && isSelfIssued(readCertificate(top));
  const subCertificates = hasRoot ? above.slice(0, -1) : above;
  const { length } = subCertificates;
  if (length <= MAX_SUB_CERTIFICATES) return { subCertificates, violations: [] };
  const message = `there are ${length} sub-CAs above it; ${MAX_SUB_CERTIFICATES} are allowed ([V2G2-009])`;
  return { subCertificates, violations: [{ code: 'chain-too-long', message, field }] };
}

async function store(
  parts: RegistrationParts,
  principal: Principal,
  certificate: ProvisioningCertificate,
): Promise<RegistrationResult> {
  const { pcid, standard, organizationId } = certificate;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const former = await parts.provisioning.findByPcid(pcid, standard);
    if (former && former.organizationId !== organizationId) throw taken(pcid);
    // The same request at the same time may have been faster.
    if (former && isSame(former, certificate)) {
      return { record: { ...former, state: 'registered' }, outcome: 'unchanged' };
    }
    const replaces = former === undefined ? {} : { replaces: former.id };
    const audit = [
      ...(former
        ? [provisioningAudit('replaced', former, principal, certificate.registeredAt)]
        : []),
      provisioningAudit('registered', certificate, principal, certificate.registeredAt, replaces),
    ];
    const outcome = await parts.provisioning.register({
      ...{ certificate, ...replaces, audit },
      forOperators: operatorsEvent(
        'reregistered',
        certificate,
        principal,
        certificate.registeredAt,
      ),
    });
    if (outcome === 'taken') throw taken(pcid);
    if (outcome === 'registered') {
      const record = { ...certificate, ...replaces, state: 'registered' } as const;
      return { record, outcome: former ? 'replaced' : 'registered' };
    }
  }
  throw new ServiceError('conflict', `others are registering ${pcid} at this moment`);
}

/** The entry for what becomes of a registration. */
export const provisioningAudit = (
  what: 'registered' | 'replaced' | 'deleted',
  { id, organizationId, pcid, standard, sha256 }: ProvisioningCertificate,
  { actor }: Principal,
  at: Date,
  more: AuditEvent['details'] = {},
): AuditEvent => ({
  at,
  organizationId,
  actor,
  action: `provisioning-certificate.${what}`,
  subject: id,
  details: { pcid, standard, sha256, ...more },
});

/** What the operators of the vehicle's contracts hear: not whose it is. */
export const operatorsEvent = (
  what: 'reregistered' | 'deregistered',
  { pcid, standard }: Pick<ProvisioningCertificate, 'pcid' | 'standard'>,
  { actor }: Principal,
  at: Date,
): OperatorsEvent => ({
  ...{ at, actor, action: `vehicle.${what}`, subject: pcid },
  details: { pcid, standard },
});

/** Whether a certificate stands above a registered one, which has no root in its chain. */
const isAbove = ({ subCertificates }: ProvisioningCertificate, der: Uint8Array): boolean =>
  subCertificates.some((one) => sameBytes(one, der)) || isSelfIssued(readCertificate(der));

const isSame = (one: ProvisioningCertificate, other: ProvisioningCertificate): boolean =>
  one.sha256 === other.sha256 &&
  sameKey(one.x448PublicKey, other.x448PublicKey) &&
  sameBytes(Buffer.concat(one.subCertificates), Buffer.concat(other.subCertificates));

const sameKey = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined ? a === b : sameBytes(a, b);

/** Whose it is, is not said; that it is taken cannot be kept from whoever has the WMI, too. */
const taken = (pcid: string): ServiceError =>
  new ServiceError('conflict', `${pcid} is registered by another organization`);

const refused = (violations: readonly (Violation | FieldViolation)[]): ServiceError =>
  new ServiceError(
    'provisioning-certificate-refused',
    'the provisioning certificate cannot be registered',
    violations,
  );
